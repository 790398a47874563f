package compare

import (
	"slices"
	"strings"
	"testing"

	"opencarbon/train/metrics"
)

// The bars are R2, and the table has each score under its name.
func TestScoresStandUnderTheirNames(t *testing.T) {
	table := &Table{Region: "x"}
	for k, r2 := range []float64{0.3125, 0.4375} {
		table.Rows = append(table.Rows, Row{Name: []string{"a", "b"}[k], N: 3,
			Mean: Spread{R2: r2, MAE: r2 + 0.2, RMSE: r2 + 0.4}, SD: Spread{R2: 0.01, MAE: 0.02, RMSE: 0.03}})
	}
	d := table.bars()
	if !strings.HasPrefix(d.Y, "R2") || len(d.Sets) != 1 || d.Sets[0].Name != "R2" || !slices.Equal(d.Sets[0].Values, []float64{0.3125, 0.4375}) ||
		!slices.Equal(d.Sets[0].Errors, []float64{0.01, 0.01}) || !slices.Equal(d.Groups, []string{"a", "b"}) {
		t.Errorf("%+v", d)
	}
	var b strings.Builder
	table.Markdown(&b)
	var head []string
	for _, line := range strings.Split(b.String(), "\n") {
		cells := strings.Split(line, "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if slices.Contains(cells, "MAE") {
			head = cells
		}
		if len(cells) > 1 && cells[1] == "b" {
			for name, want := range map[string]float64{"R2": 0.4375, "MAE": 0.6375, "RMSE": 0.8375} {
				if i := slices.Index(head, name); i < 0 || !strings.HasPrefix(cells[i], metrics.Number(want)+" ±") {
					t.Errorf("%s is not %g in %q", name, want, line)
				}
			}
			return
		}
	}
	t.Errorf("no row in\n%s", b.String())
}
