package page

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"strconv"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/data/label"
	"opencarbon/data/regular"
	"opencarbon/train/metrics"
)

// Names of what predict leaves of areas.
const (
	AreasFile  = "areas.csv"
	AreasLayer = "areas.gpkg"
)

// Areas are the rows of a table of areas, the largest total first.
type Areas struct {
	Rows []Area
}

// Area is a row. NaN is what there is not; amounts are in the unit of the page.
type Area struct {
	Name                      string
	Rank                      int
	Cells                     int
	KM2, Total, PerKM2, Share float64
	Low, High, Factor         float64 // of the 90% interval; known total by predicted one
	Filled, Least, Most       float64 // the total with the inventory's own numbers where it has some, and its 90% interval
	rings                     []steps // its outline, see areaData
}

func (a Areas) ranged() bool {
	for _, r := range a.Rows {
		if !math.IsNaN(r.Low) {
			return true
		}
	}
	return false
}

// filled reports whether the inventory's own numbers make a difference.
func (a Areas) filled() bool {
	for _, r := range a.Rows {
		if math.Abs(r.Filled-r.Total) > 1e-6*r.Total {
			return true
		}
	}
	return false
}

func (a Areas) known() bool {
	for _, r := range a.Rows {
		if !math.IsNaN(r.Factor) {
			return true
		}
	}
	return false
}

// Text is an amount for people, a dash where there is none.
func (a Area) Text(v float64) string {
	if math.IsNaN(v) {
		return "–"
	}
	return metrics.Amount(v)
}

// Percent is the share for people.
func (a Area) Percent() string {
	if math.IsNaN(a.Share) {
		return "–"
	}
	return fmt.Sprintf("%.1f %%", 100*a.Share)
}

// Interval is the range for people.
func (a Area) Interval() string { return between(a.Low, a.High) }

// FilledInterval is that of Filled.
func (a Area) FilledInterval() string {
	if a.Least == a.Most { // by the inventory alone
		return "known"
	}
	return between(a.Least, a.Most)
}

func between(low, high float64) string {
	if math.IsNaN(low) || math.IsNaN(high) {
		return "–"
	}
	return metrics.Amount(low) + " to " + metrics.Amount(high)
}

// Placed says whether the page can show where the area is.
func (a Area) Placed() bool { return len(a.rings) > 0 }

// Sort is a number to sort by; empty for NaN.
func (a Area) Sort(v float64) string {
	if math.IsNaN(v) {
		return ""
	}
	return strconv.FormatFloat(v, 'g', 9, 64)
}

const areasAgain = "Make it again with go run ./cmd/predict --areas."

// ReadAreas reads the table of areas that predict left in folder, and their outlines
// from the layer beside it; empty where there is no table. Areas outside the region
// are left out.
func ReadAreas(folder string) (Areas, error) {
	path := filepath.Join(folder, AreasFile)
	f, err := regular.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Areas{}, nil
	}
	if err != nil {
		return Areas{}, fault.Wrap(err, path, "cannot be read", "Check its permissions.")
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil || len(lines) == 0 {
		return Areas{}, fault.Wrap(err, path, "is no table of areas", areasAgain)
	}
	rows, err := areaRows(lines, path)
	if err != nil {
		return Areas{}, err
	}
	return Areas{rows}, outlines(filepath.Join(folder, AreasLayer), rows)
}

func areaRows(lines [][]string, path string) ([]Area, error) {
	column := map[string]int{}
	for i, name := range lines[0] {
		if strings.HasPrefix(name, "total_") {
			name = "total"
		} else if unit, ok := strings.CutPrefix(name, "filled_"); ok && !strings.HasPrefix(unit, "low_") && !strings.HasPrefix(unit, "high_") {
			name = "filled"
		}
		column[name] = i
	}
	for _, name := range []string{"name", "rank", "cells", "covered_km2", "total", "per_km2", "share", "factor"} {
		if _, ok := column[name]; !ok {
			return nil, fault.New(path, fmt.Sprintf("has no column %q", name), areasAgain)
		}
	}
	rows := make([]Area, len(lines)-1)
	n := 0
	for _, line := range lines[1:] {
		number := func(name string) float64 {
			if i, ok := column[name]; ok {
				if v, err := strconv.ParseFloat(line[i], 64); err == nil && !math.IsInf(v, 0) {
					return v
				}
			}
			return math.NaN()
		}
		a := Area{Name: label.Printable(line[column["name"]]), KM2: number("covered_km2"), Total: number("total"), PerKM2: number("per_km2"),
			Share: number("share"), Low: number("low_90"), High: number("high_90"), Factor: number("factor"),
			Filled: number("filled"), Least: number("filled_low_90"), Most: number("filled_high_90")}
		rank, err := strconv.Atoi(line[column["rank"]])
		if err != nil || rank < 0 || rank > len(rows) {
			return nil, fault.New(path, fmt.Sprintf("area %q has the rank %q", a.Name, line[column["rank"]]), areasAgain)
		}
		a.Cells, _ = strconv.Atoi(line[column["cells"]])
		a.Rank = rank
		if rank > 0 { // 0: outside the region
			rows[rank-1], n = a, n+1
		}
	}
	return rows[:n], nil
}
