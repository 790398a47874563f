"""Makes golden.safetensors: losses and forwards of the rivals by small twins in PyTorch, written from their papers' formulas. Run in this folder:

    /usr/bin/python3 generate.py
"""
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../torch/testdata"))
from golden import Cases, write  # noqa: E402

torch.set_num_threads(1)
rng = np.random.default_rng(11)


def n(*shape):
    return rng.standard_normal(shape).astype(np.float32)


def mean_teacher(student, teacher, labels):
    """READ: soft cross-entropy, and w times the distance of the softmaxes."""
    loss = F.cross_entropy(student, labels)
    apart = F.mse_loss(student.softmax(1), teacher.softmax(1), reduction="sum") / 3
    return loss + 2.5 * apart / (5 * len(student))


def triplet(z):
    """Tile2Vec: rows of anchors, neighbors and distant tiles; margin 10, l2 0.01."""
    a, b, d = z[[0, 1, 4]], z[[1, 2, 0]], z[[3, 5, 5]]
    distance = lambda x, y: ((x - y) ** 2).sum(1).sqrt()
    l2 = sum(x.norm() for x in (a, b, d))
    return F.relu(distance(a, b) - distance(a, d) + 10).mean() + 0.01 * l2


def simclr(h, w1, b1, w2, tau=0.5):
    """NT-Xent over 2N views: view k's partner is k+N, and all others are its negatives."""
    pairs = h[[0, 1, 2, 3, 5, 4, 0, 2]]  # anchors 0..3, their partners 5, 4, 0, 2
    z = F.normalize(F.linear(F.relu(F.linear(pairs, w1, b1)), w2), dim=1)
    s = z @ z.T / tau
    s = s.masked_fill(torch.eye(8, dtype=torch.bool), float("-inf"))
    return F.cross_entropy(s, torch.tensor([4, 5, 6, 7, 0, 1, 2, 3]))


def attention(a, b, w, bias, v):
    """PG-SimCLR: additive attention over the two encoders' features."""
    e = torch.stack([F.linear(torch.tanh(F.linear(x, w, bias)), v).squeeze(1) for x in (a, b)], 1)
    p = e.softmax(1)
    return p[:, :1] * a + p[:, 1:] * b


# CarbonGCN's map: 7 x 6 cells of which some are not there.
ROWS, COLS, GONE = 7, 6, {(0, 0), (2, 3), (6, 5), (5, 1)}
CELLS = [(r, c) for r in range(ROWS) for c in range(COLS) if (r, c) not in GONE]


def gcn(x, w1, b1, w2, b2):
    """Kipf and Welling's graph convolution twice, on the dense adjacency of all cells."""
    a = torch.tensor([[float(max(abs(p[0] - q[0]), abs(p[1] - q[1])) <= 1) for q in CELLS] for p in CELLS])
    d = a.sum(1).rsqrt()
    a = d[:, None] * a * d[None, :]
    h = F.relu(a @ x @ w1.T + b1)
    return F.relu(a @ h @ w2.T + b2)


c = Cases()
labels = np.abs(n(5, 3))
c.add("MeanTeacher", mean_teacher, n(5, 3), n(5, 3), (labels / labels.sum(1, keepdims=True)).astype(np.float32), frozen=(1, 2))
c.add("Triplet", triplet, n(6, 4))
c.add("SimCLR", simclr, n(6, 5), n(5, 5), n(5), n(3, 5))
c.add("Attention", attention, n(4, 5), n(4, 5), n(3, 5), n(3), n(1, 3))
c.add("GCN", gcn, n(len(CELLS), 5), n(4, 5), n(4), n(3, 4), n(3))
c.arrays["GCN/cells"] = np.array(CELLS, dtype=np.int64)
write("golden.safetensors", c.arrays)
