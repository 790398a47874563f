package layers_test

import (
	"testing"

	"opencarbon/layers"
	"opencarbon/layers/opencarbon"
	"opencarbon/torch"
)

// A region of tiles in stripes: image and POIs of a tile go together.
func striped(n int) (images, pois *torch.Tensor) {
	const edge = 32
	x, y := make([]uint8, n*3*edge*edge), make([]float32, n*4*edge*edge)
	for i := range n {
		for c := range 3 {
			for k := range edge * edge {
				if (k%edge)/(1+i%4)%2 == 0 {
					x[(i*3+c)*edge*edge+k] = uint8(40 + 12*i + 20*c)
				}
			}
		}
		y[(i*4+i%4)*edge*edge+37*i%(edge*edge)] = float32(1 + i/4)
	}
	return torch.FromSlice(x, n, 3, edge, edge), torch.FromSlice(y, n, 4, edge, edge)
}

// After pretraining, tiles find their other half more easily; what is no encoder is
// as it was, and so is the stream of random numbers.
func TestPretrain(t *testing.T) {
	run(t, func() {
		const n = 16
		images, pois := striped(n)
		for _, how := range []string{layers.PretrainContrastive, layers.PretrainSimCLR} {
			torch.ManualSeed(3)
			s := layers.NewParams(torch.CPU)
			c := layers.ModelConfig{Kind: layers.KindOpenCarbon, Image: true, POI: true, Categories: 4, ImageSize: 32, Embedding: 8, Neighborhood: 3, POIEncoder: "k7", Heads: 2}
			m, err := opencarbon.New(s, c)
			if err != nil {
				t.Fatal(err)
			}
			g := layers.Ground{Seed: 5, Col: make([]int64, n), Row: make([]int64, n), Counts: make([]float32, 4*n),
				Pretrain: layers.Pretraining{How: how, Epochs: 30, Batch: 8, Rate: 1e-3, Temperature: 0.2}}
			for i := range n {
				g.Counts[4*i+i%4] = 1
			}
			g.Load = func(tiles []int32) (layers.Tiles, error) {
				at := make([]int64, len(tiles))
				for i, k := range tiles {
					at[i] = int64(k)
				}
				rows := torch.FromSlice(at)
				return layers.Tiles{Images: images.IndexSelect(0, rows), POIs: pois.IndexSelect(0, rows)}, nil
			}
			loss := func() (l float64) {
				torch.NoGrad(func() {
					torch.InScope(func(*torch.Scope) {
						torch.ManualSeed(9)
						first, second := images, images
						if how == layers.PretrainSimCLR {
							first, second = layers.Cropped(images), layers.Cropped(images)
						}
						a := m.Encode(layers.Tiles{Images: first, POIs: pois})
						b := m.Encode(layers.Tiles{Images: second, POIs: pois})
						other := b.Get(layers.ImageView)
						if how == layers.PretrainContrastive {
							other = b.Get(layers.POIView)
						}
						l = layers.NTXent(a.Get(layers.ImageView), other, 0.2).Mean().Item()
					})
				})
				return l
			}
			before, head, state := loss(), s.Get("regressor.0.weight").Clone(), string(torch.RNGState(torch.CPU))
			if err := m.Pretrain(g); err != nil {
				t.Fatal(err)
			}
			if string(torch.RNGState(torch.CPU)) != state {
				t.Errorf("%s: training would draw other numbers", how)
			}
			if after := loss(); !(after < before-0.2) {
				t.Errorf("%s: the loss is %.3f before and %.3f after", how, before, after)
			}
			if d := s.Get("regressor.0.weight").Sub(head).Abs().Sum().Item(); d != 0 {
				t.Errorf("%s: the head has changed by %v", how, d)
			}
			g.Counts = make([]float32, 4*n)
			if err := m.Pretrain(g); (err != nil) != (how == layers.PretrainContrastive) {
				t.Errorf("%s: a region without points of interest: %v", how, err)
			}
			s.Close()
		}
	})
}
