package data

import (
	"fmt"
	"slices"
	"strings"
)

// Large is a sample that holds much of all samples' sum by itself.
type Large struct {
	Lon, Lat float64 // of the cell's center, degrees
	Share    float64 // of the samples' sum
}

// A cell is large where it holds at least largeShare of the sum, and largeTimes
// the mean: inventories put power plants into single cells, beside thousands of
// cells of streets and houses.
const (
	largeShare = 0.02
	largeTimes = 20
)

// large lists the large samples of the stored cells, the largest first. values
// are the cells' targets (NaN: no sample), keep their numbers in the region.
func (b *build) large(values []float64, keep []int, samples int, sum float64) []Large {
	var list []Large
	if !(sum > 0) {
		return nil
	}
	least := sum * max(largeShare, largeTimes/float64(samples))
	for k, i := range keep {
		if values[k] >= least {
			list = append(list, Large{Lon: b.place.lon[i], Lat: b.place.lat[i], Share: values[k] / sum})
		}
	}
	slices.SortStableFunc(list, func(a, b Large) int {
		switch {
		case a.Share > b.Share:
			return -1
		case a.Share < b.Share:
			return 1
		}
		return 0
	})
	return list
}

// printLarge names the large samples: outliers for every model.
func (r *Report) printLarge(line liner) {
	list := r.Emissions.Large
	if len(list) == 0 {
		return
	}
	share := 0.0
	var names []string
	for k, l := range list {
		share += l.Share
		if k < 5 {
			names = append(names, fmt.Sprintf("%.4f, %.4f (%.1f%%)", l.Lon, l.Lat, 100*l.Share))
		}
	}
	if len(list) > len(names) {
		names = append(names, "...")
	}
	line("large single cells", len(list), fmt.Sprintf("%.1f%% of the samples' sum, at longitude, latitude %s: outliers such as power plants, which the other cells do not teach",
		100*share, strings.Join(names, "; ")))
}
