package plots

import (
	"fmt"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"opencarbon/train/metrics"
)

// Points are the predictions of one split.
type Points struct {
	Name            string    // legend, e.g. "test  R2 0.71  MAE 0.30  RMSE 0.39"
	True, Predicted []float64 // ln emission
}

// ScatterData is predicted against true ln emission.
type ScatterData struct {
	Title string
	Unit  string // of the amounts, e.g. tCO2/yr; empty or proxy: the axes show ln values
	Sets  []Points
}

// Scatter draws predicted against true with the line of equality. Sets are drawn
// in their order, the last on top.
func Scatter(d ScatterData) (*Figure, error) {
	p := newPlot(d.Title, "true", "predicted")
	lo, hi := 0.0, 0.0
	var all [][]float64
	for _, s := range d.Sets {
		if len(s.True) != len(s.Predicted) {
			return nil, fmt.Errorf("scatter of %s: %d true but %d predicted", s.Name, len(s.True), len(s.Predicted))
		}
		all = append(all, s.True, s.Predicted)
	}
	lo, hi = padded(span(all...))
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = lo, hi, lo, hi
	if d.Unit == "" || d.Unit == "proxy" {
		p.X.Label.Text, p.Y.Label.Text = "true, ln", "predicted, ln"
	} else {
		p.X.Label.Text, p.Y.Label.Text = "true emission, "+d.Unit, "predicted emission, "+d.Unit
		p.X.Tick.Marker, p.Y.Tick.Marker = lnTicks{}, lnTicks{}
	}
	p.Add(grid())
	shapes := []draw.GlyphDrawer{draw.CircleGlyph{}, draw.PyramidGlyph{}, draw.BoxGlyph{}, draw.CrossGlyph{}}
	for i, s := range d.Sets {
		var points plotter.XYs
		for k := range s.True {
			if metrics.Finite(s.True[k]) && metrics.Finite(s.Predicted[k]) {
				points = append(points, plotter.XY{X: s.True[k], Y: s.Predicted[k]})
			}
		}
		if len(points) == 0 {
			continue
		}
		dots, err := plotter.NewScatter(points)
		if err != nil {
			return nil, err
		}
		alpha := 0.75
		if len(points) > 500 {
			alpha = 0.35
		}
		dots.GlyphStyle = draw.GlyphStyle{Color: faded(lineColor(i), alpha), Radius: vg.Points(2.4), Shape: shapes[i%len(shapes)]}
		p.Add(dots)
		thumb := *dots
		thumb.GlyphStyle.Color, thumb.GlyphStyle.Radius = lineColor(i), vg.Points(3.5)
		p.Legend.Add(s.Name, &thumb)
	}
	one, err := plotter.NewLine(plotter.XYs{{X: lo, Y: lo}, {X: hi, Y: hi}})
	if err != nil {
		return nil, err
	}
	one.Width, one.Dashes = vg.Points(1.2), []vg.Length{vg.Points(5), vg.Points(3)}
	p.Add(one)
	p.Legend.Add("1 : 1", one)
	// The legend stands below the square, where it hides no point.
	legend := p.Legend
	p.Legend = plot.NewLegend()
	legend.Left, legend.Top = true, true
	room := vg.Points(14 + 14*float64(len(d.Sets)+1))
	return newFigure(560, 540+room, func(c draw.Canvas) {
		top, bottom := c, c
		top.Min.Y, bottom.Max.Y = c.Min.Y+room, c.Min.Y+room-vg.Points(6)
		bottom.Min.X += vg.Points(60)
		p.Draw(top)
		legend.Draw(bottom)
	}), nil
}
