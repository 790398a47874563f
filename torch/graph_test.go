package torch_test

import (
	"testing"

	"opencarbon/torch"
)

// gpu is the device of tests that need one; without it, or without graphs, they skip.
func gpu(t *testing.T) (d torch.Device) {
	t.Helper()
	run(t, func() {
		if torch.CUDACount() == 0 {
			t.Skip("no CUDA device")
		}
		if err := torch.GraphsAvailable(); err != nil {
			t.Skipf("no CUDA graphs: %v", err)
		}
		d = torch.ParseDevice("cuda")
	})
	return d
}

// Without a GPU asking for a graph is an error, and the thread goes on as before.
func TestGraphWithoutCUDA(t *testing.T) {
	run(t, func() {
		devices := []torch.Device{torch.CPU}
		if torch.CUDACount() == 0 {
			devices = append(devices, torch.Device{Type: "cuda"})
		}
		for _, d := range devices {
			g, err := torch.Capture(d, func() { t.Error("there is nothing to capture on") })
			if err == nil || g != nil {
				t.Fatalf("%v: a graph was made", d)
			}
			t.Log(err)
		}
		if v := torch.Ones(torch.Float32, torch.CPU, 3).Sum().Item(); v != 3 {
			t.Errorf("afterwards 1+1+1 = %v", v)
		}
	})
}

// A training step that is replayed, with a learning rate and a number that change,
// leads where one does that is launched each time.
func TestGraph(t *testing.T) {
	d := gpu(t)
	train := func(replay bool) (weights []float64) {
		run(t, func() {
			w := torch.FromSlice([]float32{1, -2, 3, 0.5}, 4).To(d).Own()
			defer w.Close()
			w.SetRequiresGrad(true)
			x := torch.FromSlice([]float32{1, 2, 3, 4}, 4).To(d).Own()
			defer x.Close()
			rate, step := torch.Full(0, torch.Float32, d).Own(), torch.Full(0, torch.Float32, d).Own()
			defer rate.Close()
			defer step.Close()
			adam := torch.NewAdam([]*torch.Tensor{w}, torch.AdamOptions{LearningRate: 0.1, WeightDecay: 0.01})
			defer adam.Close()
			loss := func() *torch.Tensor { return w.Mul(x).Sub(x).Abs().Sum() }
			one := func() {
				torch.InScope(func(*torch.Scope) {
					adam.ZeroGrad()
					loss().Backward()
					adam.Step()
				})
			}
			one() // moments are there, libraries are set up
			if !replay {
				for i := range 6 {
					adam.SetLearningRate(0.1 / float64(i+1))
					one()
				}
			} else {
				adam.ZeroGrad()
				g, err := torch.Capture(d, func() {
					loss().Backward()
					adam.(torch.Replayable).StepAt(rate, step)
				})
				if err != nil {
					t.Fatal(err)
				}
				defer g.Close()
				adam.ZeroGrad()
				for i := range 6 {
					n := adam.(torch.Replayable).Advance()
					rate.CopyAsync(torch.FromSlice([]float32{float32(0.1 / float64(i+1))}, 1).Reshape().Pin())
					step.CopyAsync(torch.FromSlice([]float32{float32(n)}, 1).Reshape().Pin())
					g.Replay()
				}
			}
			if s := adam.State().Steps[0]; s != 7 {
				t.Errorf("the optimizer counts %d steps, want 7", s)
			}
			weights = w.Float64s()
		})
		return weights
	}
	want, have := train(false), train(true)
	if off := relative(t, have, want); off > 1e-5 {
		t.Errorf("replayed %v, launched %v: off by %.2g", have, want, off)
	}
}

// An operation that must look at a result cannot be captured: that is an error, and
// the thread is out of capture.
func TestGraphRefuses(t *testing.T) {
	d := gpu(t)
	run(t, func() {
		x := torch.Ones(torch.Float32, d, 3)
		if g, err := torch.Capture(d, func() { x.Sum().Item() }); err == nil {
			g.Close()
			t.Fatal("looking at a result was captured")
		}
		if v := x.Sum().Item(); v != 3 {
			t.Errorf("afterwards 1+1+1 = %v", v)
		}
	})
}

// Moving averages of all parameters in one call.
func TestAverage(t *testing.T) {
	run(t, func() {
		a, p := torch.FromSlice([]float32{1, 2}, 2), torch.FromSlice([]float32{3, 6}, 2)
		torch.Average([]*torch.Tensor{a}, []*torch.Tensor{p}, 0.75)
		if v := a.Float64s(); v[0] != 1.5 || v[1] != 3 {
			t.Errorf("averages %v, want [1.5 3]", v)
		}
	})
}

// Points of tensors are those of slices.
func TestPointsOf(t *testing.T) {
	run(t, func() {
		tile, category, row, col, count := []int32{0, 0, 1}, []uint16{1, 0, 1}, []uint16{2, 3, 7}, []uint16{0, 5, 7}, []float32{1, 2, 4}
		a := torch.NewPoints(tile, category, row, col, count, 2, 2, 8, 8, torch.Float32, torch.CPU)
		b := torch.PointsOf(torch.FromSlice([]int64{0, 0, 1}), torch.FromSlice([]int64{1, 0, 1}), torch.FromSlice([]int64{2, 3, 7}), torch.FromSlice([]int64{0, 5, 7}),
			torch.FromSlice(count), 2, 2, 8, 8)
		w := torch.Ones(torch.Float32, torch.CPU, 3, 2, 3, 3)
		if !torch.Equal(a.Dense(), b.Dense()) || !torch.Equal(a.Conv2d(a.Count, w, nil, 1, 1), b.Conv2d(b.Count, w, nil, 1, 1)) {
			t.Error("they differ")
		}
	})
}
