package study

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"opencarbon/data"
	"opencarbon/data/synth"
	"opencarbon/torch"
	"opencarbon/train/config"
	"opencarbon/train/progress"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if n := torch.Live(); n != 0 && code == 0 {
		fmt.Fprintf(os.Stderr, "%d tensors outlived all tests\n", n)
		code = 1
	}
	os.Exit(code)
}

var silent = progress.Options{Quiet: true}

// quick makes an experiment a matter of a second.
var quick = []string{"train.epochs=2", "train.min_epochs=1", "train.validate_every=1", "train.threads=1", "train.device=cpu", "model.embedding=8", "output.plots=false", "output.tensorboard=false"}

// table reads a CSV file as one map a row.
func table(t *testing.T, path string) []map[string]string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []map[string]string
	for _, row := range rows[1:] {
		m := map[string]string{}
		for i, name := range rows[0] {
			m[name] = row[i]
		}
		out = append(out, m)
	}
	return out
}

func value(t *testing.T, s string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// prepared builds the store of an experiment and returns its folder.
func prepared(t *testing.T, source string) (string, error) {
	c, err := config.Load(source, []string{"data.store=" + filepath.Join(t.TempDir(), "store")})
	if err != nil {
		return "", err
	}
	r, err := data.Build(t.Context(), &c.Data, data.Options{Name: "bare"})
	if err != nil {
		return "", err
	}
	return r.Store, nil
}

func files(t *testing.T, dir string, names ...string) {
	t.Helper()
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
			continue
		}
		if strings.HasSuffix(name, ".png") {
			if img, err := png.Decode(bytes.NewReader(text)); err != nil || img.Bounds().Dx() < 200 {
				t.Errorf("%s: %v", name, err)
			}
		}
		if strings.Contains(string(text[:min(len(text), 4096)]), "NaN") {
			t.Errorf("%s holds NaN", name)
		}
	}
}

// studied are two made cities, a model each, and their transfer.
type studied struct {
	dir   string
	plan  *Plan
	o     TransferOptions
	r     *TransferResult
	study Options  // of the first city's model
	said  []string // what Transfer said since the last that was forgotten
}

// The whole way: two made cities, a model each, the matrix; then the studies of
// one of the models. One test, since the models take most of the time.
func TestStudies(t *testing.T) {
	dir := t.TempDir()
	ctx := context.Background()
	cities, err := synth.Write(ctx, filepath.Join(dir, "cities"), synth.Config{Rows: 8, Cols: 8, Size: 32, Cities: 2, Seed: 3}, nil)
	if err != nil {
		t.Fatal(err)
	}
	plan := &Plan{Name: "two", Out: filepath.Join(dir, "out"), Set: quick, Block: 2, Draws: 200, Seed: 1}
	for _, c := range cities {
		plan.Regions = append(plan.Regions, Region{Name: c.Name, Config: filepath.Join(dir, "cities", c.Name, synth.ExperimentFile(c.Name))})
	}
	w := &studied{dir: dir, plan: plan}
	o := TransferOptions{Device: "cpu", Threads: 1, Progress: silent, Say: func(line string) { w.said = append(w.said, line) }}
	r, err := Transfer(ctx, plan, o)
	if err != nil {
		t.Fatal(err)
	}
	files(t, plan.Out, TransferTable, TransferRecord, TransferPicture)
	if len(r.Regions) != 2 || r.Regions[0].Cells != 64 || r.Regions[0].TestCells >= 64 || r.Matrix.At(0, 0).Spearman.N != r.Regions[0].TestCells || r.Matrix.At(0, 1).Spearman.N != 64 {
		t.Errorf("regions %+v", r.Regions)
	}

	w.o, w.r = o, r
	w.study = Options{Checkpoint: r.Regions[0].Checkpoint, Store: r.Regions[0].Store, Threads: 1, Device: "cpu", Seed: 1, Progress: silent}
	t.Run("transfer of several methods", w.methods)
	t.Run("transfer by shards", w.shards)
	t.Run("transfer is taken up", w.takenUp)
	t.Run("checkpoints with stores", w.checkpoints)
	t.Run("surplus categories need a decision", w.surplus)
	t.Run("map", w.mapped)
	t.Run("another region's map stays apart", w.apart)
	t.Run("explain", w.explained)
	t.Run("bad input", w.bad)
}

func TestBins(t *testing.T) {
	x, y := []float64{5, 1, 4, 2, 3, 0}, []float64{50, 10, 40, 20, 30, 0}
	got := bins(x, y, 2)
	if len(got) != 2 || got[0] != (bin{3, 0, 2, [3]float64{5, 10, 15}}) || got[1] != (bin{3, 3, 5, [3]float64{35, 40, 45}}) {
		t.Errorf("%+v", got)
	}
	if got := bins([]float64{1}, []float64{2}, 10); len(got) != 1 || got[0].n != 1 {
		t.Errorf("%+v", got)
	}
	if got := bins(nil, nil, 10); got != nil {
		t.Errorf("%+v", got)
	}
}

func TestSample(t *testing.T) {
	if got := sample(4, 0, 1); len(got) != 4 || got[3] != 3 {
		t.Errorf("%v", got)
	}
	a, b, c := sample(1000, 50, 1), sample(1000, 50, 1), sample(1000, 50, 2)
	if fmt.Sprint(a) != fmt.Sprint(b) || fmt.Sprint(a) == fmt.Sprint(c) || len(a) != 50 {
		t.Errorf("%v %v %v", a, b, c)
	}
	for i := 1; i < len(a); i++ {
		if a[i] <= a[i-1] {
			t.Fatalf("%v does not rise", a)
		}
	}
}
