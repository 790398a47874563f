package poi

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"opencarbon/data/fault"
	"opencarbon/data/raster"
)

// readVector reads a layer of a file that OGR knows. Points stand for
// themselves; polygons and lines for their centre.
func readVector(ctx context.Context, spec Spec, c *collector, progress Progress) error {
	osm := isOSM(spec.Path)
	layer := spec.Layer
	if osm && layer == "" {
		layer = "points"
	}
	l, err := raster.OpenVector(spec.Path, layer, "", spec.Options)
	if err != nil {
		return err
	}
	defer l.Close()
	if l.CRS() == nil && spec.CRS == "" {
		return fault.New(spec.Path, "does not say in which coordinate reference system its points are", "Set data.poi.crs (e.g. EPSG:4326), or supply the file's .prj.")
	}
	if c.convert, err = newConverter(spec.Path, spec.CRS, l.CRS()); err != nil {
		return err
	}
	read, err := attributeReader(spec, l, osm)
	if err != nil {
		return err
	}
	c.unit = "feature"
	total := int64(l.Count())
	done := int64(0)
	err = l.Each(ctx, func(f *raster.Feature) error {
		if done%batchSize == 0 {
			progress(done, total)
		}
		done++
		x, y, ok := centre(f.Geometry)
		if !ok {
			c.bad(int(done), "it has no geometry")
			return nil
		}
		p, why := read(f)
		if why == skip {
			return nil
		}
		if why != "" {
			c.bad(int(done), why)
			return nil
		}
		p.x, p.y = x, y
		return c.add(int(done), p)
	})
	if err != nil {
		return err
	}
	progress(done, done)
	return c.flush()
}

// skip marks features that are no points of interest at all, such as the
// untagged nodes of OpenStreetMap.
const skip = "no point of interest"

// attributeReader finds the attributes and returns the function that reads
// them from a feature.
func attributeReader(spec Spec, l *raster.Layer, osm bool) (func(*raster.Feature) (point, string), error) {
	var names []string
	for _, f := range l.Fields() {
		names = append(names, f.Name)
	}
	where := spec.Path
	column := func(key, asked string, usual []string, needed bool) (string, error) {
		i, err := findColumn(where, key, asked, usual, names, needed)
		if err != nil || i < 0 {
			return "", err
		}
		return names[i], nil
	}
	id, err := column("id", spec.Columns.ID, usualColumns.id, false)
	if err != nil {
		return nil, err
	}
	count, err := column("count", spec.Columns.Count, usualColumns.count, false)
	if err != nil {
		return nil, err
	}
	category := func(f *raster.Feature) (string, bool) { return osmCategory(f, names, spec.Columns.Category) }
	if !osm {
		name, err := column("category", spec.Columns.Category, usualColumns.category, true)
		if err != nil {
			return nil, err
		}
		category = func(f *raster.Feature) (string, bool) {
			s, _ := f.Text(name)
			return s, true
		}
	}
	return func(f *raster.Feature) (p point, why string) {
		s, ok := category(f)
		if !ok {
			return p, skip
		}
		if s = strings.TrimSpace(s); !utf8.ValidString(s) {
			return p, "the category is not UTF-8 text"
		}
		p.category = []byte(s)
		p.count = 1
		if id != "" {
			s, _ := f.Text(id)
			p.id = []byte(strings.TrimSpace(s))
		}
		if count != "" {
			v, ok, err := f.Float(count)
			if err != nil || !ok || !(v >= 0) || math.IsInf(v, 0) {
				return p, fmt.Sprintf("attribute %q is not a number from 0 up", count)
			}
			p.count = v
		}
		return p, ""
	}, nil
}

// centre is the place that a geometry stands for: the mean of points and of a
// line's vertices, and the centroid of polygons by area (holes taken off).
func centre(g raster.Geometry) (x, y float64, ok bool) {
	if len(g.Polygons) == 0 {
		for _, p := range g.Points {
			x, y = x+p[0], y+p[1]
		}
		n := float64(len(g.Points))
		return x / n, y / n, n > 0
	}
	minX, minY, maxX, maxY, ok := g.Bounds()
	ox, oy := (minX+maxX)/2, (minY+maxY)/2 // near the shape, so that no digits are lost
	var area, sx, sy float64
	for _, p := range g.Polygons {
		for k, ring := range p {
			var a, cx, cy float64
			for i := 1; i < len(ring); i++ {
				x0, y0, x1, y1 := ring[i-1][0]-ox, ring[i-1][1]-oy, ring[i][0]-ox, ring[i][1]-oy
				cross := x0*y1 - x1*y0
				a, cx, cy = a+cross, cx+(x0+x1)*cross, cy+(y0+y1)*cross
			}
			sign := 1.0 // rings turn either way: the first adds, the others are holes
			if (a < 0) != (k > 0) {
				sign = -1
			}
			area, sx, sy = area+sign*a, sx+sign*cx, sy+sign*cy
		}
	}
	if area > 0 {
		return ox + sx/(3*area), oy + sy/(3*area), true
	}
	return ox, oy, ok
}

// isOSM says whether a file holds OpenStreetMap data.
func isOSM(path string) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".pbf", ".osm":
		return true
	}
	return false
}
