package report

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/data/regular"
	"opencarbon/train/metrics"
)

// areaTable is what predict leaves of areas, in the run folder or in the folder
// "map" there.
const areaTable = "areas.csv"

// areaRow is a line of it, ready to be read; a dash stands for what there is not.
type areaRow struct {
	Rank, Name, Cells, KM2, Total, PerKM2, Share, Interval, Factor string
}

// areaRows reads the table in folder, the largest total first; none where there is
// no table. ranged and known say whether any area has an interval or a factor.
func areaRows(folder string) (rows []areaRow, ranged, known bool, err error) {
	path := filepath.Join(folder, areaTable)
	f, err := regular.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, false, nil
	}
	if err != nil {
		return nil, false, false, fault.Wrap(err, path, "cannot be read", "Check its permissions.")
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	const again = "Make it again with go run ./cmd/predict --areas."
	if err != nil || len(lines) == 0 {
		return nil, false, false, fault.Wrap(err, path, "is no table of areas", again)
	}
	column := map[string]int{}
	for i, name := range lines[0] {
		if strings.HasPrefix(name, "total_") {
			name = "total"
		}
		column[name] = i
	}
	for _, name := range []string{"name", "rank", "cells", "covered_km2", "total", "per_km2", "share", "factor"} {
		if _, ok := column[name]; !ok {
			return nil, false, false, fault.New(path, fmt.Sprintf("has no column %q", name), again)
		}
	}
	_, hasLow := column["low_90"]
	rows = make([]areaRow, len(lines)-1)
	n := 0
	for _, line := range lines[1:] {
		amount := func(name string) string {
			if i, ok := column[name]; ok {
				if v, err := strconv.ParseFloat(line[i], 64); err == nil {
					return metrics.Amount(v)
				}
			}
			return "–"
		}
		r := areaRow{Rank: line[column["rank"]], Name: line[column["name"]], Cells: line[column["cells"]], KM2: amount("covered_km2"), Total: amount("total"),
			PerKM2: amount("per_km2"), Share: "–", Interval: "–", Factor: amount("factor")}
		if v, err := strconv.ParseFloat(line[column["share"]], 64); err == nil {
			r.Share = fmt.Sprintf("%.1f %%", 100*v)
		}
		if hasLow && amount("low_90") != "–" {
			r.Interval, ranged = amount("low_90")+" to "+amount("high_90"), true
		}
		known = known || r.Factor != "–"
		rank, err := strconv.Atoi(r.Rank)
		if err != nil || rank < 0 || rank > len(rows) {
			return nil, false, false, fault.New(path, fmt.Sprintf("area %q has the rank %q", r.Name, r.Rank), again)
		}
		if rank > 0 { // 0: outside the region
			rows[rank-1], n = r, n+1
		}
	}
	return rows[:n], ranged, known, nil
}
