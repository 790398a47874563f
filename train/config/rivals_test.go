package config

import (
	"slices"
	"strings"
	"testing"
)

// Every rival has a title, settings that are keys of a config, and is a sound
// config whatever the experiment was before; what the user gave stays.
func TestRivals(t *testing.T) {
	for _, r := range Rivals() {
		if r.Title == "" || r.About == "" || len(r.values) == 0 {
			t.Errorf("%s: title %q, about %q, %d values", r.Variant, r.Title, r.About, len(r.values))
		}
		for _, set := range [][]string{nil, {"model.variant=paper"}, {"model.variant=reference"}, {"model.image_encoder=frozen"}, {"train.schedule=cosine", "train.min_learning_rate=0.001"}, {"model.modalities=[poi]", "model.contrastive=false"}} {
			c, err := Load("demo", set)
			if err != nil {
				t.Fatal(err)
			}
			c.SetVariant(r.Variant)
			text, err := c.YAML()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Parse(text, "config"); err != nil {
				t.Errorf("%s after %v: %v", r.Variant, set, err)
			}
		}
		c, err := Load("demo", []string{"model.variant=" + strings.ToUpper(r.Variant), "train.learning_rate=0.0123"})
		if err != nil || c.Train.LearningRate != 0.0123 {
			t.Errorf("%s: %v, %+v", r.Variant, err, c)
		}
		if len(r.Grid) == 0 || !slices.Equal(c.Model.Grid(), r.Grid) {
			t.Errorf("%s: grid %v, by its config %v", r.Variant, r.Grid, c.Model.Grid())
		}
		if !slices.Contains(choices["model.variant"], r.Variant) {
			t.Errorf("%s is no choice", r.Variant)
		}
		if !strings.Contains(meanings["config.Model.Variant"], "| "+r.Variant) {
			t.Errorf("the meaning of model.variant does not name %s", r.Variant)
		}
	}
}
