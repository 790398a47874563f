package totals

import (
	"fmt"
	"math"
	"slices"
)

// Methods of correction.
const (
	Smearing = "smearing" // one factor for all cells
	Level    = "level"    // a factor that changes with the predicted level above the usual one
)

// Correction takes predicted ln emission to the mean emission of such cells. exp
// of a prediction of ln is near the median, and emissions are skewed: their mean,
// which is what adds up to a total, lies above.
type Correction struct {
	Method string  `json:"method"` // Smearing or Level
	A      float64 `json:"a"`      // ln factor at Center
	B      float64 `json:"b"`      // its change per unit of predicted ln emission; 0 for Smearing
	Center float64 `json:"center"` // mean prediction of the held-out cells
	Low    float64 `json:"low"`    // the factor changes from Low, for Smearing the lowest prediction of the held-out cells,
	High   float64 `json:"high"`   // to High, the highest; beyond, it stays as it is there
	Capped int     `json:"capped"` // held-out cells whose ratio counts as mostOfAll of the sum instead of more
}

// Factor is what exp(ln) is to be multiplied with.
func (c Correction) Factor(ln float64) float64 {
	return math.Exp(c.A + c.B*(min(max(ln, c.Low), c.High)-c.Center))
}

// Amount is the corrected emission of a cell: Factor(ln) exp(ln).
func (c Correction) Amount(ln float64) float64 { return c.Factor(ln) * math.Exp(ln) }

// amounts fills out [n] with Factor(ln) times plain, which is exp(ln).
func (c Correction) amounts(out, plain, ln []float64) {
	factor := c.Factor(c.Center) // of all cells, where it does not change
	for i, x := range plain {
		if c.B != 0 {
			factor = c.Factor(ln[i])
		}
		out[i] = factor * x
	}
}

// String says it in words.
func (c Correction) String() string {
	if c.Method == Smearing {
		return fmt.Sprintf("times %.3g (smearing, Duan 1983)", math.Exp(c.A)) + c.capped()
	}
	return fmt.Sprintf("times %.3g for usual cells to %.3g for the highest predictions (smearing by level)", c.Factor(c.Low), c.Factor(c.High)) + c.capped()
}

// capped says in words that some cells were kept from deciding.
func (c Correction) capped() string {
	switch c.Capped {
	case 0:
		return ""
	case 1:
		return "; one validation cell far above its prediction, such as a power plant, does not decide it"
	}
	return fmt.Sprintf("; %d validation cells far above their predictions, such as power plants, do not decide it", c.Capped)
}

// mostOfAll is the share of the sum of ratios that one cell may have, or, among few cells,
// the share of atLeast cells. Where errors of ln are normal hardly a cell has so much. A power plant that neither image nor
// points tell has a ratio of hundreds; among some fifty cells it alone would multiply the
// total by six (Shenzhen: 235 Mt where 52 are known), and without it nobody knows of it.
const (
	mostOfAll = 0.1
	atLeast   = 8
)

// counted are the ratios [n] as far as they count, for cells of some weight, and how many
// of them are capped.
func (h Held) counted(weight []float64) ([]float64, int) {
	ratio := h.ratios()
	cells := 0.0
	for _, w := range weight {
		cells += w
	}
	share, limit := max(mostOfAll, atLeast/cells), math.Inf(1)
	for range 200 { // falls to where one cell has that share of what is left
		sum := 0.0
		for i, w := range weight {
			sum += w * min(ratio[i], limit)
		}
		if next := share * sum; next < limit*(1-1e-12) {
			limit = next
		} else {
			break
		}
	}
	n, out := 0, ratio
	for i, w := range weight {
		if w > 0 && ratio[i] > limit*(1+1e-9) {
			if n == 0 {
				out = slices.Clone(ratio)
			}
			n, out[i] = n+1, limit
		}
	}
	return out, n
}

// smearing is Duan's estimate (1983, JASA 78, equation 3.2): the mean of
// exp(residual) of cells that the model was not fitted on, of which none is more than
// mostOfAll of the sum.
func smearing(h Held, weight []float64) Correction {
	c := span(h, weight, Smearing)
	ratio, capped := h.counted(weight)
	c.Capped = capped
	sum, n := 0.0, 0.0
	for i, w := range weight {
		sum, n = sum+w*ratio[i], n+w
	}
	c.A = math.Log(sum / n)
	return c
}

// usual cells reach to aboveUsual standard deviations over the mean prediction.
const aboveUsual = 0.5

// shrinkage is how many cells, one standard deviation above the usual ones, would
// outweigh the prior opinion that one factor is enough for all.
const shrinkage = 20

// byLevel lets the smearing factor grow or fall with the prediction f above the
// usual level: the mean of exp(residual) is exp(A + B (max(f, Low) - Center)). Among
// the many usual cells a model is about as right at one level as at another; the few
// large ones, which make up most of a total, it draws toward them. A and B solve the
// equations of a gamma regression with a log link, so that the mean of
// exp(residual)/factor is 1 and has no slope; a cell counts by its ratio, never by
// its tonnes, and one power station does not decide. A ridge penalty on B keeps it
// near 0 where few cells speak, and B is held between -1/2 and 1/2: a prediction
// stays one.
func byLevel(h Held, weight []float64) Correction {
	c := smearing(h, weight)
	ratio, _ := h.counted(weight)
	c.Method = Level
	squares, n := 0.0, 0.0
	for i, w := range weight {
		e := h.Predicted[i] - c.Center
		squares, n = squares+w*e*e, n+w
	}
	sd := math.Sqrt(squares / n)
	c.Low = min(c.High, c.Center+aboveUsual*sd)
	penalty := shrinkage * sd * sd
	x := make([]float64, len(weight))
	for i, f := range h.Predicted {
		x[i] = min(max(f, c.Low), c.High) - c.Center
	}
	for range 50 { // Newton's method on a convex function; a few steps are enough
		var g0, g1, h00, h01, h11 float64
		for i, w := range weight {
			if w == 0 {
				continue
			}
			r := w * ratio[i] * math.Exp(-c.A-c.B*x[i])
			g0, g1 = g0+r-w, g1+(r-w)*x[i]
			h00, h01, h11 = h00+r, h01+r*x[i], h11+r*x[i]*x[i]
		}
		g1, h11 = g1-penalty*c.B, h11+penalty
		det := h00*h11 - h01*h01
		if !(det > 1e-12*h00*h11) { // all predictions are alike: no slope to be had
			break
		}
		da, db := (h11*g0-h01*g1)/det, (h00*g1-h01*g0)/det
		c.A, c.B = c.A+max(-1, min(1, da)), c.B+max(-0.5, min(0.5, db))
		if math.Abs(da)+math.Abs(db) < 1e-12 {
			break
		}
	}
	if c.B != max(-0.5, min(0.5, c.B)) {
		c.B = max(-0.5, min(0.5, c.B))
		sum, n := 0.0, 0.0
		for i, w := range weight {
			if w > 0 {
				sum, n = sum+w*ratio[i]*math.Exp(-c.B*x[i]), n+w
			}
		}
		c.A = math.Log(sum / n)
	}
	return c
}

func span(h Held, weight []float64, method string) Correction {
	c := Correction{Method: method, Low: math.Inf(1), High: math.Inf(-1)}
	n := 0.0
	for i, w := range weight {
		if w > 0 {
			f := h.Predicted[i]
			c.Low, c.High = min(c.Low, f), max(c.High, f)
			c.Center += w * f
			n += w
		}
	}
	c.Center /= n
	return c
}
