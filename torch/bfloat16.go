package torch

import (
	"os"
	"runtime"

	"golang.org/x/sys/cpu"
)

// FastBFloat16 reports whether a device computes convolutions in bfloat16 at
// least about as fast as in float32. On the CPU that takes AVX-512, which oneDNN
// needs for them: without it libtorch's own loops do the work, some fifty times
// slower. ONEDNN_MAX_CPU_ISA, where it holds oneDNN below AVX-512, counts too.
func FastBFloat16(d Device) bool {
	if d.IsCUDA() {
		return true
	}
	for _, name := range []string{"ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"} {
		switch os.Getenv(name) {
		case "SSE41", "AVX", "AVX2", "AVX2_VNNI":
			return false
		}
	}
	return runtime.GOARCH == "amd64" && cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512VL && cpu.X86.HasAVX512DQ
}
