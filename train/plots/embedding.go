package plots

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"opencarbon/train/metrics"
)

// Anchor is a point of an Embedding that is shown as itself.
type Anchor struct {
	Point int         // index of the point
	Image image.Image // nil: none to show
	Text  string      // below the picture, e.g. "1.2k tCO2/yr"
}

// EmbeddingData is a plane of points, colored by a value.
type EmbeddingData struct {
	Title   string
	Places  []float64 // [n, 2]
	Values  []float64 // [n]; NaN: gray
	Label   string    // of the color bar, with the unit
	Ln      bool      // the values are natural logarithms and the bar shows the amounts
	Anchors []Anchor  // numbered from 1 in their order
}

// Embedding draws the points on the left, with their color bar below, and the
// anchors' pictures on the right (Figure 5 of the paper), or a list of their
// texts where none has a picture.
func Embedding(d EmbeddingData) (*Figure, error) {
	n := len(d.Values)
	if n == 0 || len(d.Places) != 2*n {
		return nil, fmt.Errorf("embedding: %d coordinates for %d points", len(d.Places), n)
	}
	lo, hi := percentiles(d.Values, 0.01, 0.99)
	points := make(plotter.XYs, n)
	for i := range points {
		points[i] = plotter.XY{X: d.Places[2*i], Y: d.Places[2*i+1]}
	}
	dots, err := plotter.NewScatter(points)
	if err != nil {
		return nil, err
	}
	radius := vg.Points(min(max(60/math.Sqrt(float64(n)), 1.2), 3.5))
	dots.GlyphStyleFunc = func(i int) draw.GlyphStyle {
		c := noValue
		if v := d.Values[i]; metrics.Finite(v) {
			c = at(viridis, (v-lo)/(hi-lo))
		}
		return draw.GlyphStyle{Color: c, Radius: radius, Shape: draw.CircleGlyph{}}
	}
	p := newPlot(d.Title, "t-SNE axis 1", "t-SNE axis 2")
	p.Add(dots)
	for _, a := range d.Anchors {
		if a.Point < 0 || a.Point >= n {
			return nil, fmt.Errorf("embedding: anchor at point %d of %d", a.Point, n)
		}
	}
	p.Add(numbers{points, d.Anchors, radius, p.X.Tick.Label})
	p.X.Min, p.X.Max = padded(p.X.Min, p.X.Max)
	p.Y.Min, p.Y.Max = padded(p.Y.Min, p.Y.Max)
	bar := colorBar(viridis, lo, hi, d.Label, d.Ln)
	const side, barRoom, columns, picture, gap, caption = 540, 76, 2, 150, 12, 24
	gallery := vg.Length(0)
	pictures := slices.ContainsFunc(d.Anchors, func(a Anchor) bool { return a.Image != nil })
	switch {
	case pictures:
		gallery = columns*(picture+gap) + 8
	case len(d.Anchors) > 0: // a list of numbers with their texts
		gallery = 170
	}
	words := p.X.Tick.Label
	words.XAlign, words.YAlign = draw.XCenter, draw.YTop
	height := vg.Length(side + barRoom)
	if rows := vg.Length((len(d.Anchors) + columns - 1) / columns); pictures {
		height = max(height, rows*(picture+caption+gap)+34)
	}
	return newFigure(side+gallery+2*margin, height+2*margin, func(c draw.Canvas) {
		left, below := c, c
		left.Max.X, below.Max.X = c.Min.X+side, c.Min.X+side
		left.Min.Y, below.Max.Y = c.Min.Y+barRoom, c.Min.Y+barRoom-10
		below.Min.X += 40
		p.Draw(left)
		bar.Draw(below)
		for i, a := range d.Anchors {
			if !pictures {
				at := vg.Point{X: c.Min.X + side + 2*gap, Y: c.Max.Y - 44 - 26*vg.Length(i)}
				line := words
				line.XAlign, line.YAlign = draw.XLeft, draw.YCenter
				badge(c, at, i+1, words)
				c.FillText(line, vg.Point{X: at.X + 16, Y: at.Y + 1}, a.Text)
				continue
			}
			x := c.Min.X + side + gap + vg.Length(i%columns)*(picture+gap)
			y := c.Max.Y - 30 - vg.Length(i/columns)*(picture+caption+gap)
			box := vg.Rectangle{Min: vg.Point{X: x, Y: y - picture}, Max: vg.Point{X: x + picture, Y: y}}
			if a.Image != nil {
				c.DrawImage(box, enlarged(a.Image, picture*dpi/72))
			} else {
				c.SetColor(noValue)
				c.Fill(box.Path())
				c.FillText(words, vg.Point{X: x + picture/2, Y: y - picture/2}, "no image")
			}
			badge(c, vg.Point{X: x + 13, Y: y - 13}, i+1, words)
			c.FillText(words, vg.Point{X: x + picture/2, Y: y - picture - 4}, a.Text)
		}
	}), nil
}

// enlarged repeats the pixels of a small image until it has the given number of
// them along an edge: they are what the model sees, and smoothing would show more
// than there is. A larger image is left as it is.
func enlarged(small image.Image, edge int) image.Image {
	b := small.Bounds()
	if max(b.Dx(), b.Dy()) > edge/2 {
		return small
	}
	img := image.NewRGBA(image.Rect(0, 0, edge, edge))
	for y := range edge {
		for x := range edge {
			img.Set(x, y, small.At(b.Min.X+x*b.Dx()/edge, b.Min.Y+y*b.Dy()/edge))
		}
	}
	return img
}

// numbers draws the anchors' numbers beside their points, which are ringed.
type numbers struct {
	points  plotter.XYs
	anchors []Anchor
	radius  vg.Length // of the points
	style   text.Style
}

// Plot implements plot.Plotter.
func (n numbers) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	var points []vg.Point
	for _, a := range n.anchors {
		points = append(points, vg.Point{X: x(n.points[a.Point].X), Y: y(n.points[a.Point].Y)})
	}
	badges := apart(points, c.Rectangle)
	for i, at := range points {
		c.StrokeLine2(draw.LineStyle{Color: color.Black, Width: vg.Points(1)}, at.X, at.Y, badges[i].X, badges[i].Y)
		c.DrawGlyph(draw.GlyphStyle{Color: color.Black, Radius: n.radius + vg.Points(1.5), Shape: draw.RingGlyph{}}, at)
	}
	for i, at := range badges {
		badge(c, at, i+1, n.style)
	}
}

// apart places a badge a little beside each point, within the box, and pushes
// those that would lie on one another apart.
func apart(points []vg.Point, box vg.Rectangle) []vg.Point {
	const beside, least, rim = 14, 21, 10 // points
	at := make([]vg.Point, len(points))
	for i, p := range points {
		at[i] = p.Add(vg.Point{X: beside, Y: beside})
	}
	for range 200 {
		for i := range at {
			for j := range i {
				d := at[i].Sub(at[j])
				far := math.Hypot(float64(d.X), float64(d.Y))
				if far >= least {
					continue
				}
				if far < 1e-3 { // the same point: any direction will do
					d, far = vg.Point{Y: 1}, 1
				}
				push := d.Scale(vg.Length((least - math.Hypot(float64(at[i].X-at[j].X), float64(at[i].Y-at[j].Y))) / 2 / far))
				at[i], at[j] = at[i].Add(push), at[j].Sub(push)
			}
			at[i].X = min(max(at[i].X, box.Min.X+rim), box.Max.X-rim)
			at[i].Y = min(max(at[i].Y, box.Min.Y+rim), box.Max.Y-rim)
		}
	}
	return at
}

// badge is a number in a white disk with a dark rim.
func badge(c draw.Canvas, at vg.Point, number int, style text.Style) {
	c.DrawGlyph(draw.GlyphStyle{Color: color.Black, Radius: vg.Points(9), Shape: draw.CircleGlyph{}}, at)
	c.DrawGlyph(draw.GlyphStyle{Color: color.White, Radius: vg.Points(7.8), Shape: draw.CircleGlyph{}}, at)
	style.XAlign, style.YAlign = draw.XCenter, draw.YCenter
	style.Color = color.Black
	c.FillText(style, vg.Point{X: at.X, Y: at.Y + vg.Points(1)}, strconv.Itoa(number))
}
