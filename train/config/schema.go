package config

import (
	"reflect"
	"sort"
	"strings"
)

// spec is one key of the configuration, read off the Go structs so that the
// structs stay the only list of keys.
type spec struct {
	key      string // dotted, e.g. "train.epochs"; "" at the root
	source   string // the Go field, e.g. "config.Train.Epochs"
	typ      reflect.Type
	children map[string]*spec // nil for a leaf
	order    []string         // children's names as declared
}

// root is the schema of Config.
var root = newSpec("", reflect.TypeOf(Config{}))

func newSpec(key string, t reflect.Type) *spec {
	s := &spec{key: key, typ: t}
	if t.Kind() != reflect.Struct {
		return s
	}
	s.children = map[string]*spec{}
	for i := range t.NumField() {
		name := t.Field(i).Tag.Get("mapstructure")
		s.order = append(s.order, name)
		s.children[name] = newSpec(join(key, name), t.Field(i).Type)
		s.children[name].source = t.String() + "." + t.Field(i).Name
	}
	return s
}

func join(parent, name string) string {
	if parent == "" {
		return name
	}
	return parent + "." + name
}

// leaves lists all leaf keys in the order of declaration.
func (s *spec) leaves() []*spec {
	if s.children == nil {
		return []*spec{s}
	}
	var out []*spec
	for _, name := range s.order {
		out = append(out, s.children[name].leaves()...)
	}
	return out
}

// find returns the spec of a dotted key, or nil.
func (s *spec) find(key string) *spec {
	for _, name := range strings.Split(key, ".") {
		if s = s.children[name]; s == nil {
			return nil
		}
	}
	return s
}

// expects is the type as a person says it.
func (s *spec) expects() string {
	switch t := s.typ; t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Float64, reflect.Pointer:
		return "a number"
	case reflect.Bool:
		return "true or false"
	case reflect.Map:
		return "a section of name: text"
	case reflect.Slice:
		if t == bandsType {
			return "a list of band numbers or names, e.g. [3, 2, 1], or the word all"
		}
		switch t.Elem().Kind() {
		case reflect.Int:
			return "a list of whole numbers, e.g. [3, 2, 1]"
		case reflect.Float64:
			return "a list of numbers, e.g. [0.6, 0.2, 0.2]"
		case reflect.Struct:
			return "a list of sections, [{" + strings.Join(newSpec("", t.Elem()).order, ": ..., ") + ": ...}]"
		}
		return "a list of texts, e.g. [a, b]"
	}
	return "a section (" + strings.Join(s.order, ", ") + ")"
}

// elsewhere are names that papers and other programs have for our keys.
var elsewhere = map[string]string{
	"contrastive.warmup_epochs": "train.contrastive_warmup_epochs", "lr": "train.learning_rate", "batch": "train.batch_size",
	"tau": "model.temperature", "image_size": "data.imagery.size", "pretrained": "model.image_weights",
	"grad_clip": "train.clip_norm", "amp": "train.precision", "backbone": "model.image_weights",
}

// nearest finds the valid key that a person most likely meant by key, or "".
// It compares whole dotted keys, and last names too, so that `epochs` at the
// top finds train.epochs.
func nearest(key string) string {
	var all []*spec
	var walk func(*spec)
	walk = func(s *spec) {
		if s.key != "" {
			all = append(all, s)
		}
		for _, n := range s.order {
			walk(s.children[n])
		}
	}
	walk(root)

	key = strings.ToLower(key)
	last := key[strings.LastIndex(key, ".")+1:]
	for _, name := range []string{key, last} {
		if ours, ok := elsewhere[name]; ok {
			return ours
		}
	}
	type scored struct {
		key  string
		cost int
	}
	var found []scored
	for _, s := range all {
		tail := s.key[strings.LastIndex(s.key, ".")+1:]
		cost := min(distance(key, s.key), distance(last, tail)+1)
		// A name that is more than a third wrong is another name.
		if cost <= max(1, len(tail)/3)+1 && cost < len(last) {
			found = append(found, scored{s.key, cost})
		}
	}
	sort.SliceStable(found, func(i, j int) bool { return found[i].cost < found[j].cost })
	if len(found) == 0 {
		return ""
	}
	return found[0].key
}

// distance is the Damerau-Levenshtein distance in the restricted form (optimal
// string alignment): insertions, deletions, changes and swaps of neighbors.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	d := make([][]int, len(x)+1)
	for i := range d {
		d[i] = make([]int, len(y)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(x); i++ {
		for j := 1; j <= len(y); j++ {
			change := 1
			if x[i-1] == y[j-1] {
				change = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+change)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(x)][len(y)]
}
