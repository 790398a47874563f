package train

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opencarbon/torch/pth"
	"opencarbon/train/pytorch"
)

// TestWeightsTellTheModel: who goes on from a .pth file need not say which POI
// encoder it has, nor whether it has gates; what is said nevertheless stands.
func TestWeightsTellTheModel(t *testing.T) {
	dir := t.TempDir()
	names, arrays := publishedWeights(t, publishedCase("reference/k37/3/0"))
	names = pytorch.Order(names)
	adam := &pth.Adam{State: map[int64]pth.AdamState{}, Groups: []pth.AdamGroup{{LR: 2e-4, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, WeightDecay: 1e-3}}}
	for i := range pth.ParameterNames(names) {
		adam.Groups[0].Params = append(adam.Groups[0].Params, int64(i))
	}
	root, err := pth.Checkpoint(names, arrays, adam)
	if err == nil {
		err = writeTree(filepath.Join(dir, "theirs.pth"), root)
	}
	if err != nil {
		t.Fatal(err)
	}
	source := filepath.Join(dir, "x.yaml")
	if err := os.WriteFile(source, []byte("data: {published: "+dir+"}\nmodel: {weights: theirs.pth, neighborhood: 5}\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	c, err := LoadExperiment(source, nil)
	if err != nil {
		t.Fatal(err)
	}
	if m := c.Model; m.Variant != "reference" || m.POIEncoder != "k37" || m.SE || m.Neighborhood != 5 || m.Embedding != 32 ||
		c.Train.LearningRate != 2e-4 || c.Train.WeightDecay != 1e-3 || c.Train.Epochs != 500 || c.Train.Encode != "slices" {
		t.Errorf("%+v\n%+v", c.Model, c.Train)
	}
	c, err = LoadExperiment(source, []string{"model.poi_encoder=k7", "train.learning_rate=0.01"})
	if err != nil || c.Model.POIEncoder != "k7" || c.Train.LearningRate != 0.01 {
		t.Errorf("what was said does not stand: %v", err)
	}
	if c, err = LoadExperiment(source, []string{"model.weights=" + filepath.Join(dir, "absent.pth")}); err != nil || c.Model.Variant != "plus" {
		t.Errorf("a file that is not there is for CheckFiles to name: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "theirs.pth"), []byte("no weights"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err = LoadExperiment(source, nil); err == nil || !strings.Contains(err.Error(), "model.weights") {
		t.Errorf("%v", err)
	}
}
