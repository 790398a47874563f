package output

import (
	"testing"

	"opencarbon/train/totals"
)

// Every column of the areas is explained, amounts and intervals have a unit, and
// rows are as long as there are columns.
func TestAreaSheet(t *testing.T) {
	p := &Predictions{Unit: "tCO2/yr", Areas: []AreaTotal{{Name: "a", Intervals: []totals.Interval{{Level: 0.9, Low: 1, High: 3}}}, {Name: "b"}}}
	s := p.areaSheet()
	units := map[string]string{"total_tCO2_per_yr": "tCO2/yr", "filled_tCO2_per_yr": "tCO2/yr", "per_km2": "tCO2/yr per km2", "covered_km2": "km2", "low_90": "tCO2/yr", "filled_low_90": "tCO2/yr", "filled_high_90": "tCO2/yr", "factor": ""}
	for _, c := range s.Columns {
		if c.Name == "filled_low_90" && c.Meaning != "lower end of the 90% interval of the filled total, of which only the cells that the inventory lacks are uncertain" {
			t.Errorf("%s is %q", c.Name, c.Meaning)
		}
		if c.Meaning == "" {
			t.Errorf("%s has no meaning", c.Name)
		}
		if want, ok := units[c.Name]; ok && c.Unit != want {
			t.Errorf("%s is in %q", c.Name, c.Unit)
		}
		delete(units, c.Name)
	}
	if len(units) > 0 {
		t.Errorf("no columns %v", units)
	}
	for _, r := range s.Rows {
		if len(r) != len(s.Columns) {
			t.Errorf("%d values in %d columns", len(r), len(s.Columns))
		}
	}
}
