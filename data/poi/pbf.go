package poi

import (
	"context"
	"errors"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"opencarbon/data/osm"
	"opencarbon/data/raster"
)

// OGR reads an OpenStreetMap file twice, once a layer, and of a country's file
// remembers the place of every node and every building. Here each block of the
// file is read once, by all processors, from its end to its beginning: relations,
// ways, nodes. What is not needed for a point of interest is never kept. OGR still
// puts together the areas of which relations speak, out of a small file that is
// written for it.

// ogrKeys are tags of which OGR's reader makes something of its own.
var ogrKeys = []string{"created_by", "converted_by", "source", "time", "ele", "attribution", "note", "todo", "fixme", "FIXME", "area", "type",
	"osm_id", "osm_way_id", "other_tags"}

// areaKeys say that a closed way is an area, as OGR's osmconf.ini lists them.
var areaKeys = []string{"aeroway", "amenity", "boundary", "building", "craft", "geological", "historic", "landuse", "leisure", "military", "natural",
	"office", "place", "shop", "sport", "tourism", "highway=platform", "public_transport=platform"}

// readsPBF says whether a file can be read here with the same result as by OGR:
// where nothing is asked for that only OGR knows.
func readsPBF(spec Spec) bool {
	if strings.ToLower(filepath.Ext(spec.Path)) != ".pbf" || spec.Layer != "" || spec.Encoding != "" || len(spec.Options) > 0 {
		return false
	}
	if spec.Columns.ID != "" || spec.Columns.Count != "" || os.Getenv("OSM_CONFIG_FILE") != "" {
		return false
	}
	switch strings.ToUpper(spec.CRS) {
	case "", "WGS84", "EPSG:4326":
	default:
		return false
	}
	for _, key := range tagNames(spec.Columns.Category) {
		if slices.Contains(ogrKeys, key) || strings.HasPrefix(key, "openGeoDB:") {
			return false
		}
	}
	info, err := os.Stat(spec.Path)
	return err == nil && info.Mode().IsRegular()
}

// readPBF reads an OpenStreetMap file. Any error but the context's means that
// OGR has to read it, from the start and into a new collector: it is damaged,
// not sorted, or has something that is not for this reader.
func readPBF(ctx context.Context, spec Spec, c *collector, progress Progress) error {
	f, err := osm.Open(spec.Path, raster.Inflate)
	if err != nil {
		return err
	}
	defer f.Close()
	c.unit = "feature"
	wgs84, err := raster.ParseCRS("EPSG:4326")
	if err != nil {
		return err
	}
	if c.convert, err = newConverter(spec.Path, spec.CRS, wgs84); err != nil {
		return err
	}
	parts := [][]int{f.Part(osm.Relations), f.Part(osm.Ways), f.Part(osm.Nodes)}
	r := &pbfReader{f: f, c: c, rule: newTagRule(spec), total: int64(len(parts[0]) + len(parts[1]) + len(parts[2])), progress: progress}
	r.keys = r.rule.keys()
	if err := r.readRelations(ctx, parts[0]); err != nil {
		return err
	}
	if err := r.readWays(ctx, parts[1]); err != nil {
		return err
	}
	if err := r.readNodes(ctx, parts[2]); err != nil {
		return err
	}
	if err := r.addRelations(ctx, spec); err != nil {
		return err
	}
	if err := r.addAreas(); err != nil {
		return err
	}
	if c.report.Bad > 0 { // OGR numbers the features of which the report tells
		return errors.New("it has points that cannot be used")
	}
	return nil
}

// pbfReader is a file under way.
type pbfReader struct {
	f           *osm.File
	c           *collector
	rule        tagRule
	keys        map[string]bool // that a category may come from
	done, total int64           // blocks
	progress    Progress

	relations []relation        // of type multipolygon or boundary
	members   []int64           // ways of which wanted relations are made, sorted
	ways      map[int64]*pbfWay // those of them that the file has
	areas     []area            // closed ways that are points of interest, by number
	refs      []byte            // packed nodes of areas
	ranges    map[int][2]int64  // first and last way of a block
	nodes     []int64           // numbers of the nodes whose places are needed, sorted
	places    [][2]int32        // of those, longitude and latitude in 1e-7 degrees
}

// relation is one that stands for an area, if OGR can close it.
type relation struct {
	id     int64
	tags   []string
	ways   []int64
	outer  []bool
	sub    []bool // role subarea, of which OGR takes no notice
	wanted bool
}

// area is a closed way that is a point of interest by itself.
type area struct {
	id       int64
	category []byte
	from, to int // in refs
}

// pbfWay is a way as the small file for OGR has it.
type pbfWay struct {
	tags []string
	refs []byte
}

// nowhere is the place of a node that the file does not have.
const nowhere = math.MinInt32

// tick counts a block that was read.
func (r *pbfReader) tick() {
	r.done++
	r.progress(r.done, max(r.total, r.done))
}

// readRelations finds the relations that stand for areas. Wanted are those that
// have a category, and those without tags of their own: they have their outer
// ways'.
func (r *pbfReader) readRelations(ctx context.Context, blocks []int) error {
	last := int64(math.MinInt64)
	err := osm.Scan(ctx, r.f, blocks, func(_ int, b *osm.Block) ([]relation, error) {
		t := newTagger(r, b)
		var list []relation
		return list, b.Relations(func(m *osm.Relation) error {
			one, kind, err := t.relation(m)
			if err == nil && (kind == "multipolygon" || kind == "boundary") {
				list = append(list, one)
			}
			return err
		})
	}, func(_ int, list []relation) error {
		r.tick()
		for _, one := range list {
			if one.id <= last {
				return errOrder
			}
			last = one.id
		}
		r.relations = append(r.relations, list...)
		return nil
	})
	r.listMembers()
	return err
}

// listMembers lists the ways of wanted relations.
func (r *pbfReader) listMembers() {
	r.members = r.members[:0]
	for _, one := range r.relations {
		if one.wanted {
			r.members = append(r.members, one.ways...)
		}
	}
	slices.Sort(r.members)
	r.members = slices.Compact(r.members)
}

var errOrder = errors.New("the elements are not sorted by their numbers")

// wayBlock is what is wanted of a block of ways.
type wayBlock struct {
	first, last int64
	areas       []area // from and to are places in refs
	refs        []byte
	ways        map[int64]*pbfWay // members of relations
}

// readWays finds the closed ways that are points of interest, and those that
// wanted relations are made of. A relation that has tags, but no category, is
// wanted after all where its outer ring is an area with a category: OGR gives
// that way up for the relation.
func (r *pbfReader) readWays(ctx context.Context, blocks []int) error {
	last := int64(math.MinInt64)
	r.ranges, r.ways = map[int][2]int64{}, map[int64]*pbfWay{}
	if err := osm.Scan(ctx, r.f, blocks, r.wayBlock, func(i int, w wayBlock) error {
		r.tick()
		if w.first <= last {
			return errOrder
		}
		last = w.last
		r.ranges[i] = [2]int64{w.first, w.last}
		for _, a := range w.areas {
			a.from, a.to = a.from+len(r.refs), a.to+len(r.refs)
			r.areas = append(r.areas, a)
		}
		r.refs = append(r.refs, w.refs...)
		r.found(w)
		return nil
	}); err != nil {
		return err
	}
	for i, one := range r.relations {
		for k, id := range one.ways {
			if one.outer[k] && r.area(id) {
				r.relations[i].wanted = true
			}
		}
	}
	before := r.members
	r.members = nil
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
	maps.Copy(r.ways, w.ways)
}

// area says whether a way is a point of interest by itself.
func (r *pbfReader) area(id int64) bool {
	_, ok := slices.BinarySearchFunc(r.areas, id, func(a area, id int64) int { return int(min(max(a.id-id, -1), 1)) })
	return ok
}

// wayBlock takes what is wanted from a block. It runs in several goroutines.
func (r *pbfReader) wayBlock(_ int, b *osm.Block) (wayBlock, error) {
	t := newTagger(r, b)
	w := wayBlock{first: math.MaxInt64, last: math.MinInt64, ways: map[int64]*pbfWay{}}
	at := -1
	return w, b.Ways(func(way *osm.Way) error {
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
			w.ways[way.ID] = &pbfWay{t.texts(way.Tags), slices.Clone(way.Refs)}
		}
		category, ok, err := t.category(way.Tags)
		if !ok || err != nil || !t.closedArea(way) {
			return err
		}
		from := len(w.refs)
		w.refs = append(w.refs, way.Refs...)
		w.areas = append(w.areas, area{way.ID, category, from, len(w.refs)})
		return nil
	})
}
