package config

import "testing"

// The values of the paper and the published program (method.md, "per city").
func TestPaperPresets(t *testing.T) {
	for _, c := range []struct {
		name      string
		alpha, lr float64
	}{{"london", 0.001, 1e-3}, {"beijing", 0.001, 1e-3}, {"yinchuan", 0.01, 5e-4}} {
		got, err := Load(c.name, nil)
		if err != nil {
			t.Fatal(err)
		}
		tr := got.Train
		if tr.Alpha != c.alpha || tr.LearningRate != c.lr || tr.BatchSize != 32 || tr.WeightDecay != 5e-3 || tr.Epochs != 3000 ||
			tr.ContrastiveWarmupEpochs != 100 || tr.ValidateEvery != 5 || tr.Optimizer != "adam" || got.Model.Neighborhood != 3 || got.Model.Variant != "plus" {
			t.Errorf("%s: %+v %+v", c.name, tr, got.Model)
		}
	}
	ref, err := Load("beijing", []string{"model.variant=reference"})
	if err != nil || ref.Train.TargetBias != "none" {
		t.Errorf("the reference variant starts from PyTorch's biases: %v %v", ref, err)
	}
	for _, city := range []string{"london", "beijing", "yinchuan"} { // the program's own settings with its own data
		c, err := Load(city, []string{"data.published=somewhere", "model.variant=reference"})
		if err != nil {
			t.Fatal(err)
		}
		if tr := c.Train; len(c.Model.Modalities) != 2 || !c.Model.Contrastive || c.Model.POIEncoder != "k7" || c.Model.SERatio != 4 ||
			tr.Patience != 30 || tr.MinEpochs != 100 || tr.ValidateEvery != 5 || tr.Sampler != "random" || tr.Schedule != "constant" ||
			tr.Encode != "slices" || tr.Augment != "none" || tr.TargetBias != "none" || tr.Loss != "l1" || tr.Precision != "fp32" || c.Model.Temperature != 0.07 {
			t.Errorf("%s: %+v %+v", city, c.Model, tr)
		}
	}
}
