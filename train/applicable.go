package train

import (
	"context"
	"slices"

	"opencarbon/data/store"
	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/train/checkpoint"
	"opencarbon/train/domain"
	"opencarbon/train/learn"
	"opencarbon/train/networks"
	"opencarbon/train/tabular"
)

// most training cells that a checkpoint keeps: more say little more, and every
// cell is compared with all of them.
const mostDomainCells = 4096

// foldEdge is the edge in cells of the blocks of training cells that count as one
// fold.
const foldEdge = 8

// trust compares training cells with each other and validation cells with them, by
// features that make up a view, [n, width] of n cells. folds are those [N] of a model
// that validated on every cell in the fold that did not train on it; nil: no
// validation cell was trained on. Cells that cannot be compared (all are alike) give
// the reason.
func (d *dataset) trust(view string, folds []int, features func(cells []int32) (x []float32, width int, err error)) (*checkpoint.Trust, error) {
	cells := d.train
	if n := len(cells); n > mostDomainCells {
		cells = make([]int32, mostDomainCells)
		for i := range cells {
			cells[i] = d.train[i*n/mostDomainCells]
		}
	}
	x, width, err := features(cells)
	if err != nil {
		return nil, err
	}
	fold, at := make([]int, len(cells)), map[store.Cell]int{}
	for i, cell := range cells {
		block := d.store.Cells()[cell].Block(foldEdge)
		if _, ok := at[block]; !ok {
			at[block] = len(at)
		}
		fold[i] = at[block]
	}
	o, err := domain.Fit(x, width, fold)
	if err != nil {
		return &checkpoint.Trust{Why: err.Error()}, nil
	}
	t := checkpoint.NewTrust(checkpoint.DomainHeader{View: view, MeanDistance: o.MeanDistance, Threshold: o.Threshold, Training: len(d.train)}, x, width)
	if len(d.validation) == 0 {
		return t, nil
	}
	y, _, err := features(d.validation)
	if err != nil {
		return nil, err
	}
	var index []float64
	if folds == nil {
		index = o.Index(y)
	} else {
		of := func(cells []int32) (f []int) {
			for _, c := range cells {
				f = append(f, folds[c])
			}
			return f
		}
		index = o.Apart(y, of(d.validation), of(cells))
	}
	t.Validate(index)
	return t, nil
}

// keepDomain adds to the best checkpoint what its weights make of the training
// cells, and how unlike them the validation cells are, and writes it anew: known
// only when training is over. folds are as trust has them. What cannot be compared
// leaves the file as it is, and why says so.
func keepDomain(ctx context.Context, c *checkpoint.Checkpoint, e *learn.Encoder, d *dataset, folds []int) (why string, err error) {
	view := c.DomainView()
	if view == "" {
		return "the model has no representation of a cell", nil
	}
	t, err := d.trust(view, folds, func(cells []int32) (x []float32, width int, err error) {
		_, err = e.Evaluate(ctx, cells, nil, func(_ []int32, o layers.Output) {
			v := o.Views.Get(view)
			width = v.Size(1)
			x = append(x, v.Cast(torch.Float32).Float32s()...)
		})
		return x, width, err
	})
	if err != nil {
		return "", err
	}
	if t.Why != "" {
		return t.Why, nil
	}
	t.Keep(c)
	return "", c.Write()
}

// trustRows is trust of the methods that see a cell as a row of features.
func (d *dataset) trustRows(f *tabular.Features) (*checkpoint.Trust, error) {
	return d.trust(networks.RowsView, nil, func(cells []int32) ([]float32, int, error) {
		x := make([]float32, len(cells)*f.Width())
		f.Of(cells, x)
		return x, f.Width(), nil
	})
}

// inDomain joins the members' indices [members][N], nil where one has none: a cell
// is inside where it is for every member, and its index is that of the member to
// which it is strangest.
func (e ensemble) inDomain(each [][]float64) (index []float64, inside []bool) {
	for m, one := range each {
		if one == nil || e[m].Header.Domain == nil {
			return nil, nil
		}
		limit := e[m].Header.Domain.Threshold
		if index == nil {
			index, inside = slices.Clone(one), make([]bool, len(one))
			for i, v := range one {
				inside[i] = v <= limit
			}
			continue
		}
		for i, v := range one {
			index[i], inside[i] = max(index[i], v), inside[i] && v <= limit
		}
	}
	return index, inside
}
