"""Makes the checkpoints that the tests of package pth read, and expected.json
with every tensor's dtype, shape and bytes as PyTorch itself loads them.

    /usr/bin/python3 make_fixtures.py          # PyTorch 1.13 (Debian): all files
    python3 make_fixtures.py --suffix=_t2      # PyTorch 2: the zip files again

Each run writes its own expected<suffix>.json.
"""
import base64, io, json, pickle, struct, sys, tarfile
from collections import OrderedDict, defaultdict

import numpy as np
import torch

suffix = ([a[9:] for a in sys.argv[1:] if a.startswith("--suffix=")] or [""])[0]
torch.manual_seed(5)
expected = {}


def walk(v, path, out):
    if isinstance(v, (np.generic, np.ndarray)):
        v = v.tolist()
    if isinstance(v, torch.Tensor):
        t = v.detach().contiguous()
        raw = t.view(torch.uint8) if t.dtype == torch.bool else t
        if t.dtype == torch.bfloat16:
            raw = t.view(torch.int16)
        out[path] = [str(v.dtype), list(v.shape), base64.b64encode(raw.numpy().tobytes()).decode()]
    elif isinstance(v, dict):
        for k, x in v.items():
            walk(x, f"{path}/{k}", out)
    elif isinstance(v, (list, tuple)):
        for i, x in enumerate(v):
            walk(x, f"{path}/{i}", out)
    else:
        out[path] = repr(v)


def note(name):
    out = {}
    kw = {} if torch.__version__ < "2" else {"weights_only": False}
    walk(torch.load(name, **kw), "", out)
    expected[name] = out


def save(name, obj, **kw):
    torch.save(obj, name, **kw)
    note(name)


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(2, 3, 3)
        self.bn = torch.nn.BatchNorm2d(3)
        self.fc = torch.nn.Linear(3, 1)

    def forward(self, x):
        return self.fc(self.bn(self.conv(x)).mean((2, 3)))


net = Net()
opt = torch.optim.Adam(net.parameters(), lr=1e-3, weight_decay=5e-3)
for _ in range(3):
    opt.zero_grad()
    net(torch.randn(4, 2, 6, 6)).abs().sum().backward()
    opt.step()
published = {"model_state_dict": net.state_dict(), "optimizer_state_dict": opt.state_dict()}

base = torch.arange(24, dtype=torch.float32)
grid = base.view(4, 6)
views = {
    "base": base, "rows": grid[1:3], "columns": grid[:, 2:4], "turned": grid.t(), "steps": base[1::5],
    "expanded": torch.tensor([1.5, -2.0]).view(2, 1).expand(2, 3), "nhwc": torch.randn(2, 3, 2, 2).to(memory_format=torch.channels_last),
    "scalar": torch.tensor(3.25), "empty": torch.zeros(0, 4), "parameter": torch.nn.Parameter(torch.ones(2, 2)),
}
dtypes = {str(d)[6:]: torch.tensor([0, 1, 3, 100], dtype=torch.float32).to(d) for d in
          (torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool)}
plain = {"epoch": 12, "big": 2 ** 70, "negative": -2 ** 40, "best": 0.691, "name": "beijing \u5317\u4eac", "none": None, "yes": True,
         "list": [1, 2.5, "x"], "tuple": (1, (2, 3)), "nested": OrderedDict(a=OrderedDict(b=torch.eye(2))), 7: "int key"}

stream = {"_use_new_zipfile_serialization": False}
for name, obj in (("adam", published), ("views", views), ("dtypes", dtypes), ("plain", plain)):
    save(f"{name}_zip{suffix}.pth", obj)
    save(f"{name}_stream{suffix}.pth", obj, **stream)
save(f"bare_zip{suffix}.pth", OrderedDict(("module." + k, v) for k, v in net.state_dict().items()))
save(f"proto4_stream{suffix}.pth", published, pickle_protocol=4, **stream)
save(f"metric_stream{suffix}.pth", {"state_dict": net.state_dict(), "r2": np.float64(0.5), "history": np.arange(3.0)}, **stream)


# The tar layout (before PyTorch 0.1.10): no PyTorch of today writes it, but
# all read it; this follows what legacy_load in torch/serialization.py reads.
def write_tar(name, tensors):
    storages, entries = io.BytesIO(), io.BytesIO()
    pickle.dump(len(tensors), storages, 2)
    pickle.dump(len(tensors) + 1, entries, 2)
    ids = {}
    for i, (key, t) in enumerate(tensors.items()):
        flat = t.contiguous().flatten()
        pickle.dump((1000 + i, "cpu", getattr(torch, flat.type().split(".")[1].replace("Tensor", "Storage"))), storages, 2)
        storages.write(struct.pack("<q", flat.numel()) + flat.numpy().tobytes())
    first = next(iter(tensors.values()))
    pickle.dump([(5000, 1000, 2, first.numel() - 2)], storages, 2)

    def entry(key, storage, size, stride, offset):
        pickle.dump((key, storage, torch.FloatTensor), entries, 2)
        entries.write(struct.pack("<ii", len(size), 0) + struct.pack(f"<{2 * len(size) + 1}q", *size, *stride, offset))

    for i, (key, t) in enumerate(tensors.items()):
        ids[key] = 2000 + i
        entry(2000 + i, 1000 + i, t.shape, t.contiguous().stride(), 0)
    entry(2999, 5000, (2,), (3,), 1)
    ids["view"] = 2999

    class Pickler(pickle._Pickler):
        def persistent_id(self, obj):
            return obj[3:] if isinstance(obj, str) and obj.startswith("id:") else None

        def save_pers(self, pid):
            self.write(pickle.PERSID + pid.encode("ascii") + b"\n")

    body = io.BytesIO()
    Pickler(body, 2).dump(OrderedDict((k, f"id:{v}") for k, v in ids.items()))
    with tarfile.open(name, "w:", format=tarfile.PAX_FORMAT) as tar:
        for member, data in (("storages", storages), ("tensors", entries), ("pickle", body)):
            info = tarfile.TarInfo(member)
            info.size = len(data.getvalue())
            tar.addfile(info, io.BytesIO(data.getvalue()))
    note(name)


# Parameters as PyTorch before 0.4 wrote them, torchvision's first weights
# (resnet18-5c106cde.pth) among them: Parameter(tensor) with a state, and
# _rebuild_tensor without requires_grad. PyTorch still reads them.
def write_old_parameters(name, state):
    def reduce_parameter(self, proto):
        return torch.nn.Parameter, (self.data,), (self.requires_grad, False, OrderedDict())

    def reduce_tensor(self, proto):
        return torch._utils._rebuild_tensor, (self.storage(), self.storage_offset(), tuple(self.size()), self.stride())

    kept = torch.nn.Parameter.__reduce_ex__, torch.Tensor.__reduce_ex__
    torch.nn.Parameter.__reduce_ex__, torch.Tensor.__reduce_ex__ = reduce_parameter, reduce_tensor
    torch.save(state, name, **stream)
    torch.nn.Parameter.__reduce_ex__, torch.Tensor.__reduce_ex__ = kept
    note(name)


if not suffix:
    old = OrderedDict(net.state_dict(keep_vars=True))
    del old["bn.num_batches_tracked"]  # came with 0.4.1
    write_old_parameters("old_stream.pth", old)
    write_tar("old_tar.pth", OrderedDict(w=torch.randn(4, 3), b=torch.arange(4.0), n=torch.tensor([7, 8])))

with open(f"expected{suffix}.json", "w") as f:
    json.dump(expected, f, indent=0, sort_keys=True)
