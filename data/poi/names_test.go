package poi

import (
	"reflect"
	"strings"
	"testing"
)

// Names that look the same are the same: accents composed and not, blanks of
// every width, codes that were kept as floating-point numbers.
func TestNamesThatLookTheSame(t *testing.T) {
	rows := "10.05,51.55,caf\u00e9\n10.05,51.55,cafe\u0301\n10.05,51.55,\u3000caf\u00e9\u200b\n10.05,51.55,3\n10.05,51.55,3.0\n"
	want := []string{"0 3 4 0 2", "0 caf\u00e9 4 0 3"}
	text := "lon,lat,category\n" + rows
	for name, spec := range map[string]Spec{
		"raw values":          {},
		"a table, composed":   {Categories: file(t, "t.yaml", "categories:\n  3: [3]\n  caf\u00e9: [caf\u00e9]\n")},
		"a table, decomposed": {Categories: file(t, "t.yaml", "categories:\n  3: [3.0]\n  cafe\u0301: [cafe\u0301]\n")},
		"a table of prefixes": {Categories: file(t, "t.yaml", "categories:\n  3: {prefix: [3]}\n  caf\u00e9: {prefix: [cafe\u0301]}\n")},
	} {
		spec.Path = file(t, "p.csv", text)
		if got := show(read(t, spec, square())); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	// Columns are named in the configuration, in its own way of writing.
	head := strings.Replace(text, "category", "cate\u0301gorie", 1)
	if got := show(read(t, Spec{Path: file(t, "p.csv", head), Columns: Columns{Category: "cat\u00e9gorie"}}, square())); !reflect.DeepEqual(got, want) {
		t.Errorf("column: got %q", got)
	}
}

// Categories that a vector file keeps as numbers.
func TestCodesAsNumbers(t *testing.T) {
	var features []string
	for _, code := range []string{"110101001.0", "110101001", "110101003.5"} {
		features = append(features, `{"type":"Feature","properties":{"type":`+code+`},"geometry":{"type":"Point","coordinates":[10.05,51.55]}}`)
	}
	text := `{"type":"FeatureCollection","features":[` + strings.Join(features, ",") + `]}`
	want := []string{"0 110101001 4 0 2", "0 110101003.5 4 0 1"}
	if got := show(read(t, Spec{Path: file(t, "p.geojson", text)}, square())); !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
