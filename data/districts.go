package data

import (
	"context"
	"math"
	"slices"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/data/grid"
	"opencarbon/data/label"
	"opencarbon/data/raster"
)

// Districts is what a file of borders tells of a region that has no configuration
// yet.
type Districts struct {
	Field string     // column with the names; empty where none names each polygon
	Names []string   // in the order of the file; none without Field
	Box   [4]float64 // west, south, east, north in degrees (WGS84)
}

// nameFields are the usual columns of names, best first.
var nameFields = []string{"name", "district", "borough", "name_en", "name_2", "name_3", "nam", "admin", "label", "title", "名称", "区", "地区", "名前", "이름"}

// ReadDistricts looks at the polygons of a file that OGR knows. Errors are
// *fault.Input.
func ReadDistricts(ctx context.Context, path string) (*Districts, error) {
	l, err := raster.OpenVector(path, "", "", nil)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	if l.CRS() == nil {
		return nil, fault.New(path, "does not say its coordinate reference system (CRS)", "Supply its .prj file, or convert it with ogr2ogr -a_srs EPSG:CODE.")
	}
	tr, err := raster.NewTransform(l.CRS(), grid.WGS84())
	if err != nil {
		return nil, err
	}
	defer tr.Close()
	d := &Districts{Box: [4]float64{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}}
	var fields []string
	for _, f := range l.Fields() {
		if f.Type == raster.Text {
			fields = append(fields, f.Name)
		}
	}
	names := make([][]string, len(fields))
	polygons := 0
	err = l.Each(ctx, func(f *raster.Feature) error {
		if len(f.Geometry.Polygons) == 0 {
			return nil
		}
		polygons++
		for _, p := range f.Geometry.Polygons {
			for _, ring := range p[:min(1, len(p))] {
				x, y := make([]float64, len(ring)), make([]float64, len(ring))
				for i, at := range ring {
					x[i], y[i] = at[0], at[1]
				}
				if err := tr.Points(x, y); err != nil {
					return err
				}
				for i := range x {
					if math.IsNaN(x[i]) || math.IsInf(x[i], 0) || math.IsNaN(y[i]) || math.IsInf(y[i], 0) {
						continue
					}
					d.Box = [4]float64{min(d.Box[0], x[i]), min(d.Box[1], y[i]), max(d.Box[2], x[i]), max(d.Box[3], y[i])}
				}
			}
		}
		for i, name := range fields {
			s, _ := f.Text(name)
			names[i] = append(names[i], label.Of(s))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if polygons == 0 || !(d.Box[0] < d.Box[2] && d.Box[1] < d.Box[3]) {
		return nil, fault.New(path, "holds no polygons", "Name a file of polygons, such as districts.")
	}
	d.choose(fields, names)
	for i, v := range d.Box { // whole ten-thousandths of a degree, outward
		d.Box[i] = math.Floor(v*1e4) / 1e4
		if i > 1 {
			d.Box[i] = math.Ceil(v*1e4) / 1e4
		}
	}
	return d, nil
}

// choose takes the column of names: a usual one, else the first whose values are
// there and all different. A district of several polygons repeats its name.
func (d *Districts) choose(fields []string, names [][]string) {
	take := func(i int) bool {
		distinct := map[string]bool{}
		var list []string
		for _, n := range names[i] {
			if n == "" {
				return false
			}
			if !distinct[n] {
				list = append(list, n)
			}
			distinct[n] = true
		}
		if len(list) < 2 && len(names[i]) > 1 {
			return false
		}
		d.Field, d.Names = fields[i], list
		return true
	}
	for _, usual := range nameFields {
		if i := slices.IndexFunc(fields, func(f string) bool { return strings.EqualFold(label.Of(f), usual) }); i >= 0 && take(i) {
			return
		}
	}
	for i := range fields {
		if take(i) && len(d.Names) == len(names[i]) {
			return
		}
		d.Field, d.Names = "", nil
	}
}
