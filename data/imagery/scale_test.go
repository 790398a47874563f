package imagery

import (
	"context"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"opencarbon/data/grid"
	"opencarbon/data/raster"
)

func TestOrder(t *testing.T) {
	values := []float32{float32(math.Inf(-1)), -math.MaxFloat32, -7, -1e-30, 0, 1e-45, 1e-30, 3, 3.0000002, math.MaxFloat32, float32(math.Inf(1))}
	for i, v := range values {
		if value(order(v)) != v {
			t.Errorf("%v comes back as %v", v, value(order(v)))
		}
		if i > 0 && order(values[i-1]) >= order(v) {
			t.Errorf("order of %v and %v", values[i-1], v)
		}
	}
}

// TestWindows: tilings cover every pixel once, lattices stay inside.
func TestWindows(t *testing.T) {
	for _, block := range [][2]int{{256, 256}, {5000, 1}, {5000, 3000}, {1, 1}, {90000, 16}} {
		m := &Mosaic{block: block}
		l := level{width: 5000, height: 3000}
		area := 0
		seen := map[[2]int]bool{}
		for _, w := range m.tiling(l) {
			if w.x < 0 || w.y < 0 || w.w < 1 || w.h < 1 || w.x+w.w > l.width || w.y+w.h > l.height || w.w*w.h > patchPixels || seen[[2]int{w.x, w.y}] {
				t.Errorf("blocks %v: window %+v", block, w)
			}
			seen[[2]int{w.x, w.y}] = true
			area += w.w * w.h
		}
		if area != l.width*l.height {
			t.Errorf("blocks %v: %d pixels of %d", block, area, l.width*l.height)
		}
	}
	for _, l := range []level{{width: 20000, height: 9000}, {width: 300, height: 900000}} {
		for _, w := range lattice(l) {
			if w.x < 0 || w.y < 0 || w.x+w.w > l.width || w.y+w.h > l.height {
				t.Errorf("%+v is not inside %+v", w, l)
			}
		}
	}
	m := &Mosaic{block: [2]int{256, 256}, levels: []level{{width: 100000, height: 100000}, {overview: 1, width: 8000, height: 8000}}}
	if l, _ := m.samples(); l.overview != 1 {
		t.Error("the overview is not taken")
	}
	m.levels = m.levels[:1]
	if _, windows := m.samples(); len(windows) != sampleGrid*sampleGrid {
		t.Errorf("%d windows of a large mosaic", len(windows))
	}
}

// TestLimits compares the two-pass counts with sorting, for numbers of several
// kinds, and with any number of workers.
func TestLimits(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	kinds := map[string]struct {
		dtype raster.DType
		draw  func() float64
	}{
		"bytes":    {raster.Byte, func() float64 { return float64(r.IntN(256)) }},
		"uint16":   {raster.UInt16, func() float64 { return float64(r.IntN(65536)) }},
		"int16":    {raster.Int16, func() float64 { return float64(r.IntN(600) - 300) }},
		"float32":  {raster.Float32, func() float64 { return r.NormFloat64() * 1e-3 }},
		"outliers": {raster.Float32, func() float64 { return math.Exp(20 * r.NormFloat64()) }},
		"constant": {raster.Float64, func() float64 { return 4.25 }},
		"gaps": {raster.Float32, func() float64 {
			if r.IntN(3) == 0 {
				return math.NaN()
			}
			return r.Float64()
		}},
	}
	for name, k := range kinds {
		t.Run(name, func(t *testing.T) {
			s := covering(t, 120, 60)
			s.DType = k.dtype
			var values [3][]float64
			holes := map[[2]int]bool{} // a pixel counts if it has a value in all bands
			all := map[[3]int]float64{}
			path := made(t, s, func(b, x, y int) float64 {
				v := k.draw()
				all[[3]int{b, x, y}] = v
				if math.IsNaN(v) {
					holes[[2]int{x, y}] = true
				}
				return v
			})
			for at, v := range all {
				if !holes[[2]int{at[1], at[2]}] {
					values[at[0]] = append(values[at[0]], float64(float32(v)))
				}
			}
			for _, scale := range []string{ScaleMinMax, ScalePercentile} {
				for _, p := range [][]float64{{2, 98}, {0, 100}, {49, 51}, {0.1, 12.5}} {
					m, err := Open(Spec{Path: path, Scale: scale, Percentile: p})
					if err != nil {
						t.Fatal(err)
					}
					n, err := m.Normalize(context.Background(), 1)
					if err != nil {
						t.Fatal(err)
					}
					again, err := m.Normalize(context.Background(), 3)
					if err != nil {
						t.Fatal(err)
					}
					if !slices.Equal(n.Low, again.Low) || !slices.Equal(n.High, again.High) || n.Samples != again.Samples {
						t.Error("one worker and three find different limits")
					}
					for b := range 3 {
						slices.Sort(values[b])
						last := float64(len(values[b]) - 1)
						low, high := values[b][int(p[0]/100*last)], values[b][int(p[1]/100*last)]
						if scale == ScaleMinMax {
							low, high = values[b][0], values[b][len(values[b])-1]
						}
						if n.Low[b] != low || n.High[b] != high || n.Samples != int64(len(values[b])) {
							t.Errorf("%s %v band %d: %v to %v of %d, want %v to %v of %d", scale, p, b, n.Low[b], n.High[b], n.Samples, low, high, len(values[b]))
						}
					}
				}
			}
		})
	}
}

// TestScales: what the limits do to the numbers, in one band at a time.
func TestScales(t *testing.T) {
	s := covering(t, 64, 32)
	s.DType = raster.UInt16
	path := made(t, s, func(b, x, y int) float64 { return float64(1000*b + 10*x) }) // west to east, 1000 b to 1000 b + 630
	cases := []struct {
		spec Spec
		want func(v float64, b int) float64
	}{
		{Spec{Scale: ScaleRange, Range: []float64{0, 2500}}, func(v float64, _ int) float64 { return v / 2500 * 255 }},
		{Spec{Scale: ScaleMinMax}, func(v float64, b int) float64 { return (v - 1000*float64(b)) / 630 * 255 }},
		{Spec{Scale: ScaleNone}, func(v float64, _ int) float64 { return v }},
		{Spec{Scale: ScaleRange, Range: []float64{100, 400}}, func(v float64, _ int) float64 { return (v - 100) / 300 * 255 }},
		{Spec{Scale: ScaleRange, Range: []float64{0, 2500, 100, 400, 200, 1200}}, func(v float64, band int) float64 {
			low, high := []float64{0, 100, 200}, []float64{2500, 400, 1200}
			return (v - low[band]) / (high[band] - low[band]) * 255
		}},
	}
	for _, c := range cases {
		c.spec.Path, c.spec.Size, c.spec.Resampling = path, 32, "near"
		rgb, _, _ := warped(t, c.spec, metreGrid(t), []grid.Cell{here}, 1)
		for i, got := range rgb {
			b, x := i/1024, i%32
			want := math.Floor(math.Max(0, math.Min(255, c.want(float64(1000*b+10*x), b))) + 0.5)
			if math.Abs(float64(got)-want) > 0 {
				t.Errorf("%s %v: band %d column %d is %d, want %v", c.spec.Scale, c.spec.Range, b, x, got, want)
				break
			}
		}
	}
}

// TestDefaultScale: bytes stay as they are, anything else is stretched, and one
// band may be named three times.
func TestDefaultScale(t *testing.T) {
	s := covering(t, 64, 32)
	path := made(t, s, texture)
	rgb, _, n := warped(t, Spec{Path: path, Size: 32, Resampling: "near", Bands: []int{2, 2, 2}}, metreGrid(t), []grid.Cell{here}, 1)
	if n.Scale != ScaleNone || n.Samples != 0 {
		t.Errorf("bytes: scale %q, %d samples", n.Scale, n.Samples)
	}
	for i, v := range rgb {
		if want := uint8(texture(1, i%32, i%1024/32)); v != want {
			t.Fatalf("pixel %d is %d, want %d", i, v, want)
		}
	}
	s.DType, s.Bands = raster.UInt16, 1
	_, _, n = warped(t, Spec{Path: made(t, s, texture), Size: 32, Bands: []int{1, 1, 1}}, metreGrid(t), []grid.Cell{here}, 1)
	if n.Scale != ScalePercentile || n.Samples != 64*32 || n.Low[0] != n.Low[2] || !(n.Low[0] < n.High[0]) {
		t.Errorf("uint16: %+v", n)
	}
}

// TestFingerprint: a change of the file's content or size changes it, touching
// it does not.
func TestFingerprint(t *testing.T) {
	path := made(t, covering(t, 64, 32), texture)
	print := func() Source {
		m, err := Open(Spec{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		n, err := m.Normalize(context.Background(), 1)
		if err != nil {
			t.Fatal(err)
		}
		return n.Source
	}
	first := print()
	if first.Files != 1 || first.Bytes == 0 || len(first.Fingerprint) != 64 {
		t.Errorf("%+v", first)
	}
	if err := os.Chtimes(path, time.Time{}, first.ModTime.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if touched := print(); touched.Fingerprint != first.Fingerprint || !touched.ModTime.After(first.ModTime) {
		t.Error("touching the file changes its fingerprint, or not its time")
	}
	other := made(t, covering(t, 64, 32), func(b, x, y int) float64 { return texture(b, x, y) + 1 })
	if path = other; print().Fingerprint == first.Fingerprint {
		t.Error("other pixels, same fingerprint")
	}
	if filepath.Base(print().Path) != "mosaic.tif" {
		t.Errorf("path %q", print().Path)
	}
}
