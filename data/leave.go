package data

import (
	"context"
	"time"
)

// patience is how long a cancelled Build waits for its work to end by itself.
const patience = 3 * time.Second

// leave runs f and returns what it returns, or ctx's error when that has ended and
// f has not within the time given. f is then left to itself.
func leave[T any](ctx context.Context, patience time.Duration, f func() (T, error)) (T, error) {
	type result struct {
		v   T
		err error
	}
	done := make(chan result, 1)
	go func() {
		v, err := f()
		done <- result{v, err}
	}()
	select {
	case r := <-done:
		return r.v, r.err
	case <-ctx.Done():
	}
	select {
	case r := <-done:
		return r.v, r.err
	case <-time.After(patience):
		var none T
		return none, context.Cause(ctx)
	}
}
