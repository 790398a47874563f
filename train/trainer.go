package train

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/data/store"
	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/train/checkpoint"
	"opencarbon/train/config"
	"opencarbon/train/learn"
	"opencarbon/train/metrics"
	"opencarbon/train/networks"
)

// trainer is a training run's tensors and state. It lives inside torch.Run.
type trainer struct {
	*learn.Learner
	config    *config.Config
	data      *dataset
	sampler   *learn.Sampler
	model     learn.Network
	optimizer torch.Optimizer
	schedule  torch.Schedule
	header    checkpoint.Header
	state     checkpoint.State
	watch     watcher
	begun     bool      // the epoch under way has its history
	ready     bool      // the network's inputs are standardized, or it came with weights
	errors    []float32 // of the validation cells by the weights as they are; nil where not known
	guesses   []float64 // predicted ln emission of the validation cells, where errors are known
	apart     string    // why ranks on GPUs do not exchange by NCCL; empty: they do, or there are none
}

// watcher hears what happens, and keeps what must be kept.
type watcher interface {
	step(epoch, step, steps int, loss float64)
	validated(s checkpoint.State, loss, rate float64, v metrics.SplitScores, best bool) error
	save(t *trainer, best bool) error
}

// newTrainer builds model and optimizer from scratch; resume then loads a
// checkpoint over them.
func newTrainer(ctx context.Context, c *config.Config, d *dataset, w watcher) (*trainer, error) {
	return newTrainerFor(ctx, c, d, w, nil)
}

// newTrainerFor is newTrainer for a checkpoint that will be resumed from: nothing
// much larger than its arrays is made.
func newTrainerFor(ctx context.Context, c *config.Config, d *dataset, w watcher, from *checkpoint.Checkpoint) (*trainer, error) {
	device := d.device(c)
	if err := checkDevice(c, device); err != nil {
		return nil, err
	}
	torch.Deterministic(c.Train.Deterministic)
	torch.ManualSeed(c.Seed)
	mc := d.modelConfig(c)
	parameters := layers.NewParams(device)
	model, err := networkFor(parameters, mc, from)
	if err != nil {
		parameters.Close()
		return nil, err
	}
	if c.Train.TargetBias == "mean" {
		model.SetTargetBias(mean(d.ln, d.train))
	}
	a, err := assembler(ctx, d.store, model, d.ln, d.inputs(c))
	if err != nil {
		parameters.Close()
		return nil, err
	}
	t := &trainer{config: c, data: d, model: model, watch: w, schedule: newSchedule(c), optimizer: newOptimizer(c, parameters.Parameters()),
		sampler: &learn.Sampler{Cells: d.train, Place: d.store.Cells(), Batch: c.Train.BatchSize, Blocks: c.Train.Sampler == "blocks",
			Block: c.Train.Block, Seed: uint64(c.Seed)}}
	o := learnOptions(c)
	o.Group = d.group
	t.Learner = learn.NewLearner(model, a, t.optimizer, o)
	t.Stopping = func() bool { return ctx.Err() != nil }
	if t.header, err = d.header(c, mc); err != nil {
		t.close()
		return nil, err
	}
	t.header.Threads = torch.Threads()
	if t.header.Parts = o.Parts; !d.group.Alone() && o.Parts == 0 {
		t.header.Ranks = d.group.World
		t.apart = d.group.UseGPU(device)
	}
	return t, nil
}

func networkFor(p *layers.Params, mc layers.ModelConfig, from *checkpoint.Checkpoint) (learn.Network, error) {
	if from != nil {
		return from.Build(p, mc)
	}
	m, err := networks.New(p, mc)
	if err != nil {
		return nil, lacking(fmt.Errorf("model: %w", err))
	}
	return m, nil
}

// lacking makes what a region lacks a *fault.Input error.
func lacking(err error) error {
	var l layers.Lacking
	if errors.As(err, &l) {
		return fault.New("model.variant", string(l), "Give it, or choose another variant.")
	}
	return err
}

func (t *trainer) close() {
	t.Learner.Close()
	t.optimizer.Close()
	t.model.Params().Close()
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
func (t *trainer) resume(c *checkpoint.Checkpoint) (err error) {
	if err := c.LoadModel(t.model.Params()); err != nil {
		return err
	}
	if err := c.LoadOptimizer(t.optimizer, t.model.Params()); err != nil {
		return fmt.Errorf("%s: %w", c.Path, err)
	}
	if rng, ok := c.Arrays["rng.cpu"]; ok {
		torch.SetRNGState(torch.CPU, rng.Data)
	}
	if c.Header.Plateau != nil {
		t.schedule = c.Header.Plateau
	}
	torch.InScope(func(*torch.Scope) {
		if trained := c.Tensors(checkpoint.TrainedPrefix); len(trained) > 0 { // model. holds their averages
			if !t.SetAverage(c.Tensors("model."), c.Header.AverageSteps) {
				err = fmt.Errorf("%s: its averaged weights are of another model", c.Path)
				return
			}
			if err = t.model.Params().Load("", trained, false); err != nil {
				return
			}
		}
		if saved := c.Tensors("history."); len(saved) > 0 && !t.SetHistory(saved) {
			err = fmt.Errorf("%s: its history of embeddings is of other tiles", c.Path)
		}
	})
	t.state, t.ready, t.begun = c.Header.State, !c.Header.Unready, c.Header.Begun
	return err
}

// train runs epochs until the configured number, early stopping, an error, or
// the context's end, after which the state is saved.
func (t *trainer) train(ctx context.Context) error {
	c := t.config.Train
	if err := t.prepare(ctx); err != nil {
		return err
	}
	t.StartTogether()
	for t.state.Epoch < c.Epochs && t.state.Stopped == "" {
		rate := c.LearningRate * t.schedule.Factor(t.state.Epoch)
		t.optimizer.SetLearningRate(rate)
		if err := t.epoch(ctx); err != nil {
			return err
		}
		if err := t.SameEverywhere(); err != nil {
			return fmt.Errorf("epoch %d: %w", t.state.Epoch+1, err)
		}
		trained := t.state
		loss := t.state.LossSum / float64(max(1, t.state.LossCells))
		t.state.Epoch++
		t.state.Step, t.state.LossSum, t.state.LossCells = 0, 0, 0
		t.begun = false
		last := t.state.Epoch == c.Epochs
		if due(&t.state, t.config) {
			drawn := torch.RNGState(torch.CPU)
			if err := t.validate(ctx, loss, rate); err != nil {
				if !t.interrupted(ctx, err) {
					return err
				}
				torch.SetRNGState(torch.CPU, drawn)
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

// prepare makes the network ready for its first step: what learns from all tiles
// has learned, and its inputs are standardized.
func (t *trainer) prepare(ctx context.Context) error {
	pretrain := t.config.Model.ImageWeights == "" || t.config.Train.Pretrain != "none" // given weights take the place of a rival's pretraining
	if err := t.Prepare(ctx, !t.ready && pretrain); err != nil {
		return lacking(err)
	}
	if t.ready {
		return nil
	}
	if err := t.Standardize(ctx, t.data.train); err != nil {
		return err
	}
	t.ready = true
	return nil
}

// validate scores the validation cells, keeps the best model by R2, and
// decides on early stopping.
func (t *trainer) validate(ctx context.Context, loss, rate float64) error {
	var v metrics.SplitScores
	var best bool
	s := &t.state
	if err := t.Averaged(func() (err error) {
		if err = t.Recalibrate(ctx, t.data.train, s.Epoch); err != nil {
			return err
		}
		if v, err = t.score(ctx, "validation", t.data.validation); err != nil {
			return err
		}
		best = judge(s, t.config, v.Ln.R2)
		if p, ok := t.schedule.(*torch.Plateau); ok {
			p.Observe(v.Ln.R2)
		}
		if best {
			return t.watch.save(t, true)
		}
		return nil
	}); err != nil {
		return err
	}
	return t.watch.validated(*s, loss, rate, v, best)
}

// score evaluates cells and computes the metrics.
func (t *trainer) score(ctx context.Context, name string, cells []int32) (metrics.SplitScores, error) {
	predicted, err := t.Evaluate(ctx, cells, nil, nil)
	if err != nil {
		return metrics.SplitScores{}, err
	}
	predicted = t.data.group.Numbers(predicted)[0] // all judge by the same
	truth := make([]float64, len(cells))
	t.errors, t.guesses = make([]float32, len(cells)), predicted
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
	batches := t.sampler.Epoch(t.state.Epoch)
	if t.state.Step == 0 && !t.begun { // done again it would encode other tiles together
		drawn := torch.RNGState(torch.CPU)
		if err := t.BeginEpoch(ctx, t.data.train, t.state.Epoch); err != nil {
			if ctx.Err() != nil || t.interrupted(ctx, err) {
				torch.SetRNGState(torch.CPU, drawn) // it is begun anew, and draws what drops out anew
				if e := t.watch.save(t, false); e != nil {
					return e
				}
			}
			return err
		}
		t.begun = true
	}
	feed := t.NewFeed(batches[min(t.state.Step, len(batches)):], t.state.Epoch)
	defer feed.Close()
	t.model.Params().Train()
	for t.state.Step < len(batches) {
		if t.stopping(ctx) {
			if err := t.collect(len(batches)); err != nil {
				return err
			}
			if err := t.watch.save(t, false); err != nil {
				return err
			}
			return context.Canceled
		}
		b := feed.Next()
		if err := t.Step(b, contrastive(t.config, t.state.Epoch)); err != nil {
			return t.brokenStep(err)
		}
		t.errors = nil
		t.state.Step++
		if t.Due() || t.state.Step == len(batches) {
			if err := t.collect(len(batches)); err != nil {
				return err
			}
		}
		feed.Done(b)
	}
	return nil
}

// collect looks at the losses of the steps since the last time.
func (t *trainer) collect(steps int) error {
	sum, cells, err := t.Collect()
	if err != nil {
		t.state.Step--
		return t.brokenStep(err)
	}
	if cells > 0 {
		t.state.LossSum += sum
		t.state.LossCells += cells
		t.watch.step(t.state.Epoch+1, t.state.Step, steps, sum/float64(cells))
	}
	return nil
}

// brokenStep says where in the run a step broke; the newest step is the one
// after state.Step.
func (t *trainer) brokenStep(err error) error {
	var broken *learn.Broken
	if !errors.As(err, &broken) {
		return err
	}
	return fmt.Errorf("epoch %d, batch %d: %w\n  %s", t.state.Epoch+1, t.state.Step+1-broken.Back, err, nanAdvice)
}

// threads is libtorch's thread count of a config.
func threads(c *config.Config) int {
	if c.Train.Threads > 0 {
		return c.Train.Threads
	}
	return runtime.GOMAXPROCS(0) // what affinity and the cgroup allow
}

// checkStore refuses to go on training on another store than before.
func checkStore(h checkpoint.Header, s *store.Store) error {
	if h.Store != s.Meta().ConfigHash {
		return fault.New(s.Dir(), "the data changed since the run began", "Start a new run without --resume, or put the old data back.")
	}
	if a, b := strings.Join(h.Categories, "\n"), strings.Join(s.Categories(), "\n"); a != b {
		return fault.New(s.Dir(), "its POI categories are not the checkpoint's", "Start a new run without --resume.")
	}
	return nil
}
