package learn

import (
	"opencarbon/layers"
	"opencarbon/torch"
)

// Loss is Eq. 7-8: the sum over the batch of |y_hat - y| + alpha * l_c, or
// Huber's loss in the place of the first. contrastive says whether the second
// term is on; a batch of one has none. The reference variant has another one
// (layers.ReferenceContrastive). o.LnEmission and target are [B]; the result is
// a scalar in target's type.
func Loss(options Options, reference, contrastive bool, o layers.Output, target *torch.Tensor) *torch.Tensor {
	predicted := o.LnEmission.Cast(target.DType())
	var l *torch.Tensor
	if d := options.Huber; d > 0 {
		// d^2 * smoothL1(x / d) is Huber's loss (1964) with threshold d, PyTorch's HuberLoss.
		l = torch.SmoothL1Loss(predicted.DivScalar(d), target.DivScalar(d), torch.ReduceSum).MulScalar(d * d)
	} else {
		l = torch.L1Loss(predicted, target, torch.ReduceSum)
	}
	switch {
	case !contrastive || target.Size(0) < 2:
	case reference:
		l = l.Add(layers.ReferenceContrastive(o.Center.Image, o.Center.POI, options.Temperature).MulScalar(options.Alpha))
	default:
		l = l.Add(layers.NTXent(o.Center.Image, o.Center.POI, options.Temperature).Sum().MulScalar(options.Alpha))
	}
	return l
}
