package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPublishedInPlaceOfRawData: with data.published.dir the raw files of a
// preset are not asked for, and the folder is found from any other.
func TestPublishedInPlaceOfRawData(t *testing.T) {
	for _, city := range []string{"london", "beijing", "yinchuan"} {
		dir := t.TempDir()
		c, err := Load(city, []string{"data.published.dir=" + dir})
		if err != nil {
			t.Fatal(err)
		}
		if err := CheckFiles(c); err != nil {
			t.Errorf("%s asks for raw data: %v", city, err)
		}
		c, err = Load(city, []string{"data.published.dir=" + filepath.Join(dir, "absent")})
		if err != nil {
			t.Fatal(err)
		}
		if err := CheckFiles(c); err == nil || !strings.Contains(err.Error(), "data.published.dir") || strings.Contains(err.Error(), "data.poi") {
			t.Errorf("%s: %v", city, err)
		}
	}
	path := filepath.Join(t.TempDir(), "x.yaml")
	if err := os.WriteFile(path, []byte("data: {published: some where}\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if c, err := Load(path, nil); err != nil || c.Data.Published.Dir != filepath.Join(filepath.Dir(path), "some where") {
		t.Errorf("data.published: DIR gives %v, %v", c, err)
	}
	if c, err := Load("london", []string{"data.published=a: b"}); err != nil || filepath.Base(c.Data.Published.Dir) != "a: b" {
		t.Errorf("--set data.published=DIR gives %v, %v", c, err)
	}
	if c, err := Load("london", []string{"data.published.dir=somewhere"}); err != nil || !filepath.IsAbs(c.Data.Published.Dir) {
		t.Errorf("a relative folder stays relative: %v, %v", c, err)
	}
}

// smallExperiment is one that says nothing of training.
func smallExperiment(t *testing.T, more string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "small.yaml")
	if err := os.WriteFile(path, []byte("data: {published: somewhere}\n"+more), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestPublishedDefaults: the published program's network is trained with that
// program's defaults unless the file, a preset or an override says otherwise.
func TestPublishedDefaults(t *testing.T) {
	reference := "model: {variant: reference}\n"
	for _, k := range []struct {
		source      string
		set         []string
		epochs      int
		rate, alpha float64
	}{
		{smallExperiment(t, ""), nil, 300, 1e-3, 1e-3},
		{smallExperiment(t, reference), nil, 500, 5e-4, 0.01},
		{smallExperiment(t, reference+"train: {epochs: 7, alpha: 0.5}\n"), nil, 7, 5e-4, 0.5},
		{smallExperiment(t, reference), []string{"train.learning_rate=0.001", "train.epochs=300"}, 300, 1e-3, 0.01},
		{"beijing", []string{"model.variant=reference"}, 3000, 1e-3, 1e-3}, // the preset's own
	} {
		c, err := Load(k.source, k.set)
		if err != nil {
			t.Fatal(err)
		}
		if tr := c.Train; tr.Epochs != k.epochs || tr.LearningRate != k.rate || tr.Alpha != k.alpha || tr.BatchSize != 32 || tr.WeightDecay != 5e-3 ||
			tr.ContrastiveWarmupEpochs != 100 {
			t.Errorf("%s %v: %+v", filepath.Base(k.source), k.set, tr)
		}
	}
	if c := DefaultsOf("reference"); c.Train.Epochs != 500 || c.Train.LearningRate != 5e-4 || c.Train.Alpha != 0.01 {
		t.Errorf("%+v", c.Train)
	}
	c := Defaults()
	if c.SetVariant("reference"); c.Train.Epochs != 300 {
		t.Error("another variant changes how long one trains")
	}
}

// TestLoadOver: found settings go over the defaults and under everything that was
// given.
func TestLoadOver(t *testing.T) {
	path := smallExperiment(t, "model: {embedding: 16}\n")
	under := func(c *Config) ([]string, string, error) {
		return []string{"model.embedding=8", "model.se=false", "model.variant=reference", "model.poi_encoder=k37", "model.modalities=[poi, image]"}, "the file", nil
	}
	c, err := LoadOver(path, []string{"model.poi_encoder=k7"}, under)
	if err != nil {
		t.Fatal(err)
	}
	if m := c.Model; m.Embedding != 16 || m.SE || m.Variant != "reference" || m.POIEncoder != "k7" || len(m.Modalities) != 2 || c.Train.Epochs != 500 || m.Wide {
		t.Errorf("%+v", m)
	}
	if again, err := LoadOver(path, c.Settings("model.embedding", "model.se", "model.variant", "model.modalities"), nil); err != nil ||
		again.Model.SE || again.Model.Variant != "reference" || len(again.Model.Modalities) != 2 {
		t.Errorf("settings come back otherwise: %+v, %v", again, err)
	}
	_, err = LoadOver(path, nil, func(*Config) ([]string, string, error) { return []string{"model.poi_encoder=k9"}, "the file", nil })
	if err == nil || !strings.Contains(err.Error(), "the file") {
		t.Errorf("%v", err)
	}
}
