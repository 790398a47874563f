package poi

import (
	"context"
	"math"
	"slices"

	"opencarbon/data/osm"
)

// pbfWay is a way as the small file for OGR has it.
type pbfWay struct {
	refs []byte // packed nodes
	tags int32  // in tagLists
}

// area is a closed way that is a point of interest by itself.
type area struct {
	id       int64
	category int32  // in tagLists
	size     uint32 // bytes of its nodes in areaBlock.refs
}

// areaBlock are the areas of one block of the file.
type areaBlock struct {
	list []area
	refs []byte // packed nodes, one area after the other
}

// each calls f with every area and its nodes.
func (b areaBlock) each(f func(a area, refs []byte) error) error {
	at := 0
	for _, a := range b.list {
		refs := b.refs[at : at+int(a.size)]
		at += int(a.size)
		if err := f(a, refs); err != nil {
			return err
		}
	}
	return nil
}

// wayBlock is what is wanted of a block of ways.
type wayBlock struct {
	first, last int64
	areas       areaBlock
	categories  [][]byte // of areas
	members     []member
}

// member is a way of which relations are made.
type member struct {
	at   int // in pbfReader.members
	refs []byte
	tags []string
}

// readWays finds the closed ways that are points of interest, and those that
// wanted relations are made of. A relation that has tags, but no category, is
// wanted after all where its outer ring is an area with a category: OGR gives
// that way up for the relation.
func (r *pbfReader) readWays(ctx context.Context, blocks []int) error {
	last := int64(math.MinInt64)
	r.ranges = map[int][2]int64{}
	if err := osm.Scan(ctx, r.f, blocks, r.wayBlock, func(i int, w wayBlock) error {
		r.tick()
		if w.first <= last {
			return errOrder
		}
		last = w.last
		r.ranges[i] = [2]int64{w.first, w.last}
		for k, category := range w.categories {
			w.areas.list[k].category = r.lists.number([]string{string(category)})
		}
		if len(w.areas.list) > 0 {
			r.areas = append(r.areas, areaBlock{slices.Clip(slices.Clone(w.areas.list)), slices.Clip(slices.Clone(w.areas.refs))})
		}
		r.found(w)
		return nil
	}); err != nil {
		return err
	}
	for i, one := range r.relations {
		for k, id := range one.ways {
			if one.roles[k] == roleOuter && r.area(id) {
				r.relations[i].wanted = true
			}
		}
	}
	before := r.members
	r.listMembers()
	missing := slices.DeleteFunc(slices.Clone(r.members), func(id int64) bool {
		_, had := slices.BinarySearch(before, id)
		return had
	})
	again := slices.DeleteFunc(slices.Clone(blocks), func(i int) bool {
		at, _ := slices.BinarySearch(missing, r.ranges[i][0])
		return at == len(missing) || missing[at] > r.ranges[i][1]
	})
	r.total += int64(len(again))
	return osm.Scan(ctx, r.f, again, r.wayBlock, func(_ int, w wayBlock) error {
		r.tick()
		r.found(w)
		return nil
	})
}

// found notes ways that relations are made of.
func (r *pbfReader) found(w wayBlock) {
	for _, m := range w.members {
		r.ways[m.at] = pbfWay{m.refs, r.lists.number(m.tags)}
	}
}

// area says whether a way is a point of interest by itself.
func (r *pbfReader) area(id int64) bool {
	order := func(a area, id int64) int { return int(min(max(a.id-id, -1), 1)) }
	at, ok := slices.BinarySearchFunc(r.areas, id, func(b areaBlock, id int64) int { return order(b.list[0], id) })
	if !ok && at > 0 {
		_, ok = slices.BinarySearchFunc(r.areas[at-1].list, id, order)
	}
	return ok
}

// wayBlock takes what is wanted from a block. It runs in several goroutines.
func (r *pbfReader) wayBlock(_ int, b *osm.Block) (w wayBlock, err error) {
	t := newTagger(r, b)
	w.first, w.last = math.MaxInt64, math.MinInt64
	at := -1
	var refs []byte
	err = b.Ways(func(way *osm.Way) error {
		if way.ID <= w.last {
			return errOrder
		}
		w.first, w.last = min(w.first, way.ID), way.ID
		if at < 0 {
			at, _ = slices.BinarySearch(r.members, way.ID)
		}
		for at < len(r.members) && r.members[at] < way.ID {
			at++
		}
		if at < len(r.members) && r.members[at] == way.ID {
			from := len(refs)
			refs = append(refs, way.Refs...)
			w.members = append(w.members, member{at, refs[from:len(refs):len(refs)], t.wayTags(way.Tags)})
		}
		category, ok, err := t.category(way.Tags)
		if !ok || err != nil || !t.closedArea(way) {
			return err
		}
		w.areas.refs = append(w.areas.refs, way.Refs...)
		w.areas.list = append(w.areas.list, area{id: way.ID, size: uint32(len(way.Refs))})
		w.categories = append(w.categories, category)
		return nil
	})
	return w, err
}
