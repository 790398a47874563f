package train

import (
	"slices"
	"strings"
	"testing"

	"opencarbon/torch"
	"opencarbon/torch/safetensors"
)

// TestParity holds both variants, both POI encoders, widths and each ablation
// against plain PyTorch: predictions, embeddings, every gradient, and the course
// of training with Adam and weight decay.
func TestParity(t *testing.T) {
	golden, err := safetensors.ReadFile("testdata/parity.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	var cases []string
	for name := range golden.Arrays {
		if base, ok := strings.CutSuffix(name, "/losses"); ok {
			cases = append(cases, base)
		}
	}
	slices.Sort(cases)
	if len(cases) < 14 {
		t.Fatalf("%d cases", len(cases))
	}
	t.Logf("%-24s  %s", "", parityHead)
	if err := torch.Run(torch.Options{Threads: 1}, func() {
		d := newDigests()
		for _, name := range cases {
			c := parseParityCase(name)
			if testing.Short() && c.steps > 5 {
				continue
			}
			torch.InScope(func(*torch.Scope) { c.measure(t, d, golden.Arrays).check(t, name) })
		}
	}); err != nil {
		t.Fatal(err)
	}
}
