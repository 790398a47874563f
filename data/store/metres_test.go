package store

import "testing"

// The unit of length is the last one of a definition; where none can be read it is 1.
func TestMetres(t *testing.T) {
	const base = `PROJCS["a",GEOGCS["b",UNIT["degree",0.0174532925199433]],PROJECTION["c"]`
	for wkt, want := range map[string]float64{
		"": 1,
		base + `,UNIT["metre",1,AUTHORITY["EPSG","9001"]],AXIS["Easting",EAST]]`:        1,
		base + `, UNIT ["US survey foot", 0.304800609601219,AUTHORITY["EPSG","9003"]]]`: 0.304800609601219,
		base + `,UNIT["x",0]]`:     1,
		base + `,UNIT["x",1e999]]`: 1,
		base + `,UNIT["x",1-2]]`:   1,
	} {
		if got := (GridSpec{WKT: wkt}).Metres(); got != want {
			t.Errorf("%s: %g, want %g", wkt, got, want)
		}
	}
}
