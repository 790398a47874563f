package opencarbon

import (
	"math/rand/v2"
	"strings"

	"opencarbon/layers"
	"opencarbon/torch"
)

// projection is the width of the space in which crops of an image are compared
// (Chen et al., 2020, section 4.2); it is thrown away afterwards.
const projection = 64

// Pretrain trains the encoders on all tiles of a region, without any target, as
// g.Pretrain says: cells that have no target, and those that validate and test,
// are looked at too, as a map of the region will. It draws from a random stream of
// its own, so that the training that follows is the same with other pretraining.
func (m *Model) Pretrain(g layers.Ground) (err error) {
	if g.Pretrain.How == layers.PretrainNone {
		return nil
	}
	if m.image == nil {
		return layers.Lacking("there is no encoder of images to pretrain")
	}
	state := torch.RNGState(torch.CPU)
	torch.ManualSeed(int64(g.Seed) ^ 0x9e37)
	defer torch.SetRNGState(torch.CPU, state)
	trained := encoderParameters(m.params)
	step := m.contrast
	if g.Pretrain.How == layers.PretrainSimCLR {
		p := layers.NewParams(m.params.Device)
		p.DType = m.params.DType
		defer p.Close()
		head := layers.NewPerceptron(p.Root(), layers.Pooled, layers.Pooled, projection)
		trained = append(trained, p.Parameters()...)
		step = func(t layers.Tiles, tau float64) *torch.Tensor { return m.crops(t, head, tau) }
	}
	tiles := m.seen(g)
	if len(tiles) < 2 {
		return layers.Lacking("fewer than two tiles have what train.pretrain compares")
	}
	adam := torch.NewAdam(trained, torch.AdamOptions{LearningRate: g.Pretrain.Rate})
	defer adam.Close()
	m.params.Train()
	r := rand.New(rand.NewPCG(g.Seed, 0x9e37))
	for range g.Pretrain.Epochs {
		r.Shuffle(len(tiles), func(i, j int) { tiles[i], tiles[j] = tiles[j], tiles[i] })
		for at := 0; at+1 < len(tiles); at += g.Pretrain.Batch { // a tile alone has no negatives
			torch.InScope(func(*torch.Scope) {
				var t layers.Tiles
				if t, err = g.Load(tiles[at:min(at+g.Pretrain.Batch, len(tiles))]); err != nil {
					return
				}
				loss := step(t, g.Pretrain.Temperature)
				adam.ZeroGrad()
				loss.Backward()
				adam.Step()
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// encoderParameters are those of the modalities' encoders.
func encoderParameters(p *layers.Params) (list []*torch.Tensor) {
	for _, e := range p.Entries() {
		if !e.Buffer && strings.HasPrefix(e.Name, "grid_rep.") {
			list = append(list, e.Tensor)
		}
	}
	return list
}

// seen are the tiles that pretraining looks at: all, or where image and POIs are
// compared those with POIs, since tiles without are all alike.
func (m *Model) seen(g layers.Ground) (tiles []int32) {
	for i := range g.Col {
		some := g.Pretrain.How != layers.PretrainContrastive
		for k := range len(g.Counts) / len(g.Col) {
			some = some || g.Counts[i*m.config.Categories+k] > 0
		}
		if some {
			tiles = append(tiles, int32(i))
		}
	}
	return tiles
}

// contrast is the contrastive loss of section 4.1 between the encoders' own
// embeddings, a scalar.
func (m *Model) contrast(t layers.Tiles, tau float64) *torch.Tensor {
	return layers.NTXent(m.image.Forward(t.Images), m.poi.Encode(t), tau).Mean()
}

// crops is SimCLR's loss between two random crops of each image, a scalar.
func (m *Model) crops(t layers.Tiles, head *layers.Perceptron, tau float64) *torch.Tensor {
	var two *torch.Tensor
	torch.NoGrad(func() { two = torch.Cat([]*torch.Tensor{layers.Cropped(t.Images), layers.Cropped(t.Images)}, 0) })
	return layers.SimCLRLoss(head.Forward(m.image.Pooled(two)), tau)
}
