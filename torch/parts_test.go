package torch_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"opencarbon/torch"
)

// Turns run alternately up to each meeting, each in its own scope and mode, and what
// they kept is there afterwards.
func TestTurns(t *testing.T) {
	before := torch.Live()
	run(t, func() {
		var order []string
		hidden, shown := ones(2), ones(2).MulScalar(3)
		out := make([]*ten, 2)
		torch.Turns(2, func(i int, f func()) {
			torch.Exchange(hidden, shown)
			defer torch.Exchange(hidden, shown)
			f()
		}, func(i int, meet func(*ten) *ten) {
			torch.InScope(func(s *torch.Scope) {
				torch.NoGrad(func() {
					order = append(order, fmt.Sprint("a", i))
					got := meet(ones(2).MulScalar(float64(i)))
					if torch.Recording() {
						t.Error("the other's mode was left behind")
					}
					order = append(order, fmt.Sprint("b", i))
					out[i] = got.Add(hidden)
				})
				s.Keep(out[i])
			})
		}, func(xs []*ten) []*ten {
			order = append(order, "join")
			if !torch.Recording() || hidden.Float64s()[0] != 1 {
				t.Error("what is joined is joined within a turn")
			}
			return tensors{xs[1].AddScalar(10), xs[0].AddScalar(20)}
		})
		if got := strings.Join(order, " "); got != "a0 a1 join b0 b1" {
			t.Error(got)
		}
		if a, b := out[0].Float64s()[0], out[1].Float64s()[0]; a != 14 || b != 23 {
			t.Error(a, b)
		}
	})
	// One that fails ends the others, whose deferred calls run.
	for name, second := range map[string]func(meet func(int) *ten){
		"fails":         func(func(int) *ten) { ones(2).Add(ones(3)) },
		"does not meet": func(func(int) *ten) {},
	} {
		left := false
		err := torch.Run(torch.Options{Threads: 1}, func() {
			torch.Turns(2, func(_ int, f func()) { f() }, func(i int, meet func(int) *ten) {
				torch.InScope(func(*torch.Scope) {
					defer func() { left = true }()
					ones(5)
					if i == 1 {
						second(meet)
						return
					}
					meet(i)
					t.Error(name, ": went on")
				})
			}, func([]int) []*ten { return nil })
		})
		if err == nil || !left {
			t.Error(name, err, left)
		}
	}
	if n := torch.Live(); n != before {
		t.Errorf("%d tensors were left", n-before)
	}
}

// partsCase is a batch normalization of rows [6, 3], cut 2, 0, 3, 1, and a loss of all of
// them.
type partsCase struct {
	x, w, b, mean, variance *ten
	o                       torch.BatchNormOptions
}

func newPartsCase() partsCase {
	torch.ManualSeed(4)
	return partsCase{x: torch.Normal(1, 2, torch.Float64, torch.CPU, 6, 3), w: torch.FromSlice([]float64{1.5, 0.5, -1}).SetRequiresGrad(true),
		b: torch.FromSlice([]float64{0, 1, 2}).SetRequiresGrad(true), mean: torch.Zeros(torch.Float64, torch.CPU, 3), variance: torch.Ones(torch.Float64, torch.CPU, 3),
		o: torch.BatchNormOptions{Training: true, Momentum: 0.1, Eps: 1e-5}}
}

func (partsCase) loss(y *ten) *ten { return torch.Normalize(y, 0, 1e-8).Abs().Mul(y).Sum() }

// apart is the case in parts: the loss, the rows and the copies of w and b of each.
func (c partsCase) apart() (loss *ten, xs []*ten, copies [][]*ten) {
	var rows []torch.PartRows
	copies = make([][]*ten, 4)
	for slot, at := range [][2]int{{0, 2}, {2, 2}, {2, 5}, {5, 6}} {
		if at[0] == at[1] {
			continue
		}
		x := c.x.Narrow(0, at[0], at[1]-at[0]).Clone().SetRequiresGrad(true)
		w, b := c.w.Detach().SetRequiresGrad(true), c.b.Detach().SetRequiresGrad(true)
		xs, copies[slot] = append(xs, x), tensors{w, b}
		rows = append(rows, torch.PartRows{X: x, Weight: w, Bias: b, Slot: slot})
	}
	return c.loss(torch.Cat(torch.PartsBatchNorm(nil, rows, 4, c.mean, c.variance, c.o), 0)), xs, copies
}

// In parts batch normalization is what it is of the whole batch, running statistics
// and gradients of the rows too.
func TestPartsBatchNorm(t *testing.T) {
	run(t, func() {
		c := newPartsCase()
		x, mean, variance := c.x.Clone().SetRequiresGrad(true), c.mean.Clone(), c.variance.Clone()
		want := c.loss(torch.BatchNorm(x, c.w, c.b, mean, variance, c.o))
		want.Backward()
		got, xs, _ := c.apart()
		got.Backward()
		grads := make([]*ten, len(xs))
		for i := range xs {
			grads[i] = xs[i].Grad()
		}
		for name, pair := range map[string][2]*ten{"loss": {got, want}, "mean": {c.mean, mean}, "variance": {c.variance, variance}, "rows' gradient": {torch.Cat(grads, 0), x.Grad()}} {
			if d := pair[0].Sub(pair[1]).Abs().AMax().Item(); !(d < 1e-12) {
				t.Errorf("%s is off by %g", name, d)
			}
		}
		one := torch.FromSlice([]float64{1, 2, 3}, 1, 3)
		if torch.Try(func() {
			torch.PartsBatchNorm(nil, []torch.PartRows{{X: one, Weight: c.w, Bias: c.b}}, 1, mean, variance, c.o)
		}) == nil {
			t.Error("one row alone has statistics")
		}
	})
}

// The gradients of the parts' copies come together, on top of what there is; they
// are added as a tree, which of (a+b)+(c+d) and ((a+b)+c)+d is the first.
func TestPartsGradients(t *testing.T) {
	run(t, func() {
		c := newPartsCase()
		x := c.x.Clone()
		c.loss(torch.BatchNorm(x, c.w, c.b, c.mean.Clone(), c.variance.Clone(), c.o)).Backward()
		want := tensors{c.w.Grad().Clone(), c.b.Grad().Clone()}
		loss, _, copies := c.apart() // w and b keep their gradients
		loss.Backward()
		torch.PartsGradients(nil, tensors{c.w, c.b}, copies, []bool{true})
		for i, p := range (tensors{c.w, c.b}) {
			if d := p.Grad().Sub(want[i].MulScalar(2)).Abs().AMax().Item(); !(d < 1e-12) {
				t.Errorf("gradient %d is off by %g", i, d)
			}
		}
		a := torch.Zeros(torch.Float32, torch.CPU, 1).SetRequiresGrad(true)
		sum := func(v ...float64) float64 {
			a.SetGrad(torch.Zeros(torch.Float32, torch.CPU, 1))
			var of [][]*ten
			for _, v := range v {
				leaf := a.Detach().SetRequiresGrad(true)
				leaf.MulScalar(v).Sum().Backward()
				of = append(of, tensors{leaf})
			}
			torch.PartsGradients(nil, tensors{a}, of, []bool{true})
			return a.Grad().Float64s()[0]
		}
		if got := sum(1e8, -1e8, 3, 1e8); got != 1e8 {
			t.Error(got)
		}
		if got := []float64{sum(1e8, 3, -1e8, 3), sum(1e8, -1e8, 3, 4)}; !slices.Equal(got, []float64{0, 7}) {
			t.Error(got)
		}
	})
}
