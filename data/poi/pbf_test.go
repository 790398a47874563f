package poi

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/data/osm"
)

// packed are numbers as a way has them.
func packed(ids []int64) (b []byte) {
	last := int64(0)
	for _, id := range ids {
		v := uint64((id-last)<<1) ^ uint64((id-last)>>63)
		for ; v > 127; v >>= 7 {
			b = append(b, byte(v)|128)
		}
		b, last = append(b, byte(v)), id
	}
	return b
}

// oddTown writes an OpenStreetMap file in which everything occurs that decides
// what OGR makes of a tag, a way or a relation.
func oddTown(t testing.TB, seed uint64) string {
	rng := rand.New(rand.NewPCG(seed, 1))
	pick := func(list ...string) string { return list[rng.IntN(len(list))] }
	tags := func(some ...string) (list []string) {
		for n := rng.IntN(4); n > 0; n-- {
			k, v, _ := strings.Cut(pick(append(some, "name=The \"Quoted\" \\ Bean", "shop=no", "amenity=", "amenity=café ", "created_by=x", "source=y", "area=yes", "area=no",
				"landuse=industrial", "landuse=forest", "highway=bus_stop", "highway=platform", "building=yes", "note=n", "fixme=f", "office=a,b", "ref=1")...), "=")
			if !slices.Contains(list, k) || len(list)%2 == 1 {
				list = append(list, k, v)
			}
		}
		return list
	}
	var content bytes.Buffer
	o := osm.NewWriter(&content)
	var nodes []int64
	for i := range 600 {
		if rng.IntN(20) > 0 { // some are missing
			o.Node(int64(3*i), int32(134_000_000+rng.IntN(1_000_000)), int32(525_000_000+rng.IntN(1_000_000)), tags("shop=bakery", "amenity=school")...)
		}
		nodes = append(nodes, int64(3*i))
	}
	some := func(n int) []int64 {
		at := rng.IntN(len(nodes) - n)
		return slices.Clone(nodes[at : at+n])
	}
	type way struct {
		id   int64
		refs []int64
	}
	var ways []way
	add := func(refs []int64, tags []string) {
		w := way{int64(5 * len(ways)), refs}
		if ways = append(ways, w); rng.IntN(30) > 0 {
			o.Way(w.id, tags, packed(refs))
		}
	}
	var rings [][]int64 // ways that close together
	for range 200 {
		refs := some(1 + rng.IntN(7))
		switch rng.IntN(5) {
		case 0: // open
			add(refs, tags("amenity=school"))
		case 1: // a ring in two parts
			refs = some(8)
			rings = append(rings, []int64{int64(5 * len(ways)), int64(5*len(ways) + 5)})
			add(refs[:4], tags("amenity=hospital"))
			add(append(slices.Clone(refs[3:]), refs[0]), nil)
		default:
			add(append(refs, refs[0]), tags("amenity=school", "tourism=hotel", "public_transport=platform", "public_transport=station", "aeroway=terminal"))
		}
	}
	for i := range 150 {
		kind := pick("multipolygon", "multipolygon", "boundary", "route")
		var members []int64
		var roles []string
		for range 1 + rng.IntN(3) {
			ring := []int64{ways[rng.IntN(len(ways))].id}
			if rng.IntN(2) == 0 {
				ring = rings[rng.IntN(len(rings))]
			}
			role := pick("outer", "outer", "inner", "", "subarea")
			for _, id := range ring {
				members, roles = append(members, id), append(roles, role)
			}
		}
		list := []string{"type", kind}
		if rng.IntN(2) == 0 {
			list = append(list, tags("shop=mall", "name=N")...)
		}
		o.Relation(int64(i), list, members, roles)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "odd.osm.pbf")
	if err := os.WriteFile(path, content.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// bothWays reads a file here and by OGR: the results, and every place that was
// looked up, to the last bit, sorted.
func bothWays(t *testing.T, spec Spec) (here, ogr *Result, places [2][]string) {
	t.Helper()
	for i, read := range []func(context.Context, Spec, *collector, Progress) error{readPBF, readVector} {
		target := berlinSquare()
		locate := target.Locate
		target.Locate = func(lon, lat []float64) ([]int32, []float64, []float64) {
			for k := range lon {
				places[i] = append(places[i], fmt.Sprintf("%x %x", lon[k], lat[k]))
			}
			return locate(lon, lat)
		}
		var table *Table
		if spec.Categories != "" {
			var err error
			if table, err = LoadTable(spec.Categories); err != nil {
				t.Fatal(err)
			}
		}
		c := newCollector(spec, target, table)
		err := read(context.Background(), spec, c, func(int64, int64) {})
		var r *Result
		if err == nil {
			r, err = c.finish()
		}
		c.close()
		if err != nil {
			t.Fatalf("reader %d: %v", i, err)
		}
		slices.Sort(places[i])
		if here = r; i == 0 {
			ogr = r
		}
	}
	return ogr, here, places
}

// TestPBFAsOGR: OpenStreetMap's files give the very points that OGR gives, whatever
// they hold and whatever is asked of them.
func TestPBFAsOGR(t *testing.T) {
	for seed := range uint64(12) {
		path := oddTown(t, seed)
		for _, spec := range []Spec{{}, {Categories: "preset:osm"}, {Columns: Columns{Category: "shop"}}, {Columns: Columns{Category: "building, amenity"}}} {
			spec.Path, spec.MaxBadRows = path, 1
			if !readsPBF(spec) {
				t.Fatalf("%+v is left to OGR", spec)
			}
			here, ogr, places := bothWays(t, spec)
			if !slices.Equal(places[0], places[1]) || len(places[0]) < 50 {
				t.Errorf("seed %d, %+v: %d places, by OGR %d, or others", seed, spec, len(places[0]), len(places[1]))
			}
			if !reflect.DeepEqual(here, ogr) {
				t.Errorf("seed %d, %+v:\n%+v\nby OGR\n%+v", seed, spec, here.Report, ogr.Report)
			}
		}
	}
}

// TestPBFLeftToOGR: a file that the reader here does not know is OGR's, and the
// report says so; keys of which OGR makes something of its own are OGR's, too.
func TestPBFLeftToOGR(t *testing.T) {
	path := oddTown(t, 1)
	whole := read(t, Spec{Path: path}, berlinSquare())
	if whole.Report.Note != "" {
		t.Errorf("note %q", whole.Report.Note)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	strange := filepath.Join(t.TempDir(), "strange.osm.pbf")
	var more bytes.Buffer // a way whose number is less than the last one's, between nodes and ways
	o := osm.NewWriter(&more)
	o.Way(1_000_001, nil, packed([]int64{0, 3}))
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	head := 4 + 13 + 30 // of the header's blob, whose bytes both files begin with
	for !bytes.Equal(content[:head], more.Bytes()[:head]) || !bytes.HasPrefix(content[head+5:], []byte("\x07OSMData")) {
		head--
	}
	ways := bytes.Index(content[head+20:], []byte("\x0a\x07OSMData")) + head + 20 - 4
	unsorted := slices.Concat(content[:ways], more.Bytes()[head:], content[ways:])
	if err := os.WriteFile(strange, unsorted, 0o644); err != nil {
		t.Fatal(err)
	}
	r := read(t, Spec{Path: strange}, berlinSquare())
	if !strings.Contains(r.Report.Note, "not sorted") || !reflect.DeepEqual(show(r), show(whole)) {
		t.Errorf("note %q, %d points for %d", r.Report.Note, r.Points.Len(), whole.Points.Len())
	}
	if err := os.WriteFile(strange, content[:len(content)*2/3], 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(context.Background(), Spec{Path: strange}, berlinSquare(), nil); !fault.IsInput(err) || !strings.Contains(err.Error(), "strange.osm.pbf") {
		t.Errorf("cut short: %v", err)
	}
	for _, spec := range []Spec{{Layer: "points"}, {CRS: "GCJ-02"}, {Options: map[string]string{"A": "b"}}, {Columns: Columns{Category: "area"}}, {Columns: Columns{Category: "shop,note"}}, {Columns: Columns{Count: "n"}}} {
		if spec.Path = path; readsPBF(spec) {
			t.Errorf("%+v is read here", spec)
		}
	}
}
