package poi

import (
	"context"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"opencarbon/data/charset"
	"opencarbon/data/fault"
	"opencarbon/data/raster"
)

// osmLayers are OGR's layers of an OpenStreetMap file in which points of
// interest are: a school is a node in one street and an area in the next.
var osmLayers = []string{"points", "multipolygons"}

// readVector reads a layer of a file that OGR knows, or those of OpenStreetMap
// that hold points of interest. Points stand for themselves; polygons and lines
// for their center.
func readVector(ctx context.Context, spec Spec, c *collector, progress Progress) error {
	c.unit = "feature"
	if spec.Encoding != "" {
		var err error
		if spec.Options, err = encodingOption(spec); err != nil {
			return err
		}
	}
	layers := osmLayers
	if !isOSM(spec.Path) && spec.Layer == "" {
		var err error
		if layers, err = layersOf(spec); err != nil {
			return err
		}
	}
	if spec.Layer != "" || len(layers) == 0 {
		_, err := readLayer(ctx, spec, c, 0, progress)
		return err
	}
	done := 0
	for _, layer := range layers {
		spec.Layer = layer
		var err error
		if done, err = readLayer(ctx, spec, c, done, progress); err != nil {
			return err
		}
	}
	return nil
}

// layersOf are the layers of a file that ogr2ogr made of OpenStreetMap's, in which
// points of interest are; none of any other file.
func layersOf(spec Spec) ([]string, error) {
	l, err := raster.OpenVector(spec.Path, "", "", spec.Options)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	var list []string
	for _, name := range osmLayers {
		if slices.Contains(l.Layers(), name) {
			list = append(list, name)
		}
	}
	if len(list) < len(osmLayers) {
		return nil, nil
	}
	return list, nil
}

// encodingOption tells OGR in which encoding a shapefile's attributes are.
func encodingOption(spec Spec) (map[string]string, error) {
	switch strings.ToLower(filepath.Ext(spec.Path)) {
	case ".shp", ".dbf":
	default:
		return nil, fault.New("data.poi.encoding", "has no meaning for "+spec.Path, "Files of this format say it themselves: remove the key.")
	}
	if _, err := charset.New(spec.Encoding); err != nil {
		return nil, fault.Wrap(err, "data.poi.encoding", "is not known", "Name another, or leave it out.")
	}
	o := map[string]string{}
	maps.Copy(o, spec.Options)
	o["ENCODING"] = strings.ToUpper(spec.Encoding)
	return o, nil
}

// readLayer reads one layer; features are numbered from done+1. It returns the
// number of the last.
func readLayer(ctx context.Context, spec Spec, c *collector, done int, progress Progress) (int, error) {
	l, err := raster.OpenVector(spec.Path, spec.Layer, "", spec.Options)
	if err != nil {
		return done, err
	}
	defer l.Close()
	if l.CRS() == nil && spec.CRS == "" && !l.Plain() {
		return done, fault.New(spec.Path, "does not say in which coordinate reference system its points are", "Set data.poi.crs (e.g. EPSG:4326), or supply the file's .prj.")
	}
	c.close()
	if c.convert, err = newConverter(spec.Path, spec.CRS, l.CRS()); err != nil {
		return done, err
	}
	if l.Plain() {
		return done, readSheet(ctx, spec, l, c, progress)
	}
	read, err := attributeReader(spec, l)
	if err != nil {
		return done, err
	}
	total := l.Count()
	if total >= 0 {
		total += done
	}
	err = l.Each(ctx, func(f *raster.Feature) error {
		if done%batchSize == 0 {
			progress(int64(done), int64(total))
		}
		done++
		p, why := read(f)
		if why == skip {
			return nil
		}
		x, y, ok := center(f.Geometry)
		if !ok {
			why = "it has no geometry"
		}
		if why != "" {
			c.bad(done, why)
			return nil
		}
		p.x, p.y = x, y
		return c.add(done, p)
	})
	if err != nil {
		return done, err
	}
	progress(int64(done), int64(done))
	return done, c.flush()
}

// readSheet reads a table that OGR knows, such as an Excel sheet, as readRows
// reads text: by its columns.
func readSheet(ctx context.Context, spec Spec, l *raster.Layer, c *collector, progress Progress) error {
	var names []string
	for _, f := range l.Fields() {
		names = append(names, f.Name)
	}
	rows, err := newRowReader(spec, names, false, c)
	if err != nil {
		return err
	}
	done := 0
	fields := make([][]byte, len(names))
	err = l.Each(ctx, func(f *raster.Feature) error {
		if done%batchSize == 0 {
			progress(int64(done), int64(l.Count()))
		}
		done++
		for i, name := range names {
			s, _ := f.Text(name)
			fields[i] = []byte(s)
		}
		return rows.take(done, fields)
	})
	if err != nil {
		return err
	}
	progress(int64(done), int64(done))
	return rows.flush()
}

// skip marks features that are no points of interest at all, such as the
// untagged nodes of OpenStreetMap.
const skip = "no point of interest"

// attributeReader finds the attributes and returns the function that reads
// them from a feature.
func attributeReader(spec Spec, l *raster.Layer) (func(*raster.Feature) (point, string), error) {
	var names []string
	for _, f := range l.Fields() {
		names = append(names, f.Name)
	}
	where := spec.Path
	osm := isOSM(spec.Path) || slices.Contains(names, "other_tags") && !slices.Contains(names, spec.Columns.Category)
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
	rule := newTagRule(spec)
	category := func(f *raster.Feature) (string, bool) { return rule.category(tagsOf(f, names)) }
	tags, err := tagColumns(spec, names)
	if err != nil && !osm {
		return nil, err
	}
	if !osm && len(tags) == 0 {
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
			s, ok := f.Text(id)
			if osm && !ok { // of an area that is a way, not a relation
				s, ok = f.Text("osm_way_id")
				s = "way " + s
			}
			if s = strings.TrimSpace(s); ok && s != "" {
				if osm { // nodes, ways and relations have numbers of their own
					s = l.Name() + " " + s
				}
				p.id = []byte(s)
			}
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

// center is the place that a geometry stands for: the mean of points and of a
// line's vertices, and the centroid of polygons by area (holes taken off).
func center(g raster.Geometry) (x, y float64, ok bool) {
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
