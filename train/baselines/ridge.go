package baselines

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// Ridge is a fitted ridge regression: y = Intercept + sum of Coefficients times
// the standardised features (x - Mean) / Scale. It minimises |y - Xw|^2 +
// Lambda |w|^2; the intercept is not shrunk.
type Ridge struct {
	Lambda       float64
	Coefficients []float64 // [p], of standardised features
	Intercept    float64
	Mean, Scale  []float64 // [p]; the scale of a constant feature is 1
	LeaveOneOut  []float64 // mean squared leave-one-out error of each lambda tried
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
	n, p := x.Dims()
	if n != len(y) || n < 2 || len(lambdas) == 0 {
		return nil, fmt.Errorf("ridge regression: %d samples, %d targets, %d lambdas", n, len(y), len(lambdas))
	}
	r := &Ridge{Mean: make([]float64, p), Scale: make([]float64, p)}
	z := mat.NewDense(n, p, nil)
	for j := range p {
		col := mat.Col(nil, j, x)
		mean, err := Mean(col)
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
		r.Mean[j], r.Scale[j] = mean, scale
		for i, v := range col {
			z.Set(i, j, (v-mean)/scale)
		}
	}
	var err error
	if r.Intercept, err = Mean(y); err != nil {
		return nil, err
	}
	centered := mat.NewVecDense(n, nil)
	for i, v := range y {
		centered.SetVec(i, v-r.Intercept)
	}

	// X = U S V': for every lambda the hat matrix is U diag(s^2/(s^2+lambda)) U',
	// and 1/n for the intercept.
	var svd mat.SVD
	if !svd.Factorize(z, mat.SVDThin) {
		return nil, fmt.Errorf("ridge regression: the singular value decomposition did not converge")
	}
	var u, v mat.Dense
	svd.UTo(&u)
	svd.VTo(&v)
	s := svd.Values(nil)
	var projected mat.VecDense // U'y
	projected.MulVec(u.T(), centered)

	best := math.Inf(1)
	for _, lambda := range lambdas {
		if !(lambda > 0) {
			return nil, fmt.Errorf("ridge regression: lambda %g is not above 0", lambda)
		}
		sum := 0.0
		for i := range n {
			fit, hat := 0.0, 1/float64(n)
			for k, sk := range s {
				shrink := sk * sk / (sk*sk + lambda)
				fit += u.At(i, k) * shrink * projected.AtVec(k)
				hat += u.At(i, k) * u.At(i, k) * shrink
			}
			e := (centered.AtVec(i) - fit) / (1 - hat)
			sum += e * e
		}
		mse := sum / float64(n)
		r.LeaveOneOut = append(r.LeaveOneOut, mse)
		if mse < best {
			best, r.Lambda = mse, lambda
		}
	}
	if math.IsInf(best, 1) {
		return nil, fmt.Errorf("ridge regression: no lambda has a finite leave-one-out error")
	}
	scaled := mat.NewVecDense(len(s), nil)
	for k, sk := range s {
		scaled.SetVec(k, sk/(sk*sk+r.Lambda)*projected.AtVec(k))
	}
	var w mat.VecDense
	w.MulVec(&v, scaled)
	r.Coefficients = mat.Col(nil, 0, &w)
	return r, nil
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
