package report

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"

	"opencarbon/data/fault"
	"opencarbon/data/regular"
	"opencarbon/train/metrics"
)

// transferTable is the table of a transfer study, one line a pair of regions.
const transferTable = "transfer.csv"

// transferPair is a model of one region applied to another; numbers are ready to
// be read, a dash where there is none.
type transferPair struct {
	Source, Target, Cells           string
	Spearman, Interval, Kendall, R2 string
	Why                             string // what is undefined, and why
}

// transferPairs reads a study's table; none where the study left none.
func transferPairs(study string) ([]transferPair, error) {
	path := filepath.Join(study, transferTable)
	f, err := regular.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fault.Wrap(err, path, "cannot be read", "Check its permissions.")
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) == 0 {
		return nil, fault.Wrap(err, path, "is no table of a transfer study", "Make it again with go run ./cmd/transfer.")
	}
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	for _, name := range []string{"source", "target", "cells", "spearman", "spearman_low", "spearman_high", "kendall", "monotone_r2_by_blocks", "undefined"} {
		if _, ok := column[name]; !ok {
			return nil, fault.New(path, fmt.Sprintf("has no column %q", name), "Make it again with go run ./cmd/transfer.")
		}
	}
	var pairs []transferPair
	for _, row := range rows[1:] {
		text := func(name string) string { return row[column[name]] }
		number := func(name string) string {
			v, err := strconv.ParseFloat(text(name), 64)
			if err != nil { // empty: undefined
				return "–"
			}
			return metrics.Number(v)
		}
		p := transferPair{Source: text("source"), Target: text("target"), Cells: text("cells"), Spearman: number("spearman"),
			Interval: number("spearman_low") + " to " + number("spearman_high"), Kendall: number("kendall"), R2: number("monotone_r2_by_blocks"), Why: text("undefined")}
		pairs = append(pairs, p)
	}
	return pairs, nil
}
