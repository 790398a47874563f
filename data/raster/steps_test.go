//go:build !nogdal

package raster

import (
	"testing"
)

func TestTimeAxis(t *testing.T) {
	for _, c := range []struct {
		units, calendar string
		v               float64
		want            string
	}{
		{"days since 2021-01-01", "", 0, "2021-01-01 00:00"},
		{"days since 2021-01-01 00:00:00", "standard", 45.5, "2021-02-15 12:00"},
		{"hours since 1900-01-01 00:00:0.0", "gregorian", 1060704, "2021-01-02 00:00"},
		{"seconds since 1970-01-01T00:00:00Z", "proleptic_gregorian", 1.6e9, "2020-09-13 12:26"},
		{"months since 2021-01-01", "", 11, "2021-12-01 00:00"},
		{"month since 2021-01-01", "", 11.5, "2021-12-16 00:00"},
		{"years since 1970-1-1", "", 51, "2021-01-01 00:00"},
		{"days since 2000-01-01", "noleap", 365 * 21, "2021-01-01 00:00"},
		{"days since 2000-01-01", "365_day", 59, "2000-03-01 00:00"},
		{"days since 2000-03-01", "noleap", -1, "2000-02-28 00:00"},
		{"days since 2000-01-01", "360_day", 360*21 + 359, "2021-12-28 00:00"},
		{"days since 1850-01-01", "360_day", -1, "1849-12-28 00:00"},
		{"minutes since 2021-01-01", "", -1, "2020-12-31 23:59"},
	} {
		s, ok := parseSince(c.units, c.calendar)
		if got := s.at(c.v).Format("2006-01-02 15:04"); !ok || got != c.want {
			t.Errorf("%g %s (%s): %s, want %s", c.v, c.units, c.calendar, got, c.want)
		}
	}
	for _, s := range []string{"", "degrees_north", "days", "days since", "fortnights since 2021-01-01", "since 2021-01-01"} {
		if got, ok := parseSince(s, ""); ok {
			t.Errorf("%q gave %+v", s, got)
		}
	}
}
