package plots

import (
	"fmt"
	"image"
	"image/color"
	stddraw "image/draw"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"opencarbon/train/metrics"
)

// Layer is one map of a Maps figure.
type Layer struct {
	Title  string
	Values []float64 // per cell; NaN = no value (gray)
	Label  string    // of the color bar, with the unit
	// Ln: the values are natural logarithms and the bar shows the amounts.
	Ln bool
	// Diverging: blue below zero, white at it, red above, the same reach both ways.
	Diverging bool
	// Low and High fix the ends of the bar; equal: the data's 1st and 99th
	// hundredths. Give two maps the same to compare them.
	Low, High float64
}

// MapsData is a row of maps of the same cells.
type MapsData struct {
	Title    string
	Col, Row []int64   // place of each cell; col eastward, row southward
	LonLat   []float64 // [2n] center of each cell, degrees; labels the axes, else columns and rows do
	Aspect   float64   // height over width of a cell on the ground; 0 = 1
	Outside  []bool    // cells where the model should not be trusted, which are hatched; nil: none
	Layers   []Layer
}

// hatched is said below maps that have hatched cells.
const hatched = "; hatched: outside the domain"

// maxMapCells bounds the cells' bounding box: beyond, a cell is less than a pixel.
const maxMapCells = 4000

// Maps draws the layers side by side, every cell a square in grid coordinates,
// north up, each with its color bar.
func Maps(d MapsData) (*Figure, error) {
	if len(d.Col) == 0 || len(d.Col) != len(d.Row) || len(d.Layers) == 0 {
		return nil, fmt.Errorf("map: %d columns, %d rows, %d layers", len(d.Col), len(d.Row), len(d.Layers))
	}
	if d.Outside != nil && len(d.Outside) != len(d.Col) {
		return nil, fmt.Errorf("map: the domain of %d cells for %d", len(d.Outside), len(d.Col))
	}
	f := mapFrame{col: d.Col[0], row: d.Row[0], lastCol: d.Col[0], lastRow: d.Row[0]}
	for i := range d.Col {
		f.col, f.lastCol = min(f.col, d.Col[i]), max(f.lastCol, d.Col[i])
		f.row, f.lastRow = min(f.row, d.Row[i]), max(f.lastRow, d.Row[i])
	}
	if f.cols() > maxMapCells || f.rows() > maxMapCells {
		return nil, fmt.Errorf("map: the cells span %d x %d, more than %d", f.cols(), f.rows(), maxMapCells)
	}
	aspect := d.Aspect
	if aspect <= 0 {
		aspect = 1
	}
	shape := aspect * float64(f.rows()) / float64(f.cols()) // height over width
	lon, lat, onGround := d.axes()
	type panel struct{ m, bar *plot.Plot }
	var panels []panel
	for _, l := range d.Layers {
		if len(l.Values) != len(d.Col) {
			return nil, fmt.Errorf("map %s: %d values for %d cells", l.Title, len(l.Values), len(d.Col))
		}
		lo, hi := l.ends()
		steps := viridis
		if l.Diverging {
			steps = blueRed
		}
		xLabel, yLabel := "column", "row"
		if onGround {
			xLabel, yLabel = "longitude", "latitude"
		}
		m := newPlot(l.Title, xLabel, yLabel)
		m.Add(plotter.NewImage(f.paint(d, l.Values, steps, lo, hi), float64(f.col), -float64(f.lastRow+1), float64(f.lastCol+1), -float64(f.row)))
		m.X.Min, m.X.Max, m.Y.Min, m.Y.Max = float64(f.col), float64(f.lastCol+1), -float64(f.lastRow+1), -float64(f.row)
		m.X.Padding, m.Y.Padding = 0, 0
		m.X.Tick.Marker, m.Y.Tick.Marker = wholeTicks{4}, southward{6}
		if onGround {
			m.X.Tick.Marker, m.Y.Tick.Marker = lon, lat
		}
		label := l.Label
		if slices.Contains(d.Outside, true) {
			label += hatched
		}
		panels = append(panels, panel{m, colorBar(steps, lo, hi, label, l.Ln)})
	}
	// The map's own rectangle gets the true shape; around it there is room for
	// labels, and below for the bar.
	const side, gap, above, below, barRoom = 66, 16, 34, 48, 66
	inner := vg.Length(340)
	if shape > 1.5 {
		inner = vg.Length(510 / shape)
	}
	inner = max(inner, 170)
	height := inner * vg.Length(shape)
	headline := vg.Length(0)
	if d.Title != "" {
		headline = 30
	}
	width := inner + side + gap
	total := vg.Length(len(panels)) * width
	return newFigure(total+2*margin+12, height+above+below+barRoom+headline+2*margin, func(c draw.Canvas) {
		if d.Title != "" {
			h := newPlot("", "", "").Title.TextStyle
			style(&h, 16)
			h.XAlign, h.YAlign = draw.XCenter, draw.YTop
			c.FillText(h, vg.Point{X: (c.Min.X + c.Max.X) / 2, Y: c.Max.Y}, shown(d.Title, titleRoom))
		}
		for i, p := range panels {
			box := c
			box.Min.X = c.Min.X + vg.Length(i)*width
			box.Max.X = box.Min.X + width
			box.Max.Y -= headline
			top, bottom := box, box
			top.Max.X -= gap
			top.Min.Y = box.Max.Y - height - above - below
			bottom.Max.Y, bottom.Min.X, bottom.Max.X = top.Min.Y-8, box.Min.X+side-12, box.Max.X-gap
			p.m.Draw(top)
			p.bar.Draw(bottom)
		}
	}), nil
}

// ends are the values at the ends of the color bar.
func (l Layer) ends() (lo, hi float64) {
	if lo, hi = l.Low, l.High; lo >= hi {
		lo, hi = percentiles(l.Values, 0.01, 0.99)
	}
	if l.Diverging {
		reach := max(math.Abs(lo), math.Abs(hi))
		return -reach, reach
	}
	return lo, hi
}

type mapFrame struct{ col, row, lastCol, lastRow int64 }

func (f mapFrame) cols() int64 { return f.lastCol - f.col + 1 }
func (f mapFrame) rows() int64 { return f.lastRow - f.row + 1 }

// paint makes the picture of the cells, each some pixels wide so that drawing it
// at another size does not blur its edges.
func (f mapFrame) paint(d MapsData, values []float64, steps []color.RGBA, lo, hi float64) image.Image {
	k := int(max(1, 1200/max(f.cols(), f.rows())))
	img := image.NewRGBA(image.Rect(0, 0, int(f.cols())*k, int(f.rows())*k))
	stddraw.Draw(img, img.Bounds(), image.White, image.Point{}, stddraw.Src)
	for i, v := range values {
		c := noValue
		if metrics.Finite(v) {
			c = at(steps, (v-lo)/(hi-lo))
		}
		x, y := int(d.Col[i]-f.col)*k, int(d.Row[i]-f.row)*k
		stddraw.Draw(img, image.Rect(x, y, x+k, y+k), image.NewUniform(c), image.Point{}, stddraw.Src)
		if d.Outside != nil && d.Outside[i] {
			hatch(img, image.Rect(x, y, x+k, y+k), c)
		}
	}
	return img
}

// hatch draws lines from the lower left to the upper right over a cell of color c,
// dark on light colors and light on dark ones. Lines of neighbors meet.
func hatch(img *image.RGBA, cell image.Rectangle, c color.RGBA) {
	const apart, thick = 12, 3 // of some 1,200 pixels that a map has
	line := color.RGBA{0, 0, 0, 255}
	if 3*int(c.R)+6*int(c.G)+int(c.B) < 1280 {
		line = color.RGBA{255, 255, 255, 255}
	}
	for y := cell.Min.Y; y < cell.Max.Y; y++ {
		for x := cell.Min.X; x < cell.Max.X; x++ {
			if (x+y)%apart < thick {
				img.SetRGBA(x, y, line)
			}
		}
	}
}

// colorBar is a horizontal bar from lo to hi.
func colorBar(steps []color.RGBA, lo, hi float64, name string, ln bool) *plot.Plot {
	img := image.NewRGBA(image.Rect(0, 0, 512, 1))
	for x := range 512 {
		img.SetRGBA(x, 0, at(steps, float64(x)/511))
	}
	p := newPlot("", name, "")
	p.Add(plotter.NewImage(img, lo, 0, hi, 1))
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = lo, hi, 0, 1
	p.X.Padding = 0
	p.HideY()
	if ln {
		p.X.Tick.Marker = lnTicks{}
	}
	return p
}

// southward labels an axis that runs from -row upward with the rows.
type southward struct{ n int }

// Ticks implements plot.Ticker.
func (t southward) Ticks(lo, hi float64) []plot.Tick {
	out := wholeTicks(t).Ticks(-hi, -lo)
	for i := range out {
		out[i].Value = -out[i].Value
	}
	return out
}
