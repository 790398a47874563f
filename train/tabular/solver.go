package tabular

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// Ridge is a fitted ridge regression: y = Intercept + sum of Coefficients times
// the standardized features (x - Mean) / Scale. It minimizes |y - Xw|^2 +
// Lambda |w|^2; the intercept is not shrunk.
type Ridge struct {
	Lambda       float64
	Coefficients []float64 // [p], of standardized features
	Intercept    float64
	Mean, Scale  []float64 // [p]; the scale of a constant feature is 1
	LeaveOneOut  []float64 `json:"-"` // mean squared leave-one-out error of each lambda tried, by FitRidge
}

// Lambdas is the grid that is searched: half decades from 0.001 to 100,000.
func Lambdas() []float64 {
	var out []float64
	for e := -6; e <= 10; e++ {
		out = append(out, math.Pow(10, float64(e)/2))
	}
	return out
}

// FitRidge fits x [n, p] to y [n] with the lambda of the smallest leave-one-out
// error, computed in closed form: the error without sample i is e_i / (1 - h_ii)
// with the hat matrix H (Golub, Heath and Wahba 1979, Eq. 1.3, the ordinary
// cross-validation that GCV rotates). At least two samples, all finite.
func FitRidge(x *mat.Dense, y []float64, lambdas []float64) (*Ridge, error) {
	s, err := newSolver(x, y, lambdas)
	if err != nil {
		return nil, err
	}
	best, chosen := math.Inf(1), 0.0
	var tried []float64
	for _, lambda := range lambdas {
		mse := s.leaveOneOut(lambda)
		tried = append(tried, mse)
		if mse < best {
			best, chosen = mse, lambda
		}
	}
	if math.IsInf(best, 1) {
		return nil, fmt.Errorf("ridge regression: no lambda has a finite leave-one-out error")
	}
	r := s.fit(chosen)
	r.LeaveOneOut = tried
	return r, nil
}

// solver fits ridge regressions of many lambdas to the same samples: X = U S V'
// once, then every lambda is cheap.
type solver struct {
	mean, scale []float64 // [p]
	intercept   float64
	centered    *mat.VecDense // [n] targets less the intercept
	u, v        mat.Dense
	s           []float64
	projected   mat.VecDense // U'y
}

func newSolver(x *mat.Dense, y []float64, lambdas []float64) (*solver, error) {
	n, p := x.Dims()
	if n != len(y) || n < 2 || len(lambdas) == 0 {
		return nil, fmt.Errorf("ridge regression: %d samples, %d targets, %d lambdas", n, len(y), len(lambdas))
	}
	for _, lambda := range lambdas {
		if !(lambda > 0) {
			return nil, fmt.Errorf("ridge regression: lambda %g is not above 0", lambda)
		}
	}
	r := &solver{mean: make([]float64, p), scale: make([]float64, p)}
	z := mat.NewDense(n, p, nil)
	for j := range p {
		col := mat.Col(nil, j, x)
		mean, err := average(col)
		if err != nil {
			return nil, fmt.Errorf("ridge regression: feature %d is not finite", j)
		}
		squares := 0.0
		for _, v := range col {
			squares += (v - mean) * (v - mean)
		}
		scale := math.Sqrt(squares / float64(n))
		if scale <= 1e-12*math.Abs(mean) { // constant but for rounding
			scale = 1
		}
		r.mean[j], r.scale[j] = mean, scale
		for i, v := range col {
			z.Set(i, j, (v-mean)/scale)
		}
	}
	var err error
	if r.intercept, err = average(y); err != nil {
		return nil, err
	}
	r.centered = mat.NewVecDense(n, nil)
	for i, v := range y {
		r.centered.SetVec(i, v-r.intercept)
	}
	var svd mat.SVD
	if !svd.Factorize(z, mat.SVDThin) {
		return nil, fmt.Errorf("ridge regression: the singular value decomposition did not converge")
	}
	svd.UTo(&r.u)
	svd.VTo(&r.v)
	r.s = svd.Values(nil)
	r.projected.MulVec(r.u.T(), r.centered)
	return r, nil
}

// leaveOneOut is the mean squared leave-one-out error: for every lambda the hat
// matrix is U diag(s^2/(s^2+lambda)) U', and 1/n for the intercept.
func (r *solver) leaveOneOut(lambda float64) float64 {
	n := r.centered.Len()
	sum := 0.0
	for i := range n {
		fit, hat := 0.0, 1/float64(n)
		for k, sk := range r.s {
			shrink := sk * sk / (sk*sk + lambda)
			fit += r.u.At(i, k) * shrink * r.projected.AtVec(k)
			hat += r.u.At(i, k) * r.u.At(i, k) * shrink
		}
		e := (r.centered.AtVec(i) - fit) / (1 - hat)
		sum += e * e
	}
	return sum / float64(n)
}

func (r *solver) fit(lambda float64) *Ridge {
	scaled := mat.NewVecDense(len(r.s), nil)
	for k, sk := range r.s {
		scaled.SetVec(k, sk/(sk*sk+lambda)*r.projected.AtVec(k))
	}
	var w mat.VecDense
	w.MulVec(&r.v, scaled)
	return &Ridge{Lambda: lambda, Coefficients: mat.Col(nil, 0, &w), Intercept: r.intercept, Mean: r.mean, Scale: r.scale}
}

// average is the mean of values, which must be finite and not none.
func average(y []float64) (float64, error) {
	mean := 0.0
	for i, v := range y {
		mean += (v - mean) / float64(i+1)
	}
	if len(y) == 0 || math.IsNaN(mean) || math.IsInf(mean, 0) {
		return 0, fmt.Errorf("no mean of %d values", len(y))
	}
	return mean, nil
}

// Predict applies the regression to features x [n, p].
func (r *Ridge) Predict(x *mat.Dense) []float64 {
	n, _ := x.Dims()
	out := make([]float64, n)
	for i := range out {
		out[i] = r.Intercept
		for j, v := range x.RawRowView(i) {
			out[i] += r.Coefficients[j] * (v - r.Mean[j]) / r.Scale[j]
		}
	}
	return out
}
