package emissions

import (
	"fmt"
	"strings"
)

// Result is the inventory on the grid.
type Result struct {
	// Values holds, for each cell, tonnes of CO2 a year; for a proxy the
	// area-weighted mean of the source's values. NaN: no valid source there.
	Values []float64
	// Coverage holds, for each cell, the share of its area that valid source
	// ground covers. Overlapping polygons can make it larger than 1.
	Coverage []float64
	Report   Report
}

// Report counts what happened. Amounts are in tonnes of CO2 a year, except for a
// proxy, whose totals are value x km2. Elements are source pixels or polygons; of
// a raster only those in reach of the region are read and counted.
type Report struct {
	Files         []string
	Units         string
	Proxy         bool
	Bands         string   // of rasters with several: which were read, e.g. "bands 1..12 of 12"
	Times         string   // what of the year they are
	Note          string   `json:",omitempty"` // what a person should look at
	YearFactor    float64  // the sum over files and bands was multiplied by this to become a year (the mean, where months have different ones)
	MissingMonths []string // that the factor stands in for, e.g. "2018-03"

	// What the files hold from edge to edge, before any cut. Of amounts only (per:
	// cell, no proxy).
	FileYear    float64
	FileSum     float64 // the same as it stands in them, in Units and not yet a year; 0 where parts of the year are weighed differently
	FileSummed  bool    // both were counted
	FileNumbers int64   // numbers (or polygons) in the files; above a limit they are not added up

	SourceTotal float64 // of the valid elements in reach of the region
	InRegion    float64 // the part of SourceTotal that lies in the region's cells, summed over elements
	Outside     float64 // the rest of it
	Regridded   float64 // the sum over cells; equals InRegion up to rounding

	Elements    int     // pixels in reach, or all polygons of the file
	Valid       int     // that gave something, zero included
	Zero        int     // of the valid: exactly zero
	Nodata      int     // nodata or NaN in every file and band, or a null attribute
	Partial     int     // pixels that are nodata in some of the files or bands; the rest was summed
	Negative    int     // numbers below zero: left out
	NegativeSum float64 // their sum

	Repaired     int     // invalid polygons that were mended
	Degenerate   int     // polygons without area: their amount went to the cell of their first vertex
	Unplaced     int     // elements without a shape or a place: their amount went nowhere
	UnplacedMass float64 // their sum

	EmptyCells int // cells without any valid source (NaN)
	ZeroCells  int // cells with zero
}

// String writes the report for a person.
func (r Report) String() string {
	var b strings.Builder
	unit := "tCO2/yr"
	if r.Proxy {
		unit = "value x km2"
	}
	if r.FileSummed {
		fmt.Fprintf(&b, "whole file        %14.6g %s\n", r.FileYear, unit)
	}
	fmt.Fprintf(&b, "source in reach   %14.6g %s (%d files, %d elements, %d valid)\n", r.SourceTotal, unit, len(r.Files), r.Elements, r.Valid)
	fmt.Fprintf(&b, "source in region  %14.6g %s\n", r.InRegion, unit)
	fmt.Fprintf(&b, "cells after       %14.6g %s\n", r.Regridded, unit)
	note := func(n int, format string, args ...any) {
		if n > 0 {
			fmt.Fprintf(&b, "%8d "+format+"\n", append([]any{n}, args...)...)
		}
	}
	note(r.EmptyCells, "cells without a valid source")
	note(r.ZeroCells, "cells with zero emission")
	note(r.Nodata, "source elements without a value")
	note(r.Partial, "source pixels with gaps in some files or bands")
	note(r.Negative, "negative numbers left out (their sum: %g %s)", r.NegativeSum, unit)
	note(r.Repaired, "invalid polygons mended")
	note(r.Degenerate, "polygons without area given to the cell they touch")
	note(r.Unplaced, "elements without a place left out (their sum: %g %s)", r.UnplacedMass, unit)
	if r.YearFactor != 1 {
		fmt.Fprintf(&b, "scaled to a year by %g", r.YearFactor)
		if len(r.MissingMonths) > 0 {
			fmt.Fprintf(&b, "; missing %s", strings.Join(r.MissingMonths, ", "))
		}
		b.WriteByte('\n')
	}
	return b.String()
}
