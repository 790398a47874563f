package data

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"unicode"

	"opencarbon/data/emissions"
	"opencarbon/data/fault"
	"opencarbon/data/label"
	"opencarbon/data/store"
)

// maxRasterName bounds a raster's name, which heads columns of tables.
const maxRasterName = 64

// normalizeRasters is Rasters' part of Normalize.
func (c *Config) normalizeRasters() error {
	if len(c.Rasters) > 0 && c.Published.Dir != "" {
		return stray("rasters", "with data.published.dir", "A published dataset is taken as it is: remove the key.")
	}
	if len(c.Rasters) > store.MaxRasters {
		return outOf("rasters", fmt.Sprintf("a list of %d", len(c.Rasters)), fmt.Sprintf("up to %d rasters", store.MaxRasters))
	}
	c.Rasters = slices.Clone(c.Rasters) // a copy of the configuration shares the list
	seen := map[string]int{}
	for i := range c.Rasters {
		r := &c.Rasters[i]
		where := fmt.Sprintf("rasters[%d]", i)
		if r.Name == "" || len(r.Name) > maxRasterName || strings.TrimSpace(r.Name) != r.Name || strings.ContainsFunc(r.Name, unicode.IsControl) {
			return outOf(where+".name", r.Name, fmt.Sprintf("a name of up to %d bytes, such as nightlight, without spaces at its ends", maxRasterName))
		}
		if first, ok := seen[r.Name]; ok {
			return fault.New("data."+where+".name", fmt.Sprintf("is %q, and so is data.rasters[%d].name", r.Name, first), "Name each raster differently: models know them by their names.")
		}
		seen[r.Name] = i
		if r.Path == "" {
			return fault.New("data."+where+".path", fmt.Sprintf("is not given for %q", r.Name), "Name the raster's file.")
		}
		if err := oneOf(where+".how", &r.How, "mean", emissions.Hows...); err != nil {
			return err
		}
		if r.Band == 0 {
			r.Band = 1
		}
		if r.Nodata != nil && math.IsNaN(*r.Nodata) { // it never is a value
			r.Nodata = nil
		}
		if r.Band < 1 {
			return outOf(where+".band", r.Band, "a band's number, counted from 1")
		}
	}
	return nil
}

// RasterReport is the account of a further raster.
type RasterReport struct {
	Name    string  `json:"name"`
	How     string  `json:"how"`
	Missing int     `json:"missing"` // stored cells without a value
	Low     float64 `json:"low"`     // of the stored cells' values
	Mean    float64 `json:"mean"`
	High    float64 `json:"high"`
}

// readRasters makes the numbers of all cells of the region, a list of N for each
// raster. They are read before the images, which take longer.
func (b *build) readRasters(ctx context.Context) error {
	for i, r := range b.c.Rasters {
		where := fmt.Sprintf("data.rasters[%d] (%s)", i, r.Name)
		values, coverage, err := emissions.Numbers(ctx, emissions.NumberSpec{Path: r.Path, CRS: r.CRS, Band: r.Band, How: r.How, Nodata: r.Nodata}, b.grid, b.cells,
			func(f float64) { b.o.Progress(stageRasters, i*1000+int(f*1000), len(b.c.Rasters)*1000) })
		if err != nil {
			return rasterFault(err, where)
		}
		for k, v := range values {
			if coverage[k] < sliver { // as of a target: it knows next to nothing of the cell
				values[k] = math.NaN()
			}
			if math.Abs(v) > math.MaxFloat32 {
				return fault.New(r.Path, fmt.Sprintf("gives a cell the number %g", v), "Declare the value that means no data in the file (gdal_translate -a_nodata), or bring smaller numbers. The section of the experiment file: "+where)
			}
		}
		b.rasters = append(b.rasters, values)
	}
	return nil
}

// rasterFault says of which raster a user's error is.
func rasterFault(err error, where string) error {
	var in *fault.Input
	if !errors.As(err, &in) {
		return err
	}
	return &fault.Input{Where: in.Where, What: in.What, Err: in.Err, Remedy: strings.TrimSpace(in.Remedy + "\n  The section of the experiment file: " + where)}
}

// keepRasters writes the numbers of the cells that stay and accounts for them.
func (b *build) keepRasters(w *store.Writer, keep []int) error {
	if len(b.rasters) == 0 {
		return nil
	}
	k := len(b.rasters)
	names, values := make([]store.Raster, k), make([]float32, len(keep)*k)
	for j, r := range b.c.Rasters {
		names[j] = store.Raster{Name: r.Name, How: r.How}
		a := RasterReport{Name: r.Name, How: r.How, Low: math.Inf(1), High: math.Inf(-1)}
		for n, i := range keep {
			v := b.rasters[j][i]
			values[n*k+j] = float32(v)
			if math.IsNaN(v) {
				a.Missing++
				continue
			}
			a.Low, a.High, a.Mean = min(a.Low, v), max(a.High, v), a.Mean+v
		}
		has := len(keep) - a.Missing
		if has == 0 {
			return fault.New(r.Path, "has no value in any cell that is stored", fmt.Sprintf("Bring a raster of the region, or remove data.rasters[%d].", j))
		}
		a.Mean /= float64(has)
		b.report.Rasters = append(b.report.Rasters, a)
	}
	w.SetRasters(names, values)
	return nil
}

// printRasters writes the account of further rasters.
func (r *Report) printRasters(w io.Writer, line liner) {
	if len(r.Rasters) == 0 {
		return
	}
	fmt.Fprintln(w, "rasters")
	for _, a := range r.Rasters {
		note := ""
		if a.Missing > 0 {
			note = fmt.Sprintf("; no value in %d cells, for which models take the mean of the others", a.Missing)
		}
		line(label.Printable(a.Name), fmt.Sprintf("%.4g to %.4g", a.Low, a.High), fmt.Sprintf("mean %.4g, by %s%s", a.Mean, a.How, note))
	}
}
