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
	const path = "../../../shared/data/london/poi.csv"
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
			break
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
	}
	for _, name := range table.Names {
		if points[name] < 30 {
			t.Errorf("category %s has only %d points: %v", name, points[name], points)
		}
	}
}
