// Package ablation trains variants of one experiment over several seeds and
// puts their test scores side by side (Figure 3 of the paper). With the full
// model alone it is how a figure with its spread is made.
package ablation

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat"

	"opencarbon/data/fault"
	"opencarbon/data/regular"
	"opencarbon/train"
	"opencarbon/train/atomicfile"
	"opencarbon/train/config"
	"opencarbon/train/metrics"
	"opencarbon/train/plots"
)

// Variants are the model and what can be taken out of it, in the paper's order;
// the last is our own addition.
var Variants = []string{"full", "no-se", "no-contrastive", "no-neighborhood", "no-augment"}

// Levers are ways to train the same model faster; what they cost in accuracy is
// measured like an ablation. The first is the plain one.
var Levers = []string{"random", "historical", "historical-bf16", "blocks", "patches", "slices"}

// apply changes c into a variant. A lever is set whole: what the config says of
// the others does not matter.
func apply(c *config.Config, variant string) {
	lever := func(sampler string, block int, encode, precision string) {
		c.Train.Sampler, c.Train.Block, c.Train.Encode, c.Train.Precision = sampler, block, encode, precision
	}
	switch variant {
	case "random":
		lever("random", 0, "unique", "fp32")
	case "blocks": // of 4 x 4 cells, so that a batch comes from two places or more
		lever("blocks", 4, "unique", "fp32")
	case "patches":
		lever("blocks", 0, "unique", "fp32")
	case "slices":
		lever("random", 0, "slices", "fp32")
	case "historical":
		lever("random", 0, "historical", "fp32")
	case "historical-bf16":
		lever("random", 0, "historical", "bf16")
	case "no-se":
		c.Model.SE = false
	case "no-contrastive":
		c.Model.Contrastive = false
	case "no-neighborhood":
		c.Model.Neighborhood = 1
	case "no-augment":
		c.Train.Augment = "none"
	}
}

// Options of Run.
type Options struct {
	Variants []string // of Variants or Levers
	Seeds    int      // seeds are c.Seed, c.Seed+1, ...
	Out      string   // folder of the results
	Train    train.Options
	Report   io.Writer // a line per run
}

// Score is one run's result.
type Score struct {
	Variant   string                `json:"variant"`
	Seed      int64                 `json:"seed"`
	Dir       string                `json:"dir"` // its run folder
	Epochs    int                   `json:"epochs"`
	Splits    []metrics.SplitScores `json:"splits"`
	Baselines []train.Baseline      `json:"baselines"`
}

// Run trains every variant with every seed on the store that c names, which
// must be built. Results go to o.Out as they come: a run that is there already,
// of the same config, is not trained again.
func Run(ctx context.Context, c *config.Config, o Options) ([]Score, error) {
	for _, v := range o.Variants {
		if !slices.Contains(Variants, v) && !slices.Contains(Levers, v) {
			return nil, fault.New("--variants", fmt.Sprintf("%q is unknown", v),
				"Use some of "+strings.Join(Variants, ", ")+"; or of "+strings.Join(Levers, ", ")+".")
		}
	}
	if o.Seeds < 1 {
		return nil, fault.New("--seeds", fmt.Sprintf("%d is too few", o.Seeds), "Give 1 or more.")
	}
	if err := os.MkdirAll(o.Out, 0o777); err != nil {
		return nil, fault.Wrap(err, o.Out, "the folder of the results cannot be made", "Give another one with --out.")
	}
	var scores []Score
	for seed := range o.Seeds {
		for _, variant := range o.Variants {
			cfg := *c
			cfg.Seed = c.Seed + int64(seed)
			apply(&cfg, variant)
			s, err := one(ctx, &cfg, variant, o)
			if err != nil {
				return scores, fmt.Errorf("%s, seed %d: %w", variant, cfg.Seed, err)
			}
			scores = append(scores, s)
			fmt.Fprintf(o.Report, "%-16s seed %d  test R2 %s  MAE %s  RMSE %s  (%d epochs)\n", variant, cfg.Seed,
				metrics.Number(test(s).Ln.R2), metrics.Number(test(s).Ln.MAE), metrics.Number(test(s).Ln.RMSE), s.Epochs)
		}
	}
	return scores, write(o, scores)
}

// one trains one run, or finds it done.
func one(ctx context.Context, c *config.Config, variant string, o Options) (Score, error) {
	text, err := c.YAML()
	if err != nil {
		return Score{}, err
	}
	path := filepath.Join(o.Out, fmt.Sprintf("%s-seed%d.json", variant, c.Seed))
	var saved struct {
		Config string `json:"config"`
		Score
	}
	if old, err := regular.Read(path, 64<<20); err == nil && json.Unmarshal(old, &saved) == nil && saved.Config == string(text) {
		return saved.Score, nil
	}
	o.Train.Aside = true
	r, err := train.Run(ctx, c, o.Train)
	if err != nil {
		return Score{}, err
	}
	saved.Config = string(text)
	saved.Score = Score{Variant: variant, Seed: c.Seed, Dir: r.Dir, Epochs: r.Epochs, Splits: r.Splits, Baselines: r.Baselines}
	out, err := json.MarshalIndent(saved, "", "  ")
	if err != nil {
		return Score{}, err
	}
	return saved.Score, atomicfile.WriteBytes(path, append(out, '\n'))
}

func test(s Score) metrics.SplitScores { return s.Splits[len(s.Splits)-1] }

// Row is a variant's mean and standard deviation over seeds, on the test
// cells, ln emission.
type Row struct {
	Name                string
	N                   int
	R2, MAE, RMSE       float64
	R2SD, MAESD, RMSESD float64
}

// Summarize makes the table: baselines first, then the variants.
func Summarize(scores []Score) []Row {
	var rows []Row
	if len(scores) > 0 {
		for _, b := range scores[0].Baselines {
			if t, ok := b.Test(); ok {
				rows = append(rows, Row{Name: "baseline " + b.Name, N: 1, R2: t.Ln.R2, MAE: t.Ln.MAE, RMSE: t.Ln.RMSE})
			}
		}
	}
	for _, v := range append(slices.Clone(Variants), Levers...) {
		var r2, mae, rmse []float64
		for _, s := range scores {
			if t := test(s).Ln; s.Variant == v && !math.IsNaN(t.R2) {
				r2, mae, rmse = append(r2, t.R2), append(mae, t.MAE), append(rmse, t.RMSE)
			}
		}
		if len(r2) == 0 {
			continue
		}
		row := Row{Name: v, N: len(r2), R2: stat.Mean(r2, nil), MAE: stat.Mean(mae, nil), RMSE: stat.Mean(rmse, nil)}
		if len(r2) > 1 {
			row.R2SD, row.MAESD, row.RMSESD = stat.StdDev(r2, nil), stat.StdDev(mae, nil), stat.StdDev(rmse, nil)
		}
		rows = append(rows, row)
	}
	return rows
}

// Table prints rows for a terminal; it is valid Markdown too.
func Table(w io.Writer, rows []Row) error {
	var b strings.Builder
	fmt.Fprintf(&b, "| %-18s | seeds | test R2         | MAE ln          | RMSE ln         |\n", "model")
	fmt.Fprintf(&b, "|%s|------:|-----------------|-----------------|-----------------|\n", strings.Repeat("-", 20))
	for _, r := range rows {
		cell := func(m, sd float64) string {
			if r.N < 2 {
				return metrics.Number(m)
			}
			return fmt.Sprintf("%s ± %s", metrics.Number(m), metrics.Number(sd))
		}
		fmt.Fprintf(&b, "| %-18s | %5d | %-15s | %-15s | %-15s |\n", r.Name, r.N, cell(r.R2, r.R2SD), cell(r.MAE, r.MAESD), cell(r.RMSE, r.RMSESD))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// write leaves the table and a bar chart in o.Out.
func write(o Options, scores []Score) error {
	rows := Summarize(scores)
	if err := atomicfile.Write(filepath.Join(o.Out, "table.md"), func(w io.Writer) error { return Table(w, rows) }); err != nil {
		return err
	}
	if err := plots.Attempt(filepath.Join(o.Out, "scores.png"), func() (*plots.Figure, error) { return plots.Bars(barsOf(rows, o.Seeds)) }); err != nil {
		fmt.Fprintln(o.Report, "note:", err) // the table stands without it
	}
	return nil
}

// barsOf are the mean R2 of the rows, with their spread over seeds.
func barsOf(rows []Row, seeds int) (bars plots.BarsData) {
	bars = plots.BarsData{Title: "Test scores over " + fmt.Sprint(seeds) + " seeds", Y: "R2 on ln emission"}
	set := plots.BarSet{Name: "R2"}
	for _, r := range rows {
		bars.Groups = append(bars.Groups, r.Name)
		set.Values, set.Errors = append(set.Values, r.R2), append(set.Errors, r.R2SD)
	}
	bars.Sets = []plots.BarSet{set}
	return bars
}
