package study

import (
	"context"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"opencarbon/data/synth"
	"opencarbon/train"
	"opencarbon/train/fleet"
)

// explained: weights add up, bins and occluded cells are as many as asked for.
func (w *studied) explained(t *testing.T) {
	dir, study := w.dir, w.study
	study.Out = filepath.Join(dir, "explained")
	e, err := Explain(t.Context(), ExplainOptions{Options: study, Bins: 4, Cells: 20})
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
	if len(r.Seeds) != 1 || len(r.Pooled) != 3 || r.Pooled[0].N == 0 || len(table(t, r.File)) != 6+len(r.Areas)+len(r.Totals) {
		t.Errorf("%+v", r)
	}
	// The intervals are the network's: no time goes into others.
	if beside, err := filepath.Glob(filepath.Join(dir, "runs", "seed-1", "*", "ridge.safetensors")); err != nil || len(beside) > 0 {
		t.Errorf("simple methods beside it: %v, %v", beside, err)
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
