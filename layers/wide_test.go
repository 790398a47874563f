package layers_test

import (
	"math"
	"strings"
	"testing"

	"opencarbon/layers"
	"opencarbon/layers/opencarbon"
	"opencarbon/torch"
)

// The statistics of images are those that loops over the pixels give, and the
// same however a tile is turned.
func TestImageStatistics(t *testing.T) {
	run(t, func() {
		const u, edge = 3, 12
		in := images("images", u, 3, edge, edge)
		bytes := torch.Slice[uint8](in)
		have := layers.ImageStatistics(in, torch.Float64).Float64s()
		at := func(tile, band, row, col int) float64 {
			return float64(bytes[((tile*3+band)*edge+row)*edge+col]) / 255
		}
		moments := func(n int, value func(i int) float64) (mean, sd float64) {
			for i := range n {
				mean += value(i) / float64(n)
			}
			for i := range n {
				sd += (value(i) - mean) * (value(i) - mean) / float64(n)
			}
			return mean, math.Sqrt(sd)
		}
		for tile := range u {
			want := make([]float64, layers.ImageStatisticsWidth(3))
			for band := range 3 {
				pixel := func(i int) float64 { return at(tile, band, i/edge, i%edge) }
				want[band], want[3+band] = moments(edge*edge, pixel)
				steps := float64(edge * (edge - 1))
				for i := range edge {
					for k := range edge - 1 {
						want[6+band] += (math.Abs(at(tile, band, i, k+1)-at(tile, band, i, k)) + math.Abs(at(tile, band, k+1, i)-at(tile, band, k, i))) / steps
					}
				}
				_, want[9+band] = moments(16, func(i int) float64 {
					m, _ := moments(9, func(p int) float64 { return at(tile, band, i/4*3+p/3, i%4*3+p%3) })
					return m
				})
			}
			for k, pair := range [][2]int{{1, 0}, {1, 2}, {2, 0}} {
				want[12+k], want[15+k] = moments(edge*edge, func(i int) float64 {
					a, b := at(tile, pair[0], i/edge, i%edge), at(tile, pair[1], i/edge, i%edge)
					return (a - b) / (a + b + 1e-3)
				})
			}
			for k, w := range want {
				if h := have[tile*len(want)+k]; math.Abs(h-w) > 1e-12 {
					t.Errorf("tile %d, statistic %d: %v, want %v", tile, k, h, w)
				}
			}
		}
		turned := layers.ImageStatistics(in.Transpose(2, 3).Flip(2).Contiguous(), torch.Float64).Float64s()
		for i := range have {
			if math.Abs(have[i]-turned[i]) > 1e-12 {
				t.Errorf("statistic %d changes from %v to %v when tiles are turned", i%layers.ImageStatisticsWidth(3), have[i], turned[i])
			}
		}
	})
}

// Standardized features have mean 0 and standard deviation 1 in training; one
// that is constant there is 0 everywhere, and nothing gets beyond the limit.
func TestStandardizer(t *testing.T) {
	run(t, func() {
		p := layers.NewParams(torch.CPU)
		defer p.Close()
		p.DType = torch.Float64
		s := layers.NewStandardizer(p.Root().Sub("s"), 3, 4)
		var m layers.Moments
		m.Add([]float64{1e4 + 1, 7, -1, 1e4 + 2, 7, 0}, 3) // far from 0: sums of squares alone would lose it
		m.Add([]float64{1e4 + 3, 7, 1}, 3)
		s.Set(&m)
		sd := math.Sqrt(2.0 / 3)
		got := s.Forward(torch.FromSlice([]float64{1e4 + 1, 7, 0, 1e4 + 3, 1e9, 1e9}, 2, 3)).Float64s()
		for i, want := range []float64{-1 / sd, 0, 0, 1 / sd, 0, 4} {
			if math.Abs(got[i]-want) > 1e-9 {
				t.Errorf("%d: %v, want %v", i, got[i], want)
			}
		}
		if n := len(p.Parameters()); n != 0 {
			t.Errorf("%d numbers of a standardizer are trained", n)
		}
	})
}

// Standardize takes the training tiles in whatever chunks. The features of a cell
// reach its own prediction, in a straight line too, and no other cell's.
func TestWide(t *testing.T) {
	run(t, func() {
		p := layers.NewParams(torch.CPU)
		defer p.Close()
		p.DType = torch.Float64
		c := small()
		c.Plus, c.Statistics, c.LogCounts, c.Features, c.WideDropout = true, true, true, 3, 0.5
		m, err := opencarbon.New(p, c)
		if err != nil {
			t.Fatal(err)
		}
		initialize(p)
		in := smallTiles(torch.Float64)
		in.Features = fill("features", 9, 3)
		chunks := func(ends ...int) func(func(layers.Tiles)) error {
			return func(each func(layers.Tiles)) error {
				from := 0
				for _, to := range ends {
					each(layers.Tiles{Images: in.Images.Narrow(0, from, to-from), POIs: in.POIs.Narrow(0, from, to-from),
						Features: in.Features.Narrow(0, from, to-from)})
					from = to
				}
				return nil
			}
		}
		for _, name := range []string{"wide.statistics.scale", "wide.counts.scale", "wide.features.scale"} {
			scale := func() []float64 { return p.Get(name).Float64s() }
			if err := m.Standardize(chunks(9)); err != nil {
				t.Fatal(err)
			}
			whole := scale()
			if err := m.Standardize(chunks(2, 3, 9)); err != nil {
				t.Fatal(err)
			}
			for i, v := range scale() {
				if math.Abs(v-whole[i]) > 1e-9*whole[i] || name != "wide.counts.scale" && v <= 0 {
					t.Errorf("%s %d: %v in chunks, %v at once", name, i, v, whole[i])
				}
			}
		}
		p.Eval()
		index := torch.FromSlice([]int64{9, 9, 9, 9, 4, 9, 9, 3, 9}, 1, 3, 3)
		predict := func(in layers.Tiles) float64 { return m.Predict(m.Encode(in), index).LnEmission.Item() }
		before := predict(in)
		changed := func(tile int, by float64) layers.Tiles {
			out := in
			out.Features = in.Features.Clone()
			torch.NoGrad(func() { out.Features.Select(0, tile).AddScalarInPlace(by) })
			return out
		}
		if after := predict(changed(3, 0.1)); after != before {
			t.Errorf("a neighbor's features change the prediction from %v to %v", before, after)
		}
		if after := predict(changed(4, 0.1)); after == before {
			t.Error("a cell's own features do not change its prediction")
		}
		// With the perceptron silenced the line alone is left.
		torch.NoGrad(func() {
			for _, e := range p.Entries() {
				if strings.Contains(e.Name, "features.to_head.out") {
					e.Tensor.FillInPlace(0)
				}
			}
		})
		weight, scale := p.Get("wide.features.to_prediction.weight").Float64s(), p.Get("wide.features.scale").Float64s()
		want := 0.0
		for j := range 3 {
			want += 0.01 * scale[j] * weight[j]
		}
		if have := predict(changed(4, 0.01)) - predict(in); math.Abs(have-want) > 1e-9 {
			t.Errorf("the line adds %v, want %v", have, want)
		}
	})
}
