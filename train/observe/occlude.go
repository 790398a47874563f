package observe

import (
	"context"
	"fmt"
	"slices"

	"opencarbon/data/fault"
	"opencarbon/data/store"
	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/train"
	"opencarbon/train/checkpoint"
	"opencarbon/train/learn"
	"opencarbon/train/progress"
	"opencarbon/train/tabular"
)

// Occlusion says what becomes of n predictions when a category of points of
// interest is taken away everywhere, the neighborhood included.
type Occlusion struct {
	Cells    []int32     // [n] tile ids
	Before   []float64   // [n] predicted ln emission as things are
	After    [][]float64 // [C][n] without category c
	Affected [][]bool    // [C][n]: the category occurs where the prediction looks: in the M x M cells of the network, and those of the cell's features
}

// Occlude predicts the given cells once as they are and once without each POI
// category. Only tiles that hold a category are encoded again, so that it costs
// about as much as encoding every tile once for each category that it holds. A
// model without points of interest is a *fault.Input error.
func Occlude(ctx context.Context, c *checkpoint.Checkpoint, s *store.Store, cells []int32, o Options) (*Occlusion, error) {
	if !c.Header.Model.POI {
		return nil, fault.New(c.Path, "was trained without points of interest: there is none to take away", "Choose a checkpoint with the POI modality.")
	}
	r := &Occlusion{Cells: cells}
	err := train.WithModel(ctx, c, s, o.Device, o.Threads, func(e *learn.Encoder) (err error) {
		x := &occluder{Encoder: e, reach: e.Assembler.M, tiles: e.Assembler.NeededTiles(cells), widths: e.Model.Traits().Embeddings, rows: map[string][]float32{}}
		if f, ok := e.Assembler.Features.(*tabular.Features); ok {
			x.features, x.reach = f, max(x.reach, tabular.Reach())
		}
		bar := progress.NewBar(o.Progress, "taking categories away", len(s.Categories())+1)
		defer bar.Close()
		torch.NoGrad(func() {
			if err = x.base(ctx); err != nil {
				return
			}
			bar.Add(1)
			r.Before = x.predict(nil, cells)
			for category := range s.Categories() {
				var rows map[string][]float32
				var changed []bool
				if rows, changed, err = x.without(ctx, uint16(category)); err != nil {
					return
				}
				r.After = append(r.After, x.predict(rows, cells))
				var near []bool
				if near, err = x.near(changed, cells); err != nil {
					return
				}
				r.Affected = append(r.Affected, near)
				bar.Add(1)
			}
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("occlusion: %w", err)
	}
	return r, nil
}

// occluder keeps the embeddings of all tiles as they are, in Go slices: each
// category's turn changes some rows.
type occluder struct {
	*learn.Encoder
	tiles  []int32              // [T]
	widths []layers.Width       // of the embeddings
	rows   map[string][]float32 // [T, width] by name

	features *tabular.Features // nil where the network has none
	reach    int               // width of the neighborhood that a prediction depends on
}

// chunks encodes the given tiles; category, where not negative, is left out, and
// with it the images, which do not depend on it.
func (x *occluder) chunks(ctx context.Context, tiles []int32, category int, each func(e layers.Views)) error {
	var b learn.Batch
	for at := 0; at < len(tiles); at += learn.EvaluationTiles {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := x.Assembler.Load(&b, tiles[at:min(at+learn.EvaluationTiles, len(tiles))]); err != nil {
			return err
		}
		torch.InScope(func(*torch.Scope) {
			if category < 0 {
				each(x.Encode(&b))
				return
			}
			b.Points = b.Points.Without(uint16(category))
			each(x.EncodePOIs(&b))
		})
	}
	return nil
}

func (x *occluder) base(ctx context.Context) error {
	return x.chunks(ctx, x.tiles, -1, func(e layers.Views) {
		for _, view := range e {
			x.rows[view.Name] = append(x.rows[view.Name], view.X.Float32s()...)
		}
	})
}

// without returns the embeddings [T, width] that are others without a category,
// and which tiles held it.
func (x *occluder) without(ctx context.Context, category uint16) (rows map[string][]float32, changed []bool, err error) {
	changed = make([]bool, x.Assembler.Store.Len())
	var tiles []int32
	var places []int
	for i := range changed {
		changed[i] = slices.Contains(x.Assembler.Store.POIs(i).Category, category)
	}
	for i, t := range x.tiles {
		if changed[t] {
			tiles, places = append(tiles, t), append(places, i)
		}
	}
	rows = map[string][]float32{}
	done := 0
	if err := x.chunks(ctx, tiles, int(category), func(e layers.Views) {
		n := 0
		for _, view := range e {
			if rows[view.Name] == nil {
				rows[view.Name] = slices.Clone(x.rows[view.Name])
			}
			m := view.X.Size(1)
			n = view.X.Size(0)
			for k, v := range slices.Collect(slices.Chunk(view.X.Float32s(), m)) {
				copy(rows[view.Name][places[done+k]*m:], v)
			}
		}
		done += n
	}); err != nil {
		return nil, nil, err
	}
	if x.features == nil {
		return rows, changed, nil
	}
	occluded, w := x.features.Without(int(category)), x.features.Width()
	for from := 0; from < len(x.tiles); from += featureRows {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		some := x.tiles[from:min(from+featureRows, len(x.tiles))]
		numbers := make([]float32, len(some)*w)
		occluded.Of(some, numbers)
		torch.InScope(func(*torch.Scope) {
			for _, view := range x.Model.Encode(layers.Tiles{Features: torch.FromSlice(numbers, len(some), w).To(x.Model.Params().Device)}) {
				rows[view.Name] = append(rows[view.Name], view.X.Float32s()...)
			}
		})
	}
	return rows, changed, nil
}

// featureRows is how many cells' features are encoded at once.
const featureRows = 4096

// predict is ln emission of the cells with the given embeddings, by name; those
// that are not given are as they were.
func (x *occluder) predict(changed map[string][]float32, cells []int32) (ln []float64) {
	torch.InScope(func(*torch.Scope) {
		var e layers.Views
		for _, w := range x.widths {
			rows, ok := changed[w.Name]
			if !ok {
				rows = x.rows[w.Name]
			}
			e = e.With(w.Name, torch.FromSlice(rows, len(x.tiles), w.Width).To(x.Model.Params().Device))
		}
		ln = x.Predict(e, x.tiles, cells, nil)
	})
	return ln
}

// near reports which cells' predictions see a changed tile.
func (x *occluder) near(changed []bool, cells []int32) ([]bool, error) {
	neighbors, err := x.Assembler.Store.Neighbors(x.reach)
	if err != nil {
		return nil, err
	}
	out := make([]bool, len(cells))
	mm := x.reach * x.reach
	for i, c := range cells {
		for _, n := range neighbors[int(c)*mm : (int(c)+1)*mm] {
			out[i] = out[i] || n >= 0 && changed[n]
		}
	}
	return out, nil
}
