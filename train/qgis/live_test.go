package qgis

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"opencarbon/data/raster"
)

// python with PyQGIS: Debian's package python3-qgis serves the system's own Python.
func python(t *testing.T) string {
	t.Helper()
	for _, p := range []string{os.Getenv("PYTHON_QGIS"), "/usr/bin/python3"} {
		if p != "" && exec.Command(p, "-c", "import qgis.core").Run() == nil {
			return p
		}
	}
	t.Skip("no Python with PyQGIS here (Debian: python3-qgis): what QGIS makes of the styles is not checked")
	return ""
}

// A GeoTIFF with its .qml and a GeoPackage with its style open in a real QGIS as
// they are meant to: every cell in the color that its logarithm has on the scale,
// nothing where there is no cell, and legends that say the amounts.
func TestInQGIS(t *testing.T) {
	py := python(t)
	const n, size, unit = 12, 1000.0, "tCO2/yr"
	values := make([]float64, n*n)
	for i := range values {
		values[i] = 150 * math.Pow(10, 4.4*float64(i)/(n*n-1)) // over more than four powers of ten
	}
	values[n+3] = math.NaN()
	crs, err := raster.ParseCRS("EPSG:32654")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	nodata := math.NaN()
	tif := filepath.Join(dir, "map.tif")
	const west, north = 400000, 3900000
	w, err := raster.Create(tif, raster.Spec{Width: n, Height: n, COG: true, Statistics: true, CRS: crs, GeoTransform: raster.North(west, north, size, size), Nodata: &nodata})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	pixels := make([]float32, len(values))
	for i, v := range values {
		pixels[i] = float32(v)
	}
	if err := raster.Write(w, 1, 0, 0, n, n, pixels); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	fine, coarse := FineSteps(values), Steps(values)
	if err := os.WriteFile(filepath.Join(dir, "map.qml"), []byte(Raster(fine, unit)), 0o644); err != nil {
		t.Fatal(err)
	}
	gpkg := filepath.Join(dir, "map.gpkg")
	v, err := raster.CreateVector(gpkg, raster.VectorSpec{Layer: "cells", CRS: crs, Fields: []raster.Field{{Name: "amount", Type: raster.Real}}, Style: Polygons("amount", coarse, unit, false)})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Abort()
	var points [][2]float64
	for i, x := range values {
		left, top := west+size*float64(i%n), north-size*float64(i/n)
		points = append(points, [2]float64{left + size/2, top - size/2})
		if math.IsNaN(x) {
			continue
		}
		ring := [][2]float64{{left, top - size}, {left + size, top - size}, {left + size, top}, {left, top}, {left, top - size}}
		if err := v.Add(raster.Geometry{Polygons: []raster.Polygon{{ring}}}, x); err != nil {
			t.Fatal(err)
		}
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	where, err := json.Marshal(points)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(py, filepath.Join("testdata", "render.py"), tif, gpkg, string(where))
	cmd.Env = append(os.Environ(), "QT_QPA_PLATFORM=offscreen", "XDG_RUNTIME_DIR="+dir, "HOME="+dir)
	var complaints strings.Builder
	cmd.Stderr = &complaints
	text, err := cmd.Output()
	if err != nil {
		t.Fatal(err, complaints.String())
	}
	var layers []struct {
		Renderer string
		Legend   []string
		Colors   []string
	}
	if err := json.Unmarshal(text, &layers); err != nil || len(layers) != 2 {
		t.Fatal(err, string(text))
	}
	for k, steps := range [][]float64{fine, coarse} {
		x := layers[k]
		want := []string{"QgsSingleBandPseudoColorRenderer", "QgsGraduatedSymbolRenderer"}[k]
		entries := []int{len(fine), len(coarse) - 1}[k]
		named := 0
		for _, e := range x.Legend {
			if strings.HasSuffix(e, " "+unit) {
				named++
			}
		}
		if x.Renderer != want || named != entries {
			t.Errorf("%s: %d of %d steps in the legend %q", x.Renderer, named, entries, x.Legend)
		}
		low, high := steps[0], steps[len(steps)-1]
		for i, v := range values {
			if math.IsNaN(v) {
				if x.Colors[i] != "" {
					t.Errorf("%s: %s where there is no cell", x.Renderer, x.Colors[i])
				}
				continue
			}
			place := math.Log(v/low) / math.Log(high/low)
			if k == 1 { // of its class
				c := 0
				for c < len(steps)-2 && v >= steps[c+1] {
					c++
				}
				place = float64(c) / float64(len(steps)-2)
			}
			r, g, b := color(place)
			var got [3]int
			if _, err := fmt.Sscanf(x.Colors[i], "#%02x%02x%02x", &got[0], &got[1], &got[2]); err != nil {
				t.Fatalf("%s: cell %d of %g is not drawn: %q", x.Renderer, i, v, x.Colors[i])
			}
			const near = 8 // of 255: QGIS mixes between steps by the number, not by its logarithm
			if math.Abs(float64(got[0]-r)) > near || math.Abs(float64(got[1]-g)) > near || math.Abs(float64(got[2]-b)) > near {
				t.Errorf("%s: %g is %s, not #%02x%02x%02x", x.Renderer, v, x.Colors[i], r, g, b)
			}
		}
	}
}
