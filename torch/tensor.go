package torch

/*
#include "../cgo/opencarbon.h"
*/
import "C"

import (
	"fmt"
	"unsafe"
)

// Tensor is a handle to a libtorch tensor. It is valid until its scope closes.
// Methods never change their receiver unless their name ends in InPlace or
// says so.
type Tensor struct {
	h     C.ocg_tensor // nil once closed
	scope *Scope       // owner, nil when owned by the caller
	index int          // place in the owner's list
}

type info struct {
	shape, strides                               []int
	dtype                                        DType
	device                                       Device
	numel                                        int
	requiresGrad, leaf, contiguous, channelsLast bool
}

// adopt gives a fresh handle of the shim to the current scope.
func adopt(h C.ocg_tensor) *Tensor {
	t := &Tensor{h: h}
	engine.scope.add(t)
	return t
}

// must refuses nil and closed tensors before C sees them.
func (t *Tensor) must(op string, others ...*Tensor) {
	if t == nil || t.h == nil {
		fail(op, append([]*Tensor{t}, others...), "%s", closedText(t))
	}
	for _, o := range others {
		if o == nil || o.h == nil {
			fail(op, append([]*Tensor{t}, others...), "%s", closedText(o))
		}
	}
}

func closedText(t *Tensor) string {
	if t == nil {
		return "nil tensor"
	}
	return "the tensor is closed (its scope ended, or Close was called)"
}

// handle returns t's handle, or nil for an absent optional tensor.
func (t *Tensor) handle() C.ocg_tensor {
	if t == nil {
		return nil
	}
	return t.h
}

// optional is must for tensors that may be absent but not closed.
func optional(op string, ts ...*Tensor) {
	for _, t := range ts {
		if t != nil && t.h == nil {
			fail(op, ts, "%s", closedText(t))
		}
	}
}

func (t *Tensor) info() (info, error) {
	var c C.ocg_info_t
	if e := C.ocg_info(t.h, &c); e != nil {
		return info{}, fromText("info", e)
	}
	i := info{
		dtype: DType(c.dtype), numel: int(c.numel), requiresGrad: c.requires_grad != 0, leaf: c.is_leaf != 0,
		contiguous: c.contiguous != 0, channelsLast: c.channels_last != 0,
		shape: make([]int, c.dims), strides: make([]int, c.dims),
	}
	if c.device_type == 1 {
		i.device = Device{Type: "cuda", Index: int(c.device_index)}
	} else {
		i.device = CPU
	}
	for d := range i.shape {
		i.shape[d], i.strides[d] = int(c.sizes[d]), int(c.strides[d])
	}
	return i, nil
}

func (t *Tensor) mustInfo(op string) info {
	t.must(op)
	i, err := t.info()
	if err != nil {
		panic(err)
	}
	return i
}

// Shape returns the sizes of the dimensions.
func (t *Tensor) Shape() []int { return t.mustInfo("shape").shape }

// Strides returns the strides of the dimensions, in elements.
func (t *Tensor) Strides() []int { return t.mustInfo("strides").strides }

// Dims returns the number of dimensions.
func (t *Tensor) Dims() int { return len(t.mustInfo("dims").shape) }

// Size returns the size of dimension dim; negative ones count from the end.
func (t *Tensor) Size(dim int) int {
	s := t.mustInfo("size").shape
	d := dim
	if d < 0 {
		d += len(s)
	}
	if d < 0 || d >= len(s) {
		fail("size", []*Tensor{t}, "dimension %d is out of range", dim)
	}
	return s[d]
}

// Numel returns the number of elements.
func (t *Tensor) Numel() int { return t.mustInfo("numel").numel }

// DType returns the element type.
func (t *Tensor) DType() DType { return t.mustInfo("dtype").dtype }

// Device returns where the elements are.
func (t *Tensor) Device() Device { return t.mustInfo("device").device }

// RequiresGrad reports whether gradients flow to or through t.
func (t *Tensor) RequiresGrad() bool { return t.mustInfo("requires_grad").requiresGrad }

// IsLeaf reports whether t was made by the user rather than by an operation
// that is recorded.
func (t *Tensor) IsLeaf() bool { return t.mustInfo("is_leaf").leaf }

// IsContiguous reports whether t is dense in row-major order.
func (t *Tensor) IsContiguous() bool { return t.mustInfo("is_contiguous").contiguous }

// IsChannelsLast reports whether a four-dimensional t is dense in NHWC order.
func (t *Tensor) IsChannelsLast() bool { return t.mustInfo("is_channels_last").channelsLast }

// Closed reports whether t has been freed.
func (t *Tensor) Closed() bool { return t == nil || t.h == nil }

// String describes t: shape, dtype, device, and the values where there are few.
func (t *Tensor) String() string {
	if t.Closed() {
		return "Tensor(closed)"
	}
	i, err := t.info()
	if err != nil {
		return "Tensor(outside the engine)"
	}
	s := fmt.Sprintf("Tensor(%v %v %v)", i.shape, i.dtype, i.device)
	if i.numel > 100 {
		return s
	}
	var c *C.char
	if e := C.ocg_string(t.h, &c); e != nil {
		C.ocg_free_text(e)
		return s
	}
	defer C.ocg_free_text(c)
	return s + "\n" + C.GoString(c)
}

// Item returns the value of a one-element tensor. On CUDA it waits for the
// device.
func (t *Tensor) Item() float64 {
	t.must("item")
	var v C.double
	check("item", C.ocg_item(t.h, &v), t)
	return float64(v)
}

// Equal reports whether a and b have the same shape and elements (NaN differs
// from itself).
func Equal(a, b *Tensor) bool {
	a.must("equal", b)
	var v C.int64_t
	check("equal", C.ocg_equal(a.h, b.h, &v), a, b)
	return v != 0
}

func dims(shape []int) (*C.int64_t, C.int64_t) {
	if len(shape) == 0 {
		return nil, 0
	}
	return (*C.int64_t)(unsafe.Pointer(&shape[0])), C.int64_t(len(shape)) // int is 64 bits wide where libtorch runs
}
