package train

import (
	"context"
	"testing"

	"opencarbon/data/store"
	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/train/checkpoint"
	"opencarbon/train/learn"
)

// said is what a model says of every cell of a store.
type said struct {
	ln    []float64 // [N]
	rows  []float32 // [N, width] of a view
	width int
}

// outputs runs a checkpoint over every cell of a store; view is a representation
// to take out, or empty.
func outputs(t *testing.T, k *checkpoint.Checkpoint, s *store.Store, view string) (x said) {
	t.Helper()
	if err := WithModel(context.Background(), k, s, "cpu", 1, func(e *learn.Encoder) (err error) {
		x.ln, err = e.Evaluate(context.Background(), span(0, s.Len()), nil, func(_ []int32, out layers.Output) {
			if view != "" {
				v := out.Views.Get(view)
				x.rows, x.width = append(x.rows, v.Cast(torch.Float32).Float32s()...), v.Size(1)
			}
		})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return x
}
