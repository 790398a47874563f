package layers

import (
	"math"

	"opencarbon/torch"
)

// smallestCrop is the smallest part of a tile's area that a crop shows; SimCLR's is
// 0.08, of photographs of one thing. A tile is all of its cell.
const smallestCrop = 0.5

// Cropped is CroppedBy of random numbers.
func Cropped(images *torch.Tensor) *torch.Tensor {
	return CroppedBy(images, torch.Uniform(0, 1, torch.Float64, torch.CPU, images.Size(0), CropDraws).Float64s())
}

// CropDraws is how many numbers a crop is made of.
const CropDraws = 5

// CroppedBy are images [U, B, H, W], uint8 or floats, each a random part of itself (its area
// smallestCrop to 1, its edges 3:4 to 4:3) brought to H x W again, and every other
// one mirrored, by CropDraws numbers in [0, 1) for each.
func CroppedBy(images *torch.Tensor, draws []float64) *torch.Tensor {
	u, h, w := images.Size(0), images.Size(2), images.Size(3)
	out := make([]*torch.Tensor, u)
	for i := range out {
		d := draws[CropDraws*i : CropDraws*(i+1)]
		area := (smallestCrop + (1-smallestCrop)*d[0]) * float64(h*w)
		ratio := math.Exp((2*d[1] - 1) * math.Log(4.0/3))
		high := min(h, max(1, int(math.Round(math.Sqrt(area/ratio)))))
		wide := min(w, max(1, int(math.Round(math.Sqrt(area*ratio)))))
		top, left := int(d[2]*float64(h-high+1)), int(d[3]*float64(w-wide+1))
		torch.InScope(func(s *torch.Scope) {
			x := images.Narrow(0, i, 1).Narrow(2, top, high).Narrow(3, left, wide).Cast(torch.Float32)
			x = torch.InterpolateBilinear(x, h, w, false)
			if d[4] < 0.5 {
				x = x.Flip(3)
			}
			out[i] = x
			s.Keep(x)
		})
	}
	x := torch.Cat(out, 0)
	if d := images.DType(); d != torch.UInt8 {
		return x.Cast(d)
	}
	return x.Clamp(0, 255).Round().Cast(torch.UInt8)
}

// SimCLRLoss is NT-Xent (Chen et al., 2020) of N pairs: z [2N, width], whose row k
// belongs to row k+N. Each view's other N*2-2 are its negatives, by cosines / tau;
// the mean over 2N views, a scalar.
func SimCLRLoss(z *torch.Tensor, tau float64) *torch.Tensor {
	views := z.Size(0)
	z = torch.Normalize(z, 1, 1e-12)
	s := z.MatMul(z.Transpose(0, 1)).DivScalar(tau)           // [2N, 2N]
	self := torch.Zeros(torch.Bool, s.Device(), views, views) //
	self.Diagonal(0).FillInPlace(1)
	partner := make([]int64, views)
	for i := range partner {
		partner[i] = int64((i + views/2) % views)
	}
	return torch.CrossEntropy(s.MaskedFill(self, math.Inf(-1)), torch.FromSlice(partner).To(z.Device()))
}
