package imagery

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"opencarbon/data/fault"
	"opencarbon/data/grid"
	"opencarbon/data/raster"
)

// footprint is roughly where a cell lies in the mosaic, in pixels of the full
// resolution.
type footprint struct {
	x0, y0, x1, y1 float64
	ok             bool // it has an image, and touches the mosaic
}

// footprints projects corners and edge middles of the cells.
func (m *Mosaic) footprints(g *grid.Grid, cells []grid.Cell) ([]footprint, error) {
	const points = outlinePoints
	x, y := make([]float64, 0, points*len(cells)), make([]float64, 0, points*len(cells))
	for _, c := range cells {
		west, south, east, north := g.Bounds(c)
		x, y = outline(x, y, west, south, east, north)
	}
	t, err := raster.NewTransform(g.CRS(), m.crs)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	_ = t.Points(x, y) // points without an image become NaN
	list := make([]footprint, len(cells))
	for c := range list {
		f := footprint{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1), false}
		if m.period > 0 {
			part := x[c*points : (c+1)*points]
			if _, add := m.turns(part); len(add) > 0 {
				for i := range part {
					part[i] += add[0]
				}
			}
		}
		for i := c * points; i < (c+1)*points; i++ {
			col := m.inverse[0] + m.inverse[1]*x[i] + m.inverse[2]*y[i]
			row := m.inverse[3] + m.inverse[4]*x[i] + m.inverse[5]*y[i]
			if math.IsNaN(col) || math.IsNaN(row) {
				continue
			}
			f.x0, f.x1 = math.Min(f.x0, col), math.Max(f.x1, col)
			f.y0, f.y1 = math.Min(f.y0, row), math.Max(f.y1, row)
		}
		f.ok = f.x1 > 0 && f.y1 > 0 && f.x0 < float64(m.width) && f.y0 < float64(m.height)
		list[c] = f
	}
	return list, nil
}

// plan chooses the resolution to read and divides the cells into groups. When no
// cell touches the mosaic it fails, or has no groups where sparse allows that.
func (m *Mosaic) plan(g *grid.Grid, cells []grid.Cell, sparse bool) (plan, error) {
	p := plan{level: m.levels[0]}
	prints, err := m.footprints(g, cells)
	if err != nil {
		return p, err
	}
	finest, edge, touching := math.Inf(1), 0.0, 0
	for _, f := range prints {
		if f.ok {
			touching++
			finest = math.Min(finest, math.Min(f.x1-f.x0, f.y1-f.y0)/float64(m.spec.Size))
			edge = math.Max(edge, math.Max(f.x1-f.x0, f.y1-f.y0))
		}
	}
	if touching == 0 && len(cells) > 0 {
		if sparse {
			return p, nil
		}
		return p, m.noOverlap(g, cells)
	}
	// The coarsest overview that is no coarser than the pictures, as gdalwarp
	// chooses (-ovr AUTO).
	for _, l := range m.levels {
		if math.Max(l.fx, l.fy) <= finest*1.0001 {
			p.level = l
		}
	}
	edge /= math.Min(p.level.fx, p.level.fy)
	many := math.Max(1, math.Floor(float64(m.edge(groupEdge))/math.Max(edge, 1))) // cells along a group's side
	side := many * math.Max(edge, 1)
	type place struct{ row, col, cell int }
	order := make([]place, len(cells))
	for i, f := range prints {
		order[i] = place{cell: i}
		if f.ok {
			order[i].row = int(math.Floor((f.y0 + f.y1) / 2 / p.level.fy / side))
			order[i].col = int(math.Floor((f.x0 + f.x1) / 2 / p.level.fx / side))
		}
	}
	slices.SortFunc(order, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.row, b.row), cmp.Compare(a.col, b.col), cmp.Compare(a.cell, b.cell))
	})
	for lo := 0; lo < len(order); {
		hi := lo + 1
		for hi < len(order) && order[hi].row == order[lo].row && order[hi].col == order[lo].col {
			hi++
		}
		var job group
		for _, o := range order[lo:hi] {
			job.cells = append(job.cells, o.cell)
		}
		job.window = m.window(p.level, prints, job.cells)
		p.groups = append(p.groups, job)
		lo = hi
	}
	return p, nil
}

// window is what a group reads at once: the bounding box of its cells with a
// margin for the kernel, or nothing where that would be mostly in vain.
func (m *Mosaic) window(l level, prints []footprint, cells []int) window {
	x0, y0, x1, y1 := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	used := 0.0
	for _, i := range cells {
		f := prints[i]
		if !f.ok {
			continue
		}
		pixel := math.Max(f.x1-f.x0, f.y1-f.y0) / float64(m.spec.Size)
		// Twice the reach of the widest kernel (cubic), and two pixels that
		// rounding may ask for.
		margin := 2*math.Max(pixel, math.Max(l.fx, l.fy)) + 2*math.Max(l.fx, l.fy) + 0.01*(f.x1-f.x0)
		x0, x1 = math.Min(x0, f.x0-margin), math.Max(x1, f.x1+margin)
		y0, y1 = math.Min(y0, f.y0-margin), math.Max(y1, f.y1+margin)
		used += (f.x1 - f.x0) * (f.y1 - f.y0) / l.fx / l.fy
	}
	if len(cells) < 2 || x1 < x0 {
		return window{}
	}
	var w window
	w.x, w.y = bounded(math.Floor(x0/l.fx), l.width), bounded(math.Floor(y0/l.fy), l.height)
	w.w, w.h = bounded(math.Ceil(x1/l.fx), l.width)-w.x, bounded(math.Ceil(y1/l.fy), l.height)-w.y
	if w.w < 1 || w.h < 1 || w.w*w.h > 2*m.edge(groupEdge)*m.edge(groupEdge) || float64(w.w*w.h) > 3*used+4096 {
		return window{}
	}
	return w
}

// noOverlap says where mosaic and cells lie.
func (m *Mosaic) noOverlap(g *grid.Grid, cells []grid.Cell) error {
	west, south, east, north := m.Bounds()
	where := fmt.Sprintf("it covers x %g to %g, y %g to %g in %s", west, east, south, north, m.crs)
	if t, err := raster.NewTransform(m.crs, g.CRS()); err == nil {
		x, y := []float64{west, east, west, east}, []float64{south, south, north, north}
		if t.Points(x, y) == nil {
			where = fmt.Sprintf("it covers x %g to %g, y %g to %g", slices.Min(x), slices.Max(x), slices.Min(y), slices.Max(y))
		}
		t.Close()
	}
	x0, y0, x1, y1 := g.Bounds(cells[0])
	for _, c := range cells {
		a, b, cc, d := g.Bounds(c)
		x0, y0, x1, y1 = math.Min(x0, a), math.Min(y0, b), math.Max(x1, cc), math.Max(y1, d)
	}
	return fault.New(m.spec.Path, fmt.Sprintf("the mosaic does not overlap the region: %s; the cells lie at x %g to %g, y %g to %g (%s)", where, x0, x1, y0, y1, g.CRS()),
		"check data.region and the mosaic's CRS (data.imagery.crs holds only where the file has none)")
}
