package train

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"opencarbon/data/store"
	"opencarbon/layers"
	"opencarbon/layers/opencarbon"
	"opencarbon/torch"
	"opencarbon/train/config"
	"opencarbon/train/learn"
)

// lossIn is a network's loss in an epoch (from 0) of a config.
func lossIn(n learn.Network, c *config.Config, epoch int, o layers.Output, target *torch.Tensor) *torch.Tensor {
	return n.Loss(o, target, learnOptions(c).LossOptions(contrastive(c, epoch)))
}

func (d *dataset) model(c *config.Config) layers.ModelConfig { return d.modelConfig(c) }

// A batch holds each distinct tile once, and the index leads back to every
// neighbor; a missing one has a place of its own, behind the tiles.
func TestAssemble(t *testing.T) {
	d := town{rows: 5, cols: 6, image: townSize}.open(t)
	for _, m := range []int{1, 3, 5} {
		c := both()
		c.Model.Neighborhood = m
		a, err := learn.NewAssembler(d.store, d.model(c), layers.Around{M: m}, d.ln, nil)
		if err != nil {
			t.Fatal(err)
		}
		neighbors, err := d.store.Neighbors(m)
		if err != nil {
			t.Fatal(err)
		}
		var b learn.Batch
		for _, cells := range [][]int32{{0, 7, 8, 29}, {14}, {3, 2, 1}} { // slices are used again
			a.Assemble(&b, cells)
			if !slices.Equal(b.Cells, cells) || len(b.Index) != len(cells)*m*m || len(b.Target) != len(cells) {
				t.Fatalf("M %d: %d cells, %d places, %d targets", m, len(b.Cells), len(b.Index), len(b.Target))
			}
			seen := map[int32]bool{}
			for _, tile := range b.Tiles {
				if seen[tile] {
					t.Errorf("M %d: tile %d twice", m, tile)
				}
				seen[tile] = true
			}
			used := map[int32]bool{}
			for i, cell := range cells {
				if b.Target[i] != float32(d.ln[cell]) {
					t.Errorf("cell %d has the target %v, want %v", cell, b.Target[i], d.ln[cell])
				}
				for k, want := range neighbors[int(cell)*m*m : (int(cell)+1)*m*m] {
					p := b.Index[i*m*m+k]
					switch {
					case want < 0 && p != int64(len(b.Tiles)):
						t.Errorf("M %d, cell %d: the missing neighbor %d is tile %d", m, cell, k, b.Tiles[p])
					case want >= 0 && b.Tiles[p] != want:
						t.Errorf("M %d, cell %d: neighbor %d is tile %d, want %d", m, cell, k, b.Tiles[p], want)
					}
					used[want] = true
				}
			}
			delete(used, -1)
			if len(used) != len(b.Tiles) {
				t.Errorf("M %d: %d tiles, %d are needed", m, len(b.Tiles), len(used))
			}
			run(t, func() { // inputs are the tiles' own
				in, index := b.Inputs(d.model(c), torch.CPU), b.Places(m, torch.CPU)
				if fmt.Sprint(index.Shape()) != fmt.Sprint([]int{len(cells), m, m}) {
					t.Errorf("index %v", index.Shape())
				}
				for i, tile := range b.Tiles {
					if !slices.Equal(torch.Slice[uint8](in.Images.Select(0, i).Contiguous()), d.store.Image(int(tile))) {
						t.Errorf("image %d is not tile %d's", i, tile)
					}
					want := make([]float32, 3*townSize*townSize)
					q := d.store.POIs(int(tile))
					for k := range q.Len() {
						want[(int(q.Category[k])*townSize+int(q.Row[k]))*townSize+int(q.Col[k])] += q.Count[k]
					}
					if !slices.Equal(in.Points.Dense().Select(0, i).Contiguous().Float32s(), want) {
						t.Errorf("POIs %d are not tile %d's", i, tile)
					}
				}
			})
		}
	}
}

// Evaluation equals predicting each cell alone, and encodes every tile that is
// needed once, whatever M.
func TestEvaluationByCells(t *testing.T) {
	d := town{rows: 12, cols: 14}.open(t) // more tiles than are encoded at once
	for _, m := range []int{1, 3, 5} {
		c := pois()
		c.Model.Neighborhood, c.Train.Encode = m, "unique"
		run(t, func() {
			tr, err := newTrainer(t.Context(), c, d, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer tr.close()
			cells := append(slices.Clone(d.validation), d.test...)
			torch.NoGrad(func() { // so that a neighbor makes a difference that is seen
				for _, p := range tr.model.Params().Parameters() {
					if p.Dims() > 1 {
						p.MulScalarInPlace(3)
					}
				}
			})
			encoded := 0
			predicted, err := tr.Evaluate(context.Background(), cells, func(tiles, _ int) { encoded = tiles }, nil)
			if err != nil {
				t.Fatal(err)
			}
			needed := map[int32]bool{}
			for _, cell := range cells {
				for _, n := range tr.Assembler.Neighbors[int(cell)*m*m : (int(cell)+1)*m*m] {
					if n >= 0 {
						needed[n] = true
					}
				}
			}
			if encoded != len(needed) {
				t.Errorf("M %d: %d encodings of %d tiles", m, encoded, len(needed))
			}
			if !tr.model.Params().Training() {
				t.Error("evaluation leaves the model in evaluation mode")
			}
			tr.model.Params().Eval()
			torch.NoGrad(func() {
				for i, cell := range cells {
					torch.InScope(func(*torch.Scope) {
						var b learn.Batch
						tr.Assembler.Assemble(&b, []int32{cell})
						in, index := b.Inputs(tr.model.Config(), torch.CPU), b.Places(m, torch.CPU)
						if want := tr.model.Predict(tr.model.Encode(in), index).LnEmission.Item(); math.Abs(predicted[i]-want) > 1e-5*math.Abs(want) {
							t.Errorf("M %d, cell %d: %v, alone %v", m, cell, predicted[i], want)
						}
					})
				}
			})
		})
	}
}

func TestEvaluationStops(t *testing.T) {
	d := town{rows: 3, cols: 10}.open(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	run(t, func() {
		tr, err := newTrainer(t.Context(), pois(), d, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer tr.close()
		if p, err := tr.Evaluate(ctx, d.test, nil, nil); err != context.Canceled || p != nil {
			t.Error(p, err)
		}
	})
}

// Eq. 7-8 by loops, in both forms of the prediction loss, before and after the
// contrastive warm-up.
func TestLossByLoops(t *testing.T) {
	predicted, target := []float64{1, 2.5, -3, 4.25}, []float64{1.5, 2, 3, 4}
	xs := [][]float64{{1, 2, 0}, {0, 1, -1}, {2, 2, 1}, {-1, 0, 1}}
	xp := [][]float64{{1, 1, 0}, {1, -1, 2}, {0, 2, 1}, {-1, 1, 1}}
	similarity := func(a, b []float64) float64 {
		var ab, aa, bb float64
		for i := range a {
			ab, aa, bb = ab+a[i]*b[i], aa+a[i]*a[i], bb+b[i]*b[i]
		}
		return ab / math.Sqrt(aa*bb) / 0.5
	}
	contrast := 0.0
	for i := range xs {
		var rows, columns float64
		for k := range xs {
			if k != i {
				rows += math.Exp(similarity(xs[i], xp[k]))
				columns += math.Exp(similarity(xs[k], xp[i]))
			}
		}
		contrast += math.Log(rows) + math.Log(columns) - 2*similarity(xs[i], xp[i])
	}
	l1, huber := 0.0, 0.0
	for i := range target {
		d := math.Abs(predicted[i] - target[i])
		l1 += d
		if d < 0.4 {
			huber += d * d / 2
		} else {
			huber += 0.4 * (d - 0.2)
		}
	}
	flat := func(v [][]float64) *torch.Tensor {
		return torch.FromSlice(slices.Concat(v...), 4, 3).Cast(torch.Float32)
	}
	for _, c := range []struct {
		name   string
		change func(*config.Config)
		epoch  int
		want   float64
	}{
		{"before", func(*config.Config) {}, 99, l1},
		{"after", func(*config.Config) {}, 100, l1 + 0.01*contrast},
		{"huber", func(c *config.Config) { c.Train.Loss, c.Train.HuberDelta = "huber", 0.4 }, 0, huber},
		{"huber after", func(c *config.Config) { c.Train.Loss, c.Train.HuberDelta = "huber", 0.4 }, 200, huber + 0.01*contrast},
		{"ablation", func(c *config.Config) { c.Model.Contrastive = false }, 200, l1},
		{"one modality", func(c *config.Config) { c.Model.Modalities = []string{"poi"} }, 200, l1},
		{"no weight", func(c *config.Config) { c.Train.Alpha = 0 }, 200, l1},
	} {
		run(t, func() {
			e := config.Defaults()
			e.Train.ContrastiveWarmupEpochs, e.Train.Alpha, e.Model.Temperature = 100, 0.01, 0.5
			c.change(&e)
			o := layers.Output{LnEmission: torch.FromSlice(predicted).Cast(torch.Float32), Views: layers.Views{{Name: layers.ImageView, X: flat(xs)}, {Name: layers.POIView, X: flat(xp)}}}
			have := lossIn(&opencarbon.Model{}, &e, c.epoch, o, torch.FromSlice(target).Cast(torch.Float32)).Item()
			if math.Abs(have-c.want) > 1e-5*c.want {
				t.Errorf("%s: %v, want %v", c.name, have, c.want)
			}
		})
	}
}

func TestDataset(t *testing.T) {
	d := town{rows: 2, cols: 10, change: func(targets []float64, splits []store.Split) {
		targets[0] = math.NaN()
		splits[1] = store.None
	}}.open(t)
	if len(d.train) != 10 || len(d.validation) != 4 || len(d.test) != 4 || d.train[0] != 2 {
		t.Errorf("%d, %d, %d cells", len(d.train), len(d.validation), len(d.test))
	}
	if !math.IsNaN(d.ln[0]) || d.ln[1] != math.Log(d.store.Targets()[1]) {
		t.Errorf("ln targets %v, %v", d.ln[0], d.ln[1])
	}
	if err := d.fit(pois()); err != nil {
		t.Error(err)
	}
	if err := d.fit(both()); err == nil {
		t.Error("a store without images serves a model with images")
	}
	few := &dataset{store: d.store, ln: d.ln, train: d.train[:1], validation: d.validation}
	if err := few.fit(pois()); err == nil {
		t.Error("one training cell is enough")
	}
	few = &dataset{store: d.store, ln: d.ln, train: d.train, validation: d.validation[:1]}
	if err := few.fit(pois()); err == nil {
		t.Error("one validation cell is enough")
	}
}
