package poi

import (
	"context"
	"errors"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

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

// needNodes lists the nodes of areas and of the ways of relations.
func (r *pbfReader) needNodes() {
	need := func(id int64) { r.nodes = append(r.nodes, id) }
	for _, a := range r.areas {
		osm.Deltas(r.refs[a.from:a.to], need)
	}
	for _, w := range r.ways {
		osm.Deltas(w.refs, need)
	}
	slices.Sort(r.nodes)
	r.nodes = slices.Clip(slices.Compact(r.nodes))
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

// place is where a node lies; false where the file does not have it.
func (r *pbfReader) place(id int64) ([2]int32, bool) {
	at, ok := slices.BinarySearch(r.nodes, id)
	if !ok || r.places[at][0] == nowhere {
		return [2]int32{}, false
	}
	return r.places[at], true
}

// addAreas takes the closed ways that no wanted relation is made of.
func (r *pbfReader) addAreas() error {
	var ring [][2]float64
	var nodes []int64
	var id []byte
	for _, a := range r.areas {
		if _, ok := slices.BinarySearch(r.members, a.id); ok {
			continue
		}
		ring = ring[:0]
		nodes = nodes[:0]
		if !osm.Deltas(r.refs[a.from:a.to], func(node int64) { nodes = append(nodes, node) }) {
			return errors.New("a way's list of nodes is cut short")
		}
		for _, node := range nodes[:len(nodes)-1] {
			if p, ok := r.place(node); ok {
				ring = append(ring, [2]float64{float64(p[0]) / 1e7, float64(p[1]) / 1e7})
			}
		}
		if len(ring) == 0 { // of an area beyond the edge of the file
			continue
		}
		ring = append(ring, ring[0]) // of the nodes that there are, the first closes it
		x, y, ok := center(raster.Geometry{Polygons: []raster.Polygon{{ring}}})
		if !ok {
			return errors.New("an area without a place")
		}
		id = strconv.AppendInt(append(id[:0], "multipolygons way "...), a.id, 10)
		if err := r.c.add(0, point{x: x, y: y, category: a.category, id: id, count: 1}); err != nil {
			return err
		}
	}
	return r.c.flush()
}

// addRelations has OGR read the wanted relations, out of a file that holds them,
// their ways and their nodes.
func (r *pbfReader) addRelations(ctx context.Context, spec Spec) error {
	if err := r.c.flush(); err != nil || len(r.members) == 0 {
		return err
	}
	tmp, err := os.CreateTemp("", "opencarbon-*.osm.pbf")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	err = r.writeRelations(tmp)
	if err := errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	spec.Path, spec.Layer = tmp.Name(), "multipolygons"
	_, err = readLayer(ctx, spec, r.c, 0, func(int64, int64) {})
	return err
}

func (r *pbfReader) writeRelations(f *os.File) error {
	var ways, nodes []int64
	for id, w := range r.ways {
		ways = append(ways, id)
		osm.Deltas(w.refs, func(node int64) { nodes = append(nodes, node) })
	}
	slices.Sort(ways)
	slices.Sort(nodes)
	o := osm.NewWriter(f)
	for _, id := range slices.Compact(nodes) {
		if p, ok := r.place(id); ok {
			o.Node(id, p[0], p[1])
		}
	}
	for _, id := range ways {
		o.Way(id, r.ways[id].tags, r.ways[id].refs)
	}
	for _, one := range r.relations {
		if !one.wanted {
			continue
		}
		roles := make([]string, len(one.ways))
		for i := range roles {
			if one.outer[i] {
				roles[i] = "outer"
			} else if one.sub[i] {
				roles[i] = "subarea"
			}
		}
		o.Relation(one.id, one.tags, one.ways, roles)
	}
	return o.Close()
}

// tagger reads tags of one block.
type tagger struct {
	r     *pbfReader
	b     *osm.Block
	known []byte            // of each string: 0 not looked at yet, 1 no key of a category, 2 one
	seen  map[uint64][]byte // categories by key and value; nil: none
}

func newTagger(r *pbfReader, b *osm.Block) *tagger {
	return &tagger{r: r, b: b, known: make([]byte, len(b.Strings)), seen: map[uint64][]byte{}}
}

// category is what an object's tags make of it; false where it is no point of
// interest.
func (t *tagger) category(tags []uint32) (category []byte, ok bool, err error) {
	n, at := 0, 0
	for i := 0; i < len(tags); i += 2 {
		k := tags[i]
		if t.known[k] == 0 {
			t.known[k] = 1
			if t.r.keys[string(t.b.Strings[k])] {
				t.known[k] = 2
			}
		}
		if t.known[k] == 2 {
			n, at = n+1, i
		}
	}
	if n == 0 {
		return nil, false, nil
	}
	pair := uint64(tags[at])<<32 | uint64(tags[at+1])
	if n == 1 {
		if category, ok := t.seen[pair]; ok {
			return category, category != nil, nil
		}
	}
	some := map[string]string{}
	for i := 0; i < len(tags); i += 2 {
		if t.known[tags[i]] == 2 {
			some[string(t.b.Strings[tags[i]])] = string(t.b.Strings[tags[i+1]])
		}
	}
	s, ok := t.r.rule.category(some)
	if ok {
		if category, err = categoryText(s); err != nil {
			return nil, false, err
		}
	}
	if n == 1 {
		t.seen[pair] = category
	}
	return category, ok, nil
}

// texts are tags as text.
func (t *tagger) texts(tags []uint32) []string {
	list := make([]string, len(tags))
	for i, s := range tags {
		list[i] = string(t.b.Strings[s])
	}
	return list
}

// closedArea says whether OGR takes a way for an area.
func (t *tagger) closedArea(w *osm.Way) bool {
	n, first, last := 0, int64(0), int64(0)
	if !osm.Deltas(w.Refs, func(id int64) {
		if n == 0 {
			first = id
		}
		n, last = n+1, id
	}) || n < 2 || first != last {
		return false
	}
	is := false
	for i := 0; i < len(w.Tags); i += 2 {
		k, v := string(t.b.Strings[w.Tags[i]]), string(t.b.Strings[w.Tags[i+1]])
		if k == "area" && (v == "yes" || v == "no") {
			return v == "yes"
		}
		is = is || slices.Contains(areaKeys, k) || slices.Contains(areaKeys, k+"="+v)
	}
	return is
}

// relation takes what is wanted of a relation; kind is its type.
func (t *tagger) relation(m *osm.Relation) (one relation, kind string, err error) {
	one.id = m.ID
	own := false // has tags that OGR takes for the relation's
	for i := 0; i < len(m.Tags); i += 2 {
		k, v := string(t.b.Strings[m.Tags[i]]), string(t.b.Strings[m.Tags[i+1]])
		if k == "type" {
			kind = v
		} else if k != "created_by" {
			own = true
		}
	}
	if kind != "multipolygon" && kind != "boundary" {
		return one, kind, nil
	}
	one.tags = t.texts(m.Tags)
	_, named, err := t.category(m.Tags)
	one.wanted = named || !own
	for i, id := range m.Members {
		if m.Types[i] == osm.Ways {
			role := string(t.b.Strings[m.Roles[i]])
			one.ways, one.outer, one.sub = append(one.ways, id), append(one.outer, role == "outer"), append(one.sub, role == "subarea")
		}
	}
	return one, kind, err
}

// categoryText is a category as OGR's reader gives it.
func categoryText(s string) ([]byte, error) {
	s = strings.TrimSpace(s)
	if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
		return nil, errors.New("a category is no text")
	}
	return []byte(s), nil
}
