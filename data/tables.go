package data

import (
	"encoding/json"
	"math"
	"time"

	"opencarbon/data/grid"
	"opencarbon/data/poi"
	"opencarbon/data/raster"
	"opencarbon/data/store"
)

// sliver is the share of a cell's ground that an inventory must at least cover
// to give it a target. Digitized borders miss the grid's lines by a meter: of a
// cell that is touched like that the inventory knows nothing, and the logarithm
// of a millionth of a cell's emission would be a wild outlier.
const sliver = 0.01

// dust is the share of the mean below which a cell's emission counts as zero.
// Georeferences are rounded, so that an inventory's cells miss the grid's by a
// billionth, and a cell of open sea receives a billionth of the harbor beside it.
const dust = 1e-6

// sample reports whether a cell of the region has a target.
func (b *build) sample(i int) bool {
	if b.stock == nil {
		return false
	}
	if b.least == 0 {
		sum, n := 0.0, 0
		for _, v := range b.stock.Values {
			if v > 0 {
				sum += v
				n++
			}
		}
		b.least = math.SmallestNonzeroFloat64
		if n > 0 {
			b.least = max(b.least, dust*sum/float64(n))
		}
	}
	return b.stock.Values[i] >= b.least && b.stock.Coverage[i] >= sliver
}

// targets returns the stored cells' yearly emissions and accounts for them; NaN
// is no sample.
func (b *build) targets(keep []int) []float64 {
	out := make([]float64, len(keep))
	for k := range out {
		out[k] = math.NaN()
	}
	if b.stock == nil {
		return out
	}
	c, e := &b.report.Cells, &Inventory{Report: b.stock.Report, Unit: "tCO2/yr"}
	for k, i := range keep {
		v := b.stock.Values[i]
		e.StoredKM2 += b.place.area[i]
		e.UnknownKM2 += b.place.area[i] * max(0, 1-b.stock.Coverage[i])
		switch {
		case b.sample(i):
			out[k] = v
			c.Samples++
			e.Samples += v
			if b.stock.Coverage[i] < 0.5 {
				c.Partial++
			}
		case math.IsNaN(v):
			c.NoTarget++
		case b.stock.Coverage[i] < sliver:
			c.Sliver++
		default:
			c.Zero++
		}
	}
	b.report.Emissions = e
	if e.Proxy {
		e.Unit = "proxy"
		e.Samples /= math.Max(1, float64(c.Samples))
		return out
	}
	e.Large = b.large(out, keep, c.Samples, e.Samples)
	kept := make([]bool, len(b.cells))
	for k, i := range keep {
		kept[i] = true
		if v := b.stock.Values[i]; v > 0 && math.IsNaN(out[k]) {
			e.NoSample += v
		}
	}
	for i, v := range b.stock.Values {
		if !kept[i] && v > 0 {
			e.Dropped += v
		}
	}
	return out
}

// keepPOIs returns the points of the cells that stay, as store.SetPOIs wants them.
func (b *build) keepPOIs(keep []int) ([]int64, store.Points) {
	from, p := b.points.Offsets, b.points.Points
	account := &POIs{Report: b.points.Report, Size: b.points.Size}
	perCategory := make([]float64, len(b.points.Categories))
	offsets := make([]int64, 1, len(keep)+1)
	var out store.Points
	for _, i := range keep {
		lo, hi := from[i], from[i+1]
		out.Category = append(out.Category, p.Category[lo:hi]...)
		out.Row = append(out.Row, p.Row[lo:hi]...)
		out.Col = append(out.Col, p.Col[lo:hi]...)
		out.Count = append(out.Count, p.Count[lo:hi]...)
		offsets = append(offsets, int64(out.Len()))
		if lo == hi {
			account.Empty++
		}
		for k := lo; k < hi; k++ {
			perCategory[p.Category[k]] += float64(p.Count[k])
		}
	}
	account.PerCategory = nil
	for k, v := range b.points.Report.PerCategory {
		account.Stored += perCategory[k]
		account.Dropped += v.Count - perCategory[k]
		account.PerCategory = append(account.PerCategory, poi.ValueCount{Value: v.Value, Count: perCategory[k]})
	}
	account.Pixels = out.Len()
	b.report.POI = account
	return offsets, out
}

// gridSpec describes the grid for the store.
func (b *build) gridSpec() store.GridSpec {
	s := b.grid.Spec()
	g := store.GridSpec{Scheme: s.Scheme, WKT: b.grid.CRS().WKT()}
	west, _, east, _ := b.grid.Bounds(grid.Cell{})
	switch s.Scheme {
	case grid.XYZ:
		g.Zoom, g.EPSG, g.CellSize, g.Columns = s.Zoom, 3857, east-west, 1<<s.Zoom
	case grid.Degrees:
		// Columns in the first degree: their number is exact where the edge is not.
		per, _ := b.grid.Units(-179, 90)
		g.EPSG, g.CellSize = 4326, 1/per
		if round := 360 * per; math.Abs(round-math.Round(round)) < 1e-9 {
			g.Columns = int64(math.Round(round))
		}
	default:
		g.EPSG, g.CellSize = s.EPSG, s.CellMetres/b.grid.CRS().Metres()
	}
	return g
}

// describe fills in the store's metadata.
func (b *build) describe(m *store.Meta, keep []int) error {
	lo, hi := b.cells[keep[0]], b.cells[keep[0]]
	for _, i := range keep {
		c := b.cells[i]
		lo.Col, hi.Col = min(lo.Col, c.Col), max(hi.Col, c.Col)
		lo.Row, hi.Row = min(lo.Row, c.Row), max(hi.Row, c.Row)
	}
	var err error
	if m.Bounds, err = blockBounds(b.grid, lo, hi); err != nil {
		return err
	}
	if b.report.Images != nil {
		if m.Normalization, err = json.Marshal(b.report.Images); err != nil {
			return err
		}
	}
	if b.report.Emissions != nil {
		m.TargetUnit = b.report.Emissions.Unit
	}
	m.Split, m.CategoryTable = b.report.Split.Text, b.table
	plain, _ := b.c.plain()
	if m.Config, err = json.Marshal(plain); err != nil {
		return err
	}
	for _, in := range b.report.Inputs {
		m.Inputs = append(m.Inputs, store.InputFile{Path: in.Path, Bytes: in.Bytes, SHA256: in.SHA256})
	}
	b.report.Remarks = raster.Warnings()
	b.report.Seconds = time.Since(b.began).Seconds()
	m.Report, err = b.report.encode()
	return err
}
