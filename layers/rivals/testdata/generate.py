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


c = Cases()
labels = np.abs(n(5, 3))
c.add("MeanTeacher", mean_teacher, n(5, 3), n(5, 3), (labels / labels.sum(1, keepdims=True)).astype(np.float32), frozen=(1, 2))
write("golden.safetensors", c.arrays)
