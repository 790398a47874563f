package raster

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// since is the unit of a time axis.
type since struct {
	base     time.Time
	unit     time.Duration // of fixed length, else 0
	months   int           // in one unit, where it has no fixed length
	calendar string
}

var sinceForm = regexp.MustCompile(`(?i)^\s*(\w+?)s?\s+since\s+(\d{1,4})-(\d{1,2})-(\d{1,2})(?:[T ]\s*(\d{1,2})(?::(\d{1,2}))?)?`)

// parseSince reads "days since 2021-01-01 00:00:00" (CF conventions, 4.4).
func parseSince(units, calendar string) (s since, ok bool) {
	m := sinceForm.FindStringSubmatch(units)
	if m == nil {
		return s, false
	}
	switch strings.ToLower(m[1]) {
	case "second", "sec":
		s.unit = time.Second
	case "minute", "min":
		s.unit = time.Minute
	case "hour", "hr", "h":
		s.unit = time.Hour
	case "day", "d":
		s.unit = 24 * time.Hour
	case "week":
		s.unit = 7 * 24 * time.Hour
	case "month":
		s.months = 1
	case "year", "yr":
		s.months = 12
	default:
		return s, false
	}
	n := func(i int) int { v, _ := strconv.Atoi(m[i]); return v }
	s.base = time.Date(n(2), time.Month(n(3)), n(4), n(5), n(6), 0, 0, time.UTC)
	s.calendar = strings.ToLower(calendar)
	return s, true
}

// at is the time of a value of the axis.
func (s since) at(v float64) time.Time {
	if s.months > 0 {
		whole := math.Floor(v * float64(s.months))
		t := s.base.AddDate(0, int(whole), 0)
		return t.Add(time.Duration((v*float64(s.months) - whole) * 30 * 24 * float64(time.Hour)))
	}
	days := v * s.unit.Hours() / 24
	daysOfYear := 0 // of calendars that know no leap years
	switch s.calendar {
	case "noleap", "365_day":
		daysOfYear = 365
	case "360_day":
		daysOfYear = 360
	default:
		whole := math.Floor(days)
		return s.base.AddDate(0, 0, int(whole)).Add(time.Duration((days - whole) * 24 * float64(time.Hour)))
	}
	from := float64(s.base.YearDay() - 1)
	if daysOfYear == 360 {
		from = float64(30*(int(s.base.Month())-1) + s.base.Day() - 1)
	} else if s.base.YearDay() > 59 && time.Date(s.base.Year(), 2, 29, 0, 0, 0, 0, time.UTC).Month() == 2 {
		from-- // the base's own year has a 29 February, which this calendar skips
	}
	from += float64(s.base.Hour())/24 + days
	year := s.base.Year() + int(math.Floor(from/float64(daysOfYear)))
	from = math.Mod(math.Mod(from, float64(daysOfYear))+float64(daysOfYear), float64(daysOfYear))
	if daysOfYear == 360 {
		return time.Date(year, time.Month(1+int(from/30)), min(28, 1+int(math.Mod(from, 30))), 0, 0, 0, 0, time.UTC)
	}
	common := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, int(from))
	return time.Date(year, common.Month(), common.Day(), int(math.Mod(from, 1)*24), 0, 0, 0, time.UTC)
}
