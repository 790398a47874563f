package plots

import (
	"fmt"
	"image"
	"slices"

	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"opencarbon/train/metrics"
)

// RankingData are named values, such as one for each POI category.
type RankingData struct {
	Title, X  string // X: label of the axis, with the unit
	Names     []string
	Values    []float64 // NaN: no bar
	Low, High []float64 // ends of whiskers; nil: none
}

// Ranking draws a horizontal bar for each name, the largest value on top, with
// room for long names; below zero the bars have another color.
func Ranking(d RankingData) (*Figure, error) {
	n := len(d.Names)
	if n == 0 || len(d.Values) != n || (d.Low == nil) != (d.High == nil) || d.Low != nil && (len(d.Low) != n || len(d.High) != n) {
		return nil, fmt.Errorf("ranking: %d values, %d and %d ends for %d names", len(d.Values), len(d.Low), len(d.High), n)
	}
	d.Title, d.X, d.Names = shown(d.Title, titleRoom), shown(d.X, titleRoom), shownAll(d.Names)
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { // the axis counts upward: smallest first, what has no value at the bottom
		x, y := d.Values[a], d.Values[b]
		switch {
		case !metrics.Finite(x) && metrics.Finite(y) || x < y:
			return -1
		case metrics.Finite(x) && !metrics.Finite(y) || x > y:
			return 1
		}
		return 0
	})
	p := newPlot(d.Title, d.X, "")
	p.Add(grid())
	names := make([]string, n)
	long := 0
	for at, i := range order {
		names[at] = d.Names[i]
		long = max(long, roomOf(d.Names[i]))
		v, y := d.Values[i], float64(at)
		if !metrics.Finite(v) {
			names[at] += " (none)"
			long = max(long, roomOf(names[at]))
			continue
		}
		box, err := plotter.NewPolygon(plotter.XYs{{X: 0, Y: y - 0.36}, {X: v, Y: y - 0.36}, {X: v, Y: y + 0.36}, {X: 0, Y: y + 0.36}})
		if err != nil {
			return nil, err
		}
		box.Color, box.LineStyle.Width = lineColor(0), 0
		if v < 0 {
			box.Color = lineColor(1)
		}
		p.Add(box)
		if d.Low == nil || !metrics.Finite(d.Low[i]) || !metrics.Finite(d.High[i]) {
			continue
		}
		for _, l := range []plotter.XYs{
			{{X: d.Low[i], Y: y}, {X: d.High[i], Y: y}},
			{{X: d.Low[i], Y: y - 0.15}, {X: d.Low[i], Y: y + 0.15}},
			{{X: d.High[i], Y: y - 0.15}, {X: d.High[i], Y: y + 0.15}},
		} {
			line, err := plotter.NewLine(l)
			if err != nil {
				return nil, err
			}
			line.Width = vg.Points(1.2)
			p.Add(line)
		}
	}
	lo, hi := min(p.X.Min, 0), max(p.X.Max, 0)
	if !metrics.Finite(lo) || !metrics.Finite(hi) || lo == hi {
		lo, hi = 0, 1
	}
	pad := 0.04 * (hi - lo)
	if lo < 0 {
		lo -= pad
	}
	if hi > 0 {
		hi += pad
	}
	p.NominalY(names...)
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = lo, hi, -0.6, float64(n)-0.4
	p.Y.Padding = 0
	width := max(vg.Length(320+6*long), vg.Length(8*roomOf(d.Title)+40), vg.Length(7*roomOf(d.X)+6*long+40)) // titles stand over and under the plot alone; a phone shows 400 points
	return newFigure(width, vg.Length(100+20*n), func(c draw.Canvas) { p.Draw(c) }), nil
}

// Beside joins figures side by side into one, their tops aligned.
func Beside(figures ...*Figure) (*Figure, error) {
	if len(figures) == 0 {
		return nil, fmt.Errorf("beside: no figures")
	}
	var width, height vg.Length
	var images []image.Image
	for _, f := range figures {
		w, h := f.canvas.Size()
		width, height = width+w, max(height, h)
		images = append(images, f.canvas.Image())
	}
	return newFigure(width, height, func(c draw.Canvas) {
		x, top := c.Min.X-margin, c.Max.Y+margin
		for i, f := range figures {
			w, h := f.canvas.Size()
			c.DrawImage(vg.Rectangle{Min: vg.Point{X: x, Y: top - h}, Max: vg.Point{X: x + w, Y: top}}, images[i])
			x += w
		}
	}), nil
}
