package observe

import (
	"context"
	"fmt"
	"strings"

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

// Effects say what becomes of n predictions when a group of a cell's
// features is taken to its mean over all cells of the store, one group at a time:
// what the wide part of a network, or a simple method, leans on.
type Effects struct {
	Cells  []int32   // [n] tile ids
	Before []float64 // [n] predicted ln emission as things are
	Groups []Group
}

// Group are the features of one kind and one width of surroundings.
type Group struct {
	Name    string    // "image statistics, own", "ln counts, 5 x 5"
	Columns int       // how many features
	After   []float64 // [n] predicted ln emission with the group at its mean
}

// Features predicts the given cells with each group of features silenced.
// What image and POIs say by their encoders stays as it is; of a network without an
// encoder of images, the image's own features are what it sees of it. A model
// without features is a *fault.Input error.
func Features(ctx context.Context, c *checkpoint.Checkpoint, s *store.Store, cells []int32, o Options) (*Effects, error) {
	if c.Header.Model.Features == 0 {
		return nil, fault.New(c.Path, "sees no features of a cell", "Choose a checkpoint of the variant plus with model.wide: true.")
	}
	r := &Effects{Cells: cells}
	err := train.WithModel(ctx, c, s, o.Device, o.Threads, func(e *learn.Encoder) (err error) {
		f := e.Assembler.Features.(*tabular.Features)
		groups, order := map[string][]int{}, []string{}
		for j, name := range f.Names() {
			g := groupOf(name)
			if groups[g] == nil {
				order = append(order, g)
			}
			groups[g] = append(groups[g], j)
		}
		bar := progress.NewBar(o.Progress, "silencing features", len(order)+1)
		defer bar.Close()
		x := &occluder{Encoder: e, tiles: e.Assembler.NeededTiles(cells), widths: e.Model.Traits().Embeddings, rows: map[string][]float32{}}
		torch.NoGrad(func() {
			if err = x.base(ctx); err != nil {
				return
			}
			r.Before = x.predict(nil, cells)
			bar.Add(1)
			mean := featureMeans(f)
			for _, g := range order {
				var rows map[string][]float32
				if rows, err = x.silenced(ctx, f, groups[g], mean); err != nil {
					return
				}
				r.Groups = append(r.Groups, Group{g, len(groups[g]), x.predict(rows, cells)})
				bar.Add(1)
			}
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("features: %w", err)
	}
	return r, nil
}

// groupOf is the group of a column: what it is, and of which surroundings.
func groupOf(column string) string {
	at := strings.LastIndex(column, ", ")
	what, ring := column[:at], column[at+2:]
	switch {
	case strings.HasPrefix(what, "ln(1 + "):
		what = "ln counts"
	case strings.HasPrefix(what, "stage "):
		what = "frozen ResNet-18"
	default:
		what = "image statistics"
	}
	return what + ", " + ring
}

// featureMeans are the columns' means over all cells.
func featureMeans(f *tabular.Features) []float32 {
	d := f.Width()
	sum, row := make([]float64, d), make([]float32, d)
	for i := range f.Cells() {
		f.Of([]int32{int32(i)}, row)
		for j, v := range row {
			sum[j] += float64(v) / float64(f.Cells())
		}
	}
	for j, v := range sum {
		row[j] = float32(v)
	}
	return row
}

// silenced are the embeddings [T, width] that are others with some columns at
// their mean.
func (x *occluder) silenced(ctx context.Context, f *tabular.Features, columns []int, mean []float32) (map[string][]float32, error) {
	rows, d := map[string][]float32{}, f.Width()
	for from := 0; from < len(x.tiles); from += featureRows {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		some := x.tiles[from:min(from+featureRows, len(x.tiles))]
		numbers := make([]float32, len(some)*d)
		f.Of(some, numbers)
		for i := range some {
			for _, j := range columns {
				numbers[i*d+j] = mean[j]
			}
		}
		torch.InScope(func(*torch.Scope) {
			for _, view := range x.Model.Encode(layers.Tiles{Features: torch.FromSlice(numbers, len(some), d).To(x.Model.Params().Device)}) {
				rows[view.Name] = append(rows[view.Name], view.X.Float32s()...)
			}
		})
	}
	return rows, nil
}
