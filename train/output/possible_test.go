package output

import (
	"slices"
	"testing"

	"opencarbon/data/fault"
)

// Without GDAL some formats are left out; asking for nothing else is an error.
func TestPossible(t *testing.T) {
	without := fault.New("this program", "needs GDAL", "")
	for _, x := range []struct {
		formats, rest, left []string
		fails               bool
	}{
		{formats: []string{"csv", "tif", "gpkg"}, rest: []string{"csv"}, left: []string{"tif", "gpkg"}},
		{formats: []string{"csv", "png", "xlsx", "stac"}, rest: []string{"csv", "png", "xlsx", "stac"}},
		{formats: []string{"geojson", "nc", "parquet"}, left: []string{"geojson", "nc", "parquet"}, fails: true},
		{},
	} {
		rest, left, err := possible(x.formats, without)
		if fault.IsInput(err) != x.fails || err == nil && !slices.Equal(rest, x.rest) || !slices.Equal(left, x.left) {
			t.Errorf("%v: %v, without %v, %v", x.formats, rest, left, err)
		}
		if rest, left, err := possible(x.formats, nil); err != nil || left != nil || !slices.Equal(rest, x.formats) {
			t.Errorf("with GDAL %v: %v, without %v, %v", x.formats, rest, left, err)
		}
	}
}
