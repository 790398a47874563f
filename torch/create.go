package torch

/*
#include "../cgo/opencarbon.h"
*/
import "C"

import (
	"math"
	"unsafe"
)

// FromSlice copies data into a new CPU tensor of the given shape. No shape
// means one dimension; an explicit empty shape is made with Scalar.
func FromSlice[E Element](data []E, shape ...int) *Tensor {
	if len(shape) == 0 {
		shape = []int{len(data)}
	}
	var e E
	var p unsafe.Pointer
	if len(data) > 0 {
		p = unsafe.Pointer(&data[0])
	}
	return fromData("from_slice", p, len(data)*int(unsafe.Sizeof(e)), dtypeOf[E](), shape)
}

// FromBytes copies raw little-endian elements into a new CPU tensor.
func FromBytes(data []byte, dtype DType, shape ...int) *Tensor {
	var p unsafe.Pointer
	if len(data) > 0 {
		p = unsafe.Pointer(&data[0])
	}
	return fromData("from_bytes", p, len(data), dtype, shape)
}

func fromData(op string, p unsafe.Pointer, bytes int, dtype DType, shape []int) *Tensor {
	if want := checkShape(op, shape, dtype); want != bytes {
		fail(op, nil, "shape %v of %v needs %d bytes, %d were given", shape, dtype, want, bytes)
	}
	d, n := dims(shape)
	var h C.ocg_tensor
	check(op, C.ocg_from_data(p, C.int64_t(bytes), C.int64_t(dtype), d, n, 0, 0, &h))
	return adopt(h)
}

// checkShape refuses what libtorch would answer with a puzzling message or an
// allocation of nonsensical size. It returns the bytes that the shape needs.
func checkShape(op string, shape []int, dtype DType) int {
	checkDType(op, dtype)
	if len(shape) > C.OCG_MAX_DIMS {
		fail(op, nil, "shape %v has more than %d dimensions", shape, C.OCG_MAX_DIMS)
	}
	total := dtype.Size()
	for _, s := range shape {
		if s < 0 {
			fail(op, nil, "shape %v has a negative size", shape)
		}
		if s > 0 && total > math.MaxInt/s {
			fail(op, nil, "shape %v is too large to address", shape)
		}
		total *= s
	}
	return total
}

// checkDType keeps made-up types from libtorch, which looks them up unchecked.
func checkDType(op string, dtype DType) {
	if dtype.Size() == 0 {
		fail(op, nil, "%v is not supported", dtype)
	}
}

// Slice copies t's elements out in row-major order. E must be t's own type; see
// Float64s and Float32s for conversions.
func Slice[E Element](t *Tensor) []E {
	i := t.mustInfo("slice")
	if want := dtypeOf[E](); i.dtype != want {
		fail("slice", []*Tensor{t}, "asked for %v", want)
	}
	return copyOut[E](t, i.numel)
}

// Float32s copies t's elements out, converted to float32.
func (t *Tensor) Float32s() []float32 { return copyOut[float32](t, t.Numel()) }

// Float64s copies t's elements out, converted to float64.
func (t *Tensor) Float64s() []float64 { return copyOut[float64](t, t.Numel()) }

// Int64s copies t's elements out, converted to int64.
func (t *Tensor) Int64s() []int64 { return copyOut[int64](t, t.Numel()) }

// Bytes copies t's elements out as they are, in row-major order.
func (t *Tensor) Bytes() []byte {
	i := t.mustInfo("bytes")
	out := make([]byte, i.numel*i.dtype.Size())
	if len(out) > 0 {
		check("bytes", C.ocg_to_data(t.h, C.int64_t(i.dtype), unsafe.Pointer(&out[0]), C.int64_t(len(out))), t)
	}
	return out
}

func copyOut[E Element](t *Tensor, n int) []E {
	out := make([]E, n)
	if n > 0 {
		check("copy out", C.ocg_to_data(t.h, C.int64_t(dtypeOf[E]()), unsafe.Pointer(&out[0]),
			C.int64_t(n*int(unsafe.Sizeof(out[0])))), t)
	}
	return out
}

// Scalar makes a tensor without dimensions.
func Scalar(v float64, dtype DType) *Tensor { return Full(v, dtype, CPU) }

// Full makes a tensor filled with v.
func Full(v float64, dtype DType, device Device, shape ...int) *Tensor {
	checkShape("full", shape, dtype)
	d, n := dims(shape)
	var h C.ocg_tensor
	check("full", C.ocg_full(C.double(v), C.int64_t(dtype), d, n, device.kind(), device.index(), &h))
	return adopt(h)
}

// Zeros makes a tensor of zeros.
func Zeros(dtype DType, device Device, shape ...int) *Tensor { return Full(0, dtype, device, shape...) }

// Ones makes a tensor of ones.
func Ones(dtype DType, device Device, shape ...int) *Tensor { return Full(1, dtype, device, shape...) }

// Arange makes start, start+step, ... below end.
func Arange(start, end, step float64, dtype DType) *Tensor {
	checkDType("arange", dtype)
	var h C.ocg_tensor
	check("arange", C.ocg_arange(C.double(start), C.double(end), C.double(step), C.int64_t(dtype), 0, 0, &h))
	return adopt(h)
}

func first[To, From any](s []From) *To {
	if len(s) == 0 {
		return nil
	}
	return (*To)(unsafe.Pointer(&s[0]))
}
