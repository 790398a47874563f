package config

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/viper"

	"opencarbon/data/fault"
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
	return assemble(src, file.leaves, env.leaves, set.leaves)
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
	if _, ok := given["train.target_bias"]; !ok && c.Model.Variant == "reference" {
		c.Train.TargetBias = "none" // the published program starts from PyTorch's defaults
	}
	canonical(&c)
	if err := check(&c, src.label, given); err != nil {
		return nil, err
	}
	return &c, nil
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
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fault.Wrap(err, path, "cannot be read", "Check its permissions.")
		}
		dir, err := filepath.Abs(filepath.Dir(path))
		if err != nil {
			return nil, err
		}
		base := filepath.Base(path)
		return &sourceText{label: path, name: strings.TrimSuffix(base, filepath.Ext(base)), text: text, origin: fromFile, dir: dir}, nil
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

// readEnvironment takes the variables that begin with the name of a section.
// Others of the prefix (OPENCARBON_DATA) are not keys.
func readEnvironment(environ []string) *reader {
	byVariable := map[string]*spec{}
	for _, s := range root.leaves() {
		byVariable[variable(s.key)] = s
	}
	out := &reader{}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, EnvPrefix) {
			continue
		}
		r := &reader{origin: fromEnvironment, listText: true, place: func(int) string { return "environment variable " + name }}
		s := byVariable[name]
		if s == nil {
			for _, section := range root.order {
				if strings.HasPrefix(name, variable(section)+"_") && root.children[section].children != nil {
					key := section + "." + strings.ToLower(strings.TrimPrefix(name, variable(section)+"_"))
					remedy := unknownRemedy(key, root.children[section])
					if near := nearest(key); near != "" {
						remedy = "Did you mean " + variable(near) + "?"
					}
					r.problems = append(r.problems, problem{r.place(0), "sets no key", remedy})
				}
			}
		} else {
			r.text(value, s)
		}
		out.leaves = append(out.leaves, r.leaves...)
		out.problems = append(out.problems, r.problems...)
	}
	return out
}

func variable(key string) string {
	return EnvPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// readOverrides takes "key=value" texts.
func readOverrides(overrides []string) *reader {
	out := &reader{}
	for _, o := range overrides {
		key, value, ok := strings.Cut(o, "=")
		key = strings.TrimSpace(key)
		r := &reader{origin: fromSet, listText: true, place: func(int) string { return "--set " + o }}
		switch s := findWithOptions(key); {
		case !ok || key == "":
			r.problems = append(r.problems, problem{r.place(0), "is not key=value", "For example: --set train.epochs=5"})
		case s == nil:
			r.problems = append(r.problems, problem{r.place(0), "unknown key " + key, unknownRemedy(key, root)})
		case s.typ.Kind() == mapKind && s.key != key:
			name := strings.TrimPrefix(key, s.key+".")
			r.leaves = append(r.leaves, leaf{s, map[string]string{name: value}, r.place(0), fromSet})
		default:
			r.text(value, s)
		}
		out.leaves = append(out.leaves, r.leaves...)
		out.problems = append(out.problems, r.problems...)
	}
	return out
}

// findWithOptions is find, except that a key below a free map is the map.
func findWithOptions(key string) *spec {
	if s := root.find(key); s != nil {
		return s
	}
	for _, s := range root.leaves() {
		if s.typ.Kind() == mapKind && strings.HasPrefix(key, s.key+".") {
			return s
		}
	}
	return nil
}

// text reads a value written outside YAML. Text keys take it as it stands
// (a path may hold a colon or begin with an asterisk); others read it as YAML.
func (r *reader) text(value string, s *spec) {
	if s.typ.Kind() == stringKind {
		r.leaves = append(r.leaves, leaf{s, value, r.place(0), r.origin})
		return
	}
	n, err := parseYAML([]byte(value))
	if err != nil || n == nil {
		r.problems = append(r.problems, problem{r.place(0), fmt.Sprintf("%s is %q, but %s is expected", s.key, value, s.expects()), ""})
		return
	}
	r.read(n, s)
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

// connection matches what GDAL opens that is no path of ours: "PG:dbname=x",
// "https://...", "WMTS:...". A Windows drive has one letter.
var connection = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]+:|/vsi|preset:)`)

// inputPaths are the keys that name files to read.
var inputPaths = map[string]bool{
	"data.region.file": true, "data.imagery.path": true, "data.emissions.path": true,
	"data.poi.path": true, "data.poi.categories": true, "data.split.file": true,
	"model.image_weights": true,
}

// resolve makes an input path absolute; see Load.
func (s *sourceText) resolve(l leaf) any {
	path, ok := l.value.(string)
	if !ok || path == "" || !inputPaths[l.spec.key] || connection.MatchString(path) {
		return l.value
	}
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	if l.origin == fromFile || l.origin == fromPreset {
		return filepath.Join(s.dir, path)
	}
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}
