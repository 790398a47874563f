package learn_test

import (
	"slices"
	"testing"

	"opencarbon/torch"
	"opencarbon/train/learn"
)

// partedCases are in parts: the same to the bit whatever the number of processes.
func partedCases() map[string]togetherCase {
	rows := [][]int32{{0, 1, 2, 3, 4}, {6, 7}, {1, 2, 8, 9, 10, 11, 5}, {3, 0, 1}} // two tiles leave two of four ranks without
	return map[string]togetherCase{
		"parts with history": {learn.Options{Encode: learn.Historical, Batch: 6, Parts: 4, Augment: true, EMA: 0.9}, 3, true, rows, true, ""},
		"parts all encoded":  {learn.Options{Encode: learn.Unique, Batch: 6, Parts: 4, ClipNorm: 0.5}, 3, false, rows, true, ""},
		"parts, POIs alone":  {learn.Options{Encode: learn.Unique, Batch: 6, Parts: 4}, 1, false, append(rows, []int32{7, 2}), true, ""},
	}
}

// In parts one process, two and four come to the same bits, in float32 and with Adam:
// every loss, the weights, what they predict. And one process comes to what it comes
// to without parts, but for rounding.
func TestTogetherInParts(t *testing.T) {
	if !torch.GroupAvailable() {
		t.Skip("this libtorch has no c10d with gloo")
	}
	s := togetherStore(t, t.TempDir())
	alone := map[string]trace{}
	for name, c := range partedCases() {
		alone[name] = traced(s.Store, c, &torch.Group{World: 1})
		if a := alone[name]; a.Error != "" || len(a.Losses) != len(c.rows) || len(a.Predicted) == 0 {
			t.Fatalf("%s alone: %s", name, a.Error)
		}
		c.options.Parts, c.rows = 0, c.rows[:1] // what Adam makes of the rounding of a step is beyond comparing
		whole := traced(s.Store, c, &torch.Group{World: 1})
		if d := far(whole.Losses, alone[name].Losses[:1]); !(d < 1e-4) {
			t.Errorf("%s: the first loss is off by %g from those without parts", name, d)
		}
	}
	for _, world := range []int{2, 4} {
		for r, of := range together(t, s.Store, world, "TOGETHER_PARTS=1") {
			for name, a := range alone {
				g := of[name]
				if g.Error != "" || g.Hash != a.Hash || !slices.Equal(g.Losses, a.Losses) || !slices.Equal(g.Predicted, a.Predicted) {
					t.Errorf("%s: rank %d of %d has not one process's bits; losses %v, alone %v; %s", name, r, world, g.Losses, a.Losses, g.Error)
				}
			}
		}
	}
}
