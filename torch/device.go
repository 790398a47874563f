package torch

/*
#include "../cgo/opencarbon.h"
*/
import "C"

import (
	"fmt"
	"strconv"
	"strings"
)

// Device is where tensors live. The zero value is the CPU.
type Device struct {
	Type  string // "" or "cpu", or "cuda"
	Index int    // which CUDA device
}

// CPU is the host.
var CPU = Device{Type: "cpu"}

// IsCUDA reports whether d is a CUDA device.
func (d Device) IsCUDA() bool { return d.Type == "cuda" }

// String returns PyTorch's name: "cpu", "cuda:0".
func (d Device) String() string {
	if d.IsCUDA() {
		return "cuda:" + strconv.Itoa(d.Index)
	}
	return "cpu"
}

func (d Device) kind() C.int64_t {
	switch {
	case d.Type == "cuda" && d.Index >= 0:
		return 1
	case (d.Type == "" || d.Type == "cpu") && d.Index == 0:
		return 0
	}
	panic(&Error{Op: "device", Message: fmt.Sprintf("{%q %d} is no device; ParseDevice makes them", d.Type, d.Index)})
}

func (d Device) index() C.int64_t { return C.int64_t(d.Index) }

// CUDACount returns the number of usable CUDA devices.
func CUDACount() int {
	var n C.int64_t
	check("cuda.device_count", C.ocg_cuda_count(&n))
	return int(n)
}

// ParseDevice understands "auto" (CUDA where there is one, else the CPU),
// "cpu", "cuda" and "cuda:N", and refuses a device that is not there.
func ParseDevice(s string) Device {
	kind, number, numbered := strings.Cut(strings.ToLower(strings.TrimSpace(s)), ":")
	switch kind {
	case "", "auto":
		if !numbered && CUDACount() > 0 {
			return Device{Type: "cuda"}
		}
		if !numbered {
			return CPU
		}
	case "cpu":
		if !numbered {
			return CPU
		}
	case "cuda":
		n := 0
		if numbered {
			v, err := strconv.Atoi(number)
			if err != nil || v < 0 {
				break
			}
			n = v
		}
		have := CUDACount()
		if have == 0 {
			panic(&Error{Op: "device", Message: fmt.Sprintf("%q asked for, but this libtorch (%s) sees no CUDA device; "+
				"use cpu or auto, or set up with a CUDA build of libtorch (make setup LIBTORCH=...)", s, Version())})
		}
		if n >= have {
			panic(&Error{Op: "device", Message: fmt.Sprintf("%q asked for, but there are only %d CUDA devices (cuda:0 to cuda:%d)",
				s, have, have-1)})
		}
		return Device{Type: "cuda", Index: n}
	}
	panic(&Error{Op: "device", Message: fmt.Sprintf("%q is no device; use auto, cpu, cuda or cuda:N", s)})
}

// Synchronize waits until the device has done all that was asked of it.
func (d Device) Synchronize() {
	if d.IsCUDA() {
		check("synchronize", C.ocg_cuda_synchronize(d.index()))
	}
}
