package synth

import (
	"math"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
)

// Bound is what can be reached on a set of cells.
type Bound struct {
	Cells    int     `json:"cells"`     // with a target
	Variance float64 `json:"variance"`  // of ln emission as the files hold it
	BestR2   float64 `json:"best_r2"`   // 1 - noise^2 / variance: what knowing everything but the noise is expected to reach
	OracleR2 float64 `json:"oracle_r2"` // what the noiseless ln emission reaches against these very cells
}

// Ladder tells what each source of knowledge is worth: the R2 against the noisy
// targets of a least-squares fit, on all cells, of the right features (the very
// terms of the emission formula, with free coefficients), corrected for their
// number. Models see pixels and points instead and will stay below.
type Ladder struct {
	Image        float64 // zone shares of the cell
	POI          float64 // POI counts of the cell
	Own          float64 // both, and their products
	ImagesAround float64 // zone shares of the cell and of the eight around it
	POIsAround   float64 // POI counts of the cell and of the eight around it
	Everything   float64
}

// Step is one step of the ladder.
type Step struct {
	Name string
	R2   float64 // NaN: too few cells to fit
}

// Steps returns the ladder in order, the name of each step as in truth.json.
func (l Ladder) Steps() []Step {
	return []Step{
		{"own POIs", l.POI}, {"own image", l.Image}, {"own image and POIs", l.Own},
		{"POIs with neighborhood", l.POIsAround}, {"images with neighborhood", l.ImagesAround},
		{"everything", l.Everything},
	}
}

// bound computes the bound over the cells that keep(cell) lets through.
func (c *City) bound(keep func(cell int) bool) Bound {
	var truth, seen []float64
	for i, y := range c.LnSeen {
		if !math.IsNaN(y) && keep(i) {
			seen, truth = append(seen, y), append(truth, c.LnTrue[i])
		}
	}
	b := Bound{Cells: len(seen)}
	if len(seen) < 2 {
		return b
	}
	mean := stat.Mean(seen, nil)
	var total, left float64
	for i, y := range seen {
		total += (y - mean) * (y - mean)
		left += (y - truth[i]) * (y - truth[i])
	}
	b.Variance = total / float64(len(seen))
	if total > 0 {
		b.BestR2 = 1 - c.Noise*c.Noise/b.Variance
		b.OracleR2 = 1 - left/total
	}
	return b
}

// Bounds returns the bound of all cells and of each split.
func (c *City) Bounds() (all Bound, splits Bounds) {
	in := func(name string) Bound {
		return c.bound(func(i int) bool { return c.Districts[c.District[i]].Split == name })
	}
	return c.bound(func(int) bool { return true }), Bounds{in("train"), in("validation"), in("test")}
}

// Ladder fits the ladder.
func (c *City) Ladder() Ladder {
	image := func(i int) []float64 {
		s := c.Share[i]
		burnt := 0.0
		for z, v := range s {
			burnt += c.Factors.Zone[z] * v
		}
		return append([]float64{math.Log(burnt)}, s[:Water]...)
	}
	pois := func(i int) []float64 {
		f := make([]float64, 0, numCategories)
		for _, n := range c.Count[i] {
			f = append(f, ln1(n))
		}
		return f
	}
	both := func(i int) []float64 {
		f := append(image(i), pois(i)...)
		s, n := c.Share[i], c.Count[i]
		return append(f, s[Centre]*ln1(n[catRestaurant]+n[catHotel]),
			(s[Industrial]+s[Heavy])*ln1(n[catFactory]+n[catFuel]))
	}
	mean := func(f func(int) []float64) func(int) []float64 {
		return func(i int) []float64 {
			out := make([]float64, len(f(i)))
			for _, j := range c.eight(i) {
				for k, v := range f(j) {
					out[k] += v / 8
				}
			}
			return out
		}
	}
	shares := func(i int) []float64 { s := c.Share[i]; return s[:] }
	join := func(fs ...func(int) []float64) func(int) []float64 {
		return func(i int) (out []float64) {
			for _, f := range fs {
				out = append(out, f(i)...)
			}
			return out
		}
	}
	return Ladder{
		Image:        c.fit(image),
		POI:          c.fit(pois),
		Own:          c.fit(both),
		Everything:   c.fit(join(both, mean(shares), mean(pois))),
		POIsAround:   c.fit(join(pois, mean(pois))),
		ImagesAround: c.fit(join(image, mean(shares))),
	}
}

// fit returns the adjusted R2 of a least-squares fit of LnSeen on the features.
func (c *City) fit(features func(cell int) []float64) float64 {
	var x []float64
	var y []float64
	n, k := 0, 0
	for i, v := range c.LnSeen {
		if math.IsNaN(v) {
			continue
		}
		f := append(features(i), 1)
		x, y = append(x, f...), append(y, v)
		n, k = n+1, len(f)
	}
	if n <= k+1 {
		return math.NaN()
	}
	xm, ym := mat.NewDense(n, k, x), mat.NewVecDense(n, y)
	var a mat.Dense
	a.Mul(xm.T(), xm)
	sym := mat.NewSymDense(k, nil)
	for i := range k {
		for j := i; j < k; j++ {
			sym.SetSym(i, j, a.At(i, j))
		}
		// Shares add up to one with the constant: a trace of ridge keeps the
		// normal equations solvable.
		sym.SetSym(i, i, a.At(i, i)+1e-6*float64(n))
	}
	var chol mat.Cholesky
	if !chol.Factorize(sym) {
		return math.NaN()
	}
	var b, w, got mat.VecDense
	b.MulVec(xm.T(), ym)
	if chol.SolveVecTo(&w, &b) != nil {
		return math.NaN()
	}
	got.MulVec(xm, &w)
	mean := stat.Mean(y, nil)
	var total, left float64
	for i, v := range y {
		total += (v - mean) * (v - mean)
		left += (v - got.AtVec(i)) * (v - got.AtVec(i))
	}
	return 1 - left/total*float64(n-1)/float64(n-k)
}
