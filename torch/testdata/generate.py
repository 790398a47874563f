"""Makes the golden arrays of package torch with PyTorch. Run with Debian's Python in this folder:

    /usr/bin/python3 generate.py

A case is named after the Go operation it checks ("Add/broadcast" checks Tensor.Add); golden_test.go holds the Go side of
each and refuses an operation without a case.
"""
import numpy as np
import torch
import torch.nn.functional as F

from golden import Cases, write

torch.set_num_threads(1)
rng = np.random.default_rng(7)


def n(*shape):
    return rng.standard_normal(shape).astype(np.float32)


def positive(*shape):
    return (rng.random(shape) + 0.25).astype(np.float32)


def apart(*shape):
    """Numbers without ties, so that maxima and orders are unique."""
    return (rng.permutation(int(np.prod(shape))).reshape(shape) / 4 - 1).astype(np.float32)


def whole(low, high, *shape):
    return rng.integers(low, high, shape).astype(np.int64)


c = Cases()

# Elementwise, one tensor.
for name, f, a in [
        ("Neg", torch.neg, n(2, 3)), ("Abs", torch.abs, n(2, 3)), ("Exp", torch.exp, n(2, 3)),
        ("Log", torch.log, positive(2, 3)), ("Log1p", torch.log1p, positive(2, 3)), ("Sqrt", torch.sqrt, positive(2, 3)),
        ("Rsqrt", torch.rsqrt, positive(2, 3)), ("Square", torch.square, n(2, 3)), ("Sign", torch.sign, n(2, 3)),
        ("Floor", torch.floor, 3 * n(2, 3)), ("Round", torch.round, 3 * n(2, 3)), ("ReLU", torch.relu, n(3, 4)),
        ("Sigmoid", torch.sigmoid, n(3, 4)), ("Tanh", torch.tanh, n(3, 4)), ("GELU", F.gelu, n(3, 4)),
        ("Softplus", F.softplus, n(3, 4)), ("Sin", torch.sin, n(3, 4)), ("Cos", torch.cos, n(3, 4)),
        ("LeakyReLU", lambda x: F.leaky_relu(x, 0.2), n(3, 4)), ("Clamp", lambda x: x.clamp(-0.5, 0.75), n(3, 4)),
        ("Sigmoid/large", torch.sigmoid, np.array([-200, -30, 0, 30, 200], np.float32)),
        ("Softplus/large", F.softplus, np.array([-200, -30, 0, 30, 200], np.float32)),
        ("Exp/double", torch.exp, n(2, 3).astype(np.float64)), ("Abs/int", torch.abs, whole(-9, 9, 2, 3))]:
    c.add(name, f, a)
odd = np.array([1, np.nan, -np.inf, np.inf, 0], np.float32)
c.add("IsNaN", torch.isnan, odd)
c.add("IsFinite", torch.isfinite, odd)
c.add("LogicalNot", torch.logical_not, np.array([True, False]))
c.add("ReLUInPlace", lambda x: x.clone().relu_(), n(3, 4))
c.add("SigmoidInPlace", lambda x: x.clone().sigmoid_(), n(3, 4))
c.add("TanhInPlace", lambda x: x.clone().tanh_(), n(3, 4))

# Elementwise, two tensors.
for name, f in [("Add", torch.add), ("Sub", torch.sub), ("Mul", torch.mul), ("Div", torch.div)]:
    c.add(name, f, n(2, 3), positive(2, 3))
    c.add(name + "/broadcast", f, n(2, 1, 3), positive(4, 1))
c.add("Add/scalar", torch.add, n(2, 3), np.float32(1.5).reshape(()))
c.add("Add/int", torch.add, whole(-9, 9, 2, 3), whole(-9, 9, 3))
c.add("Add/promoted", torch.add, n(2, 3), whole(-9, 9, 3))
c.add("Div/int", torch.div, whole(-9, 9, 4), whole(1, 9, 4))
c.add("Pow", torch.pow, positive(2, 3), n(2, 3))
c.add("Maximum", torch.maximum, n(2, 3), n(2, 3))
c.add("Minimum", torch.minimum, n(2, 3), n(2, 3))
for name, f in [("Eq", torch.eq), ("Ne", torch.ne), ("Lt", torch.lt), ("Le", torch.le), ("Gt", torch.gt), ("Ge", torch.ge)]:
    c.add(name, f, whole(0, 3, 3, 4), whole(0, 3, 4))
    c.add(name + "Scalar", lambda x, f=f: f(x, 1), whole(0, 3, 3, 4))
flags = np.array([True, True, False, False]), np.array([True, False, True, False])
c.add("LogicalAnd", torch.logical_and, *flags)
c.add("LogicalOr", torch.logical_or, *flags)
c.add("AddScalar", lambda x: x + 1.5, n(2, 3))
c.add("AddScalar/int", lambda x: x + 2, whole(0, 9, 3))
c.add("SubScalar", lambda x: x - 1.5, n(2, 3))
c.add("MulScalar", lambda x: x * 1.5, n(2, 3))
c.add("MulScalar/int", lambda x: x * 3, np.array([1, 2, 3], np.int32))
c.add("DivScalar", lambda x: x / 1.5, n(2, 3))
c.add("PowScalar", lambda x: x ** 2.5, positive(2, 3))
c.add("AddInPlace", lambda x, y: x.clone().add_(y), n(2, 3), n(3))
c.add("SubInPlace", lambda x, y: x.clone().sub_(y), n(2, 3), n(3))
c.add("MulInPlace", lambda x, y: x.clone().mul_(y), n(2, 3), n(3))
c.add("DivInPlace", lambda x, y: x.clone().div_(y), n(2, 3), positive(3))
c.add("AddScalarInPlace", lambda x: x.clone().add_(1.5), n(2, 3))
c.add("MulScalarInPlace", lambda x: x.clone().mul_(1.5), n(2, 3))
c.add("FillInPlace", lambda x: x.clone().fill_(1.5), n(2, 3))
c.add("CopyInPlace", lambda x, y: x.clone().copy_(y), n(2, 3), n(3))
c.add("Where", torch.where, rng.random((2, 3)) < 0.5, n(2, 3), n(2, 3))
c.add("MaskedFill", lambda x, m: x.masked_fill(m, -2.0), n(2, 3), np.array([True, False, True]))

# Reductions.
for name, f in [("Sum", torch.sum), ("Mean", torch.mean), ("AMax", torch.amax), ("AMin", torch.amin),
                ("LogSumExp", torch.logsumexp)]:
    c.add(name, lambda x, f=f: f(x, dim=(0, 1, 2)), apart(2, 3, 4))
    c.add(name + "/along", lambda x, f=f: f(x, dim=(0, 2)), apart(2, 3, 4))
    c.add(name + "/keeping", lambda x, f=f: f(x, dim=-1, keepdim=True), apart(2, 3, 4))
    c.add(name + "/scalar", lambda x, f=f: f(x, dim=()), n(1).reshape(()))
c.add("AMax/ties", lambda x: torch.amax(x, dim=0), np.array([[1, 2], [1, 0]], np.float32))
c.add("LogSumExp/large", lambda x: torch.logsumexp(x, dim=1), np.array([[1000, 1001], [-1000, -1002]], np.float32))
c.add("Sum/int", torch.sum, whole(-9, 9, 3, 4))
c.add("Var", lambda x: x.var(dim=1), n(3, 5))
c.add("VarBiased", lambda x: x.var(dim=1, unbiased=False), n(3, 5))
c.add("Norm", lambda x: x.norm(2, dim=1), n(3, 5))
c.add("Norm/all", lambda x: x.norm(2), n(3, 5))
c.add("Norm/one", lambda x: x.norm(1, dim=0), n(3, 5))
truth = np.array([[True, False], [False, False], [True, True]])
c.add("Any", torch.any, truth)
c.add("Any/along", lambda x: torch.any(x, dim=1), truth)
c.add("Any/empty", lambda x: torch.any(x, dim=0), np.zeros((0, 2), np.float32))
c.add("All", torch.all, truth)
c.add("All/along", lambda x: torch.all(x, dim=1), truth)
c.add("All/empty", lambda x: torch.all(x, dim=0), np.zeros((0, 2), np.float32))
c.add("Max", lambda x: tuple(torch.max(x, 1)), apart(3, 4))
c.add("Min", lambda x: tuple(torch.min(x, 0, keepdim=True)), apart(3, 4))
c.add("Sort", lambda x: tuple(torch.sort(x, 1)), apart(3, 4))
c.add("Sort/descending", lambda x: tuple(torch.sort(x, 0, descending=True)), apart(3, 4))
c.add("TopK", lambda x: tuple(torch.topk(x, 2, 1)), apart(3, 4))
c.add("TopK/smallest", lambda x: tuple(torch.topk(x, 2, 0, largest=False)), apart(3, 4))
c.add("ArgMax", lambda x: torch.argmax(x, 1), apart(3, 4))
c.add("Softmax", lambda x: torch.softmax(x, 1), 3 * n(3, 4))
c.add("LogSoftmax", lambda x: torch.log_softmax(x, -1), 3 * n(3, 4))
c.add("CumSum", lambda x: torch.cumsum(x, 1), n(3, 4))

# Shapes.
c.add("View", lambda x: x.view(3, -1), n(2, 3, 2))
c.add("Reshape", lambda x: x.reshape(4, 3), n(3, 4))
c.add("Reshape/transposed", lambda x: x.transpose(0, 1).reshape(2, 6), n(3, 4))
c.add("Expand", lambda x: x.expand(4, -1, 3), n(2, 1))
c.add("Squeeze", lambda x: x.squeeze(1), n(2, 1, 3))
c.add("Unsqueeze", lambda x: x.unsqueeze(-1), n(2, 3))
c.add("Select", lambda x: x.select(1, 2), n(2, 3, 4))
c.add("Narrow", lambda x: x.narrow(1, 1, 2), n(2, 4))
c.add("SliceDim", lambda x: x[:, 1:6:2], n(2, 7))
c.add("Flip", lambda x: x.flip(0, 2), n(2, 3, 2))
c.add("Pad", lambda x: F.pad(x, (1, 2, 0, 1)), n(2, 2, 3))
c.add("Diagonal", lambda x: torch.diagonal(x, 1), n(3, 4))
c.add("Tril", lambda x: torch.tril(x, -1), n(3, 4))
c.add("Triu", lambda x: torch.triu(x, 1), n(3, 4))
c.add("Permute", lambda x: x.permute(2, 0, 1), n(2, 3, 4))
c.add("Transpose", lambda x: x.transpose(-1, 0), n(2, 3, 4))
c.add("Flatten", lambda x: torch.flatten(x, 1, -1), n(2, 3, 4))
c.add("Cat", lambda x, y: torch.cat([x, y], 1), n(2, 3), n(2, 2))
c.add("Stack", lambda x, y: torch.stack([x, y], 1), n(2, 3), n(2, 3))
c.add("Contiguous", lambda x: x.transpose(0, 1).contiguous(), n(2, 3))
c.add("ChannelsLast", lambda x: x.contiguous(memory_format=torch.channels_last), n(2, 3, 2, 2))
c.add("Clone", torch.clone, n(2, 3))
c.add("Detach", torch.detach, n(2, 3))
c.add("Cast", lambda x: x.to(torch.float64), n(2, 3))
c.add("Cast/int", lambda x: x.to(torch.int32), 3 * n(2, 3))

# Indexing.
c.add("IndexSelect", lambda x, i: torch.index_select(x, 0, i), n(4, 3), np.array([3, 0, 3, 1], np.int64))
c.add("Gather", lambda x, i: torch.gather(x, 1, i), n(2, 4), whole(0, 4, 2, 3))
c.add("Gather/rows", lambda x, i: torch.gather(x, 0, i), n(4, 3), whole(0, 4, 2, 3))
c.add("ScatterAdd", lambda x, i, s: torch.scatter_add(x, 1, i, s), n(2, 4), whole(0, 4, 2, 5), n(2, 5))
c.add("IndexAdd", lambda x, i, s: torch.index_add(x, 0, i, s), n(4, 3), np.array([3, 0, 3, 1], np.int64), n(4, 3))
c.add("IndexCopyInPlace", lambda x, i, s: x.clone().index_copy_(0, i, s), n(4, 3), np.array([3, 0, 1], np.int64), n(3, 3))

# Products.
c.add("MatMul", torch.matmul, n(3, 4), n(4, 2))
c.add("MatMul/vectors", torch.matmul, n(4), n(4))
c.add("MatMul/batch", torch.matmul, n(2, 1, 3, 4), n(5, 4, 2))
c.add("BMM", torch.bmm, n(2, 3, 4), n(2, 4, 5))
c.add("Linear", F.linear, n(2, 3, 4), n(5, 4), n(5))
c.add("Linear/plain", F.linear, n(3, 4), n(5, 4))

# Networks.
c.add("Conv2d", lambda x, w, b: F.conv2d(x, w, b, padding=1), n(2, 3, 6, 5), n(4, 3, 3, 3), n(4))
c.add("Conv2d/stride", lambda x, w: F.conv2d(x, w, None, stride=(3, 2), padding=(3, 1)), n(2, 3, 11, 9), n(2, 3, 5, 3))
c.add("Conv2d/dilation", lambda x, w, b: F.conv2d(x, w, b, dilation=2), n(1, 2, 7, 8), n(3, 2, 3, 2), n(3))
c.add("Conv2d/groups", lambda x, w, b: F.conv2d(x, w, b, groups=2), n(2, 4, 5, 5), n(6, 2, 3, 3), n(6))
for name, shape in [("BatchNorm", (3, 4, 5, 2)), ("BatchNorm/1d", (6, 4))]:
    for mode in (True, False):
        def batch_norm(x, w, b, mean, var, mode=mode):
            mean, var = mean.clone(), var.clone()
            return F.batch_norm(x, mean, var, w, b, mode, 0.1, 1e-5), mean, var
        c.add(name + ("/train" if mode else "/eval"), batch_norm, n(*shape) * 3 + 1, n(4), n(4), n(4), positive(4),
              frozen=(3, 4))
c.add("BatchNorm/plain", lambda x: F.batch_norm(x, None, None, None, None, True, 0.1, 1e-5), n(5, 2, 3))
c.add("MaxPool2d", lambda x: F.max_pool2d(x, 3, 2, 1), apart(2, 2, 7, 6))
c.add("ReLUMaxPool2d", lambda x: F.max_pool2d(F.relu(x), 3, 2, 1), apart(2, 2, 7, 6))
c.add("ReLUMaxPool2d/channels_last", lambda x: F.max_pool2d(F.relu(x), 3, 2, 1), apart(2, 2, 7, 6))
c.add("AvgPool2d", lambda x: F.avg_pool2d(x, 3, 2, 1), n(2, 2, 7, 6))
c.add("AdaptiveAvgPool2d", lambda x: F.adaptive_avg_pool2d(x, (2, 3)), n(2, 2, 7, 6))
c.add("InterpolateNearest", lambda x: F.interpolate(x, (5, 3)), n(1, 2, 3, 4))
c.add("InterpolateBilinear", lambda x: F.interpolate(x, (5, 3), mode="bilinear", align_corners=False), n(1, 2, 3, 4))
c.add("InterpolateBilinear/corners", lambda x: F.interpolate(x, (5, 3), mode="bilinear", align_corners=True), n(1, 2, 3, 4))
c.add("Dropout/eval", lambda x: F.dropout(x, 0.5, False), n(3, 4))
c.add("Dropout/none", lambda x: F.dropout(x, 0.0, True), n(3, 4))
c.add("Normalize", lambda x: F.normalize(x, dim=1), n(3, 4))
c.add("Normalize/zero", lambda x: F.normalize(x, dim=0, eps=1e-3), np.array([[0, 3e-4, 1], [0, 1e-4, 2]], np.float32))
c.add("CrossEntropy", F.cross_entropy, n(4, 5), whole(0, 5, 4))
for name, f in [("L1Loss", F.l1_loss), ("MSELoss", F.mse_loss), ("SmoothL1Loss", F.smooth_l1_loss)]:
    for reduction in ("none", "mean", "sum"):
        c.add(f"{name}/{reduction}", lambda x, y, f=f, r=reduction: f(x, y, reduction=r), 2 * n(3, 4), 2 * n(3, 4))
dense = torch.zeros(2, 3, 4, 5)
for t, k, y, x, count in [(0, 1, 2, 3, 1.5), (1, 2, 3, 4, 2.0), (0, 1, 2, 3, 1.0)]:
    dense[t, k, y, x] += count
c.add("NewPoints/dense", lambda: dense)
c.add("NewPoints/mean", lambda: dense.mean((2, 3)))
c.add("NewPoints/conv", lambda w, b: F.conv2d(dense, w, b, stride=2, padding=1), n(4, 3, 3, 3), n(4))
c.add("NewPoints/scaled", lambda s, w: F.conv2d(dense * s[:, :, None, None], w, padding=1), n(2, 3), n(4, 3, 2, 2))
c.add("Conv2dGathered", lambda w, b: F.conv2d(dense, w, b, stride=2, padding=1), n(4, 3, 3, 3), n(4))
c.add("Conv2dGathered/wide", lambda w: F.conv2d(dense, w, None, stride=3, padding=3), n(2, 3, 4, 4))

# Made from nothing, the generators included: the same seed gives PyTorch's very numbers.
c.add("Arange", lambda: torch.arange(-1, 2, 0.25))
for name, f in [("Uniform", lambda: torch.empty(5, 7).uniform_(-2, 3)), ("Normal", lambda: torch.empty(5, 7).normal_(1, 2)),
                ("Bernoulli", lambda: torch.empty(5, 7).bernoulli_(0.3)), ("RandInt", lambda: torch.randint(-3, 9, (5, 7))),
                ("RandPerm", lambda: torch.randperm(9))]:
    torch.manual_seed(11)
    c.add(name, f)

write("ops.safetensors", c.arrays, {"torch": torch.__version__})

# Optimisers: three parameters, six steps, a gradient missing at times.
arrays = {}
start = [n(3, 4), n(5), n(2, 3, 2, 2)]
steps = [[g * (1 + s) for g in (n(3, 4), n(5), n(2, 3, 2, 2))] for s in range(6)]
for i, p in enumerate(start):
    arrays[f"start{i}"] = p
    for s in range(6):
        arrays[f"gradient{s}.{i}"] = steps[s][i]
for name, make in [("sgd", lambda p: torch.optim.SGD(p, 0.1)), ("sgd-momentum", lambda p: torch.optim.SGD(p, 0.1, 0.9, weight_decay=0.05)),
                   ("adam", lambda p: torch.optim.Adam(p, 0.02)), ("adam-decay", lambda p: torch.optim.Adam(p, 0.02, (0.8, 0.95), 1e-6, 0.05)),
                   ("adamw", lambda p: torch.optim.AdamW(p, 0.02, weight_decay=0.05))]:
    params = [torch.nn.Parameter(torch.from_numpy(p.copy())) for p in start]
    optimizer = make(params)
    for s in range(6):
        for i, p in enumerate(params):
            p.grad = None if (s, i) == (2, 1) else torch.from_numpy(steps[s][i].copy())
        if s == 3:
            optimizer.param_groups[0]["lr"] *= 0.5
        optimizer.step()
        for i, p in enumerate(params):
            arrays[f"{name}/{s}.{i}"] = p.detach().numpy().copy()
params = [torch.nn.Parameter(torch.from_numpy(p.copy())) for p in start]
for i, p in enumerate(params):
    p.grad = torch.from_numpy(steps[0][i].copy())
arrays["clip/norm"] = torch.nn.utils.clip_grad_norm_(params, 1.5).numpy()
for i, p in enumerate(params):
    arrays[f"clip/{i}"] = p.grad.numpy()

# Schedules, as factors of the base rate.
def rates(scheduler, optimizer, epochs, observe=None):
    out = []
    for e in range(epochs):
        out.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step() if observe is None else scheduler.step(observe[e])
    return np.array(out)


S = torch.optim.lr_scheduler
def optimizer():
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], 1.0)


o = optimizer()
arrays["schedule/cosine"] = rates(S.CosineAnnealingLR(o, 9, 0.1), o, 10)
o = optimizer()
arrays["schedule/warmup"] = rates(S.LinearLR(o, 1 / 4, 1, 3), o, 8)
o = optimizer()
arrays["schedule/cosine-warmup"] = rates(S.SequentialLR(o, [S.LinearLR(o, 1 / 4, 1, 3), S.CosineAnnealingLR(o, 9, 0.1)], [4]), o, 14)
figures = np.array([0.1, 0.2, 0.2, 0.19, 0.18, 0.3, 0.3, 0.3, 0.3, 0.2, 0.1, 0.1, 0.1, 0.31, 0.3, 0.3, 0.3, 0.3])
o = optimizer()
arrays["schedule/figures"] = figures
arrays["schedule/plateau"] = rates(S.ReduceLROnPlateau(o, "max", 0.5, 2, threshold=0, threshold_mode="abs", min_lr=0.2), o,
                                   len(figures), figures)
write("optim.safetensors", arrays)

# Every type the format knows, as Python writes it.
write("types.safetensors", {"f32": n(2, 3), "f64": n(3).astype(np.float64), "f16": n(4).astype(np.float16),
                            "i64": whole(-9, 9, 2), "i32": whole(-9, 9, 2).astype(np.int32), "i16": whole(-9, 9, 2).astype(np.int16),
                            "i8": whole(-9, 9, 2).astype(np.int8), "u8": whole(0, 99, 2).astype(np.uint8), "bool": np.array([True, False]),
                            "empty": np.zeros((0, 3), np.float32), "scalar": np.float32(2.5).reshape(())},
      {"city": "Köln", "quote": "\"'<&>"})
