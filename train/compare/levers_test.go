package compare

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/train"
	"opencarbon/train/config"
)

// Each ablation and each lever changes what its name says and nothing else; the
// whole network is the config as it is.
func TestRowsOfTheNetwork(t *testing.T) {
	for name, change := range map[string]func(c *config.Config){
		"opencarbon":      func(*config.Config) {},
		"no-se":           func(c *config.Config) { c.Model.SE = false },
		"no-contrastive":  func(c *config.Config) { c.Model.Contrastive = false },
		"no-neighborhood": func(c *config.Config) { c.Model.Neighborhood = 1 },
		"no-augment":      func(c *config.Config) { c.Train.Augment = "none" },
		"color":           func(c *config.Config) { c.Train.AugmentColor = 0.1 },
		"no-statistics":   func(c *config.Config) { c.Model.Statistics = false },
		"no-log-counts":   func(c *config.Config) { c.Model.LogCounts = false },
		"no-wide":         func(c *config.Config) { c.Model.Wide = false },
		"no-ema":          func(c *config.Config) { c.Train.EMA = 0 },
		"random":          func(c *config.Config) { c.Train.Encode, c.Train.Block = "unique", 0 },
		"historical":      func(c *config.Config) { c.Train.Encode, c.Train.Block = "historical", 0 },
		"historical-bf16": func(c *config.Config) { c.Train.Encode, c.Train.Precision, c.Train.Block = "historical", "bf16", 0 },
		"blocks":          func(c *config.Config) { c.Train.Encode, c.Train.Sampler, c.Train.Block = "unique", "blocks", 4 },
		"patches":         func(c *config.Config) { c.Train.Encode, c.Train.Sampler, c.Train.Block = "unique", "blocks", 0 },
		"slices":          func(c *config.Config) { c.Train.Encode, c.Train.Block = "slices", 0 },
	} {
		c, want := config.Defaults(), config.Defaults()
		c.Train.Precision, want.Train.Precision = "fp32", "fp32"
		entries, err := Entries(&c, []string{name})
		if err != nil {
			t.Fatal(err)
		}
		got := *entries[0].Method.(train.Network).Config
		if change(&want); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v %+v", name, got.Train, got.Model)
		}
	}
	if n := len(Ablations()) + len(Levers()); n != 14 {
		t.Errorf("%d ablations and levers, 14 are tested", n)
	}
}

// What the config lacks cannot be taken out: the row says so instead of training
// the same network again.
func TestRowsThatChangeNothing(t *testing.T) {
	c := config.Defaults()
	c.SetVariant("paper")
	entries, err := Entries(&c, append([]string{"opencarbon", "paper"}, Ablations()...))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		if e.Method == nil {
			if !strings.Contains(e.Why, "opencarbon") && !strings.Contains(e.Why, "no such part") {
				t.Errorf("%s: %q", e.Name, e.Why)
			}
			out = append(out, e.Name)
		}
	}
	if !slices.Contains(out, "paper") || !slices.Contains(out, "no-ema") || slices.Contains(out, "no-se") || slices.Contains(out, "opencarbon") {
		t.Errorf("left out: %v", out)
	}
}

// What is without its modality is left out with the reason, and says so in one
// line of the table; names are taken whatever their case.
func TestRowsWithoutTheirModality(t *testing.T) {
	c := config.Defaults()
	c.Model.Modalities, c.Model.Contrastive = []string{"poi"}, false
	want := map[string]string{"frozen": "no images", "resnet18": "no images", "simclr": "no images", "no-statistics": "no images", "contrastive": "no images",
		"encoder-none": "no images", "no-contrastive": "no contrastive loss"}
	var names []string
	for name := range want {
		names = append(names, " "+strings.ToUpper(name))
	}
	entries, err := Entries(&c, names)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Method != nil || !strings.Contains(e.Why, want[e.Name]) || want[e.Name] == "" {
			t.Errorf("%s: %q", e.Name, e.Why)
		}
	}
	c.Model.Modalities = []string{"image"}
	for name, want := range map[string]string{"no-log-counts": "no points", "contrastive": "no points"} {
		if entries, err = Entries(&c, []string{name}); err != nil || entries[0].Method != nil || !strings.Contains(entries[0].Why, want) {
			t.Errorf("%s: %v, %+v", name, err, entries)
		}
	}
	var b strings.Builder
	table := &Table{Rows: []Row{{Name: "x", Why: "it has none\n  Give it some."}}}
	table.Markdown(&b)
	if !strings.Contains(b.String(), "left out: it has none. Give it some. |\n") {
		t.Error(b.String())
	}
	if err := table.Err(); !fault.IsInput(err) {
		t.Errorf("a comparison of nothing: %v", err)
	}
	table.Rows = append(table.Rows, Row{Name: "y", N: 1})
	if err := table.Err(); err != nil {
		t.Error(err)
	}
}

// Nothing is combined of ablations and levers: their rows stand alone.
func TestNothingCombinedOfParts(t *testing.T) {
	s := city(t, 144)
	var entries []Entry
	for _, name := range []string{"random", "slices", "no-se", "opencarbon"} {
		entries = append(entries, Entry{Name: name, Key: name, Method: guess{t, 0.1, new(int), nil}})
	}
	table, err := Run(t.Context(), s, entries, Options{Seeds: 2, Folds: 3, Block: 4, Out: t.TempDir(), Report: new(strings.Builder)})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range table.Rows {
		names = append(names, r.Name)
	}
	if !slices.Equal(names, []string{"random", "slices", "no-se", "opencarbon", "opencarbon, " + Averaged}) {
		t.Errorf("%v", names)
	}
}
