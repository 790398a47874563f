package tsne

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"opencarbon/data/fault"
)

// Anchors chooses count points along the gradient of value (ln emission), from
// low to high, for a picture such as Figure 5 of the paper: the points are
// parted by value into count bands of equal width between the 1st and the 99th
// percentile, and of each band the point is taken that lies nearest to the
// median of the band's places on the map y, [n, 2]. A band without points gives
// none, so that there may be fewer. NaN values (cells without a target) are left
// out. value is [n]; unequal lengths and a count below 1 are *fault.Input errors.
func Anchors(y, value []float64, count int) ([]int, error) {
	if len(y) != 2*len(value) {
		return nil, fault.New("anchors", fmt.Sprintf("%d coordinates do not fit %d values", len(y), len(value)), "give two for each point")
	}
	if count < 1 {
		return nil, fault.New("anchors", fmt.Sprintf("%d anchors", count), "choose at least 1; the paper has 6")
	}
	var order []int
	for i, v := range value {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			order = append(order, i)
		}
	}
	if len(order) == 0 {
		return nil, nil
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(value[a], value[b]) })
	// Single extremes would leave the outer bands nearly empty.
	last := len(order) - 1
	low, high := value[order[last/100]], value[order[last-last/100]]
	bands := make([][]int, count)
	for _, i := range order {
		b := 0
		if high > low {
			b = int(float64(count) * (value[i] - low) / (high - low))
		}
		b = max(0, min(count-1, b))
		bands[b] = append(bands[b], i)
	}
	var anchors []int
	for _, band := range bands {
		if len(band) == 0 {
			continue
		}
		x0 := median(band, func(i int) float64 { return y[2*i] })
		y0 := median(band, func(i int) float64 { return y[2*i+1] })
		best := slices.MinFunc(band, func(a, b int) int {
			return cmp.Or(cmp.Compare(math.Hypot(y[2*a]-x0, y[2*a+1]-y0), math.Hypot(y[2*b]-x0, y[2*b+1]-y0)), cmp.Compare(a, b))
		})
		anchors = append(anchors, best)
	}
	return anchors, nil
}

func median(points []int, of func(i int) float64) float64 {
	v := make([]float64, len(points))
	for k, i := range points {
		v[k] = of(i)
	}
	slices.Sort(v)
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}
