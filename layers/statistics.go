package layers

import "opencarbon/torch"

// pairedBands is up to how many bands are compared pair by pair: in an embedding of
// 64 numbers a pair means nothing, and there are 2016.
const pairedBands = 6

// ImageStatisticsWidth is the number of ImageStatistics of images with so many bands:
// 18 for red, green and blue.
func ImageStatisticsWidth(bands int) int { return 4*bands + 2*len(pairs(bands)) }

// pairs are the bands that are compared, the three of colors first.
func pairs(bands int) (list [][2]int) {
	if bands >= colors {
		list = [][2]int{{1, 0}, {1, 2}, {2, 0}}
	}
	for i := range bands {
		for k := range i {
			if bands <= pairedBands && (i >= colors || bands < colors) {
				list = append(list, [2]int{i, k})
			}
		}
	}
	if bands > pairedBands {
		return nil
	}
	return list
}

// ImageStatistics are simple statistics of images [U, B, H, W] uint8 (the first three
// bands red, green, blue) or floats, which a pooled convolution network loses: of each
// band mean and standard deviation over the pixels, mean absolute difference of pixels
// side by side, and standard deviation over a 4 x 4 grid of means; of the three
// normalized band differences (green - red, green - blue, blue - red, over their sums)
// mean and standard deviation, and of those of a few further bands with all others.
// They do not change when a tile is turned or mirrored. The result is
// [U, ImageStatisticsWidth] in the type d.
func ImageStatistics(images *torch.Tensor, d torch.DType) *torch.Tensor {
	bytes := images.DType() == torch.UInt8
	x := images.Contiguous().Cast(d) // [U, B, H, W], mostly in 0..1
	if bytes {
		x = x.DivScalar(255)
	}
	h, w := x.Size(2), x.Size(3)
	across := x.Narrow(3, 1, w-1).Sub(x.Narrow(3, 0, w-1)).Abs().Mean(torch.Along(2, 3)) // [U, B]
	down := x.Narrow(2, 1, h-1).Sub(x.Narrow(2, 0, h-1)).Abs().Mean(torch.Along(2, 3))   // [U, B]
	coarse := torch.AdaptiveAvgPool2d(x, 4, 4)                                           // [U, B, 4, 4]
	parts := []*torch.Tensor{mean(x), deviation(x), across.Add(down), deviation(coarse)}
	lit := x
	if !bytes {
		lit = x.Clamp(0, 1) // a sum of floats may be 0, and their difference over it anything
	}
	band := func(i int) *torch.Tensor { return lit.Narrow(1, i, 1) } // [U, 1, H, W]
	var differences []*torch.Tensor
	for _, p := range pairs(x.Size(1)) {
		differences = append(differences, band(p[0]).Sub(band(p[1])).Div(band(p[0]).Add(band(p[1])).AddScalar(1e-3)))
	}
	if len(differences) > 0 {
		all := torch.Cat(differences, 1) // [U, pairs, H, W]
		parts = append(parts, mean(all), deviation(all))
	}
	return torch.Cat(parts, 1)
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

// Quick lets both layers take QuickLinear.
func (l *Perceptron) Quick() {
	l.hidden.Quick()
	l.out.Quick()
}

// Forward maps x [B, in] to [B, out].
func (l *Perceptron) Forward(x *torch.Tensor) *torch.Tensor {
	return l.out.Forward(l.hidden.Forward(x).ReLU())
}
