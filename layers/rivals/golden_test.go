package rivals

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"opencarbon/torch"
	"opencarbon/torch/safetensors"
)

//go:generate /usr/bin/python3 testdata/generate.py

func TestMain(m *testing.M) {
	code := m.Run()
	if n := torch.Live(); n != 0 && code == 0 {
		fmt.Fprintf(os.Stderr, "%d tensors outlived all tests\n", n)
		code = 1
	}
	os.Exit(code)
}

// run executes f in the engine and fails the test on an error or a leak.
func run(t *testing.T, f func()) {
	t.Helper()
	before := torch.Live()
	if err := torch.Run(torch.Options{Threads: 1}, f); err != nil {
		t.Fatal(err)
	}
	if n := torch.Live(); n != before {
		t.Fatalf("%d tensors were alive before, %d are after", before, n)
	}
}

func golden(t *testing.T) map[string]safetensors.Array {
	t.Helper()
	f, err := safetensors.ReadFile("testdata/golden.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	return f.Arrays
}

// near fails unless got is want within 1e-5 of want's largest number.
func near(t *testing.T, what string, got *torch.Tensor, want safetensors.Array) {
	t.Helper()
	a, b := got.Float64s(), torch.FromArray(want).Float64s()
	if len(a) != len(b) {
		t.Fatalf("%s: %v, want %v", what, got.Shape(), want.Shape)
	}
	scale := 1e-6
	for _, v := range b {
		scale = max(scale, math.Abs(v))
	}
	for i := range a {
		if !(math.Abs(a[i]-b[i]) <= 1e-5*scale) {
			t.Errorf("%s: element %d is %v, want %v", what, i, a[i], b[i])
			return
		}
	}
}

// twins are the cases of testdata/golden.safetensors as this package computes
// them.
var twins = map[string]func(t *testing.T, in []*torch.Tensor) *torch.Tensor{
	"MeanTeacher": func(_ *testing.T, in []*torch.Tensor) *torch.Tensor { return MeanTeacherLoss(in[0], in[1], in[2], 2.5) },
}

// Outputs and gradients are those of PyTorch twins.
func TestGolden(t *testing.T) {
	arrays := golden(t)
	for name, f := range twins {
		t.Run(name, func(t *testing.T) {
			run(t, func() {
				var in []*torch.Tensor
				for i := 0; ; i++ {
					a, ok := arrays[fmt.Sprintf("%s/in%d", name, i)]
					if !ok {
						break
					}
					x := torch.FromArray(a)
					if _, ok := arrays[fmt.Sprintf("%s/grad%d", name, i)]; ok {
						x.SetRequiresGrad(true)
					}
					in = append(in, x)
				}
				out := f(t, in)
				near(t, "output", out, arrays[name+"/out0"])
				out.Mul(torch.FromArray(arrays[name+"/up0"])).Sum().Backward()
				for i, x := range in {
					if want, ok := arrays[fmt.Sprintf("%s/grad%d", name, i)]; ok {
						near(t, fmt.Sprintf("gradient %d", i), x.Grad(), want)
					}
				}
			})
		})
	}
	for name := range arrays {
		if twin, _, ok := strings.Cut(name, "/"); !ok || twins[twin] == nil {
			t.Errorf("%s is compared with nothing", name)
		}
	}
}
