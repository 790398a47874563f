package ablation

import (
	"slices"
	"strings"
	"testing"

	"opencarbon/train/metrics"
)

// The bars are R2, and the table has each score under its name.
func TestScoresStandUnderTheirNames(t *testing.T) {
	var scores []Score
	for seed, r2 := range []float64{0.25, 0.5} {
		scores = append(scores, Score{Variant: "full", Seed: int64(seed), Splits: []metrics.SplitScores{
			{Name: "train", Ln: metrics.Scores{R2: 0.99, MAE: 0.01, RMSE: 0.02}},
			{Name: "test", Ln: metrics.Scores{N: 5, R2: r2, MAE: r2 + 1, RMSE: r2 + 2}}}})
	}
	rows := Summarize(scores)
	d := barsOf(rows, 2)
	if !strings.HasPrefix(d.Y, "R2") || len(d.Sets) != 1 || !slices.Equal(d.Sets[0].Values, []float64{0.375}) || !slices.Equal(d.Groups, []string{"full"}) {
		t.Errorf("%+v", d)
	}
	var b strings.Builder
	if err := Table(&b, rows); err != nil {
		t.Fatal(err)
	}
	var head []string
	for _, line := range strings.Split(b.String(), "\n") {
		cells := strings.Split(line, "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if slices.ContainsFunc(cells, func(c string) bool { return strings.HasPrefix(c, "MAE") }) {
			head = cells
		}
		if len(cells) > 1 && cells[1] == "full" {
			for name, want := range map[string]float64{"R2": 0.375, "MAE": 1.375, "RMSE": 2.375} {
				i := slices.IndexFunc(head, func(c string) bool { return strings.Contains(c, name) })
				if i < 0 || !strings.HasPrefix(cells[i], metrics.Number(want)+" ±") {
					t.Errorf("%s is not %g in %q", name, want, line)
				}
			}
			return
		}
	}
	t.Errorf("no row in\n%s", b.String())
}
