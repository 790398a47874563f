package emissions

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/data/grid"
	"opencarbon/data/raster"
)

// listEndings are tables with a place and an amount in each row: the form in which
// TNO and CAMS give their inventories to modelers, and in which plants are listed.
var listEndings = []string{".csv", ".tsv"}

func list(files []string) bool {
	return slices.Contains(listEndings, strings.ToLower(filepath.Ext(files[0])))
}

// listColumns are the usual names of coordinates, as the driver matches them.
var listColumns = map[string]string{"X_POSSIBLE_NAMES": "lon*,lng*,x,easting*,经度", "Y_POSSIBLE_NAMES": "lat*,y,northing*,纬度", "AUTODETECT_TYPE": "YES"}

// loadList spreads a list of places. Of a gridded inventory they are the middles of
// source cells, which share their longitudes and latitudes at equal steps: each
// amount is spread over its source cell. All other places, such as plants, give
// their amount to the cell that they lie in.
func loadList(ctx context.Context, s *Spec, files []string, t *target, r *Report, progress Progress) error {
	if len(files) > 1 {
		return fault.New(s.Path, fmt.Sprintf("%d lists match, one is wanted", len(files)), "name one file, or join them")
	}
	l, err := raster.OpenVector(files[0], "", "", listColumns)
	if err != nil {
		return err
	}
	defer l.Close()
	crs, err := raster.ParseCRS(cmp.Or(s.CRS, "EPSG:4326"))
	if err != nil {
		return err
	}
	var names []string
	for _, f := range l.Fields() {
		names = append(names, f.Name)
	}
	columns := s.read
	if columns == nil && s.Attribute != "" {
		columns = []string{s.Attribute}
	}
	if len(columns) == 0 {
		return fault.New("data.emissions.attribute", "a list needs the name of the column that holds the amount", "columns of "+files[0]+": "+strings.Join(names, ", "))
	}
	for _, c := range columns {
		if err := l.Has(c); err != nil {
			return err
		}
	}
	b, err := newPolygonBatch(s, t, r, files[0], crs, columns)
	if err != nil {
		return err
	}
	defer b.p.close()
	amounts := map[[2]float64]float64{} // rows of one place, such as sectors, are added up
	rows := 0
	err = l.Each(ctx, func(f *raster.Feature) error {
		if rows++; rows%512 == 0 && l.Count() > 0 {
			progress(float64(rows) / float64(l.Count()) / 2)
		}
		amount, ok, err := b.amount(f)
		if err != nil || !ok {
			return err
		}
		if len(f.Geometry.Points) != 1 {
			b.unplaced(amount)
			return nil
		}
		amounts[f.Geometry.Points[0]] += amount
		return nil
	})
	if err != nil {
		return err
	}
	if len(amounts) == 0 {
		return fault.New(files[0], "no row has a place and an amount", "coordinates are looked for in columns named lon and lat, or x and y with data.emissions.crs; the file has "+strings.Join(names, ", "))
	}
	places := slices.SortedFunc(maps.Keys(amounts), func(a, c [2]float64) int { return slices.Compare(a[:], c[:]) })
	g := middlesOf(places)
	// Source cells first: a place in ground that they cover adds none.
	var between [][2]float64
	places = slices.DeleteFunc(places, func(p [2]float64) bool {
		if !g.holds(p) {
			between = append(between, p)
		}
		return !g.holds(p)
	})
	places = append(places, between...)
	if g.cells < len(places) && (s.Per != "cell" || s.proxy()) {
		return fault.New("data.emissions.per", fmt.Sprintf("%d of %d places of the list are no middles of a regular grid: they have no area that an amount could be of", len(places)-g.cells, len(places)),
			"say per: cell if a row holds the whole amount of its place")
	}
	box := [4]float64{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}
	for i, at := range places {
		if i%512 == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			progress(0.5 + float64(i)/float64(len(places))/2)
		}
		box = [4]float64{min(box[0], at[0]), min(box[1], at[1]), max(box[2], at[0]), max(box[3], at[1])}
		if g.holds(at) {
			err = b.shape(raster.Geometry{Polygons: []raster.Polygon{g.around(at)}}, amounts[at])
		} else {
			err = b.point(at, amounts[at])
		}
		if err != nil {
			return err
		}
	}
	if !b.touched {
		return t.noOverlap(files[0], box, crs)
	}
	if r.FileSummed {
		r.FileNumbers = int64(rows)
	}
	r.Bands = strings.Join(columns, " + ")
	text := fmt.Sprintf("%d places, each in the cell that it lies in", len(places))
	if g.cells > 0 {
		text = fmt.Sprintf("%d source cells of %.6g x %.6g", g.cells, g.dx, g.dy)
		if n := len(places) - g.cells; n > 0 {
			text += fmt.Sprintf("; places between them: %d, each in the cell that it lies in", n)
		}
	}
	if r.Times != "" {
		text = "; " + text
	}
	r.Times += text
	progress(1)
	return nil
}

// point gives an amount to the cell in which a place lies; the cell counts as
// covered.
func (b *polygonBatch) point(at [2]float64, amount float64) error {
	u, v, err := b.p.units([][2]float64{at})
	if err != nil || math.IsNaN(u[0]) || math.IsInf(u[0], 0) || math.IsNaN(v[0]) || math.IsInf(v[0], 0) {
		b.unplaced(amount)
		return nil
	}
	b.valid(amount)
	by, _ := b.t.turns(u[0], u[0])
	c := grid.Cell{Col: int64(math.Floor(u[0] + by[0])), Row: int64(math.Floor(v[0]))}
	i := b.t.position(c.Col, c.Row)
	if i < 0 {
		return nil
	}
	b.touched = true
	b.t.sum[i] += amount
	b.r.InRegion += amount
	if b.t.area[i] == 0 {
		areas, err := b.t.measure.Areas([]grid.Cell{c})
		if err != nil {
			return err
		}
		b.t.area[i] = areas[0]
	}
	return nil
}

// middles is the grid that places of a list are middles of.
type middles struct {
	dx, dy float64 // of a source cell, in the list's CRS; 0: there is no grid
	x, y   map[float64]bool
	cells  int // places on it
}

func (g middles) holds(p [2]float64) bool { return g.x[p[0]] && g.y[p[1]] }

// around is the source cell of a middle.
func (g middles) around(p [2]float64) raster.Polygon {
	w, e, s, n := p[0]-g.dx/2, p[0]+g.dx/2, p[1]-g.dy/2, p[1]+g.dy/2
	return raster.Polygon{{{w, s}, {e, s}, {e, n}, {w, n}, {w, s}}}
}

// middlesOf finds the grid of a list: coordinates that several places share, at
// equal steps. Most places lie on it, or there is none.
func middlesOf(places [][2]float64) middles {
	var g middles
	g.dx, g.x = stepsOf(places, 0)
	g.dy, g.y = stepsOf(places, 1)
	if g.dx > 0 && g.dy > 0 {
		for _, p := range places {
			if g.holds(p) {
				g.cells++
			}
		}
	}
	if 2*g.cells <= len(places) {
		return middles{}
	}
	return g
}

// stepsOf returns the coordinates on one axis that at least three places share, and
// the step of which their distances are multiples; 0 where there is none.
func stepsOf(places [][2]float64, axis int) (step float64, shared map[float64]bool) {
	count := map[float64]int{}
	for _, p := range places {
		count[p[axis]]++
	}
	shared = map[float64]bool{}
	for v, n := range count {
		if n >= 3 {
			shared[v] = true
		}
	}
	at := slices.Sorted(maps.Keys(shared))
	if len(at) < 2 {
		return 0, nil
	}
	step = math.Inf(1)
	for i := 1; i < len(at); i++ {
		step = min(step, at[i]-at[i-1])
	}
	first, whole := at[0], at[len(at)-1]-at[0]
	step = whole / math.Round(whole/step) // coordinates are rounded; over the whole width that matters least
	for _, v := range at {
		if k := (v - first) / step; math.Abs(k-math.Round(k)) > 0.05 {
			return 0, nil
		}
	}
	return step, shared
}
