// Package output writes what is predicted of a region: tables, maps and pictures of
// its cells, sums of areas, a page to look around in, a catalog item. It knows
// numbers, places and names; no model and no tensor comes in here.
package output

import (
	"cmp"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"opencarbon/data"
	"opencarbon/data/fault"
	"opencarbon/data/grid"
	"opencarbon/data/raster"
	"opencarbon/data/store"
	"opencarbon/train/change"
	"opencarbon/train/mapfiles"
	"opencarbon/train/method"
	"opencarbon/train/metrics"
	"opencarbon/train/plots"
	"opencarbon/train/totals"
)

// Formats are what Write can write.
var Formats = []string{"csv", "tif", "png", "gpkg", "geojson", "parquet", "nc", "xlsx", "stac"}

// STACFile is the catalog item that Write writes where it is asked for one.
const STACFile = "predictions.stac.json"

// Options of Write.
type Options struct {
	Out     string    // folder of the results
	Formats []string  // some of Formats
	Page    bool      // write PageFile as well
	Since   string    // an earlier prediction of the same cells, whose change the page shows; empty: none
	Known   Known     // areas to add up, and totals that are known
	Changed time.Time // that files name as their last change; zero: when they are written
}

// Model is what the results say of the model that predicted.
type Model struct {
	Path       string         // its checkpoint, the first of an ensemble
	Others     int            // how many more there are
	Unit       string         // of the predictions
	Program    string         // that trained it
	Experiment string         // its name; empty: not known
	Inventory  string         // file of the emissions that it was trained on; empty: not known
	Store      string         // hash of the store that it was trained on
	Epoch      int            // of the best weights
	R2         float64        // of the validation cells
	Catalog    mapfiles.Model // what a catalog says of it
}

// ofGDAL are the formats that GDAL writes, or in which it describes the CRS.
var ofGDAL = []string{"tif", "gpkg", "geojson", "parquet", "nc"}

// possible are the formats that can be written, and those that are left out where the
// program has no GDAL (without is raster.Without's error). The error, a *fault.Input,
// is of formats of which none can.
func possible(formats []string, without error) (rest, left []string, err error) {
	if without == nil {
		return formats, nil, nil
	}
	for _, f := range formats {
		if slices.Contains(ofGDAL, f) {
			left = append(left, f)
		} else {
			rest = append(rest, f)
		}
	}
	if rest == nil && left != nil {
		return nil, left, fault.New("--format "+strings.Join(left, ","), "cannot be written: this program was built without GDAL (tag nogdal)", "Ask for csv, png or xlsx, which need none.")
	}
	return rest, left, nil
}

// Check refuses outputs that Write cannot write, of targets in that unit, as a
// *fault.Input error.
func (o Options) Check(unit string) error {
	for _, f := range o.Formats {
		if !slices.Contains(Formats, f) {
			return fault.New("--format", fmt.Sprintf("%q is unknown", f), "Use some of "+strings.Join(Formats, ", ")+".")
		}
		if f == "nc" && unit != mapfiles.NetCDFUnit {
			return fault.New("--format nc", fmt.Sprintf("holds fluxes of CO2, but the model predicts %s", cmp.Or(unit, "a proxy")), "Leave nc out.")
		}
	}
	if _, _, err := possible(o.Formats, raster.Without()); err != nil {
		return err
	}
	if o.Since != "" {
		if !o.Page {
			return fault.New("--since", "is shown on the page, which is not asked for", "Give --html as well, or compare afterwards: go run ./cmd/diff A B.")
		}
		if _, err := change.Read(o.Since); err != nil { // before hours of work
			return err
		}
	}
	return nil
}

// Predictions are what was written, and what it says of the region.
type Predictions struct {
	Files []string
	Cells int
	Total float64 // sum over all cells of exp(predicted ln), in the unit; too low, and meaningless for a proxy
	Unit  string

	// Sum is the total with its correction and intervals; nil where NoSum says why
	// there is none. Correction says in words what was done to the cells.
	Sum        *totals.Sum
	NoSum      string
	Correction string

	// Filled is the total with the inventory's own numbers where it has some; nil where
	// it has one for no cell, or for all.
	Filled *Filled

	// Areas are the sums of areas, where they were asked for. Scaled is the factor
	// by which the whole was scaled to a known total, 0 where it was not.
	Areas  []AreaTotal
	Scaled float64
	Notes  []string // about categories, areas and totals

	// InDomain is the share of cells that are like the training cells; NaN where the
	// checkpoints do not tell.
	InDomain float64

	// Intervals say by what the emission may lie below and above the prediction, from
	// the validation errors that the checkpoint carries; none where it carries none.
	Intervals []Interval
}

// Interval is from Prediction / Factor to Prediction * Factor for the middle one of
// the cells; Least and Most are the least and the largest factor of a cell, the same
// where widths do not differ. NaN where the validation
// cells were too few for the level.
type Interval struct{ Level, Factor, Least, Most float64 }

// String says it in words.
func (p Interval) String() string {
	if math.IsNaN(p.Factor) {
		return fmt.Sprintf("%g%% of cells: no interval, the validation cells were too few for it", 100*p.Level)
	}
	s := fmt.Sprintf("%g%% of cells like those that validated lie within %.3g to %.3g times the prediction", 100*p.Level, 1/p.Factor, p.Factor)
	if p.Most > p.Least*(1+1e-9) {
		s += fmt.Sprintf(" (%.3g to %.3g for the surest cells, %.3g to %.3g for the least sure)", 1/p.Least, p.Least, 1/p.Most, p.Most)
	}
	return s
}

// Totals says the sum over all cells in words, several lines without a newline at
// the end.
func (p *Predictions) Totals() string {
	if p.Sum == nil {
		return fmt.Sprintf("%s %s in all, uncorrected and usually too low\n  no correction and no interval of the total: %s", metrics.Amount(p.Total), p.Unit, p.NoSum)
	}
	s := fmt.Sprintf("%s %s in all, corrected\n  uncorrected: %s (a model of logarithms is near medians, whose sum is too low)\n  correction: %s",
		metrics.Amount(p.Sum.Corrected), p.Unit, metrics.Amount(p.Sum.Raw), p.Correction)
	for _, i := range p.Sum.Intervals {
		s += fmt.Sprintf("\n  %g%% interval of the total: %s to %s", 100*i.Level, metrics.Amount(i.Low), metrics.Amount(i.High))
	}
	if text := totals.Vague(p.Sum.Intervals); text != "" {
		s += "\n  do not report this total: " + text + "; where one is known, --total takes it"
	}
	if f := p.Filled; f != nil {
		s += fmt.Sprintf("\n%s %s with the inventory's own numbers of the %s (%s)", metrics.Amount(f.Sum.Corrected), p.Unit, haveOne(f.Cells, strconv.Itoa), metrics.Amount(f.Known))
		for _, i := range f.Sum.Intervals {
			s += fmt.Sprintf("\n  %g%% interval: %s to %s", 100*i.Level, metrics.Amount(i.Low), metrics.Amount(i.High))
		}
		if text := totals.Vague(f.Sum.Intervals); text != "" {
			s += "\n  do not report this total either"
		}
	}
	return s
}

// Write writes what is estimated of a store's cells in each format asked for. t is
// what makes totals right; where there is none it is nil, and why says so.
func Write(by Model, s *store.Store, x Estimate, t *totals.Model, why string, known *KnownTotals, o Options) (*Predictions, error) {
	p := &Predictions{Cells: len(x.Ln), Unit: by.Unit, NoSum: why}
	for _, b := range x.Bands {
		p.Intervals = append(p.Intervals, b.interval())
	}
	for _, y := range x.Ln {
		p.Total += math.Exp(y)
	}
	truth := exp(method.New(s).Ln)
	var sums areaSums
	if t != nil {
		p.Correction = t.Correction.String()
		p.Sum, p.Filled, sums = sumAll(t, totals.At(s.Cells(), x.Ln), truth, known)
	}
	p.InDomain = x.shareInside()
	if err := known.apply(p, &x); err != nil {
		return nil, err
	}
	g, err := data.GridOf(s.Meta().Grid)
	if err != nil {
		return nil, err
	}
	var left []string
	if o.Formats, left, err = possible(o.Formats, raster.Without()); err != nil {
		return nil, err
	}
	if left != nil {
		p.Notes = append(p.Notes, "not written, since this program was built without GDAL: predictions."+strings.Join(left, ", predictions."))
	}
	rows, extra := x.Rows(s, method.New(s).Ln), x.Extra()
	cells := mapfiles.Cells{Grid: g, Rows: rows, Extra: extra, Unit: p.Unit, About: metadata(by, s, o.Known.Year)}
	for _, x := range s.Meta().Grid.InOnePiece(s.Cells()) {
		cells.Placed = append(cells.Placed, grid.Cell{Col: x.Col, Row: x.Row})
	}
	if known.set != nil {
		known.sum(p, sums, truth, x)
	}
	for _, f := range o.Formats {
		if f == "stac" { // catalogs all the others
			continue
		}
		path := filepath.Join(o.Out, "predictions."+f)
		switch f {
		case "csv":
			err = writeTable(path, p.Unit, rows, extra)
		case "tif":
			err = writeRaster(path, by, s, g, rasterBands(p.Unit, x), o.Known.Year)
			if err == nil {
				p.Files = append(p.Files, path)
				path, err = writeStyle(path, p.Unit, x)
			}
		case "png":
			if err := plots.Attempt(path, func() (*plots.Figure, error) { return plots.Maps(predictedMaps(s, x, p.Unit)) }); err != nil {
				p.Notes = append(p.Notes, err.Error()) // too many cells for a picture: the others say the same
				continue
			}
		case "parquet":
			err = cells.WriteGeoParquet(path)
		case "nc":
			err = cells.WriteNetCDF(path, o.Known.Year)
		case "xlsx":
			var more []mapfiles.Sheet
			if p.Areas != nil {
				more = append(more, p.areaSheet())
			}
			err = cells.WriteWorkbook(path, more...)
		default:
			err = writeCells(path, p.Unit, g, rows, extra, o.Changed)
		}
		if err != nil {
			return nil, err
		}
		p.Files = append(p.Files, path)
	}
	if known.set != nil {
		if err := p.writeAreas(o.Out, known.set, o.Changed); err != nil {
			return nil, err
		}
	}
	if o.Page {
		if err := p.writePage(by, s, g, rows, extra, known, o); err != nil {
			return nil, err
		}
	}
	if slices.Contains(o.Formats, "stac") {
		written := o.Changed
		if written.IsZero() {
			written = time.Now()
		}
		path := filepath.Join(o.Out, STACFile)
		if err := cells.WriteSTAC(path, o.Known.Year, p.Files, by.Catalog, written); err != nil {
			return nil, err
		}
		p.Files = append(p.Files, path)
	}
	return p, nil
}
