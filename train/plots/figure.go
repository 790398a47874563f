// Package plots draws what a person looks at after a run: learning curves,
// predicted against true, maps, and the plain charts of the studies (heat map,
// binned lines, bars). Each function takes numbers and returns a Figure, which
// is saved as a PNG file or handed on as bytes.
//
// Colors are safe for color-blind readers: Okabe and Ito's for lines and bars,
// viridis for amounts, red-blue around zero for differences. Nothing here reads
// files, computes scores or knows tensors.
package plots

import (
	"bytes"
	"fmt"
	"image/color"
	"image/png"
	"io"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"opencarbon/train/atomicfile"
	"opencarbon/train/metrics"
)

// Figure is a drawn picture.
type Figure struct {
	canvas *vgimg.Canvas
}

const (
	dpi    = 96
	margin = vg.Length(8) // around the figure, points
)

// newFigure draws on a white page of w x h points; f gets it less the margins.
func newFigure(w, h vg.Length, f func(draw.Canvas)) *Figure {
	caption := lacking.caption()
	below := vg.Length(0)
	if caption != "" {
		below = 14
	}
	c := vgimg.NewWith(vgimg.UseWH(w, h+below), vgimg.UseDPI(dpi), vgimg.UseBackgroundColor(color.White))
	page := draw.New(c)
	f(draw.Crop(page, margin, -margin, margin+below, -margin))
	if caption != "" {
		small := plot.New().Title.TextStyle
		style(&small, 8)
		small.XAlign, small.YAlign = draw.XLeft, draw.YBottom
		page.FillText(small, vg.Point{X: margin, Y: margin / 2}, caption)
	}
	return &Figure{canvas: c}
}

// Save writes the figure as a PNG file, whole or not at all.
func (f *Figure) Save(path string) error {
	return atomicfile.Write(path, f.write)
}

func (f *Figure) write(w io.Writer) error {
	return (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(w, f.canvas.Image()) // pictures are mailed and committed
}

// PNG returns the figure as the bytes of a PNG file.
func (f *Figure) PNG() ([]byte, error) {
	var b bytes.Buffer
	err := f.write(&b)
	return b.Bytes(), err
}

// newPlot makes a plot with sans-serif text that is readable at full size.
func newPlot(title, x, y string) *plot.Plot {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = shown(title, titleRoom), shown(x, titleRoom), shown(y, nameRoom)
	style(&p.Title.TextStyle, 14)
	p.Title.Padding = vg.Points(8)
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		style(&a.Label.TextStyle, 12)
		style(&a.Tick.Label, 11)
		a.Label.Padding = vg.Points(4)
		a.Tick.Marker = ticks{6}
		a.Padding = vg.Points(2)
	}
	style(&p.Legend.TextStyle, 11)
	p.Legend.Padding = vg.Points(3)
	p.Legend.ThumbnailWidth = vg.Points(22)
	return p
}

// besideLegend draws a plot with its legend in a column of the given width on the
// right, where it hides nothing.
func besideLegend(p *plot.Plot, width vg.Length, c draw.Canvas) {
	legend := p.Legend
	p.Legend = plot.NewLegend()
	defer func() { p.Legend = legend }()
	left, right := c, c
	left.Max.X, right.Min.X = c.Max.X-width, c.Max.X-width+vg.Points(10)
	if width == 0 {
		left = c
	}
	right.Max.Y -= vg.Points(30)
	legend.Left, legend.Top, legend.YPosition = true, true, draw.PosCenter
	p.Draw(left)
	if width > 0 {
		legend.Draw(right)
	}
}

// legendWidth is the room that the longest of the names needs beside a plot.
func legendWidth(names ...string) vg.Length {
	most := 0
	for _, n := range names {
		most = max(most, roomOf(shown(n, nameRoom)))
	}
	if most == 0 {
		return 0
	}
	return vg.Points(48 + 6*float64(most))
}

func names(lines []Line) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = l.Name
	}
	return out
}

func style(s *text.Style, points float64) {
	s.Font.Variant = "Sans"
	s.Font.Size = vg.Points(points)
	s.Handler = mixed{text.Plain{Fonts: font.DefaultCache}}
}

// ticks puts at most n labeled ticks at round numbers.
type ticks struct{ n int }

// Ticks implements plot.Ticker.
func (t ticks) Ticks(lo, hi float64) []plot.Tick {
	step := stepOf(lo, hi, t.n)
	var out []plot.Tick
	for k := math.Ceil(lo/step - 1e-9); k*step <= hi+1e-9*step; k++ {
		v := k*step + 0 // no minus zero
		out = append(out, plot.Tick{Value: v, Label: label(v, step)})
	}
	return out
}

// stepOf is 1, 2 or 5 times a power of ten that divides lo..hi into at most n.
func stepOf(lo, hi float64, n int) float64 {
	span := hi - lo
	if !(span > 0) || math.IsInf(span, 0) {
		return 1
	}
	base := math.Pow(10, math.Floor(math.Log10(span/float64(n))))
	for _, m := range []float64{1, 2, 5} {
		if span/(base*m) <= float64(n) {
			return base * m
		}
	}
	return base * 10
}

// label writes v with as many decimals as a step needs.
func label(v, step float64) string {
	if a := math.Abs(v); a >= 1e6 || step < 1e-5 {
		return fmt.Sprintf("%g", float64(float32(v)))
	}
	decimals := max(0, int(math.Ceil(-math.Log10(step)-1e-9)))
	return fmt.Sprintf("%.*f", decimals, v)
}

// wholeTicks are ticks at whole numbers, for counts such as epochs.
type wholeTicks struct{ n int }

// Ticks implements plot.Ticker.
func (t wholeTicks) Ticks(lo, hi float64) []plot.Tick {
	step := max(1, stepOf(lo, hi, t.n))
	var out []plot.Tick
	for k := math.Ceil(lo / step); k*step <= hi; k++ {
		out = append(out, plot.Tick{Value: k * step, Label: fmt.Sprintf("%.0f", k*step)})
	}
	return out
}

// short writes an amount the way a color bar has room for: 1.2k, 30M.
func short(v float64) string {
	for _, u := range []struct {
		size float64
		sign string
	}{{1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if math.Abs(v) >= u.size*0.9999 {
			return fmt.Sprintf("%.3g%s", v/u.size, u.sign)
		}
	}
	return fmt.Sprintf("%.3g", v)
}

// lnTicks labels an axis of natural logarithms with the amounts themselves, at
// 1, 2, 5 times powers of ten, or the powers alone where they are many.
type lnTicks struct{}

// Ticks implements plot.Ticker.
func (lnTicks) Ticks(lo, hi float64) []plot.Tick {
	marks := []float64{1}
	if hi-lo < 3*math.Ln10 {
		marks = []float64{1, 2, 5}
	}
	every := max(1, math.Ceil((hi-lo)/math.Ln10/7))
	var out []plot.Tick
	for e := math.Floor(lo / math.Ln10); e <= hi/math.Ln10; e++ {
		for _, m := range marks {
			v := e*math.Ln10 + math.Log(m)
			if v >= lo-1e-9 && v <= hi+1e-9 && math.Mod(e, every) == 0 {
				out = append(out, plot.Tick{Value: v, Label: short(m * math.Pow(10, e))})
			}
		}
	}
	if len(out) < 2 { // a narrow range: evenly spaced amounts
		out = nil
		step := stepOf(math.Exp(lo), math.Exp(hi), 4)
		for k := math.Ceil(math.Exp(lo)/step - 1e-9); k*step <= math.Exp(hi)+1e-9*step && len(out) < 10; k++ {
			if k > 0 {
				out = append(out, plot.Tick{Value: math.Log(k * step), Label: short(k * step)})
			}
		}
	}
	return out
}

// span is the range of the finite values, widened where it is empty.
func span(lists ...[]float64) (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, l := range lists {
		for _, v := range l {
			if metrics.Finite(v) {
				lo, hi = min(lo, v), max(hi, v)
			}
		}
	}
	if lo > hi {
		return 0, 1
	}
	if lo == hi {
		pad := max(math.Abs(lo)*0.05, 0.5)
		return lo - pad, hi + pad
	}
	return lo, hi
}
