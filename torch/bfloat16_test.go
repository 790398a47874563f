package torch_test

import (
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
