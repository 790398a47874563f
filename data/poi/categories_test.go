package poi

import (
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"opencarbon/data/fault"
)

// Match is a raw value's category alone.
func (t *Table) Match(value string) int {
	to, _ := t.match(value)
	return to
}

const exampleTable = `
categories:
  food:
    exact: [cafe, "coffee:bar"]
    prefix: ["coffee:", amenity:]
    regex: ["(?i)restaurant$"]
  transport: [bus_stop, taxi]
  worship:
    prefix: "osm:christian"
    regex: ['^osm:(muslim|jewish)']
  empty: []
ignore:
  exact: [coffee:none]
  prefix: [amenity:waste_]
  regex: [restaurant]
other: rest
`

func TestTablePrecedence(t *testing.T) {
	table, err := ParseTable("t.yaml", []byte(exampleTable))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"food", "transport", "worship", "empty", "rest"}; !slices.Equal(table.Names, want) {
		t.Errorf("names %v, want %v", table.Names, want)
	}
	for value, want := range map[string]int{
		"cafe":                   0,
		" cafe ":                 0,
		"Cafe":                   4, // case matters
		"coffee:bar":             0,
		"coffee:x":               0,
		"coffee:none":            Ignored, // exact before prefix
		"amenity:bench":          0,
		"amenity:waste_basket":   Ignored, // the longer prefix
		"Fast-Food-RESTAURANT":   0,       // the first regular expression in the file
		"restaurants":            Ignored,
		"taxi":                   1,
		"osm:christian_anglican": 2,
		"osm:muslim":             2,
		"":                       4,
		"anything else, e.g. 東京": 4,
	} {
		if got := table.Match(value); got != want {
			t.Errorf("%q: category %d, want %d", value, got, want)
		}
	}
	table, err = ParseTable("t.yaml", []byte("categories: {a: [x], other: [y]}\nother: other\n"))
	if err != nil || !slices.Equal(table.Names, []string{"a", "other"}) || table.Match("z") != 1 || table.Match("y") != 1 {
		t.Errorf("other that is also a category: %v, %v", table, err)
	}
	table, err = ParseTable("t.yaml", []byte("categories: {a: &rules {prefix: [x]}}\nignore: {exact: [xx]}\n"))
	if err != nil || table.Match("q") != Unmapped || table.Match("xx") != Ignored || table.Match("xxx") != 0 {
		t.Errorf("no other: %v, %v", table, err)
	}
}

func TestTableInUse(t *testing.T) {
	points := "lon,lat,category\n10.5,51.5,cafe\n10.5,51.5,pub\n10.5,51.5,pub\n10.5,51.5,zoo\n10.5,51.5,bin\n10.5,51.5,\n99,51.5,never\n"
	table := "categories:\n  sport: [gym]\n  food: [cafe, tea]\nignore: [bin]\n"
	spec := Spec{Path: file(t, "p.csv", points), Categories: file(t, "t.yaml", table)}
	r := read(t, spec, square())
	if !slices.Equal(r.Categories, []string{"sport", "food"}) || !slices.Equal(show(r), []string{"0 food 5 5 1"}) {
		t.Errorf("categories %v, points %v", r.Categories, show(r))
	}
	rep := r.Report
	if want := []ValueCount{{"pub", 2}, {"", 1}, {"zoo", 1}}; !reflect.DeepEqual(rep.UnmappedValues, want) || rep.Unmapped != 4 || rep.Ignored != 1 || rep.Outside != 1 {
		t.Errorf("report %+v", rep)
	}
	if want := []ValueCount{{"sport", 0}, {"food", 1}}; !reflect.DeepEqual(rep.PerCategory, want) {
		t.Errorf("per category %v", rep.PerCategory)
	}
	spec.Categories = file(t, "t.yaml", table+"other: other\n")
	if r = read(t, spec, square()); r.Report.Unmapped != 0 || r.Report.PerCategory[2] != (ValueCount{"other", 4}) {
		t.Errorf("with other: %+v", r.Report)
	}
}

func TestBadTables(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "no key categories"},
		{"not a mapping", "- a\n- b\n", "no key categories"},
		{"not YAML", "categories: [a\n", "not valid YAML"},
		{"tabs", "categories:\n\ta: [x]\n", "not valid YAML"},
		{"misspelt key", "category: {a: [x]}\n", `line 1: unknown key "category"`},
		{"misspelt rule", "categories:\n  a:\n    prefixes: [x]\n", `line 3: unknown key "prefixes"`},
		{"no categories", "categories: {}\n", "names none"},
		{"categories a list", "categories: [a, b]\n", "names none"},
		{"only ignore", "ignore: [x]\n", "categories is missing"},
		{"category twice", "categories:\n  a: [x]\n  a: [y]\n", `category "a" is empty or listed twice`},
		{"category without name", "categories:\n  \"\": [x]\n", "is empty or listed twice"},
		{"value twice", "categories:\n  a: [x]\n  b: [x]\n", `line 3: value "x" is listed twice`},
		{"value in ignore too", "categories:\n  a: [x]\nignore: [x]\n", `value "x" is listed twice`},
		{"prefix twice", "categories:\n  a: {prefix: [x]}\n  b: {prefix: [x]}\n", `prefix "x" is listed twice`},
		{"empty prefix", "categories:\n  a: {prefix: ['']}\n", "empty prefix"},
		{"bad regular expression", "categories:\n  a: {regex: ['(x']}\n", `line 2: regular expression "(x"`},
		{"rules a text", "categories:\n  a: x\n", "expected a list"},
		{"rules nothing", "categories:\n  a:\n", "expected a list"},
		{"nested list", "categories:\n  a: [[x]]\n", "expected a text"},
		{"nested rules", "categories:\n  a: {exact: {b: c}}\n", "expected a list of texts"},
		{"other empty", "categories: {a: [x]}\nother:\n", "expected a text"},
		{"other a list", "categories: {a: [x]}\nother: [b]\n", "expected a text"},
		{"key twice", "categories: {a: [x]}\nignore: [b]\nignore: [c]\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := file(t, "table.yaml", c.text)
			_, err := LoadTable(path)
			if !fault.IsInput(err) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	for _, path := range []string{filepath.Join(t.TempDir(), "absent.yaml"), t.TempDir()} {
		if _, err := LoadTable(path); !fault.IsInput(err) || !strings.Contains(err.Error(), "data.poi.categories") {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// FuzzTable: no text makes the parser or a match panic, and a table that is
// accepted has names and gives numbers within them.
func FuzzTable(f *testing.F) {
	f.Add([]byte(exampleTable), "coffee:x")
	f.Add([]byte("categories: {a: &x [b], c: *x}"), "b")
	f.Add([]byte("categories:\n  a: {regex: '(.*)+$'}\nother: a"), "aaaa")
	f.Fuzz(func(t *testing.T, text []byte, value string) {
		table, err := ParseTable("t.yaml", text)
		if err != nil {
			if !fault.IsInput(err) {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		if m := table.Match(value); m < Ignored || m >= len(table.Names) {
			t.Fatalf("category %d of %d", m, len(table.Names))
		}
	})
}
