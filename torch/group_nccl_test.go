package torch

import "testing"

// NCCL wants the library in all processes and a GPU for each; on the CPU nobody is
// told of it.
func TestTogetherByNCCL(t *testing.T) {
	cpu := func(machine float64) []float64 { return []float64{onCPU, machine, 0} }
	gpu := func(machine, index float64) []float64 { return []float64{withNCCL, machine, index} }
	for name, c := range map[string]struct {
		all [][]float64
		use bool
		why string
	}{
		"two GPUs of a machine":   {[][]float64{gpu(7, 0), gpu(7, 1)}, true, ""},
		"one GPU of each of two":  {[][]float64{gpu(7, 0), gpu(8, 0)}, true, ""},
		"a GPU for two":           {[][]float64{gpu(7, 0), gpu(8, 0), gpu(7, 0)}, false, "ranks 0 and 2 share a GPU"},
		"one without the library": {[][]float64{gpu(7, 0), {withoutNCCL, 7, 1}}, false, "rank 1 was built without NCCL"},
		"one on the CPU":          {[][]float64{cpu(7), gpu(8, 0)}, false, "rank 0 is on the CPU"},
		"all on the CPU":          {[][]float64{cpu(7), cpu(7)}, false, ""},
	} {
		if use, why := together(c.all); use != c.use || why != c.why {
			t.Errorf("%s: %v, %q; want %v, %q", name, use, why, c.use, c.why)
		}
	}
}

// Where the library was built it can be loaded, with or without a GPU.
func TestNCCLAvailable(t *testing.T) {
	var why error
	if err := Run(Options{}, func() { why = NCCLAvailable() }); err != nil {
		t.Fatal(err)
	}
	if why != nil {
		t.Skip(why)
	}
}
