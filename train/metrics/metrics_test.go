package metrics

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"
)

// Against scikit-learn on the cases of testdata/make_scores.py.
func TestAgainstScikitLearn(t *testing.T) {
	text, err := os.ReadFile("testdata/scores.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Truth, Predicted []float64
		R2, MAE, RMSE    float64
		AmountMAE        float64 `json:"amount_mae"`
		AmountRMSE       float64 `json:"amount_rmse"`
		Bias             float64
		BiasPercent      float64 `json:"bias_percent"`
	}
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) != 100 {
		t.Fatalf("%d cases", len(cases))
	}
	for i, c := range cases {
		s, err := Evaluate("test", c.Truth, c.Predicted)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range []struct {
			name      string
			got, want float64
		}{
			{"R2", s.Ln.R2, c.R2}, {"MAE", s.Ln.MAE, c.MAE}, {"RMSE", s.Ln.RMSE, c.RMSE},
			{"MAE of amounts", s.Amounts.MAE, c.AmountMAE}, {"RMSE of amounts", s.Amounts.RMSE, c.AmountRMSE},
			{"bias", s.Amounts.Bias, c.Bias}, {"bias %", s.Amounts.BiasPercent, c.BiasPercent},
		} {
			// Twelve digits of the larger of value and scale: bias is a difference of sums.
			if math.Abs(v.got-v.want) > 1e-12*(math.Abs(v.want)+s.Amounts.Total+s.Amounts.Predicted) && v.name == "bias" ||
				v.name != "bias" && math.Abs(v.got-v.want) > 1e-10*(1+math.Abs(v.want)) {
				t.Errorf("case %d: %s is %.17g, scikit-learn %.17g", i, v.name, v.got, v.want)
			}
		}
	}
}

func TestUndefined(t *testing.T) {
	for _, c := range []struct {
		name             string
		truth, predicted []float64
		want             string
	}{
		{"none", nil, nil, "no cells"},
		{"one", []float64{1}, []float64{2}, "one cell only"},
		{"constant", []float64{3, 3, 3}, []float64{3, 3, 3}, "all 3 targets are equal"},
		{"constant of no binary value", []float64{.1, .1, .1, .1, .1, .1, .1}, []float64{0, 0, 0, 0, 0, 0, 0}, "all 7 targets are equal"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := Evaluate("test", c.truth, c.predicted)
			if err != nil || s.Ln.Undefined != c.want || !math.IsNaN(s.Ln.R2) {
				t.Fatalf("%+v %v", s, err)
			}
			table := Table([]SplitScores{s}, "tCO2/yr")
			if strings.Contains(table, "NaN") || strings.Contains(table, "Inf") || !strings.Contains(table, "R2 undefined ("+c.want+")") {
				t.Errorf("table:\n%s", table)
			}
			if text, err := json.Marshal(s); err != nil || !strings.Contains(string(text), `"r2":null`) {
				t.Errorf("%s %v", text, err)
			}
		})
	}
}

func TestNotFinite(t *testing.T) {
	for _, c := range []struct {
		truth, predicted []float64
		want             string
	}{
		{[]float64{1, 2}, []float64{1, math.NaN()}, "validation: prediction 1 of 2 is NaN"},
		{[]float64{1, math.Inf(-1)}, []float64{1, 2}, "target 1 of 2 is -Inf"},
		{[]float64{1, 2}, []float64{1}, "2 targets but 1 predictions"},
	} {
		if _, err := Evaluate("validation", c.truth, c.predicted); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}

// A prediction of exp(800) tonnes has no finite amount: a dash, no Inf.
func TestOverflow(t *testing.T) {
	s, err := Evaluate("test", []float64{1, 2}, []float64{1, 800})
	if err != nil {
		t.Fatal(err)
	}
	if table := Table([]SplitScores{s}, "t"); strings.Contains(table, "Inf") || strings.Contains(table, "NaN") {
		t.Errorf("table:\n%s", table)
	}
}

func TestTable(t *testing.T) {
	s, err := Evaluate("test", []float64{math.Log(1000), math.Log(3000)}, []float64{math.Log(2000), math.Log(3000)})
	if err != nil {
		t.Fatal(err)
	}
	got := Table([]SplitScores{s}, "tCO2/yr")
	for _, want := range []string{"500", "707", "4,000", "+1,000", "+25.0"} {
		if !strings.Contains(got, want) {
			t.Errorf("table lacks %s:\n%s", want, got)
		}
	}
	for _, unit := range []string{"", "proxy"} {
		if proxy := Table([]SplitScores{s}, unit); strings.Contains(proxy, "bias") || strings.Contains(proxy, "proxy") || !strings.Contains(proxy, "R2") {
			t.Errorf("proxy table:\n%s", proxy)
		}
	}
}

func TestAmount(t *testing.T) {
	for x, want := range map[float64]string{0: "0", 29060000: "29,060,000", -1234.4: "-1,234", 12.345: "12.3", 999.6: "1,000", 1e-5: "1e-05", 100: "100"} {
		if got := Amount(x); got != want {
			t.Errorf("Amount(%g) = %s, want %s", x, got, want)
		}
	}
}
