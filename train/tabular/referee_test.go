package tabular

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"strconv"
	"testing"
	"time"

	"opencarbon/data/store"
)

var (
	exportStore = flag.String("export.store", "", "tile store whose features are written for testdata/referee.py")
	exportOf    = flag.String("export.methods", "", "only this method is fitted; empty: all")
	exportTo    = flag.String("export.to", "", "CSV file that they are written to")
	exportSeeds = flag.Int("export.seeds", 3, "fits of a method that draws")
)

// TestExport writes a store's features, targets and split as CSV, for
// testdata/referee.py: a line a cell, "split", "ln", then the features. Beside
// it, with .json at the end, goes what the methods here make of them.
func TestExport(t *testing.T) {
	if *exportStore == "" || *exportTo == "" {
		t.Skip("give -export.store and -export.to to write features for testdata/referee.py")
	}
	s, err := store.Open(*exportStore)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	f, err := New(t.Context(), s, Inputs{Images: true, POIs: true})
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(*exportTo)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(file)
	fmt.Fprint(w, "split,ln")
	for _, name := range f.Names() {
		fmt.Fprint(w, ",", strconv.Quote(name))
	}
	fmt.Fprintln(w)
	targets, splits := s.Targets(), s.Splits()
	for i := range f.Cells() {
		if !(targets[i] > 0) || splits[i] == store.None {
			continue
		}
		fmt.Fprintf(w, "%s,%.17g", splits[i], math.Log(targets[i]))
		for _, v := range f.Rows([]int32{int32(i)}).RawRowView(0) {
			fmt.Fprintf(w, ",%.17g", v)
		}
		fmt.Fprintln(w)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	task := Task{Features: f, Ln: make([]float64, f.Cells())}
	var test []int32
	var truth []float64
	for i := range f.Cells() {
		task.Ln[i] = math.NaN()
		if !(targets[i] > 0) {
			continue
		}
		task.Ln[i] = math.Log(targets[i])
		switch splits[i] {
		case store.Train:
			task.Train = append(task.Train, int32(i))
		case store.Validation:
			task.Validation = append(task.Validation, int32(i))
		case store.Test:
			test, truth = append(test, int32(i)), append(truth, task.Ln[i])
		}
	}
	type row struct {
		R2       float64  `json:"r2"`
		Settings Settings `json:"settings"`
	}
	found := map[string][]row{}
	for _, m := range []Method{RidgeRegression{}, SVR{}, XGBoost{}, Forest{}, Stacked{}} {
		if *exportOf != "" && *exportOf != m.Name() {
			continue
		}
		for seed := range int64(*exportSeeds) {
			began := time.Now()
			fitted, err := m.Fit(t.Context(), task, Options{Seed: seed})
			if err != nil {
				t.Fatal(err)
			}
			predicted, err := fitted.Predict(t.Context(), f, test)
			if err != nil {
				t.Fatal(err)
			}
			r := row{R2: r2(truth, predicted), Settings: fitted.Trials()[best(fitted.Trials())].Settings}
			found[m.Name()] = append(found[m.Name()], r)
			t.Logf("%s, seed %d: test R2 %.4f; %s (%.1fs)", m.Name(), seed, r.R2, fitted.About(), time.Since(began).Seconds())
			if m.Name() == "ridge" || m.Name() == "SVR" { // nothing is drawn
				break
			}
		}
	}
	text, err := json.MarshalIndent(found, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(*exportTo+".json", append(text, '\n'), 0o666); err != nil {
		t.Fatal(err)
	}
}
