package layers

import (
	"math"

	"opencarbon/torch"
)

// xavierUniform initializes a Linear as torch.nn.init.xavier_uniform_ does,
// and its bias with zeros.
func xavierUniform(l *Linear) {
	out, in := l.Weight.Size(0), l.Weight.Size(1)
	bound := math.Sqrt(6 / float64(in+out))
	torch.NoGrad(func() {
		l.Weight.CopyInPlace(torch.Uniform(-bound, bound, l.Weight.DType(), torch.CPU, out, in))
		if l.Bias != nil {
			l.Bias.FillInPlace(0)
		}
	})
}
