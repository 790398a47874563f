//go:build !nogdal

package raster

import (
	"math"
	"strings"
	"sync"
	"testing"

	"opencarbon/data/fault"
)

func TestParseCRS(t *testing.T) {
	for _, c := range []struct {
		text, name string
		geographic bool
		meters     float64
	}{
		{"EPSG:4326", "EPSG:4326", true, 0},
		{" epsg:27700 ", "EPSG:27700", false, 1},
		{"WGS84", "EPSG:4326", true, 0},
		{"urn:ogc:def:crs:EPSG::32633", "EPSG:32633", false, 1},
		{"+proj=utm +zone=33 +datum=WGS84 +units=m", "EPSG:32633", false, 1},
		{"EPSG:2263", "EPSG:2263", false, 0.3048006096012192}, // New York, US survey feet
		{`GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]]`, "WGS 84", true, 0},
	} {
		got, err := ParseCRS(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if got.Geographic() != c.geographic || math.Abs(got.Metres()-c.meters) > 1e-12 {
			t.Errorf("%s: geographic %v, meters %g", c.text, got.Geographic(), got.Metres())
		}
		if got.String() != c.name && c.name != "EPSG:32633" && c.name != "WGS 84" {
			t.Errorf("%s is called %s, want %s", c.text, got, c.name)
		}
	}
	for _, bad := range []string{"", "EPSG:", "EPSG:99999999", "nonsense", "/etc/passwd", "http://localhost/x", "crs_test.go",
		"+proj=nonsense", "GEOGCS[", "{}", "\x00", "EPSG:4978", strings.Repeat("[", 70000), `LOCAL_CS["x"]`} {
		if _, err := ParseCRS(bad); !fault.IsInput(err) {
			t.Errorf("%.20q: error %v is not a user's", bad, err)
		}
	}
}

// TestTransform checks points against pyproj 3.4.1 (PROJ 9.1.1),
// Transformer.from_crs(a, b, always_xy=True), and that the axis order is x, y
// although EPSG:4326 says otherwise.
func TestTransform(t *testing.T) {
	for _, c := range []struct {
		from, to     string
		x, y, wx, wy float64
		tol          float64
	}{
		{"EPSG:3857", "EPSG:4326", 15517328.238117057, 4295149.493400624, 139.39453125, 35.96022296929667, 1e-9},
		// The center of London's cell 530, 180 km, as testdata/referee.py of data/emissions gives it.
		{"EPSG:27700", "EPSG:4326", 530500, 180500, -0.12096926033288935, 51.50836901274794, 1e-9},
		{"EPSG:32633", "EPSG:4326", 384500, 5820500, 13.297616603389697, 52.522350588521306, 1e-9},
	} {
		tr, err := NewTransform(mustCRS(t, c.from), mustCRS(t, c.to))
		if err != nil {
			t.Fatal(err)
		}
		x, y := []float64{c.x}, []float64{c.y}
		if err := tr.Points(x, y); err != nil {
			t.Fatal(err)
		}
		tr.Close()
		tr.Close() // twice is harmless
		if math.Abs(x[0]-c.wx) > c.tol || math.Abs(y[0]-c.wy) > c.tol {
			t.Errorf("%s to %s: %.12g, %.12g, want %.12g, %.12g", c.from, c.to, x[0], y[0], c.wx, c.wy)
		}
	}
}

func TestTransformOutsideDomain(t *testing.T) {
	tr, err := NewTransform(mustCRS(t, "EPSG:4326"), mustCRS(t, "EPSG:3857"))
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	x, y := []float64{10, 10, 20}, []float64{50, math.NaN(), 40}
	err = tr.Points(x, y)
	if !fault.IsInput(err) || !strings.Contains(err.Error(), "point 1") {
		t.Fatalf("error %v does not name point 1", err)
	}
	if !math.IsNaN(x[1]) || math.Abs(x[0]-1113194.9079327357) > 1e-6 || math.Abs(x[2]-2226389.8158654715) > 1e-6 {
		t.Errorf("good points must still be moved and the bad one be NaN: %v", x)
	}
	if err := tr.Points(x[:2], y[:1]); err == nil {
		t.Error("unequal lengths accepted")
	}
}

// TestCRSShared lets goroutines share a CRS, each with its own Transform.
func TestCRSShared(t *testing.T) {
	a, b := mustCRS(t, "EPSG:4326"), mustCRS(t, "EPSG:27700")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5 {
				tr, err := NewTransform(a, b)
				if err != nil {
					t.Error(err)
					return
				}
				x, y := []float64{-0.12096926033288935}, []float64{51.50836901274794}
				if err := tr.Points(x, y); err != nil || math.Abs(x[0]-530500) > 1e-3 || math.Abs(y[0]-180500) > 1e-3 {
					t.Error(x, y, err)
				}
				tr.Close()
			}
		})
	}
	wg.Wait()
}

func TestSame(t *testing.T) {
	a := mustCRS(t, "EPSG:27700")
	for text, want := range map[string]bool{"EPSG:27700": true, "EPSG:4326": false, "EPSG:4277": false} {
		if a.Same(mustCRS(t, text)) != want {
			t.Errorf("EPSG:27700 same as %s: not %v", text, want)
		}
	}
	if !a.Same(&CRS{wkt: a.wkt}) || a.Same(nil) {
		t.Error("equal definitions must be the same, nil must not")
	}
}

func FuzzParseCRS(f *testing.F) {
	for _, s := range []string{"EPSG:4326", "+proj=utm +zone=33", "WGS84", "GEOGCS[\"a\"]", "{\"type\":\"x\"}", "urn:ogc:def:crs:OGC::CRS84", "PROJCRS[", "ESRI:54009"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := ParseCRS(s)
		if err != nil {
			if !fault.IsInput(err) {
				t.Fatalf("%q: %v is not the user's to mend", s, err)
			}
			return
		}
		if c.WKT() == "" || c.String() == "" || (!c.Geographic() && !(c.Metres() > 0)) {
			t.Fatalf("%q: hollow CRS %+v", s, c)
		}
		if !c.Same(c) {
			t.Fatalf("%q is not the same as itself", s)
		}
	})
}
