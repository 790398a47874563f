package mapfiles

import (
	"encoding/json"

	"opencarbon/data/raster"
	"opencarbon/train/netcdf"
)

// projections are CF's names of map projections (Appendix F) by EPSG's names of
// their methods, and CF's name of the longitude of their origin.
var projections = map[string][2]string{
	"Transverse Mercator":                   {"transverse_mercator", "longitude_of_central_meridian"},
	"Lambert Conic Conformal (2SP)":         {"lambert_conformal_conic", "longitude_of_central_meridian"},
	"Albers Equal Area":                     {"albers_conical_equal_area", "longitude_of_central_meridian"},
	"Lambert Azimuthal Equal Area":          {"lambert_azimuthal_equal_area", "longitude_of_projection_origin"},
	"Mercator (variant A)":                  {"mercator", "longitude_of_projection_origin"},
	"Popular Visualisation Pseudo Mercator": {"mercator", "longitude_of_projection_origin"},
	"Polar Stereographic (variant B)":       {"polar_stereographic", "straight_vertical_longitude_from_pole"},
}

// projJSON is what is read of a CRS.
type projJSON struct {
	Base       *projJSON `json:"base_crs"`
	Datum      datum     `json:"datum"`
	Ensemble   datum     `json:"datum_ensemble"`
	Conversion struct {
		Method     struct{ Name string }
		Parameters []struct {
			Value float64
			Unit  json.RawMessage
			ID    struct{ Code int }
		}
	}
}

type datum struct {
	Ellipsoid struct {
		Major      float64 `json:"semi_major_axis"`
		Minor      float64 `json:"semi_minor_axis"`
		Flattening float64 `json:"inverse_flattening"`
	}
}

// gridMapping are the attributes of CF's grid mapping variable. The CRS as
// well-known text is always among them; a projection that CF has no name for, or
// whose numbers are in other units than CF's, has only that.
func gridMapping(crs *raster.CRS) (attributes, error) {
	text, err := crs.PROJJSON()
	if err != nil {
		return nil, err
	}
	var p projJSON
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return nil, err
	}
	wkt := attributes{{Name: "crs_wkt", Value: crs.WKT()}, {Name: "spatial_ref", Value: crs.WKT()}} // the second one is GDAL's
	base := &p
	if p.Base != nil {
		base = p.Base
	}
	e := base.Datum.Ellipsoid
	if e.Major == 0 {
		e = base.Ensemble.Ellipsoid
	}
	var out attributes
	add := func(name string, value any) { out = append(out, netcdf.Attribute{Name: name, Value: value}) }
	switch {
	case p.Conversion.Method.Name == "Popular Visualisation Pseudo Mercator": // it takes the ellipsoid for a sphere
		add("earth_radius", e.Major)
	case e.Major > 0 && e.Flattening > 0:
		add("semi_major_axis", e.Major)
		add("inverse_flattening", e.Flattening)
	case e.Major > 0 && e.Minor > 0:
		add("semi_major_axis", e.Major)
		add("semi_minor_axis", e.Minor)
	default:
		return wkt, nil
	}
	if crs.Geographic() {
		add("grid_mapping_name", "latitude_longitude")
		return append(out, wkt...), nil
	}
	names, ok := projections[p.Conversion.Method.Name]
	if !ok {
		return wkt, nil
	}
	add("grid_mapping_name", names[0])
	var parallels []float64
	for _, x := range p.Conversion.Parameters {
		if u := string(x.Unit); u != `"degree"` && u != `"metre"` && u != `"unity"` {
			return wkt, nil
		}
		switch x.ID.Code { // of EPSG's parameters
		case 8801, 8821:
			if names[0] != "mercator" {
				add("latitude_of_projection_origin", x.Value)
			} else if x.Value != 0 {
				return wkt, nil
			}
		case 8802, 8822, 8833:
			add(names[1], x.Value)
		case 8805:
			if names[0] == "mercator" {
				add("scale_factor_at_projection_origin", x.Value)
			} else {
				add("scale_factor_at_central_meridian", x.Value)
			}
		case 8806, 8826:
			add("false_easting", x.Value)
		case 8807, 8827:
			add("false_northing", x.Value)
		case 8823, 8824, 8832:
			parallels = append(parallels, x.Value)
			if x.ID.Code == 8832 { // the pole is on the parallel's side
				pole := 90.0
				if x.Value < 0 {
					pole = -90
				}
				add("latitude_of_projection_origin", pole)
			}
		default:
			return wkt, nil
		}
	}
	if p.Conversion.Method.Name == "Popular Visualisation Pseudo Mercator" {
		parallels = []float64{0}
	}
	if parallels != nil {
		add("standard_parallel", parallels)
	}
	return append(out, wkt...), nil
}
