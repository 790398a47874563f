//go:build !nogdal

package raster

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opencarbon/data/fault"
)

// protobuf fields, as the OSM PBF description on the OpenStreetMap wiki lists
// them: a varint and a length-delimited field are all that is needed.
func pbVarint(b []byte, field int, v uint64) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(b, uint64(field<<3)), v)
}

func pbBytes(b []byte, field int, v []byte) []byte {
	b = binary.AppendUvarint(b, uint64(field<<3|2))
	return append(binary.AppendUvarint(b, uint64(len(v))), v...)
}

func zigzag(v int64) uint64 { return uint64(v<<1) ^ uint64(v>>63) }

// writePBF writes an OSM PBF file with uncompressed blobs and plain nodes, each
// with an amenity.
func writePBF(t *testing.T, path string, lon, lat []float64, amenity []string) {
	t.Helper()
	table := pbBytes(nil, 1, nil)
	table = pbBytes(table, 1, []byte("amenity"))
	var group []byte
	for i := range lon {
		table = pbBytes(table, 1, []byte(amenity[i]))
		var node []byte
		node = pbVarint(node, 1, zigzag(int64(i+1)))
		node = pbBytes(node, 2, []byte{1})
		node = pbBytes(node, 3, binary.AppendUvarint(nil, uint64(i+2)))
		node = pbVarint(node, 8, zigzag(int64(math.Round(lat[i]*1e7)))) // units of 100 nanodegrees
		node = pbVarint(node, 9, zigzag(int64(math.Round(lon[i]*1e7))))
		group = pbBytes(group, 1, node)
	}
	block := pbBytes(pbBytes(nil, 1, table), 2, group)
	header := pbBytes(nil, 4, []byte("OsmSchema-V0.6"))
	var file []byte
	for _, part := range []struct {
		kind string
		data []byte
	}{{"OSMHeader", header}, {"OSMData", block}} {
		blob := pbBytes(nil, 1, part.data)
		head := pbVarint(pbBytes(nil, 1, []byte(part.kind)), 3, uint64(len(blob)))
		file = binary.BigEndian.AppendUint32(file, uint32(len(head)))
		file = append(append(file, head...), blob...)
	}
	if err := os.WriteFile(path, file, 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestPBF reads OpenStreetMap's binary format: the points, their tags, and again
// from the start.
func TestPBF(t *testing.T) {
	path := filepath.Join(t.TempDir(), "city.osm.pbf")
	const n = 500
	lon, lat, kind := make([]float64, n), make([]float64, n), make([]string, n)
	for i := range n {
		lon[i], lat[i], kind[i] = 13+float64(i)/1000, 52+float64(i)/2000, fmt.Sprint("kind", i%7)
	}
	writePBF(t, path, lon, lat, kind)
	l, err := OpenVector(path, "points", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if !l.CRS().Same(mustCRS(t, "EPSG:4326")) {
		t.Errorf("CRS %s", l.CRS())
	}
	for range 2 {
		i := 0
		if err := l.Each(context.Background(), func(f *Feature) error {
			tags, _ := f.Text("other_tags")
			p := f.Geometry.Points[0]
			if tags != fmt.Sprintf(`"amenity"=>%q`, kind[i]) || math.Abs(p[0]-lon[i]) > 1e-9 || math.Abs(p[1]-lat[i]) > 1e-9 {
				t.Fatalf("node %d: %s at %v", i, tags, p)
			}
			i++
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if i != n {
			t.Errorf("%d points of %d", i, n)
		}
	}
}

// TestTruncatedVectors: a file that ends early is an error, never a shorter list.
func TestTruncatedVectors(t *testing.T) {
	dir := t.TempDir()
	pbf := filepath.Join(dir, "whole.osm.pbf")
	const n = 4000
	lon, lat, kind := make([]float64, n), make([]float64, n), make([]string, n)
	for i := range n {
		lon[i], lat[i], kind[i] = 13, 52, fmt.Sprint("kind", i)
	}
	writePBF(t, pbf, lon, lat, kind)
	for name, whole := range map[string]string{
		"cut.osm.pbf": pbf,
		"cut.shp":     sharedData(t, "london/laei2019_co2_all_sources.shp"),
	} {
		content, err := os.ReadFile(whole)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content[:len(content)*2/3], 0o644); err != nil {
			t.Fatal(err)
		}
		if name == "cut.shp" {
			for _, side := range []string{".shx", ".dbf", ".prj"} {
				b, err := os.ReadFile(strings.TrimSuffix(whole, ".shp") + side)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, "cut"+side), b, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
		count := 0
		l, err := OpenVector(path, "", "", nil)
		if err == nil {
			err = l.Each(context.Background(), func(*Feature) error { count++; return nil })
			l.Close()
		}
		if !fault.IsInput(err) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %d features and error %v", name, count, err)
		}
	}
}
