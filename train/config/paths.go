package config

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"opencarbon/data"
	"opencarbon/data/paths"
)

// connection matches what GDAL opens that is no path of ours: "PG:dbname=x",
// "https://...", "WMTS:...". A Windows drive has one letter.
var connection = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]+:|/vsi|preset:)`)

// inputPaths are the keys that name files to read.
var inputPaths = map[string]bool{
	"data.region.file": true, "data.imagery.path": true, "data.imagery.sources": true, "data.emissions.path": true,
	"data.poi.path": true, "data.poi.categories": true, "data.split.file": true, "data.published.dir": true,
	"model.weights": true, "model.image_weights": true, "model.image_features": true,
}

// resolve makes an input path absolute; see Load.
func (s *sourceText) resolve(l leaf) any {
	if list, ok := l.value.([]data.Raster); ok {
		list = slices.Clone(list)
		for i := range list {
			list[i].Path = s.resolvePath(list[i].Path, l.origin)
		}
		return list
	}
	path, ok := l.value.(string)
	if !ok || path == "" || !inputPaths[l.spec.key] || strings.HasPrefix(path, "preset:") {
		return l.value
	}
	return s.resolvePath(path, l.origin)
}

// resolvePath is resolve of a path from a source of that kind.
func (s *sourceText) resolvePath(path string, from origin) string {
	if path == "" {
		return ""
	}
	if strings.HasPrefix(path, "/vsi") || paths.Connection.MatchString(path) {
		base := s.dir
		if from != fromFile && from != fromPreset {
			base = "."
			if here, err := filepath.Abs("."); err == nil {
				base = here
			}
		}
		return paths.Resolve(base, path)
	}
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	if from == fromFile || from == fromPreset {
		return filepath.Join(s.dir, path)
	}
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}
