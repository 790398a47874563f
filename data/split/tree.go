package split

import "math"

// point is a place on the unit sphere: distances need no projection, and the
// antimeridian is no edge.
type point [3]float64

// earthKM is the mean radius of the earth.
const earthKM = 6371.0088

// pointAt is the place of a longitude and latitude in degrees.
func pointAt(lon, lat float64) point {
	lon, lat = lon*math.Pi/180, lat*math.Pi/180
	return point{math.Cos(lat) * math.Cos(lon), math.Cos(lat) * math.Sin(lon), math.Sin(lat)}
}

func (p point) squared(q point) float64 {
	x, y, z := p[0]-q[0], p[1]-q[1], p[2]-q[2]
	return x*x + y*y + z*z
}

// arc is the length in km on the ground of a chord, given squared.
func arc(squared float64) float64 {
	return 2 * earthKM * math.Asin(min(1, math.Sqrt(squared)/2))
}

// tree finds the nearest of many points: a k-d tree, each part of the list
// halved along its longest side, the middle point in the middle.
type tree struct {
	points []point
	index  []int32 // place of each in the list that the tree was made of
	axis   []int8  // of the halving, at the middle of each part
}

func newTree(points []point) *tree {
	t := &tree{points: make([]point, len(points)), index: make([]int32, len(points)), axis: make([]int8, len(points))}
	for i := range points {
		t.index[i] = int32(i)
	}
	t.halve(points, 0, len(points))
	for i, from := range t.index {
		t.points[i] = points[from]
	}
	return t
}

func (t *tree) halve(points []point, lo, hi int) {
	if hi-lo < 2 {
		return
	}
	low, high := points[t.index[lo]], points[t.index[lo]]
	for _, i := range t.index[lo:hi] {
		for a := range low {
			low[a], high[a] = min(low[a], points[i][a]), max(high[a], points[i][a])
		}
	}
	axis := 0
	for a := range low {
		if high[a]-low[a] > high[axis]-low[axis] {
			axis = a
		}
	}
	t.part(points, axis, lo, hi)
	middle := (lo + hi) / 2
	t.axis[middle] = int8(axis)
	t.halve(points, lo, middle)
	t.halve(points, middle+1, hi)
}

// part brings the middle one along an axis to the middle of a part of the list, and
// the others to its sides (Hoare's quickselect).
func (t *tree) part(points []point, axis, lo, hi int) {
	middle := (lo + hi) / 2
	hi--
	for lo < hi {
		pivot := points[t.index[(lo+hi)/2]][axis]
		i, j := lo, hi
		for i <= j {
			for points[t.index[i]][axis] < pivot {
				i++
			}
			for points[t.index[j]][axis] > pivot {
				j--
			}
			if i <= j {
				t.index[i], t.index[j] = t.index[j], t.index[i]
				i++
				j--
			}
		}
		switch {
		case middle <= j:
			hi = j
		case middle >= i:
			lo = i
		default:
			return
		}
	}
}

// nearest is the place in the list of the point nearest to p and the square of
// its distance; -1 of an empty tree.
func (t *tree) nearest(p point) (int, float64) {
	best, least := -1, math.Inf(1)
	t.search(p, 0, len(t.points), &best, &least)
	if best >= 0 {
		best = int(t.index[best])
	}
	return best, least
}

func (t *tree) search(p point, lo, hi int, best *int, least *float64) {
	if lo >= hi {
		return
	}
	middle := (lo + hi) / 2
	if d := p.squared(t.points[middle]); d < *least {
		*best, *least = middle, d
	}
	axis := t.axis[middle]
	side := p[axis] - t.points[middle][axis]
	first, second := [2]int{lo, middle}, [2]int{middle + 1, hi}
	if side > 0 {
		first, second = second, first
	}
	t.search(p, first[0], first[1], best, least)
	if side*side < *least {
		t.search(p, second[0], second[1], best, least)
	}
}
