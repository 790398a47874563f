package preview

import (
	"fmt"
	"image"
	"image/color"
	"io"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"opencarbon/data/store"
)

// frame is where the tiles of a store lie on a picture.
type frame struct {
	cells      []store.Cell // [N] of the tiles, in one piece
	col, row   int64        // of the north-western tile
	cols, rows int
	// Edges of the frame in what the axes count: degrees, or km of a projected CRS.
	west, south, east, north float64
	xLabel, yLabel           string
	aspect                   float64 // height over width of the frame on the ground
}

// maxCells bounds a picture: a store that spans more is drawn with several cells
// a pixel, which says little; it is refused instead.
const maxCells = 20000

func newFrame(s *store.Store) (frame, error) {
	g := s.Meta().Grid
	first := int64(math.MaxInt64) // column at the western edge of the bounds
	for _, c := range s.Cells() {
		first = min(first, c.Col)
	}
	cells := g.InOnePiece(s.Cells())
	f := frame{cells: cells, col: math.MaxInt64, row: math.MaxInt64}
	lastCol, lastRow := int64(math.MinInt64), int64(math.MinInt64)
	for _, c := range cells {
		f.col, f.row = min(f.col, c.Col), min(f.row, c.Row)
		lastCol, lastRow = max(lastCol, c.Col), max(lastRow, c.Row)
	}
	if lastCol-f.col >= maxCells || lastRow-f.row >= maxCells {
		return f, fmt.Errorf("the tiles of %s span %d x %d cells, too many for a picture", s.Dir(), lastRow-f.row+1, lastCol-f.col+1)
	}
	f.cols, f.rows = int(lastCol-f.col+1), int(lastRow-f.row+1)
	if g.Scheme == "projected" {
		km := g.CellSize * g.Metres() / 1000
		f.west, f.east = float64(f.col)*km, float64(lastCol+1)*km
		f.north, f.south = -float64(f.row)*km, -float64(lastRow+1)*km
		f.xLabel, f.yLabel = fmt.Sprintf("easting, km (EPSG:%d)", g.EPSG), "northing, km"
		f.aspect = (f.north - f.south) / (f.east - f.west)
		return f, nil
	}
	b := s.Meta().Bounds
	f.west, f.south, f.east, f.north = b[0], b[1], b[2], b[3]
	if g.Columns > 0 && f.col != first { // over the antimeridian: the bounds of its two parts are the globe's
		step := 360 / float64(g.Columns)
		f.west += float64(f.col-first) * step
		f.east = f.west + float64(f.cols)*step
	}
	f.xLabel, f.yLabel = "longitude, degrees", "latitude, degrees"
	f.aspect = (f.north - f.south) / ((f.east - f.west) * math.Cos((f.north+f.south)/2*math.Pi/180))
	return f, nil
}

// place is the position of a tile in the frame, in cells.
func (f frame) place(c store.Cell) (x, y int) { return int(c.Col - f.col), int(c.Row - f.row) }

// newPlot makes a plot with text large enough to read at full size.
func newPlot() *plot.Plot {
	p := plot.New()
	p.Title.TextStyle.Font.Size = vg.Points(17)
	p.Title.Padding = vg.Points(8)
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Label.TextStyle.Font.Size = vg.Points(13)
		a.Tick.Label.Font.Size = vg.Points(12)
		a.Padding = vg.Points(2)
	}
	p.Legend.TextStyle.Font.Size = vg.Points(13)
	for _, style := range []*text.Style{&p.Title.TextStyle, &p.X.Label.TextStyle, &p.Y.Label.TextStyle,
		&p.X.Tick.Label, &p.Y.Tick.Label, &p.Legend.TextStyle} {
		style.Font.Variant = "Sans"
	}
	return p
}

// mapPlot lays an image that covers the frame into a plot.
func (f frame) mapPlot(title string, img image.Image) *plot.Plot {
	p := newPlot()
	p.Title.Text = title
	p.X.Label.Text, p.Y.Label.Text = f.xLabel, f.yLabel
	p.X.Tick.Marker, p.Y.Tick.Marker = plainTicks{5}, plainTicks{6}
	p.Add(plotter.NewImage(img, f.west, f.south, f.east, f.north))
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = f.west, f.east, f.south, f.north
	return p
}

// plainTicks puts about n labeled ticks at round numbers, with as many decimals
// as tell them apart.
type plainTicks struct{ n int }

// Ticks implements plot.Ticker.
func (t plainTicks) Ticks(lo, hi float64) []plot.Tick {
	step := math.Pow(10, math.Floor(math.Log10((hi-lo)/float64(t.n))))
	for _, m := range []float64{1, 2, 5, 10} {
		if (hi-lo)/(step*m) <= float64(t.n) {
			step *= m
			break
		}
	}
	decimals := max(0, int(math.Ceil(-math.Log10(step)-1e-9)))
	var out []plot.Tick
	for k := math.Ceil(lo/step - 1e-6); k <= hi/step+1e-6; k++ {
		out = append(out, plot.Tick{Value: k * step, Label: fmt.Sprintf("%.*f", decimals, k*step)})
	}
	return out
}

// logTicks labels powers of ten, and their halves where there are few, on an axis
// of common logarithms.
type logTicks struct{}

// Ticks implements plot.Ticker.
func (logTicks) Ticks(lo, hi float64) []plot.Tick {
	marks := []float64{1}
	if hi-lo < 3 {
		marks = []float64{1, 2, 5}
	}
	var out []plot.Tick
	for e := math.Floor(lo); e <= hi; e++ {
		for _, m := range marks {
			if v := e + math.Log10(m); v >= lo-1e-9 && v <= hi+1e-9 {
				out = append(out, plot.Tick{Value: v, Label: number(m * math.Pow(10, e))})
			}
		}
	}
	return out
}

// number prints a value the way a color bar has room for.
func number(v float64) string {
	for _, u := range []struct {
		size float64
		sign string
	}{{1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if v >= u.size*0.9999 {
			return fmt.Sprintf("%.3g%s", v/u.size, u.sign)
		}
	}
	return fmt.Sprintf("%.3g", v)
}

// barPlot makes a color bar for values from lo to hi.
func barPlot(steps []color.RGBA, lo, hi float64, label string, ticks plot.Ticker) *plot.Plot {
	img := image.NewRGBA(image.Rect(0, 0, 1, 256))
	for i := range 256 {
		img.SetRGBA(0, 255-i, at(steps, float64(i)/255))
	}
	p := newPlot()
	p.HideX()
	p.Y.Tick.Marker = ticks
	p.Y.Label.Text = label
	p.Add(plotter.NewImage(img, 0, lo, 1, hi))
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, 1, lo, hi
	return p
}

// page sets a map, and a color bar if there is one, on a white page whose map
// area has the ground's proportions.
func (f frame) page(m, bar *plot.Plot) io.WriterTo {
	const long = 9 * vg.Inch // of the map area
	w, h := vg.Length(long), vg.Length(long)
	if f.aspect < 1 {
		h = max(w*vg.Length(f.aspect), 2*vg.Inch)
	} else {
		w = max(h/vg.Length(f.aspect), 3.5*vg.Inch)
	}
	const aside = 1.15 * vg.Inch // for the axis of the map
	const below = 1.05 * vg.Inch
	width := w + aside
	const over, under = 38, 44 // points beside the bar's ends
	if bar != nil {
		width += 1.75 * vg.Inch
		fitLabel(bar, h+below-vg.Points(over+under))
	}
	c := vgimg.NewWith(vgimg.UseWH(width, h+below), vgimg.UseDPI(96), vgimg.UseBackgroundColor(color.White))
	dc := draw.New(c)
	m.Draw(draw.Crop(dc, vg.Points(6), w+aside-width-vg.Points(8), vg.Points(6), -vg.Points(6)))
	if bar != nil {
		bar.Draw(draw.Crop(dc, w+aside+vg.Points(6), -vg.Points(24), vg.Points(under), -vg.Points(over)))
	}
	return vgimg.PngCanvas{Canvas: c}
}

// fitLabel breaks the label of a bar's axis before its bracket where it is longer than
// the bar: a low, wide region has a low page, on which it was cut off.
func fitLabel(bar *plot.Plot, length vg.Length) {
	label := &bar.Y.Label
	if label.TextStyle.Width(label.Text) > length {
		label.Text = strings.Replace(label.Text, " (", "\n(", 1)
	}
}
