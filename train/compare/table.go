package compare

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"gonum.org/v1/gonum/stat"

	"opencarbon/data/fault"
	"opencarbon/data/sheet"
	"opencarbon/train/atomicfile"
	"opencarbon/train/method"
	"opencarbon/train/metrics"
	"opencarbon/train/plots"
	"opencarbon/train/rank"
)

// Table is the result: one row a method.
type Table struct {
	Region string  `json:"region"`
	Unit   string  `json:"unit"`
	Split  string  `json:"split"`
	Seeds  int     `json:"seeds"`
	Rows   []Row   `json:"rows"`
	Parts  []Part  `json:"parts,omitempty"`
	Reach  float64 `json:"reach,omitempty"` // the level of Row.Reached; 0: not asked for

	results []result
}

// Row is a method's scores on ln emission of the test cells, mean and standard
// deviation over seeds.
type Row struct {
	Name       string        `json:"name"`
	N          int           `json:"seeds"` // trainings behind the mean; 0: it could not take part
	Why        string        `json:"left_out,omitempty"`
	Mean       Spread        `json:"mean"`
	SD         Spread        `json:"sd"` // 0 with one seed
	Difference rank.Interval `json:"difference"`
	Gain       float64       `json:"gain"` // R2 minus the first row's
	Seconds    float64       `json:"seconds"`
	About      string        `json:"about"`
	Reached    *Reached      `json:"reached,omitempty"`
}

// Spread are R2, MAE and RMSE.
type Spread struct{ R2, MAE, RMSE float64 }

// result are a method's trainings, [seeds][folds].
type result struct {
	entry Entry
	seeds [][]part
}

// Stacked and Averaged name rows that no training of their own stands behind.
const (
	Averaged = "mean of seeds"
	Stacked  = "stack"
)

// combined appends, for each method with several seeds (but for ablations and
// levers), the mean of their predictions, and the stack of all methods: the convex weights that fit the
// validation cells best, in each fold anew.
func (t *Table) combined(folds []*method.Dataset) error {
	var members []result
	for _, r := range t.results {
		if measured(r.entry.Name) {
			continue
		}
		if len(r.seeds) > 1 {
			mean := make([]part, len(folds))
			for k := range folds {
				var validation, test [][]float64
				for _, s := range r.seeds {
					validation, test = append(validation, s[k].Validation), append(test, s[k].Test)
					mean[k].Seconds += s[k].Seconds
				}
				w := make([]float64, len(r.seeds))
				for i := range w {
					w[i] = 1 / float64(len(w))
				}
				mean[k].Validation, mean[k].Test = method.Combine(validation, w), method.Combine(test, w)
				mean[k].About = fmt.Sprintf("mean of the predictions of %d seeds", len(w))
			}
			r = result{entry: Entry{Name: r.entry.Name + ", " + Averaged, Fixed: true, Seen: r.entry.Seen}, seeds: [][]part{mean}}
			t.results = append(t.results, r)
		}
		if len(r.seeds) > 0 && r.entry.Name != "mean" && !r.entry.Seen && len(members) < 8 {
			members = append(members, r)
		}
	}
	if len(members) < 2 {
		return nil
	}
	stack := make([]part, len(folds))
	for k, d := range folds {
		var validation, test [][]float64
		for _, m := range members {
			validation, test = append(validation, m.seeds[0][k].Validation), append(test, m.seeds[0][k].Test)
			stack[k].Seconds += m.seeds[0][k].Seconds
		}
		truth := make([]float64, len(d.Validation))
		for i, c := range d.Validation {
			truth[i] = d.Ln[c]
		}
		w, err := method.ConvexWeights(validation, truth)
		if err != nil {
			return err
		}
		stack[k].Validation, stack[k].Test = method.Combine(validation, w), method.Combine(test, w)
		for i, m := range members {
			if w[i] >= 0.005 {
				stack[k].About += fmt.Sprintf("%s%s %.2f", map[bool]string{true: ", "}[stack[k].About != ""], m.entry.Name, w[i])
			}
		}
	}
	t.results = append(t.results, result{entry: Entry{Name: Stacked, Fixed: true}, seeds: [][]part{stack}})
	return nil
}

// fill makes the rows.
func (t *Table) fill(folds []*method.Dataset, o Options) error {
	if err := t.combined(folds); err != nil {
		return err
	}
	blocks, err := blocksOf(folds, o)
	if err != nil {
		return err
	}
	var first *result // the first that took part
	base := 0.0       // its R2
	for i := range t.results {
		r := &t.results[i]
		row := Row{Name: r.entry.Name, Why: r.entry.Why, N: len(r.seeds)}
		var r2, mae, rmse []float64
		for _, s := range r.seeds {
			v, err := score(folds, s)
			if err != nil {
				return err
			}
			r2, mae, rmse = append(r2, v.R2), append(mae, v.MAE), append(rmse, v.RMSE)
			row.Seconds += seconds(s) / float64(len(r.seeds))
		}
		if row.N > 0 {
			row.About = r.seeds[0][0].About
			row.Mean = Spread{stat.Mean(r2, nil), stat.Mean(mae, nil), stat.Mean(rmse, nil)}
		}
		if o.Reach != 0 && row.N > 0 && !r.entry.Seen {
			if row.Reached, err = reach(folds, r.seeds, o.Reach); err != nil {
				return err
			}
		}
		if row.N > 1 {
			row.SD = Spread{stat.StdDev(r2, nil), stat.StdDev(mae, nil), stat.StdDev(rmse, nil)}
		}
		row.Difference = rank.Interval{Why: "the first row, or left out", Low: math.NaN(), High: math.NaN()}
		switch {
		case row.N == 0:
		case first == nil:
			first, base = r, row.Mean.R2
		default:
			row.Gain = row.Mean.R2 - base
			truth, a := pooled(folds, *r)
			_, b := pooled(folds, *first)
			if row.Difference, err = rank.DifferenceInterval(a, b, truth, blocks, rank.Bootstrap{}); err != nil {
				return err
			}
		}
		t.Rows = append(t.Rows, row)
	}
	return nil
}

// pooled are the test cells' targets and, for each seed, predictions.
func pooled(folds []*method.Dataset, r result) (truth []float64, predicted [][]float64) {
	predicted = make([][]float64, len(r.seeds))
	for k, d := range folds {
		for i, c := range d.Test {
			truth = append(truth, d.Ln[c])
			for s := range r.seeds {
				predicted[s] = append(predicted[s], r.seeds[s][k].Test[i])
			}
		}
	}
	return truth, predicted
}

// blocksOf numbers the spatial block of every test cell.
func blocksOf(folds []*method.Dataset, o Options) ([]int, error) {
	var col, row []int64
	for _, d := range folds {
		for _, c := range d.Test {
			at := d.Store.Cells()[c]
			col, row = append(col, at.Col), append(row, at.Row)
		}
	}
	return rank.Blocks(col, row, int64(max(1, o.Block)))
}

func (t *Table) write(out string, folds []*method.Dataset, report io.Writer) error {
	var text strings.Builder
	t.Markdown(&text)
	if err := atomicfile.WriteBytes(filepath.Join(out, "table.md"), []byte(text.String())); err != nil {
		return err
	}
	if err := atomicfile.Write(filepath.Join(out, "table.csv"), t.csv); err != nil {
		return err
	}
	if err := atomicfile.Write(filepath.Join(out, "cells.csv"), func(w io.Writer) error { return sheet.NewWriter(w).WriteAll(t.cells(folds)) }); err != nil {
		return err
	}
	encoded, err := json.MarshalIndent(t, "", "  ")
	if err != nil {
		return err
	}
	if err := atomicfile.WriteBytes(filepath.Join(out, "table.json"), append(encoded, '\n')); err != nil {
		return err
	}
	if err := plots.Attempt(filepath.Join(out, "table.png"), func() (*plots.Figure, error) { return plots.Bars(t.bars()) }); err != nil {
		fmt.Fprintln(report, "note:", err) // the table stands without it
	}
	return nil
}

func (t *Table) bars() plots.BarsData {
	d := plots.BarsData{Title: t.Region + ": test cells", Y: "R2 on ln emission"}
	set := plots.BarSet{Name: "R2"}
	for _, r := range t.Rows {
		if r.N > 0 {
			d.Groups = append(d.Groups, strings.Replace(r.Name, ", "+Averaged, " (mean)", 1)) // long names would run into each other
			set.Values, set.Errors = append(set.Values, r.Mean.R2), append(set.Errors, r.SD.R2)
		}
	}
	d.Sets = []plots.BarSet{set}
	return d
}

// Err says that not one of the rows could be trained; nil where one was.
func (t *Table) Err() error {
	if slices.ContainsFunc(t.Rows, func(r Row) bool { return r.N > 0 }) {
		return nil
	}
	return fault.New("", "none of the methods could be trained here: the table says why", "Give what they lack, or name others.")
}

// Markdown writes the table for a terminal or a page.
func (t *Table) Markdown(w io.Writer) {
	fmt.Fprintf(w, "%s, %s. Scores on ln emission of test cells, mean ± standard deviation over seeds;\ndifference of R2 to the first row with its 95%% interval by spatial blocks.\n\n", t.Region, t.Split)
	fmt.Fprintf(w, "| %-28s | seeds | R2            | MAE           | RMSE          | R2 minus first row     | time a training |%s\n", "method", t.column("to R2 "+metrics.Number(t.Reach)))
	fmt.Fprintf(w, "|%s|------:|---------------|---------------|---------------|------------------------|----------------:|%s\n", strings.Repeat("-", 30), strings.ReplaceAll(t.column("---------------:"), " ", ""))
	for _, r := range t.Rows {
		if r.N == 0 {
			fmt.Fprintf(w, "| %-28s |     0 | left out: %s |\n", r.Name, fault.Line(r.Why))
			continue
		}
		cell := func(m, sd float64) string {
			if r.N < 2 {
				return metrics.Number(m)
			}
			return metrics.Number(m) + " ± " + metrics.Number(sd)
		}
		difference := ""
		if r.Difference.Defined {
			difference = fmt.Sprintf("%+.3f (%+.3f to %+.3f)", r.Gain, r.Difference.Low, r.Difference.High)
		}
		fmt.Fprintf(w, "| %-28s | %5d | %-13s | %-13s | %-13s | %-22s | %15s |%s\n", r.Name, r.N, cell(r.Mean.R2, r.SD.R2), cell(r.Mean.MAE, r.SD.MAE),
			cell(r.Mean.RMSE, r.SD.RMSE), difference, time.Duration(r.Seconds*float64(time.Second)).Round(100*time.Millisecond), t.column(r.Reached.String()))
	}
	t.partsMarkdown(w)
	fmt.Fprintln(w)
	for _, r := range t.Rows {
		if r.About != "" {
			fmt.Fprintf(w, "- %s: %s\n", r.Name, r.About)
		}
	}
}

func (t *Table) csv(w io.Writer) error {
	c := sheet.NewWriter(w)
	number := func(x float64) string {
		if math.IsNaN(x) {
			return ""
		}
		return strconv.FormatFloat(x, 'g', 6, 64)
	}
	rows := [][]string{{"method", "seeds", "R2", "R2_sd", "MAE", "MAE_sd", "RMSE", "RMSE_sd", "R2_gain", "gain_low", "gain_high", "seconds", "about", "left_out", "seconds_to_reach"}}
	for _, r := range t.Rows {
		rows = append(rows, []string{r.Name, strconv.Itoa(r.N), number(r.Mean.R2), number(r.SD.R2), number(r.Mean.MAE), number(r.SD.MAE), number(r.Mean.RMSE),
			number(r.SD.RMSE), number(r.Gain), number(r.Difference.Low), number(r.Difference.High), number(r.Seconds), r.About, r.Why, r.Reached.csv()})
	}
	return c.WriteAll(rows)
}
