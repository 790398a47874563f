package torch_test

import (
	"math"
	"runtime"
	"strings"
	"testing"

	"opencarbon/torch"
)

func ones(shape ...int) *ten { return torch.Ones(torch.Float32, torch.CPU, shape...) }

func longs(v ...int64) *ten { return torch.FromSlice(v) }

// TestMisuse holds mistakes to one outcome: an *Error that names the operation
// and, where there are operands, their shapes. Each runs in the same process as
// all the others: none may end it.
func TestMisuse(t *testing.T) {
	const huge = math.MaxInt
	grad := func(shape ...int) *ten { return ones(shape...).SetRequiresGrad(true) }
	closed := func() *ten {
		x := ones(2)
		x.Close()
		return x
	}
	for _, c := range []struct {
		name string
		f    func()
		want []string // what the message must hold: the operation first
	}{
		// Shapes.
		{"shapes that do not broadcast", func() { ones(2, 3).Add(ones(4)) }, []string{"add", "[2 3] float32, [4] float32"}},
		{"matrix product", func() { ones(2, 3).MatMul(ones(4, 5)) }, []string{"matmul", "[2 3]", "[4 5]"}},
		{"bmm of matrices", func() { ones(2, 3).BMM(ones(3, 2)) }, []string{"bmm", "[2 3]"}},
		{"conv2d channels", func() { torch.Conv2d(ones(1, 3, 8, 8), ones(4, 2, 3, 3), nil, torch.Conv2dOptions{}) },
			[]string{"conv2d", "[1 3 8 8]", "[4 2 3 3]"}},
		{"conv2d kernel larger than the image", func() { torch.Conv2d(ones(1, 3, 2, 2), ones(4, 3, 5, 5), nil, torch.Conv2dOptions{}) },
			[]string{"conv2d", "[4 3 5 5]"}},
		{"conv2d bias", func() { torch.Conv2d(ones(1, 3, 8, 8), ones(4, 3, 3, 3), ones(5), torch.Conv2dOptions{}) },
			[]string{"conv2d", "[5]"}},
		{"conv2d stride 0", func() {
			torch.Conv2d(ones(1, 3, 8, 8), ones(4, 3, 3, 3), nil, torch.Conv2dOptions{Stride: [2]int{0, 1}})
		}, []string{"conv2d", "[1 3 8 8]"}},
		{"conv2d negative padding", func() {
			torch.Conv2d(ones(1, 3, 8, 8), ones(4, 3, 3, 3), nil, torch.Conv2dOptions{Padding: [2]int{-1, 0}})
		}, []string{"conv2d"}},
		{"conv2d negative groups", func() { torch.Conv2d(ones(1, 3, 8, 8), ones(4, 3, 3, 3), nil, torch.Conv2dOptions{Groups: -2}) },
			[]string{"conv2d", "-2 groups"}},
		{"conv2d groups that do not divide", func() { torch.Conv2d(ones(1, 3, 8, 8), ones(4, 3, 3, 3), nil, torch.Conv2dOptions{Groups: 2}) },
			[]string{"conv2d"}},
		{"linear", func() { torch.Linear(ones(2, 3), ones(4, 5), nil) }, []string{"linear", "[2 3]", "[4 5]", "nil"}},
		{"batch_norm of one value a channel", func() {
			torch.BatchNorm(ones(1, 3), nil, nil, nil, nil, torch.BatchNormOptions{Training: true, Momentum: 0.1, Eps: 1e-5})
		}, []string{"batch_norm", "[1 3]"}},
		{"batch_norm weights", func() {
			torch.BatchNorm(ones(4, 3), ones(2), ones(2), nil, nil, torch.BatchNormOptions{Training: true, Eps: 1e-5})
		}, []string{"batch_norm", "[4 3]", "[2]"}},
		{"batch_norm running statistics", func() {
			torch.BatchNorm(ones(4, 3), nil, nil, ones(5), ones(5), torch.BatchNormOptions{Training: true, Eps: 1e-5})
		}, []string{"batch_norm", "[5]"}},
		{"batch_norm without statistics in eval", func() { torch.BatchNorm(ones(4, 3), nil, nil, nil, nil, torch.BatchNormOptions{Eps: 1e-5}) },
			[]string{"batch_norm", "[4 3]"}},
		{"max_pool2d kernel 0", func() { torch.MaxPool2d(ones(1, 1, 4, 4), 0, 1, 0) }, []string{"max_pool2d", "[1 1 4 4]"}},
		{"max_pool2d stride 0", func() { torch.MaxPool2d(ones(1, 1, 4, 4), 2, 0, 0) }, []string{"max_pool2d"}},
		{"max_pool2d padding", func() { torch.MaxPool2d(ones(1, 1, 4, 4), 2, 1, 9) }, []string{"max_pool2d"}},
		{"conv3x3 filters", func() { torch.Conv3x3(ones(1, 32, 8, 8).ChannelsLast(), ones(32, 32, 5, 5)) }, []string{"conv3x3", "[32 32 5 5]"}},
		{"conv3x3 channels", func() { torch.Conv3x3(ones(1, 64, 8, 8).ChannelsLast(), ones(32, 32, 3, 3)) }, []string{"conv3x3", "[1 64 8 8]"}},
		{"relu_max_pool2d kernel 0", func() { torch.ReLUMaxPool2d(ones(1, 1, 4, 4), 0, 1, 0) }, []string{"relu_max_pool2d", "[1 1 4 4]"}},
		{"relu_max_pool2d stride 0", func() { torch.ReLUMaxPool2d(ones(1, 1, 4, 4), 2, 0, 0) }, []string{"relu_max_pool2d"}},
		{"relu_max_pool2d padding", func() { torch.ReLUMaxPool2d(ones(1, 1, 4, 4), 2, 1, 9) }, []string{"relu_max_pool2d", "padding"}},
		{"relu_max_pool2d kernel beyond the input", func() { torch.ReLUMaxPool2d(ones(1, 2, 4, 4).ChannelsLast(), 9, 1, 0) }, []string{"relu_max_pool2d"}},
		{"relu_max_pool2d of a matrix", func() { torch.ReLUMaxPool2d(ones(4, 4), 2, 2, 0) }, []string{"relu_max_pool2d", "[4 4]"}},
		{"relu_max_pool2d huge kernel", func() { torch.ReLUMaxPool2d(ones(1, 1, 4, 4), huge, 1, 0) }, []string{"relu_max_pool2d"}},
		{"avg_pool2d stride 0", func() { torch.AvgPool2d(ones(1, 1, 4, 4), 2, 0, 0) }, []string{"avg_pool2d", "[1 1 4 4]"}},
		{"avg_pool2d huge kernel", func() { torch.AvgPool2d(ones(1, 1, 4, 4), huge, 1, 0) }, []string{"avg_pool2d"}},
		{"adaptive pooling to a negative size", func() { torch.AdaptiveAvgPool2d(ones(1, 1, 4, 4), -1, 2) }, []string{"adaptive_avg_pool2d"}},
		{"interpolate to nothing", func() { torch.InterpolateNearest(ones(1, 1, 4, 4), 0, 3) }, []string{"interpolate", "[1 1 4 4]"}},
		{"interpolate a matrix", func() { torch.InterpolateBilinear(ones(4, 4), 2, 2, false) }, []string{"interpolate", "[4 4]"}},
		{"channels_last of a matrix", func() { ones(2, 2).ChannelsLast() }, []string{"channels_last", "[2 2]"}},
		{"view", func() { ones(2, 3).View(4, 2) }, []string{"view", "[2 3]"}},
		{"view of a transposed", func() { ones(2, 3).Transpose(0, 1).View(6) }, []string{"view", "[3 2]"}},
		{"reshape with two unknowns", func() { ones(2, 3).Reshape(-1, -1) }, []string{"reshape", "[2 3]"}},
		{"expand", func() { ones(2, 3).Expand(4, 3) }, []string{"expand", "[2 3]"}},
		{"squeeze of a missing dimension", func() { ones(2).Squeeze(3) }, []string{"squeeze", "[2]"}},
		{"permute with a dimension twice", func() { ones(2, 3).Permute(0, 0) }, []string{"permute", "[2 3]"}},
		{"permute with too few", func() { ones(2, 3).Permute(1) }, []string{"permute"}},
		{"permute with none", func() { ones(2, 3).Permute() }, []string{"permute"}},
		{"transpose out of range", func() { ones(2, 3).Transpose(0, 2) }, []string{"transpose"}},
		{"flatten backwards", func() { ones(2, 3).Flatten(1, 0) }, []string{"flatten"}},
		{"flip twice", func() { ones(2, 3).Flip(0, 0) }, []string{"flip"}},
		{"odd padding", func() { ones(2, 3).Pad(1) }, []string{"pad", "[2 3]"}},
		{"cat of nothing", func() { torch.Cat(nil, 0) }, []string{"cat", "no tensors"}},
		{"cat of unlike shapes", func() { torch.Cat(tensors{ones(2, 3), ones(3, 2)}, 0) }, []string{"cat", "[2 3]", "[3 2]"}},
		{"stack of nothing", func() { torch.Stack(nil, 0) }, []string{"stack", "no tensors"}},
		{"stack of unlike shapes", func() { torch.Stack(tensors{ones(2), ones(3)}, 0) }, []string{"stack", "[2]", "[3]"}},
		{"reduction over a missing dimension", func() { ones(2, 3).Sum(torch.Along(2)) }, []string{"sum", "[2 3]"}},
		{"reduction over a dimension twice", func() { ones(2, 3).Mean(torch.Along(0, 0)) }, []string{"mean"}},
		{"reduction with two Overs", func() { ones(2, 3).Sum(torch.Along(0), torch.Along(1)) }, []string{"sum"}},
		{"maximum of nothing", func() { ones(0, 3).AMax(torch.Along(0)) }, []string{"amax", "[0 3]"}},
		{"topk beyond the size", func() { ones(3).TopK(4, 0, true) }, []string{"topk", "[3]"}},
		{"softmax over a missing dimension", func() { ones(3).Softmax(1) }, []string{"softmax", "[3]"}},
		{"size of a missing dimension", func() { ones(3).Size(1) }, []string{"size", "[3]"}},
		{"item of many", func() { ones(2).Item() }, []string{"item", "[2] float32", "2 elements"}},
		{"loss of unlike shapes", func() { torch.MSELoss(ones(4, 1), ones(4), torch.ReduceMean) }, []string{"mse_loss", "[4 1]", "[4]"}},
		{"loss with a made-up reduction", func() { torch.L1Loss(ones(2), ones(2), 9) }, []string{"l1_loss", "9"}},
		{"cross-entropy of an empty batch", func() { torch.CrossEntropy(ones(0, 3), torch.FromSlice([]int64{}, 0)) }, []string{"cross_entropy", "[0 3]"}},

		// Sizes.
		{"negative size", func() { torch.Zeros(torch.Float32, torch.CPU, 2, -1) }, []string{"full", "[2 -1]"}},
		{"2^50 bytes", func() { torch.Zeros(torch.UInt8, torch.CPU, 1<<50) }, []string{"full", "memory"}},
		{"2^50 bytes by arithmetic", func() { ones(1<<25, 1).Expand(1<<25, 1<<25).AddScalar(1) }, []string{"add", "[33554432 33554432]", "memory"}},
		{"more than can be addressed", func() { torch.Zeros(torch.Float64, torch.CPU, 1<<62, 8) }, []string{"full", "too large"}},
		{"more than can be addressed, at random", func() { torch.Normal(0, 1, torch.Float32, torch.CPU, huge, huge) }, []string{"normal", "too large"}},
		{"too many dimensions", func() { torch.Ones(torch.Float32, torch.CPU, make([]int, 17)...) }, []string{"full", "16"}},
		{"slice and shape", func() { torch.FromSlice([]float32{1, 2, 3}, 2, 2) }, []string{"from_slice", "[2 2]", "16 bytes", "12"}},
		{"one number and an absurd shape", func() { torch.FromSlice([]float32{1}, 1<<40) }, []string{"from_slice"}},
		{"narrow beyond the end", func() { ones(4).Narrow(0, 3, 2) }, []string{"narrow", "[4]"}},
		{"slice with step 0", func() { ones(4).SliceDim(0, 0, 4, 0) }, []string{"slice", "[4]"}},
		{"interpolate to an absurd size", func() { torch.InterpolateNearest(ones(1, 1, 4, 4), 1<<31, 1<<31) }, []string{"interpolate"}},
		{"arange without a step", func() { torch.Arange(0, 1, 0, torch.Float32) }, []string{"arange"}},
		{"arange to infinity", func() { torch.Arange(0, math.Inf(1), 1, torch.Float32) }, []string{"arange"}},
		{"permutation of -1", func() { torch.RandPerm(-1) }, []string{"randperm"}},
		{"integers from an empty range", func() { torch.RandInt(3, 3, torch.CPU, 2) }, []string{"randint", "[3, 3)"}},
		{"probability 2", func() { torch.Bernoulli(2, torch.Float32, torch.CPU, 2) }, []string{"bernoulli"}},
		{"negative standard deviation", func() { torch.Normal(0, -1, torch.Float32, torch.CPU, 2) }, []string{"normal"}},
		{"NaN bounds", func() { torch.Uniform(math.NaN(), 1, torch.Float32, torch.CPU, 2) }, []string{"uniform"}},
		{"dropout of 150%", func() { torch.Dropout(ones(2), 1.5, true) }, []string{"dropout", "[2]"}},
		{"thread count", func() { panic(torch.Run(torch.Options{Threads: 1 << 20}, func() {}).(*torch.Error)) }, []string{"run", "1048576"}},

		// Types.
		{"made-up type", func() { torch.Zeros(99, torch.CPU, 2) }, []string{"full", "dtype(99)"}},
		{"cast to a made-up type", func() { ones(2).Cast(9) }, []string{"cast", "dtype(9)", "[2] float32"}},
		{"arange of a made-up type", func() { torch.Arange(0, 1, 1, 77) }, []string{"arange", "dtype(77)"}},
		{"matrix product of types", func() { ones(2, 2).MatMul(ones(2, 2).Cast(torch.Float64)) }, []string{"matmul", "float64"}},
		{"mean of integers", func() { longs(1, 2).Mean() }, []string{"mean", "[2] int64"}},
		{"slice of another type", func() { torch.Slice[int64](ones(2)) }, []string{"slice", "[2] float32", "int64"}},
		{"float index", func() { ones(3, 2).IndexSelect(0, ones(2)) }, []string{"index_select", "[3 2] float32", "[2] float32"}},
		{"number as mask", func() { ones(2).MaskedFill(ones(2), 0) }, []string{"masked_fill", "[2] float32"}},
		{"random integers as normal", func() { torch.Normal(0, 1, torch.Int64, torch.CPU, 2) }, []string{"normal"}},
		{"autocast to integers", func() { torch.Autocast(torch.CPU, torch.Int32, func() {}) }, []string{"autocast", "int32"}},
		{"float in place of integers", func() { longs(1, 2).AddInPlace(ones(2)) }, []string{"add_", "[2] int64", "[2] float32"}},
		{"gradients of integers", func() { longs(1).SetRequiresGrad(true) }, []string{"requires_grad_", "[1] int64"}},

		// Indices.
		{"index_select out of range", func() { ones(3, 2).IndexSelect(0, longs(3)) }, []string{"index_select", "[3 2]"}},
		{"index_select below 0", func() { ones(3, 2).IndexSelect(0, longs(-1)) }, []string{"index_select"}},
		{"gather out of range", func() { ones(3, 2).Gather(0, torch.FromSlice([]int64{3, 0}, 1, 2)) }, []string{"gather", "[3 2]", "[1 2] int64"}},
		{"scatter_add out of range", func() { ones(3).ScatterAdd(0, longs(7), ones(1)) }, []string{"scatter_add", "[3]"}},
		{"scatter_add below 0", func() { ones(3, 4).ScatterAdd(0, torch.FromSlice([]int64{-1, 0}, 1, 2), ones(1, 2)) }, []string{"scatter_add"}},
		{"index_copy out of range", func() { ones(3, 2).IndexCopyInPlace(0, longs(3), ones(1, 2)) }, []string{"index_copy_", "[3 2]"}},
		{"index_copy of unlike shapes", func() { ones(3, 2).IndexCopyInPlace(0, longs(0), ones(1, 3)) }, []string{"index_copy_", "[1 3]"}},
		{"index_add out of range", func() { ones(3, 2).IndexAdd(0, longs(3), ones(1, 2)) }, []string{"index_add", "[3 2]"}},
		{"index_add below 0, one dimension", func() { ones(3).IndexAdd(0, longs(-4), ones(1)) }, []string{"index_add"}},
		{"index_add of unlike shapes", func() { ones(3, 2).IndexAdd(0, longs(0), ones(1, 3)) }, []string{"index_add", "[1 3]"}},
		{"select out of range", func() { ones(3).Select(0, 3) }, []string{"select", "[3]"}},
		{"class out of range", func() { torch.CrossEntropy(ones(2, 3), longs(0, 3)) }, []string{"cross_entropy", "[2 3]", "[2] int64"}},
		{"class -100", func() { torch.CrossEntropy(ones(2, 3), longs(0, -100)) }, []string{"cross_entropy"}},
		{"points outside", func() {
			torch.NewPoints([]int32{0}, []uint16{9}, []uint16{0}, []uint16{0}, []float32{1}, 1, 2, 3, 3, torch.Float32, torch.CPU)
		}, []string{"points", "category 9"}},
		{"points out of order", func() {
			torch.NewPoints([]int32{1, 0}, make([]uint16, 2), make([]uint16, 2), make([]uint16, 2), make([]float32, 2), 2, 2, 3, 3, torch.Float32, torch.CPU)
		}, []string{"points", "order of tiles"}},
		{"points of unlike lengths", func() { torch.NewPoints([]int32{0}, nil, nil, nil, nil, 1, 2, 3, 3, torch.Float32, torch.CPU) },
			[]string{"points", "0 categories"}},
		{"points and another kernel", func() { threePoints().Conv2d(ones(3), ones(4, 2, 3, 3), nil, 1, 0) },
			[]string{"point_conv2d", "[4 2 3 3]", "3 categories"}},
		{"points and a large kernel", func() { threePoints().Conv2d(ones(3), ones(4, 3, 9, 9), nil, 1, 0) },
			[]string{"point_conv2d", "[4 3 9 9]"}},

		// NaN in a target would make every weight NaN one step later.
		{"NaN target", func() { torch.MSELoss(ones(2), torch.FromSlice([]float32{1, float32(math.NaN())}), torch.ReduceSum) },
			[]string{"mse_loss", "[2] float32", "NaN"}},
		{"infinite target", func() { torch.L1Loss(ones(2), torch.FromSlice([]float32{1, float32(math.Inf(-1))}), torch.ReduceSum) },
			[]string{"l1_loss", "infinity"}},

		// Devices.
		{"no such device", func() { ones(2).To(torch.Device{Type: "cuda", Index: 127}) }, []string{"to", "[2] float32"}},
		{"device beyond eight bits", func() { ones(2).To(torch.Device{Type: "cuda", Index: 256}) }, []string{"to", "cuda:256"}},
		{"made on no such device", func() { torch.Zeros(torch.Float32, torch.Device{Type: "cuda", Index: 127}, 2) }, []string{"full"}},
		{"made-up device", func() { ones(2).To(torch.Device{Type: "tpu"}) }, []string{"device", "tpu"}},
		{"parsing a made-up device", func() { torch.ParseDevice("gpu") }, []string{"device", "gpu", "cuda:N"}},
		{"parsing a negative number", func() { torch.ParseDevice("cuda:-1") }, []string{"device", "cuda:-1"}},
		{"parsing an absurd number", func() { torch.ParseDevice("cuda:99999999999999999999") }, []string{"device"}},
		{"parsing an absent device", func() { torch.ParseDevice("cuda:127") }, []string{"device", "cuda:127"}},
		{"parsing a numbered cpu", func() { torch.ParseDevice("cpu:0") }, []string{"device", "cpu:0"}},

		// Closed, nil.
		{"closed tensor", func() { closed().Add(ones(2)) }, []string{"add", "closed tensor, [2] float32"}},
		{"closed operand", func() { ones(2).Add(closed()) }, []string{"add", "[2] float32, closed tensor"}},
		{"closed optional operand", func() { torch.Linear(ones(2, 2), ones(2, 2), closed()) }, []string{"linear", "closed"}},
		{"closed in a list", func() { torch.Cat(tensors{ones(2), closed()}, 0) }, []string{"cat", "closed"}},
		{"double close", func() { closed().Close() }, []string{"close", "closed"}},
		{"double close of a scope", func() {
			s := torch.OpenScope()
			s.Close()
			s.Close()
		}, []string{"scope.close", "already closed"}},
		{"close of no scope", func() { (*torch.Scope)(nil).Close() }, []string{"scope.close"}},
		{"keep in a closed scope", func() {
			s := torch.OpenScope()
			s.Close()
			s.Keep(ones(2))
		}, []string{"scope.keep", "closed"}},
		{"keep of a closed tensor", func() { torch.InScope(func(s *torch.Scope) { s.Keep(closed()) }) }, []string{"scope.keep", "closed"}},
		{"own of a closed tensor", func() { closed().Own() }, []string{"own", "closed"}},
		{"nil receiver", func() { (*ten)(nil).Add(ones(2)) }, []string{"add", "nil"}},
		{"nil operand", func() { ones(2).Mul(nil) }, []string{"mul", "[2] float32, nil"}},
		{"nil in gotorch's operations", func() { torch.Conv2d(nil, nil, nil, torch.Conv2dOptions{}) }, []string{"conv2d", "nil"}},
		{"nil condition", func() { torch.Where(nil, ones(2), ones(2)) }, []string{"where", "nil"}},
		{"nil in a list", func() { torch.Stack(tensors{nil}, 0) }, []string{"stack", "nil"}},
		{"shape of nil", func() { (*ten)(nil).Shape() }, []string{"shape", "nil"}},
		{"value of a closed tensor", func() { closed().Item() }, []string{"item", "closed"}},
		{"used after its scope", func() {
			var x *ten
			torch.InScope(func(*torch.Scope) { x = ones(2) })
			x.Exp()
		}, []string{"exp", "closed"}},
		{"parameters closed before a step", func() {
			p := grad(2)
			o := torch.NewAdam(tensors{p}, torch.AdamOptions{LearningRate: 1})
			defer o.Close()
			p.Close()
			o.Step()
		}, []string{"adam", "closed"}},
		{"optimizer closed before a step", func() {
			o := torch.NewAdam(tensors{grad(2)}, torch.AdamOptions{LearningRate: 1})
			o.Close()
			o.Step()
		}, []string{"adam", "closed"}},
		{"optimizer of nil", func() { torch.NewSGD(tensors{nil}, torch.SGDOptions{}) }, []string{"sgd", "nil"}},

		// Gradients.
		{"backward of a vector", func() { grad(3).MulScalar(2).Backward() }, []string{"backward", "[3]", "scalar"}},
		{"backward without gradients", func() { ones(1).Backward() }, []string{"backward", "[1]", "no gradient"}},
		{"backward in NoGrad", func() {
			x := grad(2)
			torch.NoGrad(func() { x.Sum().Backward() })
		}, []string{"backward"}},
		{"backward twice", func() {
			y := grad(2).Square().Sum()
			y.Backward()
			y.Backward()
		}, []string{"backward", "second time"}},
		{"backward with a gradient of another shape", func() { grad(2).MulScalar(2).BackwardWith(ones(3), false) },
			[]string{"backward", "[2]", "[3]"}},
		{"in place on a leaf", func() { grad(2).AddScalarInPlace(1) }, []string{"add_", "[2] float32", "leaf"}},
		{"relu_ on a leaf", func() { grad(2).ReLUInPlace() }, []string{"relu_", "leaf"}},
		{"overwritten before backward", func() {
			x := grad(2).MulScalar(1)
			y := x.Square().Sum()
			x.FillInPlace(3)
			y.Backward()
		}, []string{"backward", "inplace"}},
		{"no gradients for a result", func() { grad(2).MulScalar(2).SetRequiresGrad(false) }, []string{"requires_grad_", "leaf"}},
		{"gradient of another shape", func() { grad(2).SetGrad(ones(3)) }, []string{"set_grad", "[2]", "[3]"}},
		{"gradient of another type", func() { grad(2).SetGrad(ones(2).Cast(torch.Float64)) }, []string{"set_grad", "float64"}},
		{"clipping to nothing", func() { torch.ClipGradNorm(tensors{grad(2)}, 0) }, []string{"clip_grad_norm", "0"}},
		{"clipping to NaN", func() { torch.ClipGradNorm(tensors{grad(2)}, math.NaN()) }, []string{"clip_grad_norm", "NaN"}},

		// Optimizers and state.
		{"negative learning rate", func() { torch.NewAdam(tensors{grad(2)}, torch.AdamOptions{LearningRate: -1}) }, []string{"adam", "-1"}},
		{"beta of 1", func() { torch.NewAdam(tensors{grad(2)}, torch.AdamOptions{LearningRate: 1, Beta1: 1}) }, []string{"adam"}},
		{"NaN learning rate", func() { torch.NewSGD(tensors{grad(2)}, torch.SGDOptions{LearningRate: math.NaN()}) }, []string{"sgd", "NaN"}},
		{"state of another optimizer", func() {
			a := torch.NewAdam(tensors{grad(2)}, torch.AdamOptions{LearningRate: 1})
			defer a.Close()
			s := torch.NewSGD(tensors{grad(2)}, torch.SGDOptions{LearningRate: 1})
			defer s.Close()
			a.LoadState(s.State())
		}, []string{"adam", "sgd"}},
		{"state of other shapes", func() {
			a := torch.NewAdam(tensors{grad(2)}, torch.AdamOptions{LearningRate: 1})
			defer a.Close()
			b := torch.NewAdam(tensors{grad(3)}, torch.AdamOptions{LearningRate: 1})
			defer b.Close()
			a.LoadState(b.State())
		}, []string{"adam", "[2]", "[3]"}},
		{"state of fewer parameters", func() {
			a := torch.NewAdam(tensors{grad(2), grad(2)}, torch.AdamOptions{LearningRate: 1})
			defer a.Close()
			b := torch.NewAdam(tensors{grad(2)}, torch.AdamOptions{LearningRate: 1})
			defer b.Close()
			a.LoadState(b.State())
		}, []string{"adam", "1 parameters", "2"}},
		{"random state too short", func() { torch.SetRNGState(torch.CPU, []byte{1, 2, 3}) }, []string{"set_rng_state", "[3] uint8"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			run(t, func() { expectError(t, torch.Try(c.f), c.want...) })
		})
	}
}

func expectError(t *testing.T, err error, want ...string) {
	t.Helper()
	e, ok := torch.AsError(err)
	if !ok {
		t.Fatalf("got %v, want an *Error", err)
	}
	if e.Op != want[0] {
		t.Errorf("the error is %s's, want %s: %v", e.Op, want[0], e)
	}
	for _, w := range want[1:] {
		if !strings.Contains(e.Error(), w) {
			t.Errorf("%q is not in: %v", w, e)
		}
	}
	if strings.Contains(e.Error(), "Exception raised from") || strings.Contains(e.Error(), ".so") {
		t.Errorf("the message carries a C++ stack: %v", e)
	}
}

// TestPinWithoutCUDA: page-locked memory is CUDA's to give.
func TestPinWithoutCUDA(t *testing.T) {
	run(t, func() {
		if torch.CUDACount() > 0 {
			t.Skip("there is a CUDA device")
		}
		expectError(t, torch.Try(func() { ones(2).Pin() }), "pin_memory", "[2] float32")
	})
}

// TestOutsideTheEngine: tensor code on a foreign goroutine is refused before
// libtorch's thread-local state can be wrong, and leaves nothing behind.
func TestOutsideTheEngine(t *testing.T) {
	var kept *ten
	for name, f := range map[string]func(x *ten){
		"from_slice": func(*ten) { torch.FromSlice([]float32{1}) }, "add": func(x *ten) { x.Add(x) },
		"linear": func(x *ten) { torch.Linear(x, x, nil) }, "scope": func(*ten) { torch.OpenScope() },
		"own": func(x *ten) { x.Own() }, "close": func(x *ten) { x.Close() }, "full": func(*ten) { ones(2) },
		"grad_mode": func(*ten) { torch.NoGrad(func() {}) }, "autocast": func(*ten) { torch.Autocast(torch.CPU, torch.BFloat16, func() {}) },
		"backward": func(x *ten) { x.Backward() }, "manual_seed": func(*ten) { torch.ManualSeed(1) },
		"cat": func(x *ten) { torch.Cat(tensors{x}, 0) }, "item": func(x *ten) { x.Item() }, "shape": func(x *ten) { x.Shape() },
	} {
		run(t, func() {
			kept = ones(1, 1)
			result := make(chan error)
			go func() { result <- torch.Try(func() { f(kept) }) }()
			err := <-result
			if name == "shape" { // information carries its own name
				name = "info"
			}
			expectError(t, err, name, "outside the engine")
		})
	}
	expectError(t, torch.Try(func() { kept.Exp() }), "exp", "closed")
	if s := kept.String(); s != "Tensor(closed)" {
		t.Error(s)
	}
}

// TestRun: however f ends, the engine is free again and nothing is left.
func TestRun(t *testing.T) {
	before := torch.Live()
	check := func(what string) {
		t.Helper()
		if n := torch.Live(); n != before {
			t.Errorf("%s: %d tensors left", what, n-before)
		}
		run(t, func() { // and the modes are as they should be
			if x := ones(2).SetRequiresGrad(true).MulScalar(2); !x.RequiresGrad() {
				t.Errorf("%s: gradients stayed off", what)
			}
		})
	}
	err := torch.Run(torch.Options{Threads: 1}, func() {
		if torch.Threads() != 1 || torch.Version() == "" {
			t.Errorf("%d threads, version %q", torch.Threads(), torch.Version())
		}
		t.Logf("libtorch %s", torch.Version())
		torch.OpenScope()
		torch.NoGrad(func() { ones(2).Add(ones(3)) })
	})
	expectError(t, err, "add")
	check("an error")

	func() {
		defer func() {
			if p := recover(); p != "foreign" {
				t.Errorf("recovered %v", p)
			}
		}()
		torch.Run(torch.Options{}, func() {
			ones(2)
			torch.OpenScope()
			torch.NoGrad(func() { ones(2); panic("foreign") })
		})
	}()
	check("a foreign panic")

	done := make(chan bool)
	go func() {
		defer close(done)
		torch.Run(torch.Options{}, func() {
			torch.InScope(func(*torch.Scope) { ones(2); runtime.Goexit() })
		})
	}()
	<-done
	check("Goexit")

	run(t, func() {
		outer := ones(2)
		if err := torch.Run(torch.Options{}, func() { ones(3); outer.Add(ones(3)) }); err == nil {
			t.Error("an inner Run swallowed its error")
		}
		if got := outer.AddScalar(1).Sum().Item(); got != 4 {
			t.Errorf("after an inner Run: %v", got)
		}
	})
	check("a Run within a Run")

	// Several goroutines take turns.
	results := make(chan error, 8)
	for range 8 {
		go func() {
			results <- torch.Run(torch.Options{Threads: 1}, func() {
				for range 50 {
					torch.InScope(func(*torch.Scope) { ones(3).Add(ones(3)) })
				}
			})
		}()
	}
	for range 8 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	check("eight goroutines")
}

// TestScopes: who owns what, and for how long.
func TestScopes(t *testing.T) {
	start := torch.Live()
	alive := func(want int) {
		t.Helper()
		if n := torch.Live() - start; n != want {
			t.Errorf("%d tensors alive, want %d", n, want)
		}
	}
	var owned *ten
	if err := torch.Run(torch.Options{Threads: 1}, func() {
		var kept, lost *ten
		torch.InScope(func(s *torch.Scope) {
			kept, lost = ones(2), ones(2)
			torch.InScope(func(*torch.Scope) {
				deep := ones(4)
				s.Keep(kept, deep) // from a scope inside s, too
				alive(3)
			})
			alive(3)
			s.Keep(kept) // already outside: stays there
		})
		alive(2)
		if kept.Closed() || !lost.Closed() {
			t.Errorf("kept closed: %v, lost closed: %v", kept.Closed(), lost.Closed())
		}
		x := ones(2)
		x.Close()
		alive(2)
		inner := torch.OpenScope()
		torch.OpenScope()
		ones(1)
		inner.Close() // and the scope inside it
		alive(2)
		if err := torch.Try(func() { torch.OpenScope(); ones(1); ones(2).Add(ones(3)) }); err == nil {
			t.Error("no error")
		}
		alive(2) // what the failed part opened is closed
		owned = ones(5).Own()
	}); err != nil {
		t.Fatal(err)
	}
	alive(1)
	run(t, func() {
		if owned.Sum().Item() != 5 {
			t.Error("an owned tensor did not survive its Run")
		}
	})
	if err := torch.Run(torch.Options{}, func() { owned.Close() }); err != nil {
		t.Error(err)
	}
	alive(0)
}
