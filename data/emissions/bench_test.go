package emissions

import (
	"context"
	"testing"

	"opencarbon/data/grid"
	"opencarbon/data/raster"
)

// BenchmarkRegrid reports cells a second for the usual pairs: ODIAC pixels to
// tiles of zoom 15 (CRSs that share their axes), a projected raster to tiles
// (every pixel edge is followed), and polygons to tiles.
func BenchmarkRegrid(b *testing.B) {
	path := inDir(b)
	value := func(_, c, r int) float64 { return float64((c*31+r*17)%100 + 1) }
	writeTIFF(b, path("odiac.tif"), raster.Spec{Width: 300, Height: 300, CRS: mustCRS(b, "EPSG:4326"), GeoTransform: raster.North(9, 51, 1.0/120, 1.0/120)}, value)
	writeTIFF(b, path("utm.tif"), raster.Spec{Width: 200, Height: 200, CRS: mustCRS(b, "EPSG:32632"), GeoTransform: raster.North(500000, 5650000, 1000, 1000)}, value)
	xyz := grid.Spec{Scheme: grid.XYZ, Zoom: 15}
	region := grid.BBox{West: 9.1, South: 49.3, East: 11, North: 50.7}
	london := grid.BBox{West: -0.6, South: 51.2, East: 0.4, North: 51.8}
	for _, c := range []struct {
		name string
		spec Spec
		grid grid.Spec
		bbox grid.BBox
		real string
	}{
		{"odiac-xyz15", Spec{Path: path("odiac.tif"), Units: "tC"}, xyz, region, ""},
		{"odiac-utm1km", Spec{Path: path("odiac.tif"), Units: "tC"}, grid.Spec{Scheme: grid.Projected, EPSG: 32632}, region, ""},
		{"utm-xyz15", Spec{Path: path("utm.tif"), Units: "tC"}, xyz, region, ""},
		{"london-polygons-xyz15", Spec{Attribute: "all_2019", Units: "tCO2"}, xyz, london, "london/laei2019_co2_all_sources.shp"},
	} {
		b.Run(c.name, func(b *testing.B) {
			s := c.spec
			if c.real != "" {
				s.Path = sharedData(b, c.real)
			}
			g := mustGrid(b, c.grid)
			cells := mustCells(b, g, c.bbox)
			elements := 0
			for b.Loop() {
				res, err := Load(context.Background(), s, g, cells, nil)
				if err != nil {
					b.Fatal(err)
				}
				elements = res.Report.Elements
			}
			seconds := b.Elapsed().Seconds() / float64(b.N)
			b.ReportMetric(float64(len(cells))/seconds, "cells/s")
			b.ReportMetric(float64(elements)/seconds, "elements/s")
		})
	}
}
