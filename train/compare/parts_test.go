package compare

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/train/method"
)

// Scores within an area are those of its cells alone, as cells.csv gives them; the
// largest emitters can be left out.
func TestParts(t *testing.T) {
	s := city(t, 144)
	d := method.New(s)
	west, north := math.Inf(1), math.Inf(-1)
	east, south := math.Inf(-1), math.Inf(1)
	for i := range d.Ln {
		lon, lat := s.LonLat()[2*i], s.LonLat()[2*i+1]
		west, east, south, north = min(west, lon), max(east, lon), min(south, lat), max(north, lat)
	}
	middle := (west + east) / 2
	file := filepath.Join(t.TempDir(), "areas.geojson")
	text := fmt.Sprintf(`{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"name":"深圳"},"geometry":{"type":"Polygon","coordinates":[[[%[1]f,%[3]f],[%[2]f,%[3]f],[%[2]f,%[4]f],[%[1]f,%[4]f],[%[1]f,%[3]f]]]}}]}`,
		west-0.1, middle, south-0.1, north+0.1)
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	entries := []Entry{{Name: "near", Key: "1", Method: guess{t, 0.4, new(int), nil}}, {Name: "mean", Key: "mean", Method: mean{}, Fixed: true}}
	o := Options{Seeds: 1, Folds: 4, Block: 3, Out: t.TempDir(), Report: new(bytes.Buffer), Parts: PartOptions{Areas: file, Field: "name", WithoutTop: 3}}
	table, err := Run(context.Background(), s, entries, o)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(o.Out, "cells.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) != 145 || strings.Join(rows[0][:6], " ") != "cell lon lat fold ln_true ln_near" {
		t.Fatalf("%d rows, %v, %v", len(rows), rows[0], err)
	}
	number := func(text string) float64 {
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	within := map[string]Part{}
	for _, p := range table.Parts {
		within[p.Name] = p
	}
	for name, in := range map[string]func(lon float64) bool{"深圳": func(lon float64) bool { return lon < middle }, "elsewhere": func(lon float64) bool { return lon > middle }} {
		var n, sum, squares, total float64
		for _, r := range rows[1:] {
			if in(number(r[1])) {
				n, sum = n+1, sum+number(r[4])
			}
		}
		for _, r := range rows[1:] {
			if in(number(r[1])) {
				y, p := number(r[4]), number(r[5])
				squares, total = squares+(y-p)*(y-p), total+(y-sum/n)*(y-sum/n)
			}
		}
		p := within[name]
		if p.Cells != int(n) || p.R2[0] == nil || math.Abs(*p.R2[0]-(1-squares/total)) > 1e-4 {
			t.Errorf("%s: %+v, want %v over %v cells", name, p, 1-squares/total, n)
		}
	}
	if p := within["without the 3 largest"]; p.Cells != 141 {
		t.Errorf("%+v", p)
	}
	var text2 bytes.Buffer
	table.Markdown(&text2)
	if !strings.Contains(text2.String(), "深圳 (") || !strings.Contains(text2.String(), "elsewhere (") {
		t.Error(text2.String())
	}
	for want, bad := range map[string]PartOptions{"--areas": {Field: "name"}, "leaves none": {WithoutTop: 144}, "below 0": {WithoutTop: -1}, "no such": {Areas: "nowhere.geojson", Field: "name"}} {
		o.Parts = bad
		if _, err := Run(context.Background(), s, entries, o); !fault.IsInput(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v; want %s", bad, err, want)
		}
	}
}
