package rivals

import (
	"opencarbon/layers"
	"opencarbon/torch"
)

// vector makes a tile a row of numbers: the 512 features of a fixed image encoder
// (READ's, see Pretrain) and the POI counts, standardized over the training
// tiles. What there is not of the two is left out.
type vector struct {
	image    *layers.ImageEncoder // nil without images
	scale    *layers.Standardizer
	log, poi bool
	width    int
	config   layers.ModelConfig
	params   *layers.Params
}

func newVector(p layers.Path, c layers.ModelConfig) *vector {
	v := &vector{log: c.LogCounts, poi: c.POI, config: c, params: p.Params()}
	if c.Image {
		v.image = layers.NewImageEncoder(p.Sub("grid_rep", "image_encoder").Fixed(), 0)
		v.width += layers.Pooled
	}
	if c.POI {
		v.width += c.Categories
	}
	v.scale = layers.NewStandardizer(p.Sub("vector"), v.width, limit)
	return v
}

// Freeze implements learn.Frozen: the pooled features [U, 512] of images.
func (v *vector) Freeze(images *torch.Tensor) *torch.Tensor { return v.image.Forward(images) }

// raw are a tile's features as they are, [U, width].
func (v *vector) raw(t layers.Tiles) *torch.Tensor {
	var parts []*torch.Tensor
	if v.image != nil {
		x := t.Fixed
		if x == nil {
			x = v.Freeze(t.Images)
		}
		parts = append(parts, x.Cast(v.params.DType))
	}
	if v.poi {
		parts = append(parts, counts(t, v.params.DType, v.log))
	}
	return torch.Cat(parts, 1)
}

// Encode implements learn.Network.
func (v *vector) Encode(t layers.Tiles) layers.Views {
	var x *torch.Tensor
	torch.NoGrad(func() { x = v.scale.Forward(v.raw(t)) }) // nothing in it is trained
	return layers.Views{{Name: VectorView, X: x}}
}

// Standardize implements learn.Standardized.
func (v *vector) Standardize(feed func(each func(layers.Tiles)) error) error {
	var m layers.Moments
	if err := feed(func(t layers.Tiles) { m.Add(v.raw(t).Cast(torch.Float64).Float64s(), v.width) }); err != nil {
		return err
	}
	v.scale.Set(&m)
	return nil
}

// Pretrain implements learn.Pretrained: see MeanTeacher. Without images there is
// nothing to train.
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
