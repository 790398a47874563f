package emissions

import (
	"context"
	"slices"
)

// wholeLimit bounds the numbers that are read merely to say what the files hold
// in all: a country's inventory is added up in a moment, twelve global months of
// ODIAC are 11 thousand million numbers and are not.
const wholeLimit = 1 << 26

// wholeRows is how many numbers of a band are held at once for that.
const wholeRows = 1 << 20

// whole adds up what the files hold from edge to edge, so that the account can
// set a region's total beside it. Nodata and negative numbers are left out, as
// everywhere; those of the region are counted where its window is read. weights
// are the strip's, and unit turns the files' unit into tonnes of CO2.
func (src *rasterSource) whole(ctx context.Context, r *Report, weights []float64, unit float64) error {
	r.FileNumbers = int64(src.width) * int64(src.height) * int64(src.count())
	if r.FileNumbers > wholeLimit {
		return nil
	}
	b := &strip{src: src, r: &Report{}, w: src.width, factor: 1, weights: weights}
	rows := max(1, wholeRows/src.width)
	for top := 0; top < src.height; top += rows {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := b.read(top, min(rows, src.height-top)); err != nil {
			return err
		}
		for _, v := range b.sum {
			r.FileYear += v * unit
		}
	}
	r.FileSummed = true
	if slices.Min(weights) == slices.Max(weights) && weights[0] > 0 {
		r.FileSum = r.FileYear / unit / weights[0]
	}
	return nil
}
