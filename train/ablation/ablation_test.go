package ablation

import (
	"bytes"
	"context"
	"math"
	"reflect"
	"strings"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/train"
	"opencarbon/train/config"
	"opencarbon/train/metrics"
)

// Each variant changes what its name says and nothing else; the whole model is
// the config as it is.
func TestVariants(t *testing.T) {
	for variant, change := range map[string]func(c *config.Config){
		"full":            func(*config.Config) {},
		"no-se":           func(c *config.Config) { c.Model.SE = false },
		"no-contrastive":  func(c *config.Config) { c.Model.Contrastive = false },
		"no-neighborhood": func(c *config.Config) { c.Model.Neighborhood = 1 },
		"no-augment":      func(c *config.Config) { c.Train.Augment = "none" },
		"random":          func(c *config.Config) { c.Train.Encode, c.Train.Block = "unique", 0 },
		"historical":      func(c *config.Config) { c.Train.Block = 0 },
		"historical-bf16": func(c *config.Config) { c.Train.Precision, c.Train.Block = "bf16", 0 },
		"blocks":          func(c *config.Config) { c.Train.Encode, c.Train.Sampler = "unique", "blocks" },
		"patches":         func(c *config.Config) { c.Train.Encode, c.Train.Sampler, c.Train.Block = "unique", "blocks", 0 },
		"slices":          func(c *config.Config) { c.Train.Encode, c.Train.Block = "slices", 0 },
	} {
		got, want := config.Defaults(), config.Defaults()
		apply(&got, variant)
		change(&want)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v %+v", variant, got.Train, got.Model)
		}
	}
	if n := len(Variants) + len(Levers); n != 11 {
		t.Errorf("%d variants, 11 are tested", n)
	}
}

func TestRunRefuses(t *testing.T) {
	c := config.Defaults()
	for _, o := range []Options{{Variants: []string{"no-image"}, Seeds: 1}, {Variants: []string{"full"}, Seeds: 0}} {
		o.Out = t.TempDir()
		if _, err := Run(context.Background(), &c, o); !fault.IsInput(err) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

// Mean and sample standard deviation over the seeds, baselines once.
func TestTable(t *testing.T) {
	score := func(variant string, r2, mae, rmse float64) Score {
		of := func(r2, mae, rmse float64) []metrics.SplitScores {
			return []metrics.SplitScores{{}, {}, {Name: "test", Ln: metrics.Scores{R2: r2, MAE: mae, RMSE: rmse}}}
		}
		return Score{Variant: variant, Splits: of(r2, mae, rmse), Baselines: []train.Baseline{{Name: "mean", Splits: of(-0.1, 2, 3)}}}
	}
	rows := Summarize([]Score{score("no-se", 0.5, 1, 2), score("full", 0.6, 1, 2), score("full", 0.8, 2, 4), score("full", math.NaN(), 9, 9)})
	want := []Row{{Name: "baseline mean", N: 1, R2: -0.1, MAE: 2, RMSE: 3},
		{Name: "full", N: 2, R2: 0.7, MAE: 1.5, RMSE: 3, R2SD: math.Sqrt(0.02), MAESD: math.Sqrt(0.5), RMSESD: math.Sqrt(2)},
		{Name: "no-se", N: 1, R2: 0.5, MAE: 1, RMSE: 2}}
	for i, w := range want {
		if len(rows) != len(want) || rows[i].Name != w.Name || rows[i].N != w.N || math.Abs(rows[i].R2-w.R2)+math.Abs(rows[i].R2SD-w.R2SD)+
			math.Abs(rows[i].MAE-w.MAE)+math.Abs(rows[i].MAESD-w.MAESD)+math.Abs(rows[i].RMSE-w.RMSE)+math.Abs(rows[i].RMSESD-w.RMSESD) > 1e-12 {
			t.Fatalf("%+v, want %+v", rows, want)
		}
	}
	var b bytes.Buffer
	if err := Table(&b, rows); err != nil || !strings.Contains(b.String(), "| full               |     2 | 0.700 ± 0.141   |") {
		t.Errorf("%v\n%s", err, b.String())
	}
}
