package config

import (
	"fmt"
	"strings"
	"testing"

	"opencarbon/data/fault"
)

// TestMergeKeys: sections that share keys by anchors.
func TestMergeKeys(t *testing.T) {
	c, err := Load(write(t, "c.yaml", `
x-common: &common {epochs: 7, batch_size: 16}
x-late: &late {epochs: 9, learning_rate: 0.5}
name: merged
train:
  <<: [*common, *late]
  batch_size: 32
data:
  rasters:
    - &light {name: light, path: a.tif, how: sum}
    - {<<: *light, name: people, path: b.tif}
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Train.Epochs != 7 || c.Train.BatchSize != 32 || c.Train.LearningRate != 0.5 || c.Data.Rasters[1].How != "sum" || c.Data.Rasters[1].Name != "people" {
		t.Errorf("%+v, %+v", c.Train, c.Data.Rasters)
	}
	for text, want := range map[string]string{
		"name: x\ntrain: {<<: 5}\n":                                 "takes a section",
		"name: x\ntrain: {<<: [{epochs: 1}, x]}\n":                  "takes a section",
		"name: x\ntrain: &a {epochs: 5, <<: *a}\n":                  "too often",
		"name: x\nx-a: &a {epoch: 5}\ntrain: {<<: *a}\n":            "Did you mean train.epochs",
		"name: x\ntrain: {<<: {epochs: 1}, epochs: 2, epochs: 3}\n": "given twice",
	} {
		if _, err := Load(write(t, "c.yaml", text), nil); !fault.IsInput(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// TestMergesMultiply: ten levels of ten merges each end soon, and with words.
func TestMergesMultiply(t *testing.T) {
	text := "x-0: &a0 {epochs: 1}\n"
	for i := 1; i <= 10; i++ {
		text += fmt.Sprintf("x-%d: &a%[1]d {<<: [%s]}\n", i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	if _, err := Load(write(t, "c.yaml", text+"name: x\ntrain: {<<: *a10}\n"), nil); !fault.IsInput(err) || !strings.Contains(err.Error(), "too often") {
		t.Error(err)
	}
}
