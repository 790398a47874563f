package bench

import (
	"context"
	"strings"
	"testing"

	"opencarbon/data/fault"
)

// The CPU agrees with itself to the bit; other memory formats to rounding; another
// seed's weights do not agree, and that is said.
func TestAgree(t *testing.T) {
	dir, s := t.TempDir(), small()
	a, err := Agree(context.Background(), s, dir)
	if err != nil || a.First != 0 || a.Worst != 0 || a.Predicted != 0 {
		t.Fatalf("%+v, %v", a, err)
	}
	s.NCHW, s.DensePOIs = true, true
	if a, err = Agree(context.Background(), s, dir); err != nil || a.Worst == 0 {
		t.Errorf("%+v, %v", a, err)
	}
	limits["fp32"] = [2]float64{-1, -1}
	defer func() { limits["fp32"] = [2]float64{5e-3, 0.05} }()
	if a, err = Agree(context.Background(), s, dir); !fault.IsInput(err) || a == nil || !strings.Contains(err.Error(), "is not the CPU") {
		t.Errorf("%+v, %v", a, err)
	}
}
