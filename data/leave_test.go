package data

import (
	"context"
	"errors"
	"testing"
	"time"
)

// A call that does not hear of the cancellation is left to itself; one that ends
// in time is not.
func TestLeave(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	deaf := make(chan struct{})
	defer close(deaf)
	time.AfterFunc(time.Millisecond, cancel)
	if v, err := leave(ctx, time.Millisecond, func() (int, error) { <-deaf; return 1, nil }); v != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("deaf: %d %v", v, err)
	}
	mine := errors.New("mine")
	if v, err := leave(ctx, time.Hour, func() (int, error) { <-ctx.Done(); return 2, mine }); v != 2 || err != mine {
		t.Errorf("hearing: %d %v", v, err)
	}
	if v, err := leave(context.Background(), 0, func() (int, error) { return 3, nil }); v != 3 || err != nil {
		t.Errorf("done: %d %v", v, err)
	}
}
