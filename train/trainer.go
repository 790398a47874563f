package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/data/store"
	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/train/config"
	"opencarbon/train/metrics"
)

// trainer is a training run's tensors and state. It lives inside torch.Run.
type trainer struct {
	config    *config.Config
	data      *dataset
	assembler *assembler
	sampler   *sampler
	model     *layers.Model
	optimizer torch.Optimizer
	schedule  torch.Schedule
	header    Header
	state     State
	watch     watcher
	errors    []float32 // of the validation cells by the weights as they are; nil where not known
}

// watcher hears what happens, and keeps what must be kept.
type watcher interface {
	step(epoch, step, steps int, loss float64)
	validated(s State, loss, rate float64, v metrics.Split, best bool) error
	save(t *trainer, best bool) error
}

// newTrainer builds model and optimiser from scratch; resume then loads a
// checkpoint over them.
func newTrainer(c *config.Config, d *dataset, w watcher) (*trainer, error) {
	device := torch.ParseDevice(c.Train.Device)
	torch.Deterministic(c.Train.Deterministic)
	torch.ManualSeed(c.Seed)
	mc := modelConfig(c, d.store)
	parameters := layers.NewStore(device)
	model, err := layers.NewModel(parameters, mc)
	if err != nil {
		parameters.Close()
		return nil, fmt.Errorf("model: %w", err)
	}
	if c.Train.TargetBias == "mean" {
		model.SetTargetBias(mean(d.ln, d.train))
	}
	a, err := newAssembler(d.store, mc, d.ln)
	if err != nil {
		parameters.Close()
		return nil, err
	}
	t := &trainer{config: c, data: d, assembler: a, model: model, watch: w,
		sampler:  &sampler{cells: d.train, place: d.store.Cells(), batch: c.Train.BatchSize, seed: uint64(c.Seed)},
		schedule: newSchedule(c), optimizer: newOptimizer(c, parameters.Parameters())}
	if c.Train.Sampler == "blocks" {
		t.sampler.block = c.Train.Block
	}
	text, err := c.YAML()
	if err != nil {
		t.close()
		return nil, err
	}
	meta := d.store.Meta()
	t.header = Header{Format: checkpointFormat, Program: meta.Program, Libtorch: torch.Version(), Config: string(text),
		Model: mc, Categories: d.store.Categories(), Normalization: meta.Normalization, Grid: meta.Grid,
		TargetUnit: meta.TargetUnit, Store: meta.ConfigHash, Threads: torch.Threads()}
	return t, nil
}

func (t *trainer) close() {
	t.optimizer.Close()
	t.model.Store.Close()
}

func newOptimizer(c *config.Config, p []*torch.Tensor) torch.Optimizer {
	switch c.Train.Optimizer {
	case "adamw":
		return torch.NewAdamW(p, torch.AdamOptions{LearningRate: c.Train.LearningRate, WeightDecay: c.Train.WeightDecay})
	case "sgd":
		return torch.NewSGD(p, torch.SGDOptions{LearningRate: c.Train.LearningRate, WeightDecay: c.Train.WeightDecay, Momentum: c.Train.Momentum})
	default:
		return torch.NewAdam(p, torch.AdamOptions{LearningRate: c.Train.LearningRate, WeightDecay: c.Train.WeightDecay})
	}
}

func newSchedule(c *config.Config) torch.Schedule {
	floor := 0.0
	if c.Train.LearningRate > 0 {
		floor = c.Train.MinLearningRate / c.Train.LearningRate
	}
	switch c.Train.Schedule {
	case "cosine":
		return torch.Cosine{Epochs: c.Train.Epochs, Warmup: c.Train.WarmupEpochs, Min: floor}
	case "plateau":
		return &torch.Plateau{Decay: c.Train.PlateauFactor, Patience: c.Train.PlateauPatience, Min: floor, Warmup: c.Train.WarmupEpochs}
	default:
		return torch.Constant{Warmup: c.Train.WarmupEpochs}
	}
}

// resume takes over a checkpoint's weights, moments, random state and place in
// the run.
func (t *trainer) resume(c *Checkpoint) error {
	if err := c.loadModel(t.model.Store); err != nil {
		return err
	}
	if err := c.loadOptimizer(t.optimizer, t.model.Store); err != nil {
		return fmt.Errorf("%s: %w", c.Path, err)
	}
	if rng, ok := c.arrays["rng.cpu"]; ok {
		torch.SetRNGState(torch.CPU, rng.Data)
	}
	if c.Header.Plateau != nil {
		t.schedule = c.Header.Plateau
	}
	t.state = c.Header.State
	return nil
}

// encoding is Encode in the configured precision; what leaves it is float32.
func (t *trainer) encoding() func(layers.Tiles) layers.Embeddings { return encoding(t.model, t.config) }

func encoding(m *layers.Model, c *config.Config) func(layers.Tiles) layers.Embeddings {
	if c.Train.Precision != "bf16" {
		return m.Encode
	}
	return func(in layers.Tiles) (e layers.Embeddings) {
		torch.Autocast(m.Store.Device, torch.BFloat16, func() { e = m.Encode(in) })
		if e.Image != nil {
			e.Image = e.Image.Cast(torch.Float32)
		}
		if e.POI != nil {
			e.POI = e.POI.Cast(torch.Float32)
		}
		return e
	}
}

// train runs epochs until the configured number, early stopping, an error, or
// the context's end, after which the state is saved.
func (t *trainer) train(ctx context.Context) error {
	c := t.config.Train
	for t.state.Epoch < c.Epochs && t.state.Stopped == "" {
		rate := c.LearningRate * t.schedule.Factor(t.state.Epoch)
		t.optimizer.SetLearningRate(rate)
		if err := t.epoch(ctx); err != nil {
			return err
		}
		trained := t.state
		loss := t.state.LossSum / float64(max(1, t.state.LossCells))
		t.state.Epoch++
		t.state.Step, t.state.LossSum, t.state.LossCells = 0, 0, 0
		last := t.state.Epoch == c.Epochs
		if last || t.state.Epoch%c.ValidateEvery == 0 {
			if err := t.validate(ctx, loss, rate); err != nil {
				if ctx.Err() == nil || !errors.Is(err, ctx.Err()) {
					return err
				}
				t.state = trained // all batches done, the validation still to come
				if e := t.watch.save(t, false); e != nil {
					return e
				}
				return err
			}
		}
		if last || t.state.Stopped != "" || t.state.Epoch%c.SaveEvery == 0 {
			if err := t.watch.save(t, false); err != nil {
				return err
			}
		}
	}
	return nil
}

// validate scores the validation cells, keeps the best model by R2, and
// decides on early stopping.
func (t *trainer) validate(ctx context.Context, loss, rate float64) error {
	t.recalibrate()
	v, err := t.score(ctx, "validation", t.data.validation)
	if err != nil {
		return err
	}
	s := &t.state
	r2 := v.Ln.R2
	best := !math.IsNaN(r2) && (!s.HasBest || r2 > s.Best)
	reference := t.config.Model.Variant == "reference"
	switch {
	case best && reference: // the published program never sets its counter back
		s.HasBest, s.Best, s.BestEpoch = true, r2, s.Epoch
	case best:
		s.HasBest, s.Best, s.BestEpoch, s.Bad = true, r2, s.Epoch, 0
	default:
		s.Bad++
	}
	if p, ok := t.schedule.(*torch.Plateau); ok {
		p.Observe(r2)
	}
	c := t.config.Train
	switch {
	case c.Patience == 0:
	case reference && s.Bad > c.Patience && s.Epoch-1 > c.MinEpochs: // its epochs count from 0
		s.Stopped = fmt.Sprintf("%d validations in all were no improvement", s.Bad)
	case !reference && s.Bad >= c.Patience && s.Epoch >= c.MinEpochs:
		s.Stopped = fmt.Sprintf("no better validation R2 in %d validations", s.Bad)
	}
	if best {
		if err := t.watch.save(t, true); err != nil {
			return err
		}
	}
	return t.watch.validated(*s, loss, rate, v, best)
}

// score evaluates cells and computes the metrics.
func (t *trainer) score(ctx context.Context, name string, cells []int32) (metrics.Split, error) {
	predicted, err := t.evaluate(ctx, cells, nil)
	if err != nil {
		return metrics.Split{}, err
	}
	truth := make([]float64, len(cells))
	t.errors = make([]float32, len(cells))
	for i, c := range cells {
		truth[i] = t.data.ln[c]
		t.errors[i] = float32(predicted[i] - truth[i])
	}
	v, err := metrics.Evaluate(name, truth, predicted)
	if err != nil {
		t.errors = nil
		return v, fmt.Errorf("epoch %d: the model's predictions are broken: %w\n  %s", t.state.Epoch, err, nanAdvice)
	}
	return v, nil
}

const nanAdvice = "The last good checkpoint is kept. Lower train.learning_rate, set train.clip_norm (for example 1), or use train.precision: fp32."

// epoch trains on the batches that are left of the current epoch. While a
// batch computes, another goroutine assembles the next one.
func (t *trainer) epoch(ctx context.Context) error {
	batches := t.sampler.epoch(t.state.Epoch)
	feed, stop := t.prefetch(batches[min(t.state.Step, len(batches)):])
	defer stop()
	t.model.Store.Train()
	for t.state.Step < len(batches) {
		if ctx.Err() != nil {
			if err := t.watch.save(t, false); err != nil {
				return err
			}
			return ctx.Err()
		}
		b := <-feed.full
		l, err := t.step(b)
		if err != nil {
			return err
		}
		t.state.Step++
		t.state.LossSum += l
		t.state.LossCells += len(b.cells)
		t.watch.step(t.state.Epoch+1, t.state.Step, len(batches), l/float64(len(b.cells)))
		feed.empty <- b
	}
	return nil
}

// step is one update; it returns the batch's loss.
func (t *trainer) step(b *batch) (value float64, err error) {
	broken := func(format string, args ...any) error {
		return fmt.Errorf("epoch %d, batch %d: %s, in the batch of cells %s\n  %s", t.state.Epoch+1, t.state.Step+1,
			fmt.Sprintf(format, args...), b.describe(t.data.store), nanAdvice)
	}
	for i, y := range b.target {
		if y := float64(y); math.IsNaN(y) || math.IsInf(y, 0) {
			return 0, broken("the target of cell %d is %v", b.cells[i], y)
		}
	}
	torch.InScope(func(*torch.Scope) {
		in, index := b.inputs(t.model.Config, t.model.Store.Device)
		target := torch.FromSlice(b.target).To(t.model.Store.Device)
		o := t.model.Predict(t.model.EncodeBatch(in, index, t.encoding()))
		l := loss(t.config, t.state.Epoch, o, target)
		if value = l.Item(); math.IsNaN(value) || math.IsInf(value, 0) {
			err = broken("the loss is %v", value)
			return
		}
		t.optimizer.ZeroGrad()
		l.Backward()
		clip := t.config.Train.ClipNorm
		if clip == 0 {
			clip = math.Inf(1) // only looks: a gradient that is not finite must not reach the weights
		}
		if norm := torch.ClipGradNorm(t.model.Store.Parameters(), clip); math.IsNaN(norm) || math.IsInf(norm, 0) {
			err = broken("the gradient's norm is %v", norm)
			return
		}
		t.optimizer.Step()
		t.errors = nil
	})
	return value, err
}

type feed struct{ full, empty chan *batch }

// prefetch assembles batches ahead in a goroutine of its own, in order. stop
// ends it and waits.
func (t *trainer) prefetch(batches [][]int32) (f feed, stop func()) {
	const ahead = 2
	f = feed{full: make(chan *batch, ahead), empty: make(chan *batch, ahead+1)}
	for range ahead + 1 {
		f.empty <- &batch{}
	}
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for _, cells := range batches {
			select {
			case b := <-f.empty:
				t.assembler.assemble(b, cells)
				select {
				case f.full <- b:
				case <-quit:
					return
				}
			case <-quit:
				return
			}
		}
	}()
	return f, func() {
		close(quit)
		<-done
	}
}

// threads is libtorch's thread count of a config.
func threads(c *config.Config) int {
	if c.Train.Threads > 0 {
		return c.Train.Threads
	}
	return runtime.NumCPU()
}

// checkStore refuses to go on training on another store than before.
func checkStore(h Header, s *store.Store) error {
	if h.Store != s.Meta().ConfigHash {
		return fault.New(s.Dir(), "the data changed since the run began", "Start a new run without --resume, or put the old data back.")
	}
	if a, b := strings.Join(h.Categories, "\n"), strings.Join(s.Categories(), "\n"); a != b {
		return fault.New(s.Dir(), "its POI categories are not the checkpoint's", "Start a new run without --resume.")
	}
	return nil
}
