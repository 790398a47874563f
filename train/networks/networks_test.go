package networks

import (
	"testing"

	"opencarbon/layers"
	"opencarbon/torch"
)

// A network of any kind without a frame for its points has the image's: points were
// told to lie outside a frame of no pixels once. Points of no category are refused.
func TestConfigIsSettled(t *testing.T) {
	for _, kind := range Kinds() {
		if kind == layers.KindRows || kind == layers.KindStack { // they see no points, or by their members
			continue
		}
		t.Run(kind, func(t *testing.T) {
			if err := torch.Run(torch.Options{}, func() {
				c := layers.ModelConfig{Kind: kind, Image: true, POI: true, Categories: 2, ImageSize: 32, Embedding: 8,
					Neighborhood: 1, POIEncoder: "k7", SERatio: 1, Heads: 1}
				p := layers.NewParams(torch.CPU)
				defer p.Close()
				n, err := New(p, c)
				if err != nil {
					t.Fatal(err)
				}
				if size := n.Config().POISize; size != 32 {
					t.Errorf("points in a frame of %d pixels, not 32", size)
				}
				c.Categories = 0
				none := layers.NewParams(torch.CPU)
				defer none.Close()
				if _, err := New(none, c); err == nil {
					t.Error("points of no category are taken")
				}
			}); err != nil {
				t.Fatal(err)
			}
		})
	}
}
