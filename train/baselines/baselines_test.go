package baselines

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"gonum.org/v1/gonum/mat"
)

func dense(rows [][]float64) *mat.Dense {
	x := mat.NewDense(len(rows), len(rows[0]), nil)
	for i, r := range rows {
		x.SetRow(i, r)
	}
	return x
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-8*(1+math.Abs(b)) }

// Against scikit-learn on the cases of testdata/make_ridge.py: leave-one-out
// errors (by refitting), the lambda chosen, coefficients, predictions.
func TestAgainstScikitLearn(t *testing.T) {
	text, err := os.ReadFile("testdata/ridge.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name         string
		X, New       [][]float64
		Y            []float64
		Lambdas, LOO []float64
		Lambda       float64
		Coefficients []float64
		Intercept    float64
		Predicted    []float64
	}
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		r, err := FitRidge(dense(c.X), c.Y, c.Lambdas)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range c.LOO {
			if !near(r.LeaveOneOut[i], want) {
				t.Errorf("%s, lambda %g: leave-one-out %.12g, want %.12g", c.Name, c.Lambdas[i], r.LeaveOneOut[i], want)
			}
		}
		if c.Name == "two" { // every lambda leaves out equally well there
			if r, err = FitRidge(dense(c.X), c.Y, []float64{c.Lambda}); err != nil {
				t.Fatal(err)
			}
		}
		if r.Lambda != c.Lambda || !near(r.Intercept, c.Intercept) {
			t.Errorf("%s: lambda %g intercept %g, want %g %g", c.Name, r.Lambda, r.Intercept, c.Lambda, c.Intercept)
		}
		for j, want := range c.Coefficients {
			if !near(r.Coefficients[j], want) {
				t.Errorf("%s: coefficient %d is %.12g, want %.12g", c.Name, j, r.Coefficients[j], want)
			}
		}
		for i, got := range r.Predict(dense(c.New)) {
			if !near(got, c.Predicted[i]) {
				t.Errorf("%s: prediction %d is %.12g, want %.12g", c.Name, i, got, c.Predicted[i])
			}
		}
	}
}

func TestFeatures(t *testing.T) {
	in := Input{
		Targets: []float64{1, 2, math.NaN()}, Categories: 2,
		Offsets: []int64{0, 2, 2, 4}, Category: []uint16{0, 0, 1, 1}, Count: []float32{1, 2, 5, 1},
		M: 3, Neighbors: []int32{
			-1, -1, -1, -1, 0, 1, -1, -1, -1,
			-1, -1, -1, 0, 1, 2, -1, -1, -1,
			-1, -1, -1, 1, 2, -1, -1, -1, -1,
		},
	}
	x, err := in.Features()
	if err != nil {
		t.Fatal(err)
	}
	// Counts: tile 0 has 3 of category 0, tile 2 has 6 of category 1.
	want := [][]float64{{3, 0, 3, 0}, {0, 0, 3, 6}, {0, 6, 0, 6}}
	for i, row := range want {
		for j, v := range row {
			if !near(x.At(i, j), math.Log(1+v)) {
				t.Errorf("feature %d, %d is %g, want ln(1+%g)", i, j, x.At(i, j), v)
			}
		}
	}
	in.M = 1
	if x, err = in.Features(); err != nil {
		t.Fatal(err)
	} else if _, c := x.Dims(); c != 2 {
		t.Errorf("M = 1 gives %d features", c)
	}
	for name, spoil := range map[string]func(*Input){
		"category":  func(i *Input) { i.Category = []uint16{0, 0, 1, 2} },
		"offsets":   func(i *Input) { i.Offsets = []int64{0, 2} },
		"neighbors": func(i *Input) { i.M = 5 },
		"no POIs":   func(i *Input) { i.Categories = 0 },
	} {
		bad := in
		spoil(&bad)
		if _, err := bad.Features(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// city is a line of tiles whose target depends on the POIs of the neighbors, so
// that only the neighborhood's features explain it.
func city(n int) Input {
	rng := rand.New(rand.NewPCG(1, 2))
	in := Input{Categories: 1, M: 3, Offsets: []int64{0}, Targets: make([]float64, n), Neighbors: make([]int32, 9*n)}
	counts := make([]float64, n)
	for i := range n {
		counts[i] = float64(rng.IntN(20))
		in.Category = append(in.Category, 0)
		in.Count = append(in.Count, float32(counts[i]))
		in.Offsets = append(in.Offsets, int64(i+1))
		switch i % 5 {
		case 3:
			in.Validation = append(in.Validation, i)
		case 4:
			in.Test = append(in.Test, i)
		default:
			in.Train = append(in.Train, i)
		}
	}
	for i := range n {
		sum := 0.0
		for k := range 9 {
			in.Neighbors[9*i+k] = -1
		}
		for d := -1; d <= 1; d++ {
			if j := i + d; j >= 0 && j < n {
				in.Neighbors[9*i+4+d] = int32(j)
				sum += counts[j]
			}
		}
		in.Targets[i] = 2 + 1.5*math.Log1p(sum)
	}
	return in
}

func TestRun(t *testing.T) {
	in := city(200)
	got, err := Run(in)
	if err != nil || len(got) != 2 {
		t.Fatalf("%v %v", got, err)
	}
	mean, ridge := got[0], got[1]
	if r2 := mean.Splits[0].Ln.R2; math.Abs(r2) > 1e-12 {
		t.Errorf("the mean's R2 on the training cells is %g, not 0", r2)
	}
	if r2 := ridge.Splits[2].Ln.R2; r2 < 0.999 {
		t.Errorf("ridge does not find the neighborhood: test R2 %g", r2)
	}
	in.M = 1
	alone, err := Run(in)
	if err != nil || alone[1].Splits[2].Ln.R2 > 0.8 {
		t.Errorf("without neighborhood it cannot be that good: %+v %v", alone[1].Splits[2], err)
	}
	in.Categories = 0
	if got, err = Run(in); err != nil || len(got) != 1 {
		t.Errorf("without POIs: %v %v", got, err)
	}
	in.Train = nil
	if _, err := Run(in); err == nil {
		t.Error("no training tiles and no error")
	}
}

// Targets outside the training split change nothing that is predicted.
func TestNoLeak(t *testing.T) {
	in := city(100)
	a, err := Run(in)
	if err != nil {
		t.Fatal(err)
	}
	in.Targets = append([]float64(nil), in.Targets...)
	for _, i := range append(append([]int(nil), in.Validation...), in.Test...) {
		in.Targets[i] += 100
	}
	b, err := Run(in)
	if err != nil {
		t.Fatal(err)
	}
	for k := range a {
		for i := range a[k].Predicted {
			if a[k].Predicted[i] != b[k].Predicted[i] {
				t.Fatalf("%s: prediction %d changed with test targets", a[k].Name, i)
			}
		}
	}
}

func TestFitRidgeRefuses(t *testing.T) {
	x := dense([][]float64{{1}, {2}, {4}})
	for name, f := range map[string]func() (*Ridge, error){
		"one sample": func() (*Ridge, error) { return FitRidge(dense([][]float64{{1}}), []float64{1}, []float64{1}) },
		"lengths":    func() (*Ridge, error) { return FitRidge(x, []float64{1, 2}, []float64{1}) },
		"lambda 0":   func() (*Ridge, error) { return FitRidge(x, []float64{1, 2, 3}, []float64{0}) },
		"no lambda":  func() (*Ridge, error) { return FitRidge(x, []float64{1, 2, 3}, nil) },
		"NaN feature": func() (*Ridge, error) {
			return FitRidge(dense([][]float64{{1}, {math.NaN()}}), []float64{1, 2}, []float64{1})
		},
		"NaN target": func() (*Ridge, error) { return FitRidge(x, []float64{1, math.NaN(), 2}, []float64{1}) },
	} {
		if _, err := f(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if r, err := FitRidge(dense([][]float64{{5}, {5}, {5}}), []float64{1, 2, 3}, []float64{1}); err != nil || r.Coefficients[0] != 0 || r.Intercept != 2 {
		t.Errorf("constant feature: %+v %v", r, err)
	}
}
