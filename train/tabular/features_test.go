package tabular

import (
	"context"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"opencarbon/data/fault"
	"opencarbon/data/store"
)

var all = Inputs{Images: true, POIs: true}

// column finds a feature by its name.
func column(t *testing.T, f *Features, name string) int {
	t.Helper()
	j := slices.Index(f.Names(), name)
	if j < 0 {
		t.Fatalf("no feature %q among %q", name, f.Names())
	}
	return j
}

// An image that rises by 10 a pixel eastward in red, is one value in green, and
// a chessboard in blue: every statistic is known in closed form.
func TestImageStatistics(t *testing.T) {
	const size = 6
	pixels := make([]uint8, 3*size*size)
	for r := range size {
		for c := range size {
			pixels[r*size+c] = uint8(10 * c)
			pixels[size*size+r*size+c] = 30
			pixels[2*size*size+r*size+c] = uint8(200 * ((r + c) % 2))
		}
	}
	names := imageNames(3)
	out := make([]float32, len(names))
	imageStatistics(pixels, store.RGB(size), out)
	for name, want := range map[string]float64{
		"red mean": 25, "red sd": math.Sqrt((25*25 + 15*15 + 5*5) / 3.0), "red p5": 0, "red p25": 10, "red p50": 25, "red p75": 40, "red p95": 50,
		"red gradient mean": 10, "red gradient sd": 0, "red laplacian mean": 0, "red laplacian sd": 0,
		"green mean": 30, "green sd": 0, "green p5": 30, "green p95": 30, "green gradient mean": 0,
		"blue mean": 100, "blue sd": 100, "blue p25": 0, "blue p75": 200, "blue gradient mean": 0, "blue laplacian mean": 800, "blue laplacian sd": 0,
	} {
		if got := float64(out[slices.Index(names, name)]) * 255; math.Abs(got-want) > 1e-3 {
			t.Errorf("%s is %g, want %g", name, got, want)
		}
	}
	mean, squares := 0.0, 0.0
	for c := range size {
		v := (10*float64(c) - 30) / (10*float64(c) + 30 + 2)
		mean += v / size
		squares += v * v / size
	}
	for name, want := range map[string]float64{"red/green mean": mean, "red/green sd": math.Sqrt(squares - mean*mean)} {
		if got := float64(out[slices.Index(names, name)]); math.Abs(got-want) > 1e-5 {
			t.Errorf("%s is %g, want %g", name, got, want)
		}
	}
	imageStatistics(make([]uint8, 3), store.RGB(1), out[:len(names)]) // one black pixel: all 0
	for i, v := range out {
		if v != 0 {
			t.Errorf("%s of a black pixel is %g", names[i], v)
		}
	}
}

// Percentiles are numpy's: [1, 2, 3, 4] has 1.15, 1.75, 2.5, 3.25, 3.85.
func TestPercentile(t *testing.T) {
	out := make([]float32, len(imageNames(1)))
	imageStatistics([]uint8{4, 1, 3, 2}, store.Shape{Bands: 1, Size: 2, Pixel: store.UInt8}, out)
	for i, want := range []float64{1.15, 1.75, 2.5, 3.25, 3.85} {
		if got := 255 * float64(out[2+i]); math.Abs(got-want) > 1e-6 {
			t.Errorf("percentile %d is %g, want %g", percentiles[i], got, want)
		}
	}
}

// Surroundings are means over the cells that exist: the corner of a region has
// four of nine, and a hole in it is left out.
func TestSurroundings(t *testing.T) {
	v := village{rows: 6, cols: 6, size: 2, categories: []string{"shop", "works"},
		missing: func(r, c int) bool { return r == 1 && c == 1 },
		image: func(cell int, pixels []uint8) {
			for i := range pixels {
				pixels[i] = uint8(3 * cell)
			}
		},
		counts: func(cell int, counts []float32) { counts[0], counts[1] = float32(cell), float32(cell%2) },
	}
	s := v.open(t)
	f, err := New(t.Context(), s, all)
	if err != nil {
		t.Fatal(err)
	}
	if want := "image statistics and ln(1 + POI counts), own + 3 x 3 + 5 x 5"; f.About() != want {
		t.Errorf("about %q, want %q", f.About(), want)
	}
	for _, at := range [][2]int{{0, 0}, {3, 3}, {5, 2}, {2, 1}} {
		cell := v.cells[at]
		x := f.Rows([]int32{int32(cell)})
		if _, d := x.Dims(); d != len(f.Names()) {
			t.Fatalf("%d columns, %d names", d, len(f.Names()))
		}
		for ring, reach := range map[string]int{"own": 0, "3 x 3": 1, "5 x 5": 2} {
			var n, sum, works float64
			for r := at[0] - reach; r <= at[0]+reach; r++ {
				for c := at[1] - reach; c <= at[1]+reach; c++ {
					if j, ok := v.cells[[2]int{r, c}]; ok {
						n++
						sum += float64(j)
						works += float64(j % 2)
					}
				}
			}
			for name, want := range map[string]float64{
				"green mean": 3 * sum / n / 255, "blue p50": 3 * sum / n / 255, "red sd": 0,
				"ln(1 + shop)": math.Log1p(sum / n), "ln(1 + works)": math.Log1p(works / n), "ln(1 + all POIs)": math.Log1p((sum + works) / n),
			} {
				if got := x.At(0, column(t, f, name+", "+ring)); math.Abs(got-want) > 1e-5 {
					t.Errorf("cell %v: %s, %s is %g, want %g", at, name, ring, got, want)
				}
			}
		}
	}
}

// One core or many: the same bits.
func TestSameOnAnyCores(t *testing.T) {
	v := village{rows: 20, cols: 30, size: 5, categories: []string{"shop"},
		image: func(cell int, pixels []uint8) {
			for i := range pixels {
				pixels[i] = uint8(cell*31 + i*i*7)
			}
		},
		counts: func(cell int, counts []float32) { counts[0] = float32(cell % 11) },
	}
	s := v.open(t)
	many, err := New(t.Context(), s, all)
	if err != nil {
		t.Fatal(err)
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	one, err := New(t.Context(), s, all)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(one.own, many.own) {
		t.Error("features depend on the number of cores")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := New(ctx, s, all); err != context.Canceled {
		t.Errorf("cancelled: %v", err)
	}
}

// A store gives what it has of what is asked for; nothing is an error.
func TestModalities(t *testing.T) {
	gray := func(_ int, pixels []uint8) { pixels[0] = 9 }
	for _, c := range []struct {
		name    string
		village village
		in      Inputs
		want    string // about begins so; empty: an error
	}{
		{"both", village{rows: 1, cols: 2, size: 2, image: gray, categories: []string{"a"}}, all, "image statistics and ln(1 + POI counts), own"},
		{"images", village{rows: 1, cols: 2, size: 2, image: gray}, all, "image statistics, own"},
		{"POIs", village{rows: 1, cols: 2, categories: []string{"a"}}, all, "ln(1 + POI counts), own"},
		{"not asked", village{rows: 1, cols: 2, size: 2, image: gray, categories: []string{"a"}}, Inputs{POIs: true}, "ln(1 + POI counts), own"},
		{"no images", village{rows: 1, cols: 2, categories: []string{"a"}}, Inputs{Images: true}, ""},
		{"nothing", village{rows: 1, cols: 2}, all, ""},
	} {
		f, err := New(t.Context(), c.village.open(t), c.in)
		switch {
		case c.want == "" && !fault.IsInput(err):
			t.Errorf("%s: %v, want an error of the input", c.name, err)
		case c.want != "" && (err != nil || !strings.HasPrefix(f.About(), c.want)):
			t.Errorf("%s: %v %v, want %q", c.name, f, err, c.want)
		}
	}
}

func TestScaling(t *testing.T) {
	x := mat.NewDense(4, 3, []float64{1, 5, 0, 2, 5, 0, 3, 5, 0, 4, 5, 100})
	s, err := newScaling(x, []string{"a", "b", "c"})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(s.Keep, []int{0, 2}) || s.Mean[0] != 2.5 || math.Abs(s.Scale[0]-math.Sqrt(1.25)) > 1e-12 {
		t.Errorf("%+v", s)
	}
	z := s.apply(mat.NewDense(2, 3, []float64{2.5, 77, 25, 1000, 0, -9999}))
	if want := mat.NewDense(2, 2, []float64{0, 0, 8, -8}); !mat.EqualApprox(z, want, 1e-12) {
		t.Errorf("scaled to %v", mat.Formatted(z))
	}
	if _, err := newScaling(mat.NewDense(2, 1, []float64{5, 5}), []string{"a"}); !fault.IsInput(err) {
		t.Errorf("constant columns alone: %v", err)
	}
}
