package config

import "fmt"

// publishedKey is the section whose folder can be given in its place
// (data.published: DIR).
const publishedKey = "data.published"

// publishedPreset is what a preset says otherwise for the published dataset of
// its city than for raw data, once one of the layers names that dataset.
func publishedPreset(src *sourceText, layers ...[]leaf) []leaf {
	given := false
	for _, layer := range layers {
		for _, l := range layer {
			given = given || l.spec.key == publishedKey+".dir" && l.value != ""
		}
	}
	if !given || src.origin != fromPreset {
		return nil
	}
	text, err := presetFiles.ReadFile("presets/published/" + src.name + ".yaml")
	if err != nil {
		return nil // nothing is otherwise
	}
	r := &reader{origin: fromPreset, place: func(line int) string {
		return fmt.Sprintf("%s for published data, line %d", src.label, line)
	}}
	if node, err := parseYAML(text); err == nil {
		r.read(node, root)
	}
	return r.leaves
}
