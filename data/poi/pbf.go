package poi

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
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

// ogrKeys are tags of which OGR's reader makes something of its own; name stands
// for other tags in the file that is written for it.
var ogrKeys = []string{"name", "created_by", "converted_by", "source", "time", "ele", "attribution", "note", "todo", "fixme", "FIXME", "area", "type",
	"osm_id", "osm_way_id", "other_tags"}

// unseenKeys are tags of a way that OGR does not keep.
var unseenKeys = []string{"area", "created_by", "converted_by", "note", "todo", "fixme", "FIXME"}

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
	r := pbfReader{f: f, c: c, rule: newTagRule(spec), total: int64(len(parts[0]) + len(parts[1]) + len(parts[2])), progress: progress}
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
	remaining, err := r.writeRelations()
	if err != nil {
		return err
	}
	if remaining != "" {
		defer os.Remove(remaining)
	}
	if err := r.addAreas(); err != nil {
		return err
	}
	if remaining != "" { // OGR takes some hundred megabytes: those of above are free by now
		r = pbfReader{}
		debug.FreeOSMemory()
		spec.Path, spec.Layer = remaining, "multipolygons"
		if _, err := readLayer(ctx, spec, c, 0, func(int64, int64) {}); err != nil {
			return err
		}
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

	lists     tagLists
	relations []relation       // of type multipolygon or boundary
	members   []int64          // ways of which wanted relations are made, sorted
	ways      []pbfWay         // as members; refs is nil where the file has none
	areas     []areaBlock      // closed ways that are points of interest, by number
	ranges    map[int][2]int64 // first and last way of a block
	nodes     []int64          // numbers of the nodes whose places are needed, sorted
	places    [][2]int32       // of those, longitude and latitude in 1e-7 degrees
	at        int              // of nodes: looked up last
}

// relation is one that stands for an area, if OGR can close it.
type relation struct {
	id     int64
	ways   []int64
	roles  []byte // of those
	tags   int32  // in tagLists
	wanted bool
}

// Roles of a way. OGR takes no notice of a subarea.
const (
	roleNone = iota
	roleOuter
	roleSub
)

var roleNames = [...]string{"", "outer", "subarea"}

// tagLists are lists of tags, each kept once: without names there are not many.
type tagLists struct {
	at   map[string]int32
	list [][]string
}

func (l *tagLists) number(tags []string) int32 {
	key := strings.Join(tags, "\x00")
	n, ok := l.at[key]
	if !ok {
		if l.at == nil {
			l.at = map[string]int32{}
		}
		n = int32(len(l.list))
		l.at[key], l.list = n, append(l.list, tags)
	}
	return n
}

// tick counts a block that was read.
func (r *pbfReader) tick() {
	r.done++
	r.progress(r.done, max(r.total, r.done))
}

var errOrder = errors.New("the elements are not sorted by their numbers")

// relationBlock is what is wanted of a block of relations, and their tags.
type relationBlock struct {
	list []relation
	tags [][]string
}

// readRelations finds the relations that stand for areas. Wanted are those that
// have a category, and those without tags of their own: they have their outer
// ways'.
func (r *pbfReader) readRelations(ctx context.Context, blocks []int) error {
	last := int64(math.MinInt64)
	err := osm.Scan(ctx, r.f, blocks, func(_ int, b *osm.Block) (rb relationBlock, err error) {
		t := newTagger(r, b)
		var ways []int64
		var roles []byte
		err = b.Relations(func(m *osm.Relation) error {
			tags, wanted, ok, err := t.relation(m)
			if !ok || err != nil {
				return err
			}
			from := len(ways)
			for i, id := range m.Members {
				if m.Types[i] != osm.Ways {
					continue
				}
				role := byte(roleNone)
				switch string(b.Strings[m.Roles[i]]) {
				case "outer":
					role = roleOuter
				case "subarea":
					role = roleSub
				}
				ways, roles = append(ways, id), append(roles, role)
			}
			rb.list = append(rb.list, relation{id: m.ID, ways: ways[from:len(ways):len(ways)], roles: roles[from:len(roles):len(roles)], wanted: wanted})
			rb.tags = append(rb.tags, tags)
			return nil
		})
		return rb, err
	}, func(_ int, rb relationBlock) error {
		r.tick()
		for i, one := range rb.list {
			if one.id <= last {
				return errOrder
			}
			last = one.id
			one.tags = r.lists.number(rb.tags[i])
			r.relations = append(r.relations, one)
		}
		return nil
	})
	r.listMembers()
	return err
}

// listMembers lists the ways of wanted relations, and keeps what is known of them.
func (r *pbfReader) listMembers() {
	before, ways := r.members, r.ways
	r.members = nil
	for _, one := range r.relations {
		if one.wanted {
			r.members = append(r.members, one.ways...)
		}
	}
	slices.Sort(r.members)
	r.members = slices.Compact(r.members)
	r.ways = make([]pbfWay, len(r.members))
	for i, id := range before {
		if at, ok := slices.BinarySearch(r.members, id); ok {
			r.ways[at] = ways[i]
		}
	}
}
