package train

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opencarbon/data/store"
	"opencarbon/torch"
	"opencarbon/torch/safetensors"
	"opencarbon/train/checkpoint"
	"opencarbon/train/config"
	"opencarbon/train/learn"
	"opencarbon/train/metrics"
)

// witness is a watcher that remembers, and may interfere.
type witness struct {
	dir     string                    // for checkpoints; empty: none are written
	stepped func(epoch, step int)     // after each step
	between func(epoch int)           // after each validation
	loss    map[int]float64           // by epoch
	r2      []float64                 // by validation
	best    []int                     // epochs
	rate    []float64                 // by validation
	after   map[int]map[string]string // model arrays by epoch, where wanted
	trainer *trainer
}

func (w *witness) step(epoch, step, _ int, _ float64) {
	if w.stepped != nil {
		w.stepped(epoch, step)
	}
}

func (w *witness) validated(s checkpoint.State, loss, rate float64, v metrics.SplitScores, best bool) error {
	if w.loss == nil {
		w.loss = map[int]float64{}
	}
	w.loss[s.Epoch] = loss
	w.r2 = append(w.r2, v.Ln.R2)
	w.rate = append(w.rate, rate)
	if best {
		w.best = append(w.best, s.Epoch)
	}
	if w.between != nil {
		w.between(s.Epoch)
	}
	if w.after != nil {
		w.after[s.Epoch] = arrays(w.trainer)
	}
	return nil
}

func (w *witness) save(t *trainer, best bool) error {
	if w.dir == "" {
		return nil
	}
	if best {
		return t.save(filepath.Join(w.dir, BestFile))
	}
	return t.save(filepath.Join(w.dir, LastFile))
}

// arrays are the bytes of the model's tensors and the optimizer's.
func arrays(t *trainer) map[string]string {
	out := map[string]string{}
	torch.InScope(func(*torch.Scope) {
		for _, e := range t.model.Params().Entries() {
			out[e.Name] = string(torch.ToArray(e.Tensor).Data)
		}
		for kind, ts := range t.optimizer.State().Tensors {
			for i, x := range ts {
				out[fmt.Sprint(kind, i)] = string(torch.ToArray(x).Data)
			}
		}
	})
	return out
}

// training runs c on d under w, from a checkpoint where one is named, and
// returns the model's end.
func training(t *testing.T, ctx context.Context, c *config.Config, d *dataset, w *witness, from string) (end map[string]string, err error) {
	t.Helper()
	run(t, func() {
		tr, e := newTrainer(t.Context(), c, d, w)
		if e != nil {
			t.Fatal(e)
		}
		defer tr.close()
		w.trainer = tr
		if from != "" {
			k, e := checkpoint.Read(from)
			if e != nil {
				t.Fatal(e)
			}
			if e := tr.resume(k); e != nil {
				t.Fatal(e)
			}
		}
		err = tr.train(ctx)
		end = arrays(tr)
	})
	return end, err
}

func differing(a, b map[string]string) (names []string) {
	for name := range a {
		if a[name] != b[name] {
			names = append(names, name)
		}
	}
	if len(a) != len(b) {
		names = append(names, "number of arrays")
	}
	return names
}

// step is a step of an epoch.
func step(tr *trainer, b *learn.Batch) error {
	return tr.brokenStep(tr.Step(b, contrastive(tr.config, tr.state.Epoch)))
}

// The whole model learns one batch by heart.
func TestOverfitOneBatch(t *testing.T) {
	d := town{rows: 2, cols: 10, image: townSize}.open(t)
	c := both()
	c.Train.Encode = "unique" // one batch is no epoch, which would encode its neighbors
	c.Train.WeightDecay, c.Train.LearningRate, c.Train.ContrastiveWarmupEpochs, c.Train.Alpha = 0, 3e-3, 0, 1e-4
	run(t, func() {
		tr, err := newTrainer(t.Context(), c, d, &witness{})
		if err != nil {
			t.Fatal(err)
		}
		defer tr.close()
		tr.optimizer.SetLearningRate(c.Train.LearningRate)
		tr.model.Params().Train()
		var b learn.Batch
		tr.Assembler.Assemble(&b, d.train[:8])
		r2 := func() float64 {
			var predicted []float64
			torch.NoGrad(func() {
				torch.InScope(func(*torch.Scope) {
					in, index := b.Inputs(tr.model.Config(), torch.CPU), b.Places(tr.Assembler.M, torch.CPU)
					predicted = tr.model.Predict(tr.model.Encode(in), index).LnEmission.Float64s()
				})
			})
			truth := make([]float64, len(b.Target))
			for i, y := range b.Target {
				truth[i] = float64(y)
			}
			s, err := metrics.Ln(truth, predicted)
			if err != nil {
				t.Fatal(err)
			}
			return s.R2
		}
		start := r2()
		end, steps := start, 0
		for ; steps < 300 && end < 0.99; steps++ {
			if err := step(tr, &b); err != nil {
				t.Fatal(err)
			}
			if steps%10 == 9 {
				end = r2()
			}
		}
		if start > 0.5 || end < 0.99 {
			t.Errorf("R2 on the batch went from %.3f to %.3f in %d steps", start, end, steps)
		}
		t.Logf("R2 on the batch went from %.3f to %.3f in %d steps", start, end, steps)
	})
}

// Whatever turns into NaN, training stops with the batch named, and the last
// good checkpoint is there and whole.
func TestNaNStopsTraining(t *testing.T) {
	weight := func(name string, v float64) func(*witness) {
		return func(w *witness) {
			w.stepped = func(epoch, step int) {
				if epoch == 2 && step == 1 {
					torch.NoGrad(func() { w.trainer.model.Params().Get(name).FillInPlace(v) })
				}
			}
		}
	}
	for _, c := range []struct {
		name   string
		inject func(w *witness)
		want   string
	}{
		{"target", func(w *witness) {
			w.between = func(epoch int) { // nobody assembles batches now
				for _, c := range w.trainer.data.train {
					w.trainer.data.ln[c] = math.NaN()
				}
			}
		}, "epoch 2, batch 1: the target of cell"},
		{"weight", weight("regressor.0.weight", math.NaN()), "epoch 2, batch 2: the loss is NaN, in the batch of cells"},
		{"infinite weight", weight("regressor.3.weight", math.Inf(1)), "epoch 2, batch 2: the loss is"},
		{"gradient", weight("regressor.3.weight", 1e30), "epoch 2, batch 2: the gradient's norm is +Inf, in the batch of cells"},
		{"statistics", func(w *witness) { // they take no part in training, only in validation
			w.stepped = func(epoch, step int) {
				if epoch == 2 {
					torch.NoGrad(func() { w.trainer.model.Params().Get("regressor.2.running_mean").FillInPlace(math.NaN()) })
				}
			}
		}, "epoch 2: the model's predictions are broken: validation: prediction"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := town{rows: 5, cols: 10}.open(t)
			w := &witness{dir: t.TempDir()}
			c.inject(w)
			_, err := training(t, context.Background(), pois(), d, w, "")
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "last good checkpoint is kept") {
				t.Fatalf("%v; want %q", err, c.want)
			}
			if c.name != "statistics" && !strings.Contains(err.Error(), "(col ") {
				t.Errorf("no cell is named: %v", err)
			}
			kept, err := checkpoint.Read(filepath.Join(w.dir, LastFile))
			if err != nil {
				t.Fatal(err)
			}
			if kept.Header.State.Epoch != 1 {
				t.Errorf("the checkpoint is from epoch %d", kept.Header.State.Epoch)
			}
			good := town{rows: 5, cols: 10}.open(t)
			if _, err := training(t, context.Background(), pois(), good, &witness{}, kept.Path); err != nil {
				t.Errorf("the kept checkpoint does not go on: %v", err)
			}
		})
	}
	t.Run("input", func(t *testing.T) {
		d := town{rows: 5, cols: 10}.open(t)
		run(t, func() {
			tr, err := newTrainer(t.Context(), pois(), d, &witness{})
			if err != nil {
				t.Fatal(err)
			}
			defer tr.close()
			var b learn.Batch
			tr.Assembler.Assemble(&b, d.train[:5])
			b.Points.Count[7] = float32(math.NaN())
			before := arrays(tr)
			if err := step(tr, &b); err == nil || !strings.Contains(err.Error(), "epoch 1, batch 1: the loss is NaN, in the batch of cells") {
				t.Error(err)
			}
			for _, name := range differing(before, arrays(tr)) {
				if !strings.Contains(name, "running_") && !strings.Contains(name, "num_batches") { // the forward pass has counted them
					t.Errorf("%s changed", name)
				}
			}
		})
	})
	t.Run("save", func(t *testing.T) {
		d := town{rows: 5, cols: 10}.open(t)
		w := &witness{dir: t.TempDir()}
		run(t, func() {
			tr, err := newTrainer(t.Context(), pois(), d, w)
			if err != nil {
				t.Fatal(err)
			}
			defer tr.close()
			torch.NoGrad(func() { tr.model.Params().Get("regressor.2.running_var").FillInPlace(math.Inf(1)) })
			if err := w.save(tr, false); err == nil || !strings.Contains(err.Error(), "regressor.2.running_var is not finite") {
				t.Error(err)
			}
		})
		if _, err := safetensors.ReadFile(filepath.Join(w.dir, LastFile)); err == nil {
			t.Error("it was saved all the same")
		}
	})
}

// The test targets have no say in training: other ones, the same bits. A
// training target has.
func TestNoLeakage(t *testing.T) {
	for _, set := range []struct {
		split store.Split
		same  bool
	}{{store.Test, true}, {store.None, true}, {store.Train, false}} {
		results := [2]map[string]string{}
		best := [2]map[string]string{}
		for i := range 2 {
			d := town{rows: 5, cols: 10, change: func(targets []float64, splits []store.Split) {
				splits[4], splits[14] = store.None, store.None
				for k, s := range splits {
					if i == 1 && s == set.split {
						targets[k] *= 1 + float64(k%3)
					}
				}
			}}.open(t)
			w := &witness{dir: t.TempDir()}
			var err error
			if results[i], err = training(t, context.Background(), pois(), d, w, ""); err != nil {
				t.Fatal(err)
			}
			f, err := safetensors.ReadFile(filepath.Join(w.dir, BestFile))
			if err != nil {
				t.Fatal(err)
			}
			best[i] = map[string]string{"R2": fmt.Sprint(w.r2)}
			for name, a := range f.Arrays {
				best[i][name] = string(a.Data)
			}
		}
		if n := differing(results[0], results[1]); (len(n) == 0) != set.same {
			t.Errorf("%s targets changed: last weights differ in %v", set.split, n)
		}
		if n := differing(best[0], best[1]); (len(n) == 0) != set.same {
			t.Errorf("%s targets changed: best weights differ in %v", set.split, n)
		}
	}
}

// The contrastive loss changes nothing until its warm-up is over, and something
// in the very next epoch.
func TestContrastiveStart(t *testing.T) {
	d := town{rows: 2, cols: 10, image: townSize}.open(t)
	after := [2]map[int]map[string]string{}
	for i, on := range []bool{false, true} {
		c := both()
		c.Model.Contrastive = on
		c.Train.ContrastiveWarmupEpochs, c.Train.Epochs = 2, 3
		w := &witness{after: map[int]map[string]string{}}
		if _, err := training(t, context.Background(), c, d, w, ""); err != nil {
			t.Fatal(err)
		}
		after[i] = w.after
	}
	for epoch := 1; epoch <= 3; epoch++ {
		if n := differing(after[0][epoch], after[1][epoch]); (len(n) > 0) != (epoch == 3) {
			t.Errorf("after epoch %d %d tensors differ", epoch, len(n))
		}
	}
}

// Training stops when patience is over, not before min_epochs; the best
// checkpoint is that of the highest validation R2, the first of equals.
func TestPatienceAndBest(t *testing.T) {
	d := town{rows: 5, cols: 10}.open(t)
	stopped := 0
	for _, minimum := range []int{0, 9} {
		c := pois()
		c.Train.Epochs, c.Train.Patience, c.Train.MinEpochs, c.Train.LearningRate = 30, 3, minimum, 0.05
		w := &witness{dir: t.TempDir()}
		if _, err := training(t, context.Background(), c, d, w, ""); err != nil {
			t.Fatal(err)
		}
		best, at, bad, stop := math.Inf(-1), 0, 0, 0
		var bests []int
		for i, r2 := range w.r2 {
			if stop > 0 {
				t.Errorf("min_epochs %d: epoch %d follows the end", minimum, i+1)
			}
			if bad++; r2 > best {
				best, at, bad = r2, i+1, 0
				bests = append(bests, at)
			}
			if bad >= 3 && i+1 >= minimum {
				stop = i + 1
			}
		}
		if stop == 0 && len(w.r2) != 30 {
			t.Errorf("min_epochs %d: stopped after %d epochs with R2 %v", minimum, len(w.r2), w.r2)
		}
		if fmt.Sprint(bests) != fmt.Sprint(w.best) {
			t.Errorf("best epochs %v, want %v of %v", w.best, bests, w.r2)
		}
		saved, err := checkpoint.Read(filepath.Join(w.dir, BestFile))
		if err != nil {
			t.Fatal(err)
		}
		if s := saved.Header.State; s.Best != best || s.BestEpoch != at || s.Epoch != at {
			t.Errorf("best checkpoint of epoch %d with R2 %v, want %d, %v", s.Epoch, s.Best, at, best)
		}
		run(t, func() { // and it does predict with that R2
			tr, err := newTrainer(t.Context(), c, d, w)
			if err != nil {
				t.Fatal(err)
			}
			defer tr.close()
			if err := saved.LoadModel(tr.model.Params()); err != nil {
				t.Fatal(err)
			}
			if v, err := tr.score(context.Background(), "validation", d.validation); err != nil || v.Ln.R2 != best {
				t.Errorf("the best checkpoint scores %v, want %v (%v)", v.Ln.R2, best, err)
			}
		})
		last, err := checkpoint.Read(filepath.Join(w.dir, LastFile))
		if err != nil {
			t.Fatal(err)
		}
		if (stop > 0) != (last.Header.State.Stopped != "") {
			t.Errorf("stopped at %d, the checkpoint says %q", stop, last.Header.State.Stopped)
		}
		if stop > 0 {
			stopped++
			if _, err := training(t, context.Background(), c, d, &witness{stepped: func(int, int) { t.Error("a stopped run goes on") }}, last.Path); err != nil {
				t.Error(err)
			}
		}
	}
	if stopped == 0 {
		t.Error("no run was stopped: the test shows nothing")
	}
}

// bothWays is a keeper that also writes the best weights at once; after the first
// validation none is better.
type bothWays struct {
	*keeper
	trainer *trainer
	atOnce  string
	best    []int // epochs
}

func (b *bothWays) save(t *trainer, best bool) error {
	if err := b.keeper.save(t, best); err != nil || !best {
		return err
	}
	b.best = append(b.best, t.state.Epoch)
	return t.save(b.atOnce)
}

func (b *bothWays) validated(checkpoint.State, float64, float64, metrics.SplitScores, bool) error {
	b.trainer.state.Best = 2
	return nil
}

// The weights that Fit keeps until the end are those of the best epoch, whatever the
// training did to network, optimizer and schedule afterwards.
func TestKeptWeights(t *testing.T) {
	c := pois()
	c.Train.Epochs, c.Train.ValidateEvery, c.Train.Schedule, c.Train.EMA = 4, 1, "plateau", 0.9
	w := &bothWays{keeper: &keeper{path: filepath.Join(t.TempDir(), BestFile)}, atOnce: filepath.Join(t.TempDir(), BestFile)}
	d := town{rows: 5, cols: 10}.open(t)
	run(t, func() {
		tr, err := newTrainer(t.Context(), c, d, w)
		if err != nil {
			t.Fatal(err)
		}
		defer tr.close()
		w.trainer = tr
		if err := tr.train(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	if exists(w.path) {
		t.Error("written before the end")
	}
	if err := w.write(); err != nil {
		t.Fatal(err)
	}
	late, err := os.ReadFile(w.path)
	if err != nil {
		t.Fatal(err)
	}
	now, err := os.ReadFile(w.atOnce)
	if err != nil {
		t.Fatal(err)
	}
	if len(w.best) != 1 || w.best[0] != 1 || !bytes.Equal(late, now) {
		t.Errorf("best epochs %v; the two files are the same: %v", w.best, bytes.Equal(late, now))
	}
}
