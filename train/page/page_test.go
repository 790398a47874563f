package page

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"opencarbon/data"
	"opencarbon/data/grid"
	"opencarbon/train/runlog"
)

var extra = runlog.Extra{Corrected: true, Domain: true, Levels: []float64{0.8, 0.9, 0.95}}

// degrees is a town near 10 E, 47 N in cells of 0.01 degrees.
func degrees(n int) town {
	return town{spec: grid.Spec{Scheme: grid.Degrees, CellDegrees: 0.01}, at: grid.Cell{Col: 19000, Row: 4300}, n: n, x: extra}
}

func render(t *testing.T, p Page) string {
	t.Helper()
	var b bytes.Buffer
	if err := p.Render(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// dataOf is what the script reads.
func dataOf(t *testing.T, text string) map[string]any {
	t.Helper()
	_, rest, ok := strings.Cut(text, `<script type="application/json" id="data">`)
	if !ok {
		t.Fatal("the page has no data")
	}
	rest, _, _ = strings.Cut(rest, "</script>")
	var d map[string]any
	if err := json.Unmarshal([]byte(rest), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// undo turns differences into numbers again.
func undo(v any) (out []float64) {
	x := 0.0
	for _, d := range v.([]any) {
		x += d.(float64)
		out = append(out, x)
	}
	return out
}

// Cells stand on the page where they lie on the earth, with their values to four
// digits, points and images; twice the same input is twice the same page.
func TestData(t *testing.T) {
	p := degrees(6).page(t)
	text := render(t, p)
	if text != render(t, p) {
		t.Error("two pages of one input differ")
	}
	if !strings.Contains(text, "Images: © Tiles &amp; &lt;Co&gt;") {
		t.Error("the page does not say whose the images are")
	}
	d := dataOf(t, text)
	lon, lat, nw, sw := undo(d["lon"]), undo(d["lat"]), undo(d["nw"]), undo(d["sw"])
	if len(lon) != 49 || len(nw) != 36 {
		t.Fatalf("%d corners, %d cells", len(lon), len(nw))
	}
	const i = 8 // the third of the second row
	a, b := int(nw[i]), int(sw[i])
	for name, p := range map[string][2]float64{
		"west": {lon[a], 10.02e6}, "east": {lon[a+1], 10.03e6}, "north": {lat[a], 46.99e6}, "south": {lat[b], 46.98e6}, "south-east": {lon[b+1], 10.03e6}} {
		if math.Abs(p[0]-p[1]) > 0.5 {
			t.Errorf("%s of the cell is %g, want %g", name, p[0], p[1])
		}
	}
	at := func(name string) float64 { return d[name].([]any)[i].(float64) }
	r := p.Map.Rows[i]
	for name, want := range map[string]float64{"predicted": math.Exp(r.Predicted), "true": math.Exp(r.True), "amount": r.Corrected, "low": math.Exp(r.Low[1]), "strange": r.Dissimilarity} {
		if got := at(name); math.Abs(got-want) > 6e-4*math.Abs(want) {
			t.Errorf("%s is %g, want %g", name, got, want)
		}
	}
	if d["true"].([]any)[0] != nil {
		t.Errorf("a cell without a target has %v", d["true"].([]any)[0])
	}
	if d["inside"].(string)[i] != '0' || d["inside"].(string)[0] != '1' || d["split"].(string)[:3] != "tvh" {
		t.Errorf("inside %v, split %v", d["inside"], d["split"])
	}
	// Cells 0 to 3 have no, one, two and no categories.
	want := []float64{0, 1, 0, 2, 2, 0, 3, 1, 3, 0}
	for k, v := range want {
		if d["points"].([]any)[k].(float64) != v {
			t.Errorf("points %v, want %v", d["points"].([]any)[:len(want)], want)
			break
		}
	}
	if f := d["photos"].(map[string]any); f["size"].(float64) != 48 || f["columns"].(float64) != 6 || !strings.HasPrefix(f["uri"].(string), "data:image/jpeg;base64,") {
		t.Errorf("photos of %v pixels", f["size"])
	}
}

// Names are text wherever they stand: no markup, no code, no control characters.
func TestEscapes(t *testing.T) {
	text := render(t, degrees(4).page(t))
	if n := strings.Count(text, "<script"); n != 2 { // data and code
		t.Errorf("%d script elements", n)
	}
	if n := strings.Count(text, "</script"); n != 2 {
		t.Errorf("%d ends of script elements", n)
	}
	if strings.Contains(text, "<img") {
		t.Error("a name became an element")
	}
	for _, r := range text {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x2028 || r == 0x202e {
			t.Fatalf("the control character %U", r)
		}
	}
	if !strings.Contains(text, html.EscapeString(`alert(1)`)) {
		t.Error("the name is not on the page")
	}
	d := dataOf(t, text)
	if got := d["categories"].([]any)[1]; got != printable(hostile) {
		t.Errorf("the category is %q", got)
	}
	if got := d["areas"].([]any)[1].(map[string]any)["name"]; got != printable(hostile) {
		t.Errorf("the area is %q", got)
	}
}

// The policy lets the page's own script run, and nothing be loaded.
func TestPolicy(t *testing.T) {
	p := degrees(3).page(t)
	for name, p := range map[string]Page{"map": p, "no map": {Title: "none", NoMap: "There is none.", Areas: p.Areas}} {
		text := render(t, p)
		i := strings.LastIndex(text, "<script>") + len("<script>")
		script := text[i : i+strings.Index(text[i:], "</script>")]
		sum := sha256.Sum256([]byte(script))
		policy, _, _ := strings.Cut(text[strings.Index(text, `content="default-src`):], ">")
		if policy = html.UnescapeString(policy); !strings.Contains(policy, "script-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") ||
			!strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "script-src 'unsafe") {
			t.Errorf("%s: %s", name, policy)
		}
		text = strings.Replace(text, script, "", 1) // Leaflet's code holds its address, which is set only where it signs itself
		for _, never := range []string{"ZgotmplZ", ` src="http`, ` href="http`, "<link", "@import"} {
			if strings.Contains(text, never) {
				t.Errorf("%s: the page holds %q", name, never)
			}
		}
	}
}

// The license of the map library is on the page that uses it.
func TestLicence(t *testing.T) {
	text := render(t, degrees(3).page(t))
	for _, want := range []string{"BSD 2-Clause License", "Copyright (c) 2010-2023, Volodymyr Agafonkin", "THIS SOFTWARE IS PROVIDED"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q", want)
		}
	}
	if strings.Contains(render(t, Page{Title: "none"}), "Leaflet") {
		t.Error("a page without a map carries the library")
	}
}

// On every kind of grid neighbors share corners, and cells are where the store says,
// also over the antimeridian.
func TestCorners(t *testing.T) {
	for name, w := range map[string]town{
		"xyz":          {spec: grid.Spec{Scheme: grid.XYZ, Zoom: 12}, at: grid.Cell{Col: 2000, Row: 1300}, n: 5},
		"projected":    {spec: grid.Spec{Scheme: grid.Projected, EPSG: 32632, CellMetres: 1000}, at: grid.Cell{Col: 500, Row: -5200}, n: 5},
		"antimeridian": {spec: grid.Spec{Scheme: grid.Degrees, CellDegrees: 0.5}, at: grid.Cell{Col: 717, Row: 100}, n: 3},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "antimeridian" { // the second column lies beyond: columns 718, 719 and 0
				wrapped(t)
				return
			}
			_, rows := w.build(t)
			g, err := data.GridOf(w.gridSpec())
			if err != nil {
				t.Fatal(err)
			}
			c, err := cornersOf(g, rows)
			if err != nil {
				t.Fatal(err)
			}
			if want := (w.n + 1) * (w.n + 1); len(c.lon) != want {
				t.Errorf("%d corners, want %d", len(c.lon), want)
			}
			for i, r := range rows {
				a, b := c.nw[i], c.sw[i]
				lon, lat := float64(c.lon[a]+c.lon[a+1]+c.lon[b]+c.lon[b+1])/4/degree, float64(c.lat[a]+c.lat[a+1]+c.lat[b]+c.lat[b+1])/4/degree
				if math.Abs(lon-r.Lon) > 1e-4 || math.Abs(lat-r.Lat) > 1e-4 {
					t.Fatalf("cell %d lies at %g, %g, want %g, %g", i, lon, lat, r.Lon, r.Lat)
				}
			}
		})
	}
}

func wrapped(t *testing.T) {
	g, err := grid.New(grid.Spec{Scheme: grid.Degrees, CellDegrees: 0.5})
	if err != nil {
		t.Fatal(err)
	}
	var rows []runlog.Prediction
	for _, col := range []int64{718, 719, 0} {
		lon, lat := g.Center(grid.Cell{Col: col, Row: 100})
		rows = append(rows, runlog.Prediction{Col: col, Row: 100, Lon: lon, Lat: lat})
	}
	c, err := cornersOf(g, rows)
	if err != nil {
		t.Fatal(err)
	}
	low, high := c.lon[0], c.lon[0]
	for _, x := range c.lon {
		low, high = min(low, x), max(high, x)
	}
	if low != 179e6 || high != 180.5e6 {
		t.Errorf("the cells reach from %d to %d", low, high)
	}
}

// A page of 4,000 cells with images and points stays below 5 MB, whatever the
// images show; more cells get smaller images, and in the end none.
func TestWeight(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for n, size := range map[int]int{900: 64, 1800: 48, 4096: 32, 17000: 16, 20000: 0} {
		s, _ := degrees(2).build(t)
		at := make([]int, n)
		f, err := takePhotos(s, at, maxPhotos)
		if err != nil {
			t.Fatal(err)
		}
		if size == 64 { // the images of the town have 32 pixels
			size = 48
		}
		if size == 0 && f != nil || size > 0 && (f == nil || f.size != size) {
			t.Errorf("%d cells: %+v", n, f != nil)
		}
	}
	w := degrees(64)
	s, rows := w.build(t)
	for i := range rows {
		rows[i].Predicted += rng.Float64()
	}
	g, err := data.GridOf(w.gridSpec())
	if err != nil {
		t.Fatal(err)
	}
	m, _, err := NewMap(g, rows, w.x, s)
	if err != nil {
		t.Fatal(err)
	}
	text := render(t, Page{Title: "large", Map: m, Unit: "tCO2/yr"})
	without := len(text) - len(m.photos.uri)
	if all := without + maxPhotos*4/3; all > 5e6 {
		t.Errorf("the page may have %d bytes, %d of them without images", all, without)
	}
	t.Logf("4,096 cells: %d bytes without images", without)
}

// A table of another grid, and more cells than a page can carry, are no map.
func TestNoMap(t *testing.T) {
	w := degrees(3)
	_, rows := w.build(t)
	g, err := grid.New(grid.Spec{Scheme: grid.XYZ, Zoom: 15})
	if err != nil {
		t.Fatal(err)
	}
	if m, why, err := NewMap(g, rows, w.x, nil); m != nil || err != nil || !strings.Contains(why, "cannot be placed") {
		t.Errorf("%v, %q, %v", m, why, err)
	}
	if m, why, err := NewMap(g, make([]runlog.Prediction, maxCells+1), w.x, nil); m != nil || err != nil || !strings.Contains(why, "QGIS") {
		t.Errorf("%v, %q, %v", m, why, err)
	}
	if text := render(t, Page{Title: "none", NoMap: "There <are> none."}); !strings.Contains(text, "There &lt;are&gt; none.") {
		t.Error("the page does not say why there is no map")
	}
}

func TestNumbers(t *testing.T) {
	b, err := json.Marshal(numbers{0, 1234567, 0.00012344, 12.5, math.NaN(), math.Inf(1), -3, 1e-9, 2.00004})
	if want := "[0,1235000,0.0001234,12.5,null,null,-3,1e-09,2]"; err != nil || string(b) != want {
		t.Errorf("%s, %v, want %s", b, err, want)
	}
	if b, err = json.Marshal(steps{5, 7, 4}); err != nil || string(b) != "[5,2,-3]" {
		t.Errorf("%s, %v", b, err)
	}
}

func TestFindings(t *testing.T) {
	m := degrees(10).page(t).Map
	all := strings.Join(Findings(m, "tCO2/yr", Facts{
		Sum:     &Sum{Of: "The 9 cells held out", True: 2e6, Total: 2.1e6, Level: 0.9, Low: 1.5e6, High: 3e6},
		Score:   &Score{Of: "9 cells held out", R2: 0.8, MAE: math.Log(1.5), Rival: "ridge", RivalR2: 0.85},
		Effects: []Effect{{"bank", -0.1}, {"park", 0.2}, {"cafe", 0.001}, {"mill", -0.3}}, Notes: []string{"étangs: not known", ""},
	}), "\n")
	for _, want := range []string{"emit 2.1 million t CO₂ a year", "90 % confidence between 1.5 million and 3 million", "The inventory says 2 million t CO₂", "the 10 cells", "explains 80 %",
		"factor of 1.50", "ridge, comes to R2 0.850: it is better here", "mill (+35 %), bank (+11 %).", "park (-18 %).", "20.0 % of the cells are unlike", "\nÉtangs: not known."} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in\n%s", want, all)
		}
	}
	if strings.Contains(all, "cafe") {
		t.Error("an effect that is none")
	}
	wide := strings.Join(Findings(m, "tCO2/yr", Facts{Sum: &Sum{Of: "The cells", Total: 5, True: math.NaN(), Level: 0.9, Low: 1, High: 11}}), "\n")
	if !strings.Contains(wide, "too wide for the total to be reported") || strings.Contains(all, "too wide") {
		t.Errorf("of a total that is hardly known:\n%s\nof one that is known:\n%s", wide, all)
	}
	both := Findings(m, "tCO2/yr", Facts{
		Sum:    &Sum{Of: "By predictions alone, the same cells", Total: 5e6, True: math.NaN(), Level: 0.9, Low: 1e6, High: 11e6},
		Filled: &Sum{Of: "With the inventory's own numbers, the cells", Total: 4e6, True: math.NaN(), Level: 0.9, Low: 3e6, High: 5e6},
	})
	if both[0] != "With the inventory's own numbers, the cells emit 4 million t CO₂ a year; with 90 % confidence between 3 million and 5 million." ||
		!strings.HasPrefix(both[1], "By predictions alone") || !strings.Contains(both[2], "too wide") {
		t.Errorf("known numbers come first:\n%s", strings.Join(both, "\n"))
	}
	proxy := strings.Join(Findings(m, "proxy", Facts{Sum: &Sum{Of: "The cells", Total: 5, True: math.NaN(), Low: math.NaN()}}), "\n")
	if !strings.Contains(proxy, "proxy, not an emission") || strings.Contains(proxy, " emit ") || strings.Contains(proxy, "total") {
		t.Error(proxy)
	}
	if got := fmt.Sprint(Findings(nil, "tCO2/yr", Facts{})); got != "[]" {
		t.Error(got)
	}
}
