//go:build !nogdal

package raster

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"opencarbon/data/fault"
)

func square(x, y, size float64) Geometry {
	return Geometry{Polygons: []Polygon{{{{x, y}, {x, y + size}, {x + size, y + size}, {x + size, y}, {x, y}}}}}
}

func TestVectorRoundTrip(t *testing.T) {
	for _, ending := range []string{".gpkg", ".geojson"} {
		t.Run(ending, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "cells"+ending)
			w, err := CreateVector(path, VectorSpec{CRS: mustCRS(t, "EPSG:4326"), Fields: []Field{{"id", Integer}, {"name", Text}, {"tco2", Real}}})
			if err != nil {
				t.Fatal(err)
			}
			const n = commitEvery + 7 // more than one transaction
			hole := square(10, 10, 4)
			hole.Polygons[0] = append(hole.Polygons[0], square(11, 11, 1).Polygons[0][0])
			for i := range n {
				g := square(float64(i%100), float64(i/1000), 0.5)
				var tco2 any = float64(i) / 3
				switch i {
				case 1:
					tco2 = nil
				case 2:
					tco2 = math.NaN()
				case 3:
					g = hole
				}
				if err := w.Add(g, i, fmt.Sprint("cell ", i), tco2); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Add(hole, 1); err == nil {
				t.Error("too few values accepted")
			}
			if _, err := os.Stat(path); err == nil {
				t.Error("the file has its name before Close")
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			onlyFiles(t, dir, "cells"+ending)
			if out, err := exec.Command("ogrinfo", "-so", "-al", path).Output(); err == nil && !strings.Contains(string(out), fmt.Sprint("Feature Count: ", n)) {
				t.Errorf("ogrinfo does not find %d features:\n%s", n, out)
			}
			l, err := OpenVector(path, "", "id < 5", nil)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			if l.CRS().String() != "EPSG:4326" {
				t.Errorf("CRS %s", l.CRS())
			}
			seen := 0
			err = l.Each(context.Background(), func(f *Feature) error {
				id, ok, err := f.Float("id")
				if err != nil || !ok || int(id) != seen {
					t.Errorf("feature %d: id %g %v %v", seen, id, ok, err)
				}
				name, _ := f.Text("name")
				v, ok, err := f.Float("tco2")
				if name != fmt.Sprint("cell ", seen) || err != nil || ok != (seen != 1 && seen != 2) || (ok && math.Abs(v-float64(seen)/3) > 1e-12) {
					t.Errorf("feature %d: %q %g %v %v", seen, name, v, ok, err)
				}
				if _, ok := f.Text("absent"); ok {
					t.Error("an absent attribute has a value")
				}
				if len(f.Geometry.Polygons) != 1 {
					t.Errorf("feature %d: %d polygons", seen, len(f.Geometry.Polygons))
				}
				if seen == 3 && (len(f.Geometry.Polygons[0]) != 2 || f.Geometry.Contains(11.5, 11.5) || !f.Geometry.Contains(10.5, 10.5)) {
					t.Error("the hole is lost")
				}
				seen++
				return nil
			})
			if err != nil || seen != 5 {
				t.Errorf("%d features, %v", seen, err)
			}
		})
	}
}

func TestRealShapefile(t *testing.T) {
	l, err := OpenVector(sharedData(t, "london/laei2019_co2_all_sources.shp"), "", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if l.Count() != 3460 || !l.CRS().Same(mustCRS(t, "EPSG:27700")) || len(l.Fields()) != 10 {
		t.Fatalf("%d features in %s with %d fields; ogrinfo says 3460, British National Grid, 10", l.Count(), l.CRS(), len(l.Fields()))
	}
	sum := 0.0
	boroughs := map[string]bool{}
	if err := l.Each(context.Background(), func(f *Feature) error {
		v, _, err := f.Float("all_2019")
		sum += v
		b, _ := f.Text("borough")
		boroughs[b] = true
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if math.Abs(sum-29064344.0488) > 0.01 { // ogr2ogr -dialect sqlite -sql "select sum(all_2019) ..."
		t.Errorf("sum %f", sum)
	}
	if len(boroughs) < 33 {
		t.Errorf("%d boroughs", len(boroughs))
	}
	if _, _, err := new(Feature).floatOf(l, "borough", "Camden"); !fault.IsInput(err) || !strings.Contains(err.Error(), "not a number") {
		t.Errorf("text as a number: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := l.Each(ctx, func(*Feature) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	stop := errors.New("stop")
	if err := l.Each(context.Background(), func(*Feature) error { return stop }); err != stop {
		t.Errorf("the callback's error became %v", err)
	}
}

// floatOf asks a made-up feature of l for a number.
func (f *Feature) floatOf(l *Layer, name, text string) (float64, bool, error) {
	f.layer, f.values = l, make([]value, len(l.fields))
	f.values[l.index[name]] = value{set: true, text: text}
	return f.Float(name)
}

// TestOSM reads OpenStreetMap XML, which the same driver reads as PBF.
func TestOSM(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.osm")
	osm := `<?xml version='1.0'?><osm version="0.6">
<node id="1" lat="51.5" lon="-0.1" version="1"><tag k="amenity" v="cafe"/><tag k="name" v="A &amp; B"/></node>
<node id="2" lat="51.6" lon="-0.2" version="1"/>
<node id="3" lat="51.7" lon="-0.3" version="1"><tag k="place" v="suburb"/></node>
<way id="4" version="1"><nd ref="1"/><nd ref="2"/><tag k="highway" v="residential"/></way></osm>`
	if err := os.WriteFile(path, []byte(osm), 0o644); err != nil {
		t.Fatal(err)
	}
	l, err := OpenVector(path, "", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if l.Name() != "points" || l.Has("other_tags") != nil {
		t.Fatalf("layer %s, fields %v", l.Name(), l.Fields())
	}
	var got []string
	if err := l.Each(context.Background(), func(f *Feature) error {
		id, _ := f.Text("osm_id")
		tags, _ := f.Text("other_tags")
		got = append(got, fmt.Sprint(id, f.Geometry.Points, tags))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	want := []string{`1[[-0.1 51.5]]"amenity"=>"cafe"`, `3[[-0.3 51.7]]`}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestBadVectors(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.geojson")
	if err := os.WriteFile(path, []byte(`{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"n":1,"s":"x"},"geometry":null}]}`), 0o644); err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(dir, "b.geojson")
	if err := os.WriteFile(broken, []byte(`{"type":"FeatureCollection","features":[{"ty`), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, path, layer, where, want string }{
		{"missing", filepath.Join(dir, "absent.shp"), "", "", "no such file"},
		{"folder", dir, "", "", "this is a folder"},
		{"broken", broken, "", "", "cannot be opened as a vector"},
		{"no layer", path, "roads", "", `no layer "roads"`},
		{"bad filter", path, "", "nonsense ===", "attribute filter"},
		{"unknown column in filter", path, "", "zzz = 1", "attribute filter"},
	} {
		l, err := OpenVector(c.path, c.layer, c.where, nil)
		l.Close()
		if !fault.IsInput(err) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
	l, err := OpenVector(path, "", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := l.Has("m"); !fault.IsInput(err) || !strings.Contains(err.Error(), "it has: n, s") {
		t.Errorf("missing attribute: %v", err)
	}
	if err := l.Each(context.Background(), func(f *Feature) error {
		if !f.Geometry.Empty() {
			t.Error("a null geometry is not empty")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{"a.csv", "no/such/a.gpkg"} {
		if _, err := CreateVector(filepath.Join(dir, p), VectorSpec{}); !fault.IsInput(err) {
			t.Errorf("%s: %v", p, err)
		}
	}
	w, err := CreateVector(filepath.Join(dir, "c.gpkg"), VectorSpec{Fields: []Field{{"a", Real}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Add(square(0, 0, 1), struct{}{}); err == nil {
		t.Error("a struct was written")
	}
	w.Abort()
	onlyFiles(t, dir, "a.geojson", "b.geojson")
}

func TestRepair(t *testing.T) {
	bowtie := Geometry{Polygons: []Polygon{{{{0, 0}, {2, 2}, {2, 0}, {0, 2}, {0, 0}}}}}
	if bowtie.Valid() || !square(0, 0, 1).Valid() || (Geometry{}).Valid() {
		t.Error("validity is judged wrongly")
	}
	fixed, err := bowtie.Repair()
	if err != nil {
		t.Fatal(err)
	}
	if len(fixed.Polygons) != 2 || !fixed.Valid() || !fixed.Contains(0.2, 1) || !fixed.Contains(1.8, 1) || fixed.Contains(1, 1.8) {
		t.Errorf("a bow-tie became %v", fixed)
	}
	if _, err := (Geometry{}).Repair(); err == nil {
		t.Error("nothing was repaired")
	}
}

func FuzzWKB(f *testing.F) {
	f.Add(square(0, 0, 1).wkb())
	f.Add(Geometry{Points: [][2]float64{{1, 2}, {3, 4}}}.wkb())
	f.Add([]byte{0, 0, 0, 0, 7, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		g, err := parseWKB(b)
		if err != nil || g.Empty() {
			return
		}
		again, err := parseWKB(g.wkb())
		if err != nil || len(again.Polygons) != len(g.Polygons) {
			t.Fatalf("%v became %v (%v)", g, again, err)
		}
	})
}
