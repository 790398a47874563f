"""Makes base.safetensors: the standard layers and ResNet-18 as PyTorch and torchvision compute them. Run in this folder:

    /usr/bin/python3 base.py
"""
import os
import sys

import numpy as np
import torch
import torchvision

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../torch/testdata"))
from golden import Cases, write  # noqa: E402

torch.set_num_threads(1)
rng = np.random.default_rng(5)


def n(*shape):
    return rng.standard_normal(shape).astype(np.float32)


def functional(module, x, *weights):
    """Runs the module with the given weights, in the order of named_parameters."""
    for (name, _), w in zip(list(module.named_parameters()), weights):
        holder = module
        *path, last = name.split(".")
        for part in path:
            holder = getattr(holder, part)
        del holder._parameters[last]
        setattr(holder, last, w)
    return module(x)


c = Cases()
c.add("Linear", lambda *t: functional(torch.nn.Linear(5, 4), *t), n(2, 3, 5), n(4, 5), n(4))
c.add("Linear/plain", lambda *t: functional(torch.nn.Linear(5, 4, bias=False), *t), n(3, 5), n(4, 5))
c.add("Conv2d", lambda *t: functional(torch.nn.Conv2d(3, 4, 3, 2, 1), *t), n(2, 3, 7, 6), n(4, 3, 3, 3), n(4))
c.add("Conv2d/plain", lambda *t: functional(torch.nn.Conv2d(3, 4, 5, bias=False), *t), n(2, 3, 7, 6), n(4, 3, 5, 5))
for name, module, shape in [("BatchNorm", torch.nn.BatchNorm2d, (3, 4, 5, 2)), ("BatchNorm/1d", torch.nn.BatchNorm1d, (6, 4))]:
    def batch_norm(x, w, b, module=module):
        layer = module(4)
        y = functional(layer, x, w, b)
        z = layer(2 * x)
        layer.eval()
        return y, z, layer(x), layer.running_mean, layer.running_var, layer.num_batches_tracked
    c.add(name, batch_norm, 3 * n(*shape) + 1, n(4), n(4))

# The same seed must give PyTorch's initial values.
for name, make in [("Linear", lambda: torch.nn.Linear(7, 3)), ("Conv2d", lambda: torch.nn.Conv2d(3, 4, 5))]:
    torch.manual_seed(23)
    for p, v in make().state_dict().items():
        c.arrays[f"init/{name}/{p}"] = v.numpy()


def formula(i, shape):
    """Numbers in [-1, 1) that Go makes too: tensor i of a model. A well-known shader's hash."""
    j = np.arange(int(np.prod(shape)), dtype=np.float64) + 1000.0 * i
    v = np.sin(j * 12.9898) * 43758.5453
    return (2 * (v - np.floor(v)) - 1).reshape(shape)


def sample(t):
    """At most 16 elements, evenly spaced in row-major order, and the 2-norm as the 17th."""
    v = t.detach().contiguous().reshape(-1).double().numpy()
    return np.append(v[:: -(-len(v) // 16)], np.sqrt((v ** 2).sum()))


def table(tensors):
    """One row of 17 a tensor: its sample, zeros to fill up, its norm."""
    return np.stack([np.pad(row := sample(t), (0, 17 - len(row))) for t in tensors])


# Computed in float64, so that Go's float64 can be held to it closely and its float32 loosely. The biases of the batch
# norms keep the activations away from the corner of ReLU: there rounding decides, and three steps of Adam make the
# float32 of one memory layout differ from another's by percents.
model = torchvision.models.resnet18(num_classes=10).double()
names = "\n".join(f"{k} {'x'.join(map(str, v.shape))}" for k, v in torchvision.models.resnet18().state_dict().items())
c.arrays["resnet/init"] = np.array([v.std().item() for v in torchvision.models.resnet18().state_dict().values() if v.dim() > 1])
state = model.state_dict()
for i, (name, v) in enumerate(state.items()):
    w = formula(i, tuple(v.shape))
    if v.dim() == 4:
        w *= np.sqrt(3) * np.sqrt(2 / (v.shape[0] * v.shape[2] * v.shape[3]))
    elif "fc" in name:
        w *= 1 / np.sqrt(512)
    elif name.endswith("weight"):
        w = 1 + 0.1 * w
    elif name.endswith("bias"):
        w = 3 + 0.1 * w
    elif name.endswith("running_var"):
        w = np.ones(v.shape)
    else:
        w = 0 * w
    state[name] = torch.from_numpy(np.asarray(w)).to(v.dtype)
model.load_state_dict(state)
images = torch.from_numpy(formula(500, (4, 3, 64, 64)))
target = torch.from_numpy(formula(600, (4, 10)))
model.eval()
c.arrays["resnet/eval"] = model(images).detach().numpy()
model.train()
adam = torch.optim.Adam(model.parameters(), 1e-4, weight_decay=5e-3)
start = [p.detach().clone() for p in model.parameters()]
for step in range(3):
    adam.zero_grad()
    y = model(images)
    loss = torch.nn.functional.mse_loss(y, target)
    loss.backward()
    c.arrays[f"resnet/{step}/output"] = y.detach().numpy()
    c.arrays[f"resnet/{step}/loss"] = loss.detach().numpy()
    if step == 0:
        c.arrays["resnet/gradients"] = table(p.grad for p in model.parameters())
    adam.step()
    c.arrays[f"resnet/{step}/weights"] = table(model.parameters())
    c.arrays[f"resnet/{step}/changes"] = table(p - s for p, s in zip(model.parameters(), start))
model.eval()
c.arrays["resnet/trained"] = model(images).detach().numpy()
write("base.safetensors", c.arrays, {"torch": torch.__version__, "torchvision": torchvision.__version__, "resnet18": names})
