package poi

import (
	"slices"
	"strings"

	"opencarbon/data/label"
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

// osmLand are the values of landuse that preset:osm takes: ground where people
// work, trade or live. Forests and meadows are no points of interest.
var osmLand = []string{"industrial", "commercial", "retail", "quarry", "depot", "port", "landfill", "construction", "farmyard", "greenhouse_horticulture",
	"railway", "religious", "cemetery", "education", "institutional", "military", "residential", "allotments"}

// osmPreset is the category table that knows OpenStreetMap's tags.
const osmPreset = tablePrefix + "osm"

// tagRule says which of an object's tags is its category.
type tagRule struct {
	asked []string // keys that the configuration asks for, the first that is there counts; none: osmKeys
	land  bool     // landuse too, and the area of a city is what it is used for
}

// newTagRule reads data.poi.columns.category: one key, or several.
func newTagRule(spec Spec) tagRule {
	return tagRule{asked: tagNames(spec.Columns.Category), land: spec.Categories == osmPreset}
}

// tagNames are the keys in a text such as "amenity, shop, office".
func tagNames(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(", +;", r) })
}

// category is "key:value" of the tag that counts; false where there is none.
func (r tagRule) category(tags map[string]string) (string, bool) {
	if len(r.asked) == 1 {
		v, ok := tags[r.asked[0]]
		return r.asked[0] + ":" + v, ok
	}
	keys := r.asked
	if len(keys) == 0 {
		keys = osmKeys
	}
	for _, key := range keys {
		if v, ok := tags[key]; ok && v != "" && v != "no" {
			return key + ":" + v, true
		}
	}
	if len(r.asked) > 0 {
		return "", false
	}
	if v := tags["highway"]; slices.Contains(osmHighways, v) {
		return "highway:" + v, true
	}
	if v := tags["landuse"]; r.land && slices.Contains(osmLand, v) {
		return "landuse:" + v, true
	}
	return "", false
}

// keys are those of all tags that category looks at.
func (r tagRule) keys() map[string]bool {
	list := r.asked
	if len(list) == 0 {
		list = append(slices.Clone(osmKeys), "highway")
		if r.land {
			list = append(list, "landuse")
		}
	}
	keys := map[string]bool{}
	for _, key := range list {
		keys[key] = true
	}
	return keys
}

// tagsOf are the tags of an object as OGR gives them: some as fields, the rest in
// other_tags.
func tagsOf(f *raster.Feature, fields []string) map[string]string {
	tags := map[string]string{}
	for _, name := range fields {
		if v, ok := f.Text(name); ok && name != "other_tags" {
			tags[name] = v
		}
	}
	if v, ok := f.Text("other_tags"); ok {
		parseTags(v, tags)
	}
	return tags
}

// tagColumns are the columns of a table that hold tags, one key each: those that
// the configuration lists, or with preset:osm all that there are. nil where the
// category is one column of its own.
func tagColumns(spec Spec, names []string) ([]int, error) {
	find := func(key string) int {
		return slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(label.Of(n), key) })
	}
	asked := tagNames(spec.Columns.Category)
	if find(label.Of(spec.Columns.Category)) >= 0 || len(asked) == 1 {
		return nil, nil
	}
	var list []int
	for _, key := range asked {
		i := find(key)
		if i < 0 {
			_, err := findColumn(spec.Path, "category", key, nil, names, true)
			return nil, err
		}
		list = append(list, i)
	}
	if len(asked) > 1 || spec.Categories != osmPreset {
		return list, nil
	}
	for _, key := range append(slices.Clone(osmKeys), "highway", "landuse", "other_tags") {
		if i := find(key); i >= 0 {
			list = append(list, i)
		}
	}
	return list, nil
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
