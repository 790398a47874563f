package learn

import (
	"opencarbon/layers"
	"opencarbon/torch"
)

// residentBytes is how many bytes of images are kept on a GPU, so that a step
// moves none: about 20,000 tiles of 256 pixels.
const residentBytes = 4 << 30

// Encoder turns the tiles of batches into embeddings, in the configured
// precision. It lives inside torch.Run.
type Encoder struct {
	Model     Network
	Assembler *Assembler
	options   Options
	images    *torch.Tensor // [N, B, H, W] on the device; nil: they come with the batch
	origins   *torch.Tensor // of turned images, on the device; nil: none was turned yet
	fixed     *torch.Tensor // [N, F] a Frozen network's features of all tiles, on the device; nil: not computed ahead
}

// NewEncoder makes an encoder of a's tiles. On a GPU the images are moved there
// where they fit; Close frees them.
func NewEncoder(m Network, a *Assembler, o Options) *Encoder {
	e := &Encoder{Model: m, Assembler: a, options: o}
	if n, ok := m.(interface{ ImagesNCHW() }); ok && o.NCHW {
		n.ImagesNCHW()
	}
	if d := m.Params().Device; d.IsCUDA() && Inputs(m).Image && len(a.Store.Images()) <= residentBytes {
		e.KeepImages()
	}
	return e
}

// KeepImages moves all images to the device, so that batches bring none.
func (e *Encoder) KeepImages() {
	torch.InScope(func(*torch.Scope) {
		e.images = images(e.Model.Config(), e.Assembler.Store.Images(), e.Assembler.Store.Len()).To(e.Model.Params().Device).Own()
	})
	e.Assembler.resident = true
}

// Close frees what the encoder keeps on the device.
func (e *Encoder) Close() {
	for _, t := range []*torch.Tensor{e.images, e.origins, e.fixed} {
		if t != nil && !t.Closed() {
			t.Close()
		}
	}
	e.Assembler.resident = false
}

// inputs are the tiles of b that this process encodes, on the device.
func (e *Encoder) inputs(b *Batch) layers.Tiles {
	c, d := Inputs(e.Model), e.Model.Params().Device
	if e.images != nil || e.fixed != nil {
		c.Image = false
	}
	t := b.inputs(c, d, e.Model.Params().DType)
	if e.fixed != nil {
		t.Fixed = e.fixed.IndexSelect(0, wide(b.here).To(d))
	} else if e.images != nil {
		t.Images = e.images.IndexSelect(0, wide(b.here).To(d))
	}
	if t.Images != nil && len(b.Turns) > 0 {
		t.Images = e.turned(t.Images, b.Turns)
	}
	if t.Images != nil && len(b.Tints) > 0 {
		t.Images = e.tinted(t.Images, b.Tints)
	}
	if e.options.DensePOIs && t.Points != nil {
		t.POIs, t.Points = t.Points.Dense(), nil
	}
	return t
}

// wide are tile ids as an index, [n] int64.
func wide(tiles []int32) *torch.Tensor {
	v := make([]int64, len(tiles))
	for i, t := range tiles {
		v[i] = int64(t)
	}
	return torch.FromSlice(v)
}

// Encode maps b's tiles that this process encodes to their embeddings [E, m], float32.
func (e *Encoder) Encode(b *Batch) layers.Views { return e.run(e.inputs(b)) }

// EncodePOIs is Encode of the POIs alone.
func (e *Encoder) EncodePOIs(b *Batch) layers.Views { return e.run(e.POIs(b)) }

// POIs are b's inputs without images and features.
func (e *Encoder) POIs(b *Batch) layers.Tiles {
	c := Inputs(e.Model)
	c.Image, c.Features = false, 0
	return b.inputs(c, e.Model.Params().Device, e.Model.Params().DType)
}

// run is the model's Encode in the configured precision; what leaves it is
// float32.
func (e *Encoder) run(t layers.Tiles) (x layers.Views) {
	if !e.options.BF16 {
		return e.Model.Encode(t)
	}
	torch.Autocast(e.Model.Params().Device, torch.BFloat16, func() { x = e.Model.Encode(t) })
	return x.Map(func(x *torch.Tensor) *torch.Tensor { return x.Cast(torch.Float32) })
}

// scoped runs f, which makes embeddings, in a scope that keeps nothing else:
// what autograd needs of the rest it holds itself, and lets go during backward.
func scoped(f func() layers.Views) (x layers.Views) {
	torch.InScope(func(s *torch.Scope) {
		x = f()
		for _, view := range x {
			s.Keep(view.X)
		}
	})
	return x
}
