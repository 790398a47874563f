package config

import (
	"fmt"
	"strings"

	"opencarbon/data/fault"
)

// Parse reads a whole config as YAML wrote it, out of a checkpoint or a run
// folder: neither the environment nor overrides change it. label names the
// text in messages.
func Parse(text []byte, label string) (*Config, error) {
	src := &sourceText{label: label, name: "experiment", text: text, origin: fromFile, dir: "/"}
	node, err := parseYAML(text)
	if err != nil {
		return nil, fault.New(label, "not valid YAML: "+strings.TrimPrefix(err.Error(), "yaml: "), "The text was changed; restore it.")
	}
	r := &reader{origin: fromFile, place: func(line int) string { return fmt.Sprintf("%s, line %d", label, line) }}
	if node != nil {
		r.read(node, root)
	}
	if len(r.problems) > 0 {
		return nil, asFault(label, r.problems)
	}
	return assemble(src, r.leaves)
}
