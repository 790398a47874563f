package train

import (
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"opencarbon/train/checkpoint"
	"opencarbon/train/metrics"
	"opencarbon/train/output"
	"opencarbon/train/progress"
	"opencarbon/train/runlog"
)

// Pictures and tables of a run show under each name the score of that name: with
// R2, MAE and RMSE that differ, none can stand for another.
func TestScoresStandUnderTheirNames(t *testing.T) {
	run, err := runlog.Create(t.TempDir(), "x", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	defer run.Close()
	var said strings.Builder
	bar := progress.NewTraining(progress.Options{Out: &said}, 1, 2, 1)
	rec := &recorder{run: run, bar: bar, active: func(epoch int) bool { return epoch > 0 }}
	if rec.metrics, err = run.NewMetrics(metricColumns); err != nil {
		t.Fatal(err)
	}
	scores := func(r2 float64) metrics.SplitScores {
		return metrics.SplitScores{Name: "validation", Ln: metrics.Scores{N: 9, R2: r2, MAE: r2 + 0.2, RMSE: r2 + 0.4}}
	}
	for epoch, r2 := range []float64{0.3125, 0.4375} {
		if err := rec.validated(checkpoint.State{Epoch: epoch + 1}, 5+float64(epoch), 0.0625, scores(r2), true); err != nil {
			t.Fatal(err)
		}
	}
	bar.Close()
	c := curves("x", &Result{BestEpoch: 2}, rec)
	if len(c.R2) != 1 || !strings.Contains(c.R2[0].Name, "R2") || !slices.Equal(c.R2[0].X, []float64{1, 2}) || !slices.Equal(c.R2[0].Y, []float64{0.3125, 0.4375}) {
		t.Errorf("R2 is drawn as %+v", c.R2)
	}
	if len(c.Loss) != 1 || !slices.Equal(c.Loss[0].Y, []float64{5, 6}) {
		t.Errorf("the loss is drawn as %+v", c.Loss)
	}
	if len(c.Events) != 1 || c.Events[0].X != 2 {
		t.Errorf("the contrastive loss begins at %+v", c.Events)
	}
	text, err := os.ReadFile(run.Path("metrics.csv"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	head, row := strings.Split(lines[0], ","), strings.Split(lines[len(lines)-1], ",")
	for name, want := range map[string]string{"validation_R2": "0.4375", "validation_MAE": "0.6375", "validation_RMSE": "0.8375", "train_loss": "6", "learning_rate": "0.0625"} {
		if i := slices.Index(head, name); i < 0 || row[i] != want {
			t.Errorf("metrics.csv: %s in %v is not %s", name, row, want)
		}
	}
	if !strings.Contains(said.String(), "R2 0.4375  MAE 0.6375  RMSE 0.8375") {
		t.Errorf("the terminal reads %q", said.String())
	}

	s := (town{rows: 6, cols: 10}).open(t)
	predicted := make([]float64, s.store.Len())
	for i := range predicted {
		predicted[i] = s.ln[i] + 0.25
	}
	r := &Result{Unit: "tCO2/yr"}
	for k, name := range []string{"train", "validation", "test"} {
		one := scores(0.1 * float64(k+1))
		one.Name = name
		r.Splits = append(r.Splits, one)
	}
	for k, set := range scatter("x", s, predicted, r).Sets {
		ln := r.Splits[k].Ln
		if !strings.Contains(set.Name, "R2 "+metrics.Number(ln.R2)) || !strings.Contains(set.Name, "MAE "+metrics.Number(ln.MAE)) || !strings.HasPrefix(set.Name, r.Splits[k].Name) {
			t.Errorf("split %s is named %q", r.Splits[k].Name, set.Name)
		}
		for i := range set.True {
			if math.Abs(set.Predicted[i]-set.True[i]-0.25) > 1e-9 {
				t.Fatalf("predicted %g stands on the axis of the true %g", set.Predicted[i], set.True[i])
			}
		}
	}
	inside := make([]bool, len(predicted)) // the first cell alone
	inside[0] = true
	m := output.Maps(s.store, s.ln, output.Estimate{Ln: predicted, Inside: inside}, "tCO2/yr")
	if len(m.Outside) != len(predicted) || m.Outside[0] || !m.Outside[1] {
		t.Errorf("hatched: %v", m.Outside)
	}
	for i := range predicted {
		for k, want := range []float64{s.ln[i], predicted[i], predicted[i] - s.ln[i]} {
			if got := m.Layers[k].Values[i]; got != want && !(math.IsNaN(got) && math.IsNaN(want)) {
				t.Fatalf("map %q of cell %d: %g, want %g", m.Layers[k].Title, i, got, want)
			}
		}
	}
}
