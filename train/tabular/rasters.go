package tabular

import (
	"fmt"
	"math"
	"slices"

	"opencarbon/data/fault"
	"opencarbon/data/store"
)

// RasterNames are the names of all rasters that a store has numbers of.
func RasterNames(s *store.Store) (names []string) {
	for _, r := range s.Meta().Rasters {
		names = append(names, r.Name)
	}
	return names
}

// rasterNames are the columns that rasters give: each as it is, and its logarithm,
// since night light or population is spread over orders of magnitude, and heights
// are not.
func rasterNames(rasters []string) (names []string) {
	for _, r := range rasters {
		names = append(names, r, "ln(1 + "+r+")")
	}
	return names
}

// rasterColumns are the numbers of some rasters of a store, [N, 2 len(rasters)]: x
// and ln(1 + max(x, 0)) of each. A cell without a value takes the mean of the
// others, so that no model sees a gap. A raster that the store lacks is a
// *fault.Input error.
func rasterColumns(s *store.Store, rasters []string) ([]float32, error) {
	have, values := RasterNames(s), s.Rasters()
	out := make([]float32, 2*len(rasters)*s.Len())
	for j, name := range rasters {
		at := slices.Index(have, name)
		if at < 0 {
			return nil, fault.New(s.Dir(), fmt.Sprintf("has no raster %q", name), "Give it in data.rasters, under this name.")
		}
		sum, n := 0.0, 0
		for i := range s.Len() {
			if v := float64(values[i*len(have)+at]); v == v {
				sum += v
				n++
			}
		}
		mean := sum / float64(max(n, 1))
		for i := range s.Len() {
			v := float64(values[i*len(have)+at])
			if v != v {
				v = mean
			}
			row := out[2*(i*len(rasters)+j):]
			row[0], row[1] = float32(v), float32(math.Log1p(max(v, 0)))
		}
	}
	return out, nil
}
