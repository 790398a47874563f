package layers_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/torch/safetensors"
)

// baseRun executes f in the engine and fails the test on an error or a leak.
func baseRun(t *testing.T, f func()) {
	t.Helper()
	before := torch.Live()
	if err := torch.Run(torch.Options{Threads: 1}, f); err != nil {
		t.Fatal(err)
	}
	if n := torch.Live(); n != before {
		t.Fatalf("%d tensors were alive before, %d are after", before, n)
	}
}

// baseNear fails unless max|got-want| is at most tolerance * max|want|.
func baseNear(t *testing.T, what string, got *torch.Tensor, want safetensors.Array, tolerance float64) {
	t.Helper()
	if a, b := fmt.Sprint(got.Shape()), fmt.Sprint(want.Shape); a != b {
		t.Fatalf("%s: shape %s, want %s", what, a, b)
	}
	baseClose(t, what, got.Float64s(), torch.FromArray(want).Float64s(), tolerance)
}

func baseClose(t *testing.T, what string, got, want []float64, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	var difference, scale float64
	for i := range got {
		d := math.Abs(got[i] - want[i])
		if math.IsNaN(d) {
			t.Fatalf("%s: element %d is %v, want %v", what, i, got[i], want[i])
		}
		difference, scale = math.Max(difference, d), math.Max(scale, math.Abs(want[i]))
	}
	if e := difference / math.Max(scale, 1e-6); e > tolerance {
		t.Errorf("%s: relative error %.2g, at most %.0g is allowed", what, e, tolerance)
	}
}

func baseGolden(t *testing.T) safetensors.File {
	t.Helper()
	f, err := safetensors.ReadFile("testdata/base.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestBaseLayers compares the standard layers, forward and backward, with
// torch.nn's. BatchNorm sees two batches in train mode and one in eval mode.
func TestBaseLayers(t *testing.T) {
	golden := baseGolden(t).Arrays
	type forward = func(x *torch.Tensor) []*torch.Tensor
	single := func(f func(*torch.Tensor) *torch.Tensor) forward {
		return func(x *torch.Tensor) []*torch.Tensor { return []*torch.Tensor{f(x)} }
	}
	batchNorm := func(p layers.Path) forward {
		l := layers.NewBatchNorm(p, 4)
		return func(x *torch.Tensor) []*torch.Tensor {
			y, z := l.Forward(x), l.Forward(x.MulScalar(2))
			p.Params().Eval()
			return []*torch.Tensor{y, z, l.Forward(x), l.RunningMean, l.RunningVar, p.Params().Get("num_batches_tracked")}
		}
	}
	for name, make := range map[string]func(layers.Path) forward{
		"Linear": func(p layers.Path) forward {
			return single(layers.NewLinear(p, layers.LinearConfig{In: 5, Out: 4}).Forward)
		},
		"Linear/plain": func(p layers.Path) forward {
			return single(layers.NewLinear(p, layers.LinearConfig{In: 5, Out: 4, NoBias: true}).Forward)
		},
		"Conv2d": func(p layers.Path) forward {
			return single(layers.NewConv2d(p, layers.Conv2dConfig{In: 3, Out: 4, Kernel: 3, Stride: 2, Padding: 1}).Forward)
		},
		"Conv2d/plain": func(p layers.Path) forward {
			return single(layers.NewConv2d(p, layers.Conv2dConfig{In: 3, Out: 4, Kernel: 5, NoBias: true}).Forward)
		},
		"BatchNorm": batchNorm, "BatchNorm/1d": batchNorm,
	} {
		t.Run(name, func(t *testing.T) {
			baseRun(t, func() {
				s := layers.NewParams(torch.CPU)
				defer s.Close()
				f := make(s.Root())
				values := map[string]*torch.Tensor{}
				for i, parameter := range s.ParameterNames() {
					values[parameter] = torch.FromArray(golden[fmt.Sprintf("%s/in%d", name, i+1)])
				}
				if err := s.Load("", values, false); err != nil {
					t.Fatal(err)
				}
				x := torch.FromArray(golden[name+"/in0"]).SetRequiresGrad(true)
				var loss *torch.Tensor
				for j, o := range f(x) {
					baseNear(t, fmt.Sprintf("output %d", j), o, golden[fmt.Sprintf("%s/out%d", name, j)], 1e-5)
					if up, ok := golden[fmt.Sprintf("%s/up%d", name, j)]; ok {
						part := o.Mul(torch.FromArray(up)).Sum()
						if loss == nil {
							loss = part
						} else {
							loss = loss.Add(part)
						}
					}
				}
				loss.Backward()
				for i, p := range append([]*torch.Tensor{x}, s.Parameters()...) {
					baseNear(t, fmt.Sprintf("gradient of input %d", i), p.Grad(), golden[fmt.Sprintf("%s/grad%d", name, i)], 1e-5)
				}
			})
		})
	}
}

// TestInitialValues: the same seed gives PyTorch's initial weights and biases.
func TestInitialValues(t *testing.T) {
	golden := baseGolden(t).Arrays
	for name, make := range map[string]func(layers.Path){
		"Linear": func(p layers.Path) { layers.NewLinear(p, layers.LinearConfig{In: 7, Out: 3}) },
		"Conv2d": func(p layers.Path) { layers.NewConv2d(p, layers.Conv2dConfig{In: 3, Out: 4, Kernel: 5}) },
	} {
		baseRun(t, func() {
			torch.ManualSeed(23)
			s := layers.NewParams(torch.CPU)
			defer s.Close()
			make(s.Root())
			for _, e := range s.Entries() {
				baseNear(t, name+" "+e.Name, e.Tensor.Detach(), golden["init/"+name+"/"+e.Name], 1e-6)
			}
		})
	}
}

// formula makes the numbers of base.py's function of that name.
func formula(i int, shape ...int) []float64 {
	n := 1
	for _, s := range shape {
		n *= s
	}
	out := make([]float64, n)
	for j := range out {
		v := math.Sin((float64(j)+1000*float64(i))*12.9898) * 43758.5453
		out[j] = 2*(v-math.Floor(v)) - 1
	}
	return out
}

// formulaWeights are base.py's weights of ResNet-18.
func formulaWeights(s *layers.Params) map[string]*torch.Tensor {
	values := map[string]*torch.Tensor{}
	for i, e := range s.Entries() {
		shape := e.Tensor.Shape()
		v := torch.FromSlice(formula(i, shape...)).Reshape(shape...)
		switch {
		case len(shape) == 4:
			v = v.MulScalar(math.Sqrt(3) * math.Sqrt(2/float64(shape[0]*shape[2]*shape[3])))
		case strings.HasPrefix(e.Name, "fc"):
			v = v.MulScalar(1 / math.Sqrt(512))
		case strings.HasSuffix(e.Name, "weight"):
			v = v.MulScalar(0.1).AddScalar(1)
		case strings.HasSuffix(e.Name, "bias"):
			v = v.MulScalar(0.1).AddScalar(3)
		case strings.HasSuffix(e.Name, "running_var"):
			v = v.MulScalar(0).AddScalar(1)
		default:
			v = v.MulScalar(0)
		}
		values[e.Name] = v.Cast(e.Tensor.DType())
	}
	return values
}

// sample is base.py's: up to 16 elements and, at the end of the row of 17, which
// zeros fill up, the norm after them.
func sample(x *torch.Tensor) []float64 {
	v := x.Float64s()
	stride := (len(v) + 15) / 16
	var out []float64
	for i := 0; i < len(v); i += stride {
		out = append(out, v[i])
	}
	var squares float64
	for _, f := range v {
		squares += f * f
	}
	out = append(out, math.Sqrt(squares))
	return append(out, make([]float64, 17-len(out))...)
}

// TestResNet18Names: names, order and shapes are torchvision's.
func TestResNet18Names(t *testing.T) {
	f := baseGolden(t)
	baseRun(t, func() {
		s := layers.NewParams(torch.CPU)
		defer s.Close()
		layers.NewResNet18(s.Root(), 1000)
		var got []string
		var deviations []float64
		for _, e := range s.Entries() {
			shape := e.Tensor.Shape()
			got = append(got, e.Name+" "+strings.ReplaceAll(strings.Trim(fmt.Sprint(shape), "[]"), " ", "x"))
			if len(shape) > 1 {
				deviations = append(deviations, e.Tensor.Detach().Var().Sqrt().Item())
			}
		}
		if a, b := strings.Join(got, "\n"), f.Metadata["resnet18"]; a != b {
			t.Errorf("the state dict is\n%s\ntorchvision's is\n%s", a, b)
		}
		// The smallest weight, fc's aside, has 8,192 numbers: chance makes 0.8% of its standard deviation, five times that
		// is allowed.
		want := torch.FromArray(f.Arrays["resnet/init"]).Float64s()
		for i := range want {
			if math.Abs(deviations[i]-want[i]) > 0.04*want[i] {
				t.Errorf("weight %d has a standard deviation of %.4g, torchvision's %.4g", i, deviations[i], want[i])
			}
		}
	})
}

// TestResNet18 follows torchvision's network over three Adam steps from weights
// that both sides compute by one formula: outputs, losses, gradients, weights.
// The reference is float64: ours in float64 must agree to 1e-7, changes of the
// weights included, in float32 to 1e-4.
func TestResNet18(t *testing.T) {
	golden := baseGolden(t).Arrays
	for _, c := range []struct {
		name         string
		dtype        torch.DType
		channelsLast bool
		tolerance    float64
	}{
		{"float64", torch.Float64, false, 1e-7},
		{"float32", torch.Float32, false, 1e-4},
		{"float32 channels_last", torch.Float32, true, 1e-4},
	} {
		t.Run(c.name, func(t *testing.T) {
			baseRun(t, func() {
				s := layers.NewParams(torch.CPU)
				s.DType = c.dtype
				defer s.Close()
				net := layers.NewResNet18(s.Root(), 10)
				if err := s.Load("", formulaWeights(s), true); err != nil {
					t.Fatal(err)
				}
				images := torch.FromSlice(formula(500, 4, 3, 64, 64)).Reshape(4, 3, 64, 64).Cast(c.dtype)
				target := torch.FromSlice(formula(600, 4, 10)).Reshape(4, 10).Cast(c.dtype)
				if c.channelsLast {
					images = images.ChannelsLast()
				}
				s.Eval()
				torch.NoGrad(func() { baseNear(t, "in eval mode", net.Forward(images), golden["resnet/eval"], c.tolerance) })
				s.Train()
				adam := torch.NewAdam(s.Parameters(), torch.AdamOptions{LearningRate: 1e-4, WeightDecay: 5e-3})
				defer adam.Close()
				start := map[*torch.Tensor]*torch.Tensor{}
				for _, p := range s.Parameters() {
					start[p] = p.Detach().Clone()
				}
				for step := range 3 {
					torch.InScope(func(*torch.Scope) {
						adam.ZeroGrad()
						y := net.Forward(images)
						loss := torch.MSELoss(y, target, torch.ReduceMean)
						loss.Backward()
						baseNear(t, fmt.Sprintf("output of step %d", step), y, golden[fmt.Sprintf("resnet/%d/output", step)], c.tolerance)
						baseNear(t, fmt.Sprintf("loss of step %d", step), loss, golden[fmt.Sprintf("resnet/%d/loss", step)], c.tolerance)
						if step == 0 {
							compareRows(t, "gradient of", s, (*torch.Tensor).Grad, golden["resnet/gradients"], c.tolerance)
						}
						adam.Step()
						compareRows(t, fmt.Sprintf("after step %d", step), s, (*torch.Tensor).Detach,
							golden[fmt.Sprintf("resnet/%d/weights", step)], c.tolerance)
						if c.dtype == torch.Float64 { // float32 rounds a change of 1e-4 in a bias of 3 too coarsely
							compareRows(t, fmt.Sprintf("change by step %d of", step), s,
								func(p *torch.Tensor) *torch.Tensor { return p.Detach().Sub(start[p]) },
								golden[fmt.Sprintf("resnet/%d/changes", step)], c.tolerance)
						}
					})
				}
				s.Eval()
				torch.NoGrad(func() { baseNear(t, "trained", net.Forward(images), golden["resnet/trained"], c.tolerance) })
			})
		})
	}
}

func compareRows(t *testing.T, what string, s *layers.Params, of func(*torch.Tensor) *torch.Tensor, want safetensors.Array, tolerance float64) {
	t.Helper()
	rows := torch.FromArray(want).Float64s()
	for i, p := range s.Parameters() {
		baseClose(t, what+" "+s.ParameterNames()[i], sample(of(p)), rows[17*i:17*i+17], tolerance)
	}
}

// TestResNet18Autocast: bf16 with channels_last stays close to float32. Eight
// bits of mantissa through 20 layers: 5% of the largest output.
func TestResNet18Autocast(t *testing.T) {
	baseRun(t, func() {
		s := layers.NewParams(torch.CPU)
		defer s.Close()
		net := layers.NewResNet18(s.Root(), 10)
		if err := s.Load("", formulaWeights(s), true); err != nil {
			t.Fatal(err)
		}
		images := torch.FromSlice(formula(500, 4, 3, 64, 64)).Reshape(4, 3, 64, 64).Cast(torch.Float32)
		plain := net.Forward(images)
		plain.Square().Mean().Backward()
		first := s.Parameters()[0]
		want := first.Grad().Float64s()
		torch.ZeroGrad(s.Parameters())
		var low *torch.Tensor
		torch.Autocast(torch.CPU, torch.BFloat16, func() { low = net.Forward(images.ChannelsLast()).Cast(torch.Float32) })
		baseClose(t, "output", low.Float64s(), plain.Float64s(), 0.05)
		low.Square().Mean().Backward()
		for i, p := range s.Parameters() {
			if g := p.Grad(); g == nil || g.DType() != torch.Float32 || g.IsFinite().All().Item() == 0 {
				t.Errorf("gradient of %s: %v", s.ParameterNames()[i], g)
			}
		}
		// The first layer's gradient has gone through everything: its direction must hold.
		got := first.Grad().Float64s()
		var dot, a, b float64
		for i := range got {
			dot, a, b = dot+got[i]*want[i], a+got[i]*got[i], b+want[i]*want[i]
		}
		if cosine := dot / math.Sqrt(a*b); cosine < 0.9 {
			t.Errorf("the gradients' cosine is %v", cosine)
		}
	})
}

// TestStore: what does not fit is refused by name, and nothing is changed.
func TestStore(t *testing.T) {
	baseRun(t, func() {
		s := layers.NewParams(torch.CPU)
		defer s.Close()
		layers.NewLinear(s.Root().Sub("a", 0), layers.LinearConfig{In: 2, Out: 3})
		layers.NewBatchNorm(s.Root().Sub("b"), 3)
		if got, want := strings.Join(s.ParameterNames(), " "), "a.0.weight a.0.bias b.weight b.bias"; got != want || s.Count() != 15 {
			t.Errorf("%d parameters %s, want %s", s.Count(), got, want)
		}
		before := s.Get("a.0.bias").Detach().Float64s()
		ones := func(shape ...int) *torch.Tensor { return torch.Ones(torch.Float32, torch.CPU, shape...) }
		for _, c := range []struct {
			values map[string]*torch.Tensor
			strict bool
			want   string
		}{
			{map[string]*torch.Tensor{"a.0.bias": ones(3), "a.0.wieght": ones(3, 2)}, false, "surplus a.0.wieght"},
			{map[string]*torch.Tensor{"a.0.bias": ones(3), "a.0.weight": ones(2, 3)}, false, "a.0.weight is [2 3], [3 2] is needed"},
			{map[string]*torch.Tensor{"a.0.bias": ones(3)}, true, "missing a.0.weight, b.bias"},
		} {
			if err := s.Load("", c.values, c.strict); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		}
		if got := s.Get("a.0.bias").Detach().Float64s(); fmt.Sprint(got) != fmt.Sprint(before) {
			t.Errorf("a refused load changed the bias to %v", got)
		}
		if err := s.Load("a.0.", map[string]*torch.Tensor{"bias": ones(3), "weight": ones(3, 2)}, true); err != nil {
			t.Error(err)
		}
		if s.Get("a.0.bias").Detach().Sum().Item() != 3 || s.Get("none") != nil {
			t.Error("the load did nothing")
		}
		if err := torch.Try(func() { s.Root().Sub("b").Parameter("bias", ones(3)) }); err == nil || !strings.Contains(err.Error(), `"b.bias" is taken`) {
			t.Errorf("a name taken twice: %v", err)
		}
	})
}
