package config

import (
	"reflect"
	"slices"
	"strings"
)

// rivals are the variants that are other networks than OpenCarbon, each with the
// values of the keys that go with it: a file of its name in presets/rivals.
var rivals = readRivals()

func readRivals() map[string][]leaf {
	out := map[string][]leaf{}
	entries, err := presetFiles.ReadDir("presets/rivals")
	if err != nil {
		return out // there are none
	}
	for _, e := range entries {
		text, err := presetFiles.ReadFile("presets/rivals/" + e.Name())
		if err != nil {
			continue
		}
		r := &reader{origin: fromPreset, place: func(int) string { return e.Name() }}
		if node, err := parseYAML(text); err == nil && node != nil {
			r.read(node, root)
		}
		out[strings.TrimSuffix(e.Name(), ".yaml")] = r.leaves
	}
	return out
}

// Rivals lists the variants of model.variant that are other networks.
func Rivals() (names []string) {
	for name := range rivals {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Rival reports whether the network is another one than OpenCarbon.
func (m Model) Rival() bool { _, ok := rivals[m.Variant]; return ok }

// suitRival gives the keys that the user has not given the values that go with a
// rival.
func (c *Config) suitRival(suit func(key string, set func())) {
	suit("model.contrastive", func() { c.Model.Contrastive = false })
	suit("model.se", func() { c.Model.SE = false })
	suit("train.encode", func() { c.Train.Encode = "unique" })
	suit("train.schedule", func() { c.Train.Schedule = "constant" })
	suit("train.warmup_epochs", func() { c.Train.WarmupEpochs = 0 })
	suit("train.min_learning_rate", func() { c.Train.MinLearningRate = 0 })
	for _, l := range rivals[c.Model.Variant] {
		suit(l.spec.key, func() { lookup(reflect.ValueOf(c), l.spec.key).Set(reflect.ValueOf(l.value)) })
	}
}
