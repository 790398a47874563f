package tsne

import (
	"context"
	"sync"
	"sync/atomic"
)

// crew does pieces of work on some goroutines. Which goroutine does which piece
// is chance; results must therefore go to places that belong to the piece, and
// be summed afterwards in the order of the pieces.
type crew struct{ workers int }

// pieceSize is the number of points in a piece: fixed, as sums over pieces must
// not depend on the number of cores.
const pieceSize = 64

func pieces(n int) int { return (n + pieceSize - 1) / pieceSize }

// do calls f with each piece of 0 ... n-1. It stops early with the context's
// error when the context is cancelled.
func (c crew) do(ctx context.Context, n int, f func(piece, lo, hi int)) error {
	total := pieces(n)
	var next atomic.Int64
	work := func() {
		for ctx.Err() == nil {
			p := int(next.Add(1) - 1)
			if p >= total {
				return
			}
			f(p, p*pieceSize, min(n, (p+1)*pieceSize))
		}
	}
	var wait sync.WaitGroup
	for range min(c.workers, total) - 1 {
		wait.Go(work)
	}
	work()
	wait.Wait()
	return ctx.Err()
}

// sum adds up in order.
func sum(v []float64) float64 {
	s := 0.0
	for _, x := range v {
		s += x
	}
	return s
}
