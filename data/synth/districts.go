package synth

import (
	"math"
	"slices"
)

// District is a part of the city: whole cells around a seat.
type District struct {
	Name  string
	Split string // train, validation or test
	Cells int    // how many cells it has
	Rings [][][2]float64
}

// divide gives every cell to the district whose seat is nearest (with crooked
// borders) and every district to a split. Each group of five neighboring
// districts along the way out of the center has three that train, so that all
// three splits have town and country.
func (c *City) divide(seed uint64) {
	n := min(max(c.Rows*c.Cols/32, 5), 40)
	n -= n % 5
	seats := spread(seed, n, float64(c.Cols), float64(c.Rows))
	main := c.plan.centers[0]
	slices.SortFunc(seats, func(a, b [2]float64) int {
		da, db := math.Hypot(a[0]-main.x, a[1]-main.y), math.Hypot(b[0]-main.x, b[1]-main.y)
		switch {
		case da < db:
			return -1
		case da > db:
			return 1
		}
		return 0
	})
	c.Districts = make([]District, n)
	for i := range c.Districts {
		c.Districts[i].Name = districtName(i)
		// Which two of each five do not train turns with the seed.
		turn := int(hash(seed, i/5, 0, saltDistrict+50) % 5)
		switch (i + turn) % 5 {
		case 1:
			c.Districts[i].Split = "validation"
		case 3:
			c.Districts[i].Split = "test"
		default:
			c.Districts[i].Split = "train"
		}
	}
	c.District = make([]int, c.Rows*c.Cols)
	for cell := range c.District {
		x, y := float64(cell%c.Cols)+0.5, float64(cell/c.Cols)+0.5
		x += 1.2 * noise(seed, x/3, y/3, saltDistrict)
		y += 1.2 * noise(seed, x/3, y/3, saltDistrict+1)
		best, at := math.Inf(1), 0
		for i, s := range seats {
			if d := math.Hypot(x-s[0], y-s[1]); d < best {
				best, at = d, i
			}
		}
		c.District[cell] = at
		c.Districts[at].Cells++
	}
	for i := range c.Districts {
		for _, ring := range c.outline(i) {
			line := make([][2]float64, len(ring))
			for k, p := range ring {
				line[k] = [2]float64{c.West + float64(p[0])*CellDegrees, c.North - float64(p[1])*CellDegrees}
			}
			c.Districts[i].Rings = append(c.Districts[i].Rings, line)
		}
	}
}

// spread draws n points in a box, each the farthest from the others among
// sixteen candidates (Mitchell's best candidate).
func spread(seed uint64, n int, w, h float64) [][2]float64 {
	pts := make([][2]float64, 0, n)
	for i := range n {
		var best [2]float64
		far := -1.0
		for k := range 16 {
			u := hash(seed, i, k, saltDistrict+10)
			p := [2]float64{w * unit(u), h * unit(mix(u))}
			near := math.Inf(1)
			for _, q := range pts {
				near = min(near, math.Hypot(p[0]-q[0], p[1]-q[1]))
			}
			if near > far {
				far, best = near, p
			}
		}
		pts = append(pts, best)
	}
	return pts
}

// outline traces the borders of a district along cell edges: closed rings of
// corners (column, row), the district on the right hand, so that outer rings run
// clockwise on a map and holes the other way. Where two of its cells touch at a
// corner only, the walk turns right and keeps them in rings of their own.
func (c *City) outline(d int) [][][2]int {
	in := func(row, col int) bool {
		return row >= 0 && row < c.Rows && col >= 0 && col < c.Cols && c.District[row*c.Cols+col] == d
	}
	// Directions: 0 east, 1 south, 2 west, 3 north (rows grow to the south).
	step := [4][2]int{{1, 0}, {0, 1}, {-1, 0}, {0, -1}}
	type edge struct{ x, y, dir int }
	left := map[edge]bool{}
	var order []edge
	add := func(e edge) { left[e] = true; order = append(order, e) }
	for row := range c.Rows {
		for col := range c.Cols {
			if !in(row, col) {
				continue
			}
			if !in(row-1, col) {
				add(edge{col, row, 0})
			}
			if !in(row, col+1) {
				add(edge{col + 1, row, 1})
			}
			if !in(row+1, col) {
				add(edge{col + 1, row + 1, 2})
			}
			if !in(row, col-1) {
				add(edge{col, row + 1, 3})
			}
		}
	}
	var rings [][][2]int
	for _, e := range order {
		if !left[e] {
			continue
		}
		var ring [][2]int
		for {
			delete(left, e)
			x, y := e.x+step[e.dir][0], e.y+step[e.dir][1]
			next := edge{-1, -1, -1}
			for _, turn := range [3]int{1, 0, 3} { // right, straight on, left
				if n := (edge{x, y, (e.dir + turn) % 4}); left[n] {
					next = n
					break
				}
			}
			if len(ring) == 0 {
				ring = append(ring, [2]int{e.x, e.y})
			}
			if next.dir != e.dir {
				ring = append(ring, [2]int{x, y})
			}
			if next.dir < 0 {
				break
			}
			e = next
		}
		if last := len(ring) - 1; ring[last] != ring[0] {
			ring = append(ring, ring[0])
		}
		rings = append(rings, ring)
	}
	return rings
}

// districtName makes a name out of two syllables; 64 are different.
func districtName(i int) string {
	first := [8]string{"North", "East", "Ash", "Mill", "Stone", "Kings", "Green", "River"}
	last := [8]string{"bridge", "field", "gate", "ford", "side", "haven", "wood", "ton"}
	return first[i%8] + last[(i/8+i)%8]
}
