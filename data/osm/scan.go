package osm

import (
	"context"
	"runtime"
	"sync"
)

// Scan reads the blocks of a list. decode is called by several goroutines at a
// time and makes of a block what is wanted of it, which may not refer to the
// block; take is called with that by one goroutine, in the order of the list. At
// most a few blocks a processor are in memory at a time.
func Scan[T any](ctx context.Context, f *File, list []int, decode func(i int, b *Block) (T, error), take func(i int, v T) error) error {
	type job struct {
		block int
		value T
		err   error
		ready chan struct{}
	}
	ctx, stop := context.WithCancel(ctx)
	workers := min(runtime.GOMAXPROCS(0), max(1, len(list)))
	work, queue := make(chan *job), make(chan *job, 2*workers)
	var all sync.WaitGroup
	defer all.Wait()
	defer stop()
	all.Go(func() {
		defer close(work)
		defer close(queue)
		for _, i := range list {
			j := &job{block: i, ready: make(chan struct{})}
			for _, to := range []chan *job{queue, work} {
				select {
				case to <- j:
				case <-ctx.Done():
					return
				}
			}
		}
	})
	for range workers {
		all.Go(func() {
			var d decoder
			for j := range work {
				var b *Block
				if b, j.err = d.block(f, j.block); j.err == nil {
					if j.err = f.check(j.block, b); j.err == nil {
						j.value, j.err = decode(j.block, b)
					}
				}
				close(j.ready)
			}
		})
	}
	for j := range queue {
		select {
		case <-j.ready:
		case <-ctx.Done():
			return ctx.Err()
		}
		if j.err != nil {
			return j.err
		}
		if err := take(j.block, j.value); err != nil {
			return err
		}
	}
	return ctx.Err()
}
