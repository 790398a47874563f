package rivals

import (
	"opencarbon/layers"
	"opencarbon/torch"
)

// vector makes a tile a row of numbers: features of a fixed image encoder (READ's,
// see Pretrain) and the POI counts, each standardized over the training tiles.
// What there is not of the two is left out. They are two embeddings, so that a
// tile without some of its POIs is encoded without its image.
type vector struct {
	image      *layers.ImageEncoder // nil without images
	features   int                  // of an image
	imageScale *layers.Standardizer
	countScale *layers.Standardizer // nil without POIs
	width      int                  // of both together
	config     layers.ModelConfig
	params     *layers.Params

	reduce func(x *torch.Tensor) *torch.Tensor // [U, 512] -> [U, features]; nil: as they are
}

// newVector registers what a row is made of; features is how many numbers are left
// of an image's 512.
func newVector(p layers.Path, c layers.ModelConfig, features int) *vector {
	v := &vector{config: c, params: p.Params()}
	if c.Image {
		v.image, v.features = newImageEncoder(p.Sub("grid_rep", "image_encoder").Fixed(), c, 0), features
		v.imageScale = layers.NewStandardizer(p.Sub("vector", "image"), features, limit)
	}
	if c.POI {
		v.countScale = layers.NewStandardizer(p.Sub("vector", "counts"), c.Categories, limit)
		v.width = c.Categories
	}
	v.width += v.features
	return v
}

// newImageEncoder is a ResNet-18 as in OpenCarbon's network, by the same quick
// convolutions: a rival shall not be slower than it needs to be. m is the width of
// its embedding.
func newImageEncoder(p layers.Path, c layers.ModelConfig, m int) *layers.ImageEncoder {
	e := layers.NewImageEncoderOf(p, c.ImageInput(), m)
	e.SkipPadding()
	e.Winograd()
	return e
}

// HasFixed implements learn.Frozen.
func (v *vector) HasFixed() bool { return v.image != nil }

// Freeze implements learn.Frozen: the pooled features [U, 512] of images.
func (v *vector) Freeze(images *torch.Tensor) *torch.Tensor { return v.image.Forward(images) }

// pooled are the fixed encoder's features of tiles [U, 512]; nil where there is no
// image among the inputs.
func (v *vector) pooled(t layers.Tiles) *torch.Tensor {
	switch {
	case v.image == nil:
		return nil
	case t.Fixed != nil:
		return t.Fixed.Cast(v.params.DType)
	case t.Images != nil:
		return v.Freeze(t.Images).Cast(v.params.DType)
	}
	return nil
}

// raw are the numbers of tiles' images as they are, [U, features], or nil.
func (v *vector) raw(t layers.Tiles) *torch.Tensor {
	x := v.pooled(t)
	if x != nil && v.reduce != nil {
		x = v.reduce(x)
	}
	return x
}

// embeddings are the widths of what Encode gives.
func (v *vector) embeddings() (w []layers.Width) {
	if v.image != nil {
		w = append(w, layers.Width{Name: layers.ImageView, Width: v.features})
	}
	return withCounts(w, v.config)
}

// Encode implements learn.Network.
func (v *vector) Encode(t layers.Tiles) (e layers.Views) {
	torch.NoGrad(func() { // nothing in it is trained
		if x := v.raw(t); x != nil {
			e = e.With(layers.ImageView, v.imageScale.Forward(x))
		}
	})
	return e.With(CountsView, standardCounts(v.countScale, t, v.config, v.params.DType))
}

// row puts a tile's embeddings side by side, [U, width].
func (v *vector) row(e layers.Views) *torch.Tensor {
	var parts []*torch.Tensor
	for _, w := range v.embeddings() {
		parts = append(parts, e.Get(w.Name))
	}
	return torch.Cat(parts, 1)
}

// Standardize implements learn.Standardized.
func (v *vector) Standardize(feed func(each func(layers.Tiles)) error) error {
	if v.image != nil {
		var m layers.Moments
		if err := feed(func(t layers.Tiles) { m.Add(v.raw(t).Cast(torch.Float64).Float64s(), v.features) }); err != nil {
			return err
		}
		v.imageScale.Set(&m)
	}
	return standardizeCounts(v.countScale, v.config, v.params.DType, feed)
}

// Pretrain implements learn.Pretrained: see MeanTeacherLoss. Without images there
// is nothing to train.
func (v *vector) Pretrain(g layers.Ground) error {
	if v.image == nil {
		return nil
	}
	return pretrain(v.params, "grid_rep.image_encoder.", v.config, g)
}

// Config implements learn.Network.
func (v *vector) Config() layers.ModelConfig { return v.config }

// Params implements learn.Network.
func (v *vector) Params() *layers.Params { return v.params }

// Loss implements learn.Network: the sum of |y_hat - y|.
func (v *vector) Loss(out layers.Output, target *torch.Tensor, o layers.LossOptions) *torch.Tensor {
	return layers.RegressionLoss(out.LnEmission, target, o)
}
