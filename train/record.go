package train

import (
	"math"

	"opencarbon/train/checkpoint"
	"opencarbon/train/metrics"
	"opencarbon/train/progress"
	"opencarbon/train/runlog"
	"opencarbon/train/tbevents"
)

// metricColumns are metrics.csv's, after the epoch.
var metricColumns = []string{"learning_rate", "train_loss", "validation_R2", "validation_MAE", "validation_RMSE", "contrastive"}

// recorder is the watcher of a run: it shows progress and keeps metrics,
// TensorBoard events and checkpoints in the run folder.
type recorder struct {
	run     *runlog.Run
	metrics *runlog.Metrics
	events  *tbevents.Writer // nil when switched off
	bar     *progress.Training
	history [][]float64 // rows of metrics.csv, the epoch first
	active  func(epoch int) bool
	sound   func() error // waits until the store is known to be sound; nil before training begins
}

func (r *recorder) step(epoch, step, _ int, loss float64) { r.bar.Step(epoch, step, loss) }

func (r *recorder) validated(s checkpoint.State, loss, rate float64, v metrics.SplitScores, best bool) error {
	r.bar.Validated(s.Epoch, loss, v.Ln.R2, v.Ln.MAE, v.Ln.RMSE, best)
	on := 0.0
	if r.active(s.Epoch - 1) {
		on = 1
	}
	row := []float64{rate, loss, v.Ln.R2, v.Ln.MAE, v.Ln.RMSE, on}
	r.history = append(r.history, append([]float64{float64(s.Epoch)}, row...))
	if err := r.metrics.Append(s.Epoch, row); err != nil {
		return err
	}
	if r.events == nil {
		return nil
	}
	for _, p := range []struct {
		tag string
		v   float64
	}{{"train/loss", loss}, {"train/learning_rate", rate}, {"validation/R2", v.Ln.R2}, {"validation/MAE", v.Ln.MAE},
		{"validation/RMSE", v.Ln.RMSE}} {
		if !math.IsNaN(p.v) {
			if err := r.events.Scalar(p.tag, s.Epoch, p.v); err != nil {
				return err
			}
		}
	}
	return nil
}

// Names of the checkpoints in a run folder.
const (
	BestFile = "best.safetensors"
	LastFile = "last.safetensors"
)

// save keeps no weights that were trained on a damaged store.
func (r *recorder) save(t *trainer, best bool) error {
	if r.sound != nil {
		if err := r.sound(); err != nil {
			return err
		}
	}
	if best {
		return t.save(r.run.Path(BestFile))
	}
	return t.save(r.run.Path(LastFile))
}
