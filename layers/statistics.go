package layers

import "opencarbon/torch"

// ImageStatisticsWidth is the number of ImageStatistics.
const ImageStatisticsWidth = 18

// ImageStatistics are simple statistics of images [U, 3, H, W] uint8 RGB, which a
// pooled convolution network loses: of each band mean and standard deviation over
// the pixels, mean absolute difference of pixels side by side, and standard
// deviation over a 4 x 4 grid of means; of the three normalized band differences
// (green - red, green - blue, blue - red, over their sums) mean and standard
// deviation. They do not change when a tile is turned or mirrored. The result is
// [U, 18] in the type d.
func ImageStatistics(images *torch.Tensor, d torch.DType) *torch.Tensor {
	x := images.Contiguous().Cast(d).DivScalar(255) // [U, 3, H, W] in 0..1
	h, w := x.Size(2), x.Size(3)
	across := x.Narrow(3, 1, w-1).Sub(x.Narrow(3, 0, w-1)).Abs().Mean(torch.Along(2, 3)) // [U, 3]
	down := x.Narrow(2, 1, h-1).Sub(x.Narrow(2, 0, h-1)).Abs().Mean(torch.Along(2, 3))   // [U, 3]
	coarse := torch.AdaptiveAvgPool2d(x, 4, 4)                                           // [U, 3, 4, 4]
	band := func(i int) *torch.Tensor { return x.Narrow(1, i, 1) }                       // [U, 1, H, W]
	difference := func(i, k int) *torch.Tensor {
		return band(i).Sub(band(k)).Div(band(i).Add(band(k)).AddScalar(1e-3))
	}
	differences := torch.Cat([]*torch.Tensor{difference(1, 0), difference(1, 2), difference(2, 0)}, 1) // [U, 3, H, W]
	return torch.Cat([]*torch.Tensor{mean(x), deviation(x), across.Add(down), deviation(coarse), mean(differences), deviation(differences)}, 1)
}

// mean is over the pixels of x [U, C, H, W] -> [U, C].
func mean(x *torch.Tensor) *torch.Tensor { return x.Mean(torch.Along(2, 3)) }

// deviation is the standard deviation over the pixels of x [U, C, H, W] -> [U, C].
func deviation(x *torch.Tensor) *torch.Tensor {
	d := x.Sub(x.Mean(torch.Keeping(2, 3)))
	return d.Mul(d).Mean(torch.Along(2, 3)).Sqrt()
}

// CountStatistics are ln(1 + count) of each POI category and of all together,
// [U, C+1] in the type d: the raw counts of a city's cells span four orders of
// magnitude.
func CountStatistics(t Tiles, d torch.DType) *torch.Tensor {
	var counts *torch.Tensor // [U, C]
	if t.Points != nil {
		counts = t.Points.ChannelMean().MulScalar(float64(t.Points.Height * t.Points.Width)) // ChannelMean is Eq. 1's, over the frame
	} else {
		counts = t.POIs.Sum(torch.Along(2, 3))
	}
	counts = counts.Cast(d)
	return torch.Cat([]*torch.Tensor{counts, counts.Sum(torch.Keeping(1))}, 1).Log1p()
}

// Perceptron is Linear, ReLU, Linear: the path of statistics to an embedding.
type Perceptron struct{ hidden, out *Linear }

// NewPerceptron registers in -> hidden -> out under p.
func NewPerceptron(p Path, in, hidden, out int) *Perceptron {
	return &Perceptron{hidden: NewLinear(p.Sub("hidden"), LinearConfig{In: in, Out: hidden}),
		out: NewLinear(p.Sub("out"), LinearConfig{In: hidden, Out: out})}
}

// Forward maps x [B, in] to [B, out].
func (l *Perceptron) Forward(x *torch.Tensor) *torch.Tensor {
	return l.out.Forward(l.hidden.Forward(x).ReLU())
}
