package layers

import (
	"math"

	"opencarbon/torch"
)

// Standardizer brings features to mean 0 and standard deviation 1 over the
// training tiles and clamps what lies far out: a tile of another kind than all
// that were trained on must not carry a prediction away. Both numbers are
// buffers, so that a checkpoint brings them along. A feature that is constant in
// training says nothing there, and is 0 everywhere.
type Standardizer struct {
	Mean, Scale *torch.Tensor // [F]; (x - Mean) * Scale
	limit       float64
}

// NewStandardizer registers the buffers mean and scale [width] under p; until
// they are set (Set, or a checkpoint) features only are clamped to +-limit.
func NewStandardizer(p Path, width int, limit float64) *Standardizer {
	d := p.params.DType
	return &Standardizer{Mean: p.Buffer("mean", torch.Zeros(d, torch.CPU, width)), Scale: p.Buffer("scale", torch.Ones(d, torch.CPU, width)), limit: limit}
}

// Forward maps features x [U, F] to standardized ones.
func (s *Standardizer) Forward(x *torch.Tensor) *torch.Tensor {
	return x.Sub(s.Mean).Mul(s.Scale).Clamp(-s.limit, s.limit)
}

// Moments adds up what Set needs, in float64, over any number of tiles.
type Moments struct {
	n          int
	sum, above []float64 // sum and sum of squares around the first row
	origin     []float64
}

// Add takes rows [n, F] of features, one after the other.
func (m *Moments) Add(rows []float64, width int) {
	if m.origin == nil {
		m.origin = append([]float64(nil), rows[:width]...)
		m.sum, m.above = make([]float64, width), make([]float64, width)
	}
	for i, x := range rows {
		d := x - m.origin[i%width]
		m.sum[i%width] += d
		m.above[i%width] += d * d
	}
	m.n += len(rows) / width
}

// constant is the share of a feature's size below which its spread is rounding.
const constant = 1e-6

// Set takes mean and standard deviation (of the population) over.
func (s *Standardizer) Set(m *Moments) {
	mean, scale := make([]float64, len(m.sum)), make([]float64, len(m.sum))
	for i := range mean {
		shift := m.sum[i] / float64(m.n)
		mean[i] = m.origin[i] + shift
		if sd := math.Sqrt(math.Max(0, m.above[i]/float64(m.n)-shift*shift)); sd > constant*math.Max(1, math.Abs(mean[i])) {
			scale[i] = 1 / sd
		}
	}
	torch.NoGrad(func() {
		s.Mean.CopyInPlace(torch.FromSlice(mean).Cast(s.Mean.DType()))
		s.Scale.CopyInPlace(torch.FromSlice(scale).Cast(s.Scale.DType()))
	})
}
