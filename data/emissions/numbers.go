package emissions

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/data/grid"
	"opencarbon/data/raster"
)

// Hows are the ways in which a raster's pixels become one number of a cell, by
// the ground that each shares with it: mean and sd of the values, the sum of
// amounts (each pixel gives its share), the largest value.
var Hows = []string{"mean", "sum", "max", "sd"}

// NumberSpec is a raster that is no inventory: heights, night light, population.
type NumberSpec struct {
	Path string
	CRS  string // only where the file has none
	Band int    // from 1
	How  string // of Hows

	Nodata *float64 // only where the file does not say it
}

// Numbers makes one number of every cell, with the same shares of ground as an
// inventory has; negative values are numbers like any other here. values [N] are
// NaN where the raster says nothing; coverage [N] is the share of a cell's ground
// that it has a value for. Errors in what the user gave are *fault.Input.
func Numbers(ctx context.Context, s NumberSpec, g *grid.Grid, cells []grid.Cell, progress Progress) (values, coverage []float64, err error) {
	if !slices.Contains(Hows, s.How) {
		return nil, nil, fault.New("data.rasters", fmt.Sprintf("unknown way %q to make a number of pixels", s.How), "Choose "+strings.Join(Hows, ", ")+".")
	}
	files, err := expand(s.Path)
	if err != nil {
		return nil, nil, err
	}
	if len(files) > 1 {
		return nil, nil, fault.New(s.Path, fmt.Sprintf("%d files fit the pattern, where one raster is expected", len(files)), "Join tiles into one: gdalbuildvrt all.vrt FILES")
	}
	if progress == nil {
		progress = func(float64) {}
	}
	t, err := newTarget(g, cells)
	if err != nil {
		return nil, nil, err
	}
	defer t.close()
	n := &numbers{how: s.How, mean: make([]float64, len(cells)), square: make([]float64, len(cells)), most: make([]float64, len(cells))}
	for i := range n.most {
		n.most[i] = math.NaN()
	}
	if n.cell, err = t.measure.Areas(cells); err != nil {
		return nil, nil, err
	}
	if err := n.read(ctx, s, files[0], t, progress); err != nil {
		return nil, nil, err
	}
	if err := t.measure.Err(); err != nil {
		return nil, nil, err
	}
	values, coverage = n.result(t)
	return values, coverage, nil
}

// numbers are what cells have received; sums and areas are the target's.
type numbers struct {
	how    string
	cell   []float64 // [N] km2 of the cells
	mean   []float64 // [N] weighted by ground
	square []float64 // [N] sum of weighted squared deviations from it
	most   []float64 // [N]
}

// read spreads the raster, as loadRasters does an inventory.
func (n *numbers) read(ctx context.Context, s NumberSpec, file string, t *target, progress Progress) error {
	src, err := openRasters(&Spec{Path: s.Path, CRS: s.CRS, Bands: []int{s.Band}, Nodata: s.Nodata, Units: "proxy", Per: "cell", Period: "year", MissingMonths: "error"}, []string{file})
	if err != nil {
		return err
	}
	defer src.close()
	tr, err := raster.NewTransform(src.crs, t.g.CRS())
	if err != nil {
		return err
	}
	defer tr.Close()
	l := &lattice{src: src, g: t.g, t: tr}
	if !src.crs.Same(t.g.CRS()) {
		_, l.period = t.g.Turn()
	}
	windows, err := l.windows(t)
	if err != nil {
		return err
	}
	b := &strip{src: src, t: t, r: &Report{}, l: l, factor: 1, weights: []float64{1}, numbers: n}
	all, done := 0.0, 0.0 // pixels
	for _, w := range windows {
		all += float64(w.right-w.left) * float64(w.bottom-w.top)
	}
	for _, w := range windows {
		if err := b.window(ctx, w, func(pixels float64) { done += pixels; progress(done / all) }); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if b.touched == 0 {
		x0, y0, x1, y1, _ := raster.Geometry{Polygons: []raster.Polygon{src.sets[0].Outline(1)}}.Bounds()
		return t.apart("the raster", file, [4]float64{x0, y0, x1, y1}, src.crs, "Check data.rasters and data.region.")
	}
	return nil
}

// crumb is the share of a pixel, or of a cell, that rounding may make of an edge
// that both have: it must not decide what the largest value is.
const crumb = 1e-6

// give adds a pixel's value to the cells that its pieces lie in; area is the
// pixel's in km2.
func (n *numbers) give(t *target, v, area float64) {
	for _, p := range t.pieces {
		i := p.cell
		if i < 0 || p.area == 0 {
			continue
		}
		t.area[i] += p.area
		t.sum[i] += v * p.area / area
		if t.area[i] != 0 { // West's way of adding up: no difference of large squares
			d := v - n.mean[i]
			n.mean[i] += d * p.area / t.area[i]
			n.square[i] += p.area * d * (v - n.mean[i])
		}
		if p.area > crumb*min(area, n.cell[i]) && (math.IsNaN(n.most[i]) || v > n.most[i]) {
			n.most[i] = v
		}
	}
	t.pieces = t.pieces[:0]
}

// result is what is asked for.
func (n *numbers) result(t *target) (values, coverage []float64) {
	values, coverage = make([]float64, len(n.cell)), make([]float64, len(n.cell))
	for i := range values {
		if t.area[i] <= 1e-9*n.cell[i] {
			values[i] = math.NaN()
			continue
		}
		coverage[i] = t.area[i] / n.cell[i]
		switch n.how {
		case "mean":
			values[i] = n.mean[i]
		case "sum":
			values[i] = t.sum[i]
		case "max":
			values[i] = n.most[i]
		case "sd":
			values[i] = math.Sqrt(max(0, n.square[i]/t.area[i]))
		}
	}
	return values, coverage
}
