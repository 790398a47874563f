package learn_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/train/learn"
)

// statistics are the running means and variances by name, float64.
func statistics(l *learn.Learner) map[string][]float64 {
	out := map[string][]float64{}
	for _, e := range l.Model.Params().Entries() {
		if strings.HasSuffix(e.Name, "running_mean") || strings.HasSuffix(e.Name, "running_var") {
			out[e.Name] = e.Tensor.Float64s()
		}
	}
	return out
}

// meanOf adds up what each batch alone leaves in the running statistics.
type meanOf struct {
	sum map[string][]float64
	n   map[string]int
}

func (m *meanOf) add(l *learn.Learner, part func(name string) bool) {
	for name, v := range statistics(l) {
		if !part(name) {
			continue
		}
		if m.sum[name] == nil {
			m.sum[name] = make([]float64, len(v))
		}
		for i := range v {
			m.sum[name][i] += v[i]
		}
		m.n[name]++
	}
}

// Recalibrate leaves in every batch normalization the mean, over all batches of
// tiles and of cells, of the statistics that each batch alone has: with a moving
// average the last batches would weigh most, and the numbers from before remain.
func TestRecalibrate(t *testing.T) {
	const batch, epoch, seed = 10, 3, 42
	d, ln, cells := made(t, 144) // more tiles than are encoded at once
	learner(t, d, ln, 3, 0, learn.Options{Batch: batch, Seed: seed}, func(l *learn.Learner) {
		p := l.Model.Params()
		torch.NoGrad(func() {
			for _, e := range p.Entries() { // what was there before must not matter
				if e.Buffer && e.Tensor.DType().IsFloat() {
					e.Tensor.FillInPlace(7)
				}
			}
		})
		p.Eval()
		if err := l.Recalibrate(context.Background(), cells, epoch); err != nil {
			t.Fatal(err)
		}
		if p.Training() {
			t.Error("the model is left in train mode")
		}
		have := statistics(l)

		// The same by hand: batch by batch, each alone (momentum 1), and the mean in float64.
		rng := rand.New(rand.NewPCG(seed^0x5eed, epoch))
		shuffle := func(v []int32) { rng.Shuffle(len(v), func(i, j int) { v[i], v[j] = v[j], v[i] }) }
		order := append([]int32(nil), cells...)
		shuffle(order)
		tiles := l.Assembler.NeededTiles(order)
		shuffle(tiles)
		neighbors, err := d.Neighbors(3)
		if err != nil {
			t.Fatal(err)
		}
		place := map[int32]int64{-1: int64(len(tiles))}
		for i, tile := range tiles {
			place[tile] = int64(i)
		}
		chunk := len(tiles) // the largest number of parts of about one size
		for n := 1; chunk > learn.EvaluationTiles; n++ {
			chunk = (len(tiles) + n - 1) / n
		}
		if len(tiles) <= 2*chunk {
			t.Fatalf("%d tiles in parts of %d: too few parts to tell means apart", len(tiles), chunk)
		}
		want := &meanOf{sum: map[string][]float64{}, n: map[string]int{}}
		p.Train()
		p.SetMomentum(1)
		torch.NoGrad(func() {
			var parts []layers.Views
			for at := 0; at < len(tiles); at += chunk {
				var b learn.Batch
				if err := l.Assembler.Load(&b, tiles[at:min(at+chunk, len(tiles))]); err != nil {
					t.Fatal(err)
				}
				parts = append(parts, l.Model.Encode(b.Inputs(l.Model.Config(), torch.CPU)))
				want.add(l, func(name string) bool { return strings.HasPrefix(name, "grid_rep.") })
			}
			x := layers.Join(parts)
			for at := 0; at+batch <= len(order); at += batch {
				var index []int64
				for _, c := range order[at : at+batch] {
					for _, tile := range neighbors[c*9 : c*9+9] {
						index = append(index, place[tile])
					}
				}
				l.Model.Predict(x, torch.FromSlice(index, batch, 3, 3))
				want.add(l, func(name string) bool { return !strings.HasPrefix(name, "grid_rep.") })
			}
		})
		p.SetMomentum(0)
		if len(have) == 0 || len(want.sum) != len(have) {
			t.Fatalf("%d statistics, %d expected", len(have), len(want.sum))
		}
		for name, sum := range want.sum {
			if want.n[name] < 3 {
				t.Errorf("%s: the mean of %d batches says little", name, want.n[name])
			}
			for i := range sum {
				sum[i] /= float64(want.n[name])
			}
			if f := far(have[name], sum); f > 1e-3 { // float32
				t.Errorf("%s is off the mean of the batches by %.2g", name, f)
			}
		}

		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := l.Recalibrate(ctx, cells, epoch); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
	})
}
