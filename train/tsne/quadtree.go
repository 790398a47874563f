package tsne

import (
	"cmp"
	"math"
	"slices"
)

// quadtree holds the points of a map in nested squares. It is rebuilt at every
// iteration: points are sorted along a Z-shaped curve (Morton 1966), after which
// every square is a stretch of the sorted points, and the nodes lie in memory in
// the order in which they are visited.
type quadtree struct {
	points []spot
	nodes  []node
}

// spot is a point of the map in the tree's order.
type spot struct {
	code  uint64 // place on the curve: the bits of both coordinates in turn
	x, y  float64
	index int32 // of the point
}

// node is a square with its points' number and mean. The nodes within it follow
// it, up to next.
type node struct {
	x, y   float64
	width2 float64 // square of the side
	count  float64
	lo, hi int32 // points of a leaf; hi is 0 for a square that is divided
	next   int32
}

const (
	leafPoints = 6  // squares of so few points are not divided: summing them is quicker
	levels     = 32 // bits of a coordinate
)

// build makes the tree of y, [n, 2], finite numbers.
func (t *quadtree) build(y []float64) {
	n := len(y) / 2
	if len(t.points) != n {
		t.points = make([]spot, n)
	}
	x0, y0, x1, y1 := y[0], y[1], y[0], y[1]
	for i := range n {
		x0, x1 = min(x0, y[2*i]), max(x1, y[2*i])
		y0, y1 = min(y0, y[2*i+1]), max(y1, y[2*i+1])
	}
	side := max(x1-x0, y1-y0)
	scale := 0.0
	if side > 0 {
		scale = math.MaxUint32 / side
	}
	for i := range t.points {
		px, py := y[2*i], y[2*i+1]
		code := spread(place(px-x0, scale)) | spread(place(py-y0, scale))<<1
		t.points[i] = spot{code, px, py, int32(i)}
	}
	slices.SortFunc(t.points, func(a, b spot) int {
		return cmp.Or(cmp.Compare(a.code, b.code), cmp.Compare(a.index, b.index))
	})
	t.nodes = t.nodes[:0]
	t.divide(0, n, 0, side)
}

func place(d, scale float64) uint32 {
	return uint32(min(math.MaxUint32, max(0, d*scale)))
}

// spread puts a zero bit before every bit.
func spread(v uint32) uint64 {
	x := uint64(v)
	x = (x | x<<16) & 0x0000ffff0000ffff
	x = (x | x<<8) & 0x00ff00ff00ff00ff
	x = (x | x<<4) & 0x0f0f0f0f0f0f0f0f
	x = (x | x<<2) & 0x3333333333333333
	return (x | x<<1) & 0x5555555555555555
}

// divide adds the node of points lo ... hi-1, all in one square of that level
// and side, and the nodes within it. It returns the sums of their coordinates.
func (t *quadtree) divide(lo, hi, level int, side float64) (sx, sy float64) {
	// A square whose points all lie in one quarter is as good as that quarter.
	for level < levels && t.quarter(lo, level) == t.quarter(hi-1, level) && hi-lo > leafPoints {
		level++
		side /= 2
	}
	at := len(t.nodes)
	t.nodes = append(t.nodes, node{width2: side * side, count: float64(hi - lo)})
	if hi-lo <= leafPoints || level == levels {
		for _, p := range t.points[lo:hi] {
			sx += p.x
			sy += p.y
		}
		t.nodes[at].lo, t.nodes[at].hi = int32(lo), int32(hi)
	} else {
		for from := lo; from < hi; {
			q := t.quarter(from, level)
			to := from + 1
			for to < hi && t.quarter(to, level) == q {
				to++
			}
			x, y := t.divide(from, to, level+1, side/2)
			sx += x
			sy += y
			from = to
		}
	}
	nd := &t.nodes[at]
	nd.x, nd.y = sx/nd.count, sy/nd.count
	nd.next = int32(len(t.nodes))
	return sx, sy
}

// quarter is which quarter of its square of that level a point lies in, 0 to 3.
func (t *quadtree) quarter(point, level int) uint64 {
	return t.points[point].code >> (2 * (levels - 1 - level)) & 3
}

// repulsion is sum w^2 (y_i - y_j) over the others and z = sum w, for the point
// at that place of the tree's order, with w = 1 / (1 + |y_i - y_j|^2). A square
// counts as one where its side is less than theta times its distance.
func (t *quadtree) repulsion(at int, theta float64) (fx, fy, z float64) {
	x0, y0 := t.points[at].x, t.points[at].y
	theta2 := theta * theta
	nodes := t.nodes
	for k := 0; k < len(nodes); {
		nd := &nodes[k]
		dx, dy := x0-nd.x, y0-nd.y
		d2 := dx*dx + dy*dy
		count := nd.count
		if nd.width2 >= theta2*d2 { // too near to count as one
			if nd.hi == 0 {
				k++
				continue
			}
			lo, hi := int(nd.lo), int(nd.hi)
			if hi-lo <= leafPoints {
				for j := lo; j < hi; j++ {
					if j == at {
						continue
					}
					dx, dy := x0-t.points[j].x, y0-t.points[j].y
					w := 1 / (1 + dx*dx + dy*dy)
					z += w
					fx += w * w * dx
					fy += w * w * dy
				}
				k = int(nd.next)
				continue
			}
			// Many points in one place, of which this one may be one: it then lies
			// at their mean, does not push itself, and must not count.
			if at >= lo && at < hi {
				count--
			}
		}
		w := 1 / (1 + d2)
		z += count * w
		w *= count * w
		fx += w * dx
		fy += w * dy
		k = int(nd.next)
	}
	return fx, fy, z
}
