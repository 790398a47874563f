package train

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	maplib "maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"opencarbon/train/checkpoint"
	"opencarbon/train/progress"
	"opencarbon/train/pytorch"
)

// publishedTruth is what published.py found.
type publishedTruth struct {
	Predictions [][3]float64
	Scores      map[string][3]float64 // R2, MAE, RMSE

	Control, Spread float64 // of a live run: how far PyTorch in float32 is from itself in float64; standard deviation of the predictions
}

// compare holds the CSV to limit, a few millionths of the predictions (both sides
// compute in float32), and the scores to 1e-4.
func (p publishedTruth) compare(t *testing.T, name string, got *PublishedScores, limit float64) {
	t.Helper()
	f, err := os.Open(got.Out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) != len(p.Predictions)+1 || strings.Join(rows[0], ",") != "x,y,prediction" {
		t.Fatalf("%s: %d rows %v, %v", name, len(rows), rows[0], err)
	}
	worst := 0.0
	truth := map[string]float64{}
	for _, want := range p.Predictions {
		truth[fmt.Sprintf("%d,%d", int(want[0]), int(want[1]))] = want[2]
	}
	for _, row := range rows[1:] {
		v, err := strconv.ParseFloat(row[2], 64)
		want, ok := truth[row[0]+","+row[1]]
		if d := math.Abs(v-want) / math.Max(1, math.Abs(want)); err != nil || !ok || !(d <= limit) {
			t.Errorf("%s: tile %v is predicted as %v, PyTorch says %v", name, row[:2], v, want)
		} else {
			worst = math.Max(worst, d)
		}
	}
	scores := 0.0
	for _, s := range got.Splits {
		for i, v := range []float64{s.Ln.R2, s.Ln.MAE, s.Ln.RMSE} {
			want := p.Scores[s.Name][i]
			d := math.Abs(v-want) / math.Max(1, math.Abs(want))
			scores = math.Max(scores, d)
			if !(d <= 1e-4) {
				t.Errorf("%s, %s: %s is %v, scikit-learn says %v", name, s.Name, [...]string{"R2", "MAE", "RMSE"}[i], v, want)
			}
		}
	}
	if len(got.Splits) != 3 {
		t.Errorf("%s: %d splits", name, len(got.Splits))
	}
	t.Logf("%-18s predictions %.1e, R2, MAE, RMSE %.1e", name, worst, scores)
}

// TestPublishedEvaluation goes from the files of a dataset and a checkpoint to
// predictions and scores, and compares them with a PyTorch program's.
func TestPublishedEvaluation(t *testing.T) {
	text, err := os.ReadFile("testdata/published.json")
	if err != nil {
		t.Fatal(err)
	}
	var truth map[string]publishedTruth
	if err := json.Unmarshal(text, &truth); err != nil {
		t.Fatal(err)
	}
	if len(truth) < 6 {
		t.Fatalf("%d cases", len(truth))
	}
	dir := unpackPublished(t)
	for _, name := range slices.Sorted(maplib.Keys(truth)) {
		m := publishedCase(name)
		path := filepath.Join(dir, "model.pth")
		names, arrays := publishedWeights(t, m)
		writePTH(t, path, names, arrays)
		c, err := checkpoint.ReadHinted(path, pytorch.Hint{Neighborhood: m.Neighborhood})
		if err != nil {
			t.Fatal(err)
		}
		got, err := PredictPublished(context.Background(), c, PublishedOptions{Dir: dir, First: []int{26995, 12416}, Store: filepath.Join(dir, "store"),
			Out: filepath.Join(dir, "out", "predictions.csv"), Device: "cpu", Progress: progress.Options{Quiet: true}})
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(c.Header.Model, m) {
			t.Errorf("%s: the model is taken for %+v", name, c.Header.Model)
		}
		truth[name].compare(t, name, got, 5e-6)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "out", "*")); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

// TestPublishedBorder: where the first tile is not said, the cells that depend on
// it are counted and the user hears of it.
func TestPublishedBorder(t *testing.T) {
	s := publishedStore(t, unpackPublished(t))
	for m, want := range map[int]int{1: 0, 3: 12, 5: 12} { // no tile of the twelve has all eight neighbors
		if n, err := border(s, m); err != nil || n != want {
			t.Errorf("M = %d: %d at the border, want %d: %v", m, n, want, err)
		}
	}
	c := publishedConfig("k7")
	for _, k := range []struct {
		dir   string
		m     int
		first []int
		notes int
	}{{"x", 3, nil, 1}, {"x", 3, []int{26995, 12416}, 0}, {"x", 1, nil, 0}, {"", 3, nil, 0}} {
		c.Data.Published.Dir, c.Model.Neighborhood, c.Data.PublishedFirstTile = k.dir, k.m, k.first
		if notes, err := borderNotes(c, s); err != nil || len(notes) != k.notes {
			t.Errorf("%+v: %v, %v", k, notes, err)
		}
	}
	var text strings.Builder
	r := PublishedScores{Cells: 12, Border: 10, First: [2]int64{26994, 12417}}
	if err := r.Print(&text); err != nil || !strings.Contains(text.String(), "10 cells depend") || !strings.Contains(text.String(), "26994_12417") ||
		!strings.Contains(text.String(), "--first-tile") {
		t.Errorf("%s, %v", text.String(), err)
	}
}
