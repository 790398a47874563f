package split

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/data/label"
	"opencarbon/data/raster"
	"opencarbon/data/store"
)

// district is all polygons of one name.
type district struct {
	name   string
	shapes []shape
	split  store.Split
	cells  int // with a target
}

// shape is a geometry with its bounding box.
type shape struct {
	raster.Geometry
	minX, minY, maxX, maxY float64
}

// byAttribute gives every cell the split of the district that holds its center.
// Districts that no list names are in no split.
func byAttribute(ctx context.Context, spec Spec, in Input, r *Report) ([]store.Split, error) {
	if len(in.LonLat) != 2*len(in.Cells) {
		return nil, fmt.Errorf("split: %d cells, %d coordinates", len(in.Cells), len(in.LonLat))
	}
	asked, err := lists(spec)
	if err != nil {
		return nil, err
	}
	districts, crs, err := readDistricts(ctx, spec)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, d := range districts {
		names = append(names, d.name)
	}
	for _, a := range asked {
		i := slices.IndexFunc(districts, func(d *district) bool { return d.name == a.name })
		if i < 0 {
			return nil, fault.New("data.split."+a.key, fmt.Sprintf("there is no district %q in column %s of %s", a.name, spec.Field, spec.File),
				"The districts there (capitals matter): "+some(names))
		}
		districts[i].split = a.split
	}
	splits, err := assign(ctx, spec, in, districts, crs)
	if err != nil {
		return nil, err
	}
	var full []string // districts that have cells
	for _, d := range districts {
		if d.cells > 0 {
			full = append(full, d.name)
		}
	}
	empty, key := []string{}, "" // all at once: a list made from the borders alone often has several
	for _, a := range asked {
		if !slices.Contains(full, a.name) {
			empty, key = append(empty, fmt.Sprintf("%q", a.name)), cmp.Or(key, a.key)
		}
	}
	if len(empty) > 0 {
		remedy := "Take what holds none out of the lists of data.split. Districts with such cells: " + some(full)
		if len(full) == 0 {
			remedy = "No district of the file has any: check that " + spec.File + " covers the region."
		}
		what, hold := "district", "holds"
		if len(empty) > 1 {
			what, hold = "districts", "hold"
		}
		return nil, fault.New("data.split."+key, fmt.Sprintf("%s %s of %s %s no cell with a target", what, some(empty), spec.File, hold), remedy)
	}
	per := map[store.Split]int{}
	for _, d := range districts {
		if d.cells > 0 || d.split != store.None {
			r.Groups = append(r.Groups, Group{Name: d.name, Split: d.split.String(), Cells: d.cells})
		}
		per[d.split]++
	}
	r.Text = fmt.Sprintf("districts of %s by %s: %d train, %d validate, %d test", spec.File, spec.Field, per[store.Train], per[store.Validation], per[store.Test])
	return splits, nil
}

// request is a district that the configuration lists.
type request struct {
	name, key string
	split     store.Split
}

// lists collects the three lists of districts; none may be in two.
func lists(spec Spec) ([]request, error) {
	var all []request
	for i, names := range [][]string{spec.Train, spec.Validation, spec.Test} {
		key := parts[i].String()
		for _, n := range names {
			n = label.Of(n)
			for _, a := range all {
				if a.name == n {
					return nil, fault.New("data.split."+key, fmt.Sprintf("lists the district %q, which data.split.%s lists too", n, a.key), "Leave it in one list only.")
				}
			}
			all = append(all, request{n, key, parts[i]})
		}
	}
	if len(spec.Train) == 0 {
		return nil, fault.New("data.split.train", "lists no district", "List the districts to train on.")
	}
	return all, nil
}

// readDistricts reads the polygons by name, sorted by name.
func readDistricts(ctx context.Context, spec Spec) ([]*district, *raster.CRS, error) {
	l, err := raster.OpenVector(spec.File, spec.Layer, "", nil)
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	field := spec.Field
	for _, f := range l.Fields() {
		if l.Has(field) != nil && label.Of(f.Name) == label.Of(field) {
			field = f.Name
		}
	}
	if err := l.Has(field); err != nil {
		return nil, nil, fault.Wrap(err, "data.split.field", fmt.Sprintf("there is no column %q in %s", spec.Field, spec.File), "")
	}
	if l.CRS() == nil {
		return nil, nil, fault.New(spec.File, "does not say its coordinate reference system", "Supply its .prj file, or convert it with ogr2ogr -a_srs EPSG:CODE.")
	}
	byName := map[string]*district{}
	var all []*district
	err = l.Each(ctx, func(f *raster.Feature) error {
		if len(f.Geometry.Polygons) == 0 {
			return nil
		}
		name, ok := f.Text(field)
		if name = label.Of(name); !ok || name == "" {
			return nil
		}
		d := byName[name]
		if d == nil {
			d = &district{name: name}
			byName[name] = d
			all = append(all, d)
		}
		s := shape{Geometry: f.Geometry}
		s.minX, s.minY, s.maxX, s.maxY, _ = f.Geometry.Bounds()
		d.shapes = append(d.shapes, s)
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	if len(all) == 0 {
		return nil, nil, fault.New(spec.File, fmt.Sprintf("has no polygon with a name in column %s", spec.Field), "Check data.split.file, data.split.layer and data.split.field.")
	}
	slices.SortFunc(all, func(a, b *district) int { return strings.Compare(a.name, b.name) })
	return all, l.CRS(), nil
}

// assign finds the district of every cell with a target.
func assign(ctx context.Context, spec Spec, in Input, districts []*district, crs *raster.CRS) ([]store.Split, error) {
	wgs84, err := raster.ParseCRS("EPSG:4326")
	if err != nil {
		return nil, err
	}
	t, err := raster.NewTransform(wgs84, crs)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	x, y := make([]float64, len(in.Cells)), make([]float64, len(in.Cells))
	for i := range in.Cells {
		x[i], y[i] = in.LonLat[2*i], in.LonLat[2*i+1]
	}
	_ = t.Points(x, y)   // cells without a place in the file's CRS become NaN and lie in no district
	turn := crs.Period() // districts may lie in longitudes from 0 to 360
	splits := make([]store.Split, len(in.Cells))
	for i := range in.Cells {
		if i%256 == 0 {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
		}
		if !in.HasTarget[i] {
			continue
		}
		var home *district
		for _, d := range districts {
			if !d.holds(x[i], y[i]) && (turn == 0 || !d.holds(x[i]+turn, y[i]) && !d.holds(x[i]-turn, y[i])) {
				continue
			}
			if home != nil && home.split != d.split && home.split != store.None && d.split != store.None {
				return nil, fault.New(spec.File, fmt.Sprintf("districts %q (%s) and %q (%s) overlap: both hold the center of cell %d_%d", home.name, home.split, d.name, d.split, in.Cells[i].Col, in.Cells[i].Row),
					"Put overlapping districts into the same list of data.split, or mend the file.")
			}
			d.cells++
			if home == nil || home.split == store.None {
				home = d
			}
		}
		if home != nil {
			splits[i] = home.split
		}
	}
	return splits, nil
}

// holds says whether a point lies in one of the district's polygons.
func (d *district) holds(x, y float64) bool {
	for _, s := range d.shapes {
		if x >= s.minX && x <= s.maxX && y >= s.minY && y <= s.maxY && s.Contains(x, y) {
			return true
		}
	}
	return false
}
