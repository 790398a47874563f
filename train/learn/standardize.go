package learn

import (
	"context"

	"opencarbon/layers"
	"opencarbon/torch"
)

// Standardize gives a network that wants it (Standardized) the tiles of the
// training cells to take mean and spread from; others are left as they are. It
// ends with ctx's error when ctx does.
func (l *Learner) Standardize(ctx context.Context, train []int32) (err error) {
	n, ok := l.Model.(Standardized)
	if !ok {
		return nil
	}
	torch.NoGrad(func() {
		err = n.Standardize(func(each func(layers.Tiles)) error {
			var b Batch
			for at := 0; at < len(train); at += EvaluationTiles {
				if err := ctx.Err(); err != nil {
					return err
				}
				if err := l.Assembler.Load(&b, train[at:min(at+EvaluationTiles, len(train))]); err != nil {
					return err
				}
				torch.InScope(func(*torch.Scope) { each(l.inputs(&b)) })
			}
			return nil
		})
	})
	return err
}
