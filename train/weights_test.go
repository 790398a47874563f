package train

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/torch/safetensors"
	"opencarbon/train/config"
	"opencarbon/train/networks"
)

// imageEncoderPrefix is where OpenCarbon's model keeps its ResNet-18.
const imageEncoderPrefix = "grid_rep.image_encoder."

// TestImageWeights: torchvision's ImageNet checkpoints, with the counters of
// batches (resnet18-f37072fd.pth) and without (resnet18-5c106cde.pth, which is
// older), fill the image encoder but for its last layer; another file says which
// names are missing or surplus.
func TestImageWeights(t *testing.T) {
	names, all := publishedWeights(t, publishedCase("reference/k7/1/1"))
	resnet := map[string]safetensors.Array{"fc.weight": {DType: "F32", Shape: []int{1000, 512}, Data: make([]byte, 4*512000)},
		"fc.bias": {DType: "F32", Shape: []int{1000}, Data: make([]byte, 4000)}}
	var older, newer []string
	for _, n := range names {
		if rest, ok := strings.CutPrefix(n, imageEncoderPrefix); ok {
			newer = append(newer, rest)
			if !strings.HasSuffix(rest, ".num_batches_tracked") {
				older = append(older, rest)
			}
			if !strings.HasPrefix(rest, "fc.") {
				resnet[rest] = all[n]
			}
		}
	}
	if len(newer) != 122 || len(older) != 102 {
		t.Fatalf("%d and %d names", len(newer), len(older)) // as torchvision's files
	}
	without := newer[1:] // lacks conv1.weight
	resnet["layer1.2.conv1.weight"] = resnet["conv1.weight"]
	deeper := append([]string{"layer1.2.conv1.weight"}, newer...) // as a ResNet-34 has
	dir := t.TempDir()
	if err := torch.Run(torch.Options{}, func() {
		for _, c := range []struct {
			name  string
			names []string
			want  string // part of the error
		}{{"newer", newer, ""}, {"older", older, ""}, {"without", without, "missing conv1.weight"}, {"deeper", deeper, "surplus layer1.2.conv1.weight"}} {
			path := filepath.Join(dir, c.name+".pth")
			writePTH(t, path, c.names, resnet)
			s := layers.NewParams(torch.CPU)
			model, err := networks.New(s, publishedCase("reference/k7/1/1"))
			if err != nil {
				t.Error(err)
				return
			}
			last := string(torch.ToArray(s.Get(imageEncoderPrefix + "fc.weight")).Data)
			cfg := config.Defaults()
			cfg.Model.ImageWeights = path
			err = initialWeights(&cfg, model)
			if c.want != "" {
				if !fault.IsInput(err) || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%s: %v", c.name, err)
				}
			} else if err != nil {
				t.Errorf("%s: %v", c.name, err)
			} else {
				for _, n := range older {
					got := string(torch.ToArray(s.Get(imageEncoderPrefix + n)).Data)
					if n == "fc.weight" && got != last || !strings.HasPrefix(n, "fc.") && got != string(resnet[n].Data) {
						t.Errorf("%s: %s is another than it should be", c.name, n)
					}
				}
			}
			s.Close()
		}
		// Four bands: torchvision's filters are kept, and the fourth has their mean.
		s := layers.NewParams(torch.CPU)
		defer s.Close()
		model, err := networks.New(s, layers.ModelConfig{Kind: layers.KindOpenCarbon, Image: true, Bands: 4, ImageSize: 32, Embedding: 8, Neighborhood: 1})
		if err != nil {
			t.Error(err)
			return
		}
		cfg := config.Defaults()
		cfg.Model.ImageWeights = filepath.Join(dir, "newer.pth")
		if err := initialWeights(&cfg, model); err != nil {
			t.Error(err)
			return
		}
		was, is := torch.FromArray(resnet["conv1.weight"]).Float64s(), s.Get(imageEncoderPrefix+"conv1.weight").Float64s()
		if len(is) != 64*4*49 {
			t.Fatalf("%d filters", len(is))
		}
		for f := range 64 {
			for k := range 49 {
				mean := 0.0
				for band := range 3 {
					v := was[(f*3+band)*49+k]
					if is[(f*4+band)*49+k] != v {
						t.Fatalf("filter %d of band %d is another", f, band)
					}
					mean += v / 3
				}
				if got := is[(f*4+3)*49+k]; math.Abs(got-mean) > 1e-6 {
					t.Fatalf("filter %d of the fourth band: %v, want %v", f, got, mean)
				}
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
}
