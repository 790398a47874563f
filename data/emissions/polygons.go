package emissions

import (
	"context"
	"fmt"
	"math"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/data/raster"
)

// openPolygons opens the source and settles its CRS.
func openPolygons(s *Spec, files []string) (*raster.Layer, *raster.CRS, error) {
	if len(files) > 1 {
		return nil, nil, fault.New(s.Path, fmt.Sprintf("%d polygon files match, one is wanted", len(files)), "name one file, or merge them with ogrmerge.py")
	}
	l, err := raster.OpenVector(files[0], s.Layer, "", nil)
	if err != nil {
		return nil, nil, err
	}
	crs := l.CRS()
	if crs == nil && s.CRS != "" {
		if crs, err = raster.ParseCRS(s.CRS); err != nil {
			l.Close()
			return nil, nil, err
		}
	}
	if crs == nil {
		l.Close()
		return nil, nil, fault.New(files[0], "the file has no coordinate reference system (CRS)", `declare it: data.emissions.crs: "EPSG:27700"`)
	}
	return l, crs, nil
}

func noPolygons(l *raster.Layer) error {
	return fault.New(l.Path(), fmt.Sprintf("layer %s holds no polygons", l.Name()), "name a layer of polygons in data.emissions.layer")
}

// loadPolygons spreads the polygons of a file.
func loadPolygons(ctx context.Context, s *Spec, files []string, t *target, r *Report, progress Progress) error {
	l, crs, err := openPolygons(s, files)
	if err != nil {
		return err
	}
	defer l.Close()
	if s.Attribute == "" {
		var numeric []string
		for _, f := range l.Fields() {
			if f.Type != raster.Text {
				numeric = append(numeric, f.Name)
			}
		}
		return fault.New("data.emissions.attribute", "polygons need the name of the column that holds the amount", "numeric columns of "+files[0]+": "+strings.Join(numeric, ", "))
	}
	columns := s.read
	if columns == nil {
		columns = []string{s.Attribute}
	}
	for _, c := range columns {
		if err := l.Has(c); err != nil {
			return err
		}
	}
	if len(columns) > 1 {
		r.Bands = strings.Join(columns, " + ")
	}
	b, err := newPolygonBatch(s, t, r, files[0], crs, columns)
	if err != nil {
		return err
	}
	defer b.p.close()
	polygons, n := 0, 0
	box := [4]float64{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}
	err = l.Each(ctx, func(f *raster.Feature) error {
		if n++; n%512 == 0 && l.Count() > 0 {
			progress(float64(n) / float64(l.Count()))
		}
		if len(f.Geometry.Polygons) > 0 {
			polygons++
			x0, y0, x1, y1, _ := f.Geometry.Bounds()
			box = [4]float64{min(box[0], x0), min(box[1], y0), max(box[2], x1), max(box[3], y1)}
		}
		return b.feature(f)
	})
	if err != nil {
		return err
	}
	if polygons == 0 {
		return noPolygons(l)
	}
	if !b.touched {
		return t.noOverlap(files[0], box, crs)
	}
	if r.FileSummed {
		r.FileNumbers = int64(n)
	}
	progress(1)
	return nil
}

// polygonBatch carries what every polygon needs.
type polygonBatch struct {
	s       *Spec
	t       *target
	r       *Report
	p       *placer
	columns []string // that are added up
	factor  float64
	touched bool // some polygon reached the region
}

// newPolygonBatch is for the shapes or places of one file, whose name may say of
// which month they are; the account hears how they make a year. The caller closes p.
func newPolygonBatch(s *Spec, t *target, r *Report, file string, crs *raster.CRS, columns []string) (*polygonBatch, error) {
	one := part{name: file}
	one.year, one.mon, _ = monthOf(file)
	year, err := calendarOf(s, []part{one})
	if err != nil {
		return nil, err
	}
	r.YearFactor, r.MissingMonths, r.Times = year.factor, year.missing, year.text
	factor, _ := unitFactor(s.Units)
	factor *= year.factor
	if s.Per != "cell" {
		factor *= s.areaFactor()
	}
	r.FileSummed = s.Per == "cell" && !s.proxy()
	p, err := newPlacer(t.g, crs)
	if err != nil {
		return nil, err
	}
	return &polygonBatch{s: s, t: t, r: r, p: p, columns: columns, factor: factor}, nil
}

// amount is what a feature's columns add up to; ok is false where that is nothing to
// be given, which is counted.
func (b *polygonBatch) amount(f *raster.Feature) (amount float64, ok bool, err error) {
	b.r.Elements++
	v := 0.0
	for _, c := range b.columns {
		one, has, err := f.Float(c)
		if err != nil {
			return 0, false, err
		}
		if has && !math.IsNaN(one) {
			v, ok = v+one, true
		}
	}
	switch {
	case !ok || math.IsNaN(v) || math.IsInf(v, 0):
		b.r.Nodata++
		return 0, false, nil
	case v < 0:
		b.r.Negative++
		b.r.NegativeSum += v * b.factor
		return 0, false, nil
	}
	amount = v * b.factor
	if b.r.FileSummed {
		b.r.FileSum += v
		b.r.FileYear += amount
	}
	return amount, true, nil
}

// feature gives one polygon's amount to the cells.
func (b *polygonBatch) feature(f *raster.Feature) error {
	amount, ok, err := b.amount(f)
	if err != nil || !ok {
		return err
	}
	return b.shape(f.Geometry, amount)
}

// shape gives an amount to the cells that a shape touches.
func (b *polygonBatch) shape(shape raster.Geometry, amount float64) error {
	if len(shape.Polygons) == 0 {
		b.unplaced(amount)
		return nil
	}
	if !shape.Valid() {
		// MakeValid keeps the ground that a bow-tie or a doubled ring covers.
		b.r.Repaired++
		if fixed, err := shape.Repair(); err == nil && len(fixed.Polygons) > 0 {
			shape = fixed
		}
	}
	area, err := b.p.place(b.t, shape)
	if err == errUnplaced {
		b.t.pieces = b.t.pieces[:0]
		b.unplaced(amount)
		return nil
	} else if err != nil {
		return err
	}
	if !(area > 1e-12) { // km2: a square millimeter
		b.t.pieces = b.t.pieces[:0]
		return b.degenerate(shape, amount)
	}
	mass := amount
	if b.s.Per != "cell" || b.s.proxy() {
		mass = amount * area
	}
	b.valid(mass)
	for _, p := range b.t.pieces {
		if p.cell >= 0 {
			b.touched = true
			break
		}
	}
	b.r.InRegion += b.t.give(mass, area)
	return nil
}

func (b *polygonBatch) valid(mass float64) {
	b.r.Valid++
	if mass == 0 {
		b.r.Zero++
	}
	b.r.SourceTotal += mass
}

func (b *polygonBatch) unplaced(amount float64) {
	b.r.Unplaced++
	b.r.UnplacedMass += amount
}

// degenerate gives the amount of a shape without area to the cell in which its
// first vertex lies. A density over no area is nothing.
func (b *polygonBatch) degenerate(shape raster.Geometry, amount float64) error {
	b.r.Degenerate++
	if b.s.Per != "cell" || b.s.proxy() {
		b.valid(0)
		return nil
	}
	first := shape.Polygons[0][0][0]
	u, v, err := b.p.units([][2]float64{first})
	if err != nil {
		b.unplaced(amount)
		return nil
	}
	b.valid(amount)
	by, _ := b.t.turns(u[0], u[0])
	if i := b.t.position(int64(math.Floor(u[0]+by[0])), int64(math.Floor(v[0]))); i >= 0 {
		b.touched = true
		b.t.sum[i] += amount
		b.r.InRegion += amount
	}
	return nil
}
