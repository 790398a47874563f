package report

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opencarbon/data/fault"
)

const areaText = `name,rank,cells,km2,covered_km2,total_tCO2_per_yr,per_km2,share,raw_tCO2_per_yr,corrected_tCO2_per_yr,known_tCO2_per_yr,factor,low_90,high_90
"<b>South</b>",2,5,10,9.5,1000,105.2,0.25,500,1000,,,700,1500
Far,0,0,10,0,0,,0,0,0,,,,
North,1,9,20,20,3000,150,0.75,1500,3000,,,2000,4500
`

// The table of areas is sorted by rank, without areas outside the region; names
// are text.
func TestAreas(t *testing.T) {
	dir := run(t)
	if err := os.Mkdir(filepath.Join(dir, "map"), 0o777); err != nil {
		t.Fatal(err)
	}
	table := filepath.Join(dir, "map", areaTable)
	if err := os.WriteFile(table, []byte(areaText), 0o666); err != nil {
		t.Fatal(err)
	}
	page := write(t, Options{Run: dir})
	north, south := strings.Index(page, "<td>North</td>"), strings.Index(page, "<td>&lt;b&gt;South&lt;/b&gt;</td>")
	if north < 0 || south < north || strings.Contains(page, "<td>Far</td>") {
		t.Errorf("North at %d, South at %d", north, south)
	}
	for _, want := range []string{"<td>75.0 %</td>", "2,000 to 4,500", "<td>3,000</td>"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q", want)
		}
	}
	if strings.Contains(page, "<th>factor</th></tr></thead>\n<tbody>\n<tr><td>North") {
		t.Error("a column of factors without any")
	}
	for _, bad := range []string{"", "name,rank\nA,1\n", strings.Replace(areaText, "North,1", "North,9", 1)} {
		if err := os.WriteFile(table, []byte(bad), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := Write(Options{Run: dir}); !fault.IsInput(err) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
