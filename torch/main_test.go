package torch_test

import (
	"fmt"
	"math"
	"os"
	"testing"

	"opencarbon/torch"
	"opencarbon/torch/safetensors"
)

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

// relative returns max|a-b| / max|b|.
func relative(t *testing.T, a, b []float64) float64 {
	t.Helper()
	if len(a) != len(b) {
		t.Fatalf("%d elements, want %d", len(a), len(b))
	}
	var difference, scale float64
	for i := range a {
		if a[i] == b[i] || (math.IsNaN(a[i]) && math.IsNaN(b[i])) {
			scale = math.Max(scale, finite(b[i]))
			continue
		}
		d := math.Abs(a[i] - b[i])
		if math.IsNaN(d) {
			return math.Inf(1)
		}
		difference = math.Max(difference, d)
		scale = math.Max(scale, finite(b[i]))
	}
	return difference / math.Max(scale, 1e-6)
}

func finite(v float64) float64 {
	if v = math.Abs(v); v > math.MaxFloat64 || math.IsNaN(v) {
		return 0
	}
	return v
}

// near fails unless got has want's shape and, within the tolerance, its values.
func near(t *testing.T, what string, got *torch.Tensor, want safetensors.Array, tolerance float64) {
	t.Helper()
	if a, b := fmt.Sprint(got.Shape()), fmt.Sprint(want.Shape); a != b {
		t.Fatalf("%s: shape %s, want %s", what, a, b)
	}
	if got := torch.ToArray(got).DType; got != want.DType {
		t.Fatalf("%s: dtype %s, want %s", what, got, want.DType)
	}
	if e := relative(t, got.Float64s(), torch.FromArray(want).Float64s()); e > tolerance {
		t.Errorf("%s: relative error %.2g, at most %.0g is allowed\n got %v\nwant %v", what, e, tolerance, got, torch.FromArray(want))
	}
}

func readGolden(t testing.TB, path string) safetensors.File {
	t.Helper()
	f, err := safetensors.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
