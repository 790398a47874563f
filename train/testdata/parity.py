"""Makes parity.safetensors: what both variants of OpenCarbon compute in PyTorch, in float64. In this folder:

    /usr/bin/python3 parity.py                     # the stored cases
    /usr/bin/python3 parity.py DIR CASE[,CASE...]  # any cases, a file each (go test ./train -run ParityLive -parity.live)
    /usr/bin/python3 parity.py --continue DIR CASE  # thirty steps, a checkpoint in the published layout, twenty more from it
    /usr/bin/python3 parity.py --resume DIR CASE    # three more from the checkpoint that the Go side exported after its twenty

The steps of both stand at the end of the case, behind contrastive.

A case is variant/encoder/M/se/contrastive/steps, for example reference/k7/3/1/1/20. Weights and inputs are not stored:
both sides make them from names and shapes. Of a gradient, or of a parameter after the last step, four projections on
random vectors and the norm are stored: the projections of a difference estimate its length.
"""
import sys
import zlib
from pathlib import Path

import numpy as np
import torch

from opencarbon import OpenCarbon, contrastive

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "torch/testdata"))
from golden import write  # noqa: E402

TILES, CATEGORIES, M, ALPHA = 5, 2, 8, 0.01
# Images of 48 pixels leave 2 x 2 in the end. With one pixel the statistics of a few tiles are close to singular: rounding
# grows to 1e-4 in one forward pass in float32, and a hundredfold every few steps of the reference variant's slices.
IMAGE = 48
SIZES = {"k7": 32, "k37": 134}  # the smallest that the encoders take; they need not be the images'


def own(width):
    """The tiles of the batch's cells. Three cells have 75 neighbors of 5 x 5, which the reference variant encodes all."""
    return [0, 2, 4] if width >= 5 else [0, 1, 3, 4]


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
    return torch.from_numpy((bits(name, int(np.prod(shape))) / 2.0 ** 31 - 1).reshape(shape))


def images(n, size):
    """Stripes of another direction, brightness and noise in every tile: batch statistics must not be close to singular."""
    i, c, y, x = np.meshgrid(np.arange(n), np.arange(3), np.arange(size), np.arange(size), indexing="ij")
    v = (x * (i + 1) * (c + 1) + y * (3 * i % 7) * 2) % 97 + 12 * i + bits("images", i.size).reshape(i.shape) % 32
    return torch.from_numpy(v.astype(np.uint8))


def points(n, size):
    """The more, the higher the tile's number: of 32 pixels i + 1 have 1 to 3."""
    i = np.arange(n).repeat(CATEGORIES * size * size)
    h = bits("points", i.size)
    return torch.from_numpy(np.where(h % 32 <= i, 1 + (h >> np.uint32(8)) % 3, 0).astype(np.float64)).reshape(n, CATEGORIES, size, size)


def initialise(model):
    """Gives every parameter and buffer its numbers by name."""
    with torch.no_grad():
        for name, t in model.state_dict().items():
            x = fill(name, *t.shape)
            if name.endswith("num_batches_tracked"):
                t.zero_()
            elif name.endswith("running_var"):
                t.copy_(1 + 0.3 * x)
            elif name.endswith("running_mean"):
                t.copy_(0.1 * x)
            elif t.dim() == 1 and name.endswith("weight"):  # batch normalization
                t.copy_(1 + 0.3 * x)
            elif t.dim() == 1:
                t.copy_(0.3 * x)
            else:
                t.copy_(x * (3 / t[0].numel()) ** 0.5)
    return model


DIGESTS = [fill(f"digest {i}", 512 * 512 * 9) for i in range(4)]


def digest(t):
    t = t.detach().flatten()
    return torch.stack([t.norm()] + [t @ d[:len(t)] for d in DIGESTS]).numpy()


def inputs(width, image, size, dtype):
    cells = own(width)
    n = len(cells)
    index = torch.from_numpy((bits("index", n * width * width).astype(np.int64) % (TILES + 3) - 3).clip(-1)).reshape(n, width, width)
    index[:, width // 2, width // 2] = torch.tensor(cells)
    return (images(TILES, image), points(TILES, size).to(dtype), index), (9 + fill("target", n)).to(dtype)


def train(model, adam, batch, target):
    y, xs, xp = model(*batch)
    loss = (y - target).abs().sum() + ALPHA * contrastive(model.variant, xs, xp)
    adam.zero_grad()
    loss.backward()
    adam.step()
    return loss.item()


class Run:
    """A training of a case that saves and loads checkpoints as the published program does.

    Weights are PyTorch's own to begin with, the last bias being the mean target, and what is compared begins after WARM
    steps: in the first ones Adam divides by moments of one or two gradients, and the signs of small ones are rounding. Two
    trainings in float32 that differ in the order of their sums alone (channels_last) are then 2e-2 apart after 20 steps.
    """
    WARM = 30

    def __init__(self, case, dtype, layout=torch.contiguous_format):
        variant, kind, width, se = case.split("/")[:4]
        torch.manual_seed(1)
        self.model = OpenCarbon(variant, kind, CATEGORIES, M, int(width), SIZES[kind], se == "1")
        with torch.no_grad():
            self.model.regressor[3].bias.fill_(9)
        self.model.to(dtype).to(memory_format=layout).train()
        self.adam = torch.optim.Adam(self.model.parameters(), lr=5e-4, weight_decay=5e-3)
        self.batch, self.target = inputs(int(width), IMAGE, SIZES[kind], dtype)

    def save(self, path):
        torch.save({"model_state_dict": self.model.state_dict(), "optimizer_state_dict": self.adam.state_dict()}, path,
                   _use_new_zipfile_serialization=False)

    def load(self, path):
        saved = torch.load(path)
        self.model.load_state_dict(saved["model_state_dict"], strict=True)
        self.adam.load_state_dict(saved["optimizer_state_dict"])
        return self

    def steps(self, n):
        return np.array([train(self.model, self.adam, self.batch, self.target) for _ in range(n)])

    def predictions(self):
        self.model.eval()
        with torch.no_grad():
            y = self.model(*self.batch)[0].double().numpy()
        self.model.train()
        return y


def continued(folder, case):
    variant, kind, width, se, _, steps = case.split("/")
    # The weights of all neighborhoods have the same shapes: the narrowest does for the first steps, at a fifth of the cost.
    first = Run("/".join([variant, kind, str(min(3, int(width))), se]), torch.float32)
    first.steps(Run.WARM)
    first.save(folder + "/published.pth")
    arrays = {}
    runs = [("float32", torch.float32, torch.contiguous_format), ("float64", torch.float64, torch.contiguous_format)]
    if int(width) <= 3:
        runs.append(("control", torch.float32, torch.channels_last))
    for name, dtype, layout in runs:
        again = Run(case, dtype, layout).load(folder + "/published.pth")
        arrays["before/" + name] = again.predictions()
        arrays["losses/" + name] = again.steps(int(steps))
        arrays["after/" + name] = again.predictions()
    write(folder + "/continued.safetensors", arrays)


def resumed(folder, case):
    arrays, steps = {}, int(case.split("/")[5])
    for name, dtype in [("float32", torch.float32), ("float64", torch.float64)]:
        again = Run(case, dtype).load(folder + "/export.pth")
        arrays["before/" + name] = again.predictions()
        arrays["losses/" + name] = again.steps(min(3, steps))
    mine, theirs = Run(case, torch.float32), torch.load(folder + "/export.pth")
    assert list(mine.model.state_dict()) == list(theirs["model_state_dict"])
    unused = {i for i, (n, _) in enumerate(mine.model.named_parameters()) if mine.model.M == 1 and n.startswith("self_grid.")}
    assert set(theirs["optimizer_state_dict"]["state"]) == set(range(len(list(mine.model.parameters())))) - unused
    assert {int(v["step"]) for v in theirs["optimizer_state_dict"]["state"].values()} == {Run.WARM + steps}
    write(folder + "/resumed.safetensors", arrays)


def run(arrays, case):
    variant, kind, width, se, con, steps = case.split("/")
    width, steps = int(width), int(steps)
    model = initialise(OpenCarbon(variant, kind, CATEGORIES, M, width, SIZES[kind], se == "1").double())
    batch, target = inputs(width, IMAGE, SIZES[kind], torch.float64)
    names = [n for n, _ in model.named_parameters() if width > 1 or not n.startswith("self_grid")]  # there unused, without gradient
    model.eval()
    with torch.no_grad():
        arrays[case + "/eval"] = model(*batch)[0].numpy()
    model.train()
    adam = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=5e-3)
    losses = []
    for step in range(max(1, steps)):
        y, xs, xp = model(*batch)
        loss = (y - target).abs().sum()
        if con == "1":
            loss = loss + ALPHA * contrastive(variant, xs, xp)
        losses.append(loss.item())
        adam.zero_grad()
        loss.backward()
        if step == 0:
            arrays[case + "/forward"] = torch.cat([y, xs.flatten(), xp.flatten()]).detach().numpy()
            order = sorted(names)
            grads = dict(model.named_parameters())
            arrays[case + "/gradients"] = np.stack([digest(grads[n].grad) for n in order])
        if steps:
            adam.step()
    arrays[case + "/losses"] = np.array(losses)
    if steps:
        state = model.state_dict()
        arrays[case + "/after"] = np.stack([digest(state[n].double()) for n in sorted(state)])
        model.eval()
        with torch.no_grad():
            arrays[case + "/trained"] = model(*batch)[0].numpy()
    return model


# Every point in which variants, encoders, widths and ablations differ, in each variant; trainings of 20 steps where they
# cost little. -parity.live has all combinations with 20 steps.
STORED = ["paper/k7/3/1/1/20", "paper/k7/5/1/1/20", "paper/k7/1/1/1/0", "paper/k7/1/0/1/0", "paper/k7/3/1/0/0", "paper/k37/3/1/1/0",
          "paper/k37/1/0/1/1", "reference/k7/3/1/1/1", "reference/k7/5/1/1/0", "reference/k7/1/1/1/0", "reference/k7/1/0/1/0",
          "reference/k7/1/1/0/3", "reference/k37/1/1/1/0", "reference/k37/1/0/1/1"]

if __name__ == "__main__":
    torch.set_num_threads(1)
    if sys.argv[1:2] == ["--continue"]:
        continued(*sys.argv[2:])
    elif sys.argv[1:2] == ["--resume"]:
        resumed(*sys.argv[2:])
    elif len(sys.argv) > 1:
        for case in sys.argv[2].split(","):
            arrays = {}
            run(arrays, case)
            path = Path(sys.argv[1]) / (case.replace("/", "-") + ".safetensors")
            write(str(path) + ".tmp", arrays)
            Path(str(path) + ".tmp").rename(path)
    else:
        arrays = {}
        for case in STORED:
            run(arrays, case)
        write("parity.safetensors", arrays, {"torch": torch.__version__})
