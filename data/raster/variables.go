//go:build !nogdal

package raster

import (
	"strings"

	"github.com/lukeroth/gdal"

	"opencarbon/data/fault"
)

// Variables lists the grids of a container; nil where the file is a raster itself,
// as a NetCDF file of a single grid is. Errors are those of Open.
func Variables(path string) ([]Variable, error) {
	name, err := resolve(path)
	if err != nil {
		return nil, err
	}
	var list []Variable
	err = native(func() error {
		ds, err := gdal.OpenEx(name, gdal.OFReadOnly|gdal.OFRaster|gdal.OFVerbose_Error, nil, nil, nil)
		if ds.IsNull() {
			return err
		}
		defer ds.Close()
		if ds.RasterCount() > 0 {
			return nil
		}
		for _, line := range ds.Metadata("SUBDATASETS") {
			key, value, _ := strings.Cut(line, "=")
			if strings.HasSuffix(key, "_NAME") {
				list = append(list, Variable{value[strings.LastIndex(value, ":")+1:], value})
			}
		}
		return nil
	})
	if err != nil {
		return nil, fault.Wrap(err, path, "cannot be opened as a raster", "check that the file is complete and of a format GDAL reads (gdalinfo FILE)")
	}
	for i := range list { // HDF5's are paths: //group/emissions
		list[i].Name = list[i].Name[strings.LastIndex(list[i].Name, "/")+1:]
	}
	return list, nil
}

// Names returns the names of the bands, [Bands], "" where one has none: a NetCDF
// variable's name, else a band's description.
func (d *Dataset) Names() []string {
	names := make([]string, len(d.bands))
	_ = nativeLenient(func() error {
		for i := range names {
			b := d.ds.RasterBand(i + 1)
			if names[i] = b.MetadataItem("NETCDF_VARNAME", ""); names[i] == "" {
				names[i] = description(b)
			}
		}
		return nil
	})
	return names
}

// Unit is the unit of the first band as the file has it; "" where it says none.
func (d *Dataset) Unit() string {
	unit := ""
	_ = nativeLenient(func() error {
		b := d.ds.RasterBand(1)
		unit = b.GetUnitType()
		for _, key := range []string{"units", "unit"} {
			if unit == "" {
				unit = b.MetadataItem(key, "")
			}
		}
		return nil
	})
	return strings.TrimSpace(unit)
}
