package layers_test

import (
	"math"
	"testing"

	"opencarbon/layers"
	"opencarbon/torch"
)

// Filters on red, green and blue become those on other bands: kept, and their mean
// for every band beyond; pairs of them are 1, 2, 3 and 4, 6, 11 here.
func TestWidenFilters(t *testing.T) {
	run(t, func() {
		rgb := torch.FromSlice([]float64{1, 2, 3, 4, 6, 11}, 2, 3, 1, 1)
		for bands, want := range map[int][]float64{
			1: {1, 4}, 2: {1, 2, 4, 6}, 3: {1, 2, 3, 4, 6, 11}, 4: {1, 2, 3, 2, 4, 6, 11, 7}, 5: {1, 2, 3, 2, 2, 4, 6, 11, 7, 7},
		} {
			w := layers.WidenFilters(rgb, bands)
			got := w.Float64s()
			if w.Size(1) != bands || len(got) != len(want) {
				t.Errorf("%d bands: shape %v", bands, w.Shape())
				continue
			}
			for i := range want {
				if math.Abs(got[i]-want[i]) > 1e-12 {
					t.Errorf("%d bands: %v, want %v", bands, got, want)
					break
				}
			}
		}
		four := torch.Ones(torch.Float64, torch.CPU, 2, 4, 1, 1)
		if layers.WidenFilters(four, 4) != four || layers.WidenFilters(four, 5) != four {
			t.Error("filters of other bands were changed")
		}
	})
}

// An encoder of four bands sees what one of three sees where the fourth band's
// filters are 0, and something else where they are not; bytes and the same numbers
// as floats in 0..1 are one image.
func TestEncoderOfBands(t *testing.T) {
	run(t, func() {
		const u, edge = 2, 32
		rgb := images("bands", u, 3, edge, edge)
		near := images("near infrared", u, 1, edge, edge)
		four := torch.Cat([]*torch.Tensor{rgb, near}, 1)
		colors, wide, floats := layers.NewParams(torch.CPU), layers.NewParams(torch.CPU), layers.NewParams(torch.CPU)
		for _, p := range []*layers.Params{colors, wide, floats} {
			defer p.Close()
			p.Eval()
		}
		a := layers.NewImageEncoder(colors.Root(), 3)
		b := layers.NewImageEncoderOf(wide.Root(), layers.ImageInput{Bands: 4}, 3)
		c := layers.NewImageEncoderOf(floats.Root(), layers.ImageInput{Bands: 4, Float: true}, 3)
		copies := func(fourth float64) {
			torch.NoGrad(func() {
				for _, p := range []*layers.Params{wide, floats} {
					for i, e := range p.Entries() {
						from := colors.Entries()[i].Tensor
						if e.Name == "conv1.weight" {
							from = torch.Cat([]*torch.Tensor{from, torch.Zeros(from.DType(), torch.CPU, 64, 1, 7, 7).AddScalar(fourth)}, 1)
						}
						e.Tensor.CopyInPlace(from)
					}
				}
			})
		}
		same := func(x, y *torch.Tensor) bool {
			v, w := x.Float64s(), y.Float64s()
			for i := range v {
				if math.Abs(v[i]-w[i]) > 1e-3*math.Max(1, math.Abs(v[i])) {
					return false
				}
			}
			return true
		}
		torch.NoGrad(func() {
			copies(0)
			want := a.Forward(rgb)
			if !same(want, b.Forward(four)) {
				t.Error("a band without filters is seen")
			}
			copies(0.05)
			if same(want, b.Forward(four)) {
				t.Error("the fourth band is not seen")
			}
			if !same(b.Forward(four), c.Forward(four.Cast(torch.Float32).DivScalar(255))) {
				t.Error("floats are another image than the same bytes")
			}
		})
	})
}

// Statistics of other bands begin with those of each, and have further pairs up to
// six bands; floats in 0..1 are like bytes.
func TestStatisticsOfBands(t *testing.T) {
	for bands, want := range map[int]int{1: 4, 2: 10, 3: 18, 4: 28, 6: 54, 7: 28, 64: 256} {
		if got := layers.ImageStatisticsWidth(bands); got != want {
			t.Errorf("%d bands have %d statistics, want %d", bands, got, want)
		}
	}
	run(t, func() {
		const edge = 8
		four := images("statistics of bands", 2, 4, edge, edge)
		have := layers.ImageStatistics(four, torch.Float64).Float64s()
		colors := layers.ImageStatistics(four.Narrow(1, 0, 3), torch.Float64).Float64s()
		floats := layers.ImageStatistics(four.Cast(torch.Float64).DivScalar(255), torch.Float64).Float64s()
		for tile := range 2 {
			for kind := range 4 { // of each band
				for band := range 3 {
					if have[tile*28+kind*4+band] != colors[tile*18+kind*3+band] {
						t.Errorf("statistic %d of band %d changes with a fourth band", kind, band)
					}
				}
			}
			for k := range 3 { // the colors' differences come first
				if math.Abs(have[tile*28+16+k]-colors[tile*18+12+k]) > 1e-12 {
					t.Errorf("difference %d changes with a fourth band", k)
				}
			}
		}
		for i := range have {
			if math.Abs(have[i]-floats[i]) > 1e-9 {
				t.Errorf("statistic %d of floats is %v, of bytes %v", i, floats[i], have[i])
			}
		}
	})
}
