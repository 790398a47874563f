package emissions

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"opencarbon/data/fault"
)

// part is one band of one file, and the time it is of.
type part struct {
	file int       // position in the list of files
	name string    // of the file, for messages
	band int       // from 1
	at   time.Time // from the file's time axis; zero: none
	year int       // from the file's name; 0: it does not say
	mon  int       // from the file's name, or by the order of twelve bands; 0: none

	sector string // parts of the same time and different sectors are added up; "": not known to be of one
}

// calendar says how the parts of a year add up to it.
type calendar struct {
	weights []float64 // [parts] each is multiplied by its own
	factor  float64   // their mean
	missing []string  // months that the factor stands in for, e.g. "2018-03"
	text    string    // for the account: what the parts are
}

// perDay are the periods of a day, for amounts that are rates.
var perDay = map[string]float64{"day": 1, "hour": 24, "second": 86400}

// calendarOf checks the parts against the declared period and weighs them.
//
// Amounts a year are sectors of one inventory and are added up. Amounts a month
// have to be those of twelve different months of one year. Amounts a day, an hour
// or a second are either one for each of them, or means of longer times: of
// months, with their true lengths, where names, a time axis or the number twelve
// say so.
func calendarOf(s *Spec, parts []part) (calendar, error) {
	c := calendar{weights: make([]float64, len(parts))}
	months, err := monthsOf(s, parts)
	if err != nil {
		return c, err
	}
	if months != nil {
		c.text = "months " + months.span()
	}
	switch {
	case s.Period == "year":
		c.fill(1)
		c.text = ""
		return c, nil
	case s.Period == "month":
		return c, c.byMonth(s, parts, months)
	}
	return c, c.byRate(s, parts, months)
}

func (c *calendar) fill(v float64) {
	c.factor = v
	for i := range c.weights {
		c.weights[i] = v
	}
}

// byMonth weighs amounts of whole months.
func (c *calendar) byMonth(s *Spec, parts []part, months *monthSet) error {
	have := len(parts) / sectors(parts)
	if months != nil {
		have = len(months.have)
		c.missing = months.missing()
	}
	if have > 12 {
		return tooMany(s, parts, 12)
	}
	c.fill(1)
	if have == 12 {
		c.missing = nil
		return nil
	}
	if s.MissingMonths != "scale" {
		what := fmt.Sprintf("%d of 12 months", have)
		if len(c.missing) > 0 {
			what += ": missing " + strings.Join(c.missing, ", ")
		}
		return fault.New(s.Path, what, "add the missing files or name all bands in data.emissions.bands, or declare data.emissions.missing_months: scale (the sum is then multiplied by 12 / months)")
	}
	c.fill(12 / float64(have))
	return nil
}

// byRate weighs amounts a day, an hour or a second by the time that each stands
// for.
func (c *calendar) byRate(s *Spec, parts []part, months *monthSet) error {
	rate := perDay[s.Period]
	year := 0
	if months != nil {
		year = months.year
		if len(months.have) < 12 && s.MissingMonths != "scale" {
			return fault.New(s.Path, fmt.Sprintf("%d of 12 months: missing %s", len(months.have), strings.Join(months.missing(), ", ")),
				"add the missing files or name all bands in data.emissions.bands, or declare data.emissions.missing_months: scale")
		}
		days := 0.0
		for m := range months.have {
			days += float64(daysIn(year, m))
		}
		c.missing = months.missing()
		sum := 0.0
		for i, p := range parts {
			// Several bands of a month (sectors) are added up.
			c.weights[i] = float64(daysIn(year, p.month())) * rate * float64(daysOf(year)) / days
			sum += c.weights[i]
		}
		c.factor = sum / float64(len(parts))
		c.text += ", weighed by their days"
		return nil
	}
	if year = s.Year; year == 0 {
		year = parts[0].inYear()
	}
	whole := float64(daysOf(year)) * rate
	n := len(parts) / sectors(parts)
	if times := distinct(parts); times > 0 && len(parts)%times == 0 {
		n = times // of several sectors each
		if err := wholeYear(s, parts, times); err != nil {
			return err
		}
	}
	if float64(n) > 366*rate {
		return tooMany(s, parts, int(366*rate))
	}
	switch n {
	case 366, 8784: // every day or hour of a leap year, whether it is known to be one or not
		whole = 366 * rate
	case 365, 8760:
		whole = 365 * rate
	}
	c.fill(whole / float64(n))
	if c.factor != 1 {
		c.text = fmt.Sprintf("each stands for %g %ss of the year", c.factor, s.Period)
	}
	return nil
}

// wholeYear refuses days or hours of a part of the year: what a January emits is
// no year's twelfth.
func wholeYear(s *Spec, parts []part, times int) error {
	have := map[int]int{}
	for _, p := range parts {
		have[p.month()]++
	}
	if times < 2 || len(have) == 12 || s.MissingMonths == "scale" {
		return nil
	}
	months := monthSet{year: parts[0].inYear(), have: have}
	return fault.New(s.Path, fmt.Sprintf("its %d times are of %d of 12 months: missing %s", times, len(have), strings.Join(months.missing(), ", ")),
		"add the missing files, or declare data.emissions.missing_months: scale (what is there then stands for the year)")
}

// sectors counts the different sectors of the parts, 1 at least; 1 also where they
// do not share the same times.
func sectors(parts []part) int {
	have := map[string]int{}
	for _, p := range parts {
		have[p.sector]++
	}
	for _, n := range have {
		if n != len(parts)/len(have) {
			return 1
		}
	}
	return len(have)
}

func tooMany(s *Spec, parts []part, most int) error {
	files := parts[len(parts)-1].file + 1
	remedy := "narrow the pattern to one year, or name its bands in data.emissions.bands"
	if first, last := parts[0].at, parts[len(parts)-1].at; !first.IsZero() && files == 1 {
		remedy = fmt.Sprintf("the bands are of %s to %s: name those of one year in data.emissions.bands", first.Format("2006-01-02"), last.Format("2006-01-02"))
	}
	return fault.New(s.Path, fmt.Sprintf("%d files x %d bands are more than the %d %ss of a year", files, len(parts)/files, most, s.Period), remedy)
}

// distinct counts the different times of the parts; 0 where not all have one.
func distinct(parts []part) int {
	seen := map[time.Time]bool{}
	for _, p := range parts {
		if p.at.IsZero() {
			return 0
		}
		seen[p.at] = true
	}
	return len(seen)
}

func (p part) month() int {
	if !p.at.IsZero() {
		return int(p.at.Month())
	}
	return p.mon
}

func (p part) inYear() int {
	if !p.at.IsZero() {
		return p.at.Year()
	}
	return p.year
}

// monthSet is which months of which year the parts are of.
type monthSet struct {
	year int // 0: not said
	have map[int]int
}

func (m *monthSet) missing() []string {
	var list []string
	for k := 1; k <= 12; k++ {
		if m.have[k] == 0 {
			list = append(list, m.label(k))
		}
	}
	return list
}

func (m *monthSet) label(k int) string {
	if m.year == 0 {
		return fmt.Sprintf("month %02d", k)
	}
	return fmt.Sprintf("%d-%02d", m.year, k)
}

// span names the first and the last.
func (m *monthSet) span() string {
	var have []int
	for k := range m.have {
		have = append(have, k)
	}
	slices.Sort(have)
	text := fmt.Sprintf("%02d..%02d", have[0], have[len(have)-1])
	if len(have) == 1 {
		text = fmt.Sprintf("%02d", have[0])
	}
	if m.year != 0 {
		text += fmt.Sprintf(" of %d", m.year)
	}
	return text
}

// monthsOf tells the months of the parts, and refuses mixed years and repeats;
// nil where the parts are not months, or nothing says which.
func monthsOf(s *Spec, parts []part) (*monthSet, error) {
	if s.Period == "year" {
		return nil, nil
	}
	m := &monthSet{have: map[int]int{}}
	type place struct {
		month  int
		sector string
	}
	first := map[place]part{}
	known := 0
	for _, p := range parts {
		if p.month() == 0 {
			continue
		}
		if known++; known == 1 {
			if m.year = p.inYear(); m.year == 0 {
				m.year = s.Year
			}
		}
		if p.inYear() != m.year && p.at.IsZero() && !(p.inYear() == 0 && s.Year != 0) {
			return nil, fault.New(s.Path, fmt.Sprintf("files of different years: %s and others of %d", filepath.Base(p.name), m.year), "narrow the pattern to one year, e.g. *_18??.tif")
		}
		if other, twice := first[place{p.month(), p.sector}]; twice && other.file != p.file && p.at.IsZero() {
			return nil, fault.New(s.Path, fmt.Sprintf("month %02d is there twice: %s and %s", p.month(), filepath.Base(other.name), filepath.Base(p.name)), "narrow the pattern so that each month is matched once")
		} else if !twice {
			first[place{p.month(), p.sector}] = p
		}
		m.have[p.month()]++
	}
	switch {
	case known == 0:
		return nil, nil // their number alone is checked
	case known < len(parts):
		return nil, fault.New(s.Path, fmt.Sprintf("%d of %d file names do not end in a month (YYMM, YYYYMM, YYYY-MM)", len(parts)-known, len(parts)), "narrow the pattern to files such as odiac2022_1km_excl_intl_1812.tif")
	}
	if !parts[0].at.IsZero() {
		return m.ofAxis(s, parts)
	}
	return m, nil
}

// ofAxis looks at times of an axis: they are months only where they follow each
// other by months.
func (m *monthSet) ofAxis(s *Spec, parts []part) (*monthSet, error) {
	var times []time.Time
	for _, p := range parts {
		times = append(times, p.at)
	}
	slices.SortFunc(times, time.Time.Compare)
	times = slices.Compact(times)
	for i := 1; i < len(times); i++ {
		if days := times[i].Sub(times[i-1]).Hours() / 24; days < 26 || math.Mod(days, 365) < 26 && days > 300 {
			if s.Period != "month" && times[len(times)-1].Sub(times[0]).Hours() < 366*24 {
				return nil, nil // days or hours
			}
			return nil, fault.New(s.Path, fmt.Sprintf("its times, from %s to %s, are neither months nor all of one year", times[0].Format("2006-01-02 15:04"), times[len(times)-1].Format("2006-01-02 15:04")),
				"name the bands of one year in data.emissions.bands, or correct data.emissions.period")
		}
	}
	if len(times) == 1 && s.Period != "month" {
		return nil, nil
	}
	if first, last := times[0], times[len(times)-1]; first.Year() != last.Year() {
		return nil, fault.New(s.Path, fmt.Sprintf("its times reach from %s to %s", first.Format("2006-01-02"), last.Format("2006-01-02")),
			"name the bands of one year in data.emissions.bands")
	}
	return m, nil
}

// daysIn is the length of a month; of an unknown year, which is taken to be no
// leap year.
func daysIn(year, month int) int {
	if year == 0 {
		year = 2001
	}
	return time.Date(year, time.Month(month+1), 0, 0, 0, 0, 0, time.UTC).Day()
}

func daysOf(year int) int {
	if year == 0 {
		year = 2001
	}
	return time.Date(year, 12, 31, 0, 0, 0, 0, time.UTC).YearDay()
}
