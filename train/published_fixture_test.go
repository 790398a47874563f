package train

import (
	"archive/zip"
	"context"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"opencarbon/data"
	"opencarbon/data/store"
	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/torch/pth"
	"opencarbon/torch/safetensors"
	"opencarbon/train/networks"
)

// unpackPublished unpacks testdata/published.zip, a dataset that
// testdata/published.py made.
func unpackPublished(t *testing.T) string {
	t.Helper()
	z, err := zip.OpenReader("testdata/published.zip")
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	dir := t.TempDir()
	for _, f := range z.File {
		path := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// publishedStore builds the tile store of the dataset in dir, in its folder
// "store", and opens it until the test ends.
func publishedStore(t *testing.T, dir string) *store.Store {
	t.Helper()
	spec := data.Config{Store: filepath.Join(dir, "store"), Published: data.Published{Dir: dir}}
	if _, err := data.Build(context.Background(), &spec, data.Options{Name: "published"}); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(spec.Store)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// publishedCase is published.py's variant/encoder/M/se.
func publishedCase(name string) layers.ModelConfig {
	f := strings.Split(name, "/")
	m, _ := strconv.Atoi(f[2])
	return layers.ModelConfig{Kind: kindOf(f[0]), Image: true, POI: true, Categories: 3, ImageSize: 256, POISize: 256,
		Embedding: 32, Neighborhood: m, POIEncoder: f[1], SE: f[3] == "1", SERatio: 4, Heads: 2}
}

// publishedWeights are published.py's build: the state dict in our order.
func publishedWeights(t *testing.T, m layers.ModelConfig) (names []string, arrays map[string]safetensors.Array) {
	t.Helper()
	arrays = map[string]safetensors.Array{}
	if err := torch.Run(torch.Options{}, func() {
		s := layers.NewParams(torch.CPU)
		defer s.Close()
		if _, err := networks.New(s, m); err != nil {
			t.Error(err)
			return
		}
		parityWeights(s)
		torch.NoGrad(func() {
			scale := func(name string, by float64) { s.Get(name).MulScalarInPlace(by) }
			if m.Kind == layers.KindPublished {
				scale("grid_rep.image_encoder.conv1.weight", 1./64)
				scale("regressor.0.weight", 16)
			}
			scale("grid_rep.poi_encoder.fc1.weight", 30)
			s.Get("regressor.3.bias").FillInPlace(9)
			for _, e := range s.Entries() {
				names = append(names, e.Name)
				arrays[e.Name] = torch.ToArray(e.Tensor)
			}
		})
	}); err != nil {
		t.Fatal(err)
	}
	return names, arrays
}

func writePTH(t *testing.T, path string, names []string, arrays map[string]safetensors.Array) {
	t.Helper()
	root, err := pth.Checkpoint(names, arrays, nil)
	if err == nil {
		err = writeTree(path, root)
	}
	if err != nil {
		t.Fatal(err)
	}
}
