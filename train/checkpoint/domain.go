package checkpoint

import (
	"encoding/binary"
	"maps"
	"math"
	"slices"

	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/torch/safetensors"
	"opencarbon/train/domain"
	"opencarbon/train/metrics"
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

// DomainView is the representation that stands for a cell: the last one that the
// network has.
func (c *Checkpoint) DomainView() string {
	for _, name := range []string{layers.FinalView, layers.GridView, layers.POIView, layers.ImageView} {
		if c.Header.Model.Missing(name) == "" {
			return name
		}
	}
	return ""
}

// Trust is what checkpoints say of where their model may be trusted.
type Trust struct {
	Why    string // there is nothing to say, if not empty
	header *DomainHeader
	arrays map[string]safetensors.Array
}

// NewTrust is that of h, whose training cells have features x, [n, width] in rows.
func NewTrust(h DomainHeader, x []float32, width int) *Trust {
	return &Trust{header: &h, arrays: map[string]safetensors.Array{domainFeatures: float32Array(x, len(x)/width, width)}}
}

// Validate adds the dissimilarity index of the validation cells.
func (t *Trust) Validate(index []float64) {
	own := make([]float32, len(index))
	for i, v := range index {
		own[i] = float32(v)
	}
	t.arrays[domainValidation] = float32Array(own, len(own))
}

// Keep adds it to a checkpoint.
func (t *Trust) Keep(c *Checkpoint) {
	if t.Why == "" {
		c.Header.Domain = t.header
		maps.Copy(c.Arrays, t.arrays)
	}
}

// TrustLike takes another checkpoint's word for where the model may be trusted:
// both were trained and validated on the same cells.
func (c *Checkpoint) TrustLike(o *Checkpoint) {
	c.Header.Domain = o.Header.Domain
	for _, name := range []string{domainFeatures, domainValidation} {
		if a, ok := o.Arrays[name]; ok {
			c.Arrays[name] = a
		}
	}
}

func float32Array(x []float32, shape ...int) safetensors.Array {
	a := safetensors.Array{DType: "F32", Shape: shape}
	for _, v := range x {
		a.Data = binary.LittleEndian.AppendUint32(a.Data, math.Float32bits(v))
	}
	return a
}

// Strange is how unlike the training cells the validation cells are, in the order
// of ValidationErrors; nil where the checkpoint does not tell, as older files.
func (c *Checkpoint) Strange() (index []float64) {
	a, n := c.Arrays[domainValidation], len(c.Header.ValidationErrors)
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

// Domain is the area where the checkpoint may be trusted; nil where it does not
// tell, as older files and PyTorch's.
func (c *Checkpoint) Domain() *domain.Domain {
	h, a := c.Header.Domain, c.Arrays[domainFeatures]
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

// Dissimilarity is the index of cells by the network's output for them; nil
// without a domain.
func (c *Checkpoint) Dissimilarity(o *domain.Domain, out layers.Output) []float64 {
	if o == nil {
		return nil
	}
	v := out.Views.Get(c.Header.Domain.View)
	if v == nil || v.Size(1) != o.D {
		return nil
	}
	return o.Index(v.Cast(torch.Float32).Float32s())
}
