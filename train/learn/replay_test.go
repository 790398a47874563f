package learn_test

import (
	"context"
	"math"
	"testing"

	"opencarbon/torch"
	"opencarbon/train/learn"
)

// What a captured step computes of its packed and padded inputs is what the
// ordinary one does: batches at the city's border (cells that are missing), of
// other sizes, turned tiles, with and without the contrastive loss.
func TestPackedStep(t *testing.T) {
	d, ln, cells := made(t, 25)
	for _, m := range []int{1, 3, 5} {
		learner(t, d, ln, m, 0, learn.Options{Encode: learn.Historical, Augment: true, Batch: 8}, func(l *learn.Learner) {
			l.KeepImages()
			if err := l.BeginEpoch(context.Background(), cells, 0); err != nil {
				t.Fatal(err)
			}
			l.Model.Params().Train()
			l.Model.Params().FreezeStatistics(true)
			feed := l.NewFeed([][]int32{cells[:8], cells[8:11], cells[20:]}, 3)
			defer feed.Close()
			for range 3 {
				b := feed.Next()
				for _, contrastive := range []bool{false, true} {
					launched, replayed := l.Losses(b, contrastive)
					if !(math.Abs(launched-replayed) <= 1e-5*math.Abs(launched)) {
						t.Errorf("M %d, %d cells, contrastive %v: loss %v, packed %v", m, len(b.Cells), contrastive, launched, replayed)
					}
				}
				feed.Done(b)
			}
		})
	}
}

// Points get room for at most a quarter more, and few different sizes.
func TestRoomForPoints(t *testing.T) {
	sizes := map[int]bool{}
	for n := range 20000 {
		r := learn.RoomFor(n)
		if r < n || (n > 512 && r > n+n/4+1) {
			t.Fatalf("%d points get room for %d", n, r)
		}
		sizes[r] = true
	}
	if len(sizes) > 40 {
		t.Errorf("%d sizes", len(sizes))
	}
}

// On a GPU replayed steps train as launched ones do: twice the learning rate would be
// ten times as far off as is allowed. The contrastive loss, in the last epoch, carries
// rounding away in so small a city, so less is asked of that.
func TestReplayedSteps(t *testing.T) {
	var device torch.Device
	var why error
	if err := torch.Run(torch.Options{Threads: 1}, func() {
		if torch.CUDACount() > 0 {
			device, why = torch.ParseDevice("cuda"), torch.GraphsAvailable()
		}
	}); err != nil {
		t.Fatal(err)
	}
	if !device.IsCUDA() {
		t.Skip("no CUDA device")
	}
	if why != nil {
		t.Skipf("no CUDA graphs: %v", why)
	}
	d, ln, cells := made(t, 25)
	const last = 5
	train := func(launched bool) (losses []float64) {
		learnerOn(t, device, d, ln, 3, learn.Options{Encode: learn.Historical, Augment: true, Batch: 8, ClipNorm: 10, EMA: 0.9, Graphs: !launched}, func(l *learn.Learner) {
			for epoch := range last + 1 {
				if err := l.BeginEpoch(context.Background(), cells, epoch); err != nil {
					t.Fatal(err)
				}
				l.Optimizer.SetLearningRate(1e-3 / float64(epoch+1))
				l.Model.Params().Train()
				feed := l.NewFeed([][]int32{cells[:8], cells[8:16], cells[16:]}, epoch)
				for range 3 {
					b := feed.Next()
					if err := l.Step(b, epoch == last); err != nil {
						t.Fatal(err)
					}
					feed.Done(b)
				}
				feed.Close()
				sum, _, err := l.Collect()
				if err != nil {
					t.Fatal(err)
				}
				losses = append(losses, sum)
			}
			if err := l.Eager(); err != nil {
				t.Errorf("steps were not replayed: %v", err)
			}
		})
		return losses
	}
	want, have := train(true), train(false)
	if off, at := far(have[:last], want[:last]), far(have[last:], want[last:]); off > 2e-4 || at > 1e-2 {
		t.Errorf("losses %v, launched %v: off by %.2g, with the contrastive loss by %.2g", have, want, off, at)
	}
}
