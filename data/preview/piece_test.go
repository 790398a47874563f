package preview

import (
	"context"
	"math"
	"path/filepath"
	"testing"

	"gonum.org/v1/plot/vg"

	"opencarbon/data/store"
)

// A region over the antimeridian is one region on its pictures, not a strip around
// the globe.
func TestFrameOverTheAntimeridian(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	w, err := store.Create(dir, store.Meta{Program: "test", Name: "Fiji", Bounds: [4]float64{-180, -17.5, 180, -17},
		Grid: store.GridSpec{Scheme: "degrees", EPSG: 4326, CellSize: 0.5, Columns: 720}}, 4, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	w.SetCells([]store.Cell{{Col: -360, Row: 34}, {Col: -359, Row: 34}, {Col: 358, Row: 34}, {Col: 359, Row: 34}})
	w.SetLonLat([]float64{-179.75, -17.25, -179.25, -17.25, 179.25, -17.25, 179.75, -17.25})
	w.SetAreaKM2([]float64{1, 1, 1, 1})
	w.SetCoverage([]float32{1, 1, 1, 1})
	w.SetTargets([]float64{1, 2, 3, 4})
	w.SetSplits(make([]store.Split, 4))
	if err := w.Commit(context.Background()); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	f, err := newFrame(s)
	if err != nil {
		t.Fatal(err)
	}
	if f.cols != 4 || f.rows != 1 || math.Abs(f.west-179) > 1e-9 || math.Abs(f.east-181) > 1e-9 {
		t.Errorf("%d x %d cells from %g to %g degrees", f.cols, f.rows, f.west, f.east)
	}
	for i, want := range []int{2, 3, 0, 1} {
		if x, _ := f.place(f.cells[i]); x != want {
			t.Errorf("cell %d is drawn at %d, want %d", i, x, want)
		}
	}
}

// The label of a color bar fits beside a low bar, in two lines, and stays in one
// beside a high one.
func TestLabelFits(t *testing.T) {
	for length, want := range map[vg.Length]string{2 * vg.Inch: "tCO₂ a year and cell\n(gray: no sample)", 9 * vg.Inch: "tCO₂ a year and cell (gray: no sample)"} {
		bar := barPlot(viridis, 0, 1, "tCO₂ a year and cell (gray: no sample)", logTicks{})
		fitLabel(bar, length)
		if got := bar.Y.Label.Text; got != want {
			t.Errorf("%v: %q, want %q", length, got, want)
		}
	}
}
