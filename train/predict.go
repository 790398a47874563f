package train

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"opencarbon/data/fault"
	"opencarbon/data/store"
	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/train/config"
	"opencarbon/train/encoded"
	"opencarbon/train/learn"
	"opencarbon/train/output"
	"opencarbon/train/progress"
	"opencarbon/train/tabular"
)

// PredictOptions of Predict.
type PredictOptions struct {
	Members  []*Checkpoint    // further ones, usually of other seeds: the mean of all is predicted
	Out      string           // folder of the results
	Formats  []string         // some of output.Formats
	Page     bool             // write output.PageFile as well
	Since    string           // an earlier prediction of the same cells, whose change the page shows; empty: none
	Device   string           // auto, cpu, cuda, cuda:N; empty: auto
	Threads  int              // 0: all cores
	Accept   []string         // differences of the region that do not matter, of Acceptable
	Stretch  string           // StretchCheckpoint (also if empty) or StretchOwn
	Surplus  string           // what becomes of POI categories that a checkpoint does not know, see Reads
	Known    output.Known     // areas to add up, and totals that are known
	Progress progress.Options // where and how to report

	changed time.Time // that files name as their last change; zero: when they are written
}

// Predict applies a checkpoint to every cell of a store, which needs no
// emissions. Memory is bounded by the embeddings (a few hundred bytes a cell).
// The encoding of tiles, which is nearly all of the work, is kept in a file as
// it goes: when ctx ends, or the process dies, the same call goes on there.
func Predict(ctx context.Context, c *Checkpoint, s *store.Store, o PredictOptions) (*output.Predictions, error) {
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
		if in[i], err = m.inputs(ctx, views[i], o.Device, o.Threads); err != nil {
			return nil, err
		}
	}
	var failed error
	if err := torch.Run(torch.Options{Threads: o.Threads}, func() {
		for i, m := range members {
			if each[i], strange[i], failed = m.predict(ctx, cfg, views[i], o, encoded.Name(i), in[i]); failed != nil {
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

// Fits says how a store, as Reads makes it, differs from what the checkpoint was
// trained on, where that matters.
func (c *Checkpoint) Fits(s *store.Store) error {
	if err := c.sizes(s); err != nil {
		return err
	}
	if h := c.Header; h.Model.POI && !slices.Equal(h.Categories, s.Categories()) {
		return fault.New(s.Dir(), "its POI categories are not the checkpoint's: "+CategoryDifference(h.Categories, s.Categories()),
			"Map the categories with data.poi.categories (a YAML table) to: "+strings.Join(h.Categories, ", ")+".")
	}
	return nil
}

// sizes is Fits less the names of the categories.
func (c *Checkpoint) sizes(s *store.Store) error { return c.sizesOf(s, s.Shape()) }

// sizesOf is sizes of a store with images of that shape, which it may have yet to
// get; zero: none.
func (c *Checkpoint) sizesOf(s *store.Store, images store.Shape) error {
	if c.foreign != nil {
		if err := c.meet(s); err != nil {
			return err
		}
	}
	m := c.Header.Model
	where := s.Dir()
	if m.Image && images.Size == 0 {
		return fault.New(where, "has no images, but the checkpoint's model needs them", "Give data.imagery.path.")
	}
	if m.POI && !s.HasPOIs() {
		return fault.New(where, "has no points of interest, but the checkpoint's model needs them", "Give data.poi.path.")
	}
	if err := c.rasters(s); err != nil {
		return err
	}
	if m.POISize == 0 {
		m.POISize = m.ImageSize
	}
	if is := imageBands(images); m.Image && is != m.Bands {
		return fault.New(where, fmt.Sprintf("its images have %d bands, the checkpoint was trained on %d", images.Bands, m.ImageInput().Bands),
			"Give data.imagery.bands the bands of the training images.")
	}
	if is := imagePixels(images); m.Image && is != m.Pixels {
		return fault.New(where, fmt.Sprintf("its images are of type %s, the checkpoint was trained on %s", images.Pixel, cmp.Or(m.Pixels, "uint8")),
			"Set data.imagery.type: "+cmp.Or(m.Pixels, "uint8")+".")
	}
	if m.Image && images.Size != m.ImageSize {
		return fault.New(where, fmt.Sprintf("its images have %d x %d pixels, the checkpoint was trained on %d x %d", images.Size, images.Size,
			m.ImageSize, m.ImageSize), fmt.Sprintf("Set data.imagery.size: %d.", m.ImageSize))
	}
	if m.POI && s.POISize() != m.POISize {
		return fault.New(where, fmt.Sprintf("its points are counted on %d x %d pixels, the checkpoint was trained on %d x %d", s.POISize(),
			s.POISize(), m.POISize, m.POISize), fmt.Sprintf("Set data.poi.size: %d.", m.POISize))
	}
	return nil
}

// CategoryDifference says in words how two category lists differ.
func CategoryDifference(want, have []string) string {
	var parts []string
	say := func(what string, a, b []string) {
		var only []string
		for _, x := range a {
			if !slices.Contains(b, x) {
				only = append(only, x)
			}
		}
		if len(only) > 8 {
			only = append(only[:8:8], fmt.Sprintf("and %d more", len(only)-8))
		}
		if len(only) > 0 {
			parts = append(parts, what+" "+strings.Join(only, ", "))
		}
	}
	say("missing", want, have)
	say("surplus", have, want)
	if parts == nil {
		return "the same names in another order"
	}
	return strings.Join(parts, "; ")
}

// predict is the part of Predict inside the engine; it returns ln emission [N] and
// the dissimilarity index [N], nil where the checkpoint knows no domain.
func (c *Checkpoint) predict(ctx context.Context, cfg *config.Config, s *store.Store, o PredictOptions, name string, in tabular.Inputs) (ln, strange []float64, err error) {
	model, err := c.network(torch.ParseDevice(o.Device))
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
	kept, err := encoded.Open(filepath.Join(o.Out, name), c.identity(s.Identity(), s.Len()), model.Traits().Embeddings, s.Len())
	if err != nil {
		return nil, nil, err
	}
	defer kept.Close()
	bar := progress.NewBar(o.Progress, "encoding tiles", s.Len())
	defer bar.Close()
	bar.Add(kept.Tiles)
	encoder := learn.NewEncoder(model, a, learnOptions(cfg))
	defer encoder.Close()
	trusted := c.domain()
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
					strange = append(strange, c.dissimilarity(trusted, out)...)
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
