package train

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"testing"

	"opencarbon/train/checkpoint"
	"opencarbon/train/config"
)

// Every way of training goes on from a checkpoint in the middle of an epoch to
// the same bits.
func TestResumeEveryWay(t *testing.T) {
	plain := town{rows: 4, cols: 10}.open(t)
	pictures := town{rows: 2, cols: 10, image: townSize}.open(t)
	for _, c := range []struct {
		name   string
		images bool
		change func(*config.Config)
	}{
		{"adam", false, func(*config.Config) {}},
		{"adamw, cosine with warm-up", false, func(c *config.Config) {
			c.Train.Optimizer, c.Train.Schedule, c.Train.WarmupEpochs, c.Train.MinLearningRate = "adamw", "cosine", 2, 1e-5
		}},
		{"sgd with momentum, plateau, clipping", false, func(c *config.Config) {
			c.Train.Optimizer, c.Train.LearningRate, c.Train.ClipNorm, c.Train.Epochs = "sgd", 0.3, 5, 7
			c.Train.Schedule, c.Train.PlateauPatience, c.Train.PlateauFactor = "plateau", 0, 0.3
		}},
		{"sgd, huber, blocks", false, func(c *config.Config) {
			c.Train.Optimizer, c.Train.Momentum, c.Train.LearningRate, c.Train.Loss = "sgd", 0, 1e-3, "huber"
			c.Train.Sampler, c.Train.Block = "blocks", 2
		}},
		{"historical embeddings, patches", false, func(c *config.Config) {
			c.Train.Encode, c.Train.Sampler, c.Train.Block = "historical", "blocks", 0
		}},
		{"slices", false, func(c *config.Config) { c.Train.Encode = "slices" }},
		{"bf16", false, func(c *config.Config) { c.Train.Precision = "bf16" }},
		{"no neighborhood, no SE", false, func(c *config.Config) { c.Model.Neighborhood, c.Model.SE = 1, false }},
		{"reference variant", false, func(c *config.Config) { c.SetVariant("reference") }},
		{"plus", true, func(c *config.Config) {
			c.Model.Variant, c.Model.Statistics, c.Model.LogCounts, c.Model.Wide, c.Model.WideDropout = "plus", true, true, true, 0.2
			c.Train.EMA, c.Train.Epochs = 0.9, 3
		}},
		{"tiles that are compared, drawn anew", true, func(c *config.Config) { *c = *rival("tile2vec", "image", "poi"); c.Train.Epochs = 2 }},
		{"random crops", true, func(c *config.Config) { *c = *rival("pg-simclr", "image", "poi"); c.Train.Epochs = 2 }},
		{"an encoder that learnt before", true, func(c *config.Config) { *c = *rival("bpnn", "image", "poi"); c.Train.Epochs = 2 }},
		{"images, contrastive, bf16", true, func(c *config.Config) { c.Train.Precision, c.Train.Epochs = "bf16", 2 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, d := pois(), plain
			e.Train.Epochs = 5
			if c.images {
				e, d = both(), pictures
			}
			c.change(e)
			straight := &witness{}
			want, err := training(t, context.Background(), e, d, straight, "")
			if err != nil {
				t.Fatal(err)
			}
			for i, r2 := range straight.r2 {
				if math.IsNaN(r2) || math.IsInf(r2, 0) {
					t.Errorf("validation %d: R2 %v", i, r2)
				}
			}
			rates := map[float64]bool{}
			for _, r := range straight.rate {
				rates[r] = true
			}
			if (len(rates) > 1) != (e.Train.Schedule != "constant") {
				t.Errorf("schedule %s: learning rates %v", e.Train.Schedule, straight.rate)
			}
			dir := t.TempDir()
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			stop := e.Train.Epochs - 1
			first := &witness{dir: dir, stepped: func(epoch, step int) {
				if epoch == stop && step == 1 {
					cancel()
				}
			}}
			if _, err := training(t, ctx, e, d, first, ""); err != context.Canceled {
				t.Fatal(err)
			}
			last := filepath.Join(dir, LastFile)
			saved, err := checkpoint.Read(last)
			if err != nil {
				t.Fatal(err)
			}
			if s := saved.Header.State; s.Epoch != stop-1 || s.Step != 1 {
				t.Fatalf("stopped at epoch %d, step %d", s.Epoch, s.Step)
			}
			second := &witness{}
			have, err := training(t, context.Background(), e, d, second, last)
			if err != nil {
				t.Fatal(err)
			}
			if n := differing(want, have); len(n) > 0 {
				t.Errorf("%d tensors differ: %v", len(n), n[:min(4, len(n))])
			}
			if a, b := fmt.Sprint(straight.rate), fmt.Sprint(append(first.rate, second.rate...)); a != b {
				t.Errorf("learning rates %s, resumed %s", a, b)
			}
			if a, b := fmt.Sprint(straight.r2), fmt.Sprint(append(first.r2, second.r2...)); a != b {
				t.Errorf("R2 %s, resumed %s", a, b)
			}
			for epoch, l := range second.loss {
				if straight.loss[epoch] != l {
					t.Errorf("loss of epoch %d %v, resumed %v", epoch, straight.loss[epoch], l)
				}
			}
		})
	}
}

// An interruption while validating keeps the epoch's training, and the
// validation comes after the resumption.
func TestInterruptedValidation(t *testing.T) {
	d := town{rows: 5, cols: 10}.open(t)
	c := pois()
	c.Train.SaveEvery = 100
	straight := &witness{}
	want, err := training(t, context.Background(), c, d, straight, "")
	if err != nil {
		t.Fatal(err)
	}
	for stop := 1; stop <= 3; stop++ {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		steps := 0
		w := &witness{dir: t.TempDir()}
		w.stepped = func(epoch, step int) {
			if steps = len(w.trainer.sampler.Epoch(0)); epoch == stop && step == steps {
				cancel()
			}
		}
		if _, err := training(t, ctx, c, d, w, ""); err != context.Canceled {
			t.Fatal(err)
		}
		last := filepath.Join(w.dir, LastFile)
		saved, err := checkpoint.Read(last)
		if err != nil {
			t.Fatal(err)
		}
		if s := saved.Header.State; s.Epoch != stop-1 || s.Step != steps {
			t.Errorf("stopped at epoch %d, step %d", s.Epoch, s.Step)
		}
		second := &witness{}
		have, err := training(t, context.Background(), c, d, second, last)
		if err != nil {
			t.Fatal(err)
		}
		if n := differing(want, have); len(n) > 0 {
			t.Errorf("interrupted at epoch %d: %d tensors differ", stop, len(n))
		}
		if a, b := fmt.Sprint(straight.r2), fmt.Sprint(append(w.r2, second.r2...)); a != b {
			t.Errorf("R2 %s, resumed %s", a, b)
		}
	}
}

// A run that was killed before its first epoch's end goes on from the checkpoint
// with which it began, when nothing was standardized or pretrained yet.
func TestResumeFromTheStart(t *testing.T) {
	d := town{rows: 3, cols: 20, image: townSize}.open(t)
	plus := both()
	plus.Model.Variant, plus.Model.Statistics, plus.Model.LogCounts, plus.Model.Wide = "plus", true, true, true
	for name, c := range map[string]*config.Config{"standardized": plus, "pretrained": rival("read", "image", "poi")} {
		t.Run(name, func(t *testing.T) {
			c.Train.Epochs = 2
			want, err := training(t, context.Background(), c, d, &witness{}, "")
			if err != nil {
				t.Fatal(err)
			}
			first := filepath.Join(t.TempDir(), LastFile)
			run(t, func() {
				tr, err := newTrainer(t.Context(), c, d, &witness{})
				if err != nil {
					t.Fatal(err)
				}
				defer tr.close()
				if err := tr.save(first); err != nil {
					t.Fatal(err)
				}
			})
			have, err := training(t, context.Background(), c, d, &witness{}, first)
			if err != nil {
				t.Fatal(err)
			}
			if n := differing(want, have); len(n) > 0 {
				t.Errorf("%d tensors differ: %v", len(n), n[:min(4, len(n))])
			}
		})
	}
}

// A run that is stopped anywhere in its first epoch, before its first step as well,
// goes on to the same bits; also where what drops out is drawn while the history is
// made, and while statistics are recalibrated, and both are done anew.
func TestResumeFromAnywhere(t *testing.T) {
	for _, v := range []struct {
		name   string
		town   town
		stops  int
		change func(*config.Config)
	}{
		{"paper", town{rows: 4, cols: 10}, 10, func(*config.Config) {}},
		{"plus, chunks of tiles", town{rows: 8, cols: 12}, 11, func(c *config.Config) {
			c.Model.Variant, c.Model.LogCounts, c.Model.Wide, c.Model.WideDropout, c.Train.BatchSize = "plus", true, true, 0.2, 40
		}},
	} {
		t.Run(v.name, func(t *testing.T) {
			d, c := v.town.open(t), pois()
			c.Train.Epochs, c.Train.Encode = 2, "historical"
			v.change(c)
			want, err := training(t, context.Background(), c, d, &witness{}, "")
			if err != nil {
				t.Fatal(err)
			}
			begun := false
			for asked := range v.stops {
				w := &witness{dir: t.TempDir()}
				at := asked
				if _, err := training(t, countdown{context.Background(), &asked}, c, d, w, ""); err == nil {
					t.Fatalf("not stopped when asked for the %d-th time", at)
				}
				last := filepath.Join(w.dir, LastFile)
				k, err := checkpoint.Read(last)
				if err != nil {
					continue // stopped before there was anything to keep
				}
				begun = begun || k.Header.Begun
				have, err := training(t, context.Background(), c, d, &witness{}, last)
				if err != nil {
					t.Fatal(err)
				}
				if names := differing(want, have); len(names) > 0 {
					t.Errorf("stopped at %+v, begun %t: %v differ", k.Header.State, k.Header.Begun, names[:min(3, len(names))])
				}
			}
			if !begun {
				t.Error("no run was stopped between the history of its first epoch and the first step")
			}
		})
	}
}
