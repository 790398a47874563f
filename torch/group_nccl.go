package torch

/*
#include "../cgo/opencarbon.h"
*/
import "C"

import (
	"fmt"
	"hash/fnv"
	"os"
)

// NCCLAvailable returns nil where groups can exchange CUDA tensors by NCCL, else
// why not.
func NCCLAvailable() error {
	var why *C.char
	check("nccl", C.ocg_nccl_available(&why))
	if why == nil {
		return nil
	}
	return fromText("nccl", why)
}

// What a process says of itself before NCCL is used.
const (
	onCPU       = iota
	withoutNCCL // on a GPU, but this build has no NCCL
	withNCCL
)

// UseGPU lets what processes exchange of tensors on a CUDA device d go from GPU to
// GPU by NCCL, where every process has it and a GPU of its own. Otherwise gloo
// takes it through the host's memory, with the same sums but for rounding, and why
// says what is missing; it is empty on the CPU too. All processes call it.
func (g *Group) UseGPU(d Device) (why string) {
	if g.Alone() {
		return ""
	}
	state, reason := onCPU, ""
	if d.IsCUDA() {
		state = withNCCL
		if err := NCCLAvailable(); err != nil {
			state, reason = withoutNCCL, err.Error()
		}
	}
	host, _ := os.Hostname()
	h := fnv.New32a()
	h.Write([]byte(host))
	use, why := together(g.Numbers([]float64{float64(state), float64(h.Sum32()), float64(d.index())}))
	if use {
		g.check("group.nccl", C.ocg_group_nccl(g.h, C.int64_t(d.index()), C.int64_t(g.timeout.Milliseconds())))
	}
	if why != "" && reason != "" {
		why += ": " + reason
	}
	return why
}

// together decides whether processes can use NCCL; each has said its state, its
// machine and the number of its GPU there.
func together(all [][]float64) (use bool, why string) {
	type gpu struct{ machine, index float64 }
	first := map[gpu]int{}
	some := false
	for r, v := range all {
		some = some || v[0] != onCPU
		switch at := (gpu{v[1], v[2]}); {
		case why != "":
		case v[0] == onCPU:
			why = fmt.Sprintf("rank %d is on the CPU", r)
		case v[0] == withoutNCCL:
			why = fmt.Sprintf("rank %d was built without NCCL", r)
		default:
			if other, there := first[at]; there {
				why = fmt.Sprintf("ranks %d and %d share a GPU", other, r)
			}
			first[at] = r
		}
	}
	if !some {
		return false, ""
	}
	return why == "", why
}
