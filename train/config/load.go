package config

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"unicode"

	"github.com/spf13/viper"

	"opencarbon/data/fault"
	"opencarbon/data/regular"
)

// origin is the kind of source a value came from; it decides what a relative
// path is relative to.
type origin int

const (
	fromFile origin = iota
	fromPreset
	fromEnvironment
	fromSet
)

// EnvPrefix begins the environment variables that set keys: train.epochs is
// OPENCARBON_TRAIN_EPOCHS. EnvData names the folder that holds the presets'
// data; without it that is the current folder.
const (
	EnvPrefix = "OPENCARBON_"
	EnvData   = "OPENCARBON_DATA"
)

// Load reads an experiment. source is a YAML file (any path), or the name of a
// preset, with or without .yaml; a file goes before a preset of its name.
// Values rise: Defaults, the source, environment variables (OPENCARBON_...),
// overrides ("train.epochs=5", the --set flags, later ones above earlier).
//
// Relative paths of input files are taken from the folder of the YAML file, in
// a preset from $OPENCARBON_DATA (else the current folder), in the environment
// and in overrides from the current folder; the result holds absolute paths.
// data.store and output.dir, which are written to, are relative to the current
// folder always.
//
// Every error is a *fault.Input that lists all problems, each with file and
// line (or variable, or flag), key, value and remedy.
func Load(source string, overrides []string) (*Config, error) {
	return LoadOver(source, overrides, nil)
}

// LoadOver is Load with a layer right above Defaults: settings that under finds
// in the experiment as it is without them ("model.se=false"), for example in a
// file that it names, and that messages call where. A nil under has none.
func LoadOver(source string, overrides []string, under func(*Config) (settings []string, where string, err error)) (*Config, error) {
	src, err := openSource(source)
	if err != nil {
		return nil, err
	}
	file := &reader{origin: src.origin, place: func(line int) string { return fmt.Sprintf("%s, line %d", src.label, line) }}
	node, err := parseYAML(src.text)
	if err != nil {
		return nil, fault.New(src.label, "not valid YAML: "+strings.TrimPrefix(err.Error(), "yaml: "),
			"Indent with spaces, two a level; write key: value with a space after the colon.")
	}
	if node != nil {
		file.read(node, root)
	}
	env := readEnvironment(os.Environ())
	set := readOverrides(overrides)

	problems := append(append(file.problems, env.problems...), set.problems...)
	if len(problems) > 0 {
		return nil, asFault(src.label, problems)
	}
	layers := [][]leaf{file.leaves, publishedPreset(src, file.leaves, env.leaves, set.leaves), env.leaves, set.leaves}
	c, err := assemble(src, layers...)
	if err != nil || under == nil {
		return c, err
	}
	settings, where, err := under(c)
	if err != nil || len(settings) == 0 {
		return c, err
	}
	found := readOverrides(settings)
	if len(found.problems) > 0 {
		return nil, asFault(where, found.problems)
	}
	for i := range found.leaves {
		found.leaves[i].where = where
	}
	return assemble(src, append([][]leaf{found.leaves}, layers...)...)
}

// Settings are keys with their values, as Load takes overrides.
func (c *Config) Settings(keys ...string) (list []string) {
	for _, key := range keys {
		list = append(list, key+"="+inYAML(lookup(reflect.ValueOf(*c), key)))
	}
	return list
}

// assemble lays the sources over one another and checks the result.
func assemble(src *sourceText, layers ...[]leaf) (*Config, error) {
	v := viper.New()
	for key, value := range defaultLeaves() {
		v.SetDefault(key, value)
	}
	given := map[string]leaf{}
	var options map[string]string
	for i, layer := range layers {
		tree := map[string]any{}
		for _, l := range layer {
			l.value = src.resolve(l)
			given[l.spec.key] = l
			if m, ok := l.value.(map[string]string); ok {
				options = merged(options, m) // viper would change the case of the names
				continue
			}
			if i == len(layers)-1 {
				v.Set(l.spec.key, l.value)
			} else {
				insert(tree, l.spec.key, l.value)
			}
		}
		if err := v.MergeConfigMap(tree); err != nil {
			return nil, err
		}
	}
	var c Config
	if err := v.UnmarshalExact(&c); err != nil {
		return nil, err
	}
	c.Data.POI.Options = options
	if c.Name == "" {
		c.Name = src.name
	}
	c.Model.Variant = strings.ToLower(c.Model.Variant) // compare calls it Tile2Vec
	isGiven := func(key string) bool { _, ok := given[key]; return ok }
	if len(c.Model.Modalities) == 1 && !isGiven("model.contrastive") {
		c.Model.Contrastive = false // there is nothing to contrast
	}
	c.suitVariant(isGiven)
	c.suitPublished(isGiven)
	canonical(&c)
	if err := check(&c, src.label, given); err != nil {
		return nil, err
	}
	return &c, nil
}

// suitVariant gives the keys that the user has not given the values that go with
// the variant.
func (c *Config) suitVariant(given func(key string) bool) {
	suit := func(key string, set func()) {
		if !given(key) {
			set()
		}
	}
	if c.Model.Published() {
		suit("train.encode", func() { c.Train.Encode = "slices" })
		suit("train.augment", func() { c.Train.Augment = "none" })
		suit("train.target_bias", func() { c.Train.TargetBias = "none" }) // the published program starts from PyTorch's defaults
	}
	if c.Model.Variant != "plus" { // what only plus has is off where nobody asks for it
		suit("model.statistics", func() { c.Model.Statistics = false })
		suit("model.log_counts", func() { c.Model.LogCounts = false })
		suit("model.wide", func() { c.Model.Wide = false })
		suit("model.wide_dropout", func() { c.Model.WideDropout = 0 })
		suit("train.ema", func() { c.Train.EMA = 0 })
		suit("train.stack", func() { c.Train.Stack = nil })
	}
	if c.Model.Rival() {
		c.suitRival(suit)
	}
}

// suitPublished gives the keys that the user has not given the defaults of the
// published program's command line. They are no part of the variant: SetVariant
// leaves them as they are.
func (c *Config) suitPublished(given func(key string) bool) {
	if !c.Model.Published() {
		return
	}
	if !given("train.epochs") {
		c.Train.Epochs = 500
	}
	if !given("train.learning_rate") {
		c.Train.LearningRate = 5e-4
	}
	if !given("train.alpha") {
		c.Train.Alpha = 0.01
	}
}

// SetVariant chooses a variant, with the values that go with it.
func (c *Config) SetVariant(name string) {
	c.Model.Variant = name
	c.suitVariant(func(string) bool { return false })
}

// DefaultsOf are the defaults of an experiment with a variant.
func DefaultsOf(variant string) Config {
	c := Defaults()
	c.SetVariant(variant)
	c.suitPublished(func(string) bool { return false })
	return c
}

// insert puts a value into nested maps under its dotted key.
func insert(tree map[string]any, key string, value any) {
	parts := strings.Split(key, ".")
	for _, p := range parts[:len(parts)-1] {
		next, ok := tree[p].(map[string]any)
		if !ok {
			next = map[string]any{}
			tree[p] = next
		}
		tree = next
	}
	tree[parts[len(parts)-1]] = value
}

func merged(a, b map[string]string) map[string]string {
	out := map[string]string{}
	for k, v := range a {
		out[k] = v
	}
	for k, v := range b {
		out[k] = v
	}
	return out
}

// sourceText is a config source as found.
type sourceText struct {
	label  string // how messages name it
	name   string // default of Config.Name
	text   []byte
	origin origin
	dir    string // what relative input paths are relative to
}

// maxSource bounds what is read as a config: no experiment is that long, and a
// raster given by mistake is.
const maxSource = 1 << 20

func openSource(source string) (*sourceText, error) {
	if source == "" {
		return nil, fault.New("--config", "no experiment given",
			"Give a YAML file or a preset: "+strings.Join(PresetNames(), ", ")+".")
	}
	candidates := []string{source}
	if filepath.Ext(source) == "" {
		candidates = append(candidates, source+".yaml")
	}
	for _, path := range candidates {
		info, err := os.Stat(path)
		if err != nil || info.IsDir() {
			continue
		}
		if info.Size() > maxSource {
			return nil, fault.New(path, fmt.Sprintf("is %d bytes long, too long for a config", info.Size()), "Give the YAML file of the experiment.")
		}
		text, err := regular.Read(path, maxSource)
		if err != nil {
			return nil, fault.Wrap(err, path, "cannot be read", "Give the YAML file of the experiment, and check its permissions.")
		}
		dir, err := filepath.Abs(filepath.Dir(path))
		if err != nil {
			return nil, err
		}
		base := filepath.Base(path)
		return &sourceText{label: path, name: nameOf(strings.TrimSuffix(base, filepath.Ext(base))), text: text, origin: fromFile, dir: dir}, nil
	}
	name := strings.TrimSuffix(strings.TrimSuffix(source, ".yaml"), ".yml")
	if text, ok := Preset(name); ok {
		dir, err := filepath.Abs(os.Getenv(EnvData))
		if err != nil {
			return nil, err
		}
		return &sourceText{label: "preset " + name, name: name, text: text, origin: fromPreset, dir: dir}, nil
	}
	abs, err := filepath.Abs(source)
	if err != nil {
		abs = source
	}
	return nil, fault.New(source, "neither a file ("+abs+" does not exist) nor a preset",
		"Presets: "+strings.Join(PresetNames(), ", ")+".")
}

// nameOf makes an experiment's name of a file's: "my city (2).yaml" is my_city_2.
// Letters of other alphabets stay, and the check of the name asks for one.
func nameOf(file string) string {
	parts := strings.FieldsFunc(file, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r) && !strings.ContainsRune("._-", r)
	})
	return strings.TrimLeft(strings.Join(parts, "_"), ".-")
}

// asFault makes one error of all problems of a source.
func asFault(label string, problems []problem) error {
	if len(problems) == 1 {
		p := problems[0]
		return fault.New(p.where, p.what, p.remedy)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d problems:", len(problems))
	for _, p := range problems {
		fmt.Fprintf(&b, "\n  %s: %s", p.where, p.what)
		if p.remedy != "" {
			fmt.Fprintf(&b, "\n    %s", strings.ReplaceAll(p.remedy, "\n", "\n    "))
		}
	}
	return fault.New(label, b.String(), "")
}
