package config

import (
	"strings"
	"testing"

	"opencarbon/data/fault"
)

// Batches in parts want what the same bits depend on, and ways of training that know
// them.
func TestParts(t *testing.T) {
	for _, c := range []struct {
		sets []string
		says string // empty: taken
	}{
		{[]string{"train.parts=4", "train.threads=1"}, ""},
		{[]string{"train.parts=4", "train.threads=2", "model.variant=paper"}, ""},
		{[]string{"train.parts=1"}, ""},
		{[]string{"train.parts=3", "train.threads=1"}, "no power of two"},
		{[]string{"train.parts=128", "train.threads=1"}, "0 to 64"},
		{[]string{"train.parts=4"}, "set train.threads: 1"},
		{[]string{"train.parts=4", "train.threads=1", "train.encode=slices"}, "train.encode is slices"},
		{[]string{"train.parts=4", "train.threads=1", "train.precision=bf16"}, "train.precision is bf16"},
		{[]string{"train.parts=4", "train.threads=1", "train.device=cuda:1"}, "train.device is cuda:1"},
	} {
		_, err := Load("demo", c.sets)
		switch {
		case c.says == "" && err != nil:
			t.Errorf("%q: %v", c.sets, err)
		case c.says != "" && (!fault.IsInput(err) || !strings.Contains(err.Error(), c.says)):
			t.Errorf("%q: %v", c.sets, err)
		}
	}
}
