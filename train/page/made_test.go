package page

import (
	"context"
	"math"
	"path/filepath"
	"testing"

	"opencarbon/data"
	"opencarbon/data/grid"
	"opencarbon/data/label"
	"opencarbon/data/store"
	"opencarbon/train/runlog"
)

// hostile is a name that would be markup, code or control of a terminal anywhere
// but in a text.
const hostile = "</script><script>alert(1)</script>\"'`&\x1b[2J\u2028\u202e<img src=x onerror=alert(2)>"

// town is n x n cells with images and points, on the grid that spec describes; its
// north-western cell is at.
type town struct {
	spec grid.Spec
	at   grid.Cell
	n    int
	x    runlog.Extra
}

func (w town) gridSpec() store.GridSpec {
	m := store.GridSpec{Scheme: w.spec.Scheme, Zoom: w.spec.Zoom, EPSG: w.spec.EPSG, CellSize: w.spec.CellMetres}
	if w.spec.Scheme == grid.Degrees {
		m.CellSize = w.spec.CellDegrees
	}
	return m
}

// build makes the store and its predictions.
func (w town) build(t *testing.T) (*store.Store, []runlog.Prediction) {
	t.Helper()
	g, err := data.GridOf(w.gridSpec())
	if err != nil {
		t.Fatal(err)
	}
	measure, err := g.NewMeasure()
	if err != nil {
		t.Fatal(err)
	}
	defer measure.Close()
	var cells []store.Cell
	var places []grid.Cell
	for r := range int64(w.n) {
		for c := range int64(w.n) {
			cells = append(cells, store.Cell{Col: w.at.Col + c, Row: w.at.Row + r})
			places = append(places, grid.Cell{Col: w.at.Col + c, Row: w.at.Row + r})
		}
	}
	lon, lat, err := measure.Centers(places)
	if err != nil {
		t.Fatal(err)
	}
	area, err := measure.Areas(places)
	if err != nil {
		t.Fatal(err)
	}
	const size = 32
	dir := filepath.Join(t.TempDir(), "store")
	out, err := store.Create(dir, store.Meta{Name: "town", Grid: w.gridSpec(), TargetUnit: "tCO2/yr", ConfigHash: "x", Program: "test", Attribution: "© Tiles & <Co>"}, len(cells), size)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Abort()
	out.SetCells(cells)
	var lonlat []float64
	offsets := []int64{0}
	var points store.Points
	rows := make([]runlog.Prediction, len(cells))
	for i, c := range cells {
		lonlat = append(lonlat, lon[i], lat[i])
		tile := make([]uint8, 3*size*size)
		for k := range tile {
			tile[k] = uint8(40*(k/(size*size)) + i%100)
		}
		if err := out.SetImage(i, tile); err != nil {
			t.Fatal(err)
		}
		for k := range uint16(i % 3) { // no, one or two categories
			points.Category, points.Row, points.Col, points.Count = append(points.Category, k), append(points.Row, 1), append(points.Col, 2), append(points.Count, float32(i+1))
		}
		offsets = append(offsets, int64(points.Len()))
		y := 6 + 2*math.Sin(float64(i)/5)
		rows[i] = runlog.Prediction{Col: c.Col, Row: c.Row, Lon: lon[i], Lat: lat[i], Split: []string{"train", "validation", "test"}[i%3], True: y + 0.2,
			Predicted: y, Corrected: 1.2 * math.Exp(y), Dissimilarity: float64(i%10) / 5, InDomain: i%10 < 8}
		for range w.x.Levels {
			rows[i].Low, rows[i].High = append(rows[i].Low, y-0.5), append(rows[i].High, y+0.5)
		}
	}
	rows[0].True = math.NaN()
	targets := make([]float64, len(rows))
	splits := make([]store.Split, len(rows))
	for i, r := range rows {
		targets[i], splits[i] = math.Exp(r.True), store.Split(1+i%3)
	}
	out.SetTargets(targets)
	out.SetSplits(splits)
	out.SetLonLat(lonlat)
	out.SetAreaKM2(area)
	out.SetPOIs([]string{"cafe", hostile, "park"}, size, offsets, points)
	if err := out.Commit(context.Background()); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, rows
}

// page is the town's page, with two areas whose outlines are its halves.
func (w town) page(t *testing.T) Page {
	t.Helper()
	s, rows := w.build(t)
	g, err := data.GridOf(w.gridSpec())
	if err != nil {
		t.Fatal(err)
	}
	m, why, err := NewMap(g, rows, w.x, s)
	if err != nil || m == nil {
		t.Fatalf("no map: %q, %v", why, err)
	}
	m.Since = &Since{Name: "2013 " + hostile}
	now, _ := m.amounts()
	for i, v := range now {
		f := 0.5 + float64(i%7)/6 // of then: half to one and a half times
		m.Since.Before, m.Since.Now = append(m.Since.Before, v/f), append(m.Since.Now, v)
		m.Since.Low, m.Since.High = append(m.Since.Low, 0.9*f), append(m.Since.High, 1.1*f)
	}
	m.Since.Before[3] = math.NaN()
	p := Page{Title: hostile, About: "made for a test", Map: m, Unit: "tCO2/yr", Findings: Findings(m, "tCO2/yr", Facts{
		Effects: []Effect{{hostile, -0.2}}}), Below: "<h2>Below</h2>"}
	k := len(m.corners.lon) - 1
	west, north, east, south := m.corners.lon[0], m.corners.lat[0], m.corners.lon[k], m.corners.lat[k]
	middle := (west + east) / 2
	for i, name := range []string{"Zoë's Hill", hostile} {
		x := [2]int64{west, middle}
		if i == 1 {
			x = [2]int64{middle, east}
		}
		p.Areas.Rows = append(p.Areas.Rows, Area{Name: printable(name), Rank: i + 1, Cells: w.n * w.n / 2, KM2: 10, Total: float64(9000 - 5000*i), PerKM2: 900, Share: 0.5, Filled: math.NaN(), Least: math.NaN(), Most: math.NaN(),
			Low: float64(3000 - 1000*i), High: 12000, Factor: math.NaN(), rings: []steps{{x[0], x[1], x[1], x[0], x[0], north, north, south, south, north}}})
	}
	return p
}

// printable is a name as ReadAreas reads it.
func printable(name string) string { return label.Printable(name) }
