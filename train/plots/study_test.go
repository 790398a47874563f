package plots

import (
	"image"
	"image/color"
	"math"
	"testing"

	"gonum.org/v1/plot/vg"
)

func square(c color.RGBA) image.Image {
	img := image.NewRGBA(image.Rect(0, 0, 8, 8))
	for i := range 64 {
		img.SetRGBA(i%8, i/8, c)
	}
	return img
}

// The points have the colors of their values, the anchors their pictures, in the
// right half.
func TestEmbedding(t *testing.T) {
	pink := color.RGBA{250, 10, 200, 255}
	d := EmbeddingData{Title: "town: cells by X_g", Label: "emission, tCO2/yr", Ln: true,
		Anchors: []Anchor{{Point: 0, Image: square(pink), Text: "low"}, {Point: 2, Text: "high"}}}
	for i := range 300 {
		d.Places = append(d.Places, math.Cos(float64(i)), math.Sin(float64(i)))
		d.Values = append(d.Values, float64(i)/30)
	}
	d.Values[7] = math.NaN()
	f, err := Embedding(d)
	img := keep(t, "embedding", f, err)
	if n := count(img, pink); n < 10_000 {
		t.Errorf("%d pixels of the anchor's picture", n)
	}
	for _, c := range []color.RGBA{viridis[0], viridis[len(viridis)-1], noValue} {
		if count(img, c) == 0 {
			t.Errorf("no pixel of color %v", c)
		}
	}
	d.Anchors[0].Image = nil
	f, err = Embedding(d)
	if list := keep(t, "embedding_list", f, err); list.Bounds().Dx() >= img.Bounds().Dx() || count(list, pink) > 0 {
		t.Error("without pictures there is still room for them")
	}
	d.Anchors = nil
	f, err = Embedding(d)
	if narrow := keep(t, "embedding_bare", f, err); narrow.Bounds().Dx() >= img.Bounds().Dx() {
		t.Error("without anchors there is still room for them")
	}
	for _, bad := range []EmbeddingData{{}, {Values: []float64{1}}, {Values: []float64{1}, Places: []float64{1, 2}, Anchors: []Anchor{{Point: 1}}}} {
		if _, err := Embedding(bad); err == nil {
			t.Errorf("%+v was drawn", bad)
		}
	}
}

// Numbers of points that lie on one another or in a corner can all be read.
func TestApart(t *testing.T) {
	box := vg.Rectangle{Max: vg.Point{X: 100, Y: 80}}
	at := apart([]vg.Point{{X: 50, Y: 40}, {X: 50, Y: 40}, {X: 52, Y: 41}, {X: 100, Y: 80}, {X: 99, Y: 80}, {X: 0, Y: 0}}, box)
	for i, p := range at {
		if p.X < 10 || p.Y < 10 || p.X > 90 || p.Y > 70 {
			t.Errorf("number %d stands at %v", i+1, p)
		}
		for j := range i {
			if d := math.Hypot(float64(p.X-at[j].X), float64(p.Y-at[j].Y)); d < 19 {
				t.Errorf("numbers %d and %d are %.1f points apart", i+1, j+1, d)
			}
		}
	}
}

// Small images keep their pixels, large ones are left alone.
func TestEnlarged(t *testing.T) {
	small := image.NewRGBA(image.Rect(3, 5, 5, 7)) // 2 x 2, not at the origin
	red := color.RGBA{255, 0, 0, 255}
	small.SetRGBA(4, 5, red)
	big := enlarged(small, 200)
	if n := count(big, red); n != 100*100 || big.Bounds().Dx() != 200 || big.At(199, 0) != red || big.At(99, 0) == red {
		t.Errorf("%d red pixels of %v", n, big.Bounds())
	}
	if enlarged(big, 200) != big {
		t.Error("an image of full size was drawn anew")
	}
}

func TestRanking(t *testing.T) {
	d := RankingData{Title: "categories", X: "correlation", Names: []string{"shops and restaurants", "parks", "nothing"},
		Values: []float64{0.5, -0.25, math.NaN()}, Low: []float64{0.4, -0.3, math.NaN()}, High: []float64{0.6, -0.2, math.NaN()}}
	f, err := Ranking(d)
	img := keep(t, "ranking", f, err)
	up, down := count(img, lineColor(0)), count(img, lineColor(1))
	if ratio := float64(up) / float64(down); ratio < 1.8 || ratio > 2.2 {
		t.Errorf("bars of 0.5 and -0.25 have %d and %d pixels", up, down)
	}
	for _, bad := range []RankingData{{}, {Names: []string{"a"}}, {Names: []string{"a"}, Values: []float64{1}, Low: []float64{0}}} {
		if _, err := Ranking(bad); err == nil {
			t.Errorf("%+v was drawn", bad)
		}
	}
	f, err = Ranking(RankingData{Names: []string{"a"}, Values: []float64{math.NaN()}})
	keep(t, "ranking_empty", f, err)
}

func TestBeside(t *testing.T) {
	one, err := Ranking(RankingData{Names: []string{"a"}, Values: []float64{1}})
	if err != nil {
		t.Fatal(err)
	}
	alone := keep(t, "alone", one, nil)
	two, err := Beside(one, one)
	pair := keep(t, "beside", two, err)
	if w := pair.Bounds().Dx(); w < 2*alone.Bounds().Dx()-2 || w > 2*alone.Bounds().Dx()+2 {
		t.Errorf("%d pixels wide, one is %d", w, alone.Bounds().Dx())
	}
	if n, m := count(pair, lineColor(0)), count(alone, lineColor(0)); math.Abs(float64(n)/float64(m)-2) > 0.05 {
		t.Errorf("%d blue pixels, one has %d", n, m)
	}
	if _, err := Beside(); err == nil {
		t.Error("nothing was drawn")
	}
}
