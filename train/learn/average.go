package learn

import (
	"opencarbon/layers"
	"opencarbon/torch"
)

// average is the exponential moving average of the parameters over the steps
// (Polyak's averaging; Tarvainen and Valpola, "Mean teachers", NeurIPS 2017):
// validation and saving use it, so that the chosen weights do not hang on the
// last batches.
type average struct {
	decay   float64
	steps   int64
	swapped bool            // the model has the averages, x the trained weights
	x       []*torch.Tensor // in the order of the parameters, owned; nil before the first step
}

// step takes the parameters in. Early on, when there is little to remember, it
// forgets faster.
func (a *average) step(parameters []*torch.Tensor) {
	torch.NoGrad(func() {
		torch.InScope(func(*torch.Scope) {
			if a.x == nil {
				for _, p := range parameters {
					a.x = append(a.x, p.Detach().Clone().Own())
				}
			}
			a.steps++
			d := min(a.decay, float64(1+a.steps)/float64(10+a.steps))
			if len(parameters) > 0 && parameters[0].Device().IsCUDA() {
				torch.Average(a.x, parameters, d)
				return
			}
			for i, p := range parameters {
				a.x[i].MulScalarInPlace(d).AddInPlace(p.Detach().MulScalar(1 - d))
			}
		})
	})
}

func (a *average) close() {
	for _, t := range a.x {
		t.Close()
	}
	a.x = nil
}

// Averaged runs f with the averaged weights in the model, and puts the weights
// that are trained back. Without Options.EMA, or before the first step, it only
// runs f.
func (l *Learner) Averaged(f func() error) error {
	if l.average == nil || l.average.x == nil {
		return f()
	}
	l.swap()
	l.average.swapped = true
	defer func() {
		l.swap()
		l.average.swapped = false
	}()
	return f()
}

// swap exchanges the model's parameters and their averages.
func (l *Learner) swap() {
	torch.NoGrad(func() {
		torch.InScope(func(*torch.Scope) {
			for i, p := range l.Model.Params().Parameters() {
				trained := p.Detach().Clone()
				p.CopyInPlace(l.average.x[i])
				l.average.x[i].CopyInPlace(trained)
			}
		})
	})
}

// Average is the averaged weights by parameter and the number of steps in them,
// nil without; a resumed run needs them.
func (l *Learner) Average() (x layers.Views, steps int64) {
	if l.average == nil || l.average.x == nil || l.average.swapped {
		return nil, 0 // swapped: the model has them itself
	}
	for i, name := range l.Model.Params().ParameterNames() {
		x = append(x, layers.View{Name: name, X: l.average.x[i]})
	}
	return x, l.average.steps
}

// SetAverage copies a saved Average back. It reports whether it fits.
func (l *Learner) SetAverage(saved map[string]*torch.Tensor, steps int64) bool {
	if l.average == nil {
		return false
	}
	names := l.Model.Params().ParameterNames()
	for i, p := range l.Model.Params().Parameters() {
		if s := saved[names[i]]; s == nil || s.Numel() != p.Numel() {
			return false
		}
	}
	l.average.close()
	torch.NoGrad(func() {
		torch.InScope(func(*torch.Scope) {
			for i, p := range l.Model.Params().Parameters() {
				x := p.Detach().Clone().Own()
				x.CopyInPlace(saved[names[i]])
				l.average.x = append(l.average.x, x)
			}
		})
	})
	l.average.steps = steps
	return true
}
