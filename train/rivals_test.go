package train

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/data/store"
	"opencarbon/train/checkpoint"
	"opencarbon/train/config"
	made "opencarbon/train/internal/town"
	"opencarbon/train/method"
	"opencarbon/train/networks"
)

func rival(name string, modalities ...string) *config.Config { return made.Rival(name, modalities...) }

// Every rival learns, is saved, and predicts the same when it is opened again; the
// same seed gives the same network.
func TestRivals(t *testing.T) {
	d := town{rows: 3, cols: 8, image: townSize}.open(t)
	of := &method.Dataset{Store: d.store, Ln: d.ln, Train: d.train, Validation: d.validation, Test: d.test}
	ctx := context.Background()
	if len(config.Rivals()) == 0 {
		t.Error("there are no rivals")
	}
	for _, r := range config.Rivals() {
		name := r.Variant
		t.Run(name, func(t *testing.T) {
			if !slices.Contains(networks.Kinds(), name) {
				t.Fatalf("no network has this kind; there are %v", networks.Kinds())
			}
			var first []float64
			for range 2 {
				f, err := Network{Config: rival(name, "image", "poi")}.Fit(ctx, of, method.Options{Seed: 3, Threads: 1, Dir: t.TempDir()})
				if err != nil {
					t.Fatal(err)
				}
				ln, err := f.Predict(ctx, of, d.test)
				if err != nil {
					t.Fatal(err)
				}
				if first == nil {
					first = ln
				} else if !slices.Equal(first, ln) {
					t.Errorf("the same seed gives %v, then %v", first, ln)
				}
				path := filepath.Join(t.TempDir(), "saved.safetensors")
				if err := f.Save(path); err != nil {
					t.Fatal(err)
				}
				c, err := checkpoint.Read(path)
				if err != nil {
					t.Fatal(err)
				}
				if c.Header.Model.Kind != name {
					t.Errorf("the checkpoint is of kind %s", c.Header.Model.Kind)
				}
				again, err := (&fittedNetwork{c, 1}).Predict(ctx, of, d.test)
				if err != nil || !slices.Equal(again, ln) {
					t.Errorf("opened again it predicts %v, before %v (%v)", again, ln, err)
				}
				if len(slices.Compact(slices.Sorted(slices.Values(ln)))) < 2 {
					t.Errorf("all cells are the same to it: %v", ln)
				}
			}
		})
	}
}

// A rival without what it learns from says so as input that can be mended, which
// a comparison prints as a row that cannot be.
func TestRivalsOfBadInput(t *testing.T) {
	withImages := town{rows: 3, cols: 8, image: townSize}.open(t)
	without := town{rows: 4, cols: 8, hash: "poi"}.open(t)
	for _, r := range config.Rivals() {
		name := r.Variant
		for _, c := range []struct {
			d          *dataset
			modalities []string
		}{{without, []string{"image", "poi"}}, {without, []string{"poi"}}, {withImages, []string{"image"}}} {
			of := &method.Dataset{Store: c.d.store, Ln: c.d.ln, Train: c.d.train, Validation: c.d.validation, Test: c.d.test}
			_, err := Network{Config: rival(name, c.modalities...)}.Fit(context.Background(), of, method.Options{Seed: 3, Threads: 1, Dir: t.TempDir()})
			var f *fault.Input
			enough := false
			if len(c.modalities) == 1 {
				enough = slices.Contains(map[string][]string{"poi": {"bpnn", "carbongcn"}, "image": {"tile2vec"}}[c.modalities[0]], name)
			}
			if enough && err != nil {
				t.Errorf("%s of %v: %v", name, c.modalities, err)
			} else if !enough && !errors.As(err, &f) {
				t.Errorf("%s of %v: %v", name, c.modalities, err)
			}
		}
	}
}

// Cells that are all the same teach nothing and give no validation that could choose: an error says
// so, as of input that can be mended.
func TestRivalsOfOneTarget(t *testing.T) {
	d := town{rows: 3, cols: 8, hash: "same", change: func(targets []float64, _ []store.Split) {
		for i := range targets {
			targets[i] = 7
		}
	}}.open(t)
	of := &method.Dataset{Store: d.store, Ln: d.ln, Train: d.train, Validation: d.validation, Test: d.test}
	for _, name := range []string{"bpnn", "carbongcn"} {
		_, err := Network{Config: rival(name, "poi")}.Fit(context.Background(), of, method.Options{Seed: 3, Threads: 1, Dir: t.TempDir()})
		var f *fault.Input
		t.Log(err)
		if !errors.As(err, &f) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
