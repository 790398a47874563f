package plots

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"opencarbon/train/metrics"
)

// percentiles are the quantiles a and b of the finite values, widened where they
// fall together.
func percentiles(values []float64, a, b float64) (lo, hi float64) {
	s := make([]float64, 0, len(values))
	for _, v := range values {
		if metrics.Finite(v) {
			s = append(s, v)
		}
	}
	if len(s) == 0 {
		return 0, 1
	}
	slices.Sort(s)
	lo, hi = metrics.Quantile(s, a), metrics.Quantile(s, b)
	if lo == hi {
		return span([]float64{lo})
	}
	return lo, hi
}

// BinnedData is one or more clouds of points, shown by what is typical along x.
type BinnedData struct {
	Title, X, Y string
	Clouds      []Line  // X, Y: the points
	Bins        int     // of equal numbers of points; default 10
	Low, High   float64 // quantiles of the band; default 0.25, 0.75
	From, To    float64 // ends of the y axis; equal: the data's. Give two figures the same to compare them
	Width       float64 // points without the legend; default 600
	NoLegend    bool    // where the figure beside it has the same
}

// Binned draws, for bins of equal counts along x, the median of y as a line and
// the quantile band around it (Figure 6 of the paper in this form).
func Binned(d BinnedData) (*Figure, error) {
	if d.Bins <= 0 {
		d.Bins = 10
	}
	if d.Low >= d.High {
		d.Low, d.High = 0.25, 0.75
	}
	p := newPlot(d.Title, d.X, d.Y)
	p.Add(grid())
	var medians []Line
	for i, cloud := range d.Clouds {
		if len(cloud.X) != len(cloud.Y) {
			return nil, fmt.Errorf("cloud %s: %d x but %d y", cloud.Name, len(cloud.X), len(cloud.Y))
		}
		x, mid, low, high := bin(cloud, d.Bins, d.Low, d.High)
		if len(x) > 1 {
			var ring plotter.XYs
			for k := range x {
				ring = append(ring, plotter.XY{X: x[k], Y: low[k]})
			}
			for k := len(x) - 1; k >= 0; k-- {
				ring = append(ring, plotter.XY{X: x[k], Y: high[k]})
			}
			band, err := plotter.NewPolygon(ring)
			if err != nil {
				return nil, err
			}
			band.Color, band.LineStyle.Width = faded(lineColor(i), 0.2), 0
			p.Add(band)
		}
		medians = append(medians, Line{Name: cloud.Name, X: x, Y: mid})
	}
	if err := addLines(p, medians); err != nil {
		return nil, err
	}
	if d.From < d.To {
		p.Y.Min, p.Y.Max = d.From, d.To
	}
	p.Y.Min, p.Y.Max = padded(p.Y.Min, p.Y.Max)
	width, room := vg.Length(600), vg.Length(0)
	if d.Width > 0 {
		width = vg.Length(d.Width)
	}
	if !d.NoLegend {
		room = legendWidth(names(d.Clouds)...)
	}
	return newFigure(width+room, 0.7*width, func(c draw.Canvas) { besideLegend(p, room, c) }), nil
}

// bin sorts the points by x into bins of equal counts and returns, per bin, the
// median x, the median y and two quantiles of y.
func bin(c Line, bins int, a, b float64) (x, mid, low, high []float64) {
	var order []int
	for i := range c.X {
		if metrics.Finite(c.X[i]) && metrics.Finite(c.Y[i]) {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(i, j int) int {
		switch {
		case c.X[i] < c.X[j]:
			return -1
		case c.X[i] > c.X[j]:
			return 1
		}
		return 0
	})
	bins = min(bins, len(order))
	for k := range bins {
		part := order[k*len(order)/bins : (k+1)*len(order)/bins]
		var xs, ys []float64
		for _, i := range part {
			xs, ys = append(xs, c.X[i]), append(ys, c.Y[i])
		}
		slices.Sort(ys)
		x, mid = append(x, metrics.Quantile(xs, 0.5)), append(mid, metrics.Quantile(ys, 0.5))
		low, high = append(low, metrics.Quantile(ys, a)), append(high, metrics.Quantile(ys, b))
	}
	return x, mid, low, high
}

// BarsData is a chart of bars in groups.
type BarsData struct {
	Title, Y string
	Groups   []string // under the axis
	Sets     []BarSet // one bar per group each
}

// BarSet are the bars of one color.
type BarSet struct {
	Name   string
	Values []float64 // per group; NaN = no bar
	Errors []float64 // half lengths of error bars, e.g. standard deviations; nil = none
}

// Bars draws bars in groups, with error bars.
func Bars(d BarsData) (*Figure, error) {
	if len(d.Groups) == 0 {
		return nil, fmt.Errorf("bars: no groups")
	}
	p := newPlot(d.Title, "", d.Y)
	p.Add(grid())
	width := 0.8 / float64(max(len(d.Sets), 1)) // of a group's place, which is 1 wide
	for i, s := range d.Sets {
		if len(s.Values) != len(d.Groups) || s.Errors != nil && len(s.Errors) != len(d.Groups) {
			return nil, fmt.Errorf("bars %s: %d values and %d errors for %d groups", s.Name, len(s.Values), len(s.Errors), len(d.Groups))
		}
		var first *plotter.Polygon
		for g, v := range s.Values {
			if !metrics.Finite(v) {
				continue
			}
			left := float64(g) - 0.4 + float64(i)*width
			right := left + width*0.92
			box, err := plotter.NewPolygon(plotter.XYs{{X: left, Y: 0}, {X: right, Y: 0}, {X: right, Y: v}, {X: left, Y: v}})
			if err != nil {
				return nil, err
			}
			box.Color, box.LineStyle.Width = lineColor(i), 0
			p.Add(box)
			if first == nil {
				first = box
				if len(d.Sets) > 1 {
					p.Legend.Add(shown(s.Name, nameRoom), box)
				}
			}
			if s.Errors == nil || !(s.Errors[g] > 0) {
				continue
			}
			mid, cap := (left+right)/2, width*0.15
			for _, l := range []plotter.XYs{
				{{X: mid, Y: v - s.Errors[g]}, {X: mid, Y: v + s.Errors[g]}},
				{{X: mid - cap, Y: v - s.Errors[g]}, {X: mid + cap, Y: v - s.Errors[g]}},
				{{X: mid - cap, Y: v + s.Errors[g]}, {X: mid + cap, Y: v + s.Errors[g]}},
			} {
				line, err := plotter.NewLine(l)
				if err != nil {
					return nil, err
				}
				line.Width = vg.Points(1.2)
				p.Add(line)
			}
		}
	}
	p.X.Min, p.X.Max = -0.6, float64(len(d.Groups))-0.4
	lo, hi := min(p.Y.Min, 0), max(p.Y.Max, 0)
	if !metrics.Finite(lo) || !metrics.Finite(hi) || lo == hi {
		lo, hi = 0, 1
	}
	pad := 0.06 * (hi - lo)
	if lo < 0 {
		p.Y.Min = lo - pad
	} else {
		p.Y.Min = 0
	}
	p.Y.Max = hi + pad
	p.NominalX(shownAll(d.Groups)...)
	room := vg.Length(0)
	if len(d.Sets) > 1 {
		for _, s := range d.Sets {
			room = max(room, legendWidth(s.Name))
		}
	}
	return newFigure(vg.Length(max(420, 120+90*len(d.Groups)))+room, 400, func(c draw.Canvas) { besideLegend(p, room, c) }), nil
}

// MatrixData is a heat map of a matrix.
type MatrixData struct {
	Title      string
	RowTitle   string // of the left axis
	ColTitle   string // of the bottom axis
	Rows, Cols []string
	Values     [][]float64 // [len(Rows)][len(Cols)]; NaN = gray
	Label      string      // of the color bar
	Diverging  bool
	Low, High  float64 // ends of the bar; equal: the data's
	Format     string  // of the numbers in the fields, e.g. "%.2f"; empty = none
}

// Matrix draws a heat map with the first row on top (Figures 1a and 4).
func Matrix(d MatrixData) (*Figure, error) {
	n, m := len(d.Rows), len(d.Cols)
	if n == 0 || m == 0 || len(d.Values) != n {
		return nil, fmt.Errorf("heat map: %d rows of values for %d names of rows and %d of columns", len(d.Values), n, m)
	}
	d.Rows, d.Cols = shownAll(d.Rows), shownAll(d.Cols)
	lo, hi := d.Low, d.High
	if lo >= hi {
		lo, hi = span(d.Values...)
	}
	steps := viridis
	if d.Diverging {
		reach := max(math.Abs(lo), math.Abs(hi))
		lo, hi, steps = -reach, reach, blueRed
	}
	p := newPlot(d.Title, d.ColTitle, d.RowTitle)
	number := p.X.Tick.Label
	number.XAlign, number.YAlign = draw.XCenter, draw.YCenter
	for i, row := range d.Values {
		if len(row) != m {
			return nil, fmt.Errorf("heat map: row %s has %d values for %d columns", d.Rows[i], len(row), m)
		}
		for j, v := range row {
			x, y := float64(j), float64(n-1-i)
			c := noValue
			if metrics.Finite(v) {
				c = at(steps, (v-lo)/(hi-lo))
			}
			box, err := plotter.NewPolygon(plotter.XYs{{X: x - .5, Y: y - .5}, {X: x + .5, Y: y - .5}, {X: x + .5, Y: y + .5}, {X: x - .5, Y: y + .5}})
			if err != nil {
				return nil, err
			}
			box.Color = c
			box.LineStyle.Width, box.LineStyle.Color = vg.Points(0.5), noValue
			p.Add(box)
			if d.Format == "" || !metrics.Finite(v) {
				continue
			}
			text, err := plotter.NewLabels(plotter.XYLabels{XYs: plotter.XYs{{X: x, Y: y}}, Labels: []string{fmt.Sprintf(d.Format, v)}})
			if err != nil {
				return nil, err
			}
			text.TextStyle[0] = number
			text.TextStyle[0].Color = ink(c)
			p.Add(text)
		}
	}
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = -.5, float64(m)-.5, -.5, float64(n)-.5
	p.X.Padding, p.Y.Padding = 0, 0
	rowsUp := slices.Clone(d.Rows)
	slices.Reverse(rowsUp)
	p.NominalX(d.Cols...)
	p.NominalY(rowsUp...)
	long := 0
	for _, c := range d.Cols {
		long = max(long, roomOf(c))
	}
	foot := vg.Length(0)
	if long > 7 { // names that would run into one another stand upright
		p.X.Tick.Label.Rotation = math.Pi / 2
		p.X.Tick.Label.XAlign, p.X.Tick.Label.YAlign = draw.XRight, draw.YCenter
		foot = vg.Length(7 * long)
	}
	rowNames := 0
	for _, r := range d.Rows {
		rowNames = max(rowNames, roomOf(r))
	}
	cell := vg.Length(58)
	if max(n, m) > 12 {
		cell = vg.Length(max(14, 700/max(n, m)))
	}
	bar := colorBar(steps, lo, hi, d.Label, false)
	const barRoom = 76
	width := max(cell*vg.Length(m)+vg.Length(60+8*rowNames)+foot, 300)
	for _, text := range []string{d.Title, d.ColTitle, d.Label} { // they stand over and under the field alone
		width = max(width, vg.Length(8*roomOf(shown(text, titleRoom))))
	}
	return newFigure(width, cell*vg.Length(n)+80+foot+barRoom, func(c draw.Canvas) {
		top, bottom := c, c
		top.Min.Y, bottom.Max.Y = c.Min.Y+barRoom, c.Min.Y+barRoom-10
		p.Draw(top)
		bar.Draw(bottom)
	}), nil
}
