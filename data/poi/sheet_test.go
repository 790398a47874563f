package poi

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// dbf writes a dBase table of text columns, each 40 bytes wide; language is its
// code page (0: none said).
func dbf(language byte, names []string, rows ...[]string) string {
	const width = 40
	var b bytes.Buffer
	b.Write([]byte{3, 120, 1, 1})
	binary.Write(&b, binary.LittleEndian, uint32(len(rows)))
	binary.Write(&b, binary.LittleEndian, uint16(32+32*len(names)+1))
	binary.Write(&b, binary.LittleEndian, uint16(1+width*len(names)))
	head := make([]byte, 20)
	head[17] = language
	b.Write(head)
	for _, n := range names {
		field := make([]byte, 32)
		copy(field[:10], n)
		field[11], field[16] = 'C', width
		b.Write(field)
	}
	b.WriteByte(0x0D)
	for _, r := range rows {
		b.WriteByte(' ')
		for _, v := range r {
			cell := bytes.Repeat([]byte{' '}, width)
			copy(cell, v)
			b.Write(cell)
		}
	}
	b.WriteByte(0x1A)
	return b.String()
}

// Tables without geometries that OGR reads have their places in columns.
func TestSheets(t *testing.T) {
	want := []string{"0 cafe 4 0 1", "3 bar 9 9 1"}
	for name, text := range map[string]string{
		"two columns": dbf(0, []string{"lon", "lat", "type"}, []string{"10.05", "51.55", "cafe"}, []string{"11.99", "50.01", "bar"}),
		"one column":  dbf(0, []string{"location", "type"}, []string{"51.55,10.05", "cafe"}, []string{"50.01,11.99", "bar"}),
	} {
		r := read(t, Spec{Path: file(t, "p.dbf", text)}, square())
		if got := show(r); !reflect.DeepEqual(got, want) || r.Report.Rows != 2 {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

// Names in a shapefile's table, in an encoding that it does not say.
func TestSheetEncodings(t *testing.T) {
	gbk := func(s string) string {
		b, err := simplifiedchinese.GBK.NewEncoder().String(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	names := []string{"餐饮服务", "生活服务", "广州图书馆", "中山大学附属第一医院住院部大楼北侧停车场"}
	utf8 := func(s string) string { return s }
	for _, c := range []struct {
		name     string
		language byte
		encode   func(string) string
		spec     Spec
	}{
		{"GBK, not said", 0x00, gbk, Spec{}},
		{"GBK under the code page ANSI", 0x57, gbk, Spec{}},
		{"GBK, said by its code page", 0x4D, gbk, Spec{}},
		{"GBK, declared", 0x00, gbk, Spec{Encoding: "gbk"}},
		{"UTF-8, not said", 0x00, utf8, Spec{}},
		{"UTF-8 under the code page ANSI", 0x57, utf8, Spec{}},
	} {
		var rows [][]string
		for _, n := range names {
			rows = append(rows, []string{"10.05", "51.55", c.encode(n)})
		}
		c.spec.Path = file(t, "p.dbf", dbf(c.language, []string{"lon", "lat", "type"}, rows...))
		r := read(t, c.spec, square())
		for _, n := range names[:3] { // the fourth may be cut to 40 bytes
			if !slices.Contains(r.Categories, n) {
				t.Errorf("%s: %q", c.name, r.Categories)
				break
			}
		}
		if len(r.Categories) != 4 {
			t.Errorf("%s: %q", c.name, r.Categories)
		}
	}
}

// Nodes and areas of OpenStreetMap in one go; their numbers are of two kinds.
func TestOpenStreetMapAreas(t *testing.T) {
	node := func(id int, lon, lat float64, tags string) string {
		return fmt.Sprintf(`<node id="%d" lat="%g" lon="%g" version="1">%s</node>`, id, lat, lon, tags)
	}
	tag := func(k, v string) string { return fmt.Sprintf(`<tag k="%s" v="%s"/>`, k, v) }
	text := `<?xml version='1.0'?><osm version="0.6">` +
		node(1, 10.05, 51.55, tag("amenity", "cafe")) +
		node(2, 11.2, 50.2, "") + node(3, 11.4, 50.2, "") + node(4, 11.4, 50.4, "") + node(5, 11.2, 50.4, "") +
		node(6, 10.5, 51.5, tag("place", "suburb")) +
		`<way id="1" version="1"><nd ref="2"/><nd ref="3"/><nd ref="4"/><nd ref="5"/><nd ref="2"/>` + tag("building", "yes") + tag("amenity", "school") + `</way>` +
		`<way id="2" version="1"><nd ref="2"/><nd ref="3"/><nd ref="4"/><nd ref="2"/>` + tag("building", "yes") + `</way>` +
		`<way id="3" version="1"><nd ref="2"/><nd ref="3"/>` + tag("highway", "residential") + `</way></osm>`
	path := file(t, "a.osm", text)
	r := read(t, Spec{Path: path}, square())
	if got := show(r); !reflect.DeepEqual(got, []string{"0 amenity:cafe 4 0 1", "3 amenity:school 7 3 1"}) && !reflect.DeepEqual(got, []string{"0 amenity:cafe 4 0 1", "3 amenity:school 6 2 1"}) {
		t.Errorf("got %q", got)
	}
	if r.Report.Rows != 2 || r.Report.IDElsewhere != 0 {
		t.Errorf("%+v", r.Report)
	}
	if got := show(read(t, Spec{Path: path, Layer: "points"}, square())); !reflect.DeepEqual(got, []string{"0 amenity:cafe 4 0 1"}) {
		t.Errorf("points alone: %q", got)
	}
}
