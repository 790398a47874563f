package tabular

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

// each runs f(0) to f(n-1), at most `threads` at a time (0: one a core), and
// returns the error of the smallest i that has one. It begins nothing new once
// ctx has ended or something failed.
func each(ctx context.Context, n, threads int, f func(i int) error) error {
	if threads < 1 {
		threads = runtime.GOMAXPROCS(0)
	}
	errs := make([]error, n)
	var next atomic.Int64
	var failed atomic.Bool
	var group sync.WaitGroup
	for range min(threads, n) {
		group.Go(func() {
			for !failed.Load() && ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if errs[i] = f(i); errs[i] != nil {
					failed.Store(true)
				}
			}
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}
