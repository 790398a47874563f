package plots

import (
	"fmt"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"opencarbon/train/metrics"
)

// Line is a curve; points whose Y is NaN are left out.
type Line struct {
	Name   string
	X, Y   []float64
	Dashed bool
}

// CurvesData are the learning curves of a run.
type CurvesData struct {
	Title  string
	Loss   []Line  // e.g. train and its parts, by epoch
	R2     []Line  // e.g. train and validation
	Best   float64 // epoch of the best weights; 0 or NaN = none
	Events []Event // e.g. where the contrastive loss starts
}

// Event is a vertical mark.
type Event struct {
	X    float64
	Name string
}

// Curves draws loss and R2 by epoch, one above the other. R2 below -1 is cut off
// at the bottom: the first epochs would flatten everything else.
func Curves(d CurvesData) (*Figure, error) {
	loss := newPlot(d.Title, "", "loss")
	r2 := newPlot("", "epoch", "R2 on ln emission")
	for _, panel := range []struct {
		p     *plot.Plot
		lines []Line
	}{{loss, d.Loss}, {r2, d.R2}} {
		if err := addLines(panel.p, panel.lines); err != nil {
			return nil, err
		}
		panel.p.X.Tick.Marker = wholeTicks{8}
		panel.p.Add(grid())
	}
	var xs, r2s [][]float64
	for _, l := range d.Loss {
		xs = append(xs, l.X)
	}
	for _, l := range d.R2 {
		xs, r2s = append(xs, l.X), append(r2s, l.Y)
	}
	lo, hi := span(xs...)
	low, high := span(r2s...)
	for _, p := range []*plot.Plot{loss, r2} {
		p.X.Min, p.X.Max = lo, hi
	}
	r2.Y.Min, r2.Y.Max = max(low, -1), max(high, 0)
	if r2.Y.Min >= r2.Y.Max {
		r2.Y.Min = r2.Y.Max - 1
	}
	pad := 0.04 * (r2.Y.Max - r2.Y.Min)
	r2.Y.Min, r2.Y.Max = r2.Y.Min-pad, r2.Y.Max+pad
	loss.Y.Min, loss.Y.Max = padded(loss.Y.Min, loss.Y.Max)
	events := d.Events
	if d.Best > 0 {
		events = append(events[:len(events):len(events)], Event{d.Best, fmt.Sprintf("best, epoch %.0f", d.Best)})
	}
	for i, e := range events {
		for _, p := range []*plot.Plot{loss, r2} {
			l, err := plotter.NewLine(plotter.XYs{{X: e.X, Y: p.Y.Min}, {X: e.X, Y: p.Y.Max}})
			if err != nil {
				return nil, err
			}
			l.Color, l.Width = guide, vg.Points(1)
			l.Dashes = []vg.Length{vg.Points(2 + 3*float64(i%3)), vg.Points(3)}
			p.Add(l)
			if p == loss {
				p.Legend.Add(shown(e.Name, nameRoom), l)
			}
		}
	}
	width := legendWidth(append(names(d.Loss), names(d.R2)...)...)
	for _, e := range events {
		width = max(width, legendWidth(e.Name))
	}
	return newFigure(620+width, 600, func(c draw.Canvas) {
		// Aligned, so that an epoch of one panel is above that of the other.
		left := c
		left.Max.X -= width
		aligned := plot.Align([][]*plot.Plot{{loss}, {r2}}, draw.Tiles{Rows: 2, Cols: 1, PadY: vg.Points(6)}, left)
		for i, p := range []*plot.Plot{loss, r2} {
			aligned[i][0].Max.X += width
			besideLegend(p, width, aligned[i][0])
		}
	}), nil
}

func padded(lo, hi float64) (float64, float64) {
	if !metrics.Finite(lo) || !metrics.Finite(hi) || lo > hi {
		return 0, 1
	}
	pad := 0.04 * (hi - lo)
	if pad == 0 {
		pad = max(0.05*math.Abs(lo), 0.1)
	}
	return lo - pad, hi + pad
}

func grid() *plotter.Grid {
	g := plotter.NewGrid()
	g.Horizontal.Color, g.Vertical.Color = noValue, noValue
	return g
}

// addLines adds lines with their legend.
func addLines(p *plot.Plot, lines []Line) error {
	for i, l := range lines {
		if len(l.X) != len(l.Y) {
			return fmt.Errorf("line %s: %d x but %d y", l.Name, len(l.X), len(l.Y))
		}
		var points plotter.XYs
		for k := range l.X {
			if metrics.Finite(l.X[k]) && metrics.Finite(l.Y[k]) {
				points = append(points, plotter.XY{X: l.X[k], Y: l.Y[k]})
			}
		}
		if len(points) == 0 {
			continue
		}
		line, err := plotter.NewLine(points)
		if err != nil {
			return err
		}
		line.Color, line.Width = lineColor(i), vg.Points(1.8)
		if l.Dashed {
			line.Dashes = []vg.Length{vg.Points(6), vg.Points(4)}
		}
		p.Add(line)
		thumbs := []plot.Thumbnailer{line}
		if len(points) <= 30 { // few points are shown as such; one alone has no line
			dots, err := plotter.NewScatter(points)
			if err != nil {
				return err
			}
			dots.GlyphStyle = draw.GlyphStyle{Color: lineColor(i), Radius: vg.Points(2.5), Shape: draw.CircleGlyph{}}
			p.Add(dots)
			thumbs = append(thumbs, dots)
		}
		if l.Name != "" {
			p.Legend.Add(shown(l.Name, nameRoom), thumbs...)
		}
	}
	return nil
}
