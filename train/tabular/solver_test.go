package tabular

import (
	"encoding/json"
	"math"
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
