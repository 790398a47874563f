package study

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/train/config"
)

func TestLoadPlan(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "mine.yaml")
	text := `config: demo
set: [train.epochs=5]
block: 4
regions:
  - name: a
    config: sub/a.yaml
  - {name: b, set: [seed=2]}
  - {name: c, checkpoint: c.safetensors, store: stores/c}
`
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	p, err := LoadPlan(path)
	if err != nil {
		t.Fatal(err)
	}
	if p.Name != "mine" || p.Out != filepath.Join("transfer", "mine") || p.Block != 4 || p.Draws != 1000 || p.Seed != 42 || p.Set[0] != "train.epochs=5" {
		t.Errorf("%+v", p)
	}
	a, b, c := p.Regions[0], p.Regions[1], p.Regions[2]
	if a.Config != filepath.Join(dir, "sub", "a.yaml") || b.Config != "demo" || c.Config != "" || c.Checkpoint != filepath.Join(dir, "c.safetensors") || c.Store != filepath.Join(dir, "stores", "c") {
		t.Errorf("%+v", p.Regions)
	}
}

func TestBadPlans(t *testing.T) {
	two := "regions: [{name: a, config: demo}, {name: b, config: demo}]\n"
	for text, says := range map[string]string{
		"":                                   "0 regions",
		"regions: [{name: a, config: demo}]": "1 regions",
		two + "regoins: []":                  "regoins",
		"regions: {a: b}":                    "no plan",
		"\tname: x":                          "no plan",
		two + "block: 0":                     "block",
		two + "draws: -1":                    "draws",
		two + "seed: x":                      "no plan",
		"regions: [{config: demo}, {name: b, config: demo}]":                                      "has no name",
		"regions: [{name: a, config: demo}, {name: a, config: demo}]":                             "comes twice",
		"regions: [{name: a/b, config: demo}, {name: b, config: demo}]":                           "is no name",
		"regions: [{name: a}, {name: b, config: demo}]":                                           "neither experiment nor checkpoint",
		"regions: [{name: a, checkpoint: x}, {name: b, config: demo}]":                            "go together",
		"regions: [{name: a, checkpoint: x, store: y, config: demo}, {name: b, config: demo}]":    "as well",
		"regions: [{name: a, checkpoint: x, store: y, set: [seed=1]}, {name: b, config: london}]": "as well",
	} {
		path := filepath.Join(t.TempDir(), "p.yaml")
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadPlan(path); !fault.IsInput(err) || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, source := range []string{"", "nowhere", filepath.Join(t.TempDir(), "nothing.yaml")} {
		if _, err := LoadPlan(source); !fault.IsInput(err) || !strings.Contains(err.Error(), "tokyo-quarters") {
			t.Errorf("%q: %v", source, err)
		}
	}
	for _, v := range [][3][]string{
		{{"x"}, {"c"}, {"s"}}, {{""}, {"c"}, {}}, {{""}, {"c"}, {filepath.Join(t.TempDir(), "no store")}},
	} {
		if _, err := PlanOf(v[0][0], v[1], v[2]); !fault.IsInput(err) {
			t.Errorf("%v: %v", v, err)
		}
	}
}

// The plans that come with the program are whole: their experiments load, under
// the names of their regions. The quarters of Tokyo meet without overlapping.
func TestPlansOfTheProgram(t *testing.T) {
	if want := []string{"london-halves", "made", "shenzhen-halves", "shenzhen-hongkong-sides", "tokyo-quarters"}; !slices.Equal(PlanNames(), want) {
		t.Errorf("%v, want %v", PlanNames(), want)
	}
	for _, name := range PlanNames() {
		p, err := LoadPlan(name)
		if err != nil {
			t.Fatal(err)
		}
		if p.Name != name {
			t.Errorf("%s calls itself %s", name, p.Name)
		}
		if name == "made" { // its experiments are made by cmd/synth
			continue
		}
		var west float64
		for i, r := range p.Regions {
			c, err := config.Load(r.Config, slices.Concat(p.Set, r.Set, []string{"name=" + r.Name}))
			if err != nil {
				t.Fatal(err)
			}
			b := c.Data.Region.BBox
			if strings.HasPrefix(name, "shenzhen") { // by districts, or on one side of a border
				if len(b) == 0 && c.Data.Region.File == "" {
					t.Errorf("%s, %s: the region is everywhere", name, r.Name)
				}
				continue
			}
			if len(b) != 4 || b[0] >= b[2] || b[1] >= b[3] {
				t.Errorf("%s, %s: bbox %v", name, r.Name, b)
			}
			if i == 0 {
				west = b[2]
			} else if i == 1 && (b[0] < west || b[0] > west+1e-5) {
				t.Errorf("%s: %s begins at %v, %s ends at %v", name, r.Name, b[0], p.Regions[0].Name, west)
			}
		}
	}
}

// Any text is a plan or a fault.
func FuzzParsePlan(f *testing.F) {
	f.Add([]byte("name: x\nregions: [{name: a, config: demo, set: [a=b]}]\n"))
	f.Add([]byte("regions:\n  - name: &a b\n  - name: *a\n"))
	f.Add([]byte("{"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := ParsePlan("plan", text)
		if err != nil {
			if !fault.IsInput(err) {
				t.Fatal(err)
			}
			return
		}
		if err := p.Check("plan"); err != nil && !fault.IsInput(err) {
			t.Fatal(err)
		}
	})
}
