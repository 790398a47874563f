package torch_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"opencarbon/torch"
	"opencarbon/torch/safetensors"
)

type tensors = []*torch.Tensor

// one, two and three adapt operations with a single result to the table's form.
func one(f func(x *torch.Tensor) *torch.Tensor) func(tensors) tensors {
	return func(in tensors) tensors { return tensors{f(in[0])} }
}

func two(f func(x, y *torch.Tensor) *torch.Tensor) func(tensors) tensors {
	return func(in tensors) tensors { return tensors{f(in[0], in[1])} }
}

func three(f func(x, y, z *torch.Tensor) *torch.Tensor) func(tensors) tensors {
	return func(in tensors) tensors { return tensors{f(in[0], in[1], in[2])} }
}

// reduction takes the three ways of naming dimensions that generate.py uses.
func reduction(f func(t *torch.Tensor, o ...torch.Over) *torch.Tensor) map[string]func(tensors) tensors {
	return map[string]func(tensors) tensors{
		"":         one(func(x *torch.Tensor) *torch.Tensor { return f(x) }),
		"/along":   one(func(x *torch.Tensor) *torch.Tensor { return f(x, torch.Along(0, 2)) }),
		"/keeping": one(func(x *torch.Tensor) *torch.Tensor { return f(x, torch.Keeping(-1)) }),
		"/scalar":  one(func(x *torch.Tensor) *torch.Tensor { return f(x) }),
	}
}

func pairOf(a, b *torch.Tensor) tensors { return tensors{a, b} }

func batchNorm(training bool) func(tensors) tensors {
	return func(in tensors) tensors {
		mean, variance := in[3].Clone(), in[4].Clone()
		y := torch.BatchNorm(in[0], in[1], in[2], mean, variance,
			torch.BatchNormOptions{Training: training, Momentum: 0.1, Eps: 1e-5})
		return tensors{y, mean, variance}
	}
}

func seeded(f func() *torch.Tensor) func(tensors) tensors {
	return func(tensors) tensors {
		torch.ManualSeed(11)
		return tensors{f()}
	}
}

type ten = torch.Tensor

// goldenCases is the Go side of testdata/generate.py, by the same names. The
// part before the slash is the operation checked.
func goldenCases() map[string]func(tensors) tensors {
	cases := map[string]func(tensors) tensors{
		"Neg": one((*ten).Neg), "Abs": one((*ten).Abs), "Abs/int": one((*ten).Abs), "Exp": one((*ten).Exp),
		"Exp/double": one((*ten).Exp), "Log": one((*ten).Log), "Log1p": one((*ten).Log1p), "Sqrt": one((*ten).Sqrt),
		"Rsqrt": one((*ten).Rsqrt), "Square": one((*ten).Square), "Sign": one((*ten).Sign), "Floor": one((*ten).Floor),
		"Round": one((*ten).Round), "ReLU": one((*ten).ReLU), "Sigmoid": one((*ten).Sigmoid),
		"Sigmoid/large": one((*ten).Sigmoid), "Tanh": one((*ten).Tanh), "GELU": one((*ten).GELU),
		"Softplus": one((*ten).Softplus), "Softplus/large": one((*ten).Softplus), "Sin": one((*ten).Sin),
		"Cos": one((*ten).Cos), "IsNaN": one((*ten).IsNaN), "IsFinite": one((*ten).IsFinite),
		"LogicalNot":     one((*ten).LogicalNot),
		"LeakyReLU":      one(func(x *ten) *ten { return torch.LeakyReLU(x, 0.2) }),
		"Clamp":          one(func(x *ten) *ten { return x.Clamp(-0.5, 0.75) }),
		"ReLUInPlace":    one(func(x *ten) *ten { return x.Clone().ReLUInPlace() }),
		"SigmoidInPlace": one(func(x *ten) *ten { return x.Clone().SigmoidInPlace() }),
		"TanhInPlace":    one(func(x *ten) *ten { return x.Clone().TanhInPlace() }),

		"Add": two((*ten).Add), "Add/broadcast": two((*ten).Add), "Add/scalar": two((*ten).Add), "Add/int": two((*ten).Add),
		"Add/promoted": two((*ten).Add), "Sub": two((*ten).Sub), "Sub/broadcast": two((*ten).Sub), "Mul": two((*ten).Mul),
		"Mul/broadcast": two((*ten).Mul), "Div": two((*ten).Div), "Div/broadcast": two((*ten).Div), "Div/int": two((*ten).Div),
		"Pow": two((*ten).Pow), "Maximum": two((*ten).Maximum), "Minimum": two((*ten).Minimum),
		"Eq": two((*ten).Eq), "Ne": two((*ten).Ne), "Lt": two((*ten).Lt), "Le": two((*ten).Le), "Gt": two((*ten).Gt), "Ge": two((*ten).Ge),
		"EqScalar":   one(func(x *ten) *ten { return x.EqScalar(1) }),
		"NeScalar":   one(func(x *ten) *ten { return x.NeScalar(1) }),
		"LtScalar":   one(func(x *ten) *ten { return x.LtScalar(1) }),
		"LeScalar":   one(func(x *ten) *ten { return x.LeScalar(1) }),
		"GtScalar":   one(func(x *ten) *ten { return x.GtScalar(1) }),
		"GeScalar":   one(func(x *ten) *ten { return x.GeScalar(1) }),
		"LogicalAnd": two((*ten).LogicalAnd), "LogicalOr": two((*ten).LogicalOr),
		"AddScalar": one(func(x *ten) *ten { return x.AddScalar(1.5) }), "AddScalar/int": one(func(x *ten) *ten { return x.AddScalar(2) }),
		"SubScalar": one(func(x *ten) *ten { return x.SubScalar(1.5) }),
		"MulScalar": one(func(x *ten) *ten { return x.MulScalar(1.5) }), "MulScalar/int": one(func(x *ten) *ten { return x.MulScalar(3) }),
		"DivScalar":        one(func(x *ten) *ten { return x.DivScalar(1.5) }),
		"PowScalar":        one(func(x *ten) *ten { return x.PowScalar(2.5) }),
		"AddInPlace":       two(func(x, y *ten) *ten { return x.Clone().AddInPlace(y) }),
		"SubInPlace":       two(func(x, y *ten) *ten { return x.Clone().SubInPlace(y) }),
		"MulInPlace":       two(func(x, y *ten) *ten { return x.Clone().MulInPlace(y) }),
		"DivInPlace":       two(func(x, y *ten) *ten { return x.Clone().DivInPlace(y) }),
		"AddScalarInPlace": one(func(x *ten) *ten { return x.Clone().AddScalarInPlace(1.5) }),
		"MulScalarInPlace": one(func(x *ten) *ten { return x.Clone().MulScalarInPlace(1.5) }),
		"FillInPlace":      one(func(x *ten) *ten { return x.Clone().FillInPlace(1.5) }),
		"CopyInPlace": two(func(x, y *ten) *ten {
			c := x.Clone()
			c.CopyInPlace(y)
			return c
		}),
		"Where":      three(torch.Where),
		"MaskedFill": two(func(x, m *ten) *ten { return x.MaskedFill(m, -2) }),

		"AMax/ties":       one(func(x *ten) *ten { return x.AMax(torch.Along(0)) }),
		"LogSumExp/large": one(func(x *ten) *ten { return x.LogSumExp(torch.Along(1)) }),
		"Sum/int":         one(func(x *ten) *ten { return x.Sum() }),
		"Var":             one(func(x *ten) *ten { return x.Var(torch.Along(1)) }),
		"VarBiased":       one(func(x *ten) *ten { return x.VarBiased(torch.Along(1)) }),
		"Norm":            one(func(x *ten) *ten { return x.Norm(2, torch.Along(1)) }),
		"Norm/all":        one(func(x *ten) *ten { return x.Norm(2) }),
		"Norm/one":        one(func(x *ten) *ten { return x.Norm(1, torch.Along(0)) }),
		"Any":             one(func(x *ten) *ten { return x.Any() }),
		"Any/along":       one(func(x *ten) *ten { return x.Any(torch.Along(1)) }),
		"Any/empty":       one(func(x *ten) *ten { return x.Any(torch.Along(0)) }),
		"All":             one(func(x *ten) *ten { return x.All() }),
		"All/along":       one(func(x *ten) *ten { return x.All(torch.Along(1)) }),
		"All/empty":       one(func(x *ten) *ten { return x.All(torch.Along(0)) }),
		"Max":             func(in tensors) tensors { return pairOf(in[0].Max(1, false)) },
		"Min":             func(in tensors) tensors { return pairOf(in[0].Min(0, true)) },
		"Sort":            func(in tensors) tensors { return pairOf(in[0].Sort(1, false)) },
		"Sort/descending": func(in tensors) tensors { return pairOf(in[0].Sort(0, true)) },
		"TopK":            func(in tensors) tensors { return pairOf(in[0].TopK(2, 1, true)) },
		"TopK/smallest":   func(in tensors) tensors { return pairOf(in[0].TopK(2, 0, false)) },
		"ArgMax":          one(func(x *ten) *ten { return x.ArgMax(1, false) }),
		"Softmax":         one(func(x *ten) *ten { return x.Softmax(1) }),
		"LogSoftmax":      one(func(x *ten) *ten { return x.LogSoftmax(-1) }),
		"CumSum":          one(func(x *ten) *ten { return x.CumSum(1) }),

		"View":               one(func(x *ten) *ten { return x.View(3, -1) }),
		"Reshape":            one(func(x *ten) *ten { return x.Reshape(4, 3) }),
		"Reshape/transposed": one(func(x *ten) *ten { return x.Transpose(0, 1).Reshape(2, 6) }),
		"Expand":             one(func(x *ten) *ten { return x.Expand(4, -1, 3) }),
		"Squeeze":            one(func(x *ten) *ten { return x.Squeeze(1) }),
		"Unsqueeze":          one(func(x *ten) *ten { return x.Unsqueeze(-1) }),
		"Select":             one(func(x *ten) *ten { return x.Select(1, 2) }),
		"Narrow":             one(func(x *ten) *ten { return x.Narrow(1, 1, 2) }),
		"SliceDim":           one(func(x *ten) *ten { return x.SliceDim(1, 1, 6, 2) }),
		"Flip":               one(func(x *ten) *ten { return x.Flip(0, 2) }),
		"Pad":                one(func(x *ten) *ten { return x.Pad(1, 2, 0, 1) }),
		"Diagonal":           one(func(x *ten) *ten { return x.Diagonal(1) }),
		"Tril":               one(func(x *ten) *ten { return x.Tril(-1) }),
		"Triu":               one(func(x *ten) *ten { return x.Triu(1) }),
		"Permute":            one(func(x *ten) *ten { return x.Permute(2, 0, 1) }),
		"Transpose":          one(func(x *ten) *ten { return x.Transpose(-1, 0) }),
		"Flatten":            one(func(x *ten) *ten { return x.Flatten(1, -1) }),
		"Cat":                func(in tensors) tensors { return tensors{torch.Cat(in, 1)} },
		"Stack":              func(in tensors) tensors { return tensors{torch.Stack(in, 1)} },
		"Contiguous":         one(func(x *ten) *ten { return x.Transpose(0, 1).Contiguous() }),
		"ChannelsLast":       one((*ten).ChannelsLast),
		"Clone":              one((*ten).Clone),
		"Detach":             one((*ten).Detach),
		"Cast":               one(func(x *ten) *ten { return x.Cast(torch.Float64) }),
		"Cast/int":           one(func(x *ten) *ten { return x.Cast(torch.Int32) }),

		"IndexSelect":      two(func(x, i *ten) *ten { return x.IndexSelect(0, i) }),
		"Gather":           two(func(x, i *ten) *ten { return x.Gather(1, i) }),
		"Gather/rows":      two(func(x, i *ten) *ten { return x.Gather(0, i) }),
		"ScatterAdd":       three(func(x, i, s *ten) *ten { return x.ScatterAdd(1, i, s) }),
		"IndexAdd":         three(func(x, i, s *ten) *ten { return x.IndexAdd(0, i, s) }),
		"IndexCopyInPlace": three(func(x, i, s *ten) *ten { return x.Clone().IndexCopyInPlace(0, i, s) }),

		"MatMul": two((*ten).MatMul), "MatMul/vectors": two((*ten).MatMul), "MatMul/batch": two((*ten).MatMul),
		"BMM":          two((*ten).BMM),
		"Linear":       three(torch.Linear),
		"Linear/plain": two(func(x, w *ten) *ten { return torch.Linear(x, w, nil) }),
		"Conv2d":       three(func(x, w, b *ten) *ten { return torch.Conv2d(x, w, b, torch.Conv2dOptions{Padding: [2]int{1, 1}}) }),
		"Conv2d/stride": two(func(x, w *ten) *ten {
			return torch.Conv2d(x, w, nil, torch.Conv2dOptions{Stride: [2]int{3, 2}, Padding: [2]int{3, 1}})
		}),
		"Conv2d/dilation": three(func(x, w, b *ten) *ten { return torch.Conv2d(x, w, b, torch.Conv2dOptions{Dilation: [2]int{2, 2}}) }),
		"Conv2d/groups":   three(func(x, w, b *ten) *ten { return torch.Conv2d(x, w, b, torch.Conv2dOptions{Groups: 2}) }),
		"BatchNorm/train": batchNorm(true), "BatchNorm/eval": batchNorm(false),
		"BatchNorm/1d/train": batchNorm(true), "BatchNorm/1d/eval": batchNorm(false),
		"BatchNorm/plain": one(func(x *ten) *ten {
			return torch.BatchNorm(x, nil, nil, nil, nil, torch.BatchNormOptions{Training: true, Momentum: 0.1, Eps: 1e-5})
		}),
		"ReLUMaxPool2d":               one(func(x *ten) *ten { return torch.ReLUMaxPool2d(x, 3, 2, 1) }),
		"ReLUMaxPool2d/channels_last": one(func(x *ten) *ten { return torch.ReLUMaxPool2d(x.ChannelsLast(), 3, 2, 1) }),
		"MaxPool2d":                   one(func(x *ten) *ten { return torch.MaxPool2d(x, 3, 2, 1) }),
		"AvgPool2d":                   one(func(x *ten) *ten { return torch.AvgPool2d(x, 3, 2, 1) }),
		"AdaptiveAvgPool2d":           one(func(x *ten) *ten { return torch.AdaptiveAvgPool2d(x, 2, 3) }),
		"InterpolateNearest":          one(func(x *ten) *ten { return torch.InterpolateNearest(x, 5, 3) }),
		"InterpolateBilinear":         one(func(x *ten) *ten { return torch.InterpolateBilinear(x, 5, 3, false) }),
		"InterpolateBilinear/corners": one(func(x *ten) *ten { return torch.InterpolateBilinear(x, 5, 3, true) }),
		"Dropout/eval":                one(func(x *ten) *ten { return torch.Dropout(x, 0.5, false) }),
		"Dropout/none":                one(func(x *ten) *ten { return torch.Dropout(x, 0, true) }),
		"Normalize":                   one(func(x *ten) *ten { return torch.Normalize(x, 1, 1e-12) }),
		"Normalize/zero":              one(func(x *ten) *ten { return torch.Normalize(x, 0, 1e-3) }),
		"CrossEntropy":                two(torch.CrossEntropy),
		"NewPoints/dense":             func(tensors) tensors { return tensors{threePoints().Dense()} },
		"NewPoints/mean":              func(tensors) tensors { return tensors{threePoints().ChannelMean()} },
		"NewPoints/conv": two(func(w, b *ten) *ten {
			p := threePoints()
			return p.Conv2d(p.Count, w, b, 2, 1)
		}),
		"Conv2dGathered": two(func(w, b *ten) *ten {
			p := threePoints()
			return p.Conv2dGathered(p.Count, w, b, 2, 1)
		}),
		"Conv2dGathered/wide": one(func(w *ten) *ten {
			p := threePoints()
			return p.Conv2dGathered(p.Count, w, nil, 3, 3)
		}),
		"NewPoints/scaled": two(func(s, w *ten) *ten {
			p := threePoints()
			return p.Conv2d(p.Scaled(s), w, nil, 1, 1)
		}),

		"Arange":    seeded(func() *ten { return torch.Arange(-1, 2, 0.25, torch.Float32) }),
		"Uniform":   seeded(func() *ten { return torch.Uniform(-2, 3, torch.Float32, torch.CPU, 5, 7) }),
		"Normal":    seeded(func() *ten { return torch.Normal(1, 2, torch.Float32, torch.CPU, 5, 7) }),
		"Bernoulli": seeded(func() *ten { return torch.Bernoulli(0.3, torch.Float32, torch.CPU, 5, 7) }),
		"RandInt":   seeded(func() *ten { return torch.RandInt(-3, 9, torch.CPU, 5, 7) }),
		"RandPerm":  seeded(func() *ten { return torch.RandPerm(9) }),
	}
	for name, f := range map[string]func(*ten, ...torch.Over) *ten{"Sum": (*ten).Sum, "Mean": (*ten).Mean, "AMax": (*ten).AMax,
		"AMin": (*ten).AMin, "LogSumExp": (*ten).LogSumExp} {
		for variant, g := range reduction(f) {
			cases[name+variant] = g
		}
	}
	for name, f := range map[string]func(x, y *ten, r torch.Reduction) *ten{"L1Loss": torch.L1Loss, "MSELoss": torch.MSELoss,
		"SmoothL1Loss": torch.SmoothL1Loss} {
		for variant, r := range map[string]torch.Reduction{"none": torch.ReduceNone, "mean": torch.ReduceMean, "sum": torch.ReduceSum} {
			cases[name+"/"+variant] = two(func(x, y *ten) *ten { return f(x, y, r) })
		}
	}
	return cases
}

// TestGolden compares every operation, forward and backward, with PyTorch.
func TestGolden(t *testing.T) {
	golden := readGolden(t, "testdata/ops.safetensors")
	cases := goldenCases()
	made := map[string]bool{}
	for name := range golden.Arrays {
		made[name[:strings.LastIndex(name, "/")]] = true
	}
	for name := range made {
		if cases[name] == nil {
			t.Errorf("testdata/ops.safetensors has the case %q, the table here has not", name)
		}
	}
	for name, f := range cases {
		t.Run(name, func(t *testing.T) {
			if !made[name] {
				t.Fatalf("testdata/ops.safetensors has no case %q; extend generate.py", name)
			}
			run(t, func() { checkGolden(t, golden.Arrays, name, f) })
		})
	}
}

func checkGolden(t *testing.T, golden map[string]safetensors.Array, name string, f func(tensors) tensors) {
	var in tensors
	for i := 0; ; i++ {
		a, ok := golden[fmt.Sprintf("%s/in%d", name, i)]
		if !ok {
			break
		}
		x := torch.FromArray(a)
		if _, ok := golden[fmt.Sprintf("%s/grad%d", name, i)]; ok {
			x.SetRequiresGrad(true)
		}
		in = append(in, x)
	}
	out := f(in)
	var loss *torch.Tensor
	for j, o := range out {
		want, ok := golden[fmt.Sprintf("%s/out%d", name, j)]
		if !ok {
			t.Fatalf("output %d is not in the golden file", j)
		}
		near(t, fmt.Sprintf("output %d", j), o, want, 1e-5)
		if up, ok := golden[fmt.Sprintf("%s/up%d", name, j)]; ok {
			part := o.Mul(torch.FromArray(up)).Sum()
			if loss == nil {
				loss = part
			} else {
				loss = loss.Add(part)
			}
		}
	}
	if loss == nil {
		return
	}
	loss.Backward()
	for i, x := range in {
		want, ok := golden[fmt.Sprintf("%s/grad%d", name, i)]
		switch g := x.Grad(); {
		case ok && g == nil:
			t.Errorf("input %d got no gradient", i)
		case ok:
			near(t, fmt.Sprintf("gradient of input %d", i), g, want, 1e-5)
		}
	}
}

// threePoints are two at one place of tile 0 and one in tile 1, of [2 3 4 5].
func threePoints() *torch.Points {
	return torch.NewPoints([]int32{0, 0, 1}, []uint16{1, 1, 2}, []uint16{2, 2, 3}, []uint16{3, 3, 4}, []float32{1.5, 1, 2},
		2, 3, 4, 5, torch.Float32, torch.CPU)
}

// notGolden are the exported functions that compute nothing to be compared with
// PyTorch, and the tests that hold them instead.
var notGolden = map[string]string{
	"Run": "TestRun", "Try": "TestScopes", "OpenScope": "TestScopes", "InScope": "TestScopes", "Own": "TestScopes", "Close": "TestScopes",
	"Closed": "TestScopes", "Live": "TestScopes", "NoGrad": "TestModes", "EnableGrad": "TestModes", "Autocast": "TestAutocast",
	"FastBFloat16": "TestFastBFloat16", "Deterministic": "TestDeterministic", "PoolMemory": "TestPoolMemory", "Version": "TestRun", "Threads": "TestRun", "AsError": "TestMisuse",
	"SetRequiresGrad": "TestGolden", "Backward": "TestGolden", "BackwardWith": "TestBackward", "Grad": "TestGolden", "SetGrad": "TestOptimizers",
	"ZeroGrad": "TestBackward", "ClipGradNorm": "TestClipGradNorm", "To": "TestTensor", "Pin": "TestPinWithoutCUDA",
	"GraphsAvailable": "TestGraph", "NCCLAvailable": "TestNCCLAvailable", "Capture": "TestGraph", "PointsOf": "TestPointsOf", "CopyAsync": "TestGraph", "Average": "TestAverage",
	"FromSlice": "TestRoundTrip", "FromBytes": "TestRoundTrip", "Slice": "TestRoundTrip", "Bytes": "TestRoundTrip",
	"Float32s": "TestRoundTrip", "Float64s": "TestRoundTrip", "Int64s": "TestRoundTrip", "FromArray": "TestGolden", "ToArray": "TestGolden",
	"Scalar": "TestTensor", "Full": "TestTensor", "Zeros": "TestTensor", "Ones": "TestTensor", "Shape": "TestTensor", "Strides": "TestTensor",
	"Dims": "TestTensor", "Size": "TestTensor", "Numel": "TestTensor", "DType": "TestTensor", "Device": "TestTensor",
	"RequiresGrad": "TestTensor", "IsLeaf": "TestTensor", "IsContiguous": "TestTensor", "IsChannelsLast": "TestTensor",
	"String": "TestTensor", "Item": "TestTensor", "Equal": "TestTensor", "CUDACount": "TestParseDevice", "ParseDevice": "TestParseDevice",
	"ManualSeed": "TestRandomState", "RNGState": "TestRandomState", "SetRNGState": "TestRandomState", "Along": "TestGolden",
	"Conv3x3": "TestConv3x3", "GroupAvailable": "TestGroup", "NewGroup": "TestGroup",
	"Keeping": "TestGolden", "NewAdam": "TestOptimizers", "NewAdamW": "TestOptimizers", "NewSGD": "TestOptimizers",
	"LoopThreads": "TestLoopsTakeAllThreads", "Recording": "TestModes", "Turns": "TestTurns", "Exchange": "TestTurns",
	"PartsBatchNorm": "TestPartsBatchNorm", "PartsGradients": "TestPartsGradients",
}

// TestEveryOperationIsCovered fails when an exported function or Tensor method
// has neither a golden case nor a test named for it.
func TestEveryOperationIsCovered(t *testing.T) {
	covered := map[string]bool{}
	for name := range goldenCases() {
		op, _, _ := strings.Cut(name, "/")
		covered[op] = true
	}
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatal("no sources here: ", err)
	}
	var exported []string
	tests := map[string]bool{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			switch {
			case !ok:
			case strings.HasSuffix(name, "_test.go"):
				tests[f.Name.Name] = true
			case f.Name.IsExported() && (f.Recv == nil || receiver(f) == "Tensor"):
				exported = append(exported, f.Name.Name)
			}
		}
	}
	slices.Sort(exported)
	for _, name := range exported {
		if test := notGolden[name]; !covered[name] && test == "" {
			t.Errorf("%s has no golden case: add one to testdata/generate.py and to goldenCases", name)
		} else if test != "" && !tests[test] {
			t.Errorf("%s is said to be held by %s, which does not exist", name, test)
		}
	}
	for name := range notGolden {
		if !slices.Contains(exported, name) {
			t.Errorf("%s is listed but does not exist", name)
		}
	}
}

func receiver(f *ast.FuncDecl) string {
	e := f.Recv.List[0].Type
	if s, ok := e.(*ast.StarExpr); ok {
		e = s.X
	}
	if i, ok := e.(*ast.Ident); ok {
		return i.Name
	}
	return ""
}
