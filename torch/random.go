package torch

/*
#include "../cgo/opencarbon.h"
*/
import "C"

func random(op string, kind C.int64_t, a, b float64, dtype DType, device Device, shape []int) *Tensor {
	checkShape(op, shape, dtype)
	d, n := dims(shape)
	var h C.ocg_tensor
	check(op, C.ocg_random(kind, C.double(a), C.double(b), C.int64_t(dtype), d, n, device.kind(), device.index(), &h))
	return adopt(h)
}

// Uniform draws from [low, high).
func Uniform(low, high float64, dtype DType, device Device, shape ...int) *Tensor {
	return random("uniform", C.OCG_UNIFORM, low, high, dtype, device, shape)
}

// Normal draws from the normal distribution.
func Normal(mean, std float64, dtype DType, device Device, shape ...int) *Tensor {
	return random("normal", C.OCG_NORMAL, mean, std, dtype, device, shape)
}

// Bernoulli draws ones with probability p, else zeros.
func Bernoulli(p float64, dtype DType, device Device, shape ...int) *Tensor {
	return random("bernoulli", C.OCG_BERNOULLI, p, 0, dtype, device, shape)
}

// RandInt draws int64 from [low, high).
func RandInt(low, high int, device Device, shape ...int) *Tensor {
	const exact = 1 << 53 // bounds travel as float64
	if low >= high || low < -exact || high > exact {
		fail("randint", nil, "no numbers to draw from in [%d, %d), or beyond 2^53", low, high)
	}
	return random("randint", C.OCG_RANDINT, float64(low), float64(high), Int64, device, shape)
}

// RandPerm returns a random permutation of 0 ... n-1 as int64.
func RandPerm(n int) *Tensor {
	checkShape("randperm", []int{n}, Int64)
	return random("randperm", C.OCG_RANDPERM, float64(n), 0, Int64, CPU, nil)
}

// ManualSeed seeds the generators of all devices.
func ManualSeed(seed int64) { check("manual_seed", C.ocg_manual_seed(C.int64_t(seed))) }

// RNGState returns the state of the device's generator, to be stored in a
// checkpoint.
func RNGState(d Device) []byte {
	mustEngine("rng_state")
	var h C.ocg_tensor
	check("rng_state", C.ocg_rng_state(d.kind(), d.index(), &h))
	t := adopt(h)
	defer t.Close()
	return t.Bytes()
}

// SetRNGState restores a state that RNGState returned.
func SetRNGState(d Device, state []byte) {
	mustEngine("set_rng_state")
	t := FromBytes(state, UInt8, len(state))
	defer t.Close()
	check("set_rng_state", C.ocg_set_rng_state(d.kind(), d.index(), t.h), t)
}
