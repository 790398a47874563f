package train

import (
	"context"
	"fmt"

	"opencarbon/data/store"
	"opencarbon/torch"
	"opencarbon/train/checkpoint"
	"opencarbon/train/config"
	"opencarbon/train/frozen"
	"opencarbon/train/learn"
	"opencarbon/train/tabular"
	"opencarbon/train/tint"
	"opencarbon/train/torchvision"
)

// inputs are what a cell's features are made of.
func (d *dataset) inputs(c *config.Config) tabular.Inputs {
	return tabular.Inputs{Images: c.Model.HasImage(), POIs: c.Model.HasPOI(), More: d.more, Rasters: tabular.RasterNames(d.store), Tint: c.Train.AugmentColor}
}

// enoughCells is how many training cells it takes for a trained encoder of images
// to be worth it. Over spatial folds ResNet-18 from random weights was 0.03 of R2
// behind the image's features with 600 training cells (the made city), and level
// with them at five times the time with 2,400 (Tokyo, three folds).
const enoughCells = 4000

// frozenImage reports whether the network sees images by features alone, as
// model.image_encoder says or, where that is auto, as the number of training cells
// and the checkpoint that training starts from do.
func (d *dataset) frozenImage(c *config.Config) bool {
	m := c.Model
	if m.Variant != "plus" || !m.HasImage() || !m.Wide {
		return false
	}
	if m.ImageEncoder != "auto" {
		return m.ImageEncoder == "frozen"
	}
	if m.Weights != "" {
		if k, err := checkpoint.Read(m.Weights); err == nil { // start says what is wrong with it
			return k.Header.Model.FrozenImage
		}
	}
	return m.ImageWeights == "" && c.Train.Pretrain == "none" && len(d.train) < enoughCells
}

// encoderNote says what auto chose; empty where there was no choice.
func (d *dataset) encoderNote(c *config.Config) string {
	if c.Model.ImageEncoder != "auto" || c.Model.Variant != "plus" || !c.Model.HasImage() || !c.Model.Wide || c.Model.Weights != "" || c.Model.ImageWeights != "" || c.Train.Pretrain != "none" {
		return ""
	}
	if d.frozenImage(c) {
		return fmt.Sprintf("model.image_encoder: frozen, the image is seen by its features: %d training cells are few for a ResNet-18 (resnet18 trains one)", len(d.train))
	}
	return fmt.Sprintf("model.image_encoder: resnet18 is trained on %d training cells (frozen sees the image by its features, in a fraction of the time)", len(d.train))
}

// freeze makes the features of a pretrained encoder, where the config names one.
// It must not be called inside torch.Run.
func (d *dataset) freeze(ctx context.Context, c *config.Config) error {
	path := c.Model.ImageFeatures
	if path == "" {
		return nil
	}
	arrays, sum, err := torchvision.Read("model.image_features", path)
	if err != nil {
		return err
	}
	d.frozen = frozen.New(arrays, sum)
	d.more, err = encodeFrozen(ctx, d.frozen, d.store, c.Train.Device, threads(c), c.Train.AugmentColor)
	return err
}

// thaw is freeze for a run that is gone on with: its checkpoint carries the encoder.
// A run without a checkpoint begins anew.
func (d *dataset) thaw(ctx context.Context, c *config.Config, from *checkpoint.Checkpoint) (err error) {
	if c.Model.ImageFeatures == "" {
		return nil
	}
	if from == nil {
		return d.freeze(ctx, c)
	}
	if d.frozen, err = from.Frozen(); err != nil || d.frozen == nil {
		return err
	}
	d.more, err = encodeFrozen(ctx, d.frozen, d.store, c.Train.Device, threads(c), c.Train.AugmentColor)
	return err
}

func encodeFrozen(ctx context.Context, e *frozen.Encoder, s *store.Store, device string, threads int, spread float64) (more *tabular.More, err error) {
	var failed error
	if err := torch.Run(torch.Options{Threads: threads}, func() {
		more, failed = e.Features(ctx, s, torch.ParseDevice(device), spread)
	}); err != nil {
		return nil, err
	}
	return more, failed
}

// Inputs are what a cell's features are made of for the simple methods of a
// comparison: those of the config's network.
func Inputs(ctx context.Context, c *config.Config, s *store.Store) (tabular.Inputs, error) {
	d := newDataset(s)
	if err := d.freeze(ctx, c); err != nil {
		return tabular.Inputs{}, err
	}
	return d.inputs(c), nil
}

// inputsOf are what the features of a checkpoint's model are made of in a store. It
// must not be called inside torch.Run.
func inputsOf(ctx context.Context, c *checkpoint.Checkpoint, s *store.Store, device string, threads int) (in tabular.Inputs, err error) {
	m := c.Header.Model
	in = tabular.Inputs{Images: m.Image, POIs: m.POI}
	if m.Features == 0 {
		return in, nil
	}
	for _, r := range c.Header.Rasters {
		in.Rasters = append(in.Rasters, r.Name)
	}
	e, err := c.Frozen()
	if err != nil || e == nil {
		return in, err
	}
	in.More, err = encodeFrozen(ctx, e, s, device, threads, 0)
	return in, err
}

// assembler makes batches of a store for a network; in is what the cells' features
// are made of, and ctx ends their making.
func assembler(ctx context.Context, s *store.Store, n learn.Network, ln []float64, in tabular.Inputs) (*learn.Assembler, error) {
	var features learn.Features
	var tinted []learn.Features
	if n.Config().Features > 0 {
		f, err := tabular.Of(ctx, s, in)
		if err != nil {
			return nil, err
		}
		features = f
		for _, g := range f.Tinted() {
			tinted = append(tinted, g)
		}
	}
	a, err := learn.NewAssembler(s, learn.Inputs(n), n.Traits().Around, ln, features)
	if err != nil || in.Tint == 0 || !in.Images {
		return a, err
	}
	a.Tinted = tinted
	for k := range tint.Draws {
		a.Tints = append(a.Tints, tint.Draw(k+1, s.Shape().Bands, in.Tint))
	}
	return a, nil
}
