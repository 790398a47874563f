package synth

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// Truth is what truth.json holds: everything a model is not told.
type Truth struct {
	Name      string    `json:"name"`
	Seed      int64     `json:"seed"`
	City      int       `json:"city"` // counted from 0
	Rows      int       `json:"rows"`
	Cols      int       `json:"cols"`
	West      float64   `json:"west"`  // degrees
	North     float64   `json:"north"` // degrees
	CellSize  float64   `json:"cell_degrees"`
	Noise     float64   `json:"noise_sigma"` // of ln emission
	Unit      string    `json:"unit"`        // of the exponential of ln_true and ln_seen
	Zones     []string  `json:"zones"`
	Category  []string  `json:"categories"`
	Factors   Factors   `json:"factors"`
	All       Bound     `json:"best"`
	Splits    Bounds    `json:"best_by_split"`
	Ladder    ladder    `json:"least_squares_r2"`
	TotalC    float64   `json:"total_tC"` // of the twelve files together
	POIs      POICounts `json:"pois"`
	Districts []string  `json:"districts"`
	Cells     Cells     `json:"cells"`
}

// Bounds are the bounds of the splits.
type Bounds struct {
	Train      Bound `json:"train"`
	Validation Bound `json:"validation"`
	Test       Bound `json:"test"`
}

// POICounts says what the POI table holds.
type POICounts struct {
	Rows       int `json:"rows"`
	Duplicates int `json:"duplicates"` // rows that repeat an id
	Outside    int `json:"outside"`    // rows beyond the border
}

// Cells are columns, one value a cell, row-major from the north-west.
type Cells struct {
	District []int     `json:"district"` // index into districts
	Split    []string  `json:"split"`
	LnTrue   []nullNaN `json:"ln_true"`                 // noiseless
	LnSeen   []nullNaN `json:"ln_seen"`                 // what the files hold
	LnOwn    []nullNaN `json:"ln_without_neighborhood"` // the part of ln_true that is the cell's own
	Share    [][]round `json:"zone_share"`              // in the order of zones
	Count    [][]int   `json:"poi_count"`               // in the order of categories
}

// nullNaN is a number that is null in JSON where there is none.
type nullNaN float64

// MarshalJSON implements json.Marshaler.
func (v nullNaN) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(v)) {
		return []byte("null"), nil
	}
	return strconv.AppendFloat(nil, float64(v), 'g', -1, 64), nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *nullNaN) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*v = nullNaN(math.NaN())
		return nil
	}
	return json.Unmarshal(b, (*float64)(v))
}

// round is a share, a multiple of 1/256, printed without tail.
type round float64

// MarshalJSON implements json.Marshaler.
func (v round) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(v), 'g', 6, 64), nil
}

// ladder is Ladder as JSON: steps that cannot be fitted are null.
type ladder map[string]nullNaN

func (l Ladder) json() ladder {
	out := ladder{}
	for _, s := range l.Steps() {
		out[s.Name] = nullNaN(s.R2)
	}
	return out
}

// Truth gathers the truth about a city that was made as the n-th of cfg.
func (c *City) Truth(cfg Config, n int) Truth {
	all, splits := c.Bounds()
	t := Truth{
		Name: c.Name, Seed: cfg.Seed, City: n, Rows: c.Rows, Cols: c.Cols, West: c.West, North: c.North,
		CellSize: CellDegrees, Noise: c.Noise, Unit: "tCO2/yr", Zones: zoneNames[:], Category: Categories,
		Factors: c.Factors, All: all, Splits: splits, Ladder: c.Ladder().json(),
		POIs: POICounts{Rows: len(c.POIs), Duplicates: c.Duplicates, Outside: c.Outside},
	}
	for _, d := range c.Districts {
		t.Districts = append(t.Districts, d.Name)
	}
	t.Cells.District = c.District
	for i := range c.District {
		for _, v := range c.Month[i] {
			t.TotalC += float64(v)
		}
		t.Cells.Split = append(t.Cells.Split, c.Districts[c.District[i]].Split)
		t.Cells.LnTrue = append(t.Cells.LnTrue, nullNaN(c.LnTrue[i]))
		t.Cells.LnSeen = append(t.Cells.LnSeen, nullNaN(c.LnSeen[i]))
		t.Cells.LnOwn = append(t.Cells.LnOwn, nullNaN(c.LnOwn[i]))
		share := make([]round, numZones)
		for z, s := range c.Share[i] {
			share[z] = round(s)
		}
		t.Cells.Share = append(t.Cells.Share, share)
		t.Cells.Count = append(t.Cells.Count, c.Count[i][:])
	}
	return t
}

func writeJSON(path string, v any) error {
	return writeFile(path, func(w io.Writer) error {
		e := json.NewEncoder(w)
		return e.Encode(v)
	})
}

// writeShared writes what several cities have in common.
func writeShared(path string, cfg Config, cities []*City) error {
	type city struct {
		Name    string  `json:"name"`
		Factors Factors `json:"factors"`
		Best    Bound   `json:"best"`
	}
	all := struct {
		Seed   int64   `json:"seed"`
		Shift  float64 `json:"shift"`
		Cities []city  `json:"cities"`
	}{Seed: cfg.Seed, Shift: cfg.Shift}
	for _, c := range cities {
		best, _ := c.Bounds()
		all.Cities = append(all.Cities, city{c.Name, c.Factors, best})
	}
	return writeJSON(path, all)
}

// writeDistricts writes the borders as GeoJSON (RFC 7946).
func (c *City) writeDistricts(w io.Writer) error {
	type geometry struct {
		Type        string           `json:"type"`
		Coordinates [][][][2]float64 `json:"coordinates"`
	}
	type feature struct {
		Type       string         `json:"type"`
		Properties map[string]any `json:"properties"`
		Geometry   geometry       `json:"geometry"`
	}
	out := struct {
		Type     string    `json:"type"`
		Features []feature `json:"features"`
	}{Type: "FeatureCollection"}
	for _, d := range c.Districts {
		if d.Cells == 0 {
			continue
		}
		out.Features = append(out.Features, feature{"Feature",
			map[string]any{"name": d.Name, "split": d.Split, "cells": d.Cells},
			geometry{"MultiPolygon", polygons(d.Rings)}})
	}
	return json.NewEncoder(w).Encode(out)
}

// polygons sorts rings into polygons: each outer ring with its holes. Outlines
// run clockwise on the map; GeoJSON wants outer rings the other way round.
func polygons(rings [][][2]float64) [][][][2]float64 {
	var out [][][][2]float64
	var holes [][][2]float64
	for _, r := range rings {
		turned := make([][2]float64, len(r))
		for i, p := range r {
			turned[len(r)-1-i] = p
		}
		if area(turned) > 0 {
			out = append(out, [][][2]float64{turned})
		} else {
			holes = append(holes, turned)
		}
	}
	for _, h := range holes {
		// The middle of a hole's edge, moved a little into the hole, lies in one
		// outer ring only; the smallest one that holds it is its own.
		best, size := -1, math.Inf(1)
		for i, p := range out {
			if a := area(p[0]); a < size && inside(p[0], h) {
				best, size = i, a
			}
		}
		if best >= 0 {
			out[best] = append(out[best], h)
		}
	}
	return out
}

// area is the signed area of a ring, positive where it runs counterclockwise.
func area(ring [][2]float64) float64 {
	a := 0.0
	for i := 1; i < len(ring); i++ {
		a += (ring[i-1][0]-ring[0][0])*(ring[i][1]-ring[0][1]) - (ring[i][0]-ring[0][0])*(ring[i-1][1]-ring[0][1])
	}
	return a / 2
}

// inside reports whether a hole lies in a ring, by a point just inside the hole.
func inside(ring, hole [][2]float64) bool {
	dx, dy := hole[1][0]-hole[0][0], hole[1][1]-hole[0][1]
	n := math.Hypot(dx, dy)
	// A hole runs clockwise: its inside is on the right.
	x := (hole[0][0]+hole[1][0])/2 + dy/n*CellDegrees/10
	y := (hole[0][1]+hole[1][1])/2 - dx/n*CellDegrees/10
	in := false
	for i := 1; i < len(ring); i++ {
		a, b := ring[i-1], ring[i]
		if (a[1] > y) != (b[1] > y) && x < a[0]+(y-a[1])/(b[1]-a[1])*(b[0]-a[0]) {
			in = !in
		}
	}
	return in
}

// writeCategories writes the category table.
func writeCategories(w io.Writer) error {
	var b strings.Builder
	b.WriteString("# The categories of all cities here, in one order.\ncategories:\n")
	for _, name := range Categories {
		fmt.Fprintf(&b, "  %s: [%s]\n", name, name)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// writeExperiment writes the experiment file. Its paths are relative to it.
func (c *City) writeExperiment(w io.Writer, year int, table string) error {
	all, splits := c.Bounds()
	if table != "" {
		table = "\n    categories: " + table
	}
	var b strings.Builder
	fmt.Fprintf(&b, `# A made city of %d x %d cells. No model can be expected to do better than
# R2 = %.3f on all cells (%.3f on those that test): the rest is noise. %s
# says what is known about it.
name: %s
data:
  # The cells are ODIAC's own (1/120 degree), so that no regridding blurs the
  # emissions and the best R2 above holds.
  grid: {scheme: degrees}
  imagery:
    path: %s
    size: %d
  emissions:
    path: %s/%s
    units: tC
    per: cell
    period: month
  poi:
    path: %s%s
    size: 32
  split:
    method: attribute
    file: %s
    field: split
    train: [train]
    validation: [validation]
    test: [test]
train:
  epochs: 40
  contrastive_warmup_epochs: 8
  min_epochs: 10
  validate_every: 2
  schedule: cosine
`, c.Rows, c.Cols, all.BestR2, splits.Test.BestR2, TruthFile, c.Name, MosaicFile, max(c.Size, 32),
		MonthsFolder, fmt.Sprintf("odiac2022_1km_excl_intl_%02d*.tif", year), POIFile, table, DistrictsFile)
	_, err := io.WriteString(w, b.String())
	return err
}
