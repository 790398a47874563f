"""A small dataset in the published format, and what a plain PyTorch program predicts from its files. In this folder:

    /usr/bin/python3 published.py                # published.zip (the dataset) and published.json (predictions and scores)
    /usr/bin/python3 published.py DIR CASE       # dataset, checkpoint published.pth with Adam's state, expected.json, in DIR

The second form is for go test ./train -run PublishedLive -parity.live; its checkpoint has the layout of the published ones.
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


def predict(model, d):
    model.eval()
    with torch.no_grad():
        # evaluation takes running statistics, so that a tile's embedding does not depend on its batch
        return torch.cat([model(d.images, d.points, i)[0] for i in d.index(model).split(1 if model.variant == "reference" else 12)])


def expect(model, d):
    y = predict(model, d).numpy()
    scores = {}
    for name, part in zip(["train", "validation", "test"], d.split):
        t, p = d.ln[part].numpy(), y[part]
        scores[name] = [float(r2_score(t, p)), float(mean_absolute_error(t, p)), float(mean_squared_error(t, p) ** 0.5)]
    return {"predictions": [[*t, float(v)] for t, v in zip(d.tiles, y)], "scores": scores}


def step(model, adam, d, cells):
    model.train()
    y, xs, xp = model(d.images, d.points, d.index(model)[cells])
    loss = (y - d.ln[cells]).abs().sum() + 0.01 * contrastive(model.variant, xs, xp)
    adam.zero_grad()
    loss.backward()
    adam.step()


if __name__ == "__main__":
    torch.set_num_threads(1)
    if len(sys.argv) == 1:
        work = Path(tempfile.mkdtemp())
        make(work)
        d = Dataset(work, TILES[0])  # a folder's order is not portable
        Path("published.json").write_text(json.dumps({case: expect(build(case), d) for case in CASES}, indent=0) + "\n")
        with zipfile.ZipFile("published.zip", "w") as z:
            for p in sorted(work.rglob("*")):
                if p.is_file():
                    z.writestr(zipfile.ZipInfo(str(p.relative_to(work)), (2020, 1, 1, 0, 0, 0)), p.read_bytes(), zipfile.ZIP_DEFLATED, 9)
    else:
        work = Path(sys.argv[1])
        make(work)
        d = Dataset(work)
        model = build(sys.argv[2])
        adam = torch.optim.Adam(model.parameters(), lr=1e-4, weight_decay=5e-3)
        step(model, adam, d, [0, 1])
        step(model, adam, d, [2, 3])
        torch.save({"model_state_dict": model.state_dict(), "optimizer_state_dict": adam.state_dict()}, work / "published.pth",
                   _use_new_zipfile_serialization=False)
        (work / "expected.json").write_text(json.dumps(expect(model, d)))
