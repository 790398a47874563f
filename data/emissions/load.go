package emissions

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/data/grid"
	"opencarbon/data/raster"
)

// Progress is told how much of the source has been read, from 0 to 1. It may be
// nil.
type Progress func(fraction float64)

// Load reads the inventory and spreads it over the cells. Errors in what the user
// gave are *fault.Input; a cancelled ctx ends the work with its error.
func Load(ctx context.Context, s Spec, g *grid.Grid, cells []grid.Cell, progress Progress) (*Result, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	if len(cells) == 0 {
		return nil, fault.New("data.region", "the region holds no cells", "enlarge the region or choose smaller cells")
	}
	files, remove, err := s.find()
	defer remove()
	if err != nil {
		return nil, err
	}
	if progress == nil {
		progress = func(float64) {}
	}
	t, err := newTarget(g, cells)
	if err != nil {
		return nil, err
	}
	defer t.close()
	r := Report{Files: files, Units: s.Units, Proxy: s.proxy()}
	if list(files) {
		err = loadList(ctx, &s, files, t, &r, progress)
	} else if s.vector(files) {
		err = loadPolygons(ctx, &s, files, t, &r, progress)
	} else {
		err = loadRasters(ctx, &s, files, t, &r, progress)
	}
	if err != nil {
		return nil, err
	}
	if err := t.measure.Err(); err != nil {
		return nil, err
	}
	return t.result(&s, cells, r)
}

// vectorEndings are files that hold polygons whatever else is configured.
var vectorEndings = []string{".shp", ".gpkg", ".geojson", ".json", ".gml", ".kml", ".fgb", ".csv", ".tsv"}

// vector reports whether the source is polygons.
func (s *Spec) vector(files []string) bool {
	return s.Attribute != "" || slices.Contains(vectorEndings, strings.ToLower(filepath.Ext(files[0])))
}

// result turns sums into values.
func (t *target) result(s *Spec, cells []grid.Cell, r Report) (*Result, error) {
	areas, err := t.measure.Areas(cells)
	if err != nil {
		return nil, err
	}
	res := &Result{Values: t.sum, Coverage: make([]float64, len(cells))}
	for i := range cells {
		// Slivers from rounding are no coverage: a cell that only touches a
		// source element along its edge has no source.
		res.Coverage[i] = t.area[i] / areas[i]
		if t.area[i] <= 1e-9*areas[i] && t.sum[i] == 0 {
			res.Values[i], res.Coverage[i] = math.NaN(), 0
			r.EmptyCells++
			continue
		}
		r.Regridded += t.sum[i]
		if t.sum[i] == 0 {
			r.ZeroCells++
		}
		if s.proxy() {
			res.Values[i] = t.sum[i] / t.area[i]
		}
	}
	r.Outside = r.SourceTotal - r.InRegion
	if math.IsNaN(r.Regridded) || math.IsInf(r.Regridded, 0) {
		return nil, fault.New(s.Path, "the amounts overflow", "check the unit and the nodata value")
	}
	res.Report = r
	return res, nil
}

// noOverlap is the error of an inventory that lies elsewhere.
func (t *target) noOverlap(path string, source [4]float64, crs *raster.CRS) error {
	return t.apart("the inventory", path, source, crs, "check data.emissions.crs and data.region")
}

// apart is the error of a source, called what, that lies elsewhere.
func (t *target) apart(what, path string, source [4]float64, crs *raster.CRS, remedy string) error {
	lon, lat, err := t.measure.Centers([]grid.Cell{t.lo, t.hi})
	where := ""
	if err == nil {
		where = fmt.Sprintf("; the region reaches from %.3f, %.3f to %.3f, %.3f degrees", lon[0], lat[1], lon[1], lat[0])
	}
	return fault.New(path, fmt.Sprintf("%s does not overlap the region: it reaches from %.6g, %.6g to %.6g, %.6g in %s%s",
		what, source[0], source[1], source[2], source[3], crs, where), remedy)
}

// Extent returns the ground that the inventory covers, in its own CRS: a raster's
// border, or its polygons. It serves as the region where none is given.
func Extent(ctx context.Context, s Spec) ([]raster.Geometry, *raster.CRS, error) {
	if err := s.check(); err != nil {
		return nil, nil, err
	}
	files, remove, err := s.find()
	defer remove()
	if err != nil {
		return nil, nil, err
	}
	if list(files) {
		return nil, nil, fault.New("data.region", "the inventory is a list of places, which has no border", "give data.region.bbox or data.region.file")
	}
	if s.vector(files) {
		return vectorExtent(ctx, &s, files)
	}
	d, err := raster.Open(files[0], raster.Options{CRS: s.CRS})
	if err != nil {
		return nil, nil, err
	}
	defer d.Close()
	if err := d.Georeferenced(); err != nil {
		return nil, nil, err
	}
	return []raster.Geometry{{Polygons: []raster.Polygon{d.Outline(64)}}}, d.CRS(), nil
}

func vectorExtent(ctx context.Context, s *Spec, files []string) ([]raster.Geometry, *raster.CRS, error) {
	l, crs, err := openPolygons(s, files)
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	var shapes []raster.Geometry
	err = l.Each(ctx, func(f *raster.Feature) error {
		if len(f.Geometry.Polygons) > 0 {
			shapes = append(shapes, f.Geometry)
		}
		return nil
	})
	if err == nil && len(shapes) == 0 {
		err = noPolygons(l)
	}
	return shapes, crs, err
}
