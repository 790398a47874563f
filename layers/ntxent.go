package layers

import (
	"math"

	"opencarbon/torch"
)

// NTXent is the contrastive loss of section 4.1 (after Chen et al., 2020)
// between the image and the POI embedding of the same cell. With cosine
// similarities S / tau, a sample's loss is -S_ii + log sum over k != i of
// exp(S_ik), plus the same with the modalities exchanged. The denominator
// leaves the positive pair out, as printed in the paper.
//
// xs and xp are [B, m] with B >= 2; the result [B] is computed in float32 at
// least.
func NTXent(xs, xp *torch.Tensor, temperature float64) *torch.Tensor {
	b := xs.Size(0)
	if b < 2 {
		panic(&torch.Error{Op: "ntxent", Message: "a batch of one sample has no negatives; use a batch size of 2 or more"})
	}
	wide := torch.Float32
	if xs.DType() == torch.Float64 {
		wide = torch.Float64
	}
	xs, xp = torch.Normalize(xs.Cast(wide), 1, 1e-8), torch.Normalize(xp.Cast(wide), 1, 1e-8)
	s := xs.MatMul(xp.Transpose(0, 1)).DivScalar(temperature)  // [B, B]
	self := torch.Zeros(torch.Bool, s.Device(), b, b)          // the positives' places
	self.Diagonal(0).FillInPlace(1)                            //
	others := s.MaskedFill(self, math.Inf(-1))                 // [B, B], positives left out
	positive := s.Diagonal(0)                                  // [B]
	forward := others.LogSumExp(torch.Along(1)).Sub(positive)  // image to POI: [B]
	backward := others.LogSumExp(torch.Along(0)).Sub(positive) // POI to image: [B]
	return forward.Add(backward)                               // [B]
}
