package page

import (
	"context"
	"math"
	"os"

	"opencarbon/data/fault"
	"opencarbon/data/grid"
	"opencarbon/data/label"
	"opencarbon/data/raster"
)

// outlinePoints bounds the points of all outlines together: some 8 bytes each.
const outlinePoints = 40_000

// outlines gives the rows their outlines from a layer with the column "name", as
// predict writes it beside the table; without the layer they stay without.
func outlines(path string, rows []Area) error {
	if _, err := os.Stat(path); err != nil || len(rows) == 0 {
		return nil
	}
	l, err := raster.OpenVector(path, "", "", nil)
	if err != nil {
		return fault.Wrap(err, path, "cannot be read", areasAgain)
	}
	defer l.Close()
	shapes := map[string][][][2]float64{}
	err = l.Each(context.Background(), func(f *raster.Feature) error {
		name, _ := f.Text("name")
		for _, p := range f.Geometry.Polygons {
			shapes[label.Printable(name)] = append(shapes[label.Printable(name)], p...)
		}
		return nil
	})
	if err == nil {
		err = outlinesOf(shapes, l.CRS(), rows)
	}
	if err != nil {
		return fault.Wrap(err, path, "its outlines cannot be placed", areasAgain)
	}
	return nil
}

// outlinesOf gives the rows their outlines: the rings by name, in a CRS.
func outlinesOf(shapes map[string][][][2]float64, crs *raster.CRS, rows []Area) error {
	to, err := raster.NewTransform(crs, grid.WGS84())
	if err != nil {
		return err
	}
	defer to.Close()
	placed := map[string][][][2]float64{}
	for name, rings := range shapes {
		for _, ring := range rings {
			x, y := make([]float64, len(ring)), make([]float64, len(ring))
			for i, q := range ring {
				x[i], y[i] = q[0], q[1]
			}
			if err := to.Points(x, y); err != nil {
				return err
			}
			degrees := make([][2]float64, len(ring))
			for i := range ring {
				degrees[i] = [2]float64{x[i], y[i]}
			}
			placed[name] = append(placed[name], degrees)
		}
	}
	// From a tolerance of 1 m on, coarser until all of them fit.
	for tolerance := 1e-5; ; tolerance *= 2 {
		n := 0
		for i := range rows {
			rows[i].rings = nil
			for _, ring := range placed[rows[i].Name] {
				if ring = simplify(ring, tolerance); len(ring) >= 4 {
					n += len(ring)
					rows[i].rings = append(rows[i].rings, ringSteps(ring))
				}
			}
		}
		if n <= outlinePoints || tolerance > 1 {
			return nil
		}
	}
}

// ringSteps writes all longitudes, then all latitudes.
func ringSteps(ring [][2]float64) steps {
	var s steps
	for k := range 2 {
		for _, p := range ring {
			s = append(s, int64(math.Round(p[k]*degree)))
		}
	}
	return s
}

// simplify leaves points out that lie within tolerance of the line without them
// (Douglas and Peucker 1973). The ends stay; a closed ring is halved at the point
// farthest from them.
func simplify(ring [][2]float64, tolerance float64) [][2]float64 {
	keep := make([]bool, len(ring))
	if len(ring) < 4 {
		return ring
	}
	keep[0], keep[len(ring)-1] = true, true
	type part struct{ from, to int }
	for todo := []part{{0, len(ring) - 1}}; len(todo) > 0; {
		p := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		far, at := tolerance, -1
		for i := p.from + 1; i < p.to; i++ {
			if d := distance(ring[i], ring[p.from], ring[p.to]); d > far {
				far, at = d, i
			}
		}
		if at >= 0 {
			keep[at] = true
			todo = append(todo, part{p.from, at}, part{at, p.to})
		}
	}
	var out [][2]float64
	for i, k := range keep {
		if k {
			out = append(out, ring[i])
		}
	}
	return out
}

// distance is that of p from the piece of line between a and b.
func distance(p, a, b [2]float64) float64 {
	dx, dy := b[0]-a[0], b[1]-a[1]
	t := 0.0
	if l := dx*dx + dy*dy; l > 0 {
		t = min(1, max(0, ((p[0]-a[0])*dx+(p[1]-a[1])*dy)/l))
	}
	return math.Hypot(p[0]-a[0]-t*dx, p[1]-a[1]-t*dy)
}
