package tabular

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"opencarbon/data/fault"
)

// What is saved predicts the same to the bit when it is opened again.
func TestSaveAndOpen(t *testing.T) {
	task := noise(120, 3)
	cells := held(task)
	for _, m := range methods(t) {
		f, err := m.Fit(t.Context(), task, Options{Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "model")
		if err := f.Save(path); err != nil {
			t.Fatalf("%s: %v", m.Name(), err)
		}
		again, err := Open(path)
		if err != nil {
			t.Fatalf("%s: %v", m.Name(), err)
		}
		want, err := f.Predict(t.Context(), task.Features, cells)
		if err != nil {
			t.Fatal(err)
		}
		got, err := again.Predict(t.Context(), task.Features, cells)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) || again.About() != f.About() || len(again.Trials()) != len(f.Trials()) {
			t.Errorf("%s is another after it was saved", m.Name())
		}
		// Fitted twice with one seed, it is the same too.
		if twin, err := m.Fit(t.Context(), task, Options{Seed: 1, Threads: 1}); err != nil {
			t.Error(err)
		} else if got, err := twin.Predict(t.Context(), task.Features, cells); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s is another when it is fitted on one thread (%v)", m.Name(), err)
		}
	}
}

// A file that is cut, changed or something else is refused and named.
func TestOpenRefuses(t *testing.T) {
	f, err := RidgeRegression{}.Fit(t.Context(), noise(40, 2), Options{})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "model")
	if err := f.Save(path); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(good)
	flipped[len(flipped)-40] ^= 1
	for name, text := range map[string][]byte{
		"empty": nil, "one line": []byte(`{"format":"opencarbon tabular","version":1,"kind":"ridge"}`), "cut": good[:len(good)-10], "flipped": flipped,
		"newer":   bytes.Replace(good, []byte(`"version":1`), []byte(`"version":2`), 1),
		"renamed": bytes.Replace(good, []byte(`"kind":"ridge"`), []byte(`"kind":"SVR"`), 1),
		"unknown": bytes.Replace(good, []byte(`"kind":"ridge"`), []byte(`"kind":"oracle"`), 1),
		"picture": []byte("\x89PNG\r\n\x1a\n"),
	} {
		if err := os.WriteFile(path, text, 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path); !fault.IsInput(err) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Open(path + ".none"); !fault.IsInput(err) {
		t.Errorf("no file: %v", err)
	}
}

// Whatever a file holds, reading it ends with a method of agreeing sizes or an
// error.
func FuzzDecode(f *testing.F) {
	r, err := RidgeRegression{}.Fit(f.Context(), noise(40, 2), Options{})
	if err != nil {
		f.Fatal(err)
	}
	path := filepath.Join(f.TempDir(), "model")
	if err := r.Save(path); err != nil {
		f.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte("{}\n{}"))
	task := noise(40, 2)
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := Decode(text)
		if err != nil {
			return
		}
		if y, err := m.Predict(t.Context(), task.Features, []int32{1, 2}); err == nil && len(y) != 2 {
			t.Errorf("%d predictions of 2 cells", len(y))
		}
	})
}

// The second layer learns from predictions by forests that have not seen a
// cell's block, and blocks lie whole in a fold.
func TestFolds(t *testing.T) {
	task := noise(300, 2)
	fold := folds(task.Features, task.Train, 0)
	of := map[[2]int64]int{}
	count := make([]int, stackFolds)
	for i, c := range task.Train {
		at := task.Features.at[c]
		b := [2]int64{at.Col / stackBlock, at.Row / stackBlock}
		if k, ok := of[b]; ok && k != fold[i] {
			t.Fatalf("block %v lies in the folds %d and %d", b, k, fold[i])
		} else if !ok {
			count[fold[i]]++
		}
		of[b] = fold[i]
	}
	if slices.Max(count)-slices.Min(count) > 1 {
		t.Errorf("blocks of folds: %v", count)
	}
	for _, c := range [][3]int64{{7, 4, 1}, {-1, 4, -1}, {-4, 4, -1}, {-5, 4, -2}, {0, 4, 0}} {
		if got := floor(c[0], c[1]); got != c[2] {
			t.Errorf("%d / %d is %d", c[0], c[1], got)
		}
	}
	x := task.Features.more(make([]float64, 300)).Rows([]int32{3})
	if _, d := x.Dims(); d != len(task.Features.Names())+2 {
		t.Errorf("%d columns with the first layer", d)
	}
	if math.IsNaN(x.At(0, 0)) {
		t.Error("NaN")
	}
}
