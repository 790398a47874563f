package study

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"opencarbon/data/fault"
	"opencarbon/data/store"
	"opencarbon/train"
	"opencarbon/train/checkpoint"
	"opencarbon/train/fleet"
	"opencarbon/train/observe"
	"opencarbon/train/rank"
)

// methods: further methods stand beside the network in a transfer.
func (w *studied) methods(t *testing.T) {
	plan, o, r := w.plan, w.o, w.r
	rows, err := TransferMethods(t.Context(), plan, o, []string{"opencarbon", "ridge", "encoder-none", "mean"})
	if err != nil {
		t.Fatal(err)
	}
	if rows[0].Away != r.Mean.Value || rows[0].Pairs != 2 || rows[1].Result == nil || !(rows[1].Away > -1 && rows[1].Home <= 1) {
		t.Errorf("%+v", rows)
	}
	for _, row := range rows[2:] {
		if row.Result != nil || !strings.Contains(row.Why, row.Method) {
			t.Errorf("%+v", row)
		}
	}
	// The ridge regression that each run leaves beside its network is the same.
	own := rows[1].Result.Regions[0]
	beside, err := checkpoint.Read(filepath.Join(filepath.Dir(r.Regions[0].Checkpoint), train.MethodFile("ridge")))
	if err != nil {
		t.Fatal(err)
	}
	alone, err := checkpoint.Read(own.Checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	var said [2]*observe.Observations
	for i, c := range []*checkpoint.Checkpoint{beside, alone} {
		s, err := store.Open(r.Regions[1].Store)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if said[i], err = observe.Model(t.Context(), c, s, observe.Options{Targets: true, Device: "cpu", Threads: 1, Progress: silent}); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(said[0].Predicted, said[1].Predicted) {
		t.Error("ridge of a run and of the study differ")
	}
	if tab := table(t, filepath.Join(plan.Out, MethodsTable)); len(tab) != 4 || tab[1]["method"] != "ridge" || tab[2]["left_out"] == "" {
		t.Errorf("%v", tab)
	}
	var text bytes.Buffer
	if err := PrintMethods(&text, rows); err != nil || !strings.Contains(text.String(), "| ridge ") || !strings.Contains(text.String(), "left out") {
		t.Errorf("%v\n%s", err, text.String())
	}
	kept, _ := os.Stat(own.Checkpoint)
	if _, err := TransferMethods(t.Context(), plan, o, []string{"ridge"}); err != nil {
		t.Error(err)
	} else if now, _ := os.Stat(own.Checkpoint); !now.ModTime().Equal(kept.ModTime()) {
		t.Error("ridge was fitted again")
	}
	for want, names := range map[string][]string{"is unknown": {"oracle"}, "twice": {"ridge", "ridge"}, "names no method": {}, "leaves no model": {"mean"}} {
		if _, err := TransferMethods(t.Context(), plan, o, names); !fault.IsInput(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v", names, err)
		}
	}
}

// shards make together what one process makes.
func (w *studied) shards(t *testing.T) {
	dir, plan, o := w.dir, w.plan, w.o
	apart := o
	apart.Out = filepath.Join(dir, "shards") // its stores are built anew
	made := 0
	for _, shard := range []fleet.Shard{{I: 0, N: 2}, {I: 1, N: 2}, {I: 0, N: 1}} {
		d, err := TransferWork(t.Context(), plan, apart, []string{"ridge", "encoder-none"}, shard)
		if err != nil || d.Pieces != 4 || d.Made+d.Before+d.Failed != 4/shard.N {
			t.Fatalf("%v: %+v, %v", shard, d, err)
		}
		made += d.Made
	}
	if made != 2 {
		t.Errorf("%d models were made, of 2", made)
	}
	d, err := TransferWork(t.Context(), plan, o, nil, fleet.Whole) // the study in one piece has them
	if err != nil || d.Before != 2 || d.Made != 0 {
		t.Errorf("%+v, %v", d, err)
	}
}

// takenUp: what was trained is kept, and what was broken off goes on.
func (w *studied) takenUp(t *testing.T) {
	plan, o, r := w.plan, w.o, w.r
	w.said = nil
	again, err := Transfer(t.Context(), plan, o)
	if err != nil {
		t.Fatal(err)
	}
	if again.Matrix.At(0, 1).Spearman.Value != r.Matrix.At(0, 1).Spearman.Value {
		t.Error("another result the second time")
	}
	if n := strings.Count(strings.Join(w.said, "\n"), "trained already"); n != 2 {
		t.Errorf("%d of 2 models were kept: %v", n, w.said)
	}
	longer := o
	longer.Set = []string{"train.epochs=6"}
	w.said = nil
	cancelled, cancel := context.WithCancel(t.Context())
	defer cancel()
	checkpoints := filepath.Join(filepath.Dir(filepath.Dir(r.Regions[0].Checkpoint)), "*", train.LastFile)
	before, err := filepath.Glob(checkpoints)
	if err != nil || len(before) == 0 {
		t.Fatal(err, before)
	}
	longer.Say = func(line string) {
		w.said = append(w.said, line)
		go func() { // ends the training as soon as there is something to go on from
			defer cancel()
			for cancelled.Err() == nil {
				if now, _ := filepath.Glob(checkpoints); len(now) > len(before) {
					return
				}
				time.Sleep(time.Millisecond)
			}
		}()
	}
	if _, err := Transfer(cancelled, plan, longer); !errors.Is(err, context.Canceled) || len(w.said) != 1 || !strings.HasSuffix(w.said[0], ": training") {
		t.Errorf("another experiment: %v, %v", w.said, err)
	}
	w.said = nil
	longer.Say = func(line string) { w.said = append(w.said, line) }
	if _, err := Transfer(t.Context(), plan, longer); err != nil || !strings.Contains(w.said[0], "going on with") {
		t.Errorf("after an interruption: %v, %v", w.said, err)
	}
}

// checkpoints and stores do in the place of a plan.
func (w *studied) checkpoints(t *testing.T) {
	dir, plan, o, r := w.dir, w.plan, w.o, w.r
	p, err := PlanOf("", []string{r.Regions[0].Checkpoint, r.Regions[1].Checkpoint}, []string{r.Regions[0].Store, r.Regions[1].Store})
	if err != nil {
		t.Fatal(err)
	}
	p.Out, p.Block, p.Draws = filepath.Join(dir, "direct"), plan.Block, plan.Draws
	direct, err := Transfer(t.Context(), p, o)
	if err != nil {
		t.Fatal(err)
	}
	if direct.Mean.Value != r.Mean.Value || len(direct.Notes) != len(r.Notes) {
		t.Errorf("%v, notes %v; want %v", direct.Mean, direct.Notes, r.Mean)
	}
	p.Regions[1].Store = p.Regions[0].Store // not its own
	if direct, err = Transfer(t.Context(), p, o); err != nil || !strings.Contains(strings.Join(direct.Notes, "\n"), "trained on another store") {
		t.Errorf("%v, %v", direct, err)
	}
}

// surplus categories need a decision before anything is trained.
func (w *studied) surplus(t *testing.T) {
	dir, plan, o := w.dir, w.plan, w.o
	raw := *plan
	raw.Regions = append([]Region(nil), plan.Regions...)
	other := filepath.Join(dir, "other.yaml")
	if err := os.WriteFile(other, []byte("categories:\n  eat: [restaurant, cafe]\n  shop: [shop]\nignore:\n  regex: [\".\"]\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	raw.Regions[1].Set = []string{"data.poi.categories=" + other}
	raw.Out = filepath.Join(dir, "mismatch")
	w.said = nil
	_, err := Transfer(t.Context(), &raw, o)
	if !fault.IsInput(err) || !strings.Contains(err.Error(), "does not know: eat (") || !strings.Contains(err.Error(), "surplus") || len(w.said) > 0 {
		t.Errorf("%v after %v", err, w.said)
	}
}

// A region of one cell and constant predictions have no rank correlation: the
// reason stands in every output, and nowhere a NaN.
func TestUndefinedTransfer(t *testing.T) {
	boot := rank.Bootstrap{Draws: 20}
	pair := func(from, to string, predicted, truth []float64) rank.Pair {
		blocks := make([]int, len(truth))
		for i := range blocks {
			blocks[i] = i % 3
		}
		p, err := rank.Compare(from, to, predicted, truth, blocks, boot)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	truth := []float64{1, 2, 3, 4, 5, 6}
	m, err := rank.NewMatrix([]string{"lone", "flat"}, []rank.Pair{
		pair("lone", "lone", []float64{1}, []float64{1}), pair("flat", "lone", []float64{1}, []float64{1}),
		pair("lone", "flat", []float64{2, 2, 2, 2, 2, 2}, truth), pair("flat", "flat", truth, truth)})
	if err != nil {
		t.Fatal(err)
	}
	r := &TransferResult{Name: "odd", Matrix: m, Dir: t.TempDir()}
	r.Mean, r.Skipped = m.OffDiagonalMean()
	w := &transfer{TransferOptions: TransferOptions{Out: r.Dir}}
	if err := w.write(r); err != nil {
		t.Fatal(err)
	}
	files(t, r.Dir, TransferTable, TransferRecord, TransferPicture)
	var b strings.Builder
	if err := r.Print(&b); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(r.Dir, TransferRecord))
	if err != nil || !json.Valid(text) {
		t.Fatal(err)
	}
	for _, out := range []string{b.String(), string(text)} {
		if strings.Contains(out, "NaN") || !strings.Contains(out, "undefined") {
			t.Errorf("%s", out)
		}
	}
	if !strings.Contains(string(text), "all 6 predictions are equal") || !strings.Contains(string(text), "one cell only") {
		t.Errorf("the reasons are missing: %s", text)
	}
}
