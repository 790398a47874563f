package study

import (
	"context"
	"math"
	"strconv"

	"opencarbon/train/metrics"
	"opencarbon/train/observe"
	"opencarbon/train/plots"
)

// features silences each group of a cell's features and sees what becomes of the
// predictions, and of R2 where cells have a target.
func (e *explanation) features(ctx context.Context) error {
	if e.in.checkpoint.Header.Model.Features == 0 {
		e.r.note("features: left out, the model sees none beside its encoders")
		return nil
	}
	var cells []int32
	var truth []float64
	for _, i := range sample(len(e.x.Cells), e.Cells, e.Seed) {
		cells, truth = append(cells, e.x.Cells[i]), append(truth, e.x.Ln[i])
	}
	y, err := observe.Features(ctx, e.in.checkpoint, e.in.store, cells, e.observing(observe.Options{}))
	if err != nil {
		return err
	}
	r2 := func(guess []float64) float64 {
		var a, b []float64
		for i, t := range truth {
			if !math.IsNaN(t) {
				a, b = append(a, t), append(b, guess[i])
			}
		}
		if v, err := metrics.Ln(a, b); err == nil && v.Undefined == "" {
			return v.R2
		}
		return math.NaN()
	}
	d := plots.RankingData{Title: e.in.store.Meta().Name + ": features of a cell and its surroundings", X: "mean absolute change of ln emission with the group at its mean"}
	whole := r2(y.Before)
	rows := [][]string{}
	best, most := "", 0.0
	for _, g := range y.Groups {
		change := 0.0
		for i, v := range g.After {
			change += math.Abs(v-y.Before[i]) / float64(len(cells))
		}
		without := r2(g.After)
		d.Names, d.Values, d.Low, d.High = append(d.Names, g.Name), append(d.Values, change), append(d.Low, change), append(d.High, change)
		rows = append(rows, []string{g.Name, strconv.Itoa(g.Columns), strconv.Itoa(len(cells)), number(change), number(whole), number(without)})
		if change > most {
			best, most = g.Name, change
		}
	}
	if err := writeTable(e.r.path("features.csv"), []string{"group", "features", "cells", "mean_absolute_change_ln", "r2", "r2_without"}, rows); err != nil {
		return err
	}
	e.r.note("features: the model leans most on %s (predictions move by %.2f in ln without it, on average)", best, most)
	e.rank("features.png", d)
	return nil
}
