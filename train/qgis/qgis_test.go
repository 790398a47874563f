package qgis

import (
	"encoding/xml"
	"fmt"
	"math"
	"strings"
	"testing"
)

func TestSteps(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   string
	}{
		{[]float64{150, 900, math.NaN(), 0, -5}, "[100 200 500 1000]"},
		{[]float64{100, 1000}, "[100 200 500 1000]"},
		{[]float64{0.003, 0.004}, "[0.002 0.005]"},
		{[]float64{7}, "[5 10]"},
		{[]float64{10}, "[10 20]"},
		{[]float64{3, 4e6}, "[1 10 100 1000 10000 100000 1e+06 1e+07]"},
		{[]float64{0, math.Inf(1)}, "[]"},
	} {
		if got := fmt.Sprint(Steps(c.values)); got != c.want {
			t.Errorf("%v: %s, want %s", c.values, got, c.want)
		}
	}
}

// walk parses a document and counts elements; attributes of the first range or
// item are returned.
func walk(t *testing.T, doc, element string) (n int, first map[string]string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(doc))
	for {
		token, err := d.Token()
		if token == nil {
			return n, first
		}
		if err != nil {
			t.Fatal(err)
		}
		if s, ok := token.(xml.StartElement); ok && s.Name.Local == element {
			if n++; n == 1 {
				first = map[string]string{}
				for _, a := range s.Attr {
					first[a.Name.Local] = a.Value
				}
			}
		}
	}
}

// The documents are well-formed, have a color for each step or class from dark to
// light, and legends with the unit, whatever is in it.
func TestDocuments(t *testing.T) {
	steps := []float64{100, 200, 500, 1000}
	unit := `t<"&'`
	n, first := walk(t, Raster(steps, unit), "item")
	if n != 4 || first["value"] != "100" || first["label"] != "100 "+unit || first["color"] != "#440154" {
		t.Errorf("%d items, the first %v", n, first)
	}
	if _, r := walk(t, Raster(steps, unit), "rasterrenderer"); r["band"] != "1" || r["type"] != "singlebandpseudocolor" {
		t.Errorf("renderer %v", r)
	}
	doc := Polygons("per & km2", steps, unit, true)
	n, first = walk(t, doc, "range")
	if n != 3 || first["lower"] != "100" || first["upper"] != "200" || first["label"] != "100 to 200 "+unit {
		t.Errorf("%d ranges, the first %v", n, first)
	}
	if m, _ := walk(t, doc, "symbol"); m != n {
		t.Errorf("%d symbols for %d ranges", m, n)
	}
	if _, r := walk(t, doc, "renderer-v2"); r["attr"] != "per & km2" {
		t.Errorf("renderer %v", r)
	}
	if Raster(nil, "") != "" || Polygons("a", steps[:1], "", false) != "" {
		t.Error("a style without steps")
	}
}
