package poi

import (
	"context"
	"errors"
	"math"
	"os"
	"slices"
	"strconv"

	"opencarbon/data/osm"
	"opencarbon/data/raster"
)

// nodeBlock is what is wanted of a block of nodes: the points of interest.
type nodeBlock struct {
	first, last int64
	ids         []int64
	x, y        []float64
	categories  [][]byte
}

// readNodes takes the nodes that are points of interest, and notes where those
// lie that areas are drawn with.
func (r *pbfReader) readNodes(ctx context.Context, blocks []int) error {
	r.needNodes()
	last := int64(math.MinInt64)
	var id []byte
	return osm.Scan(ctx, r.f, blocks, r.nodeBlock, func(_ int, n nodeBlock) error {
		r.tick()
		if n.first <= last {
			return errOrder
		}
		last = n.last
		for i := range n.ids {
			id = strconv.AppendInt(append(id[:0], "points "...), n.ids[i], 10)
			if err := r.c.add(0, point{x: n.x[i], y: n.y[i], category: n.categories[i], id: id, count: 1}); err != nil {
				return err
			}
		}
		return nil
	})
}

// needNodes lists the nodes of areas, of which the last is the first again, and of
// the ways of relations.
func (r *pbfReader) needNodes() {
	each := func(f func(refs []byte, closed bool)) {
		for _, b := range r.areas {
			_ = b.each(func(_ area, refs []byte) error { f(refs, true); return nil })
		}
		for _, w := range r.ways {
			f(w.refs, false)
		}
	}
	n := 0
	each(func(refs []byte, closed bool) {
		for _, b := range refs {
			if b < 0x80 { // a number's last byte
				n++
			}
		}
		if closed {
			n--
		}
	})
	r.nodes = make([]int64, 0, n)
	each(func(refs []byte, closed bool) {
		osm.Deltas(refs, func(id int64) { r.nodes = append(r.nodes, id) })
		if closed {
			r.nodes = r.nodes[:len(r.nodes)-1]
		}
	})
	slices.Sort(r.nodes)
	r.nodes = slices.Compact(r.nodes)
	r.places = make([][2]int32, len(r.nodes))
	for i := range r.places {
		r.places[i][0] = nowhere
	}
}

// nodeBlock takes what is wanted from a block. It runs in several goroutines,
// each of which fills in the places of its own nodes.
func (r *pbfReader) nodeBlock(_ int, b *osm.Block) (nodeBlock, error) {
	t := newTagger(r, b)
	n := nodeBlock{first: math.MaxInt64, last: -1}
	at := -1
	return n, b.Nodes(func(id int64, x, y float64, tags []uint32) error {
		if id <= n.last || id>>16 >= math.MaxInt32 { // OGR knows no others
			return errOrder
		}
		n.first, n.last = min(n.first, id), id
		if at < 0 {
			at, _ = slices.BinarySearch(r.nodes, id)
		}
		for at < len(r.nodes) && r.nodes[at] < id {
			at++
		}
		if at < len(r.nodes) && r.nodes[at] == id {
			r.places[at] = [2]int32{int32(math.Floor(x*1e7 + 0.5)), int32(math.Floor(y*1e7 + 0.5))}
		}
		if len(tags) == 0 {
			return nil
		}
		category, ok, err := t.category(tags)
		if ok && err == nil {
			n.ids, n.x, n.y, n.categories = append(n.ids, id), append(n.x, x), append(n.y, y), append(n.categories, category)
		}
		return err
	})
}

// nowhere is the place of a node that the file does not have.
const nowhere = math.MinInt32

// place is where a node lies; false where the file does not have it.
func (r *pbfReader) place(id int64) ([2]int32, bool) {
	if r.at++; r.at >= len(r.nodes) || r.nodes[r.at] != id { // most often it is the next
		var ok bool
		if r.at, ok = slices.BinarySearch(r.nodes, id); !ok {
			return [2]int32{}, false
		}
	}
	return r.places[r.at], r.places[r.at][0] != nowhere
}

// addAreas takes the closed ways that no wanted relation is made of.
func (r *pbfReader) addAreas() error {
	var ring [][2]float64
	var nodes []int64
	var id []byte
	for _, b := range r.areas {
		if err := b.each(func(a area, refs []byte) error {
			if _, ok := slices.BinarySearch(r.members, a.id); ok {
				return nil
			}
			ring, nodes = ring[:0], nodes[:0]
			osm.Deltas(refs, func(node int64) { nodes = append(nodes, node) })
			for _, node := range nodes[:len(nodes)-1] {
				if p, ok := r.place(node); ok {
					ring = append(ring, [2]float64{float64(p[0]) / 1e7, float64(p[1]) / 1e7})
				}
			}
			if len(ring) == 0 { // of an area beyond the edge of the file
				return nil
			}
			ring = append(ring, ring[0]) // of the nodes that there are, the first closes it
			x, y, ok := center(raster.Geometry{Polygons: []raster.Polygon{{ring}}})
			if !ok {
				return errors.New("an area without a place")
			}
			id = strconv.AppendInt(append(id[:0], "multipolygons way "...), a.id, 10)
			return r.c.add(0, point{x: x, y: y, category: []byte(r.lists.list[a.category][0]), id: id, count: 1})
		}); err != nil {
			return err
		}
	}
	return r.c.flush()
}

// writeRelations writes the wanted relations, their ways and their nodes to a
// temporary file, for OGR; "" where there are none.
func (r *pbfReader) writeRelations() (path string, err error) {
	if len(r.members) == 0 {
		return "", nil
	}
	f, err := os.CreateTemp("", "opencarbon-*.osm.pbf")
	if err != nil {
		return "", err
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			os.Remove(f.Name())
		}
	}()
	used := make([]bool, len(r.nodes))
	for _, w := range r.ways {
		osm.Deltas(w.refs, func(node int64) {
			if at, ok := slices.BinarySearch(r.nodes, node); ok && r.places[at][0] != nowhere {
				used[at] = true
			}
		})
	}
	o := osm.NewWriter(f)
	for at, ok := range used {
		if ok {
			o.Node(r.nodes[at], r.places[at][0], r.places[at][1])
		}
	}
	for at, w := range r.ways {
		if w.refs != nil {
			o.Way(r.members[at], r.lists.list[w.tags], w.refs)
		}
	}
	for _, one := range r.relations {
		if !one.wanted {
			continue
		}
		roles := make([]string, len(one.ways))
		for i, role := range one.roles {
			roles[i] = roleNames[role]
		}
		o.Relation(one.id, r.lists.list[one.tags], one.ways, roles)
	}
	return f.Name(), o.Close()
}
