package config

import (
	"reflect"
	"strings"
)

// Rival is a variant that is another network than OpenCarbon: a file of presets/rivals
// by its name, whose first line says the title and what it is, whose keys have the
// values that go with it, and whose x-grid lists what else is worth trying.
type Rival struct {
	Variant string // of model.variant
	Title   string // in tables
	About   string
	Grid    []string // what is searched for good settings, as tune's --grid: a key, =, and its values by commas
	values  []leaf
}

var rivals = readRivals()

func readRivals() (out []Rival) {
	entries, err := presetFiles.ReadDir("presets/rivals")
	if err != nil {
		return nil // there are none
	}
	for _, e := range entries {
		text, err := presetFiles.ReadFile("presets/rivals/" + e.Name())
		if err != nil {
			continue
		}
		r := &reader{origin: fromPreset, place: func(int) string { return e.Name() }}
		var more struct {
			Grid []string `yaml:"x-grid"`
		}
		if node, err := parseYAML(text); err == nil && node != nil {
			r.read(node, root)
			_ = node.Decode(&more) // TestRivals sees a grid that is none
		}
		first, _, _ := strings.Cut(string(text), "\n")
		title, about, _ := strings.Cut(strings.TrimPrefix(first, "# "), ": ")
		out = append(out, Rival{strings.TrimSuffix(e.Name(), ".yaml"), title, about, more.Grid, r.leaves})
	}
	return out
}

// Rivals lists them by name.
func Rivals() []Rival { return rivals }

// Grid is what is searched for good settings of a variant; empty where it is the
// paper's grid.
func (m Model) Grid() []string {
	if r := rivalOf(m.Variant); r != nil {
		return r.Grid
	}
	return nil
}

// rivalOf finds a rival by its variant; nil if it is none.
func rivalOf(variant string) *Rival {
	for i := range rivals {
		if rivals[i].Variant == variant {
			return &rivals[i]
		}
	}
	return nil
}

// Rival reports whether the network is another one than OpenCarbon.
func (m Model) Rival() bool { return rivalOf(m.Variant) != nil }

func variants() []string {
	names := []string{"plus", "paper", "reference"}
	for _, r := range rivals {
		names = append(names, r.Variant)
	}
	return names
}

// suitRival gives the keys that the user has not given the values that go with a
// rival.
func (c *Config) suitRival(suit func(key string, set func())) {
	suit("model.contrastive", func() { c.Model.Contrastive = false })
	suit("model.se", func() { c.Model.SE = false })
	suit("train.encode", func() { c.Train.Encode = "unique" })
	suit("train.schedule", func() { c.Train.Schedule = "constant" })
	suit("train.warmup_epochs", func() { c.Train.WarmupEpochs = 0 })
	suit("train.min_learning_rate", func() { c.Train.MinLearningRate = 0 })
	suit("model.image_encoder", func() { c.Model.ImageEncoder = "auto" })
	suit("model.image_trained", func() { c.Model.ImageTrained = "all" })
	suit("train.pretrain", func() { c.Train.Pretrain = "none" })
	suit("model.image_features", func() { c.Model.ImageFeatures = "" })
	for _, l := range rivalOf(c.Model.Variant).values {
		suit(l.spec.key, func() { lookup(reflect.ValueOf(c), l.spec.key).Set(reflect.ValueOf(l.value)) })
	}
}
