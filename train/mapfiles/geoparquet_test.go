package mapfiles

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/parquet-go/parquet-go"

	"opencarbon/train/runlog"
)

// The metadata are those of GeoParquet 1.1, the polygons the cells' own, the other
// columns those of every format.
func TestGeoParquet(t *testing.T) {
	for name, x := range grids {
		c := cells(t, x.spec, x.first)
		path := filepath.Join(t.TempDir(), "p.parquet")
		if err := c.WriteGeoParquet(path); err != nil {
			t.Fatal(name, err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		in, err := parquet.OpenFile(bytes.NewReader(text), int64(len(text)))
		if err != nil {
			t.Fatal(name, err)
		}
		var about struct {
			Version string `json:"version"`
			Primary string `json:"primary_column"`
			Columns map[string]struct {
				Encoding string         `json:"encoding"`
				Types    []string       `json:"geometry_types"`
				CRS      map[string]any `json:"crs"`
				BBox     []float64      `json:"bbox"`
			} `json:"columns"`
		}
		meta, _ := in.Lookup("geo")
		if err := json.Unmarshal([]byte(meta), &about); err != nil {
			t.Fatal(name, err)
		}
		g := about.Columns["geometry"]
		if about.Version != "1.1.0" || about.Primary != "geometry" || g.Encoding != "WKB" || !slices.Equal(g.Types, []string{"Polygon"}) ||
			g.CRS["$schema"] == nil || g.CRS["name"] == nil {
			t.Errorf("%s: %s", name, meta)
		}
		var names []string
		for _, f := range in.Schema().Fields() {
			names = append(names, f.Name())
		}
		if want := append(c.Extra.Columns(c.Unit), "geometry"); !slices.Equal(names, want) {
			t.Errorf("%s: columns %v", name, names)
		}
		rows := make([]parquet.Row, len(c.Rows)+1)
		if n, err := parquet.NewReader(in).ReadRows(rows); n != len(c.Rows) || err != nil && err != io.EOF {
			t.Fatal(name, n, err)
		}
		box := []float64{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}
		at := func(column string) int { return slices.Index(names, column) }
		for i, r := range c.Rows {
			row := rows[i]
			if row[at("cell")].String() != runlog.Key(r.Col, r.Row) || row[at("corrected_tCO2_per_yr")].Double() != r.Corrected ||
				row[at("true_tCO2_per_yr")].IsNull() != math.IsNaN(r.True) || row[at("in_domain")].Int64() == 1 != r.InDomain {
				t.Errorf("%s: row %d is %v", name, i, row)
			}
			wkb := row[at("geometry")].ByteArray()
			if len(wkb) != 13+5*16 || wkb[0] != 1 || binary.LittleEndian.Uint32(wkb[1:]) != 3 {
				t.Fatalf("%s: WKB % x", name, wkb)
			}
			p := make([]float64, 10)
			for k := range p {
				p[k] = math.Float64frombits(binary.LittleEndian.Uint64(wkb[13+8*k:]))
			}
			w, s, e, n := c.bounds(r)
			if !slices.Equal(p, []float64{w, s, e, s, e, n, w, n, w, s}) {
				t.Errorf("%s: ring %v", name, p)
			}
			box[0], box[1], box[2], box[3] = min(box[0], w), min(box[1], s), max(box[2], e), max(box[3], n)
		}
		if !slices.Equal(g.BBox, box) {
			t.Errorf("%s: bbox %v, cells in %v", name, g.BBox, box)
		}
	}
}

func TestNothing(t *testing.T) {
	c := cells(t, grids["xyz"].spec, grids["xyz"].first)
	c.Rows = nil
	dir := t.TempDir()
	if err := c.WriteGeoParquet(filepath.Join(dir, "p.parquet")); err == nil {
		t.Error("no cells were taken")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Error(left, err)
	}
}
