package learn_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"testing"

	"opencarbon/data/store"
	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/train/bench"
	"opencarbon/train/learn"
	"opencarbon/train/networks"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if n := torch.Live(); n != 0 && code == 0 {
		fmt.Fprintf(os.Stderr, "%d tensors outlived all tests\n", n)
		code = 1
	}
	os.Exit(code)
}

// made opens a made city of n cells of 32 pixels with 3 POI categories.
func made(t *testing.T, n int) (*store.Store, []float64, []int32) {
	t.Helper()
	s := bench.Spec{Cells: n, Size: 32, Categories: 3, Points: 40}
	if err := s.Make(context.Background(), t.TempDir()); err != nil {
		t.Fatal(err)
	}
	d, err := store.Open(s.Store)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	var ln []float64
	var cells []int32
	for i, y := range d.Targets() {
		ln, cells = append(ln, math.Log(y)), append(cells, int32(i))
	}
	return d, ln, cells
}

// learner makes a learner with SGD at the given rate; f gets it inside the engine.
func learner(t *testing.T, d *store.Store, ln []float64, m int, rate float64, o learn.Options, f func(l *learn.Learner)) {
	t.Helper()
	learnerWith(t, torch.CPU, func(p []*torch.Tensor) torch.Optimizer { return torch.NewSGD(p, torch.SGDOptions{LearningRate: rate}) }, d, ln, m, o, f)
}

// learnerOn is learner with Adam on a device.
func learnerOn(t *testing.T, device torch.Device, d *store.Store, ln []float64, m int, o learn.Options, f func(l *learn.Learner)) {
	t.Helper()
	learnerWith(t, device, func(p []*torch.Tensor) torch.Optimizer {
		return torch.NewAdam(p, torch.AdamOptions{LearningRate: 1e-4})
	}, d, ln, m, o, f)
}

func learnerWith(t *testing.T, device torch.Device, optimizer func([]*torch.Tensor) torch.Optimizer, d *store.Store, ln []float64, m int, o learn.Options,
	f func(l *learn.Learner)) {
	t.Helper()
	before := torch.Live()
	if err := torch.Run(torch.Options{Threads: 1}, func() {
		torch.ManualSeed(1)
		parameters := layers.NewParams(device)
		defer parameters.Close()
		model, err := networks.New(parameters, layers.ModelConfig{Kind: layers.KindOpenCarbon, Image: true, POI: true, Categories: 3, ImageSize: 32, Embedding: 8,
			Neighborhood: m, POIEncoder: "k7", SE: true, SERatio: 4, Heads: 2})
		if err != nil {
			t.Fatal(err)
		}
		a, err := learn.NewAssembler(d, model.Config(), model.Traits().Around, ln, nil)
		if err != nil {
			t.Fatal(err)
		}
		sgd := optimizer(parameters.Parameters())
		defer sgd.Close()
		o.Temperature, o.Alpha = 0.07, 0.01
		l := learn.NewLearner(model, a, sgd, o)
		defer l.Close()
		f(l)
	}); err != nil {
		t.Fatal(err)
	}
	if n := torch.Live(); n != before {
		t.Fatalf("%d tensors were alive before, %d are after", before, n)
	}
}

func far(a, b []float64) float64 {
	worst, scale := 0.0, 1e-9
	for i := range a {
		worst, scale = math.Max(worst, math.Abs(a[i]-b[i])), math.Max(scale, math.Abs(b[i]))
	}
	if len(a) != len(b) || math.IsNaN(worst) {
		return math.Inf(1)
	}
	return worst / scale
}
