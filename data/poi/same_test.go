package poi

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
)

// What repeats a point and what only repeats its id.
func TestSameID(t *testing.T) {
	for _, c := range []struct {
		name, rows            string
		stored                float64
		duplicates, elsewhere int
	}{
		{"the same row", "1,10.5,51.5,cafe\n1,10.5,51.5,cafe\n", 1, 1, 0},
		{"coordinates rounded to four decimals", "1,10.500046,51.499953,cafe\n1,10.5000,51.5000,cafe\n", 1, 1, 0},
		{"numbers that restart", "1,10.2,51.2,cafe\n2,10.3,51.3,cafe\n1,10.6,51.6,cafe\n2,10.7,51.7,bar\n", 4, 0, 2},
		{"restarting numbers listed twice", "1,10.2,51.2,cafe\n1,10.6,51.6,cafe\n1,10.6,51.6,cafe\n1,10.2,51.2,cafe\n", 2, 2, 1},
		{"another category at the same place", "1,10.5,51.5,cafe\n1,10.5,51.5,bar\n", 2, 0, 1},
		{"across a square's edge", "1,10.2,51.2,a\n1,10.6,51.60001,a\n1,10.60001,51.6,a\n1,10.59999,51.59999,a\n", 2, 2, 1},
		{"across 180 degrees", "1,20,0,a\n1,179.99999,0,a\n1,-179.99999,0,a\n1,10.5,51.5,a\n", 1, 0, 0}, // outside: not looked at
		{"no id", ",10.5,51.5,cafe\n,10.5,51.5,cafe\n", 2, 0, 0},
		{"one id for all", strings.Repeat("0,10.5,51.5,cafe\n", 3) + "0,10.51,51.5,cafe\n0,10.52,51.5,cafe\n", 3, 2, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			rep := read(t, Spec{Path: file(t, "p.csv", "id,lon,lat,category\n"+c.rows)}, square()).Report
			stored := 0.0
			for _, v := range rep.PerCategory {
				stored += v.Count
			}
			if stored != c.stored || rep.Duplicates != c.duplicates || rep.IDElsewhere != c.elsewhere {
				t.Errorf("%g stored, %d duplicates, %d ids elsewhere; want %g, %d, %d", stored, rep.Duplicates, rep.IDElsewhere, c.stored, c.duplicates, c.elsewhere)
			}
		})
	}
}

// Every pair within reach is found, whatever the latitude and the side of a
// cube's face, and across 180 degrees; no pair far beyond it is.
func TestSamePlace(t *testing.T) {
	id := hashOf([]byte("x"))
	const degree = earthRadius * math.Pi / 180
	for _, lat := range []float64{-89, -60.0001, -1e-5, 0, 1e-5, 23.5, 51.99999, 52, 78} {
		for _, lon := range []float64{-180, -0.00001, 0, 10.123456, 179.99999} {
			for k := range 16 {
				sin, cos := math.Sincos(float64(k) * math.Pi / 8)
				for meters, want := range map[float64]bool{20: true, 40: false} {
					d := newDoubles()
					d.add(id, newVisit(50, -45, 0)) // so that the cubes are used
					d.add(id, newVisit(lon, lat, 0))
					dlat := sin * meters / degree
					dlon := cos * meters / degree / math.Cos((lat+dlat/2)*math.Pi/180)
					if twice, _ := d.add(id, newVisit(math.Remainder(lon+dlon, 360), lat+dlat, 0)); twice != want {
						t.Errorf("%g m from %g, %g: the same is %v", meters, lon, lat, twice)
					}
				}
			}
		}
	}
}

// A point counted 0 times is no point, and makes no category.
func TestCountOfZero(t *testing.T) {
	for _, zero := range []string{"0", "0.0", " 0 ", "-0", "0e5"} {
		text := fmt.Sprintf("lon,lat,category,n\n10.05,51.55,cafe,2\n10.05,51.55,cafe,%s\n10.06,51.55,closed,%s\n", zero, zero)
		r := read(t, Spec{Path: file(t, "p.csv", text), Columns: Columns{Count: "n"}}, square())
		if got := show(r); !reflect.DeepEqual(got, []string{"0 cafe 4 0 2"}) || r.Report.ZeroCount != 2 || r.Report.Bad != 0 {
			t.Errorf("%q: %q, %+v", zero, got, r.Report)
		}
	}
}

// A place is one whether its longitude is counted from -180 or from 0: beyond 214
// degrees it would not fit what is remembered.
func TestVisitOfLongitudesFrom0(t *testing.T) {
	for _, lon := range []float64{181, 214.8, 300, 359.5} {
		if a, b := newVisit(lon, 10, 1), newVisit(lon-360, 10, 1); !a.same(b) {
			t.Errorf("%v degrees: %+v and %+v", lon, a, b)
		}
	}
}
