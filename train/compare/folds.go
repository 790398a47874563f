package compare

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"

	"opencarbon/data"
	"opencarbon/data/fault"
	"opencarbon/data/grid"
	"opencarbon/data/split"
	"opencarbon/data/store"
	"opencarbon/train/metrics"
)

// Ways to deal cells to folds.
const (
	ByBlocks = "blocks"
	KNNDM    = "knndm"
)

// dealt is the fold of each cell, -1 without a target, and in words how it came to
// be. Where W is known it is printed.
func dealt(ctx context.Context, s *store.Store, in split.Input, o Options) ([]int, string, error) {
	switch o.Dealt {
	case "", ByBlocks:
		if o.For != "" {
			return nil, "", fault.New("--for", "is of folds that match a prediction region", "Add --folds-method knndm, or leave it away.")
		}
		of, err := split.Folds(in, o.Folds, o.Block, o.Draw)
		return of, fmt.Sprintf("of blocks of %d x %d cells, seed %d", o.Block, o.Block, o.Draw), err
	case KNNDM:
	default:
		return nil, "", fault.New("--folds-method", fmt.Sprintf("%q is unknown", o.Dealt), "Use blocks or knndm.")
	}
	region, about, err := regionOf(ctx, s, o.For)
	if err != nil {
		return nil, "", err
	}
	m, err := split.KNNDM(ctx, in, region, o.Folds, o.Block, o.Buffer, o.Draw)
	if err != nil {
		return nil, "", err
	}
	w := func(km float64) string {
		if math.IsNaN(km) || math.IsInf(km, 0) {
			return "cannot be made"
		}
		return "W " + metrics.Number(km) + " km"
	}
	fmt.Fprintf(o.Report, "kNNDM for %s, %d cells without a target: they lie %s km from the nearest labeled cell, held-out cells %s km from the nearest that trains (means)\n",
		about, m.Predicted, metrics.Number(m.Ahead), metrics.Number(m.HeldOut))
	fmt.Fprintf(o.Report, "distance of the two distributions: these folds (%d clusters) %s; blocks of %d x %d %s; a random draw %s\n",
		m.Clusters, w(m.W), o.Block, o.Block, w(m.Blocks), w(m.Random))
	return m.Folds, fmt.Sprintf("by kNNDM for %s (W %s km; blocks of %d x %d: %s; a random draw: %s), seed %d", about,
		metrics.Number(m.W), o.Block, o.Block, w(m.Blocks), w(m.Random), o.Draw), nil
}

// regionOf are the cells of a prediction region, [P, 2] in degrees: of the store
// itself (""), of another one, or of the store's grid within west,south,east,north.
func regionOf(ctx context.Context, s *store.Store, region string) (lonlat []float64, about string, err error) {
	if region == "" {
		return s.LonLat(), "all cells of the store", nil
	}
	var box []float64
	for _, field := range strings.Split(region, ",") {
		v, err := strconv.ParseFloat(strings.TrimSpace(field), 64)
		if err != nil {
			box = nil
			break
		}
		box = append(box, v)
	}
	if box == nil {
		other, err := store.Open(region)
		if err != nil {
			return nil, "", fault.Wrap(err, "--for", fmt.Sprintf("%q is neither a store nor four numbers", region), "Give the folder of a store, or west,south,east,north in degrees.")
		}
		defer other.Close()
		return append([]float64(nil), other.LonLat()...), "the cells of " + other.Meta().Name, nil
	}
	b, err := grid.ParseBBox(box)
	if err != nil {
		return nil, "", fault.Wrap(err, "--for", fmt.Sprintf("%q is no region", region), "Give west,south,east,north in degrees.")
	}
	g, err := data.GridOf(s.Meta().Grid)
	if err != nil {
		return nil, "", err
	}
	cells, err := g.InBBox(ctx, b)
	if err != nil {
		return nil, "", err
	}
	measure, err := g.NewMeasure()
	if err != nil {
		return nil, "", err
	}
	defer measure.Close()
	lon, lat, err := measure.Centers(cells)
	if err != nil {
		return nil, "", err
	}
	for i := range lon {
		lonlat = append(lonlat, lon[i], lat[i])
	}
	return lonlat, "the cells within " + region, nil
}
