package emissions

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"opencarbon/data/fault"
	"opencarbon/data/raster"
)

// wholeYears are numbers of bands that are the parts of a year: months, days,
// hours.
var wholeYears = []int{12, 365, 366, 8760, 8784}

// chooseBands decides which bands are read where the configuration does not say
// it: all of them where they are the times that the period asks for, else the
// first. What may be either is refused: the first month alone makes a fine map.
// Of a file with a time axis only the bands of the year that is asked for count;
// nil where it has none of it.
func chooseBands(s *Spec, d *raster.Dataset, files []string) ([]int, error) {
	if len(s.Bands) > 0 {
		return s.Bands, nil
	}
	steps := d.Steps()
	var all []int
	var times []time.Time
	for i := 1; i <= d.Bands(); i++ {
		if i == d.AlphaBand() || steps != nil && s.Year != 0 && steps[i-1].Year() != s.Year {
			continue
		}
		all = append(all, i)
		if steps != nil {
			times = append(times, steps[i-1])
		}
	}
	if len(all) == 0 && s.Year != 0 {
		return nil, nil
	}
	if len(all) <= 1 {
		return append(all, 1)[:1], nil
	}
	slices.SortFunc(times, time.Time.Compare)
	times = slices.Compact(times)
	switch {
	case s.Period == "year" && (slices.Contains(wholeYears, len(all)) || len(times) > 1):
		what := fmt.Sprintf("holds %d bands", len(all))
		if len(times) > 1 {
			what += fmt.Sprintf(", from %s to %s", times[0].Format("2006-01-02"), times[len(times)-1].Format("2006-01-02"))
		}
		remedy := ""
		if n := len(times); n > 1 && times[0].Year() != times[n-1].Year() {
			remedy = fmt.Sprintf("Name the year: data.emissions.year: %d. ", times[n-1].Year())
		}
		return nil, fault.New(d.Path(), what+", and nothing says which of them make a year",
			remedy+"If they are months: data.emissions.period: month (amounts a month), or day, hour or second (mean rates). Else name those that are added up: data.emissions.bands, e.g. [1].")
	case s.Period == "year" && s.from != nil && len(times) == 1:
		return all, nil // sectors of one time
	case s.Period == "year" && s.from != nil:
		return nil, fault.New(d.Path(), fmt.Sprintf("holds %d bands, and %s is not known to have several", len(all), s.Source),
			"Name those that are added up: data.emissions.bands, e.g. [1], or by their names data.emissions.variables.")
	case s.Period == "year":
		return []int{1}, nil
	case len(times) > 1:
		return all, nil
	}
	if _, _, named := monthOf(files[0]); named && len(files) > 1 {
		return []int{1}, nil // each file is a month
	}
	if s.from != nil && len(all) == 12 {
		return all, nil
	}
	var alone []string // variables of one file are no further times
	for _, f := range files {
		alone = append(alone, containerOf(f))
	}
	if n := len(all) * len(slices.Compact(alone)); n == 12 || s.Period != "month" && slices.Contains(wholeYears, n) {
		return all, nil
	}
	return nil, fault.New(d.Path(), fmt.Sprintf("holds %d bands, and nothing says whether they are times or sectors", len(all)),
		"Name those that are added up in data.emissions.bands, e.g. [1].")
}

// bandsText says for the account which bands of how many were read.
func bandsText(bands []int, of int) string {
	text := ""
	for i := 0; i < len(bands); {
		j := i
		for j+1 < len(bands) && bands[j+1] == bands[j]+1 {
			j++
		}
		if text != "" {
			text += ", "
		}
		if text += fmt.Sprint(bands[i]); j > i {
			text += fmt.Sprintf("..%d", bands[j])
		}
		i = j + 1
	}
	if len(bands) == 1 {
		return fmt.Sprintf("band %s of %d", text, of)
	}
	return fmt.Sprintf("bands %s of %d", text, of)
}

// parts lists every band of every file with the time it is of.
func (src *rasterSource) parts() []part {
	var list []part
	alone := len(src.containers()) == 1
	for i, d := range src.sets {
		file, bands := src.files[i], src.bands[i]
		steps := d.Steps()
		year, month, day, _ := dateOf(file)
		if alone && (len(bands) > 1 || yearOrMonth(file)) {
			year, month, day = 0, 0, 0 // of the file, not of its bands
		}
		if year == 0 {
			year = yearIn(file)
		}
		for j, band := range bands {
			p := part{file: i, name: file, band: band, year: year, mon: month, sector: src.s.sector(file)}
			switch {
			case steps != nil:
				p.at = steps[band-1]
			case len(bands) == 12 && (alone || src.s.from != nil):
				p.mon = j + 1
			case day > 0 && !alone && src.s.Period != "month":
				p.at = time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
			}
			list = append(list, p)
		}
	}
	return list
}

// containers are the files that were read, each once however many of its
// variables are.
func (src *rasterSource) containers() []string {
	var list []string
	for _, f := range src.files {
		f = containerOf(f)
		if archive := src.s.origin[f]; archive != "" {
			f = archive
		}
		if len(list) == 0 || list[len(list)-1] != f {
			list = append(list, f)
		}
	}
	return list
}

// text says for the account which variables and bands of how many were read.
func (src *rasterSource) text() string {
	text := ""
	if names := src.s.read; len(names) > 0 {
		text = strings.Join(names, " + ")
	}
	n := src.sets[0].Bands()
	for i, b := range src.bands[1:] {
		if !slices.Equal(b, src.bands[0]) || src.sets[i+1].Bands() != n {
			return strings.TrimPrefix(fmt.Sprintf("%s, %d bands of all files", text, src.count()), ", ")
		}
	}
	if n > 1 {
		text += ", " + bandsText(src.bands[0], n)
	}
	return strings.TrimPrefix(text, ", ")
}

// notOfYear is the error of files without anything of the year.
func notOfYear(s *Spec, files []string) error {
	return fault.New(s.Path, fmt.Sprintf("%d files, and no time in them is of %d", len(files), s.Year), "correct data.emissions.year, or bring the files of that year")
}
