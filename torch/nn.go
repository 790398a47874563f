package torch

/*
#include "../cgo/opencarbon.h"
*/
import "C"

// AvgPool2d averages kernel windows of x [N, C, H, W].
func AvgPool2d(x *Tensor, kernel, stride, padding int) *Tensor {
	x.must("avg_pool2d")
	k, s, p := [2]C.int64_t{C.int64_t(kernel), C.int64_t(kernel)}, [2]C.int64_t{C.int64_t(stride), C.int64_t(stride)},
		[2]C.int64_t{C.int64_t(padding), C.int64_t(padding)}
	var h C.ocg_tensor
	check("avg_pool2d", C.ocg_avg_pool2d(x.h, &k[0], &s[0], &p[0], &h), x)
	return adopt(h)
}

// ReLUMaxPool2d is MaxPool2d of x's ReLU, x [N, C, H, W]. On the CPU, where x
// lies in channels_last, it is one pass, and of it autograd keeps a byte for
// each maximum; windows of more than 15 x 15, and all else, take the two operations.
func ReLUMaxPool2d(x *Tensor, kernel, stride, padding int) *Tensor {
	const op = "relu_max_pool2d"
	x.must(op)
	if kernel < 1 || stride < 1 || padding < 0 || 2*padding > kernel {
		fail(op, []*Tensor{x}, "kernel %d, stride %d and padding %d do not fit: the padding is at most half the kernel", kernel, stride, padding)
	}
	var h C.ocg_tensor
	check(op, C.ocg_relu_max_pool2d(x.h, C.int64_t(kernel), C.int64_t(stride), C.int64_t(padding), &h), x)
	return adopt(h)
}

// Conv3x3 is Conv2d of x [N, C, H, W] with w [O, C, 3, 3], stride 1 and padding 1 ->
// [N, O, H, W]. On the CPU, where x lies in channels_last, in float32 outside
// Autocast, with multiples of 32 channels, and on images not much smaller than its
// tiles of 4 x 4, it goes by Winograd's algorithm: a quarter of the multiplications,
// and a result that differs by rounding, some 1e-6 of the largest number. That
// depends neither on the number of threads nor on the other images. All else is
// Conv2d itself.
func Conv3x3(x, w *Tensor) *Tensor {
	const op = "conv3x3"
	x.must(op, w)
	if w.Dims() != 4 || w.Size(2) != 3 || w.Size(3) != 3 {
		fail(op, []*Tensor{x, w}, "filters of size %v are not [O, C, 3, 3]", w.Shape())
	}
	var h C.ocg_tensor
	check(op, C.ocg_conv3x3(x.h, w.h, &h), x, w)
	return adopt(h)
}

// InterpolateNearest resizes x [N, C, H, W] to h x w by the nearest neighbor.
func InterpolateNearest(x *Tensor, h, w int) *Tensor {
	return interpolate(x, h, w, C.OCG_NEAREST, false)
}

// InterpolateBilinear resizes x [N, C, H, W] to h x w bilinearly.
func InterpolateBilinear(x *Tensor, h, w int, alignCorners bool) *Tensor {
	return interpolate(x, h, w, C.OCG_BILINEAR, alignCorners)
}

func interpolate(x *Tensor, height, width int, mode C.int64_t, align bool) *Tensor {
	x.must("interpolate")
	var h C.ocg_tensor
	check("interpolate", C.ocg_interpolate(x.h, C.int64_t(height), C.int64_t(width), mode, flag(align), &h), x)
	return adopt(h)
}

// Dropout zeroes elements with probability p while training and scales the
// rest by 1 / (1 - p).
func Dropout(x *Tensor, p float64, training bool) *Tensor {
	x.must("dropout")
	var h C.ocg_tensor
	check("dropout", C.ocg_dropout(x.h, C.double(p), flag(training), &h), x)
	return adopt(h)
}

// Normalize divides x by its 2-norm along dim (at least eps), as F.normalize.
func Normalize(x *Tensor, dim int, eps float64) *Tensor {
	x.must("normalize")
	var h C.ocg_tensor
	check("normalize", C.ocg_normalize(x.h, 2, C.int64_t(dim), C.double(eps), &h), x)
	return adopt(h)
}

// CrossEntropy is the mean over the batch of -log softmax(x)[target]: x [N, C],
// target [N] int64 -> scalar. Every target must lie in [0, C): PyTorch's -100 for
// "leave out" is an error here.
func CrossEntropy(x, target *Tensor) *Tensor {
	x.must("cross_entropy", target)
	var h C.ocg_tensor
	check("cross_entropy", C.ocg_cross_entropy(x.h, target.h, &h), x, target)
	return adopt(h)
}

// Reduction says what becomes of a loss's elements.
type Reduction int

// The reductions, in libtorch's numbering.
const (
	ReduceNone Reduction = C.OCG_REDUCE_NONE
	ReduceMean Reduction = C.OCG_REDUCE_MEAN
	ReduceSum  Reduction = C.OCG_REDUCE_SUM
)

func loss(op string, kind C.int64_t, x, y *Tensor, r Reduction) *Tensor {
	x.must(op, y)
	var h C.ocg_tensor
	check(op, C.ocg_loss(kind, x.h, y.h, C.int64_t(r), &h), x, y)
	return adopt(h)
}

// L1Loss is |x - y|. The shapes must be equal: broadcasting a loss is nearly
// always a mistake. A target y on the CPU that is NaN or infinite is an error,
// in every loss; on CUDA, where looking would stall each step, the loss is NaN.
func L1Loss(x, y *Tensor, r Reduction) *Tensor { return loss("l1_loss", C.OCG_L1, x, y, r) }

// MSELoss is (x - y)^2.
func MSELoss(x, y *Tensor, r Reduction) *Tensor { return loss("mse_loss", C.OCG_MSE, x, y, r) }

// SmoothL1Loss is quadratic below 1 and linear above.
func SmoothL1Loss(x, y *Tensor, r Reduction) *Tensor {
	return loss("smooth_l1_loss", C.OCG_SMOOTH_L1, x, y, r)
}
