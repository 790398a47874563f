"""Makes golden.safetensors: what the modules of package layers must compute, by plain PyTorch in float64. Run with
Debian's Python in this folder:

    /usr/bin/python3 generate.py

The modules below are written from section 4 of the paper, not from the Go code. Inputs and weights are not stored:
both sides make them by fill() from a name and a shape (golden_test.go has the same in Go). Of arrays with more than
64 numbers only a digest is stored: the 2-norm and the product with fill("digest").
"""
import math
import sys
import zlib

import numpy as np
import torch
import torchvision
from torch import nn

sys.path.append("../../torch/testdata")
from golden import write  # noqa: E402

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)


def bits(name, n):
    """n well mixed 32-bit numbers that depend on the name (an integer hash by Chris Wellons, "lowbias32")."""
    h = np.arange(n, dtype=np.uint32) * np.uint32(2654435769) + np.uint32(zlib.crc32(name.encode()))
    h ^= h >> np.uint32(16)
    h *= np.uint32(0x7feb352d)
    h ^= h >> np.uint32(15)
    h *= np.uint32(0x846ca68b)
    return h ^ (h >> np.uint32(16))


def fill(name, *shape):
    """Numbers in [-1, 1)."""
    n = int(np.prod(shape))
    return torch.from_numpy((bits(name, n) / 2.0 ** 31 - 1).reshape(shape))


def images(name, *shape):
    return torch.from_numpy((bits(name, int(np.prod(shape))) >> np.uint32(24)).astype(np.uint8).reshape(shape))


def counts(name, *shape):
    """POI counts: one pixel in eight has 1 to 3."""
    h = bits(name, int(np.prod(shape)))
    return torch.from_numpy(np.where(h % 8 == 0, 1 + (h >> np.uint32(8)) % 3, 0).astype(np.float64).reshape(shape))


def initialise(module):
    """Gives every parameter and buffer its numbers by name."""
    with torch.no_grad():
        for name, t in module.state_dict().items():
            if name.endswith("num_batches_tracked"):
                t.zero_()
            elif name.endswith("running_var"):
                t.copy_(1 + 0.3 * fill(name, *t.shape))
            elif name.endswith("running_mean"):
                t.copy_(0.1 * fill(name, *t.shape))
            elif t.dim() == 1 and name.endswith("weight"):  # batch normalization
                t.copy_(1 + 0.3 * fill(name, *t.shape))
            elif t.dim() == 1:
                t.copy_(0.3 * fill(name, *t.shape))
            else:
                t.copy_(fill(name, *t.shape) * math.sqrt(3 / t[0].numel()))
    return module


class SqueezeExcitation(nn.Module):
    def __init__(self, channels, ratio):
        super().__init__()
        hidden = max(1, channels // ratio)
        self.fc1 = nn.Linear(channels, hidden, bias=False)
        self.fc2 = nn.Linear(hidden, channels, bias=False)

    def gate(self, x):
        z = x.sum((2, 3)) / (x.shape[2] * x.shape[3])
        return torch.sigmoid(self.fc2(torch.relu(self.fc1(z))))

    def forward(self, x):
        return torch.einsum("uchw,uc->uchw", x, self.gate(x))


class POIEncoder(nn.Module):
    def __init__(self, kind, categories, m, size, se, ratio):
        super().__init__()
        if kind == "k7":
            self.fc1 = nn.Conv2d(categories, 32, 7, 3, 3)
            self.fc2 = nn.Conv2d(32, 32, 7, 3, 1)
            self.fc3 = nn.Conv2d(32, 1, 3, 3, 1)
            self.bn2 = nn.BatchNorm2d(32)
        else:
            self.fc1 = nn.Conv2d(categories, 32, 37, 3, 3, bias=False)
            self.fc2 = nn.Conv2d(32, 1, 37, 3, 1)
        self.bn1 = nn.BatchNorm2d(32)
        self.kind = kind
        gates = {"k7": [categories, 32, 32], "k37": [categories, 32]}[kind]
        for i, c in enumerate(gates):
            setattr(self, f"se{i + 1}", SqueezeExcitation(c, ratio) if se else nn.Identity())
        with torch.no_grad():
            flat = self.features(torch.zeros(2, categories, size, size)).numel() // 2
        self.fc = nn.Linear(flat, m)

    def features(self, x):
        x = torch.relu(self.bn1(self.fc1(self.se1(x))))
        x = self.fc2(self.se2(x))
        if self.kind == "k7":
            x = self.fc3(self.se3(torch.relu(self.bn2(x))))
        return x.flatten(1)

    def forward(self, x):
        return self.fc(self.features(x))


class AggregateAttention(nn.Module):
    def __init__(self, m):
        super().__init__()
        self.l1 = nn.Linear(m, m)
        self.l2 = nn.Linear(m, 1, bias=False)

    def forward(self, xs, xp):
        ms, mp = self.l2(torch.tanh(self.l1(xs))), self.l2(torch.tanh(self.l1(xp)))  # [B, 1]
        weights = torch.softmax(torch.cat([ms, mp], 1), 1)
        return weights[:, :1] * xs + weights[:, 1:] * xp, weights


class NeighborhoodEncoder(nn.Module):
    """Its parts are called image_encoder and image_fc (or poi_) in the model."""

    def __init__(self, m):
        super().__init__()
        self.convs = nn.Sequential(nn.Conv2d(m, 64, 3, padding=1), nn.ReLU(), nn.Conv2d(64, 128, 3, padding=1), nn.ReLU())
        self.fc = nn.Linear(128, m)

    def forward(self, x):
        return self.fc(nn.functional.adaptive_avg_pool2d(self.convs(x), 1).flatten(1))


class Attention(nn.Module):
    def __init__(self, heads):
        super().__init__()
        self.heads = nn.ModuleList(nn.ModuleDict({k: nn.Linear(1, 1) for k in "qkv"}) for _ in range(heads))
        self.linear = nn.Linear(heads, 1)

    def forward(self, query, value):
        out = []
        for h in self.heads:
            q, k, v = h["q"](query[..., None]), h["k"](value[..., None]), h["v"](value[..., None])
            out.append(torch.einsum("bij,bjd->bid", torch.softmax(torch.einsum("bid,bjd->bij", q, k) / 1 ** 0.5, 2), v))
        return self.linear(torch.cat(out, 2))[..., 0]


class CrossAttention(Attention):
    def forward(self, xn, xg):
        return super().forward(xn, xg) + xg


class Head(nn.Sequential):
    def __init__(self, m):
        super().__init__(nn.Linear(m, m), nn.ReLU(), nn.BatchNorm1d(m), nn.Linear(m, 1))

    def forward(self, x):
        return super().forward(x)[:, 0]


class ImageEncoder(torchvision.models.ResNet):
    def __init__(self, m):
        super().__init__(torchvision.models.resnet.BasicBlock, [2, 2, 2, 2], num_classes=m)

    def forward(self, x):
        normalize = torchvision.transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
        return super().forward(normalize(x.double() / 255))


def ntxent(xs, xp, tau):
    """Section 4.1's loss, sample by sample."""
    s = [[torch.dot(a, b) / (a.norm() * b.norm()) / tau for b in xp] for a in xs]
    n, out = len(s), []
    for i in range(n):
        rows = torch.log(sum(torch.exp(s[i][k]) for k in range(n) if k != i))
        columns = torch.log(sum(torch.exp(s[k][i]) for k in range(n) if k != i))
        out.append(-s[i][i] + rows - s[i][i] + columns)
    return torch.stack(out)


class Model(nn.Module):
    def __init__(self, m=8, M=3, image=True, poi=True, se=True, heads=2, categories=5, size=48):
        super().__init__()
        self.M, self.both = M, image and poi
        self.grid_rep, self.neighbor_rep = nn.ModuleDict(), nn.ModuleDict()
        if image:
            self.grid_rep["image_encoder"] = ImageEncoder(m)
        if poi:
            self.grid_rep["poi_encoder"] = POIEncoder("k7", categories, m, size, se, 2)
        if self.both:
            self.grid_agg = AggregateAttention(m)
        if M > 1:
            for kind in ["image"] * image + ["poi"] * poi:
                n = NeighborhoodEncoder(m)
                self.neighbor_rep[kind + "_encoder"], self.neighbor_rep[kind + "_fc"] = n.convs, n.fc
            if self.both:
                self.neighbor_agg = AggregateAttention(m)
            self.cross_from_neighborhood = CrossAttention(heads)
        self.regressor = Head(m)

    def forward(self, pictures, points, index):
        """index [B, M, M]: -1 = no such cell."""
        u, k = len(pictures), self.M // 2
        own, around, out = [], [], {}
        for kind, x in [("image", pictures), ("poi", points)]:
            if kind + "_encoder" not in self.grid_rep:
                continue
            e = self.grid_rep[kind + "_encoder"](x)  # [U, m]
            own.append(torch.stack([e[i[k, k]] for i in index]))
            out["center_" + kind] = own[-1]
            if self.M > 1:
                lay = torch.stack([torch.stack([torch.stack([e[t] if t >= 0 else torch.zeros_like(e[0]) for t in row], 1)
                                                for row in i], 1) for i in index])  # [B, m, M, M]
                x = self.neighbor_rep[kind + "_encoder"](lay)
                around.append(self.neighbor_rep[kind + "_fc"](x.mean((2, 3))))
        out["grid"], weights = self.grid_agg(*own) if self.both else (own[0], None)
        if self.both:
            out["grid_weights"] = weights
            out["ntxent"] = ntxent(own[0], own[1], 0.5)
        final = out["grid"]
        if self.M > 1:
            out["neighborhood"], weights = self.neighbor_agg(*around) if self.both else (around[0], None)
            if self.both:
                out["neighborhood_weights"] = weights
            final = self.cross_from_neighborhood(out["neighborhood"], out["grid"])
        out["final"], out["ln_emission"] = final, self.regressor(final)
        return out


arrays = {}


def keep(name, t):
    if "image_encoder.layer" in name and not name.startswith(("image/", "model/full/")):
        return  # one whole model's ResNet is enough
    a = t.detach().double().flatten()
    if a.numel() > 64:
        a = torch.stack([a.norm(), torch.dot(a, fill("digest", a.numel()))])
    arrays[name] = a.numpy()


def case(name, module, run, inputs=()):
    """Runs a module on inputs in train mode; keeps outputs, gradients, and the buffers and outputs in evaluation after."""
    initialise(module)
    module.train()
    tensors = [t.clone().requires_grad_(True) for t in inputs]
    outputs = run(module, *tensors)
    loss = 0
    for key, o in outputs.items():
        keep(f"{name}/out/{key}", o)
        loss = loss + (o * fill("up/" + key, *o.shape)).sum()
    loss.backward()
    for i, t in enumerate(tensors):
        keep(f"{name}/input/{i}", t.grad)
    for key, p in module.named_parameters():
        if p.grad is not None:
            keep(f"{name}/grad/{key}", p.grad)
    for key, b in module.named_buffers():
        keep(f"{name}/buffer/{key}", b)
    module.eval()
    with torch.no_grad():
        for key, o in run(module, *[t.detach() for t in tensors]).items():
            keep(f"{name}/eval/{key}", o)


case("se", SqueezeExcitation(6, 3), lambda s, x: {"x": s(x), "gate": s.gate(x)}, [fill("x", 3, 6, 4, 5)])
case("se/narrow", SqueezeExcitation(3, 16), lambda s, x: {"x": s(x), "gate": s.gate(x)}, [fill("x", 2, 3, 4, 4)])
for kind, size in [("k7", 32), ("k7", 50), ("k37", 134)]:
    for se in [True, False] if size != 50 else [True]:
        case(f"poi/{kind}/{size}/{'se' if se else 'plain'}", POIEncoder(kind, 3, 4, size, se, 2), lambda e, x: {"x": e(x)},
             [counts("points", 2, 3, size, size)])
case("aggregate", AggregateAttention(6), lambda a, x, y: dict(zip(["x", "weights"], a(x, y))), [fill("x", 5, 6), fill("y", 5, 6)])
case("neighborhood", NeighborhoodEncoder(4), lambda n, x: {"x": n(x)}, [fill("x", 3, 4, 5, 5)])
case("attention", Attention(3), lambda a, x, y: {"x": a(x, y)}, [fill("x", 3, 6), 2 * fill("y", 3, 6)])
case("cross", CrossAttention(2), lambda a, x, y: {"x": a(x, y)}, [fill("x", 3, 6), 2 * fill("y", 3, 6)])
case("head", Head(6), lambda h, x: {"x": h(x)}, [fill("x", 5, 6)])
case("image", ImageEncoder(5), lambda e: {"x": e(images("images", 4, 3, 40, 40))})
for tau in [0.07, 1.0]:
    case(f"ntxent/{tau}", nn.Module(), lambda _, x, y: {"x": ntxent(x, y, tau)}, [fill("x", 5, 6), 3 * fill("y", 5, 6)])

# Whole models: 9 tiles, 4 cells; the cells' neighborhoods share tiles and miss some.
for name, options in [("full", {}), ("one", {"M": 1}), ("five", {"M": 5}), ("plain", {"se": False}), ("image", {"poi": False}),
                      ("poi", {"image": False}), ("poi-one", {"image": False, "M": 1})]:
    M = options.get("M", 3)
    index = (bits("index", 4 * M * M).astype(np.int64) % 12 - 3).clip(-1).reshape(4, M, M)  # a third of the cells missing
    index[:, M // 2, M // 2] = [0, 3, 7, 8]
    case("model/" + name, Model(**options),
         lambda n: n(images("images", 9, 3, 48, 48), counts("points", 9, 5, 48, 48), index))

write("golden.safetensors", arrays, {"torch": torch.__version__})
