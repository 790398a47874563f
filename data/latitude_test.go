package data

import (
	"strings"
	"testing"

	"opencarbon/data/fault"
)

// TestLatitudeFirst: London's box with latitude first is a good box off Somalia;
// the error of whatever does not lie there says so.
func TestLatitudeFirst(t *testing.T) {
	away := fault.New("a.tif", "the mosaic does not overlap the region: ...", "Check data.region.")
	for _, c := range []struct {
		box  []float64
		err  error
		want string
	}{
		{[]float64{51.2, -0.5, 51.7, 0.3}, away, "[-0.5, 51.2, 0.3, 51.7] is meant"},
		{[]float64{116, 39, 117, 40}, away, ""}, // the other way round is no box
		{nil, away, ""},
		{[]float64{51.2, -0.5, 51.7, 0.3}, fault.New("a.tif", "no such file", ""), ""},
	} {
		got := latitudeFirst(Region{BBox: c.box}, c.err).Error()
		if c.want == "" && got != c.err.Error() || !strings.Contains(got, c.want) {
			t.Errorf("%v: %q, want %q", c.box, got, c.want)
		}
	}
}
