package emissions

import (
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// How names of files say year and month: 2018-12, 2018_12, 201812, 20181231;
// Dec 2018; y2018_m12; ODIAC's YYMM at the end, as in odiac2022_1km_excl_intl_1812.tif.gz.
var (
	yearMonthDigits  = regexp.MustCompile(`(?:^|[^0-9])((?:19|20)[0-9]{2})([-_.]?)(0[1-9]|1[0-2])([-_.]?[0-3][0-9])?(?:[^0-9]|$)`)
	yearMonthLetters = regexp.MustCompile(`(?i)y((?:19|20)[0-9]{2})_?m(0[1-9]|1[0-2])(?:_?d([0-3][0-9]))?(?:[^0-9]|$)`)
	yearMonthShort   = regexp.MustCompile(`(?:^|[_-])([0-9]{2})(0[1-9]|1[0-2])$`)
	monthNames       = regexp.MustCompile(`(?i)(?:^|[^a-z])(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)(?:[^a-z]|$)`)
	yearDigits       = regexp.MustCompile(`(?:^|[^0-9])((?:19|20)[0-9]{2})(?:[^0-9]|$)`)
	fileEnding       = regexp.MustCompile(`(?:\.[A-Za-z][A-Za-z0-9]{0,7})+$`)
)

// stemOf is what of a file's name may say a time: without folder and endings, of
// a subdataset the file's part.
func stemOf(path string) string {
	if quoted := strings.Split(path, `"`); len(quoted) > 2 { // NETCDF:"a_2018.nc":flux
		path = quoted[1]
	}
	return fileEnding.ReplaceAllString(filepath.Base(path), "")
}

// monthOf reads year and month from a file's name; the year is 0 where the name
// has a month only.
func monthOf(path string) (year, month int, ok bool) {
	year, month, _, ok = dateOf(path)
	return year, month, ok
}

// dateOf is monthOf with the day, 0 where the name has none.
func dateOf(path string) (year, month, day int, ok bool) {
	stem := stemOf(path)
	number := func(s string) int { n, _ := strconv.Atoi(s); return n }
	// The last one counts: versions and the like come first.
	all := yearMonthDigits.FindAllStringSubmatch(stem, -1)
	for i := len(all) - 1; i >= 0; i-- {
		// A day is parted from the month as the month is from the year.
		if m := all[i]; m[4] == "" || len(m[4]) == 2+len(m[2]) {
			return number(m[1]), number(m[3]), number(strings.TrimLeft(m[4], "-_.")), true
		}
	}
	if m := yearMonthLetters.FindStringSubmatch(stem); m != nil {
		return number(m[1]), number(m[2]), number(m[3]), true
	}
	if m := yearMonthShort.FindStringSubmatch(stem); m != nil {
		return 2000 + number(m[1]), number(m[2]), 0, true
	}
	if m := monthNames.FindStringSubmatch(stem); m != nil {
		at := strings.Index("janfebmaraprmayjunjulaugsepoctnovdec", strings.ToLower(m[1][:3]))
		return yearIn(path), at/3 + 1, 0, true
	}
	return 0, 0, 0, false
}

// yearOrMonth reports whether a name ends in digits that may be a year or YYMM:
// emission_2012. Among other files they are months where the period says so.
func yearOrMonth(path string) bool {
	m := yearMonthShort.FindStringSubmatch(stemOf(path))
	return m != nil && (m[1] == "19" || m[1] == "20")
}

// yearIn is the last year that a file's name has, or 0.
func yearIn(path string) int {
	stem := stemOf(path)
	if m := yearMonthLetters.FindStringSubmatch(stem); m != nil {
		year, _ := strconv.Atoi(m[1])
		return year
	}
	all := yearDigits.FindAllStringSubmatch(stem, -1)
	if all == nil {
		return 0
	}
	year, _ := strconv.Atoi(all[len(all)-1][1])
	return year
}
