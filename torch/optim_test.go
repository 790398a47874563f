package torch_test

import (
	"fmt"
	"math"
	"testing"

	"opencarbon/torch"
)

// optimizers are those of testdata/generate.py, by the same names.
var optimizers = map[string]func([]*torch.Tensor) torch.Optimizer{
	"sgd": func(p []*torch.Tensor) torch.Optimizer { return torch.NewSGD(p, torch.SGDOptions{LearningRate: 0.1}) },
	"sgd-momentum": func(p []*torch.Tensor) torch.Optimizer {
		return torch.NewSGD(p, torch.SGDOptions{LearningRate: 0.1, Momentum: 0.9, WeightDecay: 0.05})
	},
	"adam": func(p []*torch.Tensor) torch.Optimizer {
		return torch.NewAdam(p, torch.AdamOptions{LearningRate: 0.02})
	},
	"adam-decay": func(p []*torch.Tensor) torch.Optimizer {
		return torch.NewAdam(p, torch.AdamOptions{LearningRate: 0.02, Beta1: 0.8, Beta2: 0.95, Eps: 1e-6, WeightDecay: 0.05})
	},
	"adamw": func(p []*torch.Tensor) torch.Optimizer {
		return torch.NewAdamW(p, torch.AdamOptions{LearningRate: 0.02, WeightDecay: 0.05})
	},
}

// TestOptimizers follows PyTorch's trajectories over six steps, one gradient
// missing and the rate halved on the way. The gradients of the four-dimensional
// parameter arrive in the parameter's own layout, in another, or both tensors
// are channels_last: the roads through the update differ, the numbers may not.
// Half way the state moves to a fresh optimizer, as at the resumption of a run.
func TestOptimizers(t *testing.T) {
	golden := readGolden(t, "testdata/optim.safetensors").Arrays
	for name, make := range optimizers {
		for _, layout := range []string{"plain", "gradients channels_last", "all channels_last", "double"} {
			t.Run(name+"/"+layout, func(t *testing.T) {
				run(t, func() {
					var params []*torch.Tensor
					for i := range 3 {
						p := torch.FromArray(golden[fmt.Sprintf("start%d", i)])
						if i == 2 && layout == "all channels_last" {
							p = p.ChannelsLast()
						}
						if layout == "double" {
							p = p.Cast(torch.Float64)
						}
						params = append(params, p.SetRequiresGrad(true))
					}
					o := make(params)
					defer func() { o.Close() }()
					for s := range 6 {
						o.ZeroGrad()
						for i, p := range params {
							g := torch.FromArray(golden[fmt.Sprintf("gradient%d.%d", s, i)]).Cast(p.DType())
							if i == 2 && (layout == "all channels_last" || layout == "gradients channels_last") {
								g = g.ChannelsLast()
							}
							if s != 2 || i != 1 {
								p.SetGrad(g)
							}
						}
						if s == 3 {
							resumed := make(params)
							resumed.LoadState(o.State())
							o.Close()
							o = resumed
							o.SetLearningRate(o.LearningRate() / 2)
						}
						o.Step()
						for i, p := range params {
							near(t, fmt.Sprintf("step %d, parameter %d", s, i), p.Detach().Cast(torch.Float32),
								golden[fmt.Sprintf("%s/%d.%d", name, s, i)], 1e-5)
						}
					}
				})
			})
		}
	}
}

func TestClipGradNorm(t *testing.T) {
	golden := readGolden(t, "testdata/optim.safetensors").Arrays
	run(t, func() {
		var params []*torch.Tensor
		for i := range 3 {
			p := torch.FromArray(golden[fmt.Sprintf("start%d", i)]).SetRequiresGrad(true)
			p.SetGrad(torch.FromArray(golden[fmt.Sprintf("gradient0.%d", i)]))
			params = append(params, p)
		}
		params = append(params, ones(2).SetRequiresGrad(true)) // without a gradient: left alone
		norm := torch.ClipGradNorm(params, 1.5).Item()
		if want := torch.FromArray(golden["clip/norm"]).Item(); math.Abs(norm-want) > 1e-5*want {
			t.Errorf("norm %v, want %v", norm, want)
		}
		for i := range 3 {
			near(t, "gradient", params[i].Grad(), golden[fmt.Sprintf("clip/%d", i)], 1e-5)
		}
		if again := torch.ClipGradNorm(params, 100).Item(); math.Abs(again-1.5) > 1e-4 {
			t.Errorf("after clipping the norm is %v", again)
		}
		if torch.ClipGradNorm(nil, 1).Item() != 0 {
			t.Error("the norm of nothing is not 0")
		}
	})
}

// TestSchedules compares with torch.optim.lr_scheduler.
func TestSchedules(t *testing.T) {
	golden := readGolden(t, "testdata/optim.safetensors").Arrays
	for name, s := range map[string]torch.Schedule{
		"cosine":        torch.Cosine{Epochs: 10, Min: 0.1},
		"cosine-warmup": torch.Cosine{Epochs: 14, Warmup: 4, Min: 0.1},
		"warmup":        torch.Constant{Warmup: 4},
		"plateau":       &torch.Plateau{Decay: 0.5, Patience: 2, Min: 0.2},
	} {
		t.Run(name, func(t *testing.T) {
			var want, figures, got []float64
			run(t, func() {
				want = torch.FromArray(golden["schedule/"+name]).Float64s()
				figures = torch.FromArray(golden["schedule/figures"]).Float64s()
			})
			for e := range want {
				got = append(got, s.Factor(e))
				if p, ok := s.(*torch.Plateau); ok {
					p.Observe(figures[e])
				}
			}
			if e := relative(t, got, want); e > 1e-9 {
				t.Errorf("relative error %.2g\n got %v\nwant %v", e, got, want)
			}
		})
	}
	if f := (torch.Constant{}).Factor(1000); f != 1 {
		t.Errorf("the constant schedule gives %v", f)
	}
	if f := (torch.Cosine{Epochs: 10, Min: 0.1}).Factor(50); math.Abs(f-0.1) > 1e-12 {
		t.Errorf("after its end the cosine gives %v", f)
	}
	p := &torch.Plateau{Decay: 0.5}
	p.Observe(math.NaN())
	p.Observe(-3) // the first figure, though below zero
	if p.Best != -3 || p.Factor(0) != 0.5 {
		t.Errorf("after NaN and -3: %+v", p)
	}
}

// A replayed step is counted for all parameters at once, and only where all have been
// in equally many.
func TestAdvance(t *testing.T) {
	run(t, func() {
		a := torch.Ones(torch.Float32, torch.CPU, 2).SetRequiresGrad(true)
		b := torch.Ones(torch.Float32, torch.CPU, 2).SetRequiresGrad(true)
		adam := torch.NewAdam([]*torch.Tensor{a, b}, torch.AdamOptions{LearningRate: 0.1})
		defer adam.Close()
		r := adam.(torch.Replayable)
		for want := int64(1); want < 4; want++ {
			if n := r.Advance(); n != want || adam.State().Steps[1] != want {
				t.Errorf("step %d is counted as %d, for the second parameter as %d", want, n, adam.State().Steps[1])
			}
		}
		a.Sum().Backward() // b has no part in it
		adam.Step()
		if n := r.Advance(); n != 0 || adam.State().Steps[0] != 4 || adam.State().Steps[1] != 3 {
			t.Errorf("after steps %v: %d", adam.State().Steps, n)
		}
	})
}
