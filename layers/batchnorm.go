package layers

import "opencarbon/torch"

// BatchNorm normalizes per channel with PyTorch's defaults (eps 1e-5, momentum
// 0.1); it serves as BatchNorm1d and BatchNorm2d.
type BatchNorm struct {
	Weight, Bias            *torch.Tensor // [C]
	RunningMean, RunningVar *torch.Tensor // [C]
	batches                 *torch.Tensor // scalar int64, counted as PyTorch does
	params                  *Params
	fixed                   bool // in evaluation mode always
}

// NewBatchNorm registers the tensors of a batch normalization of c channels
// under p.
func NewBatchNorm(p Path, c int) *BatchNorm {
	d := p.params.DType
	p.params.room(4, c) // the counter beside them is one number
	p.params.room()
	return &BatchNorm{
		Weight:      p.Parameter("weight", torch.Ones(d, torch.CPU, c)),
		Bias:        p.Parameter("bias", torch.Zeros(d, torch.CPU, c)),
		RunningMean: p.Buffer("running_mean", torch.Zeros(d, torch.CPU, c)),
		RunningVar:  p.Buffer("running_var", torch.Ones(d, torch.CPU, c)),
		batches:     p.Buffer("num_batches_tracked", torch.Scalar(0, torch.Int64)),
		params:      p.params,
		fixed:       p.fixed,
	}
}

// Forward maps x [N, C, ...] to the same shape. In train mode it uses the
// batch's statistics and updates the running ones; the batch is that of all
// processes where each encodes a Share of it.
func (b *BatchNorm) Forward(x *torch.Tensor) *torch.Tensor {
	training := b.params.training && !b.fixed
	if r := b.params.parts; training && r != nil {
		return r.batchNorm(b, x)
	}
	mean, variance, o := b.running()
	if s := b.params.share; training && s != nil {
		return s.Group.BatchNorm(x, b.Weight, b.Bias, mean, variance, s.To == s.From, o)
	}
	return torch.BatchNorm(x, b.Weight, b.Bias, mean, variance, o)
}

// running are the running statistics as they are to be updated by the next batch,
// which is counted, and how.
func (b *BatchNorm) running() (mean, variance *torch.Tensor, o torch.BatchNormOptions) {
	training := b.params.training && !b.fixed
	mean, variance = b.RunningMean, b.RunningVar
	switch {
	case training && b.params.frozen:
		mean, variance = mean.Clone(), variance.Clone()
	case training && b.params.bnMomentum == 0:
		b.batches.AddScalarInPlace(1)
	}
	return mean, variance, torch.BatchNormOptions{Training: training, Momentum: b.params.momentum(), Eps: 1e-5}
}
