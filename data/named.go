package data

import (
	"errors"
	"regexp"

	"opencarbon/data/fault"
)

// named makes sure that a user's error names the section of the configuration
// that it is about: the rooms below know files, not always keys.
func named(err error, section string) error {
	var in *fault.Input
	if !errors.As(err, &in) || in.Section != "" || key.MatchString(in.Where) {
		return err
	}
	with := *in
	with.Section = section
	return &with
}

// key matches what is a key of the configuration and no file: data.poi.crs.
var key = regexp.MustCompile(`^data\.(grid|region|imagery|emissions|poi|split|published|store|workers|trust|cache|cache_gb)\b`)
