package train

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/data/split"
	"opencarbon/data/store"
	"opencarbon/layers"
	"opencarbon/torch/safetensors"
	"opencarbon/train/baselines"
	"opencarbon/train/checkpoint"
	"opencarbon/train/config"
	"opencarbon/train/learn"
	"opencarbon/train/method"
	"opencarbon/train/networks"
	"opencarbon/train/runlog"
	"opencarbon/train/tabular"
)

// FoldsFile of a run folder is the checkpoint that train.folds asks for.
const FoldsFile = "folds.safetensors"

// foldsBuffer is how many cells around a fold's validation blocks are not trained
// on, as around the blocks of a comparison.
const foldsBuffer = 1

// Crossfit trains the network and the simple methods of train.stack once for each
// of train.folds spatial folds of the training and validation cells: each model
// validates on its fold and trains on the others. It predicts the mean over folds,
// of all kinds by the shares that fit best what each model says of its own
// fold (cross-fitting; Wolpert 1992, van der Laan et al. 2007). So every cell with
// a target is trained on, and every one says how far off a model is that has not
// seen it: intervals and shares hang on all of them, and not on one lucky split.
type Crossfit struct{ Config *config.Config }

// Fit trains the models; those that are done in o.Dir are taken as they are.
func (x Crossfit) Fit(ctx context.Context, d *method.Dataset, o method.Options) (method.Fitted, error) {
	all := *d
	all.Train = nil
	var folds []*method.Dataset
	var err error
	if all.Validation, folds, err = x.folds(d.Store, d.Train, d.Validation); err != nil {
		return nil, err
	}
	c := *x.Config
	c.Seed = o.Seed
	if whole := datasetOf(d); c.Model.Variant == "plus" && c.Model.HasImage() && c.Model.Wide { // one choice for all folds
		c.Model.ImageEncoder = map[bool]string{true: "frozen", false: "resnet18"}[whole.frozenImage(&c)]
	}
	n := &crossfitting{config: &c, data: &all, options: o, parts: []part{{name: "opencarbon"}}, guesses: [][]float64{make([]float64, len(all.Ln))}}
	for k, f := range folds {
		if err := n.network(ctx, k, f); err != nil {
			return nil, err
		}
	}
	for _, m := range baselines.Methods() {
		if slices.Contains(c.Train.Stack, strings.ToLower(m.Name())) {
			if err := n.simple(ctx, m, folds); err != nil {
				return nil, err
			}
		}
	}
	k, about, err := n.join()
	if err != nil {
		return nil, err
	}
	k.Path = filepath.Join(o.Dir, FoldsFile)
	if err := k.Write(); err != nil {
		return nil, err
	}
	if k, err = checkpoint.Read(k.Path); err != nil {
		return nil, err
	}
	return &crossfitted{fittedNetwork{k, o.Threads}, about}, nil
}

// folds deals training and validation cells, which it returns together in their
// order.
func (x Crossfit) folds(s *store.Store, train, validation []int32) (cells []int32, folds []*method.Dataset, err error) {
	cells = slices.Concat(train, validation)
	slices.Sort(cells)
	block := x.Config.Data.Split.Block
	if block < 1 { // a split by districts or of a file has none
		block = foldEdge
	}
	folds, err = innerFolds(s, cells, x.Config.Train.Folds, block)
	return cells, folds, err
}

// crossfitted is a checkpoint and what became of it.
type crossfitted struct {
	fittedNetwork
	about string
}

func (f *crossfitted) About() string { return f.about }

// innerFolds deals cells to k folds by blocks; what is neither trained nor
// validated on in a fold is in no part of it.
func innerFolds(s *store.Store, cells []int32, k, block int) (out []*method.Dataset, err error) {
	in := split.Input{Cells: s.Cells(), HasTarget: make([]bool, s.Len())}
	for _, c := range cells {
		in.HasTarget[c] = true
	}
	of, err := split.Folds(in, k, block, foldsSeed)
	if err != nil {
		return nil, fault.Wrap(err, "train.folds", "cannot be dealt", "Make data.split.block smaller, or use fewer folds (0: none).")
	}
	for fold := range k {
		d := method.Split(s, split.HoldOut(in, of, fold, foldsBuffer))
		if len(d.Train) < 2 || len(d.Validation) < 2 {
			return nil, fault.New("train.folds", fmt.Sprintf("fold %d leaves %d training and %d validation cells", fold+1, len(d.Train), len(d.Validation)),
				"Make data.split.block smaller, or use fewer folds (0: none).")
		}
		out = append(out, d)
	}
	return out, nil
}

// foldsSeed deals the same blocks to the same folds whatever a run's seed.
const foldsSeed = 42

// crossfitting is what is done of a Crossfit.
type crossfitting struct {
	config  *config.Config
	data    *method.Dataset // Validation: all cells
	options method.Options
	parts   []part      // the network's members first, one a fold each
	guesses [][]float64 // [parts][N] out of fold
}

// network trains fold k's network, unless it is done.
func (n *crossfitting) network(ctx context.Context, k int, d *method.Dataset) error {
	path := filepath.Join(n.options.Dir, fmt.Sprintf("fold-%d.safetensors", k+1))
	c := *n.config
	c.Seed += int64(k)
	text, err := c.YAML()
	if err != nil {
		return err
	}
	var m *checkpoint.Checkpoint
	if exists(path) {
		if m, err = checkpoint.Read(path); err != nil {
			return err
		}
	}
	if m == nil || m.Header.Config != string(text) || m.Header.Store != d.Store.Meta().ConfigHash {
		dir, err := os.MkdirTemp(n.options.Dir, ".fold-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		o := n.options
		o.Seed, o.Dir, o.Validated = c.Seed, dir, nil
		f, err := Network{Config: &c}.Fit(ctx, d, o)
		if err != nil {
			return fmt.Errorf("fold %d: %w", k+1, err)
		}
		if err := f.Save(path); err != nil {
			return err
		}
		if m, err = checkpoint.Read(path); err != nil {
			return err
		}
	}
	h, ok := m.Held()
	if !ok || len(h.Predicted) != len(d.Validation) {
		return fmt.Errorf("%s was not validated on the cells of fold %d", path, k+1)
	}
	for i, cell := range d.Validation {
		n.guesses[0][cell] = h.Predicted[i]
	}
	n.parts[0].members = append(n.parts[0].members, m)
	return nil
}

// simple fits a method of rows to each fold; one that cannot be fitted is left out.
func (n *crossfitting) simple(ctx context.Context, m tabular.Method, folds []*method.Dataset) error {
	set := datasetOf(n.data)
	if err := set.freeze(ctx, n.config); err != nil {
		return err
	}
	features, err := tabular.Of(ctx, n.data.Store, set.inputs(n.config))
	if err != nil {
		return err
	}
	p, guess := part{name: m.Name()}, make([]float64, len(n.data.Ln))
	for _, d := range folds {
		f, err := m.Fit(ctx, tabular.Task{Features: features, Ln: d.Ln, Train: d.Train, Validation: d.Validation}, tabular.Options{Seed: n.options.Seed, Threads: n.options.Threads})
		if fault.IsInput(err) {
			return nil
		} else if err != nil {
			return err
		}
		predicted, err := f.Predict(ctx, features, d.Validation)
		if err != nil {
			return err
		}
		for i, cell := range d.Validation {
			guess[cell] = predicted[i]
		}
		mc, body, err := networks.RowsModel(f, n.parts[0].members[0].Header.Model, m.Name(), features.Width())
		if err != nil {
			return err
		}
		p.members = append(p.members, &checkpoint.Checkpoint{Header: checkpoint.Header{Model: mc},
			Arrays: map[string]safetensors.Array{"model.method": {DType: "U8", Shape: []int{len(body)}, Data: body}}})
	}
	n.parts, n.guesses = append(n.parts, p), append(n.guesses, guess)
	return nil
}

// join is the checkpoint of all, and its shares in words.
func (n *crossfitting) join() (k *checkpoint.Checkpoint, about string, err error) {
	cells := n.data.Validation
	var guesses [][]float64
	for _, g := range n.guesses {
		var own []float64
		for _, c := range cells {
			own = append(own, g[c])
		}
		guesses = append(guesses, own)
	}
	truth := make([]float64, len(cells))
	for i, c := range cells {
		truth[i] = n.data.Ln[c]
	}
	weights, err := method.ConvexWeights(guesses, truth)
	if err != nil {
		return nil, "", err
	}
	models, shares, arrays, text := weighted(n.parts, weights)
	first := n.parts[0].members[0]
	k = first.Derive("", networks.StackOf(models, shares))
	k.Arrays = arrays
	(&dataset{store: n.data.Store, ln: n.data.Ln, validation: cells}).validated(k, method.Combine(guesses, weights))
	for name, a := range first.Arrays { // a pretrained encoder, the same in all
		if strings.HasPrefix(name, "frozen.") {
			k.Arrays[name] = a
		}
	}
	return k, fmt.Sprintf("%s; means over %d folds, shares from what each model says of its own fold", text, n.config.Train.Folds), nil
}

// weighted are the members of parts, their shares in the mean, and their arrays
// below their places; text says the parts' shares. A part without a share but for
// the first, which has the neighborhood, is left out: it would cost time and say
// nothing.
func weighted(parts []part, weights []float64) (models []layers.ModelConfig, shares []float64, arrays map[string]safetensors.Array, text string) {
	arrays = map[string]safetensors.Array{}
	about := make([]string, len(parts))
	for a, p := range parts {
		if a > 0 && weights[a] == 0 {
			about[a] = "none of " + p.name
			continue
		}
		about[a] = fmt.Sprintf("%.2f %s", weights[a], p.name)
		for _, m := range p.members {
			for name, x := range m.Arrays {
				if rest, ok := strings.CutPrefix(name, "model."); ok {
					arrays[fmt.Sprintf("model.%d.%s", len(models), rest)] = x
				}
			}
			models, shares = append(models, m.Header.Model), append(shares, weights[a]/float64(len(p.members)))
		}
	}
	return models, shares, arrays, strings.Join(about, " + ")
}

// crossfit makes the checkpoint that train.folds asks for, and scores it. Models
// that are done when a run is stopped are not trained again.
func (r *Result) crossfit(ctx context.Context, c *config.Config, d *dataset, run *runlog.Run) error {
	if c.Train.Folds == 0 {
		return nil
	}
	dir := run.Path("folds")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	f, err := Crossfit{Config: c}.Fit(ctx, d.method(), method.Options{Seed: c.Seed, Threads: c.Train.Threads, Dir: dir})
	if err != nil {
		return err
	}
	k := f.(*crossfitted).checkpoint
	all := *d
	all.train = slices.Concat(d.train, d.validation)
	cells, folds, err := Crossfit{Config: c}.folds(d.store, d.train, d.validation)
	if err != nil {
		return err
	}
	all.validation = cells
	of := make([]int, d.store.Len())
	for k, f := range folds {
		for _, cell := range f.Validation {
			of[cell] = k
		}
	}
	why := ""
	if err := WithModel(ctx, k, d.store, c.Train.Device, c.Train.Threads, func(e *learn.Encoder) error { // its representations are the first network's
		why, err = keepDomain(ctx, k, e, &all, of)
		return err
	}); err != nil {
		return err
	}
	if why != "" {
		r.Notes = append(r.Notes, FoldsFile+" will not say which cells are like the training cells: "+why)
	}
	if err := os.Rename(k.Path, run.Path(FoldsFile)); err != nil {
		return err
	}
	k.Path = run.Path(FoldsFile)
	r.Folds = &Stack{Path: k.Path, About: f.About()}
	return r.Folds.score(ctx, d, c)
}
