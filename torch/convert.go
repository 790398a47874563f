package torch

/*
#include "../cgo/opencarbon.h"
*/
import "C"

// To returns t on the device. Where t is there already, the result shares its
// memory.
func (t *Tensor) To(device Device) *Tensor {
	return t.to("to", t.mustInfo("to").dtype, device, C.OCG_KEEP_FORMAT, false)
}

// Cast returns t with elements of another type.
func (t *Tensor) Cast(dtype DType) *Tensor {
	return t.to("cast", dtype, t.mustInfo("cast").device, C.OCG_KEEP_FORMAT, false)
}

// ChannelsLast returns a four-dimensional t in NHWC order, which convolutions
// are fastest in.
func (t *Tensor) ChannelsLast() *Tensor {
	i := t.mustInfo("channels_last")
	return t.to("channels_last", i.dtype, i.device, C.OCG_CHANNELS_LAST, false)
}

func (t *Tensor) to(op string, dtype DType, device Device, format C.int64_t, cp bool) *Tensor {
	t.must(op)
	if dtype.Size() == 0 {
		fail(op, []*Tensor{t}, "%v is not supported", dtype)
	}
	var h C.ocg_tensor
	check(op, C.ocg_to(t.h, C.int64_t(dtype), device.kind(), device.index(), format, flag(cp), &h), t)
	return adopt(h)
}

// Pin returns a copy in page-locked memory, from which CUDA copies faster and
// in the background.
func (t *Tensor) Pin() *Tensor {
	t.must("pin_memory")
	var h C.ocg_tensor
	check("pin_memory", C.ocg_pin(t.h, &h), t)
	return adopt(h)
}

// CopyInPlace overwrites t's elements with src's (converted, broadcast).
func (t *Tensor) CopyInPlace(src *Tensor) {
	t.must("copy_", src)
	check("copy_", C.ocg_copy_(t.h, src.h), t, src)
}

// Contiguous returns t in dense row-major order.
func (t *Tensor) Contiguous() *Tensor { return t.unary("contiguous", C.OCG_CONTIGUOUS_OP) }

// Clone returns a copy through which gradients flow.
func (t *Tensor) Clone() *Tensor { return t.unary("clone", C.OCG_CLONE) }

// Detach returns t cut off from the gradients, sharing memory.
func (t *Tensor) Detach() *Tensor { return t.unary("detach", C.OCG_DETACH) }
