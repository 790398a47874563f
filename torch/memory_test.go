package torch_test

import (
	"fmt"
	"os"
	"runtime"
	"testing"

	"opencarbon/torch"
)

// convNet is a small convolutional network trained on made data: everything
// that makes and drops tensors in a real run is in a step of it.
type convNet struct {
	weights  []*torch.Tensor // convolution, batch norm, convolution, linear
	mean     *torch.Tensor
	variance *torch.Tensor
	adam     torch.Optimizer
}

func newConvNet() *convNet {
	normal := func(shape ...int) *torch.Tensor {
		return torch.Normal(0, 0.1, torch.Float32, torch.CPU, shape...).Own().SetRequiresGrad(true)
	}
	n := &convNet{weights: tensors{normal(8, 3, 3, 3), normal(8), normal(8), normal(8, 8, 3, 3), normal(1, 8), normal(1)},
		mean: torch.Zeros(torch.Float32, torch.CPU, 8).Own(), variance: torch.Ones(torch.Float32, torch.CPU, 8).Own()}
	n.adam = torch.NewAdam(n.weights, torch.AdamOptions{LearningRate: 1e-2})
	return n
}

func (n *convNet) step(s int) (loss float64) {
	torch.InScope(func(*torch.Scope) {
		n.adam.ZeroGrad()
		pixels := make([]float32, 4*3*32*32)
		for i := range pixels {
			pixels[i] = float32((i*7+s*13)%17)/8 - 1
		}
		x := torch.FromSlice(pixels, 4, 3, 32, 32)
		target := x.Mean(torch.Along(1, 2, 3)).MulScalar(100)
		var y *torch.Tensor
		torch.Autocast(torch.CPU, torch.BFloat16, func() {
			x = torch.Conv2d(x.ChannelsLast(), n.weights[0], nil, torch.Conv2dOptions{Padding: [2]int{1, 1}})
			x = torch.BatchNorm(x, n.weights[1], n.weights[2], n.mean, n.variance,
				torch.BatchNormOptions{Training: true, Momentum: 0.1, Eps: 1e-5}).ReLUInPlace()
			x = torch.Conv2d(torch.MaxPool2d(x, 2, 2, 0), n.weights[3], nil, torch.Conv2dOptions{}).ReLU()
			y = torch.Linear(torch.AdaptiveAvgPool2d(x, 1, 1).Flatten(1, -1), n.weights[4], n.weights[5])
		})
		l := torch.MSELoss(y.Cast(torch.Float32).Squeeze(1), target, torch.ReduceMean)
		l.Backward()
		torch.ClipGradNorm(n.weights, 1)
		n.adam.Step()
		loss = l.Item()
		torch.Try(func() { x.Add(ones(7, 7, 7)) }) // errors must not leak either
	})
	return loss
}

func (n *convNet) close() {
	n.adam.Close()
	for _, w := range append(n.weights, n.mean, n.variance) {
		w.Close()
	}
}

// resident returns the process's resident memory in bytes.
func resident(t *testing.T) int {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("needs Linux: ", err)
	}
	var total, pages int
	if _, err := fmt.Sscan(string(text), &total, &pages); err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}

// TestMemoryIsFlat trains for 1,000 steps and never asks for a collection.
func TestMemoryIsFlat(t *testing.T) {
	run(t, func() {
		net := newConvNet()
		defer net.close()
		torch.ManualSeed(1)
		live, at100 := 0, 0
		var first, last float64
		for s := range 1000 {
			last = net.step(s)
			switch s {
			case 0:
				first = last
			case 100:
				live, at100 = torch.Live(), resident(t)
			}
		}
		if n := torch.Live(); n != live {
			t.Errorf("%d tensors alive after step 100, %d after step 1000", live, n)
		}
		end := resident(t)
		if float64(end) > 1.05*float64(at100) {
			t.Errorf("resident memory grew from %d KiB after step 100 to %d KiB after step 1000", at100>>10, end>>10)
		}
		t.Logf("resident after step 100: %d KiB, after step 1000: %d KiB; loss %.3g to %.3g", at100>>10, end>>10, first, last)
		if !(last < first) {
			t.Errorf("the loss went from %v to %v", first, last)
		}
	})
}

// TestConcurrentCollection trains while Go's collector runs all the time: a
// finalizer that freed a tensor in use would crash here.
func TestConcurrentCollection(t *testing.T) {
	stop, stopped := make(chan bool), make(chan bool)
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				runtime.GC()
			}
		}
	}()
	run(t, func() {
		net := newConvNet()
		defer net.close()
		for s := range 200 {
			net.step(s)
		}
	})
	close(stop)
	<-stopped
}
