package torch_test

import (
	"slices"
	"testing"

	"opencarbon/torch"
)

// A user who holds oneDNN below AVX-512 has no fast bfloat16, whatever the
// processor; and autocast then still computes.
func TestFastBFloat16(t *testing.T) {
	for _, name := range []string{"ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"} {
		t.Setenv("ONEDNN_MAX_CPU_ISA", "")
		t.Setenv("DNNL_MAX_CPU_ISA", "")
		open := torch.FastBFloat16(torch.CPU)
		t.Setenv(name, "AVX2")
		if torch.FastBFloat16(torch.CPU) {
			t.Errorf("fast with %s=AVX2", name)
		}
		t.Setenv(name, "ALL")
		if torch.FastBFloat16(torch.CPU) != open {
			t.Errorf("%s=ALL is not what the processor has", name)
		}
	}
}

// bfloat16 where oneDNN is held below AVX-512 works without oneDNN. What the process
// computes in float32 before and after is the same to the bit: it once went without
// oneDNN ever after. oneDNN reads the variable once, at its first convolution: this
// one comes before the variable is set, so that only this program's own choice is
// tried and the tests that follow have all of the processor.
func TestBFloat16LeavesFloat32AsItIs(t *testing.T) {
	convolution := func() (y []float64) {
		run(t, func() {
			torch.ManualSeed(1)
			x, w := torch.Uniform(-1, 1, torch.Float32, torch.CPU, 4, 64, 16, 16), torch.Uniform(-1, 1, torch.Float32, torch.CPU, 64, 64, 3, 3)
			y = torch.Conv2d(x, w, nil, torch.Conv2dOptions{}).Float64s()
		})
		return y
	}
	before := convolution()
	t.Setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
	run(t, func() { torch.Autocast(torch.CPU, torch.BFloat16, func() {}) })
	if !slices.Equal(convolution(), before) {
		t.Error("float32 comes out otherwise after bfloat16")
	}
}
