package poi

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

func near(a, b, tol float64) bool { return math.Abs(a-b) <= tol }

// golden reads a file of testdata.
func golden(t *testing.T, name string, to any) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, to); err != nil {
		t.Fatal(err)
	}
}

// testdata/make_golden.py wrote these with other code and another root finder.
func TestChineseCoordinatesGolden(t *testing.T) {
	var cases []struct {
		WGS, GCJ, BD [2]float64
		FromGCJ      [2]float64 `json:"from_gcj"`
		FromBD       [2]float64 `json:"from_bd"`
	}
	golden(t, "chinese.json", &cases)
	for _, c := range cases {
		for _, f := range []struct {
			name string
			f    func(lon, lat float64) (float64, float64)
			want [2]float64
		}{
			{"WGS84ToGCJ02", toGCJ02, c.GCJ}, {"WGS84ToBD09", toBD09, c.BD},
			{"GCJ02ToWGS84", GCJ02ToWGS84, c.FromGCJ}, {"BD09ToWGS84", BD09ToWGS84, c.FromBD},
		} {
			lon, lat := f.f(c.WGS[0], c.WGS[1])
			if !near(lon, f.want[0], 1e-9) || !near(lat, f.want[1], 1e-9) {
				t.Errorf("%s(%v) = %v, %v, want %v", f.name, c.WGS, lon, lat, f.want)
			}
		}
	}
	if len(cases) != 150 {
		t.Errorf("%d cases", len(cases))
	}
}

// The values that the eviltransform libraries publish with their own tests.
func TestChineseCoordinatesPublished(t *testing.T) {
	for _, c := range [][4]float64{ // WGS84 lat, lon; GCJ-02 lat, lon
		{31.1774276, 121.5272106, 31.17530398364597, 121.531541859215},
		{22.543847, 113.912316, 22.540796131694766, 113.9171764808363},
		{39.911954, 116.377817, 39.91334545536069, 116.38404722455657},
		{39.739200, -104.990300, 39.739200, -104.990300},
		{-27.469800, 153.025100, -27.469800, 153.025100},
	} {
		if lon, lat := toGCJ02(c[1], c[0]); !near(lat, c[2], 1e-9) || !near(lon, c[3], 1e-9) {
			t.Errorf("WGS84ToGCJ02(%v) = %v, %v", c, lat, lon)
		}
	}
	// coordtransform's: GCJ-02 (116.404, 39.915) is this in BD-09.
	lon, lat := toBD09(GCJ02ToWGS84(116.404, 39.915))
	if !near(lon, 116.41036949371029, 1e-9) || !near(lat, 39.92133699351021, 1e-9) {
		t.Errorf("BD-09: %v, %v", lon, lat)
	}
}

func TestChineseRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		lon, lat := 73.5+r.Float64()*61.5, 3+r.Float64()*50.5
		for _, f := range []struct {
			name      string
			out, back func(lon, lat float64) (float64, float64)
		}{{"GCJ-02", toGCJ02, GCJ02ToWGS84}, {"BD-09", toBD09, BD09ToWGS84}} {
			x, y := f.out(lon, lat)
			shift := math.Hypot((x-lon)*math.Cos(lat*math.Pi/180), y-lat) * 111e3
			if shift < 1 || shift > 3000 {
				t.Fatalf("%s moves (%v, %v) by %v m", f.name, lon, lat, shift)
			}
			x, y = f.back(x, y)
			if !near(x, lon, 1e-9) || !near(y, lat, 1e-9) { // 1e-9 degrees are 0.1 mm
				t.Fatalf("%s and back: (%v, %v) became (%v, %v)", f.name, lon, lat, x, y)
			}
		}
	}
}

func TestChineseIdentityOutside(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	n := 0
	for range 5000 {
		lon, lat := r.Float64()*360-180, r.Float64()*180-90
		if inChina(lon, lat) {
			continue
		}
		n++
		for _, f := range []func(lon, lat float64) (float64, float64){toGCJ02, GCJ02ToWGS84, toBD09, BD09ToWGS84} {
			if x, y := f(lon, lat); x != lon || y != lat {
				t.Fatalf("(%v, %v) became (%v, %v)", lon, lat, x, y)
			}
		}
	}
	if n < 4000 {
		t.Errorf("only %d points outside", n)
	}
}

// toGCJ02 moves a point in degrees from WGS84 to GCJ-02.
func toGCJ02(lon, lat float64) (float64, float64) {
	if !inChina(lon, lat) {
		return lon, lat
	}
	return gcj(lon, lat)
}

// toBD09 moves a point in degrees from WGS84 to BD-09.
func toBD09(lon, lat float64) (float64, float64) {
	if !inChina(lon, lat) {
		return lon, lat
	}
	return baidu(lon, lat)
}
