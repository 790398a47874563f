package train

import (
	"regexp"
	"testing"

	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/train/networks"
)

// TestPublishedNames: the reference variant's state dict has the published
// program's names, exactly.
func TestPublishedNames(t *testing.T) {
	const (
		wb    = `\.(weight|bias)`
		bn    = `\.(weight|bias|running_mean|running_var|num_batches_tracked)`
		heads = `\.(heads\.[01]\.[qkv]|linear)` + wb
	)
	resnet := `grid_rep\.image_encoder\.(conv1\.weight|bn1` + bn + `|fc` + wb + `|layer[1-4]\.[01]\.(conv[12]\.weight|bn[12]` + bn +
		`)|layer[2-4]\.0\.downsample\.(0\.weight|1` + bn + `))`
	gates := `|grid_rep\.poi_encoder\.se1\.fc[12]` + wb
	k7 := `grid_rep\.poi_encoder\.((fc[123]|fc)` + wb + `|bn[12]` + bn + `)`
	k37 := `grid_rep\.poi_encoder\.(fc1\.weight|(fc2|fc)` + wb + `|bn1` + bn + `)`
	around := `|neighbor_rep\.((image|poi)_encoder\.[02]|(image|poi)_fc)` + wb + `|(cross_from_neighborhood|self_grid|self_neighbor)` + heads +
		`|neighbor_agg\.(l1` + wb + `|l2\.weight)`
	rest := `|grid_agg\.(l1` + wb + `|l2\.weight)|regressor\.([03]` + wb + `|2` + bn + `)`
	for _, c := range []struct {
		name, pattern string
		count         int
	}{
		{"reference/k7/3/1", resnet + `|` + k7 + gates + `|grid_rep\.poi_encoder\.se2\.fc[12]` + wb + around + rest, 217},
		{"reference/k37/5/1", resnet + `|` + k37 + gates + around + rest, 205},
		{"reference/k7/3/0", resnet + `|` + k7 + around + rest, 209},
		{"reference/k7/1/1", resnet + `|` + k7 + gates + `|grid_rep\.poi_encoder\.se2\.fc[12]` + wb + rest, 160},
	} {
		var names []string
		if err := torch.Run(torch.Options{}, func() {
			s := layers.NewParams(torch.CPU)
			defer s.Close()
			if _, err := networks.New(s, publishedCase(c.name)); err != nil {
				t.Error(err)
			}
			for _, e := range s.Entries() {
				names = append(names, e.Name)
			}
		}); err != nil {
			t.Fatal(err)
		}
		pattern := regexp.MustCompile(`^(` + c.pattern + `)$`)
		for _, n := range names {
			if !pattern.MatchString(n) {
				t.Errorf("%s: %s is no name of the published program", c.name, n)
			}
		}
		if len(names) != c.count {
			t.Errorf("%s: %d names, want %d", c.name, len(names), c.count)
		}
	}
}
