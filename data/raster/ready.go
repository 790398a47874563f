//go:build !nogdal

package raster

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"opencarbon/data/fault"
	"opencarbon/data/startup"
)

func init() { startup.Add(func() error { return Ready() }) }

// Ready says why GDAL and PROJ cannot work here: their tables are missing, or
// those of another installation, to which a variable of the environment often
// points (conda sets them). It is a *fault.Input error that names the variable.
// It looks once in a process.
var Ready = sync.OnceValue(func() error {
	if _, err := ParseCRS("EPSG:4326"); err != nil {
		if in := new(fault.Input); errors.As(err, &in) && in.Err != nil {
			err = in.Err // PROJ's own words; nobody wrote this CRS
		}
		remedy := "Install PROJ's proj.db (Debian: proj-data), or name its folder in PROJ_LIB."
		for _, name := range []string{"PROJ_LIB", "PROJ_DATA"} { // in PROJ's order before 9.1; 9.1 and later know both
			if dir := os.Getenv(name); dir != "" {
				return fault.Wrap(err, name, fmt.Sprintf("is %s, %s", dir, unfit(dir, "proj.db", "PROJ")),
					"Unset it, or name the folder with the proj.db of the PROJ that GDAL here uses.")
			}
		}
		return fault.Wrap(err, "PROJ", "its tables (proj.db) are missing or of another version", remedy)
	}
	if dir := os.Getenv("GDAL_DATA"); dir != "" {
		if _, err := os.Stat(filepath.Join(dir, "gdalvrt.xsd")); err != nil {
			return fault.New("GDAL_DATA", fmt.Sprintf("is %s, %s", dir, unfit(dir, "gdalvrt.xsd", "GDAL")),
				"Unset it, or name the folder with the tables of the GDAL here ("+Version()+").")
		}
	}
	return nil
})

// unfit says what is wrong with a folder of tables.
func unfit(dir, file, whose string) string {
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		return "which is not there"
	case !info.IsDir():
		return "which is no folder"
	}
	if _, err := os.Stat(filepath.Join(dir, file)); err != nil {
		return "where there is no " + file
	}
	return "whose " + file + " is of another " + whose
}
