package rank

import (
	"encoding/csv"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"opencarbon/data/fault"
)

func TestBlocks(t *testing.T) {
	got, err := Blocks([]int64{0, 1, 2, -1, -2, 3, 0}, []int64{0, 1, 0, 0, 1, 1, 2}, 2)
	if err != nil || !slices.Equal(got, []int{0, 0, 1, 2, 2, 1, 3}) {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := Blocks(nil, nil, 0); !fault.IsInput(err) {
		t.Error(err)
	}
	if _, err := Blocks(make([]int64, 2), nil, 4); err == nil {
		t.Error("two columns, no rows")
	}
}

// Two regions; a model that says the same of every cell has no correlations.
func matrix(t *testing.T) *Matrix {
	t.Helper()
	p, y, blocks := city(200, 10, 3)
	c := Bootstrap{Draws: 100}
	var pairs []Pair
	for _, target := range []string{"west", "east"} {
		good, err := Compare("east", target, p, y, blocks, c)
		if err != nil {
			t.Fatal(err)
		}
		flat, err := Compare("west", target, make([]float64, 200), y, blocks, c)
		if err != nil {
			t.Fatal(err)
		}
		pairs = append(pairs, flat, good)
	}
	m, err := NewMatrix([]string{"west", "east"}, pairs)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMatrix(t *testing.T) {
	m := matrix(t)
	if p := m.At(1, 0); p.Source != "east" || p.Target != "west" || !p.Spearman.Defined || !p.Kendall.Defined || !p.MonotoneR2.Defined || !p.MonotoneR2Blocks.Defined || !p.SpearmanInterval.Defined {
		t.Errorf("%+v", p)
	}
	if p := m.At(0, 1); p.Source != "west" || p.Spearman.Defined {
		t.Errorf("%+v", p)
	}
	mean, skipped := m.OffDiagonalMean()
	if !mean.Defined || mean.N != 1 || skipped != 1 || mean.Value != m.At(1, 0).Spearman.Value {
		t.Errorf("%+v, %d", mean, skipped)
	}
	text, err := json.Marshal(m)
	if err != nil || !strings.Contains(string(text), `"undefined":"all 200 predictions are equal"`) {
		t.Errorf("%s, %v", text, err)
	}
	var b strings.Builder
	if err := m.WriteCSV(&b); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(b.String())).ReadAll()
	if err != nil || len(rows) != 5 || strings.Contains(b.String(), "NaN") {
		t.Fatalf("%s, %v", b.String(), err)
	}
	if rows[1][3] != "" || rows[1][13] != "all 200 predictions are equal" || rows[3][3] == "" || rows[3][13] != "" || rows[3][8] != "20" {
		t.Errorf("%q", rows)
	}

	lone := &Matrix{Regions: []string{"a"}, Pairs: make([]Pair, 1)}
	if mean, skipped := lone.OffDiagonalMean(); mean.Defined || skipped != 0 || mean.Why == "" {
		t.Errorf("%+v", mean)
	}
}

func TestMatrixMistakes(t *testing.T) {
	m := matrix(t)
	for _, c := range []struct {
		regions []string
		pairs   []Pair
		want    string
	}{
		{m.Regions, m.Pairs[:3], "pair east -> east is missing"},
		{m.Regions, append(slices.Clone(m.Pairs), m.Pairs[1]), "pair west -> east comes twice"},
		{[]string{"west", "west"}, m.Pairs, "region west comes twice"},
		{[]string{"west", "north"}, m.Pairs, "of no such regions"},
	} {
		if _, err := NewMatrix(c.regions, c.pairs); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
	if _, err := Compare("a", "b", []float64{1, math.NaN(), 2}, []float64{1, 2, 3}, []int{1, 2, 3}, Bootstrap{}); err == nil || !strings.HasPrefix(err.Error(), "a -> b: prediction 1 of 3 is NaN") {
		t.Error(err)
	}
	// One cell: nothing to correlate, and said.
	one, err := Compare("a", "b", []float64{1}, []float64{1}, []int{1}, Bootstrap{})
	if err != nil || one.Spearman.Why != "one cell only" {
		t.Errorf("%+v, %v", one, err)
	}
}
