package study

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"opencarbon/data"
	"opencarbon/data/fault"
	"opencarbon/data/store"
	"opencarbon/data/synth"
	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/train"
	"opencarbon/train/config"
	"opencarbon/train/conformal"
	"opencarbon/train/export"
	"opencarbon/train/fleet"
	"opencarbon/train/observe"
	"opencarbon/train/progress"
	"opencarbon/train/rank"
	"opencarbon/train/totals"
	"opencarbon/train/tsne"
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
	var said []string
	o := TransferOptions{Device: "cpu", Threads: 1, Progress: silent, Say: func(line string) { said = append(said, line) }}
	r, err := Transfer(ctx, plan, o)
	if err != nil {
		t.Fatal(err)
	}
	files(t, plan.Out, TransferTable, TransferRecord, TransferPicture)
	if len(r.Regions) != 2 || r.Regions[0].Cells != 64 || r.Regions[0].TestCells >= 64 || r.Matrix.At(0, 0).Spearman.N != r.Regions[0].TestCells || r.Matrix.At(0, 1).Spearman.N != 64 {
		t.Errorf("regions %+v", r.Regions)
	}

	t.Run("transfer of several methods", func(t *testing.T) {
		rows, err := TransferMethods(ctx, plan, o, []string{"opencarbon", "ridge", "encoder-none", "mean"})
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
		beside, err := train.ReadCheckpoint(filepath.Join(filepath.Dir(r.Regions[0].Checkpoint), train.MethodFile("ridge")))
		if err != nil {
			t.Fatal(err)
		}
		alone, err := train.ReadCheckpoint(own.Checkpoint)
		if err != nil {
			t.Fatal(err)
		}
		var said [2]*observe.Observations
		for i, c := range []*train.Checkpoint{beside, alone} {
			s, err := store.Open(r.Regions[1].Store)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if said[i], err = observe.Model(ctx, c, s, observe.Options{Targets: true, Device: "cpu", Threads: 1, Progress: silent}); err != nil {
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
		if _, err := TransferMethods(ctx, plan, o, []string{"ridge"}); err != nil {
			t.Error(err)
		} else if now, _ := os.Stat(own.Checkpoint); !now.ModTime().Equal(kept.ModTime()) {
			t.Error("ridge was fitted again")
		}
		for want, names := range map[string][]string{"is unknown": {"oracle"}, "twice": {"ridge", "ridge"}, "names no method": {}, "leaves no model": {"mean"}} {
			if _, err := TransferMethods(ctx, plan, o, names); !fault.IsInput(err) || !strings.Contains(err.Error(), want) {
				t.Errorf("%v: %v", names, err)
			}
		}
	})

	t.Run("transfer by shards", func(t *testing.T) {
		apart := o
		apart.Out = filepath.Join(dir, "shards") // its stores are built anew
		made := 0
		for _, shard := range []fleet.Shard{{I: 0, N: 2}, {I: 1, N: 2}, {I: 0, N: 1}} {
			d, err := TransferWork(ctx, plan, apart, []string{"ridge", "encoder-none"}, shard)
			if err != nil || d.Pieces != 4 || d.Made+d.Before+d.Failed != 4/shard.N {
				t.Fatalf("%v: %+v, %v", shard, d, err)
			}
			made += d.Made
		}
		if made != 2 {
			t.Errorf("%d models were made, of 2", made)
		}
		d, err := TransferWork(ctx, plan, o, nil, fleet.Whole) // the study in one piece has them
		if err != nil || d.Before != 2 || d.Made != 0 {
			t.Errorf("%+v, %v", d, err)
		}
	})

	t.Run("transfer is taken up", func(t *testing.T) {
		said = nil
		again, err := Transfer(ctx, plan, o)
		if err != nil {
			t.Fatal(err)
		}
		if again.Matrix.At(0, 1).Spearman.Value != r.Matrix.At(0, 1).Spearman.Value {
			t.Error("another result the second time")
		}
		if n := strings.Count(strings.Join(said, "\n"), "trained already"); n != 2 {
			t.Errorf("%d of 2 models were kept: %v", n, said)
		}
		longer := o
		longer.Set = []string{"train.epochs=6"}
		said = nil
		cancelled, cancel := context.WithCancel(ctx)
		defer cancel()
		checkpoints := filepath.Join(filepath.Dir(filepath.Dir(r.Regions[0].Checkpoint)), "*", train.LastFile)
		before, err := filepath.Glob(checkpoints)
		if err != nil || len(before) == 0 {
			t.Fatal(err, before)
		}
		longer.Say = func(line string) {
			said = append(said, line)
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
		if _, err := Transfer(cancelled, plan, longer); !errors.Is(err, context.Canceled) || len(said) != 1 || !strings.HasSuffix(said[0], ": training") {
			t.Errorf("another experiment: %v, %v", said, err)
		}
		said = nil
		longer.Say = func(line string) { said = append(said, line) }
		if _, err := Transfer(ctx, plan, longer); err != nil || !strings.Contains(said[0], "going on with") {
			t.Errorf("after an interruption: %v, %v", said, err)
		}
	})

	t.Run("checkpoints with stores", func(t *testing.T) {
		p, err := PlanOf("", []string{r.Regions[0].Checkpoint, r.Regions[1].Checkpoint}, []string{r.Regions[0].Store, r.Regions[1].Store})
		if err != nil {
			t.Fatal(err)
		}
		p.Out, p.Block, p.Draws = filepath.Join(dir, "direct"), plan.Block, plan.Draws
		direct, err := Transfer(ctx, p, o)
		if err != nil {
			t.Fatal(err)
		}
		if direct.Mean.Value != r.Mean.Value || len(direct.Notes) != len(r.Notes) {
			t.Errorf("%v, notes %v; want %v", direct.Mean, direct.Notes, r.Mean)
		}
		p.Regions[1].Store = p.Regions[0].Store // not its own
		if direct, err = Transfer(ctx, p, o); err != nil || !strings.Contains(strings.Join(direct.Notes, "\n"), "trained on another store") {
			t.Errorf("%v, %v", direct, err)
		}
	})

	t.Run("surplus categories need a decision", func(t *testing.T) {
		raw := *plan
		raw.Regions = append([]Region(nil), plan.Regions...)
		other := filepath.Join(dir, "other.yaml")
		if err := os.WriteFile(other, []byte("categories:\n  eat: [restaurant, cafe]\n  shop: [shop]\nignore:\n  regex: [\".\"]\n"), 0o666); err != nil {
			t.Fatal(err)
		}
		raw.Regions[1].Set = []string{"data.poi.categories=" + other}
		raw.Out = filepath.Join(dir, "mismatch")
		said = nil
		_, err := Transfer(ctx, &raw, o)
		if !fault.IsInput(err) || !strings.Contains(err.Error(), "does not know: eat (") || !strings.Contains(err.Error(), "surplus") || len(said) > 0 {
			t.Errorf("%v after %v", err, said)
		}
	})

	checkpoint := r.Regions[0].Checkpoint
	study := Options{Checkpoint: checkpoint, Store: r.Regions[0].Store, Threads: 1, Device: "cpu", Seed: 1, Progress: silent}

	t.Run("map", func(t *testing.T) {
		m, err := Map(ctx, MapOptions{Options: study, Embeddings: []string{layers.GridView, layers.POIView}, TSNE: tsne.Config{Perplexity: 10, Iterations: 250}, Cells: 60})
		if err != nil {
			t.Fatal(err)
		}
		if m.Dir != filepath.Join(filepath.Dir(checkpoint), "tsne") {
			t.Errorf("the results lie in %s", m.Dir)
		}
		files(t, m.Dir, "embeddings_grid.csv", "embeddings_grid.parquet", "embeddings_grid.npy", "projector_grid/"+export.ProjectorFile, "tsne_grid.csv", "tsne_grid.png", "tsne_poi.png")
		rows := table(t, filepath.Join(m.Dir, "tsne_grid.csv"))
		anchors := 0
		last := math.Inf(-1)
		for _, row := range rows {
			if row["anchor"] == "" {
				continue
			}
			anchors++
			value(t, row["x"])
		}
		for k := 1; k <= anchors; k++ { // numbered along the gradient
			for _, row := range rows {
				if row["anchor"] == strconv.Itoa(k) {
					if y := value(t, row["ln_true"]); y > last {
						last = y
					} else {
						t.Errorf("anchor %d has less emission than the one before", k)
					}
				}
			}
		}
		if len(rows) != 60 || anchors < 4 || anchors > 6 || len(table(t, filepath.Join(m.Dir, "embeddings_grid.csv"))) != 64 {
			t.Errorf("%d rows, %d anchors", len(rows), anchors)
		}
	})

	t.Run("another region's map stays apart", func(t *testing.T) {
		other := study
		other.Store = r.Regions[1].Store
		m, err := Map(ctx, MapOptions{Options: other, TSNE: tsne.Config{Iterations: 250}, Anchors: -1})
		if err != nil {
			t.Fatal(err)
		}
		if want := "tsne-" + r.Regions[1].Name; filepath.Base(m.Dir) != want {
			t.Errorf("the results lie in %s, not %s", m.Dir, want)
		}
	})

	t.Run("explain", func(t *testing.T) {
		study := study
		study.Out = filepath.Join(dir, "explained")
		e, err := Explain(ctx, ExplainOptions{Options: study, Bins: 4, Cells: 20})
		if err != nil {
			t.Fatal(err)
		}
		files(t, e.Dir, "attention.csv", "attention_binned.csv", "attention.png", "gates.csv", "gates.png", "shares.csv", "shares.png", "occlusion.csv", "occlusion.png")
		for _, row := range table(t, filepath.Join(e.Dir, "attention.csv")) {
			for _, level := range []string{"grid", "neighborhood"} {
				if sum := value(t, row[level+"_image"]) + value(t, row[level+"_poi"]); math.Abs(sum-1) > 1e-6 {
					t.Fatalf("weights at %s level add up to %g", level, sum)
				}
			}
		}
		binned := table(t, filepath.Join(e.Dir, "attention_binned.csv"))
		if len(binned) != 8 || binned[0]["cells"] != "16" {
			t.Errorf("%d bins of %s cells", len(binned), binned[0]["cells"])
		}
		for _, row := range table(t, filepath.Join(e.Dir, "occlusion.csv")) {
			if row["cells"] != "20" {
				t.Errorf("%s cells", row["cells"])
			}
		}
	})

	t.Run("bad input", func(t *testing.T) {
		for says, call := range map[string]func() error{
			"--checkpoint": func() error { _, err := Explain(ctx, ExplainOptions{}); return err },
			"no such checkpoint": func() error {
				_, err := Explain(ctx, ExplainOptions{Options: Options{Checkpoint: filepath.Join(dir, "none.safetensors")}})
				return err
			},
			"largest perplexity": func() error {
				_, err := Map(ctx, MapOptions{Options: study, TSNE: tsne.Config{Perplexity: 22}})
				return err
			},
			"unknown": func() error {
				_, err := Map(ctx, MapOptions{Options: study, Embeddings: []string{"sound"}})
				return err
			},
			"250": func() error {
				_, err := Map(ctx, MapOptions{Options: study, TSNE: tsne.Config{Iterations: 3}})
				return err
			},
			"no device": func() error {
				study := study
				study.Device = "tpu"
				_, err := Map(ctx, MapOptions{Options: study})
				return err
			},
			"--bins": func() error { _, err := Explain(ctx, ExplainOptions{Options: study, Bins: -1}); return err },
			"cannot be made": func() error {
				study := study
				study.Out = filepath.Join(checkpoint, "sub") // below a file
				_, err := Explain(ctx, ExplainOptions{Options: study})
				return err
			},
			"categories that the checkpoint does not know": func() error {
				study := study
				study.Store = filepath.Join(dir, "mismatch", "stores", r.Regions[1].Name)
				_, err := Explain(ctx, ExplainOptions{Options: study})
				return err
			},
			"no cell with emissions": func() error {
				p := *plan
				p.Out = filepath.Join(dir, "unknown")
				p.Regions = append([]Region(nil), plan.Regions...)
				text, err := os.ReadFile(p.Regions[1].Config)
				if err != nil {
					t.Fatal(err)
				}
				bare, after, _ := strings.Cut(string(text), "  emissions:")
				_, after, _ = strings.Cut(after, "  poi:")
				bare += "  poi:" + strings.Split(after, "  split:")[0]
				config := filepath.Join(filepath.Dir(p.Regions[1].Config), "bare.yaml")
				if err := os.WriteFile(config, []byte(bare), 0o666); err != nil {
					t.Fatal(err)
				}
				s, err := prepared(t, config)
				if err != nil {
					t.Fatal(err)
				}
				p.Regions[1] = Region{Name: "bare", Checkpoint: checkpoint, Store: s}
				_, err = Transfer(ctx, &p, o)
				return err
			},
		} {
			study.Out = filepath.Join(dir, "refused")
			if err := call(); !fault.IsInput(err) || !strings.Contains(err.Error(), says) {
				t.Errorf("%s: %v", says, err)
			}
			if _, err := os.Stat(study.Out); err == nil {
				t.Errorf("%s: the study left a folder", says)
			}
		}
		gone := study
		gone.Store = ""
		if err := os.Rename(r.Regions[0].Store, r.Regions[0].Store+"-moved"); err != nil {
			t.Fatal(err)
		}
		if _, err := Explain(ctx, ExplainOptions{Options: gone}); !fault.IsInput(err) || !strings.Contains(err.Error(), "--store") {
			t.Errorf("a store that is gone: %v", err)
		}
	})
}

// A model of one modality has nothing to weigh and no gates in its reference
// variant: the study says so and does the rest.
func TestExplainOfLesserModel(t *testing.T) {
	dir := t.TempDir()
	ctx := context.Background()
	o := CoverageOptions{Out: dir, City: synth.Config{Rows: 8, Cols: 8, Size: 32, Cities: 1}, Seeds: 1, Progress: silent,
		Set: append([]string{"model.modalities=[image]", "model.contrastive=false", "model.neighborhood=1"}, quick...)}
	for _, want := range []fleet.Deal{{Shard: fleet.Shard{I: 1, N: 2}, Pieces: 1}, {Shard: fleet.Shard{I: 0, N: 2}, Pieces: 1, Made: 1}, {Shard: fleet.Whole, Pieces: 1, Before: 1}} {
		if d, err := CoverageWork(ctx, o, want.Shard); err != nil || *d != want {
			t.Errorf("%+v, %v; want %+v", d, err, want)
		}
	}
	r, err := Coverage(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Seeds) != 1 || len(r.Pooled) != 3 || r.Pooled[0].N == 0 || len(table(t, r.File)) != 6+len(r.Areas) {
		t.Errorf("%+v", r)
	}
	var b strings.Builder
	if err := r.Print(&b); err != nil || strings.Contains(b.String(), "NaN") {
		t.Errorf("%s: %v", b.String(), err)
	}
	e, err := Explain(ctx, ExplainOptions{Options: Options{Checkpoint: filepath.Join(dir, "runs", "seed-1", "latest", train.LastFile), Threads: 1, Device: "cpu", Progress: silent}})
	if err != nil {
		t.Fatal(err)
	}
	notes := strings.Join(e.Notes, "\n")
	for _, want := range []string{"attention: left out", "gates: left out", "occlusion: left out"} {
		if !strings.Contains(notes, want) {
			t.Errorf("%q is not said in %q", want, notes)
		}
	}
	files(t, e.Dir, "shares.csv", "shares.png")
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

// The pooled coverage weighs each seed by its test cells.
func TestPool(t *testing.T) {
	r := &CoverageResult{Seeds: [][]conformal.Coverage{{{Level: 0.9, N: 10, Covered: 1}}, {{Level: 0.9, N: 30, Covered: 0.8}}}}
	fifths := func(covered float64, n int) (f []train.Fifth) {
		for range 5 {
			f = append(f, train.Fifth{Coverage: []conformal.Coverage{{Level: 0.9, N: n, Covered: covered}}})
		}
		return f
	}
	sum := func(truth float64) train.AreaCheck {
		return train.AreaCheck{True: truth, Intervals: []totals.Interval{{Level: 0.9, Low: 1, High: 2}}}
	}
	r.all = []train.Uncertainty{
		{Fifths: fifths(1, 2), Areas: []train.AreaCheck{sum(1.5), sum(2.5)}, Total: &train.TotalCheck{True: 100, Raw: 50, Corrected: 90}},
		{Fifths: fifths(0.5, 6), Areas: []train.AreaCheck{sum(0.5), sum(2)}, Total: &train.TotalCheck{True: 100, Raw: 80, Corrected: 104}},
	}
	r.pool()
	if p := r.Pooled[0]; p.N != 40 || math.Abs(p.Covered-0.85) > 1e-12 {
		t.Errorf("%+v", p)
	}
	if len(r.Fifths) != 5 || r.Fifths[4][0].N != 8 || math.Abs(r.Fifths[4][0].Covered-0.625) > 1e-12 {
		t.Errorf("fifths %+v", r.Fifths)
	}
	if r.all[0].Fifths[0].Coverage[0].N != 2 {
		t.Error("pooling changed what it pools")
	}
	if a := r.Areas[0]; a.N != 4 || a.Covered != 0.5 {
		t.Errorf("sums %+v", a)
	}
	if math.Abs(r.Off[0]-0.35) > 1e-12 || math.Abs(r.Off[1]-0.07) > 1e-12 {
		t.Errorf("totals are off by %v", r.Off)
	}
	r.all[1].Fifths = nil
	r.poolFifths()
	if r.Fifths != nil {
		t.Error("fifths of half the seeds")
	}
}
