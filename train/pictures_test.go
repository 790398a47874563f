package train

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A region whose two halves are too far apart for a map, as on both sides of the
// antimeridian: the run ends with its scores, the other pictures, and a note.
func TestPicturesNeverCostScores(t *testing.T) {
	c := pois()
	dir := t.TempDir()
	c.Data.Store, c.Output.Dir = filepath.Join(dir, "store"), filepath.Join(dir, "runs")
	if err := (town{rows: 6, cols: 10, apart: 43200}).write(c.Data.Store); err != nil {
		t.Fatal(err)
	}
	c.Output.Plots, c.Train.Epochs = true, 1
	r, err := Run(context.Background(), c, quiet())
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Splits) != 3 || len(r.Baselines) == 0 || len(r.Pictures) != 2 {
		t.Errorf("%+v", r)
	}
	if len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "maps.png is left out") {
		t.Errorf("notes %q", r.Notes)
	}
	if _, err := os.Stat(filepath.Join(r.Dir, "predictions.csv")); err != nil {
		t.Error(err)
	}
	var b strings.Builder
	if err := r.Print(&b); err != nil || !strings.Contains(b.String(), "note: picture maps.png is left out") {
		t.Errorf("%v: %s", err, b.String())
	}
}
