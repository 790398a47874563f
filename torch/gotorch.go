package torch

/*
#include "../cgo/opencarbon.h"
*/
import "C"

import (
	"runtime"
	"strings"
	"unsafe"

	"github.com/wangkuiyi/gotorch"
	"github.com/wangkuiyi/gotorch/nn/functional"
)

// What gotorch does soundly is done by gotorch: layers' functional forms,
// pooling, and a good part of linear algebra and reshaping. Its functions
// catch C++ exceptions and return them; what they leave open is closed here:
//
//   - its results carry finalizers, which may free a tensor that C++ still
//     uses, on any thread: adoptGotorch takes the handle over and removes the
//     finalizer before anybody else sees the result;
//   - its errors are panics with a string and a C++ stack trace: viaGotorch
//     turns them into *Error;
//   - it runs on any thread: viaGotorch refuses foreign ones.
//
// Its Backward, Grad, String and optimizers let exceptions escape and are not
// used; nor are its constructors, which know float32 only.
func viaGotorch(op string, inputs []*Tensor, f func(g []gotorch.Tensor) gotorch.Tensor) *Tensor {
	return adoptGotorch(op, gotorchCall(op, inputs, f))
}

func gotorchCall[R any](op string, inputs []*Tensor, f func(g []gotorch.Tensor) R) R {
	mustEngine(op)
	optional(op, inputs...)
	g := make([]gotorch.Tensor, len(inputs))
	for i, t := range inputs {
		if t != nil {
			g[i] = gotorch.Tensor{T: (*unsafe.Pointer)(unsafe.Pointer(&t.h))}
		}
	}
	defer func() {
		switch p := recover().(type) {
		case nil:
		case string:
			message, _, _ := strings.Cut(p, "\nException raised from")
			fail(op, inputs, "%s", message)
		default:
			fail(op, inputs, "%v", p)
		}
	}()
	r := f(g)
	runtime.KeepAlive(inputs)
	return r
}

func adoptGotorch(op string, g gotorch.Tensor) *Tensor {
	runtime.SetFinalizer(g.T, nil)
	h := C.ocg_tensor(*g.T)
	runtime.KeepAlive(g.T)
	check(op, C.ocg_adopt(h))
	return adopt(h)
}

func requireAll(op string, ts ...*Tensor) {
	for _, t := range ts {
		if t == nil || t.h == nil {
			fail(op, ts, "%s", closedText(t))
		}
	}
}

// Linear returns x w^T + b: x [..., in], w [out, in], b [out] or nil ->
// [..., out].
func Linear(x, w, b *Tensor) *Tensor {
	requireAll("linear", x, w)
	return viaGotorch("linear", []*Tensor{x, w, b}, func(g []gotorch.Tensor) gotorch.Tensor {
		return functional.Linear(g[0], g[1], g[2])
	})
}

// Conv2dOptions are PyTorch's; zero values mean stride 1, no padding, dilation
// 1 and one group.
type Conv2dOptions struct {
	Stride, Padding, Dilation [2]int
	Groups                    int
}

// Conv2d convolves x [N, C, H, W] with w [O, C/groups, kH, kW] and adds b [O]
// (nil: none) -> [N, O, H', W'].
func Conv2d(x, w, b *Tensor, o Conv2dOptions) *Tensor {
	requireAll("conv2d", x, w)
	if o.Groups < 0 {
		fail("conv2d", []*Tensor{x, w, b}, "%d groups", o.Groups)
	}
	return viaGotorch("conv2d", []*Tensor{x, w, b}, func(g []gotorch.Tensor) gotorch.Tensor {
		return functional.Conv2d(g[0], g[1], g[2], pair(o.Stride, 1), pair(o.Padding, 0), pair(o.Dilation, 1),
			int64(max(o.Groups, 1)))
	})
}

func pair(p [2]int, zero int64) []int64 {
	v := []int64{int64(p[0]), int64(p[1])}
	if p == [2]int{} {
		v[0], v[1] = zero, zero
	}
	return v
}

// BatchNormOptions are those of PyTorch's F.batch_norm.
type BatchNormOptions struct {
	Training bool    // use the batch's statistics and update the running ones
	Momentum float64 // weight of the newest batch in the running statistics, normally 0.1
	Eps      float64 // normally 1e-5
}

// BatchNorm normalizes x [N, C, ...] per channel and applies w and b [C]. The
// running mean and variance [C] are updated in place while training.
func BatchNorm(x, w, b, runningMean, runningVar *Tensor, o BatchNormOptions) *Tensor {
	requireAll("batch_norm", x)
	return viaGotorch("batch_norm", []*Tensor{x, w, b, runningMean, runningVar},
		func(g []gotorch.Tensor) gotorch.Tensor {
			return functional.BatchNorm(g[0], g[3], g[4], g[1], g[2], o.Training, o.Momentum, o.Eps)
		})
}

// MaxPool2d takes the maximum over kernel windows of x [N, C, H, W].
func MaxPool2d(x *Tensor, kernel, stride, padding int) *Tensor {
	requireAll("max_pool2d", x)
	two := func(v int) []int64 { return []int64{int64(v), int64(v)} }
	return viaGotorch("max_pool2d", []*Tensor{x}, func(g []gotorch.Tensor) gotorch.Tensor {
		return functional.MaxPool2d(g[0], two(kernel), two(stride), two(padding), two(1), false)
	})
}

// AdaptiveAvgPool2d averages x [N, C, H, W] over windows so that h x w remain.
func AdaptiveAvgPool2d(x *Tensor, h, w int) *Tensor {
	requireAll("adaptive_avg_pool2d", x)
	return viaGotorch("adaptive_avg_pool2d", []*Tensor{x}, func(g []gotorch.Tensor) gotorch.Tensor {
		return functional.AdaptiveAvgPool2d(g[0], []int64{int64(h), int64(w)})
	})
}

// LeakyReLU returns max(0, x) + slope min(0, x).
func LeakyReLU(x *Tensor, slope float64) *Tensor {
	requireAll("leaky_relu", x)
	return viaGotorch("leaky_relu", []*Tensor{x}, func(g []gotorch.Tensor) gotorch.Tensor {
		return g[0].LeakyRelu(slope)
	})
}

// LogSoftmax returns the logarithm of the softmax over dim.
func (t *Tensor) LogSoftmax(dim int) *Tensor {
	requireAll("log_softmax", t)
	return viaGotorch("log_softmax", []*Tensor{t}, func(g []gotorch.Tensor) gotorch.Tensor {
		return g[0].LogSoftmax(int64(dim))
	})
}

// Permute reorders the dimensions.
func (t *Tensor) Permute(order ...int) *Tensor {
	requireAll("permute", t)
	if len(order) == 0 {
		fail("permute", []*Tensor{t}, "no dimensions given")
	}
	return viaGotorch("permute", []*Tensor{t}, func(g []gotorch.Tensor) gotorch.Tensor {
		return g[0].Permute(int64s(order))
	})
}

// Transpose exchanges two dimensions.
func (t *Tensor) Transpose(a, b int) *Tensor {
	requireAll("transpose", t)
	return viaGotorch("transpose", []*Tensor{t}, func(g []gotorch.Tensor) gotorch.Tensor {
		return g[0].Transpose(int64(a), int64(b))
	})
}

// Flatten joins dimensions start to end (inclusive; negative from the back).
func (t *Tensor) Flatten(start, end int) *Tensor {
	requireAll("flatten", t)
	return viaGotorch("flatten", []*Tensor{t}, func(g []gotorch.Tensor) gotorch.Tensor {
		return gotorch.Flatten(g[0], int64(start), int64(end))
	})
}

// Stack joins tensors of one shape along a new dimension dim.
func Stack(ts []*Tensor, dim int) *Tensor {
	requireAll("stack", ts...)
	if len(ts) == 0 {
		fail("stack", nil, "no tensors given")
	}
	return viaGotorch("stack", ts, func(g []gotorch.Tensor) gotorch.Tensor { return gotorch.Stack(g, int64(dim)) })
}

// IndexSelect picks the entries named by index (int64, one dimension) along
// dim. Gradients of entries picked several times add up.
func (t *Tensor) IndexSelect(dim int, index *Tensor) *Tensor {
	requireAll("index_select", t, index)
	return viaGotorch("index_select", []*Tensor{t, index}, func(g []gotorch.Tensor) gotorch.Tensor {
		return gotorch.IndexSelect(g[0], int64(dim), g[1])
	})
}

// TopK returns the k largest (or smallest) values along dim, sorted, and their
// positions (int64).
func (t *Tensor) TopK(k, dim int, largest bool) (values, indices *Tensor) {
	requireAll("topk", t)
	r := gotorchCall("topk", []*Tensor{t}, func(g []gotorch.Tensor) [2]gotorch.Tensor {
		v, i := gotorch.TopK(g[0], int64(k), int64(dim), largest, true)
		return [2]gotorch.Tensor{v, i}
	})
	return adoptGotorch("topk", r[0]), adoptGotorch("topk", r[1])
}

func int64s(v []int) []int64 {
	out := make([]int64, len(v))
	for i, x := range v {
		out[i] = int64(x)
	}
	return out
}
