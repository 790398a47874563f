package poi

import (
	"slices"
	"strings"

	"opencarbon/data/raster"
)

// osmKeys are the OpenStreetMap keys that make an object a point of interest,
// the most telling first; the first that an object has gives its category,
// "key:value" (wiki.openstreetmap.org, Map features). Objects with none of
// them, the vertices of roads above all, are no points of interest.
var osmKeys = []string{"amenity", "shop", "office", "tourism", "leisure", "healthcare", "craft", "industrial", "public_transport",
	"railway", "aeroway", "historic", "sport", "emergency", "man_made", "power"}

// osmHighways are the values of highway, otherwise the key of roads and their
// furniture, that are points of interest.
var osmHighways = []string{"bus_stop", "services", "rest_area"}

// osmCategory is the category of an OpenStreetMap object, or of the one key that
// the configuration asks for.
func osmCategory(f *raster.Feature, fields []string, asked string) (string, bool) {
	tags := map[string]string{}
	for _, name := range fields {
		if v, ok := f.Text(name); ok && name != "other_tags" {
			tags[name] = v
		}
	}
	if v, ok := f.Text("other_tags"); ok {
		parseTags(v, tags)
	}
	if asked != "" {
		v, ok := tags[asked]
		return asked + ":" + v, ok
	}
	for _, key := range osmKeys {
		if v, ok := tags[key]; ok && v != "no" {
			return key + ":" + v, true
		}
	}
	if v := tags["highway"]; slices.Contains(osmHighways, v) {
		return "highway:" + v, true
	}
	return "", false
}

// parseTags reads OGR's rendering of tags, "key"=>"value","key"=>"value" with
// backslashes before quotes and backslashes (PostgreSQL's hstore).
func parseTags(s string, tags map[string]string) {
	for {
		key, rest, ok := quotedText(s)
		if !ok || !strings.HasPrefix(rest, "=>") {
			return
		}
		value, rest, ok := quotedText(rest[2:])
		if !ok {
			return
		}
		tags[key] = value
		s = strings.TrimPrefix(rest, ",")
	}
}

// quotedText takes one quoted text from the front of s.
func quotedText(s string) (text, rest string, ok bool) {
	if len(s) == 0 || s[0] != '"' {
		return "", s, false
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:], true
		case '\\':
			if i++; i == len(s) {
				return "", s, false
			}
		}
		b.WriteByte(s[i])
	}
	return "", s, false
}
