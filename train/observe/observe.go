// Package observe takes out of a checkpoint's model what it says of cells beside
// its predictions: representations, weights of attention, gates, and what becomes
// of predictions without a category of points or a group of features. Studies draw
// them; nothing that trains or predicts needs them.
package observe

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/data/store"
	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/train"
	"opencarbon/train/checkpoint"
	"opencarbon/train/learn"
	"opencarbon/train/method"
	"opencarbon/train/progress"
)

// EmbeddingNames are the representations of Figure 2 that Model can take out: X_g
// (Eq. 5), X_s, X_p and X_n [m], and X_g^f (Eq. 6) [m], which in the variants
// reference and plus is the head's input [2m].
func EmbeddingNames() []string {
	return []string{layers.GridView, layers.ImageView, layers.POIView, layers.NeighborhoodView, layers.FinalView}
}

// Options of Model. The zero value asks for predictions alone.
type Options struct {
	Embeddings []string // of EmbeddingNames
	Weights    bool     // the aggregate-attentions' weights
	Gates      bool     // the first squeeze-and-excitation gate, per POI category
	Targets    bool     // only cells with a target; else every cell
	Device     string   // auto, cpu, cuda, cuda:N; empty: auto
	Threads    int      // 0: all cores
	Progress   progress.Options
}

// Observations are what a model says of n cells, as plain numbers.
type Observations struct {
	Cells               []int32               // [n] tile ids
	Split               []store.Split         // [n]
	Ln                  []float64             // [n] true ln emission; NaN where there is none
	Predicted           []float64             // [n] predicted ln emission
	Embeddings          map[string]Embeddings // by name, those asked for
	GridWeights         []float64             // [n] weight of the image in X_g, the POIs' is 1 minus it; nil unless asked for and there
	NeighborhoodWeights []float64             // [n] the same in X_n
	Gates               []float32             // [n, C] gate of each POI category; nil unless asked for and there
}

// Embeddings are n rows of D features.
type Embeddings struct {
	X []float32 // [n, D]
	D int
}

// Model runs a checkpoint over a store's cells and takes out what the options
// ask for. Every tile is encoded once. A store that does not fit the checkpoint
// and a representation that its model has not are *fault.Input errors; weights
// and gates that the model has not are left nil, since a study can say so.
func Model(ctx context.Context, c *checkpoint.Checkpoint, s *store.Store, o Options) (*Observations, error) {
	for _, name := range o.Embeddings {
		if err := Has(c, name); err != nil {
			return nil, err
		}
	}
	r := &Observations{Embeddings: map[string]Embeddings{}}
	for i, y := range method.New(s).Ln {
		if o.Targets && math.IsNaN(y) {
			continue
		}
		r.Cells = append(r.Cells, int32(i))
		r.Ln = append(r.Ln, y)
		split := store.None
		if splits := s.Splits(); i < len(splits) {
			split = splits[i]
		}
		r.Split = append(r.Split, split)
	}
	if len(r.Cells) == 0 {
		return nil, fault.New(s.Dir(), "has no cell with a target", "Give data.emissions, or a store that was built with them.")
	}
	err := train.WithModel(ctx, c, s, o.Device, o.Threads, func(e *learn.Encoder) error {
		bar := progress.NewBar(o.Progress, "encoding "+s.Meta().Name, len(e.Assembler.NeededTiles(r.Cells)))
		defer bar.Close()
		before := 0
		var err error
		r.Predicted, err = e.Evaluate(ctx, r.Cells, func(done, _ int) {
			bar.Add(done - before)
			before = done
		}, func(_ []int32, out layers.Output) { r.take(out, o) })
		if err == nil && o.Gates {
			r.Gates, err = gates(ctx, e, r.Cells)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	for i, y := range r.Predicted {
		if math.IsNaN(y) || math.IsInf(y, 0) {
			return nil, fmt.Errorf("%s predicts %g for cell %d of %s: the checkpoint is broken, or an image is", c.Path, y, r.Cells[i], s.Dir())
		}
	}
	return r, nil
}

// take copies a chunk's tensors.
func (r *Observations) take(out layers.Output, o Options) {
	for _, name := range o.Embeddings {
		x := out.Views.Get(name)
		e := r.Embeddings[name]
		e.D = x.Size(1)
		e.X = append(e.X, x.Cast(torch.Float32).Float32s()...)
		r.Embeddings[name] = e
	}
	if !o.Weights {
		return
	}
	image := func(to []float64, w *torch.Tensor) []float64 {
		if w == nil {
			return nil
		}
		return append(to, w.Narrow(1, 0, 1).Contiguous().Float64s()...)
	}
	r.GridWeights = image(r.GridWeights, out.Weights.Get(layers.GridView))
	r.NeighborhoodWeights = image(r.NeighborhoodWeights, out.Weights.Get(layers.NeighborhoodView))
}

// Has says why the checkpoint's model has no representation of that name, a
// *fault.Input error; nil if it has.
func Has(c *checkpoint.Checkpoint, name string) error {
	if !slices.Contains(EmbeddingNames(), name) {
		return fault.New("--embedding", fmt.Sprintf("%q is unknown", name), "Use one of "+strings.Join(EmbeddingNames(), ", ")+".")
	}
	missing := c.Header.Model.Missing(name)
	if missing == "" {
		return nil
	}
	mend := "Take a network's checkpoint, such as best.safetensors."
	if there := Available(c); len(there) > 0 {
		mend = "It has: " + strings.Join(there, ", ") + ". Or take a checkpoint of another variant."
	}
	return fault.New(c.Path, fmt.Sprintf("has no embedding %q: %s", name, missing), mend)
}

// Available are those of EmbeddingNames that the checkpoint's model has.
func Available(c *checkpoint.Checkpoint) (names []string) {
	for _, name := range EmbeddingNames() {
		if c.Header.Model.Missing(name) == "" {
			names = append(names, name)
		}
	}
	return names
}

func gated(n learn.Network, t layers.Tiles) *torch.Tensor {
	if g, ok := n.(learn.Gated); ok {
		return g.CategoryGate(t)
	}
	return nil
}

// gates returns the first gate's weights of the cells themselves, [n, C], or
// nil where the model has no gate on categories.
func gates(ctx context.Context, e *learn.Encoder, cells []int32) (all []float32, err error) {
	torch.NoGrad(func() {
		var b learn.Batch
		for at := 0; at < len(cells); at += learn.EvaluationTiles {
			if err = ctx.Err(); err != nil {
				return
			}
			if err = e.Assembler.Load(&b, cells[at:min(at+learn.EvaluationTiles, len(cells))]); err != nil {
				return
			}
			none := false
			torch.InScope(func(*torch.Scope) {
				if g := gated(e.Model, e.POIs(&b)); g != nil {
					all = append(all, g.Cast(torch.Float32).Float32s()...)
				} else {
					none = true
				}
			})
			if none {
				return
			}
		}
	})
	return all, err
}
