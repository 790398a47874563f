package emissions

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"opencarbon/data/fault"
)

// yearMonth finds the YYMM at the end of an ODIAC name, as in
// odiac2022_1km_excl_intl_1812.tif.gz.
var yearMonth = regexp.MustCompile(`(?:^|[_-])(\d{2})(0[1-9]|1[0-2])(?:\.[A-Za-z]+)*$`)

// monthOf reads year and month from an ODIAC file name.
func monthOf(path string) (year, month int, ok bool) {
	m := yearMonth.FindStringSubmatch(filepath.Base(path))
	if m == nil {
		return 0, 0, false
	}
	year, _ = strconv.Atoi(m[1])
	month, _ = strconv.Atoi(m[2])
	return year, month, true
}

// expand turns the path or pattern into files, in order.
func expand(pattern string) ([]string, error) {
	if !strings.ContainsAny(pattern, "*?[") {
		return []string{pattern}, nil
	}
	if _, err := os.Stat(pattern); err == nil {
		return []string{pattern}, nil
	}
	files, err := filepath.Glob(pattern)
	if err != nil {
		return nil, fault.Wrap(err, "data.emissions.path", fmt.Sprintf("the pattern %q is malformed", pattern), "use * and ? only, or close the bracket")
	}
	// A plain look at the folder tells a pattern without matches from a folder
	// that is not there or may not be read; Glob keeps silent about both.
	if len(files) == 0 {
		dir := filepath.Dir(pattern)
		if !strings.ContainsAny(dir, "*?[") {
			if _, err := os.ReadDir(dir); err != nil {
				return nil, fault.Wrap(err, pattern, "the folder cannot be read", "check the path and its permissions (chmod u+rx)")
			}
		}
		return nil, fault.New(pattern, "no file matches the pattern", "check the path; relative paths start at the working directory")
	}
	slices.Sort(files)
	return files, nil
}

// calendar says which months a set of files holds and by how much their sum has
// to be multiplied to become a year.
type calendar struct {
	factor  float64
	missing []string // "2018-03"
	year    int      // of ODIAC names, else 0
}

// yearOf checks the files against the declared period. bands is the number of
// bands that are added up in each.
func yearOf(s *Spec, files []string, bands int) (calendar, error) {
	parts := len(files) * bands
	full := periodsPerYear[s.Period]
	c := calendar{factor: 1}
	if s.Period == "year" {
		// Several yearly files or bands are sectors of one inventory: added up.
		return c, nil
	}
	if parts > full[1] {
		return c, fault.New(s.Path, fmt.Sprintf("%d files x %d bands are more than the %d %ss of a year", len(files), bands, full[1], s.Period),
			"narrow the pattern to one year")
	}
	if s.Period != "month" {
		if parts != full[1] { // 366 days or 8784 hours are a whole leap year
			c.factor = float64(full[0]) / float64(parts)
		}
		return c, nil
	}
	if err := c.months(s, files); err != nil {
		return c, err
	}
	if parts < 12 {
		if s.MissingMonths != "scale" {
			what := fmt.Sprintf("%d of 12 months", parts)
			if len(c.missing) > 0 {
				what += ": missing " + strings.Join(c.missing, ", ")
			}
			return c, fault.New(s.Path, what, "add the missing files, or declare data.emissions.missing_months: scale (the sum is then multiplied by 12 / months)")
		}
		c.factor = 12 / float64(parts)
	}
	return c, nil
}

// months reads the names of monthly files and refuses mixed years and repeats.
func (c *calendar) months(s *Spec, files []string) error {
	have := map[int]string{}
	first := -1
	for _, f := range files {
		year, month, ok := monthOf(f)
		if !ok {
			continue
		}
		if first >= 0 && year != first {
			return fault.New(s.Path, fmt.Sprintf("files of different years: %s and others of %d", filepath.Base(f), 2000+first), "narrow the pattern to one year, e.g. *_18??.tif")
		}
		first = year
		if other, twice := have[month]; twice {
			return fault.New(s.Path, fmt.Sprintf("month %02d is there twice: %s and %s", month, filepath.Base(other), filepath.Base(f)), "narrow the pattern so that each month is matched once")
		}
		have[month] = f
	}
	if len(have) == 0 {
		return nil // names without months: their number alone is checked
	}
	if len(have) < len(files) {
		return fault.New(s.Path, fmt.Sprintf("%d of %d file names do not end in a month (YYMM)", len(files)-len(have), len(files)), "narrow the pattern to files such as odiac2022_1km_excl_intl_1812.tif")
	}
	if len(files) == 1 && len(s.Bands) > 1 {
		return nil // the bands are the months
	}
	c.year = 2000 + first
	for m := 1; m <= 12; m++ {
		if _, ok := have[m]; !ok {
			c.missing = append(c.missing, fmt.Sprintf("%d-%02d", c.year, m))
		}
	}
	return nil
}
