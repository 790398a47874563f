package bench

import (
	"bytes"
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

// A row that the processor would only imitate is left out, and said to be; the
// others are measured.
func TestEmulated(t *testing.T) {
	t.Setenv("ONEDNN_MAX_CPU_ISA", "AVX2") // as a processor without AVX-512
	low := small()
	low.Name, low.Precision = "in bfloat16", "bf16"
	table, err := Run(context.Background(), Options{Specs: []Spec{low, small()}, Rounds: 2, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := table.Print(&b, 0); err != nil || len(table.Rows) != 1 || !strings.Contains(b.String(), "(it has no AVX-512): in bfloat16\n") {
		t.Errorf("%v, %d rows: %s", err, len(table.Rows), b.String())
	}
	if _, err := Agree(context.Background(), low, t.TempDir()); !fault.IsInput(err) {
		t.Errorf("imitated numbers were compared: %v", err)
	}
}
