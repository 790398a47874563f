package rivals

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"opencarbon/layers"
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
	"GCN":         graph,
	"SimCLR": func(_ *testing.T, in []*torch.Tensor) *torch.Tensor {
		pairs := in[0].IndexSelect(0, torch.FromSlice([]int64{0, 1, 2, 3, 5, 4, 0, 2}))
		return layers.SimCLRLoss(torch.Linear(torch.Linear(pairs, in[1], in[2]).ReLU(), in[3], nil), 0.5)
	},
	"Attention": func(_ *testing.T, in []*torch.Tensor) *torch.Tensor {
		return attend(in[0], in[1], &layers.Linear{Weight: in[2], Bias: in[3]}, &layers.Linear{Weight: in[4]})
	},
	"Triplet": func(_ *testing.T, in []*torch.Tensor) *torch.Tensor {
		rows := func(i ...int64) *torch.Tensor { return in[0].IndexSelect(0, torch.FromSlice(i)) }
		return TripletLoss(rows(0, 1, 4), rows(1, 2, 0), rows(3, 5, 5), 10, 0.01)
	},
}

// graph is the twin on the map of the golden file: every cell's 7 x 7 is looked at,
// the twin has the whole map.
func graph(t *testing.T, in []*torch.Tensor) *torch.Tensor {
	cells := torch.FromArray(golden(t)["GCN/cells"]).Int64s()
	at := map[[2]int64]int64{}
	n := len(cells) / 2
	for i := range n {
		at[[2]int64{cells[2*i], cells[2*i+1]}] = int64(i)
	}
	var index []int64
	for i := range n {
		for dy := int64(-3); dy <= 3; dy++ {
			for dx := int64(-3); dx <= 3; dx++ {
				j, ok := at[[2]int64{cells[2*i] + dy, cells[2*i+1] + dx}]
				if !ok {
					j = int64(n)
				}
				index = append(index, j)
			}
		}
	}
	return graphConvolutions(in[0], torch.FromSlice(index, n, 7, 7), &layers.Linear{Weight: in[1], Bias: in[2]},
		&layers.Linear{Weight: in[3], Bias: in[4]}, 0, true)
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
