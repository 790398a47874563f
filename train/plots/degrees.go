package plots

import (
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
)

// degrees labels an axis of columns or rows with longitude or latitude. at are
// places on the axis, rising, and deg the degrees there, rising or falling.
type degrees struct {
	at, deg []float64
	n       int // labels, about
}

// axes are the two axes of a map whose cells have known centers; false where they
// have not, or where there is a single column or row. Of a grid that is turned
// against the meridians the labels are means over each column and row.
func (d MapsData) axes() (x, y degrees, ok bool) {
	if len(d.LonLat) != 2*len(d.Col) {
		return x, y, false
	}
	lon := make([]float64, len(d.Col))
	low, high := math.Inf(1), math.Inf(-1)
	for i := range lon {
		lon[i] = d.LonLat[2*i]
		low, high = min(low, lon[i]), max(high, lon[i])
	}
	if high-low > 180 { // over the antimeridian
		for i := range lon {
			if lon[i] < 0 {
				lon[i] += 360
			}
		}
	}
	lat := make([]float64, len(d.Row))
	for i := range lat {
		lat[i] = d.LonLat[2*i+1]
	}
	x, y = meansOf(d.Col, lon, 1), meansOf(d.Row, lat, -1)
	x.n, y.n = 4, 6
	return x, y, len(x.at) > 1 && len(y.at) > 1
}

// meansOf is the mean of v in each line of cells, at the line's middle on an axis
// that runs from sign times the first.
func meansOf(line []int64, v []float64, sign float64) degrees {
	sum, n := map[int64]float64{}, map[int64]float64{}
	for i, l := range line {
		sum[l], n[l] = sum[l]+v[i], n[l]+1
	}
	lines := make([]int64, 0, len(sum))
	for l := range sum {
		lines = append(lines, l)
	}
	slices.Sort(lines)
	if sign < 0 {
		slices.Reverse(lines)
	}
	var d degrees
	for _, l := range lines {
		d.at, d.deg = append(d.at, sign*(float64(l)+0.5)), append(d.deg, sum[l]/n[l])
	}
	return d
}

// between is y at x of a broken line through rising xs, going on beyond its ends.
func between(xs, ys []float64, x float64) float64 {
	i, _ := slices.BinarySearch(xs, x)
	i = max(1, min(i, len(xs)-1))
	return ys[i-1] + (x-xs[i-1])*(ys[i]-ys[i-1])/(xs[i]-xs[i-1])
}

// Ticks implements plot.Ticker.
func (d degrees) Ticks(lo, hi float64) []plot.Tick {
	a, b := between(d.at, d.deg, lo), between(d.at, d.deg, hi)
	deg, at := slices.Clone(d.deg), slices.Clone(d.at)
	if deg[0] > deg[len(deg)-1] {
		slices.Reverse(deg)
		slices.Reverse(at)
	}
	if !slices.IsSorted(deg) { // a region whose columns are of different heights on a turned grid
		return plot.DefaultTicks{}.Ticks(lo, hi)
	}
	a, b = min(a, b), max(a, b)
	step := niceStep((b - a) / float64(d.n))
	digits := max(0, int(math.Ceil(-math.Log10(step)-1e-9)))
	var out []plot.Tick
	for k := math.Ceil(a / step); k*step <= b; k++ {
		v := k * step
		shown := v
		if shown > 180 {
			shown -= 360
		}
		out = append(out, plot.Tick{Value: between(deg, at, v), Label: strconv.FormatFloat(shown, 'f', digits, 64) + "°"})
	}
	return out
}

// niceStep is the smallest of 1, 2 and 5 times a power of ten that is at least x.
func niceStep(x float64) float64 {
	p := math.Pow(10, math.Floor(math.Log10(x)))
	for _, m := range []float64{1, 2, 5} {
		if m*p >= x*(1-1e-9) {
			return m * p
		}
	}
	return 10 * p
}
