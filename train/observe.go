package train

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
	"opencarbon/train/learn"
	"opencarbon/train/progress"
)

// Names of the representations of Figure 2 that Observe can take out.
const (
	ImageEmbedding        = layers.ImageView        // X_s, [m]
	POIEmbedding          = layers.POIView          // X_p, [m]
	GridEmbedding         = layers.GridView         // X_g (Eq. 5), [m]
	NeighborhoodEmbedding = layers.NeighborhoodView // X_n, [m]
	FinalEmbedding        = layers.FinalView        // X_g^f (Eq. 6), [m]; the head's input [2m] in the variants reference and plus
)

// EmbeddingNames lists them.
func EmbeddingNames() []string {
	return []string{GridEmbedding, ImageEmbedding, POIEmbedding, NeighborhoodEmbedding, FinalEmbedding}
}

// ObserveOptions of Observe. The zero value asks for predictions alone.
type ObserveOptions struct {
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

// Observe runs a checkpoint over a store's cells and takes out what the options
// ask for. Every tile is encoded once. A store that does not fit the checkpoint
// and a representation that its model has not are *fault.Input errors; weights
// and gates that the model has not are left nil, since a study can say so.
func Observe(ctx context.Context, c *Checkpoint, s *store.Store, o ObserveOptions) (*Observations, error) {
	for _, name := range o.Embeddings {
		if err := c.Has(name); err != nil {
			return nil, err
		}
	}
	d := newDataset(s)
	r := &Observations{Embeddings: map[string]Embeddings{}}
	for i, y := range d.ln {
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
	err := c.withModel(ctx, s, o.Device, o.Threads, func(e *learn.Encoder) error {
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
func (r *Observations) take(out layers.Output, o ObserveOptions) {
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
func (c *Checkpoint) Has(name string) error {
	if !slices.Contains(EmbeddingNames(), name) {
		return fault.New("--embedding", fmt.Sprintf("%q is unknown", name), "Use one of "+strings.Join(EmbeddingNames(), ", ")+".")
	}
	missing := c.Header.Model.Missing(name)
	if missing == "" {
		return nil
	}
	return fault.New(c.Path, fmt.Sprintf("has no embedding %q: %s", name, missing), "Choose another --embedding, or a checkpoint of another variant.")
}

// withModel builds the checkpoint's model for a store inside the engine, ready
// to predict, and hands it to f. What f found is of a sound store where there is no
// error.
func (c *Checkpoint) withModel(ctx context.Context, s *store.Store, device string, threads int,
	f func(e *learn.Encoder) error) error {
	cfg, err := c.Experiment()
	if err != nil {
		return err
	}
	if err := c.Fits(s); err != nil {
		return err
	}
	if err := CheckDevice(device); err != nil {
		return err
	}
	check, err := s.BeginCheck(ctx)
	if err != nil {
		return err
	}
	in, err := c.inputs(ctx, s, device, threads)
	if err != nil {
		return err
	}
	var failed error
	if err := torch.Run(torch.Options{Threads: threads}, func() {
		m, err := c.network(torch.ParseDevice(device))
		if err != nil {
			failed = err
			return
		}
		defer m.Params().Close()
		m.Params().Eval()
		a, err := assembler(ctx, s, m, newDataset(s).ln, in)
		if err != nil {
			failed = err
			return
		}
		e := learn.NewEncoder(m, a, learnOptions(cfg))
		defer e.Close()
		failed = f(e)
	}); err != nil {
		return err
	}
	if failed == nil {
		failed = check.Wait(ctx)
	}
	return failed
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
