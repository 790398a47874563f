package data

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/data/grid"
)

// latitudeFirst adds to the error of an input that lies elsewhere that the box may
// have been written latitude first: London's is then a box off Somalia, and no
// check of numbers can tell.
func latitudeFirst(r Region, err error) error {
	var in *fault.Input
	if len(r.BBox) != 4 || !errors.As(err, &in) || !elsewhere.MatchString(in.What) {
		return err
	}
	b, badBox := grid.ParseBBox(r.BBox)
	s, ok := b.Swapped()
	if badBox != nil || !ok {
		return err
	}
	with := *in
	if with.Remedy = strings.TrimSpace(with.Remedy); with.Remedy != "" && !strings.HasSuffix(with.Remedy, ".") {
		with.Remedy += "."
	}
	with.Remedy += fmt.Sprintf(" Longitude comes first in data.region.bbox: if it was written latitude first, [%g, %g, %g, %g] is meant.", s.West, s.South, s.East, s.North)
	return &with
}

// elsewhere matches what the rooms say of an input that misses the region.
var elsewhere = regexp.MustCompile(`does not overlap the region|lies in the region|covers no cell|no cell of the region`)
