package emissions

import (
	"fmt"
	"slices"

	"opencarbon/data/fault"
	"opencarbon/data/raster"
)

// wholeYears are numbers of bands that are the parts of a year: months, days,
// hours.
var wholeYears = []int{12, 365, 366, 8760, 8784}

// chooseBands decides which bands are read where the configuration does not say
// it: all of them where they are the times that the period asks for, else the
// first. What may be either is refused: the first month alone makes a fine map.
func chooseBands(s *Spec, first *raster.Dataset, files []string) ([]int, error) {
	if len(s.Bands) > 0 {
		return s.Bands, nil
	}
	var all []int
	for i := 1; i <= first.Bands(); i++ {
		if i != first.AlphaBand() {
			all = append(all, i)
		}
	}
	if len(all) <= 1 {
		return []int{1}, nil
	}
	steps := first.Steps()
	times := slices.Compact(slices.Clone(steps))
	switch {
	case s.Period == "year" && (slices.Contains(wholeYears, len(all)) || len(times) > 1):
		what := fmt.Sprintf("holds %d bands", len(all))
		if len(times) > 1 {
			what += fmt.Sprintf(", from %s to %s", times[0].Format("2006-01-02"), times[len(times)-1].Format("2006-01-02"))
		}
		return nil, fault.New(first.Path(), what+", and nothing says which of them make a year",
			"If they are months: data.emissions.period: month (amounts a month), or day, hour or second (mean rates). Else name those that are added up: data.emissions.bands, e.g. [1].")
	case s.Period == "year":
		return []int{1}, nil
	case len(times) > 1:
		return all, nil
	}
	if _, _, named := monthOf(files[0]); named && len(files) > 1 {
		return []int{1}, nil // each file is a month
	}
	if n := len(all) * len(files); n == 12 || s.Period != "month" && slices.Contains(wholeYears, n) {
		return all, nil
	}
	return nil, fault.New(first.Path(), fmt.Sprintf("holds %d bands, and nothing says whether they are times or sectors", len(all)),
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
func (src *rasterSource) parts(files []string) []part {
	var list []part
	for i, d := range src.sets {
		steps := d.Steps()
		year, month, _ := monthOf(files[i])
		if len(files) == 1 && (len(src.s.Bands) > 1 || yearOrMonth(files[0])) {
			year, month = 0, 0 // of the file, not of its bands
		}
		if year == 0 {
			year = yearIn(files[i])
		}
		for j, band := range src.s.Bands {
			p := part{file: i, name: files[i], band: band, year: year, mon: month}
			if steps != nil {
				p.at = steps[band-1]
			} else if len(src.s.Bands) == 12 && len(files) == 1 {
				p.mon = j + 1
			}
			list = append(list, p)
		}
	}
	return list
}
