package pytorch

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/train/networks"
)

// publishedNames are the names of the published program's state dict, module by
// module in the order in which it registers them.
func publishedNames(encoder string, m int, se bool) (names []string) {
	add := func(module string, parts ...string) {
		for _, p := range parts {
			names = append(names, module+"."+p)
		}
	}
	weight := []string{"weight"}
	both := []string{"weight", "bias"}
	norm := []string{"weight", "bias", "running_mean", "running_var", "num_batches_tracked"}
	heads := func(module string) {
		for h := range 2 {
			for _, x := range []string{"q", "k", "v"} {
				add(fmt.Sprintf("%s.heads.%d.%s", module, h, x), both...)
			}
		}
		add(module+".linear", both...)
	}
	const resnet, poi = "grid_rep.image_encoder.", "grid_rep.poi_encoder."
	add(resnet+"conv1", weight...)
	add(resnet+"bn1", norm...)
	for layer := 1; layer <= 4; layer++ {
		for block := range 2 {
			at := fmt.Sprintf("%slayer%d.%d.", resnet, layer, block)
			for i := 1; i <= 2; i++ {
				add(fmt.Sprint(at, "conv", i), weight...)
				add(fmt.Sprint(at, "bn", i), norm...)
			}
			if layer > 1 && block == 0 {
				add(at+"downsample.0", weight...)
				add(at+"downsample.1", norm...)
			}
		}
	}
	add(resnet+"fc", both...)
	convs := map[string]int{"k7": 3, "k37": 2}[encoder]
	for i := 1; i <= convs; i++ {
		add(fmt.Sprint(poi, "fc", i), weight...)
		if i < convs {
			add(fmt.Sprint(poi, "bn", i), norm...)
		}
	}
	add(poi+"fc", both...)
	for i := 1; i < convs && se; i++ {
		add(fmt.Sprint(poi, "se", i, ".fc1"), both...)
		add(fmt.Sprint(poi, "se", i, ".fc2"), both...)
	}
	if m > 1 {
		for _, x := range []string{"image", "poi"} {
			add("neighbor_rep."+x+"_encoder.0", both...)
			add("neighbor_rep."+x+"_encoder.2", both...)
			add("neighbor_rep."+x+"_fc", both...)
		}
		heads("cross_from_neighborhood")
	}
	heads("self_grid")
	if m > 1 {
		heads("self_neighbor")
	}
	for _, at := range []string{"grid_agg", "neighbor_agg"} {
		if at == "grid_agg" || m > 1 {
			add(at+".l1", both...)
			add(at+".l2", weight...)
		}
	}
	add("regressor.0", both...)
	add("regressor.2", norm...)
	add("regressor.3", both...)
	return names
}

// TestPublishedNames: the reference variant's state dict has the published
// program's names, exactly, and an export has them in its order.
func TestPublishedNames(t *testing.T) {
	for _, c := range []layers.ModelConfig{{POIEncoder: "k7", Neighborhood: 3, SE: true}, {POIEncoder: "k37", Neighborhood: 5, SE: true}, {POIEncoder: "k7", Neighborhood: 7},
		{POIEncoder: "k37", Neighborhood: 3}, {POIEncoder: "k7", Neighborhood: 1, SE: true}, {POIEncoder: "k37", Neighborhood: 1}} {
		c.Kind, c.Image, c.POI, c.Categories, c.ImageSize, c.POISize, c.Embedding, c.SERatio, c.Heads = layers.KindPublished, true, true, 3, 256, 256, 32, 4, 2
		name := fmt.Sprintf("%s/%d/%t", c.POIEncoder, c.Neighborhood, c.SE)
		var names []string
		if err := torch.Run(torch.Options{}, func() {
			s := layers.NewParams(torch.CPU)
			defer s.Close()
			if _, err := networks.New(s, c); err != nil {
				t.Error(err)
			}
			for _, e := range s.Entries() {
				names = append(names, e.Name)
			}
		}); err != nil {
			t.Fatal(err)
		}
		want := publishedNames(c.POIEncoder, c.Neighborhood, c.SE)
		got := Order(names)
		if !slices.Equal(got, want) {
			without := func(a, b []string) string {
				return strings.Join(slices.DeleteFunc(slices.Clone(a), func(n string) bool { return slices.Contains(b, n) }), " ")
			}
			t.Errorf("%s: missing %q, surplus %q, or another order:\n%s", name, without(want, got), without(got, want), strings.Join(got, "\n"))
		}
		t.Logf("%s: %d tensors", name, len(got))
	}
}
