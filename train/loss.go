package train

import (
	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/train/config"
)

// loss is Eq. 7-8: the sum over the batch of |y_hat - y| + alpha * l_c. The
// contrastive term is left out before its warm-up is over, in the ablation,
// with one modality, and for a batch of one; the reference variant has another
// one (layers.ReferenceContrastive). o.LnEmission and target are [B];
// the result is a scalar in float32.
func loss(c *config.Config, epoch int, o layers.Output, target *torch.Tensor) *torch.Tensor {
	predicted := o.LnEmission.Cast(target.DType())
	var l *torch.Tensor
	if c.Train.Loss == "huber" {
		// d^2 * smoothL1(x / d) is Huber's loss (1964) with threshold d, PyTorch's HuberLoss.
		d := c.Train.HuberDelta
		l = torch.SmoothL1Loss(predicted.DivScalar(d), target.DivScalar(d), torch.ReduceSum).MulScalar(d * d)
	} else {
		l = torch.L1Loss(predicted, target, torch.ReduceSum)
	}
	switch {
	case !contrastive(c, epoch) || target.Size(0) < 2:
	case c.Model.Variant == "reference":
		l = l.Add(layers.ReferenceContrastive(o.Center.Image, o.Center.POI, c.Model.Temperature).MulScalar(c.Train.Alpha))
	default:
		l = l.Add(layers.NTXent(o.Center.Image, o.Center.POI, c.Model.Temperature).Sum().MulScalar(c.Train.Alpha))
	}
	return l
}

// contrastive reports whether the contrastive term is on in an epoch (from 0).
func contrastive(c *config.Config, epoch int) bool {
	first := c.Train.ContrastiveWarmupEpochs
	if c.Model.Variant == "reference" {
		first++ // the published program asks for epoch > 100
	}
	return c.Model.Contrastive && c.Model.HasImage() && c.Model.HasPOI() && c.Train.Alpha > 0 && epoch >= first
}
