package train

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/train/checkpoint"
)

// Each cell is held out once, by a model that trained on none of its neighbors;
// test cells are in no part.
func TestInnerFolds(t *testing.T) {
	d := town{rows: 9, cols: 20, image: townSize}.open(t)
	cells := slices.Concat(d.train, d.validation)
	folds, err := innerFolds(d.store, cells, 3, 3)
	if err != nil {
		t.Fatal(err)
	}
	held := map[int32]int{}
	at := d.store.Cells()
	for _, f := range folds {
		if len(f.Test) > 0 {
			t.Error("a fold has test cells")
		}
		for _, v := range f.Validation {
			held[v]++
			for _, c := range f.Train {
				if dx, dy := at[v].Col-at[c].Col, at[v].Row-at[c].Row; max(dx, -dx) <= 1 && max(dy, -dy) <= 1 {
					t.Fatalf("cell %d is held out, and its neighbor %d trains", v, c)
				}
				if slices.Contains(d.test, c) {
					t.Fatalf("test cell %d trains", c)
				}
			}
		}
	}
	for _, c := range cells {
		if held[c] != 1 {
			t.Errorf("cell %d is held out %d times", c, held[c])
		}
	}
	if len(held) != len(cells) {
		t.Errorf("%d cells are held out, there are %d", len(held), len(cells))
	}
	if _, err := innerFolds(d.store, cells, 3, 50); !fault.IsInput(err) || !strings.Contains(err.Error(), "train.folds") {
		t.Errorf("one block for three folds: %v", err)
	}
}

// The checkpoint predicts the mean of its members by their shares; its errors are
// those that each member makes on the cells that it did not see; members that are
// done are not trained again.
func TestCrossfit(t *testing.T) {
	c := both()
	c.Model.Wide, c.Model.ImageEncoder, c.Data.Split.Block = true, "frozen", 3
	c.Train.Epochs, c.Train.Folds, c.Train.Stack = 6, 3, []string{"ridge"}
	_, d, r := trained(t, c, town{rows: 9, cols: 20, image: townSize})
	if r.Folds == nil || r.Folds.Path != filepath.Join(r.Dir, FoldsFile) {
		t.Fatalf("no folds: %+v", r.Folds)
	}
	k, err := checkpoint.Read(r.Folds.Path)
	if err != nil {
		t.Fatal(err)
	}
	shares := k.Header.Model.Shares
	if len(shares) != 3 && len(shares) != 6 {
		t.Fatalf("shares %v", shares)
	}
	want, own := make([]float64, d.store.Len()), make([]float64, d.store.Len())
	folds, err := innerFolds(d.store, slices.Concat(d.train, d.validation), 3, 3)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		path := filepath.Join(r.Dir, "folds", "fold-"+string(rune('1'+i))+".safetensors")
		x := guesses(t, path, d)
		for cell, y := range x {
			want[cell] += y / 3
		}
		for _, cell := range folds[i].Validation {
			own[cell] = x[cell]
		}
	}
	if len(shares) == 3 { // else ridge has its part, see TestStack for the mean
		near(t, "folds", guesses(t, k.Path, d), want, 1e-4)
	}
	h, ok := k.Held()
	cells := slices.Concat(d.train, d.validation)
	slices.Sort(cells)
	if !ok || len(h.True) != len(cells) {
		t.Fatalf("%d cells were held out, there are %d", len(h.True), len(cells))
	}
	for i, cell := range cells {
		if math.Abs(h.True[i]-d.ln[cell]) > 1e-4 || len(shares) == 3 && math.Abs(h.Predicted[i]-own[cell]) > 1e-4 {
			t.Fatalf("cell %d: true %v, predicted %v; want %v, %v", cell, h.True[i], h.Predicted[i], d.ln[cell], own[cell])
		}
	}
	if o := k.Domain(); o == nil {
		t.Error("it does not say which cells are like the training cells")
	}
	index := k.Strange() // each was trained on by all but its own fold's model
	if len(index) != len(cells) || slices.Min(index) < 1e-6 {
		t.Errorf("dissimilarity of %d of %d cells, from %g", len(index), len(cells), slices.Min(index))
	}
	var u Uncertainty // of the test cells, by what was said out of fold
	text, err := os.ReadFile(filepath.Join(r.Dir, IntervalsFileOf(FoldsFile)))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &u); err != nil {
		t.Fatal(err)
	}
	if u.Cells != len(cells) || u.Coverage[0].N != len(d.test) || u.Total == nil || u.Total.Cells != len(d.test) {
		t.Errorf("intervals of the folds: %d cells, %+v", u.Cells, u)
	} else {
		raw, truth := 0.0, 0.0
		guess := guesses(t, k.Path, d)
		for _, cell := range d.test {
			raw, truth = raw+math.Exp(guess[cell]), truth+math.Exp(d.ln[cell])
		}
		if math.Abs(u.Total.Raw/raw-1) > 1e-4 || math.Abs(u.Total.True/truth-1) > 1e-6 || r.Folds.Total == nil {
			t.Errorf("total %g of %g, want %g of %g", u.Total.Raw, u.Total.True, raw, truth)
		}
	}
	first := filepath.Join(r.Dir, "folds", "fold-1.safetensors")
	before, err := os.Stat(first)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Run(context.Background(), c, Options{Resume: r.Dir, Progress: quiet().Progress}); err != nil {
		t.Fatal(err)
	}
	if after, err := os.Stat(first); err != nil || !after.ModTime().Equal(before.ModTime()) {
		t.Errorf("the first fold was trained again: %v", err)
	}
}
