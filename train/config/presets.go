package config

import (
	"embed"
	"strings"
)

// The presets are embedded, so that a built binary has them anywhere.
//
//go:embed presets/*.yaml presets/published/*.yaml presets/rivals/*.yaml
var presetFiles embed.FS

// presets in the order in which a newcomer should meet them.
var presets = []string{"demo", "tokyo", "london", "shenzhen", "shenzhen-hongkong", "beijing", "yinchuan"}

// PresetNames lists the names that --config understands without a file.
func PresetNames() []string { return append([]string(nil), presets...) }

// Preset returns the YAML text of a preset by name, without ".yaml".
func Preset(name string) ([]byte, bool) {
	if name == "" || strings.ContainsAny(name, `/\`) {
		return nil, false
	}
	text, err := presetFiles.ReadFile("presets/" + name + ".yaml")
	return text, err == nil
}
