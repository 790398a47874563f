package rivals

import (
	"testing"

	"opencarbon/layers"
	"opencarbon/torch"
)

// A rival without a frame for its points has the image's, as OpenCarbon has: points
// were told to lie outside a frame of no pixels once. What it cannot be built of, or
// does not see, is refused.
func TestConfigIsSettled(t *testing.T) {
	type network interface{ Config() layers.ModelConfig }
	kinds := map[string]struct {
		build func(p *layers.Params, c layers.ModelConfig) (network, error)
		image bool // it needs one
	}{
		"BPNN":      {func(p *layers.Params, c layers.ModelConfig) (network, error) { return NewBPNN(p, c) }, false},
		"CarbonGCN": {func(p *layers.Params, c layers.ModelConfig) (network, error) { return NewCarbonGCN(p, c) }, false},
		"READ":      {func(p *layers.Params, c layers.ModelConfig) (network, error) { return NewREAD(p, c) }, true},
		"Tile2Vec":  {func(p *layers.Params, c layers.ModelConfig) (network, error) { return NewTile2Vec(p, c) }, true},
		"PG-SimCLR": {func(p *layers.Params, c layers.ModelConfig) (network, error) { return NewPGSimCLR(p, c) }, true},
	}
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			if err := torch.Run(torch.Options{}, func() {
				c := layers.ModelConfig{Image: true, POI: true, Categories: 2, ImageSize: 32, Embedding: 8, Neighborhood: 1}
				build := func(c layers.ModelConfig) (network, error) {
					p := layers.NewParams(torch.CPU)
					defer p.Close()
					return kind.build(p, c)
				}
				n, err := build(c)
				if err != nil || n.Config().POISize != 32 {
					t.Fatalf("%v: points in a frame of %d, not 32", err, n.Config().POISize)
				}
				bad := c
				bad.Categories = 0
				if _, err := build(bad); err == nil {
					t.Error("points of no category are taken")
				}
				bad = c
				bad.Image = false
				if _, err := build(bad); (err != nil) != kind.image {
					t.Errorf("without images: %v", err)
				}
			}); err != nil {
				t.Fatal(err)
			}
		})
	}
}
