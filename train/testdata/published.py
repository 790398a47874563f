"""A small dataset in the published format, and what a plain PyTorch program predicts from its files. In this folder:

    /usr/bin/python3 published.py                # published.zip (the dataset) and published.json (predictions and scores)
    /usr/bin/python3 published.py DIR CASE,...   # dataset, checkpoint published.pth with Adam's state, expected.json, in DIR

The second form is for go test ./train -run PublishedLive -parity.live; its checkpoint has the layout of the published ones
and is that of all its cases, which differ in the width of the neighborhood alone (3, 5, 7).
"""
import json
import os
import pickle
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score

from opencarbon import OpenCarbon, contrastive
from parity import bits, fill, initialise

CITY, C = "smallville", 3
# 4 x 4 tiles without four, in no special order; the first is what a missing neighbor is taken for
TILES = [(26995, 12416), (26994, 12415), (26996, 12417), (26995, 12415), (26994, 12416), (26994, 12417), (26996, 12416),
         (26995, 12417), (26997, 12415), (26997, 12418), (26995, 12418), (26997, 12416)]
CASES = ["reference/k7/3/1", "reference/k37/5/0", "reference/k7/7/0", "reference/k37/3/1", "reference/k7/1/1", "paper/k7/3/1"]


def make(root):
    folder = root / f"{CITY}_data"
    pictures = folder / f"satellite_images_{CITY}"
    pictures.mkdir(parents=True)
    poi, carbon = {}, {}
    for i, t in enumerate(TILES):
        y, x = np.mgrid[0:256, 0:256]
        rgb = np.stack([(x // (17 + i)) * 37 % 256, (y // (51 - i)) * 53 % 200 + 4 * i, (x // 64 + y // 40) * 29 % 256], -1)
        rgb = rgb * (i * 5 % 12 + 1) // 12
        Image.fromarray(rgb.astype(np.uint8)).save(pictures / f"{t[0]}_{t[1]}.png", optimize=True)
        m = np.zeros((256, 256, C))
        where = bits(f"poi {i}", 150 * (i * 7 % 12) + 30).reshape(-1, 3)
        for r, c, k in where:
            m[r % 256, c % 256, k % C] += 1
        poi[t] = m
        carbon[t] = float(np.exp(9 + fill("carbon", len(TILES))[i]))
    np.save(folder / f"tile2poi_distribution_{CITY}.npy", poi)
    np.save(folder / f"tile2poi_count_{CITY}.npy", {t: m.sum((0, 1)) for t, m in poi.items()})
    np.save(folder / f"til2carbon_{CITY}.npy", carbon)
    (folder / f"train_test_split_{CITY}.pkl").write_bytes(pickle.dumps((TILES[:6], TILES[6:8], TILES[8:])))


class Dataset:
    """Reads the files as the published program's users have them. Tiles are numbered in the order in which their images
    are found, from the first one on where it is given."""

    def __init__(self, root, first=None):
        folder = Path(root) / f"{CITY}_data"
        poi = np.load(folder / f"tile2poi_distribution_{CITY}.npy", allow_pickle=True).item()
        carbon = np.load(folder / f"til2carbon_{CITY}.npy", allow_pickle=True).item()
        counts = np.load(folder / f"tile2poi_count_{CITY}.npy", allow_pickle=True).item()
        names = [tuple(int(v) for v in name.split(".")[0].split("_")) for name in os.listdir(folder / f"satellite_images_{CITY}")]
        self.tiles = sorted((t for t in names if t in counts), key=lambda t: t != first)
        self.images = torch.stack([torch.from_numpy(np.array(Image.open(folder / f"satellite_images_{CITY}/{x}_{y}.png").convert("RGB")))
                                   .permute(2, 0, 1) for x, y in self.tiles])
        self.points = torch.stack([torch.from_numpy(poi[t]).permute(2, 0, 1) for t in self.tiles]).float()
        self.ln = torch.tensor([np.log(carbon[t]) for t in self.tiles]).float()
        place = {t: i for i, t in enumerate(self.tiles)}
        self.split = [[place[t] for t in part] for part in pickle.loads((folder / f"train_test_split_{CITY}.pkl").read_bytes())]
        self.place = place

    def neighbors(self, M, missing):
        """[N, M, M]: axis 1 is the offset in x, axis 2 the one in y (reference), or rows and columns (paper: the transpose)."""
        k = M // 2
        return torch.tensor([[[self.place.get((x + dx, y + dy), missing) for dy in range(-k, k + 1)] for dx in range(-k, k + 1)]
                             for x, y in self.tiles])

    def index(self, model):
        return self.neighbors(model.M, 0) if model.variant == "reference" else self.neighbors(model.M, -1).transpose(1, 2)


def build(case):
    variant, kind, width, se = case.split("/")
    model = initialise(OpenCarbon(variant, kind, C, 32, int(width), 256, se == "1"))
    with torch.no_grad():  # predictions near 9, as ln emissions are, and by tenths apart
        if variant == "reference":
            model.grid_rep.image_encoder.conv1.weight /= 64
            model.regressor[0].weight *= 16
        model.grid_rep.poi_encoder.fc1.weight *= 30
        model.regressor[3].bias.fill_(9)
    return model


def encode(model, d):
    """Both embeddings of every tile. Evaluation takes running statistics, so that they do not depend on the batch."""
    with torch.no_grad():
        parts = [model.encode(i, p) for i, p in zip(d.images.split(4), d.points.to(next(model.parameters()).dtype).split(4))]
    return [torch.cat(x) for x in zip(*parts)]


def predict(model, d, parts):
    with torch.no_grad():
        return model.predict(*(torch.cat([x, torch.zeros_like(x[:1])])[d.index(model)] for x in parts))  # -1: none


def expect(model, d, parts):
    y = predict(model, d, parts).numpy()
    scores = {}
    for name, part in zip(["train", "validation", "test"], d.split):
        t, p = d.ln[part].numpy(), y[part]
        scores[name] = [float(r2_score(t, p)), float(mean_absolute_error(t, p)), float(mean_squared_error(t, p) ** 0.5)]
    return {"predictions": [[*t, float(v)] for t, v in zip(d.tiles, y)], "scores": scores}


def trained(case, d, steps=12):
    """A short training from PyTorch's own weights, the last bias being the mean target. Images of 64 pixels do for it, and
    M = 3 does for the wider ones, whose weights have the same shapes. Weights that are made up amplify rounding: the heads of
    build() sixteenfold."""
    variant, kind, width, se = case.split("/")
    torch.manual_seed(1)
    model = OpenCarbon(variant, kind, C, 32, min(3, int(width)), 256, se == "1")
    with torch.no_grad():
        model.regressor[3].bias.fill_(d.ln.mean())
    adam = torch.optim.Adam(model.parameters(), lr=5e-4, weight_decay=5e-3)
    model.train()
    for i in range(steps):
        cells = [(6 * i + j) % len(d.tiles) for j in range(6)]
        y, xs, xp = model(d.images[:, :, ::4, ::4], d.points, d.index(model)[cells])
        loss = (y - d.ln[cells]).abs().sum() + 0.01 * contrastive(model.variant, xs, xp)
        adam.zero_grad()
        loss.backward()
        adam.step()
    return model, adam


if __name__ == "__main__":
    torch.set_num_threads(1)
    if len(sys.argv) == 1:
        work = Path(tempfile.mkdtemp())
        make(work)
        d = Dataset(work, TILES[0])  # a folder's order is not portable
        models = ((case, build(case).eval()) for case in CASES)
        Path("published.json").write_text(json.dumps({case: expect(m, d, encode(m, d)) for case, m in models}, indent=0) + "\n")
        with zipfile.ZipFile("published.zip", "w") as z:
            for p in sorted(work.rglob("*")):
                if p.is_file():
                    z.writestr(zipfile.ZipInfo(str(p.relative_to(work)), (2020, 1, 1, 0, 0, 0)), p.read_bytes(), zipfile.ZIP_DEFLATED, 9)
    else:
        work = Path(sys.argv[1])
        make(work)
        d = Dataset(work)
        cases = sys.argv[2].split(",")
        model, adam = trained(cases[0], d)
        torch.save({"model_state_dict": model.state_dict(), "optimizer_state_dict": adam.state_dict()}, work / "published.pth",
                   _use_new_zipfile_serialization=False)
        expected = {}
        for dtype in [torch.float32, torch.float64]:
            parts = encode(model.to(dtype).eval(), d)
            for case in cases:
                model.M = int(case.split("/")[2])
                if dtype == torch.float32:
                    expected[case] = expect(model, d, parts)
                else:
                    double = predict(model, d, parts).numpy()
                    expected[case]["control"] = max(abs(a[2] - b) / max(1, abs(b)) for a, b in zip(expected[case]["predictions"], double))
                    expected[case]["spread"] = float(double.std())
        (work / "expected.json").write_text(json.dumps(expected))
