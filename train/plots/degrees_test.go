package plots

import (
	"math"
	"strconv"
	"strings"
	"testing"
)

// Labels stand where the degrees are: on a grid of degrees, on web-mercator rows,
// whose latitudes are not evenly spaced, and over the antimeridian.
func TestDegrees(t *testing.T) {
	var d MapsData
	lat := func(row int64) float64 { // of zoom 8
		return 180 / math.Pi * math.Atan(math.Sinh(math.Pi*(1-2*(float64(row)+0.5)/256)))
	}
	lon := func(col int64) float64 { return -180 + 360*(float64(col)+0.5)/256 }
	for col := int64(250); col < 262; col++ {
		for row := int64(80); row < 90; row++ {
			l := lon(col)
			if l > 180 {
				l -= 360
			}
			d.Col, d.Row = append(d.Col, col), append(d.Row, row)
			d.LonLat = append(d.LonLat, l, lat(row))
		}
	}
	x, y, ok := d.axes()
	if !ok {
		t.Fatal("no axes")
	}
	labels := 0
	for _, tick := range x.Ticks(250, 262) {
		want := (tick.Value)/256*360 - 180 // the line is straight
		shown := want
		if shown > 180 {
			shown -= 360
		}
		labels++
		if got := number(t, tick.Label); math.Abs(got-shown) > 1e-9 {
			t.Errorf("at column %v stands %s, the longitude is %v", tick.Value, tick.Label, shown)
		}
	}
	for _, tick := range y.Ticks(-90, -80) {
		labels++
		row := -tick.Value - 0.5
		below, above := math.Floor(row), math.Ceil(row)
		a, b := lat(int64(above)), lat(int64(below))
		v := number(t, tick.Label)
		if row > 80 && row < 89 && (v < a-1e-9 || v > b+1e-9) {
			t.Errorf("%s stands at row %v, between latitudes %v and %v", tick.Label, row, a, b)
		}
	}
	if labels < 6 {
		t.Errorf("%d labels on both axes", labels)
	}
	d.LonLat = nil
	if _, _, ok := d.axes(); ok {
		t.Error("axes of cells whose places are not known")
	}
}

func number(t *testing.T, label string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(strings.TrimSuffix(label, "°"), 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
