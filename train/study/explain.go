package study

import (
	"context"
	"errors"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/gonum/stat"

	"opencarbon/data/store"
	"opencarbon/layers"
	"opencarbon/train/metrics"
	"opencarbon/train/observe"
	"opencarbon/train/plots"
	"opencarbon/train/rank"
)

// ExplainOptions of Explain.
type ExplainOptions struct {
	Options
	Bins  int // of ln emission, with equal numbers of cells; 0: 10
	Cells int // occlusion looks at no more than so many cells, drawn by the seed; 0: all
}

// Explain says what a model attends to: the weights of both modalities by
// emission (attention.csv, attention_binned.csv, attention.png: Figure 6), the
// first squeeze-and-excitation gate by POI category (gates.csv, .png), how each
// category's share goes with emission in the data (shares.csv, .png: Figure 1a),
// what becomes of the predictions without a category (occlusion.csv, .png),
// and without each group of a cell's features (features.csv, .png).
// What a model or store has not is left out, and said in the notes.
func Explain(ctx context.Context, o ExplainOptions) (*Result, error) {
	if o.Bins == 0 {
		o.Bins = 10
	}
	if err := errors.Join(atLeast("--bins", o.Bins, 1), atLeast("--cells", o.Cells, 0)); err != nil {
		return nil, err
	}
	in, r, err := o.open("explain")
	if err != nil {
		return nil, err
	}
	defer in.store.Close()
	if err := makeFolder(r.Dir); err != nil {
		return nil, err
	}
	x, err := observe.Model(ctx, in.checkpoint, in.store, o.observing(observe.Options{Weights: true, Gates: in.checkpoint.Header.Model.POI}))
	if err != nil {
		return nil, err
	}
	e := &explanation{ExplainOptions: o, in: in, r: r, x: x}
	e.ln, e.label = emissions(x, in.checkpoint.Header.TargetUnit)
	for _, part := range []func() error{e.attention, e.gates, e.shares, func() error { return e.occlusion(ctx) }, func() error { return e.features(ctx) }} {
		if err := part(); err != nil {
			return nil, err
		}
	}
	return r, nil
}

type explanation struct {
	ExplainOptions
	in    *opened
	r     *Result
	x     *observe.Observations
	ln    []float64 // [n] by which cells are ordered
	label string
}

// attention writes Figure 6.
func (e *explanation) attention() error {
	type level struct {
		name   string
		weight []float64 // [n] of the image
	}
	var levels []level
	for _, l := range []level{{"grid", e.x.GridWeights}, {"neighborhood", e.x.NeighborhoodWeights}} {
		if l.weight != nil {
			levels = append(levels, l)
		}
	}
	if len(levels) == 0 {
		e.r.note("attention: left out, the model has one modality and so nothing to weigh")
		return nil
	}
	header := slices.Clone(labelColumns)
	for _, l := range levels {
		header = append(header, l.name+"_image", l.name+"_poi")
	}
	var rows, binned [][]string
	for i := range e.x.Cells {
		row := labels(e.in.store, e.x, i)
		for _, l := range levels {
			row = append(row, number(l.weight[i]), number(1-l.weight[i]))
		}
		rows = append(rows, row)
	}
	if err := writeTable(e.r.path("attention.csv"), header, rows); err != nil {
		return err
	}
	var panels []plots.BinnedData
	from, to := 0.5, 0.5 // both panels have the same axis
	for _, l := range levels {
		w := slices.Clone(l.weight)
		slices.Sort(w)
		reach := max(0.05, metrics.Quantile(w, 0.95)-0.5, 0.5-metrics.Quantile(w, 0.05))
		from, to = min(from, 0.5-reach), max(to, 0.5+reach)
	}
	for k, l := range levels {
		image, poi := plots.Line{Name: "satellite image"}, plots.Line{Name: "POI"}
		for i, y := range e.ln {
			if !math.IsNaN(y) {
				image.X, image.Y = append(image.X, y), append(image.Y, l.weight[i])
				poi.X, poi.Y = append(poi.X, y), append(poi.Y, 1-l.weight[i])
			}
		}
		panels = append(panels, plots.BinnedData{Title: e.in.store.Meta().Name + ": attention at " + l.name + " level", X: "ln of " + e.label,
			Y: "weight (median, quartiles)", Clouds: []plots.Line{image, poi}, Bins: e.Bins, From: from, To: to,
			Width: 400, NoLegend: k < len(levels)-1})
		for b, bin := range bins(poi.X, poi.Y, e.Bins) {
			binned = append(binned, []string{l.name, strconv.Itoa(b + 1), strconv.Itoa(bin.n), number(bin.low), number(bin.high),
				number(1 - bin.quartiles[1]), number(bin.quartiles[0]), number(bin.quartiles[1]), number(bin.quartiles[2])})
		}
		rho, err := rank.Spearman(poi.Y, poi.X)
		if err != nil {
			return err
		}
		e.r.note("attention at %s level: median POI weight %.3f; Spearman's correlation with emission %s", l.name, median(poi.Y), rho)
	}
	if err := writeTable(e.r.path("attention_binned.csv"), []string{"level", "bin", "cells", "ln_emission_low", "ln_emission_high", "image_median",
		"poi_lower_quartile", "poi_median", "poi_upper_quartile"}, binned); err != nil {
		return err
	}
	e.r.draw("attention.png", func() (*plots.Figure, error) {
		var figures []*plots.Figure
		for _, p := range panels {
			f, err := plots.Binned(p)
			if err != nil {
				return nil, err
			}
			figures = append(figures, f)
		}
		return plots.Beside(figures...)
	})
	return nil
}

// bin is a share of the cells.
type bin struct {
	n         int
	low, high float64    // ends in x
	quartiles [3]float64 // of y
}

// bins sorts points by x into bins of equal counts, fewer where there are fewer
// points.
func bins(x, y []float64, count int) []bin {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		if x[a] < x[b] {
			return -1
		} else if x[a] > x[b] {
			return 1
		}
		return 0
	})
	count = min(count, len(x))
	var out []bin
	for k := range count {
		part := order[k*len(order)/count : (k+1)*len(order)/count]
		ys := make([]float64, len(part))
		for i, p := range part {
			ys[i] = y[p]
		}
		slices.Sort(ys)
		out = append(out, bin{len(part), x[part[0]], x[part[len(part)-1]], [3]float64{metrics.Quantile(ys, .25), metrics.Quantile(ys, .5), metrics.Quantile(ys, .75)}})
	}
	return out
}

func median(v []float64) float64 {
	v = slices.Clone(v)
	slices.Sort(v)
	return metrics.Quantile(v, 0.5)
}

// gates writes the first squeeze-and-excitation gate by category.
func (e *explanation) gates() error {
	names := e.in.checkpoint.Header.Categories
	if e.x.Gates == nil {
		why := "the model has no squeeze-and-excitation gate on categories"
		switch m := e.in.checkpoint.Header.Model; {
		case !m.POI:
			why = "the model has no POI modality"
		case m.Kind == layers.KindPublished:
			why = "the reference variant's gates stand behind the convolutions and weigh features, not categories"
		}
		e.r.note("gates: left out, %s", why)
		return nil
	}
	c := len(names)
	least, most := slices.Min(e.x.Gates), slices.Max(e.x.Gates)
	e.r.note("gates: from %.4f to %.4f over all cells and categories", least, most)
	d := plots.RankingData{Title: e.in.store.Meta().Name + ": SE gate by POI category", X: "gate minus 0.5 (median, 5% to 95% of cells)", Names: names}
	var rows [][]string
	for k, name := range names {
		v := make([]float64, len(e.x.Cells))
		for i := range v {
			v[i] = float64(e.x.Gates[i*c+k])
		}
		average := mean(v)
		slices.Sort(v)
		low, mid, high := metrics.Quantile(v, 0.05), metrics.Quantile(v, 0.5), metrics.Quantile(v, 0.95)
		d.Values, d.Low, d.High = append(d.Values, mid-0.5), append(d.Low, low-0.5), append(d.High, high-0.5)
		rows = append(rows, []string{name, number(average), number(low), number(mid), number(high)})
	}
	if err := writeTable(e.r.path("gates.csv"), []string{"category", "mean", "quantile_05", "median", "quantile_95"}, rows); err != nil {
		return err
	}
	e.rank("gates.png", d)
	return nil
}

func (e *explanation) rank(file string, d plots.RankingData) {
	e.r.draw(file, func() (*plots.Figure, error) { return plots.Ranking(d) })
}

// shares writes Figure 1a: how the share of each category among a cell's POIs
// goes with the true emission. Cells without POIs have no shares.
func (e *explanation) shares() error {
	s := e.in.store
	if !s.HasPOIs() {
		e.r.note("shares: left out, the store has no points of interest")
		return nil
	}
	var ln []float64
	var counts [][]float64 // [cells][C]
	for i, c := range e.x.Cells {
		if math.IsNaN(e.x.Ln[i]) {
			continue
		}
		if v, total := poiCounts(s, int(c)); total > 0 {
			for k := range v {
				v[k] /= total
			}
			ln, counts = append(ln, e.x.Ln[i]), append(counts, v)
		}
	}
	if len(ln) < 3 {
		e.r.note("shares: left out, %d cells have points of interest and a target", len(ln))
		return nil
	}
	d := plots.RankingData{Title: s.Meta().Name + ": POI shares and emission", X: "rank correlation of share and emission", Names: s.Categories()}
	var rows [][]string
	for k, name := range s.Categories() {
		share := make([]float64, len(ln))
		cells := 0
		for i := range share {
			share[i] = counts[i][k]
			if share[i] > 0 {
				cells++
			}
		}
		rho, err := rank.Spearman(share, ln)
		if err != nil {
			return err
		}
		pearson := math.NaN()
		if rho.Defined {
			pearson = stat.Correlation(share, ln, nil)
		}
		d.Values = append(d.Values, rho.Value)
		rows = append(rows, []string{name, strconv.Itoa(len(ln)), strconv.Itoa(cells), number(mean(share)), number(rho.Value), number(rho.P), number(pearson), rho.Why})
	}
	if err := writeTable(e.r.path("shares.csv"), []string{"category", "cells", "cells_with_category", "mean_share", "spearman", "spearman_p",
		"pearson_ln_emission", "undefined"}, rows); err != nil {
		return err
	}
	e.rank("shares.png", d)
	return nil
}

// poiCounts is how many points of each category a tile holds, [C].
func poiCounts(s *store.Store, tile int) (counts []float64, total float64) {
	counts = make([]float64, len(s.Categories()))
	p := s.POIs(tile)
	for i, c := range p.Category {
		counts[c] += float64(p.Count[i])
		total += float64(p.Count[i])
	}
	return counts, total
}

// occlusion takes each category away and sees what becomes of the predictions.
func (e *explanation) occlusion(ctx context.Context) error {
	if !e.in.checkpoint.Header.Model.POI {
		e.r.note("occlusion: left out, the model has no POI modality")
		return nil
	}
	var cells []int32
	for _, i := range sample(len(e.x.Cells), e.Cells, e.Seed) {
		cells = append(cells, e.x.Cells[i])
	}
	if len(cells) < len(e.x.Cells) {
		e.r.note("occlusion: %d of %d cells, drawn by the seed", len(cells), len(e.x.Cells))
	}
	y, err := observe.Occlude(ctx, e.in.checkpoint, e.in.store, cells, e.observing(observe.Options{}))
	if err != nil {
		return err
	}
	d := plots.RankingData{Title: e.in.store.Meta().Name + ": effect of a POI category",
		X: "change of ln emission without it (mean, 5% to 95%)", Names: e.in.store.Categories()}
	total := 0.0
	for _, v := range y.Before {
		total += math.Exp(v)
	}
	var rows [][]string
	for k, name := range d.Names {
		var change []float64
		after := 0.0
		for i, v := range y.After[k] {
			after += math.Exp(v)
			if y.Affected[k][i] {
				change = append(change, v-y.Before[i])
			}
		}
		average := mean(change)
		slices.Sort(change)
		low, mid, high := metrics.Quantile(change, 0.05), metrics.Quantile(change, 0.5), metrics.Quantile(change, 0.95)
		d.Values, d.Low, d.High = append(d.Values, average), append(d.Low, low), append(d.High, high)
		rows = append(rows, []string{name, strconv.Itoa(len(cells)), strconv.Itoa(len(change)), number(average), number(low), number(mid), number(high),
			number(100 * (after/total - 1))})
	}
	if err := writeTable(e.r.path("occlusion.csv"), []string{"category", "cells", "cells_affected", "mean_change_ln", "quantile_05", "median", "quantile_95",
		"change_of_total_percent"}, rows); err != nil {
		return err
	}
	e.rank("occlusion.png", d)
	return nil
}
