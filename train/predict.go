package train

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"opencarbon/data"
	"opencarbon/data/fault"
	"opencarbon/data/store"
	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/train/checkpoint"
	"opencarbon/train/config"
	"opencarbon/train/encoded"
	"opencarbon/train/learn"
	"opencarbon/train/output"
	"opencarbon/train/progress"
	"opencarbon/train/tabular"
)

// PredictOptions of Predict.
type PredictOptions struct {
	Members  []*checkpoint.Checkpoint // further ones, usually of other seeds: the mean of all is predicted
	Out      string                   // folder of the results
	Formats  []string                 // some of output.Formats
	Page     bool                     // write output.PageFile as well
	Since    string                   // an earlier prediction of the same cells, whose change the page shows; empty: none
	Device   string                   // auto, cpu, cuda, cuda:N; empty: auto
	Threads  int                      // 0: all cores
	Accept   []string                 // differences of the region that do not matter, of checkpoint.Acceptable
	Stretch  string                   // checkpoint.StretchCheckpoint (also if empty) or checkpoint.StretchOwn
	Surplus  string                   // what becomes of POI categories that a checkpoint does not know, see checkpoint.Checkpoint.Reads
	Known    output.Known             // areas to add up, and totals that are known
	Progress progress.Options         // where and how to report

	changed time.Time // that files name as their last change; zero: when they are written
}

// Predict applies a checkpoint to every cell of a store, which needs no
// emissions. Memory is bounded by the embeddings (a few hundred bytes a cell).
// The encoding of tiles, which is nearly all of the work, is kept in a file as
// it goes: when ctx ends, or the process dies, the same call goes on there.
func Predict(ctx context.Context, c *checkpoint.Checkpoint, s *store.Store, o PredictOptions) (*output.Predictions, error) {
	cfg, err := c.Experiment()
	if err != nil {
		return nil, err
	}
	members := append(ensemble{c}, o.Members...)
	views, notes := make([]*store.Store, len(members)), []string(nil)
	for i, m := range members {
		var differs []string
		if views[i], differs, err = m.Reads(s, o.Surplus); err != nil {
			return nil, err
		}
		for _, n := range differs {
			if !slices.Contains(notes, n) {
				notes = append(notes, n)
			}
		}
		if err := m.Suits(s, o.Accept, o.Stretch); err != nil {
			return nil, err
		}
	}
	if err := members.check(); err != nil {
		return nil, err
	}
	if err := CheckDevice(o.Device); err != nil {
		return nil, err
	}
	if err := o.output().Check(c.Header.TargetUnit); err != nil {
		return nil, err
	}
	if _, err := data.GridOf(s.Meta().Grid); err != nil { // before hours of work: without GDAL not every CRS is known
		return nil, err
	}
	known, err := o.Known.Read(ctx, s, c.Header.TargetUnit)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(o.Out, 0o777); err != nil {
		return nil, fault.Wrap(err, o.Out, "the folder of the results cannot be made", "Give another one with --out.")
	}
	place, err := claim(o.Out)
	if err != nil {
		return nil, err
	}
	defer place.Close()
	check, err := s.BeginCheck(ctx)
	if err != nil {
		return nil, err
	}
	cfg.Train.Device = o.Device
	each, strange := make([][]float64, len(members)), make([][]float64, len(members))
	in := make([]tabular.Inputs, len(members))
	for i, m := range members {
		if in[i], err = inputsOf(ctx, m, views[i], o.Device, o.Threads); err != nil {
			return nil, err
		}
	}
	var failed error
	if err := torch.Run(torch.Options{Threads: o.Threads}, func() {
		for i, m := range members {
			if each[i], strange[i], failed = predictOne(ctx, m, cfg, views[i], o, encoded.Name(i), in[i]); failed != nil {
				return
			}
		}
	}); err != nil {
		failed = err
	}
	if failed != nil {
		if ctx.Err() != nil {
			failed = fmt.Errorf("what is encoded is kept; the same command goes on there: %w", ctx.Err())
		}
		return nil, failed
	}
	forget := func() error { return encoded.Forget(o.Out) }
	if err := check.Wait(ctx); err != nil {
		if fault.IsInput(err) { // what was encoded is of damaged images
			forget()
		}
		return nil, err
	}
	p, err := members.write(s, each, strange, known, o)
	if err != nil {
		return nil, err
	}
	p.Notes = append(notes, p.Notes...)
	return p, forget()
}

// output are the options of what is written.
func (o PredictOptions) output() output.Options {
	return output.Options{Out: o.Out, Formats: o.Formats, Page: o.Page, Since: o.Since, Known: o.Known, Changed: o.changed}
}

// predictOne is the part of Predict with one checkpoint inside the engine; it returns ln emission [N] and
// the dissimilarity index [N], nil where the checkpoint knows no domain.
func predictOne(ctx context.Context, c *checkpoint.Checkpoint, cfg *config.Config, s *store.Store, o PredictOptions, name string, in tabular.Inputs) (ln, strange []float64, err error) {
	model, err := c.Network(torch.ParseDevice(o.Device))
	if err != nil {
		return nil, nil, err
	}
	parameters := model.Params()
	defer parameters.Close()
	parameters.Eval()
	a, err := assembler(ctx, s, model, make([]float64, s.Len()), in)
	if err != nil {
		return nil, nil, err
	}
	kept, err := encoded.Open(filepath.Join(o.Out, name), c.Identity(s.Identity(), s.Len()), model.Traits().Embeddings, s.Len())
	if err != nil {
		return nil, nil, err
	}
	defer kept.Close()
	bar := progress.NewBar(o.Progress, "encoding tiles", s.Len())
	defer bar.Close()
	bar.Add(kept.Tiles)
	encoder := learn.NewEncoder(model, a, learnOptions(cfg))
	defer encoder.Close()
	trusted := c.Domain()
	torch.NoGrad(func() {
		var b learn.Batch
		for kept.Tiles < s.Len() && err == nil {
			if err = ctx.Err(); err != nil {
				return
			}
			if err = a.Load(&b, span(kept.Tiles, min(kept.Tiles+learn.EvaluationTiles, s.Len()))); err != nil {
				return
			}
			torch.InScope(func(*torch.Scope) { err = kept.Append(encoder.Encode(&b), len(b.Tiles)) })
			bar.Add(len(b.Tiles))
		}
		if err != nil {
			return
		}
		torch.InScope(func(*torch.Scope) {
			var e layers.Views
			if e, err = kept.All(parameters.Device); err == nil {
				ln = encoder.Predict(e, span(0, s.Len()), span(0, s.Len()), func(_ []int32, out layers.Output) {
					strange = append(strange, c.Dissimilarity(trusted, out)...)
				})
			}
		})
	})
	return ln, strange, err
}

func span(from, to int) []int32 {
	v := make([]int32, 0, to-from)
	for i := from; i < to; i++ {
		v = append(v, int32(i))
	}
	return v
}
