package train

import (
	"context"
	"fmt"
	"path/filepath"

	"opencarbon/data/store"
	"opencarbon/torch/safetensors"
	"opencarbon/train/checkpoint"
	"opencarbon/train/config"
	"opencarbon/train/networks"
	"opencarbon/train/tabular"
)

// FitRows fits a method that sees a cell as a row of numbers on the cells of a
// store, and leaves in dir a checkpoint that predict and the studies take like a
// network's. The config says what a row tells of and gives the seed. A checkpoint
// of the same method, experiment and data that is there already is taken as it is.
// What the user can mend is a *fault.Input error.
func FitRows(ctx context.Context, c *config.Config, s *store.Store, m tabular.Method, dir string) (*checkpoint.Checkpoint, error) {
	path := filepath.Join(dir, MethodFile(m.Name()))
	text, err := c.YAML()
	if err != nil {
		return nil, err
	}
	if k, err := checkpoint.Read(path); err == nil && k.Header.Model.Method == m.Name() && k.Header.Config == string(text) && k.Header.Store == s.Meta().ConfigHash {
		return k, nil
	}
	d := newDataset(s)
	if err := d.fit(c); err != nil {
		return nil, err
	}
	if err := d.freeze(ctx, c); err != nil {
		return nil, err
	}
	features, err := tabular.Of(ctx, s, d.inputs(c))
	if err != nil {
		return nil, err
	}
	f, err := m.Fit(ctx, tabular.Task{Features: features, Ln: d.ln, Train: d.train, Validation: d.validation}, tabular.Options{Seed: c.Seed, Threads: c.Train.Threads})
	if err != nil {
		return nil, err
	}
	like := &checkpoint.Checkpoint{}
	if like.Header, err = d.header(c, d.modelConfig(c)); err != nil {
		return nil, err
	}
	like.Header.Threads = threads(c)
	t, err := d.trustRows(features)
	if err != nil {
		return nil, err
	}
	k, err := writeRows(ctx, like, path, m.Name(), f, features, d, t)
	if err != nil {
		return nil, err
	}
	return checkpoint.Read(k.Path)
}

// writeRows writes a fitted method as a checkpoint of its own, trained on the same data
// as c, and to be trusted where t says.
func writeRows(ctx context.Context, c *checkpoint.Checkpoint, path, name string, f tabular.Fitted, features *tabular.Features, d *dataset, t *checkpoint.Trust) (*checkpoint.Checkpoint, error) {
	mc, body, err := networks.RowsModel(f, c.Header.Model, name, features.Width())
	if err != nil {
		return nil, err
	}
	predicted, err := f.Predict(ctx, features, d.validation)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	k := c.Derive(path, mc)
	k.Header.Rasters = checkpoint.Rasters(mc, d.store) // whatever the network sees
	k.Arrays["model.method"] = safetensors.Array{DType: "U8", Shape: []int{len(body)}, Data: body}
	d.validated(k, predicted)
	t.Keep(k)
	if d.frozen != nil {
		d.frozen.Keep(k.Arrays)
	}
	return k, k.Write()
}
