package study

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"opencarbon/data/fault"
	"opencarbon/data/regular"
	"opencarbon/data/store"
	"opencarbon/train/config"
)

// Plan is a transfer.yaml: the regions of a transfer study.
type Plan struct {
	Name    string   `yaml:"name"`    // of the study; default: the file's
	Out     string   `yaml:"out"`     // folder of everything that the study makes, relative to the current folder; default transfer/<name>
	Config  string   `yaml:"config"`  // experiment file or preset of regions that name none
	Set     []string `yaml:"set"`     // overrides of every region's experiment, e.g. train.epochs=50
	Regions []Region `yaml:"regions"` // two at least

	Surplus string   `yaml:"surplus"` // what becomes of points whose category a model does not know: drop, or the category that they count as; empty: an error that lists them
	Accept  []string `yaml:"accept"`  // differences between regions that do not matter: cells, bands, unit, stretch

	Block int    `yaml:"block"` // edge in cells of the blocks that intervals are drawn by; default 8
	Draws int    `yaml:"draws"` // of the bootstrap; default 1000
	Seed  uint64 `yaml:"seed"`  // of the bootstrap; default 42
}

// Region is one region of a Plan: an experiment to train, or a checkpoint and
// the store that others are applied to.
type Region struct {
	Name       string   `yaml:"name"`
	Config     string   `yaml:"config"` // experiment file, relative to the plan's folder, or a preset
	Set        []string `yaml:"set"`    // overrides on top of the plan's
	Checkpoint string   `yaml:"checkpoint"`
	Store      string   `yaml:"store"`
}

//go:embed presets/*.yaml
var planFiles embed.FS

// PlanNames lists the plans that come with the program.
func PlanNames() []string {
	entries, err := planFiles.ReadDir("presets")
	if err != nil {
		return nil // the folder is part of the program
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	return names
}

// LoadPlan reads a transfer.yaml, or a plan that comes with the program by its
// name; a file goes first. Paths of experiments, checkpoints and stores are
// relative to the file's folder, in a plan of the program to the current one.
// All errors are *fault.Input.
func LoadPlan(source string) (*Plan, error) {
	if source == "" {
		return nil, fault.New("--config", "no plan given", "Give a transfer.yaml, or one of: "+strings.Join(PlanNames(), ", ")+".")
	}
	dir := filepath.Dir(source)
	text, err := regular.Read(source, 1<<20)
	if err != nil {
		embedded, e := planFiles.ReadFile("presets/" + filepath.Base(strings.TrimSuffix(source, ".yaml")) + ".yaml")
		if e != nil {
			return nil, fault.Wrap(err, source, "cannot be read, and is no plan that comes with the program", "Those are: "+strings.Join(PlanNames(), ", ")+".")
		}
		text, dir = embedded, "."
	}
	p, err := ParsePlan(source, text)
	if err != nil {
		return nil, err
	}
	if p.Name == "" {
		p.Name = strings.TrimSuffix(filepath.Base(source), filepath.Ext(source))
	}
	for i := range p.Regions {
		r := &p.Regions[i]
		r.Config = beside(dir, r.Config)
		r.Checkpoint, r.Store = beside(dir, r.Checkpoint), beside(dir, r.Store)
	}
	p.Config = beside(dir, p.Config)
	for i := range p.Regions {
		if r := &p.Regions[i]; r.Config == "" && r.Checkpoint == "" {
			r.Config = p.Config
		}
	}
	return p, p.Check(source)
}

// beside makes a path relative to the plan's folder, unless it names nothing
// there: a preset.
func beside(dir, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	joined := filepath.Join(dir, path)
	if _, isPreset := config.Preset(strings.TrimSuffix(path, ".yaml")); isPreset {
		if _, err := os.Stat(joined); err != nil {
			return path
		}
	}
	return joined
}

// ParsePlan reads the YAML text of a plan, with its defaults; label names it in
// messages. An unknown key is an error.
func ParsePlan(label string, text []byte) (*Plan, error) {
	p := &Plan{Block: 8, Draws: 1000, Seed: 42}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(p); err != nil && !errors.Is(err, io.EOF) {
		return nil, fault.New(label, "is no plan of a transfer study: "+strings.TrimPrefix(err.Error(), "yaml: "),
			"Its keys are name, out, config, set, surplus, accept, block, draws, seed, and regions with name, config, set, checkpoint, store.")
	}
	return p, nil
}

// Check refuses a plan that cannot be worked on, with a *fault.Input error, and
// fills in where its results go; label names the plan in messages.
func (p *Plan) Check(label string) error {
	if len(p.Regions) < 2 {
		return fault.New(label, fmt.Sprintf("%d regions: there is nothing to transfer between", len(p.Regions)), "List two regions at least, under regions:.")
	}
	seen := map[string]bool{}
	for i, r := range p.Regions {
		where := fmt.Sprintf("%s, region %d", label, i+1)
		switch {
		case r.Name == "":
			return fault.New(where, "has no name", "Give it a short one: it labels the heat map.")
		case strings.ContainsAny(r.Name, "/\\") || r.Name == "." || r.Name == "..":
			return fault.New(where, fmt.Sprintf("%q is no name", r.Name), "Use letters, digits, dots, dashes and underscores: it names a folder.")
		case seen[r.Name]:
			return fault.New(where, fmt.Sprintf("the name %s comes twice", r.Name), "Give each region its own.")
		case (r.Checkpoint == "") != (r.Store == ""):
			return fault.New(where+", "+r.Name, "checkpoint and store go together", "Give both, or config instead.")
		case r.Checkpoint != "" && (r.Config != "" || len(r.Set) > 0):
			return fault.New(where+", "+r.Name, "has a checkpoint and an experiment as well", "Give checkpoint and store, or config and set.")
		case r.Checkpoint == "" && r.Config == "":
			return fault.New(where+", "+r.Name, "has neither experiment nor checkpoint", "Give config (an experiment file or preset), or checkpoint and store.")
		}
		seen[r.Name] = true
	}
	switch {
	case p.Block < 1:
		return fault.New(label+", block", fmt.Sprintf("%d cells", p.Block), "Give at least 1; 8 or 16 keeps neighbors together.")
	case p.Draws < 1:
		return fault.New(label+", draws", fmt.Sprintf("%d", p.Draws), "Give at least 1, usually 1000.")
	}
	if p.Out == "" {
		p.Out = filepath.Join("transfer", p.Name)
	}
	return nil
}

// PlanOf is LoadPlan, or the plan of checkpoints with their stores, which give
// the regions their names.
func PlanOf(source string, checkpoints, stores []string) (*Plan, error) {
	if len(checkpoints) == 0 && len(stores) == 0 {
		return LoadPlan(source)
	}
	if source != "" {
		return nil, fault.New("--config", "goes without --checkpoint and --store", "List checkpoints in the plan, or leave --config away.")
	}
	if len(checkpoints) != len(stores) {
		return nil, fault.New("--checkpoint, --store", fmt.Sprintf("%d checkpoints but %d stores", len(checkpoints), len(stores)),
			"Give one store, the region that it was trained on, after each checkpoint.")
	}
	p := &Plan{Name: "checkpoints", Block: 8, Draws: 1000, Seed: 42}
	for i, path := range stores {
		s, err := store.Open(path)
		if err != nil {
			return nil, err
		}
		p.Regions = append(p.Regions, Region{Name: s.Meta().Name, Checkpoint: checkpoints[i], Store: path})
		if err := s.Close(); err != nil {
			return nil, err
		}
	}
	number := map[string]int{}
	for i := range p.Regions { // two models of one region, or stores of one name
		name := p.Regions[i].Name
		if number[name]++; number[name] > 1 {
			p.Regions[i].Name = fmt.Sprintf("%s-%d", name, number[name])
		}
	}
	return p, p.Check("--checkpoint")
}
