package torch

/*
#include "../cgo/opencarbon.h"
*/
import "C"

import "fmt"

// DType is a tensor's element type.
type DType int8

// The element types in use, in libtorch's numbering.
const (
	UInt8    DType = C.OCG_UINT8
	Int8     DType = C.OCG_INT8
	Int16    DType = C.OCG_INT16
	Int32    DType = C.OCG_INT32
	Int64    DType = C.OCG_INT64
	Float16  DType = C.OCG_FLOAT16
	Float32  DType = C.OCG_FLOAT32
	Float64  DType = C.OCG_FLOAT64
	Bool     DType = C.OCG_BOOL
	BFloat16 DType = C.OCG_BFLOAT16
)

var dtypes = map[DType]struct {
	name string
	size int
}{
	UInt8: {"uint8", 1}, Int8: {"int8", 1}, Int16: {"int16", 2}, Int32: {"int32", 4}, Int64: {"int64", 8},
	Float16: {"float16", 2}, Float32: {"float32", 4}, Float64: {"float64", 8}, Bool: {"bool", 1},
	BFloat16: {"bfloat16", 2},
}

// String returns PyTorch's name.
func (d DType) String() string {
	if e, ok := dtypes[d]; ok {
		return e.name
	}
	return fmt.Sprintf("dtype(%d)", int8(d))
}

// Size returns the bytes of one element.
func (d DType) Size() int { return dtypes[d].size }

// IsFloat reports whether d can carry gradients.
func (d DType) IsFloat() bool { return d == Float16 || d == Float32 || d == Float64 || d == BFloat16 }

// Element is a Go type with a DType of its own. Float16 and BFloat16 have none:
// use FromBytes and Bytes.
type Element interface {
	uint8 | int8 | int16 | int32 | int64 | float32 | float64 | bool
}

func dtypeOf[E Element]() DType {
	var e E
	switch any(e).(type) {
	case uint8:
		return UInt8
	case int8:
		return Int8
	case int16:
		return Int16
	case int32:
		return Int32
	case int64:
		return Int64
	case float32:
		return Float32
	case float64:
		return Float64
	default:
		return Bool
	}
}
