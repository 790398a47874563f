package bench

import (
	"context"
	"fmt"
	"math"
	"os"
	"runtime"
	"syscall"
	"time"

	"opencarbon/data/store"
	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/train/learn"
	"opencarbon/train/networks"
)

// Row runs s in this process.
func Row(ctx context.Context, s Spec) (*Result, error) {
	data, err := store.Open(s.Store)
	if err != nil {
		return nil, err
	}
	defer data.Close()
	r := &Result{Spec: s, TileBytes: float64(data.Bytes()) / float64(data.Len()), DenseTileBytes: data.DenseBytesPerTile()}
	threads := s.Threads
	var group *torch.Group
	if s.Ranks > 1 {
		if threads == 0 {
			threads = runtime.NumCPU()
		}
		threads = max(1, threads/s.Ranks)
		if group, err = torch.NewGroup(torch.GroupOptions{Rank: s.Rank, World: s.Ranks, Host: "127.0.0.1", Port: s.Port}); err != nil {
			return nil, err
		}
	}
	var failed error
	err = torch.Run(torch.Options{Threads: threads}, func() { failed = r.measure(ctx, data, group) })
	if err == nil {
		err = failed
	}
	group.Close(err)
	if err != nil {
		return nil, err
	}
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err == nil {
		r.PeakBytes = u.Maxrss * 1024
	}
	return r, nil
}

// rig is what a row trains.
type rig struct {
	*learn.Learner
	sampler   *learn.Sampler
	cells     []int32
	optimizer torch.Optimizer
}

func (r *rig) close() {
	r.Learner.Close()
	r.optimizer.Close()
	r.Model.Params().Close()
}

// assemble makes the network, with the same weights on every device, and what
// trains it. It runs inside torch.Run.
func (s Spec) assemble(data *store.Store, group *torch.Group) (*rig, error) {
	torch.PoolMemory(!s.NoPool)
	torch.ManualSeed(int64(s.Seed))
	device := torch.ParseDevice(s.Device)
	if n := torch.CUDACount(); s.Ranks > 1 && device.IsCUDA() && n > 1 {
		device = torch.ParseDevice(fmt.Sprint("cuda:", s.Rank%n))
	}
	if why := group.UseGPU(device); why != "" && s.Rank == 0 {
		fmt.Fprintln(os.Stderr, "ranks exchange through the host's memory:", why)
	}
	parameters := layers.NewParams(device)
	model, err := networks.New(parameters, layers.ModelConfig{Kind: layers.KindOpenCarbon, Plus: true, Image: true, POI: true, Categories: s.Categories, ImageSize: s.Size,
		Embedding: 32, Neighborhood: s.Neighborhood, POIEncoder: "k7", SE: true, SERatio: 4, Heads: 2})
	if err != nil {
		parameters.Close()
		return nil, err
	}
	ln := make([]float64, data.Len())
	r := &rig{cells: make([]int32, data.Len())}
	for i, y := range data.Targets() {
		ln[i], r.cells[i] = math.Log(y), int32(i)
	}
	a, err := learn.NewAssembler(data, model.Config(), model.Traits().Around, ln, nil)
	if err != nil {
		parameters.Close()
		return nil, err
	}
	r.optimizer = torch.NewAdam(parameters.Parameters(), torch.AdamOptions{LearningRate: 1e-3, WeightDecay: 5e-3})
	r.Learner = learn.NewLearner(model, a, r.optimizer, learn.Options{Encode: s.Encode, BF16: s.Precision == "bf16", Alpha: 0.001, Temperature: 0.07,
		Batch: s.Batch, Seed: s.Seed, Augment: s.Encode != learn.Slices, DensePOIs: s.DensePOIs, NCHW: s.NCHW, NoPrefetch: s.NoPrefetch, Graphs: s.Graphs, Group: group, Parts: s.InParts})
	r.sampler = &learn.Sampler{Cells: r.cells, Place: data.Cells(), Batch: s.Batch, Blocks: s.Sampler != "random", Seed: s.Seed}
	if s.Sampler == "blocks" {
		r.sampler.Block = 4
	}
	return r, nil
}

// measure trains and evaluates.
func (r *Result) measure(ctx context.Context, data *store.Store, group *torch.Group) error {
	s := r.Spec
	if s.Precision == "bf16" && !torch.FastBFloat16(torch.ParseDevice(s.Device)) {
		r.Emulated = true
		return nil
	}
	rig, err := s.assemble(data, group)
	if err != nil {
		return err
	}
	defer rig.close()
	rig.StartTogether()
	l, sampler, cells, parameters, d := rig.Learner, rig.sampler, rig.cells, rig.Model.Params(), rig.Model.Params().Device
	r.Libtorch, r.Device, r.Threads = torch.Version(), d.String(), torch.Threads()
	clock := &learn.Clock{}
	epoch := func(number, most int) (encoded int, err error) {
		if err := l.BeginEpoch(ctx, cells, number); err != nil {
			return 0, err
		}
		batches := sampler.Epoch(number)
		batches = batches[:min(most, len(batches))]
		feed := l.NewFeed(batches, number)
		defer feed.Close()
		parameters.Train()
		for i := range batches {
			if err := ctx.Err(); err != nil {
				return 0, err
			}
			before := time.Now()
			b := feed.Next()
			if l.Clock != nil {
				clock.Add("data", time.Since(before))
			}
			if err := l.Step(b, true); err != nil {
				return 0, err
			}
			if s.Encode == learn.Slices {
				for _, p := range b.Index {
					if p < int64(len(b.Tiles)) {
						encoded++
					}
				}
			} else {
				encoded += b.Encoded()
			}
			if l.Due() || i == len(batches)-1 {
				if _, _, err := l.Collect(); err != nil {
					return 0, err
				}
			}
			feed.Done(b)
		}
		return encoded, nil
	}
	warm := 1
	if d.IsCUDA() {
		warm = 8 // steps are replayed from the fifth on
	}
	if _, err := epoch(0, warm); err != nil {
		return err
	}
	d.Synchronize()
	if !d.IsCUDA() {
		l.Clock = clock
	}
	start, encoded := time.Now(), 0
	for i := range s.Epochs {
		n, err := epoch(i+1, math.MaxInt)
		if err != nil {
			return err
		}
		encoded += n
	}
	d.Synchronize()
	epochs := float64(s.Epochs)
	r.EpochSeconds = time.Since(start).Seconds() / epochs
	r.Encodings = float64(encoded) / epochs / float64(len(cells))
	r.FLOPs = 3 * resNet18FLOPs(s.Size) * float64(encoded) / epochs // backward costs twice forward
	if d.IsCUDA() {
		// The clock waits for each part, so it has an epoch of its own.
		l.Clock = clock
		if _, err := epoch(s.Epochs+1, math.MaxInt); err != nil {
			return err
		}
		l.Clock, epochs = nil, 1
		if err := l.Eager(); err != nil {
			r.Eager = err.Error()
		}
	}
	r.Parts = map[string]float64{}
	for name, t := range clock.Parts {
		r.Parts[name] = t.Seconds() / epochs
	}
	start = time.Now()
	if _, err := l.Evaluate(ctx, cells, nil, nil); err != nil {
		return err
	}
	r.EvaluationSeconds = time.Since(start).Seconds()
	return nil
}
