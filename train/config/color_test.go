package config

import (
	"strings"
	"testing"

	"opencarbon/data/fault"
)

// Other colors in training want images, and a program that may turn them.
func TestAugmentColor(t *testing.T) {
	for _, c := range []struct {
		sets []string
		says string // empty: taken
	}{
		{[]string{"train.augment_color=0.1"}, ""},
		{[]string{"train.augment_color=0.1", "model.variant=paper"}, ""},
		{[]string{"train.augment_color=-0.1"}, "0 to 1"},
		{[]string{"train.augment_color=1.5"}, "0 to 1"},
		{[]string{"train.augment_color=much"}, "train.augment_color"},
		{[]string{"train.augment_color=0.1", "model.modalities=[poi]"}, "has no image"},
		{[]string{"train.augment_color=0.1", "model.variant=reference"}, "published program"},
	} {
		got, err := Load("demo", c.sets)
		switch {
		case c.says == "" && (err != nil || got.Train.AugmentColor != 0.1):
			t.Errorf("%q: %v", c.sets, err)
		case c.says != "" && (!fault.IsInput(err) || !strings.Contains(err.Error(), c.says)):
			t.Errorf("%q: %v", c.sets, err)
		}
	}
}
