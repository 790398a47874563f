package data

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"opencarbon/data/emissions"
	"opencarbon/data/imagery"
	"opencarbon/data/label"
	"opencarbon/data/poi"
	"opencarbon/data/published"
	"opencarbon/data/split"
	"opencarbon/data/store"
)

// Report says what a build found and what became of it. The store keeps it, so
// that the table can be printed again without building.
type Report struct {
	Name   string `json:"name"`
	Store  string `json:"-"` // folder
	Reused bool   `json:"-"` // the store was up to date and nothing was built
	Why    string `json:"-"` // why it was built; empty where Reused
	Bytes  int64  `json:"-"` // of the store

	Grid  string `json:"grid"`
	Cells Cells  `json:"cells"`

	Images      *imagery.Normalization `json:"images,omitempty"`
	Sources     []SourceReport         `json:"sources,omitempty"`     // of a mosaic of two, see data.imagery.sources
	Attribution string                 `json:"attribution,omitempty"` // of the imagery
	Blank       *imagery.Blank         `json:"blank,omitempty"`       // pixels that may be no data, undeclared
	Emissions   *Inventory             `json:"emissions,omitempty"`
	POI         *POIs                  `json:"poi,omitempty"`
	Rasters     []RasterReport         `json:"rasters,omitempty"`
	Published   *published.Report      `json:"published,omitempty"` // in place of the three above
	Split       *split.Report          `json:"split"`
	Inputs      []Input                `json:"inputs"`
	Remarks     []string               `json:"remarks,omitempty"` // of GDAL about the inputs, each once
	Seconds     float64                `json:"seconds"`           // the build took
}

// Cells counts what became of the region's cells.
type Cells struct {
	Region   int `json:"region"`    // cells of the grid in the region
	Coverage int `json:"coverage"`  // dropped: the mosaic covers less than data.imagery.min_coverage
	Cut      int `json:"cut"`       // of the stored: the mosaic covers a part, no less than that
	NoImage  int `json:"no_image"`  // dropped: the mosaic has nothing there
	Stored   int `json:"stored"`    // kept, with or without target
	Samples  int `json:"samples"`   // of the stored: with a target
	NoTarget int `json:"no_target"` // of the stored: the inventory says nothing there (nodata, or beyond its edge)
	Sliver   int `json:"sliver"`    // of the stored: the inventory covers less than a hundredth of the cell's ground
	Zero     int `json:"zero"`      // of the stored: the emission is zero (or below a millionth of the mean), whose logarithm says nothing
	Partial  int `json:"partial"`   // of the samples: the inventory covers less than half of the cell's ground
}

// Inventory is the account of the emissions, in tonnes of CO2 a year (a proxy:
// value x km2).
type Inventory struct {
	emissions.Report
	Unit    string  // of the targets: tCO2/yr or proxy
	Samples float64 // the sum over the stored samples (a proxy: the mean of their values)

	// Regridded = Samples + NoSample + Dropped; 0 of a proxy.
	NoSample float64 // the sum over the stored cells that are no samples: slivers, dust
	Dropped  float64 // the sum over the cells that the mosaic does not cover

	Large []Large // samples that hold much of the sum, the largest first; none of a proxy

	StoredKM2  float64 // ground of the stored cells
	UnknownKM2 float64 // of it: the inventory has no sample there
}

// POIs is the account of the points.
type POIs struct {
	poi.Report
	Size    int     // of the frame of pixels that points are counted in
	Dropped float64 // points in cells that were dropped
	Stored  float64 // points in stored cells
	Empty   int     // stored cells without a point
}

// Print writes the report as a table for people.
func (r *Report) Print(w io.Writer) error {
	line := func(label string, value any, notes ...string) {
		text := fmt.Sprint(value)
		if v, ok := value.(float64); ok {
			text = grouped(v)
		}
		fmt.Fprintf(w, "  %-26s %14s  %s\n", label, text, strings.Join(notes, ""))
	}
	some := func(label string, n int, notes ...string) {
		if n > 0 {
			line(label, n, notes...)
		}
	}
	c := r.Cells
	fmt.Fprintf(w, "%s: %s\n", r.Name, r.Grid)
	fmt.Fprintln(w, "cells")
	line("in the region", c.Region)
	some("dropped, cut", c.Coverage, "the mosaic's edge, or a gap in it, leaves less than data.imagery.min_coverage of the cell")
	some("dropped, no image", c.NoImage, "the mosaic has nothing there")
	if r.Attribution != "" {
		fmt.Fprintf(w, "  imagery: %s\n", label.Printable(r.Attribution))
	}
	line("stored", c.Stored)
	some("  cut a little", c.Cut, "the mosaic's edge, or a gap in it: kept, what is missing of the picture is black")
	if b := r.Blank; b != nil {
		line("  with blank pixels", b.Cells, fmt.Sprintf("exactly %g in all bands, %.1f%% of all pixels, and nothing says that this is no data; if it is: data.imagery.nodata: %g",
			b.Value, 100*float64(b.Pixels)/float64(b.Of), b.Value))
	}
	if r.Emissions != nil {
		some("  without a target", c.NoTarget, "unknown, not zero: the inventory has no sample there (a gap, sea, beyond its edge); kept as neighbors")
		some("  barely touched", c.Sliver, "unknown, not zero: the inventory covers less than 1%; kept as neighbors")
		some("  with zero emission", c.Zero, "the inventory says zero, which has no logarithm; kept as neighbors")
		line("  samples", c.Samples, "with a target")
		some("    partly covered", c.Partial, "the inventory covers less than half of the cell")
		r.printEmissions(w, line, some)
	} else if r.Published != nil {
		line("  samples", c.Samples, "with a target")
		r.printPublished(w, line, some)
	} else {
		line("  samples", 0, "no inventory is configured: a region to predict")
	}
	if r.POI != nil {
		r.printPOIs(w, line, some)
	}
	r.printRasters(w, line)
	r.printSplit(w, line, some)
	for _, remark := range r.Remarks {
		fmt.Fprintln(w, "GDAL remarks: "+remark)
	}
	fmt.Fprintln(w, "store")
	if n := r.Images; n != nil {
		line("images", fmt.Sprintf("%d x %d px", n.Size, n.Size), fmt.Sprintf("%s, %s, scale %s, %s%s", n.CRS, n.DType, n.Scale, n.Resampling, otherBands(n)))
		r.printSources(line)
		if b := n.Constant(); len(b) > 0 {
			line("  constant bands", len(b), fmt.Sprintf("%v: one number nearly everywhere, which says nothing; leave them out of data.imagery.bands", b))
		}
	} else if r.Published != nil {
		line("images", fmt.Sprintf("%d x %d px", published.Size, published.Size), "as published")
	} else {
		line("images", "none")
	}
	line("size", fmt.Sprintf("%.1f MB", float64(r.Bytes)/1e6), r.Store)
	switch {
	case r.Reused:
		fmt.Fprintln(w, "  up to date: nothing was built (--force builds anew)")
	case r.Why != "":
		fmt.Fprintf(w, "  built in %.1f s: %s\n", r.Seconds, r.Why)
	}
	return nil
}

// grouped writes a number to six figures, and a large one whole, with separators:
// 29,060,143 is read at a glance, 2.90601e+07 is not.
func grouped(v float64) string {
	if !(math.Abs(v) >= 1e6 && math.Abs(v) < 1e15) {
		return fmt.Sprintf("%.6g", v)
	}
	text := strconv.FormatFloat(math.Abs(v), 'f', 0, 64)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	if v < 0 {
		return "-" + text
	}
	return text
}

// mega says a large amount of tonnes in millions of them, as inventories do.
func mega(tonnes float64) string {
	if math.Abs(tonnes) < 1e6 {
		return ""
	}
	return fmt.Sprintf(" (%.4g Mt)", tonnes/1e6)
}

// otherBands says what images are that are not of three bands of bytes.
func otherBands(n *imagery.Normalization) string {
	shape := ImageShape(n)
	if shape == store.RGB(n.Size) {
		return ""
	}
	return fmt.Sprintf(", %d bands of %s", shape.Bands, shape.Pixel)
}

type liner = func(label string, value any, notes ...string)
type counter = func(label string, n int, notes ...string)

func (r *Report) printEmissions(w io.Writer, line liner, some counter) {
	e := r.Emissions
	unit := " tCO2/yr"
	mega := mega
	if e.Proxy {
		unit = " value x km2"
		mega = func(float64) string { return "" }
	}
	files := "1 file"
	if n := len(e.Files); n != 1 {
		files = fmt.Sprintf("%d files", n)
	}
	fmt.Fprintf(w, "emissions (%s, %s)\n", e.Units, files)
	if text := strings.Trim(e.Bands+", "+e.Times, ", "); text != "" {
		fmt.Fprintf(w, "  read: %s\n", text)
	}
	if e.Note != "" {
		fmt.Fprintln(w, "  look: "+label.Printable(e.Note))
	}
	if e.FileSummed {
		stands := ""
		if e.FileSum > 0 {
			stands = "; " + strconv.FormatFloat(e.FileSum, 'f', 1, 64) + " " + e.Units + " in it as it stands"
		}
		line("whole file", e.FileYear, unit, mega(e.FileYear), ", before any cut", stands)
	} else if e.FileNumbers > 0 {
		line("whole file", "not added up", fmt.Sprintf("%d numbers; only what is near the region was read", e.FileNumbers))
	}
	line("source in reach", e.SourceTotal, unit, mega(e.SourceTotal), ", near the region")
	share := ""
	if e.FileSummed && e.FileYear > 0 {
		share = fmt.Sprintf("; %.1f%% of the whole file", 100*e.InRegion/e.FileYear)
	}
	line("source in the region", e.InRegion, unit, mega(e.InRegion), ", before regridding", share)
	line("cells of the region", e.Regridded, unit, mega(e.Regridded), ", after regridding")
	if e.Proxy {
		line("mean of the samples", e.Samples)
	} else {
		if e.Dropped > 0 {
			line("  in dropped cells", e.Dropped, unit, ", known, but the mosaic does not cover the cells")
		}
		if e.NoSample > 1e-9*e.Regridded { // less is rounding
			line("  in no sample", e.NoSample, unit, ", of cells barely touched or next to zero")
		}
		line("  samples", e.Samples, unit, mega(e.Samples))
		r.printLarge(line)
	}
	if e.UnknownKM2 > 0.0005*e.StoredKM2 {
		line("area not covered", e.UnknownKM2, fmt.Sprintf(" km2 of %.6g km2 stored have no sample: unknown, not zero, and in none of these sums", e.StoredKM2))
	}
	some("nodata elements", e.Nodata)
	some("with gaps", e.Report.Partial, "nodata in some files or bands; the rest was summed")
	some("negative, left out", e.Negative, fmt.Sprintf("their sum: %g%s", e.NegativeSum, unit))
	some("polygons mended", e.Repaired)
	some("without a place", e.Unplaced, fmt.Sprintf("left out, their sum: %g%s", e.UnplacedMass, unit))
	const seasons = "as data.emissions.missing_months: scale allows; the seasons are not made up for"
	if n := len(e.MissingMonths); n > 0 {
		line("scaled to a year", fmt.Sprintf("%d of 12 months", 12-n), seasons, "; missing: ", strings.Join(e.MissingMonths, ", "))
	} else if e.YearFactor > 1 && e.Times == "" {
		line("scaled to a year", fmt.Sprintf("x %.6g", e.YearFactor), seasons)
	}
}

func (r *Report) printPOIs(w io.Writer, line liner, some counter) {
	p := r.POI
	fmt.Fprintf(w, "points of interest (%s)\n", strings.TrimSuffix(p.CRS+", "+p.Encoding, ", "))
	note := ""
	if p.Columns != "" {
		note = "columns " + p.Columns
	}
	line("rows", p.Rows, note)
	if p.Note != "" {
		fmt.Fprintln(w, "  look: "+p.Note)
	}
	some("outside the region", p.Outside, "in none of its cells; not counted")
	some("  swapped?", p.Swapped, "inside when longitude and latitude change places")
	some("duplicates", p.Duplicates, "the id had come before at the same place")
	some("ids that repeat elsewhere", p.IDElsewhere, "at another place or in another category; kept")
	some("with a count of 0", p.ZeroCount, "no points")
	some("unreadable", p.Bad, strings.Join(p.BadExamples[:min(1, len(p.BadExamples))], ""))
	some("ignored", p.Ignored, "by the category table")
	some("without category", p.Uncategorized)
	some("unmapped", p.Unmapped, "not in the category table")
	for _, v := range p.UnmappedValues[:min(8, len(p.UnmappedValues))] {
		line("  "+label.Printable(v.Value), v.Count)
	}
	if more := len(p.UnmappedValues) - 8; more > 0 {
		line("  further values", more)
	}
	some("without a tag", p.Untagged, "none of the tags that make a point of interest")
	if p.Other > 0 {
		ask := ""
		if 2*float64(p.Other) > p.Stored+p.Dropped {
			ask = "most of all points: is data.poi.categories the table of this file's categories? "
		}
		line("fell to other", p.Other, ask, "the category table lists none of these values:")
		for _, v := range p.OtherValues[:min(8, len(p.OtherValues))] {
			line("  "+label.Printable(v.Value), v.Count)
		}
		if more := len(p.OtherValues) - 8; more > 0 {
			line("  further values", more)
		}
	}
	if p.Dropped > 0 {
		line("in dropped cells", p.Dropped, "the mosaic does not cover them; not counted")
	}
	some("cells without any", p.Empty, "of the stored")
	line("stored", p.Stored, fmt.Sprintf("in %d categories:", len(p.PerCategory)))
	shown := slices.Clone(p.PerCategory)
	slices.SortStableFunc(shown, func(a, b poi.ValueCount) int { return cmp.Compare(b.Count, a.Count) })
	const most = 60
	for _, v := range shown[:min(most, len(shown))] {
		line("  "+label.Printable(v.Value), v.Count)
	}
	if len(shown) > most {
		line("  further categories", len(shown)-most)
	}
}

// encode turns the report into what the store keeps.
func (r *Report) encode() (json.RawMessage, error) { return json.Marshal(r) }

// decodeReport reads what encode made; nil where it cannot be read.
func decodeReport(b json.RawMessage) *Report {
	r := &Report{}
	if len(b) == 0 || json.Unmarshal(b, r) != nil || r.Split == nil {
		return nil
	}
	return r
}

// ReportOf is what the build of an open store counted; nil where it keeps no
// report.
func ReportOf(s *store.Store) *Report {
	r := decodeReport(s.Meta().Report)
	if r != nil {
		r.Store, r.Bytes, r.Reused = s.Dir(), s.Bytes(), true
	}
	return r
}
