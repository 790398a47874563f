package tabular

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"

	"opencarbon/train/tabular/native"
)

// svrMost is the number of training cells that SVR is fitted on at most, and
// of validation cells that choose: a fit takes time with the square of them.
const svrMost = 4000

// SVR is support vector regression with the kernel exp(-gamma |a - b|^2), by
// libsvm (Mladenovic 2016 among the paper's rivals). It is fitted on the tinted rows of
// its training cells as well, where the features have any: they raise it where a mosaic
// joins two sources, and lower ridge. Its grid is free of scale:
// gamma by the number of features, C and epsilon by the standard deviation of
// the training targets.
type SVR struct{}

// The grid, and its middle for want of validation cells.
var (
	svrGamma   = []float64{0.1, 0.3, 1, 3}    // times 1 / features
	svrC       = []float64{0.3, 1, 3, 10, 30} // times the targets' sd
	svrEpsilon = []float64{0.05, 0.1, 0.3}    // times the targets' sd
	svrMiddle  = [3]float64{0.3, 3, 0.1}      // of gamma, C, epsilon
)

// Name implements Method.
func (SVR) Name() string { return "SVR" }

// Fit implements Method. A fit of libsvm goes on to its end: when ctx ends, Fit
// returns at once and leaves those that have begun to themselves.
func (SVR) Fit(ctx context.Context, t Task, o Options) (Fitted, error) {
	if err := native.SVMReady(); err != nil {
		return nil, err
	}
	all := len(t.Train)
	t.Train, t.Validation = thin(t.Train, svrMost), thin(t.Validation, svrMost)
	p, err := prepare(t)
	if err != nil {
		return nil, err
	}
	if p.train, err = p.withTinted(t, svrMost); err != nil {
		return nil, err
	}
	n, d := p.train.z.Dims()
	sd := deviation(p.train.y)
	grid := [][3]float64{svrMiddle}
	if len(p.validation.y) > 0 {
		grid = nil
		for _, g := range svrGamma {
			for _, c := range svrC {
				for _, e := range svrEpsilon {
					grid = append(grid, [3]float64{g, c, e})
				}
			}
		}
	}
	x := p.train.z.RawMatrix().Data
	y := p.train.y
	var apart *mat.Dense // squared distances of validation and training cells
	if len(p.validation.y) > 0 {
		apart = distances(p.validation.z, p.train.z)
	}
	fits, trials := make([]*native.SVRFit, len(grid)), make([]Trial, len(grid))
	at := func(i int) (native.SVR, Settings) {
		g, c, e := grid[i][0]/float64(d), grid[i][1]*sd, grid[i][2]*sd
		return native.SVR{Gamma: g, C: c, Epsilon: e, Tolerance: 1e-3, CacheMB: 100}, Settings{{"gamma", g}, {"C", c}, {"epsilon", e}}
	}
	finished := make(chan error, 1)
	go func() {
		rows, err := native.NewSVMRows(x, n, d)
		if err != nil {
			finished <- err
			return
		}
		defer rows.Close()
		finished <- each(ctx, len(grid), o.Threads, func(i int) error {
			point, settings := at(i)
			fit, err := rows.Train(ctx, y, x, point)
			if err != nil {
				return err
			}
			fits[i] = fit
			if apart != nil {
				trials[i] = p.judge(settings, kernelSums(apart, fit, point.Gamma))
			}
			return nil
		})
	}()
	select {
	case err = <-finished:
		if err != nil {
			return nil, err
		}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	chosen := 0
	if apart != nil {
		chosen = best(trials)
	} else {
		trials = nil
	}
	point, settings := at(chosen)
	f := &fittedSVR{Scaled: p.scaling, Gamma: point.Gamma, Rho: fits[chosen].Rho, Coefficients: fits[chosen].Coefficients,
		Saw: t.Features.About() + some(len(t.Train), all), Chosen: settings, Tried: trials}
	for _, v := range fits[chosen].Vectors {
		f.Vectors = append(f.Vectors, p.train.z.RawRowView(v)...)
	}
	return f, nil
}

// kernelSums are the predictions of rows whose squared distances to the
// training rows are known, [rows, training rows].
func kernelSums(apart *mat.Dense, fit *native.SVRFit, gamma float64) []float64 {
	n, _ := apart.Dims()
	out := make([]float64, n)
	for i := range out {
		row, sum := apart.RawRowView(i), -fit.Rho
		for k, v := range fit.Vectors {
			sum += fit.Coefficients[k] * math.Exp(-gamma*row[v])
		}
		out[i] = sum
	}
	return out
}

// distances are squared Euclidean distances of the rows of a [n, d] and b
// [m, d], as [n, m].
func distances(a, b *mat.Dense) *mat.Dense {
	n, _ := a.Dims()
	m, _ := b.Dims()
	square := func(x *mat.Dense, i int) float64 {
		sum := 0.0
		for _, v := range x.RawRowView(i) {
			sum += v * v
		}
		return sum
	}
	of := make([]float64, m)
	for k := range of {
		of[k] = square(b, k)
	}
	out := mat.NewDense(n, m, nil)
	out.Mul(a, b.T())
	for i := range n {
		own, row := square(a, i), out.RawRowView(i)
		for k, v := range row {
			row[k] = max(0, own+of[k]-2*v)
		}
	}
	return out
}

// deviation is the standard deviation (by n).
func deviation(y []float64) float64 {
	mean, squares := 0.0, 0.0
	for _, v := range y {
		mean += v / float64(len(y))
	}
	for _, v := range y {
		squares += (v - mean) * (v - mean)
	}
	return math.Sqrt(squares / float64(len(y)))
}

// fittedSVR holds its support vectors: it predicts without libsvm.
type fittedSVR struct {
	Scaled       *Scaling  `json:"scaling"`
	Gamma        float64   `json:"gamma"`
	Rho          float64   `json:"rho"`
	Coefficients []float64 `json:"coefficients"` // [s]
	Vectors      []float64 `json:"vectors"`      // [s, p] scaled rows
	Saw          string    `json:"saw"`
	Chosen       Settings  `json:"chosen"`
	Tried        []Trial   `json:"trials"`
}

// About implements Fitted.
func (f *fittedSVR) About() string {
	return fmt.Sprintf("support vector regression on %s; %s%s", f.Saw, f.Chosen, by(f.Tried))
}

// Trials implements Fitted.
func (f *fittedSVR) Trials() []Trial { return f.Tried }

// Predict implements Fitted.
func (f *fittedSVR) Predict(ctx context.Context, x *Features, cells []int32) ([]float64, error) {
	fit := &native.SVRFit{Coefficients: f.Coefficients, Rho: f.Rho}
	for k := range f.Coefficients {
		fit.Vectors = append(fit.Vectors, k)
	}
	return predictRows(ctx, f.Scaled, x, cells, func(z *mat.Dense) ([]float64, error) {
		if len(f.Coefficients) == 0 { // all targets lie within epsilon of each other
			n, _ := z.Dims()
			out := make([]float64, n)
			for i := range out {
				out[i] = -f.Rho
			}
			return out, nil
		}
		return kernelSums(distances(z, mat.NewDense(len(f.Coefficients), len(f.Scaled.Keep), f.Vectors)), fit, f.Gamma), nil
	})
}

// by says how settings were chosen.
func by(trials []Trial) string {
	if len(trials) == 0 {
		return " (no validation cells to choose by)"
	}
	return fmt.Sprintf(" by validation, of %d", len(trials))
}
