"""The scheme of the authors' published program in plain PyTorch, as its description has it: the other side of cmd/bench.

    python3 published.py CELLS SIZE CATEGORIES POINTS M BATCH TRAIN EVALUATE THREADS

Made tiles on a square grid; images as OpenCV reads them and POIs as dense [SIZE, SIZE, CATEGORIES] arrays, one a tile, as
the published dataset keeps them. Each step makes dense tensors of all BATCH * M * M neighbors and encodes them in M * M
slices, in float32, on THREADS threads (0: PyTorch's own choice). TRAIN and EVALUATE cells are timed (0: all CELLS) and the
times put in proportion to CELLS; one batch warms up. Prints JSON.
"""
import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "train/testdata"))
from opencarbon import OpenCarbon, contrastive  # noqa: E402

CELLS, SIZE, CATEGORIES, POINTS, M, BATCH, TRAIN, EVALUATE, THREADS = map(int, sys.argv[1:])
TRAIN, EVALUATE = TRAIN or CELLS, EVALUATE or CELLS
if THREADS:
    torch.set_num_threads(THREADS)
rng = np.random.default_rng(1)
columns = int(np.ceil(CELLS ** 0.5))
images = [(np.uint8(150 * rng.random()) + rng.integers(0, 64, (SIZE, SIZE, 3), np.uint8)) for _ in range(CELLS)]


def matrix():
    m = np.zeros((SIZE, SIZE, CATEGORIES), np.float32)
    np.add.at(m, tuple(rng.integers(0, n, POINTS) for n in m.shape), 1)
    return m


points = [matrix() for _ in range(CELLS)]
target = torch.from_numpy(8 + 2 * rng.random(CELLS)).float()
place = {(i % columns, i // columns): i for i in range(CELLS)}
k = M // 2
# A missing neighbor is tile 0; axis 1 is the offset in x, axis 2 the one in y.
index = np.array([[[place.get((i % columns + x, i // columns + y), 0) for y in range(-k, k + 1)] for x in range(-k, k + 1)]
                  for i in range(CELLS)])

torch.manual_seed(1)
model = OpenCarbon("reference", "k7", CATEGORIES, 32, M, SIZE)
adam = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=5e-3)


def forward(cells):
    """Dense tensors of every neighbor, then the model on them, whose slices are rows of the flattened index."""
    tiles = index[cells].reshape(-1)
    x = torch.from_numpy(np.stack([images[t] for t in tiles]).transpose(0, 3, 1, 2)).contiguous()
    p = torch.from_numpy(np.stack([points[t] for t in tiles]).transpose(0, 3, 1, 2)).contiguous()
    return model(x, p, torch.arange(len(tiles)).reshape(len(cells), M, M))


def epoch(cells):
    model.train()
    for at in range(0, len(cells), BATCH):
        batch = cells[at:at + BATCH]
        y, xs, xp = forward(batch)
        loss = (y - target[batch]).abs().sum() + 0.001 * contrastive("reference", xs, xp)
        adam.zero_grad()
        loss.backward()
        adam.step()
        if not np.isfinite(loss.item()):
            sys.exit("the loss is not finite")


def evaluate(cells):
    model.eval()
    with torch.no_grad():
        return torch.cat([forward(cells[at:at + BATCH])[0] for at in range(0, len(cells), BATCH)])


def timed(f, n):
    cells = rng.permutation(CELLS)[:n]
    start = time.perf_counter()
    f(cells)
    return (time.perf_counter() - start) / n


epoch(rng.permutation(CELLS)[:BATCH])  # warms up
train, evaluation = timed(epoch, TRAIN), timed(evaluate, EVALUATE)
print(json.dumps({"torch": torch.__version__, "threads": torch.get_num_threads(), "cells": CELLS, "neighborhood": M, "batch": BATCH,
                  "trained": TRAIN, "epoch_seconds": train * CELLS, "evaluated": EVALUATE, "evaluation_seconds": evaluation * CELLS,
                  "images_per_second": M * M / train, "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))
