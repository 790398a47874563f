package train

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"

	"opencarbon/data/store"
	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/torch/safetensors"
	"opencarbon/train/atomicfile"
	"opencarbon/train/domain"
	"opencarbon/train/learn"
	"opencarbon/train/metrics"
	"opencarbon/train/networks"
	"opencarbon/train/tabular"
)

// Arrays of a checkpoint that say where it may be trusted.
const (
	domainFeatures   = "domain.features"   // [n, d] F32: the training cells' features
	domainValidation = "domain.validation" // [v] F32: dissimilarity index of the validation cells
)

// DomainHeader is what a checkpoint says of the area where it may be trusted.
type DomainHeader struct {
	View         string  `json:"view"` // the representation that is compared, of layers.Output.Views
	MeanDistance float64 `json:"mean_distance"`
	Threshold    float64 `json:"threshold"`
	Training     int     `json:"training_cells"` // from which the cells were taken
}

// most training cells that a checkpoint keeps: more say little more, and every
// cell is compared with all of them.
const mostDomainCells = 4096

// foldEdge is the edge in cells of the blocks of training cells that count as one
// fold.
const foldEdge = 8

// domainView is the representation that stands for a cell: the last one that the
// network has.
func (c *Checkpoint) domainView() string {
	for _, name := range []string{layers.FinalView, layers.GridView, layers.POIView, layers.ImageView} {
		if c.Header.Model.Missing(name) == "" {
			return name
		}
	}
	return ""
}

// trust is what checkpoints say of where their model may be trusted; why there is
// nothing to say, if not empty.
type trust struct {
	header *DomainHeader
	arrays map[string]safetensors.Array
	why    string
}

// keep adds it to a checkpoint.
func (t *trust) keep(c *Checkpoint) {
	if t.why == "" {
		c.Header.Domain = t.header
		maps.Copy(c.arrays, t.arrays)
	}
}

// trust compares training cells with each other and validation cells with them, by
// features that make up a view, [n, width] of n cells. folds are those [N] of a model
// that validated on every cell in the fold that did not train on it; nil: no
// validation cell was trained on. Cells that cannot be compared (all are alike) give
// the reason.
func (d *dataset) trust(view string, folds []int, features func(cells []int32) (x []float32, width int, err error)) (*trust, error) {
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
		return &trust{why: err.Error()}, nil
	}
	t := &trust{header: &DomainHeader{View: view, MeanDistance: o.MeanDistance, Threshold: o.Threshold, Training: len(d.train)},
		arrays: map[string]safetensors.Array{domainFeatures: float32Array(x, len(cells), width)}}
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
	var own []float32
	for _, v := range index {
		own = append(own, float32(v))
	}
	t.arrays[domainValidation] = float32Array(own, len(own))
	return t, nil
}

// keepDomain adds to the best checkpoint what its weights make of the training
// cells, and how unlike them the validation cells are, and writes it anew: known
// only when training is over. folds are as trust has them. What cannot be compared
// leaves the file as it is, and why says so.
func (c *Checkpoint) keepDomain(ctx context.Context, e *learn.Encoder, d *dataset, folds []int) (why string, err error) {
	view := c.domainView()
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
	if t.why != "" {
		return t.why, nil
	}
	t.keep(c)
	return "", c.rewrite()
}

// trustRows is trust of the methods that see a cell as a row of features.
func (d *dataset) trustRows(f *tabular.Features) (*trust, error) {
	return d.trust(networks.RowsView, nil, func(cells []int32) ([]float32, int, error) {
		x := make([]float32, len(cells)*f.Width())
		f.Of(cells, x)
		return x, f.Width(), nil
	})
}

func float32Array(x []float32, shape ...int) safetensors.Array {
	a := safetensors.Array{DType: "F32", Shape: shape}
	for _, v := range x {
		a.Data = binary.LittleEndian.AppendUint32(a.Data, math.Float32bits(v))
	}
	return a
}

// strange is how unlike the training cells the validation cells are, in the order
// of ValidationErrors; nil where the checkpoint does not tell, as older files.
func (c *Checkpoint) strange() (index []float64) {
	a, n := c.arrays[domainValidation], len(c.Header.ValidationErrors)
	if c.Header.Domain == nil || n == 0 || a.DType != "F32" || !slices.Equal(a.Shape, []int{n}) {
		return nil
	}
	for i := range n {
		v := float64(math.Float32frombits(binary.LittleEndian.Uint32(a.Data[4*i:])))
		if !metrics.Finite(v) {
			return nil
		}
		index = append(index, v)
	}
	return index
}

// rewrite writes a checkpoint of our own over its file.
func (c *Checkpoint) rewrite() error {
	text, err := json.Marshal(c.Header)
	if err != nil {
		return fmt.Errorf("checkpoint header: %w", err)
	}
	f := safetensors.File{Arrays: c.arrays, Metadata: map[string]string{headerKey: string(text)}}
	f.Metadata[checksumKey] = digest(f)
	if err := atomicfile.Write(c.Path, func(w io.Writer) error { return safetensors.Write(w, f) }); err != nil {
		return fmt.Errorf("the checkpoint could not be written: %w", err)
	}
	return nil
}

// domain is the area where the checkpoint may be trusted; nil where it does not
// tell, as older files and PyTorch's.
func (c *Checkpoint) domain() *domain.Domain {
	h, a := c.Header.Domain, c.arrays[domainFeatures]
	if h == nil || a.DType != "F32" || len(a.Shape) != 2 {
		return nil
	}
	x := make([]float32, a.Shape[0]*a.Shape[1])
	for i := range x {
		x[i] = math.Float32frombits(binary.LittleEndian.Uint32(a.Data[4*i:]))
	}
	o, err := domain.Restore(x, a.Shape[1], h.MeanDistance, h.Threshold)
	if err != nil {
		return nil
	}
	return o
}

// dissimilarity is the index of cells by the network's output for them; nil
// without a domain.
func (c *Checkpoint) dissimilarity(o *domain.Domain, out layers.Output) []float64 {
	if o == nil {
		return nil
	}
	v := out.Views.Get(c.Header.Domain.View)
	if v == nil || v.Size(1) != o.D {
		return nil
	}
	return o.Index(v.Cast(torch.Float32).Float32s())
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
