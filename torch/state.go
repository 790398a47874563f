package torch

import (
	"fmt"

	"opencarbon/torch/safetensors"
)

var safeNames = map[DType]string{UInt8: "U8", Int8: "I8", Int16: "I16", Int32: "I32", Int64: "I64", Float16: "F16",
	Float32: "F32", Float64: "F64", Bool: "BOOL", BFloat16: "BF16"}

// ToArray copies t into the form that state files hold.
func ToArray(t *Tensor) safetensors.Array {
	i := t.mustInfo("to_array")
	return safetensors.Array{DType: safeNames[i.dtype], Shape: i.shape, Data: t.Bytes()}
}

// FromArray makes a CPU tensor of a state file's array.
func FromArray(a safetensors.Array) *Tensor {
	for d, name := range safeNames {
		if name == a.DType {
			return fromBytesShape(a.Data, d, a.Shape)
		}
	}
	panic(&Error{Op: "from_array", Message: fmt.Sprintf("dtype %q is not supported", a.DType)})
}

func fromBytesShape(data []byte, d DType, shape []int) *Tensor { return FromBytes(data, d, shape...) }
