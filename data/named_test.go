package data

import (
	"errors"
	"testing"

	"opencarbon/data/fault"
)

// An error about a file names the section that the file is of, whatever its path
// and its words hold; one about a key says so itself.
func TestNamed(t *testing.T) {
	for _, c := range []struct {
		where, what, section string
	}{
		{"/mnt/a.tif", "is damaged", "data.imagery"},
		{"/mnt/data.2024/a.tif", "is damaged", "data.imagery"},
		{"data.tif", "is damaged: data.zip is cut short", "data.imagery"},
		{"data.imagery.bands", "has 2 numbers", ""},
		{"data.imagery", "is empty", ""},
		{"data.poi.columns.lon, data.poi.columns.lat", "are one", ""},
	} {
		var in *fault.Input
		if err := named(fault.New(c.where, c.what, "Mend it."), "data.imagery"); !errors.As(err, &in) || in.Section != c.section || in.Where != c.where {
			t.Errorf("%s: %+v", c.where, in)
		}
	}
	plain := errors.New("stopped")
	if named(plain, "data.poi") != plain || named(nil, "data.poi") != nil {
		t.Error("an error that is not the user's was changed")
	}
	if err := named(named(fault.New("a", "b", "c"), "data.poi"), "data.split"); err.Error() != "a: b\n  c\n  The section of the experiment file: data.poi" {
		t.Errorf("%v", err)
	}
}
