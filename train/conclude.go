package train

import (
	"context"
	"fmt"
	"os"
	"slices"

	"opencarbon/layers"
	"opencarbon/train/baselines"
	"opencarbon/train/checkpoint"
	"opencarbon/train/metrics"
	"opencarbon/train/output"
	"opencarbon/train/plots"
)

// conclude takes the best weights, predicts every cell, scores the splits and
// the baselines, and draws the pictures.
func conclude(ctx context.Context, t *trainer, rec *recorder, o Options) (*Result, error) {
	d, run := t.data, rec.run
	r := &Result{Dir: run.Dir, Epochs: t.state.Epoch, BestEpoch: t.state.BestEpoch, Stopped: t.state.Stopped,
		Unit: d.store.Meta().TargetUnit}
	var best *checkpoint.Checkpoint
	if _, err := os.Stat(run.Path(BestFile)); err == nil {
		if best, err = checkpoint.Read(run.Path(BestFile)); err != nil {
			return nil, err
		}
		if err := best.LoadModel(t.model.Params()); err != nil {
			return nil, err
		}
		why, err := keepDomain(ctx, best, t.Encoder, d, nil)
		if err != nil {
			return nil, err
		}
		if why != "" {
			r.Notes = append(r.Notes, "predictions will not say which cells are like the training cells: "+why)
		}
	}
	cells := make([]int32, d.store.Len())
	for i := range cells {
		cells[i] = int32(i)
	}
	var see func([]int32, layers.Output)
	var strange []float64 // [N]; nil where the cells are not compared
	if best != nil {
		if o := best.Domain(); o != nil {
			see = func(_ []int32, out layers.Output) { strange = append(strange, best.Dissimilarity(o, out)...) }
		}
	}
	predicted, err := t.Evaluate(ctx, cells, nil, see)
	if err != nil {
		return nil, err
	}
	for _, part := range []struct {
		name  string
		cells []int32
	}{{"train", d.train}, {"validation", d.validation}, {"test", d.test}} {
		truth, guess := make([]float64, len(part.cells)), make([]float64, len(part.cells))
		for i, c := range part.cells {
			truth[i], guess[i] = d.ln[c], predicted[c]
		}
		v, err := metrics.Evaluate(part.name, truth, guess)
		if err != nil {
			return nil, err
		}
		r.Splits = append(r.Splits, v)
	}
	calibration, err := calibrate(d.of(d.ln, d.validation), d.of(predicted, d.validation), d.of(strange, d.validation))
	if err != nil {
		return nil, err
	}
	model, why := d.sums(predicted)
	u, err := d.uncertainty(calibration, model, why, predicted, strange)
	if err != nil {
		return nil, err
	}
	r.Intervals, r.Total = u.Coverage, u.Total
	if err := u.write(run.Path(IntervalsFile)); err != nil {
		return nil, err
	}
	around, err := newBands(calibration, predicted, strange)
	if err != nil {
		return nil, err
	}
	x := output.Estimate{Ln: predicted, Corrected: corrected(model, predicted), Bands: around}
	if strange != nil {
		x.Dissimilarity, x.Inside = ensemble{best}.inDomain([][]float64{strange})
	}
	if err := run.WritePredictions(r.Unit, x.Rows(d.store, d.ln), x.Extra()); err != nil {
		return nil, err
	}
	if !o.Bare {
		if r.Baselines, err = baselines.Beside(ctx, d.method(), d.inputs(t.config), t.config.Train.Threads, o.Progress); err != nil {
			return nil, err
		}
	}
	if t.config.Output.Plots {
		draw(d, x, r, rec)
	}
	return r, nil
}

// draw writes the pictures of a run and notes their paths in r. One that cannot be
// drawn becomes a note: the scores stand without it.
func draw(d *dataset, x output.Estimate, r *Result, rec *recorder) {
	save := func(name string, figure func() (*plots.Figure, error)) {
		path := rec.run.Path(name)
		if err := plots.Attempt(path, figure); err != nil {
			r.Notes = append(r.Notes, err.Error())
			return
		}
		r.Pictures = append(r.Pictures, path)
	}
	name := d.store.Meta().Name
	if len(rec.history) > 0 {
		save("learning_curves.png", func() (*plots.Figure, error) { return plots.Curves(curves(name, r, rec)) })
	}
	save("scatter.png", func() (*plots.Figure, error) { return plots.Scatter(scatter(name, d, x.Ln, r)) })
	save("maps.png", func() (*plots.Figure, error) { return plots.Maps(output.Maps(d.store, d.ln, x, r.Unit)) })
}

// scatter is predicted against true emission, split by split.
func scatter(name string, d *dataset, predicted []float64, r *Result) plots.ScatterData {
	data := plots.ScatterData{Title: name + ": predicted and true emission", Unit: r.Unit}
	for i, cells := range [][]int32{d.train, d.validation, d.test} {
		s := r.Splits[i]
		p := plots.Points{Name: fmt.Sprintf("%s  R2 %s  MAE %s", s.Name, metrics.Number(s.Ln.R2), metrics.Number(s.Ln.MAE))}
		for _, c := range cells {
			p.True, p.Predicted = append(p.True, d.ln[c]), append(p.Predicted, predicted[c])
		}
		if len(cells) > 0 {
			data.Sets = append(data.Sets, p)
		}
	}
	return data
}

func curves(name string, r *Result, rec *recorder) plots.CurvesData {
	loss, r2 := plots.Line{Name: "train loss per cell"}, plots.Line{Name: "validation R2"}
	data := plots.CurvesData{Title: name + ": training", Best: float64(r.BestEpoch)}
	before := 0.0
	column := func(h []float64, name string) float64 { return h[1+slices.Index(metricColumns, name)] }
	for _, h := range rec.history {
		loss.X, loss.Y = append(loss.X, h[0]), append(loss.Y, column(h, "train_loss"))
		r2.X, r2.Y = append(r2.X, h[0]), append(r2.Y, column(h, "validation_R2"))
		if column(h, "contrastive") > before {
			data.Events = append(data.Events, plots.Event{X: h[0], Name: "contrastive loss on"})
		}
		before = column(h, "contrastive")
	}
	data.Loss, data.R2 = []plots.Line{loss}, []plots.Line{r2}
	return data
}
