package config

import (
	"fmt"
	"reflect"
	"strings"

	"opencarbon/data"
)

// Key is a line of the reference: one key that an experiment may set.
type Key struct {
	Name    string // dotted, e.g. train.epochs
	Type    string // text, whole number, number, true or false, list of ...
	Default string // as it is written in YAML; empty = not given, or depends (see Meaning)
	Meaning string // the doc comment of the field
	Env     string // environment variable that sets it
}

// Keys lists every key in the order of the config's sections.
func Keys() []Key {
	defaults := Defaults()
	defaults.Data = dataDefaults()
	var out []Key
	for _, s := range root.leaves() {
		typ, _, _ := strings.Cut(strings.TrimPrefix(s.expects(), "a "), ",")
		def := inYAML(lookup(reflect.ValueOf(defaults), s.key))
		if s.key == "data.grid.epsg" {
			def = "" // 0 is not given
		}
		out = append(out, Key{
			Name: s.key, Type: typ, Default: def,
			Meaning: meanings[s.source], Env: variable(s.key),
		})
	}
	return out
}

// dataDefaults asks package data for its defaults, scheme by scheme, and takes
// out what had to be given for that.
func dataDefaults() data.Config {
	var all data.Config
	for _, scheme := range []string{"projected", "degrees", "xyz"} {
		c := data.Config{Grid: data.Grid{Scheme: scheme}, Emissions: data.Emissions{Path: "x", Units: "proxy"}}
		if scheme == "projected" {
			c.Grid.EPSG = 1
		}
		if err := c.Normalize("<name>", ""); err != nil {
			return all // the reference then shows no defaults, and its test says so
		}
		degrees, meters := max(all.Grid.CellDegrees, c.Grid.CellDegrees), max(all.Grid.CellMetres, c.Grid.CellMetres)
		all = c
		all.Grid.CellDegrees, all.Grid.CellMetres = degrees, meters
	}
	all.Emissions.Path, all.Emissions.Units = "", ""
	return all
}

// inYAML writes a value as one would in YAML; zero texts, lists and pointers,
// which mean "not given", are empty.
func inYAML(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Slice:
		items := make([]string, v.Len())
		for i := range items {
			items[i] = inYAML(v.Index(i))
		}
		if len(items) == 0 {
			return ""
		}
		return "[" + strings.Join(items, ", ") + "]"
	case reflect.Map, reflect.Pointer:
		return ""
	case reflect.Float64:
		return fmt.Sprintf("%.4g", v.Float())
	}
	return fmt.Sprint(v.Interface())
}

// Reference is the reference of all keys in Markdown, a table per section. The
// file REFERENCE.md is this text; a test sees to it.
func Reference() string {
	var b strings.Builder
	b.WriteString(referenceHead)
	section := ""
	for _, k := range Keys() {
		at := ""
		if i := strings.LastIndex(k.Name, "."); i >= 0 {
			at = k.Name[:i]
		}
		if at != section || b.Len() == len(referenceHead) {
			section = at
			title := "`" + at + "`"
			if at == "" {
				title = "Top"
			}
			fmt.Fprintf(&b, "\n## %s\n\n| key | type | default | meaning |\n|---|---|---|---|\n", title)
		}
		def := ""
		if k.Default != "" {
			def = "`" + k.Default + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", k.Name, k.Type, def, cell(k.Meaning))
	}
	return b.String()
}

func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;", "\n", " ").Replace(s)
}

const referenceHead = `# Every key of an experiment

This file is made from the program's own doc comments (` + "`go generate ./train/config`" + `).

Values rise in this order: the defaults below, the YAML file or preset, the
environment (` + "`train.epochs`" + ` is ` + "`OPENCARBON_TRAIN_EPOCHS`" + `), ` + "`--set train.epochs=5`" + `.
` + "`--print-config`" + ` shows the result. An unknown key, a value of another type or
out of range is an error that names the line. An empty default means "not
given". Relative paths of inputs start at the YAML file's folder; in presets at
` + "`$OPENCARBON_DATA`" + ` or else the current folder; in the environment and in
` + "`--set`" + ` at the current folder. ` + "`data.store`" + ` and ` + "`output.dir`" + ` are always relative
to the current folder.
`
