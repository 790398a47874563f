package train

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/train/progress"
	"opencarbon/train/runlog"
)

// quiet is Options without a report.
func quiet() Options { return Options{Progress: progress.Options{Quiet: true}} }

// A whole run: what it leaves behind, and that the figures it reports are those
// of the predictions it wrote, made with the best weights.
func TestRun(t *testing.T) {
	c := pois()
	dir := workplace(t, c)
	c.Output.Plots, c.Output.TensorBoard, c.Train.Epochs = true, true, 60
	c.Train.LearningRate, c.Train.Patience = 0.05, 1 // so that the last epoch is not the best
	r, err := Run(context.Background(), c, quiet())
	if err != nil {
		t.Fatal(err)
	}
	if r.Dir != runFolder(dir) || r.Epochs > 59 || r.BestEpoch != r.Epochs-1 || r.Stopped == "" || r.Unit != "tCO2/yr" || len(r.Pictures) != 3 || len(r.Baselines) < 2 {
		t.Errorf("%+v", r)
	}
	for _, name := range append([]string{"config.yaml", "run.json", "metrics.csv", "predictions.csv", BestFile, LastFile}, r.Pictures...) {
		if !filepath.IsAbs(name) {
			name = filepath.Join(r.Dir, name)
		}
		if st, err := os.Stat(name); err != nil || st.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	events, _ := filepath.Glob(filepath.Join(r.Dir, "tensorboard", "*tfevents*"))
	if len(events) != 1 {
		t.Fatalf("TensorBoard events in %q", events)
	}
	shown, err := os.ReadFile(events[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, tag := range []string{"settings", "_hparams_/session_start_info", "train.learning_rate", "validation/R2", "test/R2", "test/R2 of ridge", "maps", "scatter", "_hparams_/session_end_info"} {
		if !bytes.Contains(shown, []byte(tag)) {
			t.Errorf("nothing called %q for TensorBoard", tag)
		}
	}

	f, err := os.Open(filepath.Join(r.Dir, "predictions.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := func(has string) int {
		for i, name := range rows[0] {
			if strings.HasPrefix(name, has) {
				return i
			}
		}
		t.Fatalf("no column %s in %v", has, rows[0])
		return 0
	}
	split, truth, guess := column("split"), column("ln_true"), column("ln_predicted")
	for _, part := range r.Splits {
		var n, mean, residual, total float64
		var pairs [][2]float64
		for _, row := range rows[1:] {
			if row[split] != part.Name {
				continue
			}
			y, err1 := strconv.ParseFloat(row[truth], 64)
			p, err2 := strconv.ParseFloat(row[guess], 64)
			if err1 != nil || err2 != nil {
				t.Fatal(row)
			}
			pairs = append(pairs, [2]float64{y, p})
			n, mean = n+1, mean+y
		}
		mean /= n
		for _, p := range pairs {
			residual += (p[0] - p[1]) * (p[0] - p[1])
			total += (p[0] - mean) * (p[0] - mean)
		}
		if r2 := 1 - residual/total; math.Abs(r2-part.Ln.R2) > 1e-4 || int(n) != part.Ln.N {
			t.Errorf("%s: R2 %v of %v cells, the predictions give %v of %d", part.Name, part.Ln.R2, part.Ln.N, r2, len(pairs))
		}
	}
	_, table, err := runlog.ReadMetrics(filepath.Join(r.Dir, "metrics.csv"))
	if err != nil || len(table) != r.Epochs {
		t.Fatalf("%d rows of metrics: %v", len(table), err)
	}
	if best := table[r.BestEpoch-1][3]; math.Abs(best-r.Splits[1].Ln.R2) > 1e-9 {
		t.Errorf("the best epoch's validation R2 was %v, the result says %v: other weights", best, r.Splits[1].Ln.R2)
	}
	var text bytes.Buffer
	if err := r.Print(&text); err != nil || !strings.Contains(text.String(), r.Dir) || !strings.Contains(text.String(), "tCO2/yr") {
		t.Errorf("%s %v", text.String(), err)
	}

	// A finished run that is resumed only concludes again.
	o := quiet()
	o.Resume = r.Dir
	again, err := Run(context.Background(), c, o)
	if err != nil {
		t.Fatal(err)
	}
	if again.Splits[2].Ln != r.Splits[2].Ln || again.Epochs != r.Epochs {
		t.Errorf("resumed: %+v, before %+v", again.Splits[2], r.Splits[2])
	}

	// The config comes out of the checkpoint as it went in.
	e, err := ResumeConfig(filepath.Join(filepath.Dir(r.Dir), "latest"))
	if err != nil {
		t.Fatal(err)
	}
	a, err1 := c.YAML()
	b, err2 := e.YAML()
	if err1 != nil || err2 != nil || !reflect.DeepEqual(e.Train, c.Train) || e.Data.Store != c.Data.Store {
		t.Errorf("config\n%s\nresumed\n%s\n%v %v", a, b, err1, err2)
	}
}

// A run stopped before its first step can be resumed.
func TestRunInterruptedAtOnce(t *testing.T) {
	c := pois()
	dir := workplace(t, c)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := Run(ctx, c, quiet())
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "--resume "+runFolder(dir)) {
		t.Fatal(err)
	}
	info, err := os.ReadFile(filepath.Join(runFolder(dir), "run.json"))
	if err != nil || !strings.Contains(string(info), `"interrupted"`) {
		t.Errorf("%s %v", info, err)
	}
	o := quiet()
	o.Resume = runFolder(dir)
	if _, err := Run(context.Background(), c, o); err != nil {
		t.Error(err)
	}
	straight := workplace(t, c)
	if code := child(straight); code != 0 {
		t.Fatal(code)
	}
	compareOutcomes(t, outcome(t, dir), outcome(t, straight))
}

func TestRunRefuses(t *testing.T) {
	c := pois()
	workplace(t, c)
	folder := t.TempDir()
	for _, r := range []struct {
		name string
		run  func() error
		want string
	}{
		{"images that are not there", func() error {
			e := both()
			e.Data.Store, e.Output.Dir = c.Data.Store, c.Output.Dir
			_, err := Run(context.Background(), e, quiet())
			return err
		}, "the store has no images"},
		{"no store", func() error {
			e := pois()
			e.Data.Store, e.Output.Dir = filepath.Join(folder, "none"), folder
			_, err := Run(context.Background(), e, quiet())
			return err
		}, "there is no tile store"},
		{"a folder that is no run", func() error {
			o := quiet()
			o.Resume = folder
			_, err := Run(context.Background(), c, o)
			return err
		}, "is not a run folder"},
		{"the config of no run", func() error {
			_, err := ResumeConfig(filepath.Join(folder, "none"))
			return err
		}, "is no run folder"},
		{"the config of an empty folder", func() error {
			_, err := ResumeConfig(folder)
			return err
		}, "there is no such checkpoint"},
	} {
		if err := r.run(); !fault.IsInput(err) || !strings.Contains(err.Error(), r.want) {
			t.Errorf("%s: %v, want %q", r.name, err, r.want)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(c.Output.Dir, "town", "*")); len(left) > 0 {
		t.Errorf("a refused run left %v", left)
	}
}
