package tabular

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/data/store"
)

// Rasters are columns of a row, as they are and as logarithms, of the cell and as
// means of its surroundings; a cell without a value has the mean of the others.
func TestRasterFeatures(t *testing.T) {
	light := []float32{7, -3, float32(math.NaN()), 100}
	v := &village{rows: 1, cols: 4, size: 4, categories: []string{"shop"}, image: func(cell int, pixels []uint8) {
		for i := range pixels {
			pixels[i] = uint8(10*cell + i)
		}
	}, counts: func(cell int, counts []float32) { counts[0] = float32(cell) },
		rasters: []store.Raster{{Name: "heights", How: "mean"}, {Name: "light", How: "mean"}},
		numbers: func(cell int) []float32 { return []float32{float32(cell), light[cell]} }}
	s := v.open(t)
	in := all
	in.Rasters = []string{"light"}
	f, err := New(context.Background(), s, in)
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(f.Names(), "heights, own") || !strings.Contains(f.About(), "image statistics, light and ln(1 + POI counts)") {
		t.Errorf("columns %q, %q", f.Names(), f.About())
	}
	mean := (7 - 3 + 100) / 3.0
	filled := []float64{7, -3, mean, 100}
	own, ln, ring := column(t, f, "light, own"), column(t, f, "ln(1 + light), own"), column(t, f, "light, 3 x 3")
	shop := column(t, f, "ln(1 + shop), own")
	x := f.Rows([]int32{0, 1, 2, 3})
	for i, want := range filled {
		sum, n := 0.0, 0.0
		for j := max(0, i-1); j <= min(3, i+1); j++ {
			sum, n = sum+filled[j], n+1
		}
		for _, c := range []struct {
			at   int
			want float64
		}{{own, want}, {ln, math.Log1p(max(want, 0))}, {ring, sum / n}, {shop, math.Log1p(float64(i))}} {
			if got := x.At(i, c.at); math.Abs(got-c.want) > 1e-4 {
				t.Errorf("cell %d, %s: %g, want %g", i, f.Names()[c.at], got, c.want)
			}
		}
	}
	if Width(s, in) != len(f.Names()) || ImageWidth(s, in) != len(imageNames(3)) {
		t.Errorf("width %d of %d columns, %d of the image, want %d", Width(s, in), len(f.Names()), ImageWidth(s, in), len(imageNames(3)))
	}
	if in.Key() == all.Key() {
		t.Error("the key does not tell rasters")
	}
	// The image's numbers stay where they are without rasters.
	plain, err := New(context.Background(), s, all)
	if err != nil {
		t.Fatal(err)
	}
	for j := range len(imageNames(3)) {
		if a, b := x.At(1, j), plain.Rows([]int32{1}).At(0, j); a != b {
			t.Errorf("%s: %g with a raster, %g without", f.Names()[j], a, b)
		}
	}
	in.Rasters = []string{"population"}
	if _, err := New(context.Background(), s, in); !fault.IsInput(err) || !strings.Contains(err.Error(), `no raster "population"`) {
		t.Errorf("a raster that the store lacks: %v", err)
	}
}
