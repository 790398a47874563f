//go:build !nogdal

package raster

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Steps returns the time of every band, [Bands], of a file with a time axis as
// the CF conventions have it (NetCDF: "days since 2021-01-01"), in UTC; nil where
// there is none, or where a band has none.
func (d *Dataset) Steps() []time.Time {
	var steps []time.Time
	_ = nativeLenient(func() error {
		items := map[string]string{}
		for _, line := range d.ds.Metadata("") {
			if k, v, ok := strings.Cut(line, "="); ok {
				items[k] = v
			}
		}
		for key, units := range items {
			axis, isUnits := strings.CutSuffix(key, "#units")
			since, ok := parseSince(units, items[axis+"#calendar"])
			if !isUnits || !ok {
				continue
			}
			var list []time.Time
			for i := 1; i <= len(d.bands); i++ {
				b := d.ds.RasterBand(i)
				v, err := strconv.ParseFloat(strings.TrimSpace(b.MetadataItem("NETCDF_DIM_"+axis, "")), 64)
				if err != nil || math.IsNaN(v) || math.Abs(v) > 1e12 {
					list = nil
					break
				}
				list = append(list, since.at(v))
			}
			if list != nil {
				steps = list
				return nil
			}
		}
		return nil
	})
	return steps
}
