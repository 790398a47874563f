package torchvision

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/torch/pth"
	"opencarbon/torch/safetensors"
	"opencarbon/train/atomicfile"
	"opencarbon/train/networks"
)

// imageEncoderPrefix is where OpenCarbon's model keeps its ResNet-18.
const imageEncoderPrefix = "grid_rep.image_encoder."

// resnet18 are random weights of a whole ResNet-18, by torchvision's names.
func resnet18(t *testing.T) (names []string, arrays map[string]safetensors.Array) {
	t.Helper()
	arrays = map[string]safetensors.Array{}
	if err := torch.Run(torch.Options{Threads: 1}, func() {
		torch.ManualSeed(6)
		p := layers.NewParams(torch.CPU)
		defer p.Close()
		layers.NewResNet18(p.Root(), 1000)
		for _, e := range p.Entries() {
			names = append(names, e.Name)
			arrays[e.Name] = torch.ToArray(e.Tensor)
		}
	}); err != nil {
		t.Fatal(err)
	}
	return names, arrays
}

// TestImageWeights: torchvision's ImageNet checkpoints, with the counters of
// batches (resnet18-f37072fd.pth) and without (resnet18-5c106cde.pth, which is
// older), fill the image encoder but for its last layer; another file says which
// names are missing or surplus.
func TestImageWeights(t *testing.T) {
	newer, resnet := resnet18(t)
	var older []string
	for _, n := range newer {
		if !strings.HasSuffix(n, ".num_batches_tracked") {
			older = append(older, n)
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
			root, err := pth.Checkpoint(c.names, resnet, nil)
			if err == nil {
				err = atomicfile.Write(path, func(w io.Writer) error { return pth.Write(w, root) })
			}
			if err != nil {
				t.Error(err)
				return
			}
			s := layers.NewParams(torch.CPU)
			model, err := networks.New(s, layers.ModelConfig{Kind: layers.KindPublished, Image: true, POI: true, Categories: 3, ImageSize: 64, POISize: 64, Embedding: 8, Neighborhood: 1, POIEncoder: "k7", SERatio: 4, Heads: 2})
			if err != nil {
				t.Error(err)
				return
			}
			last := string(torch.ToArray(s.Get(imageEncoderPrefix + "fc.weight")).Data)
			err = Load(model, path)
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
		if err := Load(model, filepath.Join(dir, "newer.pth")); err != nil {
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

// Files that are no weights, or not those that their name says, are refused; the
// file in PyTorch's cache is found.
func TestRead(t *testing.T) {
	dir := t.TempDir()
	good := filepath.Join(dir, "any.safetensors")
	_, arrays := resnet18(t)
	if err := atomicfile.Write(good, func(w io.Writer) error { return safetensors.Write(w, safetensors.File{Arrays: arrays}) }); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	hash := sha256.Sum256(text)
	sum := hex.EncodeToString(hash[:])
	if arrays, got, err := Read("model.image_features", good); err != nil || got != sum || len(arrays) == 0 {
		t.Fatalf("%d arrays, %s, %v", len(arrays), got, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "resnet18-01234567.pth"), text, 0o666); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TORCH_HOME", dir)
	for path, want := range map[string]string{
		filepath.Join(dir, "resnet18-01234567.pth"): "the download is damaged",
		filepath.Join(dir, "none.pth"):              "none.pth",
		dir:                                         "cannot be used",
		ImageNet:                                    "was not found",
	} {
		if _, _, err := Read("model.image_features", path); !fault.IsInput(err) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "model.image_features") {
			t.Errorf("%s: %v", path, err)
		}
	}
	hub := filepath.Join(dir, "hub", "checkpoints")
	if err := os.MkdirAll(hub, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(hub, "resnet18-5c106cde.pth"), text, 0o666); err != nil {
		t.Fatal(err)
	}
	if path, err := cached(); err != nil || filepath.Base(path) != "resnet18-5c106cde.pth" {
		t.Errorf("%s %v", path, err)
	}
}
