package plots

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"gonum.org/v1/plot"
)

// OPENCARBON_PLOTS_DIR=folder keeps the pictures of these tests for a look.
func keep(t *testing.T, name string, f *Figure, err error) image.Image {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	dir := os.Getenv("OPENCARBON_PLOTS_DIR")
	if dir == "" {
		dir = t.TempDir()
	}
	path := filepath.Join(dir, name+".png")
	if err := f.Save(path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// pixels visits the pixels of a decoded picture from the top.
func pixels(img image.Image, visit func(y int, c color.RGBA)) {
	rgba := image.NewRGBA(img.Bounds())
	draw.Draw(rgba, rgba.Bounds(), img, img.Bounds().Min, draw.Src)
	for i := 0; i < len(rgba.Pix); i += 4 {
		visit(i/rgba.Stride, color.RGBA{rgba.Pix[i], rgba.Pix[i+1], rgba.Pix[i+2], 255})
	}
}

// count counts the pixels of color c.
func count(img image.Image, want color.RGBA) int {
	n := 0
	pixels(img, func(_ int, c color.RGBA) {
		if c == want {
			n++
		}
	})
	return n
}

// city makes cells of a round town with a hole and ln emissions of 20 to 200,000.
func city(n int) (col, row []int64, values []float64) {
	rng := rand.New(rand.NewPCG(1, 1))
	for r := range n {
		for c := range n {
			d := math.Hypot(float64(r)-float64(n)/2, float64(c)-float64(n)/2) / float64(n) * 2
			if d > 1.1 || r < 3 && c > n/2 {
				continue
			}
			col, row = append(col, int64(29072+c)), append(row, int64(12872+r))
			values = append(values, 11.5-7*d+0.5*rng.NormFloat64())
		}
	}
	return col, row, values
}

func TestCurves(t *testing.T) {
	var x, loss, con, train, val []float64
	rng := rand.New(rand.NewPCG(1, 1))
	for e := 1; e <= 200; e++ {
		f := float64(e)
		x, loss = append(x, f), append(loss, 0.3+2*math.Exp(-f/30)+0.02*rng.NormFloat64())
		c, v := math.NaN(), math.NaN()
		if e > 100 {
			c = 3 + 3*math.Exp(-(f-100)/20)
		}
		if e%5 == 0 {
			v = 0.7 - 4*math.Exp(-f/15) + 0.02*rng.NormFloat64()
		}
		con, val, train = append(con, c), append(val, v), append(train, 0.8-4*math.Exp(-f/14))
	}
	f, err := Curves(CurvesData{Title: "demo: learning curves", Loss: []Line{{"prediction (L1)", x, loss, false}, {"contrastive", x, con, false}},
		R2: []Line{{"train", x, train, false}, {"validation", x, val, false}}, Best: 165, Events: []Event{{100, "contrastive loss starts"}}})
	img := keep(t, "curves", f, err)
	for i := range 2 {
		if count(img, lineColor(i)) < 300 {
			t.Errorf("line %d is not to be seen", i)
		}
	}
	// One point, and none: still a picture.
	f, err = Curves(CurvesData{Title: "one", Loss: []Line{{"a", []float64{1}, []float64{2}, false}}, R2: []Line{{"b", []float64{1}, []float64{math.NaN()}, false}}})
	keep(t, "curves-one", f, err)
	f, err = Curves(CurvesData{})
	keep(t, "curves-none", f, err)
	if _, err := Curves(CurvesData{Loss: []Line{{"a", []float64{1}, nil, false}}}); err == nil {
		t.Error("a line without y")
	}
}

func TestScatter(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	set := func(n int, noise float64) (a, b []float64) {
		for range n {
			v := 8 + 2*rng.NormFloat64()
			a, b = append(a, v), append(b, v+noise*rng.NormFloat64())
		}
		return a, b
	}
	a, b := set(1500, 0.3)
	c, d := set(300, 0.7)
	f, err := Scatter(ScatterData{Title: "demo: predicted against true", Unit: "tCO2/yr", Sets: []Points{
		{"train  R2 0.98  MAE 0.24  RMSE 0.30", a, b}, {"test  R2 0.88  MAE 0.55  RMSE 0.70", c, d}}})
	keep(t, "scatter", f, err)
	f, err = Scatter(ScatterData{Title: "proxy", Unit: "proxy", Sets: []Points{{"test", []float64{1, 2, math.NaN()}, []float64{1, 3, 1}}}})
	keep(t, "scatter-proxy", f, err)
	f, err = Scatter(ScatterData{})
	keep(t, "scatter-none", f, err)
}

func TestMaps(t *testing.T) {
	col, row, truth := city(64)
	rng := rand.New(rand.NewPCG(2, 2))
	predicted, diff := make([]float64, len(truth)), make([]float64, len(truth))
	for i := range truth {
		predicted[i] = truth[i] + 0.4*rng.NormFloat64()
		if i%50 == 0 {
			truth[i] = math.NaN()
		}
		diff[i] = predicted[i] - truth[i]
	}
	lo, hi := percentiles(truth, 0.01, 0.99)
	f, err := Maps(MapsData{Title: "demo, all cells", Col: col, Row: row, Layers: []Layer{
		{Title: "true", Values: truth, Label: "emission, tCO2/yr", Ln: true, Low: lo, High: hi},
		{Title: "predicted", Values: predicted, Label: "emission, tCO2/yr", Ln: true, Low: lo, High: hi},
		{Title: "error", Values: diff, Label: "predicted - true, ln units", Diverging: true},
	}})
	img := keep(t, "maps", f, err)
	if count(img, noValue) < 100 {
		t.Error("cells without value are not gray")
	}
	if text, err := f.PNG(); err != nil || !bytes.HasPrefix(text, []byte("\x89PNG")) {
		t.Errorf("no PNG: %v", err)
	}
	f, err = Maps(MapsData{Col: []int64{5}, Row: []int64{7}, Layers: []Layer{{Title: "one cell", Values: []float64{3}, Label: "x"}}})
	keep(t, "maps-one", f, err)
	f, err = Maps(MapsData{Col: []int64{0, 1}, Row: []int64{0, 0}, Aspect: 1.4, Layers: []Layer{{Title: "no values", Values: []float64{math.NaN(), math.NaN()}}}})
	keep(t, "maps-none", f, err)
	for name, bad := range map[string]MapsData{
		"none": {}, "ragged": {Col: []int64{1}, Row: []int64{1}, Layers: []Layer{{}}},
		"far apart": {Col: []int64{1, 1 << 40}, Row: []int64{1, 1}, Layers: []Layer{{Values: []float64{1, 1}}}},
	} {
		if _, err := Maps(bad); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// North is up and the cell's color is its value's: of two cells the northern
// (smaller row) has the low value, and so the dark end of the scale.
func TestMapOrientation(t *testing.T) {
	f, err := Maps(MapsData{Col: []int64{0, 0}, Row: []int64{0, 1}, Layers: []Layer{{Values: []float64{0, 1}, Low: 0, High: 1}}})
	img := keep(t, "maps-north", f, err)
	first := func(want color.RGBA) int {
		at := -1
		pixels(img, func(y int, c color.RGBA) {
			if at < 0 && c == want {
				at = y
			}
		})
		return at
	}
	north, south := first(viridis[0]), first(viridis[len(viridis)-1])
	if north < 0 || south < 0 || north >= south {
		t.Errorf("low value first seen at y %d, high at %d", north, south)
	}
}

func TestCharts(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	cloud := func(slope float64) (l Line) {
		for range 800 {
			x := 4 + 2*rng.NormFloat64()
			l.X, l.Y = append(l.X, x), append(l.Y, 0.5+slope*x+0.1*rng.NormFloat64())
		}
		return l
	}
	a, b := cloud(0.03), cloud(-0.03)
	a.Name, b.Name = "image", "POI"
	f, err := Binned(BinnedData{Title: "attention weight against emission", X: "ln emission, tCO2/yr", Y: "weight at grid level", Clouds: []Line{a, b}})
	keep(t, "binned", f, err)
	f, err = Bars(BarsData{Title: "ablations, five seeds", Y: "test R2", Groups: []string{"full", "no SE", "no contrastive", "no neighborhood"}, Sets: []BarSet{
		{Name: "London", Values: []float64{0.78, 0.74, 0.75, 0.6}, Errors: []float64{0.01, 0.02, 0.01, 0.03}},
		{Name: "Yinchuan", Values: []float64{0.62, 0.58, math.NaN(), -0.1}, Errors: []float64{0.02, 0.02, 0, 0.05}},
	}})
	keep(t, "bars", f, err)
	if _, err := Bars(BarsData{}); err == nil {
		t.Error("bars of nothing")
	}
	f, err = Matrix(MatrixData{Title: "transfer", RowTitle: "trained on", ColTitle: "tested on", Rows: []string{"GL", "WM", "MC", "SY"}, Cols: []string{"GL", "WM", "MC", "SY"},
		Values: [][]float64{{0.9, 0.6, 0.61, 0.55}, {0.6, 0.88, 0.7, 0.6}, {0.5, 0.6, 0.85, 0.66}, {0.4, 0.5, math.NaN(), 0.8}}, Label: "Spearman's rank correlation", Format: "%.2f"})
	keep(t, "matrix", f, err)
	names, values := []string{}, [][]float64{}
	for i := range 20 {
		names = append(names, "school:Category "+string(rune('a'+i)))
		values = append(values, []float64{rng.NormFloat64(), rng.NormFloat64(), rng.NormFloat64()})
	}
	f, err = Matrix(MatrixData{Title: "POI share and emission", Rows: names, Cols: []string{"London", "Beijing", "Yinchuan"}, Values: values, Label: "correlation", Diverging: true})
	keep(t, "matrix-long", f, err)
	if _, err := Matrix(MatrixData{Rows: []string{"a"}, Cols: []string{"b"}, Values: [][]float64{{1, 2}}}); err == nil {
		t.Error("ragged matrix")
	}
	if _, err := Bars(BarsData{Groups: []string{"a"}, Sets: []BarSet{{Values: []float64{1, 2}}}}); err == nil {
		t.Error("ragged bars")
	}
}

func TestBin(t *testing.T) {
	x, mid, low, high := bin(Line{X: []float64{4, 3, 2, 1}, Y: []float64{40, 30, 20, 10}}, 2, 0, 1)
	if len(x) != 2 || x[0] != 1.5 || mid[1] != 35 || low[0] != 10 || high[0] != 20 {
		t.Errorf("%v %v %v %v", x, mid, low, high)
	}
}

func TestTicks(t *testing.T) {
	labels := func(ts []plot.Tick) (out []string) {
		for _, x := range ts {
			out = append(out, x.Label)
		}
		return out
	}
	for _, c := range []struct {
		got  []plot.Tick
		want []string
	}{
		{ticks{5}.Ticks(0, 1), []string{"0.0", "0.2", "0.4", "0.6", "0.8", "1.0"}},
		{ticks{5}.Ticks(-0.3, 0.3), []string{"-0.2", "0.0", "0.2"}},
		{wholeTicks{8}.Ticks(1, 3), []string{"1", "2", "3"}},
		{lnTicks{}.Ticks(math.Log(20), math.Log(200000)), []string{"100", "1k", "10k", "100k"}},
		{lnTicks{}.Ticks(math.Log(90), math.Log(1100)), []string{"100", "200", "500", "1k"}},
		{lnTicks{}.Ticks(math.Log(110), math.Log(150)), []string{"110", "120", "130", "140", "150"}},
	} {
		got := labels(c.got)
		if len(got) != len(c.want) {
			t.Errorf("got %q, want %q", got, c.want)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("got %q, want %q", got, c.want)
				break
			}
		}
	}
}
