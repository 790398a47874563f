package poi

import (
	"encoding/csv"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"opencarbon/data/fault"
)

func TestEmbeddedTables(t *testing.T) {
	for _, name := range tableNames() {
		if _, err := LoadTable(tablePrefix + name); err != nil {
			t.Error(err)
		}
	}
	for _, path := range []string{"preset:", "preset:nowhere", "preset:../poi"} {
		if _, err := LoadTable(path); !fault.IsInput(err) || !strings.Contains(err.Error(), "preset:london") {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// The London table knows every point of the real file, each by the group that a
// person would put it in.
func TestLondonTable(t *testing.T) {
	table, err := LoadTable("preset:london")
	if err != nil {
		t.Fatal(err)
	}
	for raw, want := range map[string]string{
		"coffee:Cafe": "cafe", "nightlife:Pub": "nightlife", "osm:christian_anglican": "worship", "osm:muslim": "worship", "osm:bus_stop": "bus",
		"osm:parking_multistorey": "parking", "school:Primary": "school", "hospital": "hospital", "osm:weir": "water", "osm:fuel": "fuel",
	} {
		if at := table.Match(raw); at < 0 || table.Names[at] != want {
			t.Errorf("%s belongs to %s, not %d", raw, want, at)
		}
	}
	points := tablePoints(t, table, "../../../shared/data/london/poi.csv", func(string, string) {})
	for _, name := range table.Names {
		if points[name] < 30 {
			t.Errorf("category %s has only %d points: %v", name, points[name], points)
		}
	}
}

// The Shenzhen table knows every value of the real file by name; what is not
// known there counts as other, which is most of the points.
func TestShenzhenTable(t *testing.T) {
	table, err := LoadTable("preset:shenzhen")
	if err != nil {
		t.Fatal(err)
	}
	for raw, want := range map[string]string{
		"restaurant": "food", "parking_space": "parking", "kindergarten": "education", "school gate": "education", "bus_station": "transport", "pub": "nightlife",
		"place_of_worship": "worship", "other": "other", "anything new": "other", "": "other",
	} {
		if at := table.Match(raw); at < 0 || table.Names[at] != want {
			t.Errorf("%s belongs to %s, not %d", raw, want, at)
		}
	}
	points := tablePoints(t, table, "../../../shared/data/shenzhen/poi.csv", func(raw, category string) {
		if category == "other" && raw != "other" {
			t.Errorf("%q is not in the table", raw)
		}
	})
	for _, name := range table.Names {
		if points[name] < 50 {
			t.Errorf("category %s has only %d points", name, points[name])
		}
	}
	if len(table.Names) != 16 || points["other"] != 41059 {
		t.Errorf("%d categories: %v", len(table.Names), points)
	}
}

// tablePoints counts the points of a CSV with the columns lon, lat, category by
// the table's categories, and shows each value; the test is skipped without the
// file.
func tablePoints(t *testing.T, table *Table, path string, see func(raw, category string)) map[string]int {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Skipf("no real data: %s", path)
	}
	defer f.Close()
	r := csv.NewReader(f)
	points := map[string]int{}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return points
		}
		if err != nil {
			t.Fatal(err)
		}
		if row[2] == "category" {
			continue
		}
		at := table.Match(row[2])
		if at < 0 {
			t.Fatalf("%q is in no category", row[2])
		}
		points[table.Names[at]]++
		see(row[2], table.Names[at])
	}
}
