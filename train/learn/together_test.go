package learn_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"opencarbon/data/store"
	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/train/bench"
	"opencarbon/train/learn"
	"opencarbon/train/networks"
)

// A trace is what a rank saw: the loss of each step, the predictions after the
// last, the weights.
type trace struct {
	Losses, Predicted, Weights []float64
	Hash                       uint64
	Error                      string
}

// togetherCase is one way to train in processes.
type togetherCase struct {
	options learn.Options
	m       int
	images  bool
	rows    [][]int32 // the batches, of one process's global batches
	quick   bool      // float32 and Adam, which carries rounding away; the network's quick ways too
	kind    string    // of network; empty: OpenCarbon's
}

func togetherCases() map[string]togetherCase {
	return map[string]togetherCase{
		"contrastive": {learn.Options{Encode: learn.Unique, Batch: 5}, 1, true, [][]int32{{1, 2, 4, 5, 8}}, false, ""},
		"neighbors":   {learn.Options{Encode: learn.Unique, Batch: 6}, 3, false, [][]int32{{1, 2, 4, 5}, {11, 8}, {0, 1, 2}}, false, ""},
		"history":     {learn.Options{Encode: learn.Historical, Batch: 6}, 3, false, [][]int32{{0, 1, 2, 3, 4}, {6, 7}, {1, 2, 8}}, false, ""}, // two tiles leave one of three ranks without
		"crops":       {learn.Options{Encode: learn.Unique, Batch: 6}, 1, true, [][]int32{{0, 7, 3, 5}}, false, "pg-simclr"},                   // random ones, and pairs that stand in two ranks
		"clipped":     {learn.Options{Encode: learn.Unique, Batch: 6, ClipNorm: 0.5, EMA: 0.9, Augment: true}, 1, false, [][]int32{{0, 7, 3, 5}, {9, 1, 4}}, false, ""},
	}
}

// traced trains c on a store in this process, with the others of g.
func traced(dir string, c togetherCase, g *torch.Group) (out trace) {
	d, err := store.Open(dir)
	if err != nil {
		return trace{Error: err.Error()}
	}
	defer d.Close()
	var ln []float64
	var cells []int32
	for i, y := range d.Targets() {
		ln, cells = append(ln, math.Log(y)), append(cells, int32(i))
	}
	ctx := context.Background()
	err = torch.Run(torch.Options{Threads: 1}, func() {
		torch.ManualSeed(int64(1 + g.Rank)) // rank 0's weights are everyone's, so the others' own must not matter
		parameters := layers.NewParams(torch.CPU)
		if !c.quick {
			parameters.DType = torch.Float64
		}
		defer parameters.Close()
		kind := c.kind
		if kind == "" {
			kind = layers.KindOpenCarbon
		}
		model, err := networks.New(parameters, layers.ModelConfig{Kind: kind, Image: c.images, POI: true, Categories: 3, ImageSize: 32, POISize: 32, Embedding: 8,
			Neighborhood: c.m, POIEncoder: "k7", SE: true, SERatio: 4, Heads: 2, Plus: c.quick, Statistics: c.quick, LogCounts: c.quick})
		if err != nil {
			panic(err)
		}
		a, err := learn.NewAssembler(d, model.Config(), model.Traits().Around, ln, nil)
		if err != nil {
			panic(err)
		}
		var optimizer torch.Optimizer = torch.NewSGD(parameters.Parameters(), torch.SGDOptions{LearningRate: 0.001, Momentum: 0.9})
		if c.quick {
			optimizer.Close()
			optimizer = torch.NewAdam(parameters.Parameters(), torch.AdamOptions{LearningRate: 0.001})
		}
		defer optimizer.Close()
		o := c.options
		o.Temperature, o.Alpha, o.Group = 0.07, 1, g
		l := learn.NewLearner(model, a, optimizer, o)
		defer l.Close()
		l.StartTogether()
		torch.ManualSeed(3) // what is drawn is to be alike
		if err := l.Prepare(ctx, true); err != nil {
			out.Error = err.Error()
			return
		}
		step := func() error {
			if err := l.BeginEpoch(ctx, cells, 0); err != nil {
				return err
			}
			parameters.Train()
			feed := l.NewFeed(c.rows, 0)
			for range c.rows {
				b := feed.Next()
				err := l.Step(b, c.images)
				feed.Done(b)
				loss, _, e := l.Collect()
				if err := errors.Join(err, e); err != nil {
					feed.Close()
					return err
				}
				out.Losses = append(out.Losses, loss)
			}
			feed.Close()
			if err := l.SameEverywhere(); err != nil {
				return err
			}
			if c.images && !c.quick {
				return nil
			}
			if err := l.Recalibrate(ctx, cells, 1); err != nil {
				return err
			}
			out.Predicted, err = l.Evaluate(ctx, cells, nil, nil)
			return err
		}
		if err := step(); err != nil {
			out.Error = err.Error()
			return
		}
		torch.InScope(func(*torch.Scope) {
			for _, e := range parameters.Entries() {
				out.Weights = append(out.Weights, e.Tensor.Cast(torch.Float64).Float64s()...)
			}
		})
		out.Hash = parameters.Hash()
	})
	if err != nil {
		out.Error = err.Error()
	}
	return out
}

// TestTogetherChild is a rank: TestTogether starts the test binary again with it.
func TestTogetherChild(t *testing.T) {
	var rank, world, port int
	if _, err := fmt.Sscan(os.Getenv("TOGETHER"), &rank, &world, &port); err != nil {
		t.Skip("started by TestTogether")
	}
	g, err := torch.NewGroup(torch.GroupOptions{Rank: rank, World: world, Host: "127.0.0.1", Port: port, Timeout: 8 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close(nil)
	out := map[string]trace{}
	cases := togetherCases()
	if os.Getenv("TOGETHER_PARTS") != "" {
		cases = partedCases()
	}
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		out[name] = traced(os.Getenv("TOGETHER_STORE"), cases[name], g)
	}
	text, err := json.Marshal(out)
	if err == nil {
		err = os.WriteFile(os.Getenv("TOGETHER_OUT"), text, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// ranks runs the test binary world times with the named test and waits.
func ranks(t *testing.T, world int, test string, env func(rank int) []string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	type end struct {
		rank int
		out  []byte
		err  error
	}
	ends := make(chan end)
	for r := range world {
		cmd := exec.Command(os.Args[0], "-test.run=^"+test+"$", "-test.timeout=540s")
		cmd.Env = append(os.Environ(), fmt.Sprintf("TOGETHER=%d %d %d", r, world, port), "OMP_NUM_THREADS=1")
		cmd.Env = append(cmd.Env, env(r)...)
		go func() {
			out, err := cmd.CombinedOutput()
			ends <- end{r, out, err}
		}()
	}
	for range world {
		if e := <-ends; e.err != nil {
			t.Errorf("rank %d: %v\n%s", e.rank, e.err, e.out)
		}
	}
	if t.Failed() {
		t.FailNow()
	}
}

// togetherStore is a made city of 12 cells.
func togetherStore(t *testing.T, dir string) bench.Spec {
	t.Helper()
	s := bench.Spec{Cells: 12, Size: 32, Categories: 3, Points: 40}
	if err := s.Make(context.Background(), dir); err != nil {
		t.Fatal(err)
	}
	return s
}

// together is what each of so many processes saw of every case.
func together(t *testing.T, store string, world int, env ...string) []map[string]trace {
	t.Helper()
	dir := t.TempDir()
	path := func(r int) string { return filepath.Join(dir, fmt.Sprint("rank", r, ".json")) }
	ranks(t, world, "TestTogetherChild", func(r int) []string {
		return append(env, "TOGETHER_STORE="+store, "TOGETHER_OUT="+path(r))
	})
	got := make([]map[string]trace, world)
	for r := range got {
		text, err := os.ReadFile(path(r))
		if err == nil {
			err = json.Unmarshal(text, &got[r])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return got
}

// Three processes do together what one does with the same batches: the loss of
// every step, the weights in the end and what they predict. It would not be so if
// gradients were averaged, cells left out, statistics or contrastive negatives a
// process's own, or history another.
func TestTogether(t *testing.T) {
	if !torch.GroupAvailable() {
		t.Skip("this libtorch has no c10d with gloo")
	}
	dir := t.TempDir()
	s := togetherStore(t, dir)
	got := together(t, s.Store, 3)
	for name, c := range togetherCases() {
		alone := traced(s.Store, c, &torch.Group{World: 1})
		if alone.Error != "" || len(alone.Losses) == 0 {
			t.Fatalf("%s alone: %s", name, alone.Error)
		}
		for r := range got {
			g := got[r][name]
			if g.Error != "" || g.Hash != got[0][name].Hash {
				t.Errorf("%s: rank %d has weights %x, rank 0 %x; %s", name, r, g.Hash, got[0][name].Hash, g.Error)
			}
			for what, d := range map[string]float64{"losses": far(g.Losses, alone.Losses), "predictions": far(g.Predicted, alone.Predicted), "weights": far(g.Weights, alone.Weights)} {
				t.Logf("%s, rank %d: %s differ by %.1e", name, r, what, d)
				if !(d < 1e-9) {
					t.Errorf("%s: rank %d and one process alone: %s differ by %g", name, r, what, d)
				}
			}
		}
	}
}
