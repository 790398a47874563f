// Package areas shares the cells of a grid out among named areas, such as
// districts: which cells each has, and how much of those that its border cuts.
// It knows nothing of what is summed over them.
package areas

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"opencarbon/data/emissions"
	"opencarbon/data/fault"
	"opencarbon/data/grid"
	"opencarbon/data/label"
	"opencarbon/data/raster"
)

// Area is all polygons of one name.
type Area struct {
	Name    string
	KM2     float64 // the area of its polygons
	Covered float64 // km2 of it that lie in cells
	Cell    []int32 // cells that it has a part of, rising
	Share   []float64
	Shape   raster.Geometry // in Set.CRS
}

// Set is the areas of a file, in its order, and the file's CRS.
type Set struct {
	Path  string
	Field string // the column of names
	Areas []Area
	CRS   *raster.CRS

	Outside []string // areas without any cell
}

// overlapLimit is the share of an area that may lie in another one, as borders
// that were drawn twice do.
const overlapLimit = 0.01

// Read reads the polygons of a vector file that OGR knows and cuts them along the
// cells' borders. field is the column of names; polygons of one name are one area.
// What the user can mend is a *fault.Input
// error: no such column, an area without a name, no area in any cell, and areas
// that overlap, over which sums would count ground twice.
func Read(ctx context.Context, path, field string, g *grid.Grid, cells []grid.Cell) (*Set, error) {
	s, err := read(ctx, path, field)
	if err != nil {
		return nil, err
	}
	m, err := g.NewMeasure()
	if err != nil {
		return nil, err
	}
	defer m.Close()
	cellKM2, err := m.Areas(cells)
	if err != nil {
		return nil, err
	}
	shapes := make([]raster.Geometry, len(s.Areas))
	for i, a := range s.Areas {
		// Polygons of one name that touch, such as the cells of a district, become one.
		if !a.Shape.Valid() {
			if joined, err := a.Shape.Repair(); err == nil && len(joined.Polygons) > 0 {
				a.Shape = joined
				s.Areas[i].Shape = joined
			}
		}
		shapes[i] = a.Shape
	}
	parts, km2, err := emissions.Cut(ctx, g, cells, shapes, s.CRS)
	if err != nil {
		return nil, fault.Wrap(err, path, "an area cannot be placed", "")
	}
	inside := 0
	for i := range s.Areas {
		a := &s.Areas[i]
		a.KM2 = km2[i]
		for _, p := range parts[i] {
			a.Covered += p.KM2
			a.Cell, a.Share = append(a.Cell, p.Cell), append(a.Share, min(1, p.KM2/cellKM2[p.Cell]))
		}
		if len(a.Cell) == 0 {
			s.Outside = append(s.Outside, a.Name)
		} else {
			inside++
		}
	}
	if inside == 0 {
		return nil, fault.New(path, fmt.Sprintf("none of its %d areas lies in the region", len(s.Areas)),
			"Give areas of the region that is predicted, or check the file's coordinate reference system (CRS).")
	}
	return s, s.overlaps(len(cells), cellKM2)
}

// read reads names and shapes.
func read(ctx context.Context, path, field string) (*Set, error) {
	l, err := raster.OpenVector(path, "", "", nil)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	column, err := columnOf(l, field)
	if err != nil {
		return nil, err
	}
	s := &Set{Path: path, Field: column, CRS: l.CRS()}
	if s.CRS == nil {
		return nil, fault.New(path, "does not say its coordinate reference system (CRS)", "Supply its .prj file, or convert it with ogr2ogr -a_srs EPSG:CODE.")
	}
	at := map[string]int{}
	err = l.Each(ctx, func(f *raster.Feature) error {
		if len(f.Geometry.Polygons) == 0 {
			return nil
		}
		name, _ := f.Text(column)
		if name = label.Of(name); name == "" {
			return fault.New(path, fmt.Sprintf("polygon %d has no name in column %q", f.FID, column), "Fill in the column, or choose another with --field.")
		}
		i, ok := at[name]
		if !ok {
			i = len(s.Areas)
			at[name] = i
			s.Areas = append(s.Areas, Area{Name: name})
		}
		s.Areas[i].Shape.Polygons = append(s.Areas[i].Shape.Polygons, f.Geometry.Polygons...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(s.Areas) == 0 {
		return nil, fault.New(path, "holds no polygons", "Name a file of polygons, such as districts.")
	}
	return s, nil
}

// columnOf finds the column of names.
func columnOf(l *raster.Layer, field string) (string, error) {
	var text []string
	for _, f := range l.Fields() {
		if field != "" && label.Of(f.Name) == label.Of(field) {
			return f.Name, nil
		}
		text = append(text, f.Name)
	}
	if field == "" {
		return "", fault.New("--field", "is not given", "Name the column of "+l.Path()+" that holds the areas' names: "+strings.Join(text, ", ")+".")
	}
	return "", l.Has(field)
}

// overlaps refuses areas that share more ground than borders that were drawn twice
// do; lesser overlaps are divided, so that no cell is given away more than once.
func (s *Set) overlaps(n int, cellKM2 []float64) error {
	taken := make([]float64, n)
	for _, a := range s.Areas {
		for k, i := range a.Cell {
			taken[i] += a.Share[k]
		}
	}
	for x := range s.Areas {
		a := &s.Areas[x]
		twice := 0.0 // km2
		for k, i := range a.Cell {
			if taken[i] > 1 {
				twice += (taken[i] - 1) * a.Share[k] / taken[i] * cellKM2[i]
			}
		}
		if twice > overlapLimit*a.Covered {
			return fault.New(s.Path, fmt.Sprintf("area %q overlaps %s: some %.3g of its %.3g km2", a.Name, s.partner(x, taken), 2*twice, a.KM2),
				"Give areas that do not overlap, or one layer of them at a time: sums would count the ground twice.")
		}
	}
	for x := range s.Areas {
		a := &s.Areas[x]
		for k, i := range a.Cell {
			if taken[i] > 1 {
				a.Share[k] /= taken[i]
			}
		}
	}
	return nil
}

// partner names an area that has cells in common with area x that are given away
// more than once.
func (s *Set) partner(x int, taken []float64) string {
	for y, b := range s.Areas {
		if y == x {
			continue
		}
		for k, i := range b.Cell {
			if _, ok := slices.BinarySearch(s.Areas[x].Cell, i); ok && taken[i] > 1+1e-6 && b.Share[k] > 0 {
				return fmt.Sprintf("%q", b.Name)
			}
		}
	}
	return "another one"
}

// Names lists the areas.
func (s *Set) Names() []string {
	names := make([]string, len(s.Areas))
	for i, a := range s.Areas {
		names[i] = a.Name
	}
	return names
}
