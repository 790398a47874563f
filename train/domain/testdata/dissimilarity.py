"""Writes dissimilarity.json: the dissimilarity index and the threshold of Meyer and
Pebesma (2021), written down from the paper's definition in plain Python.

    python3 dissimilarity.py > dissimilarity.json
"""
import json
import math
import random
import statistics
import struct

random.seed(7)
D, N, M = 5, 40, 12
train = [[random.gauss(0, 1 + k) + 10 * k for k in range(D - 1)] + [3.0] for _ in range(N)]  # the last one never varies
fold = [i // 8 for i in range(N)]
new = [[random.gauss(0, 2 + k) + 10 * k for k in range(D - 1)] + [random.choice([3.0, 9.0])] for _ in range(M)]

# float32, as the program is given them
f32 = lambda v: struct.unpack("f", struct.pack("f", v))[0]
train = [[f32(v) for v in row] for row in train]
new = [[f32(v) for v in row] for row in new]

columns = list(zip(*train))
mean = [statistics.fmean(c) for c in columns]
sd = [statistics.stdev(c) for c in columns]
scale = lambda row: [(v - m) / s for v, m, s in zip(row, mean, sd) if s > 0]
given = {"train": [v for r in train for v in r], "new": [v for r in new for v in r]}
train, new = [scale(r) for r in train], [scale(r) for r in new]

among = [math.dist(a, b) for i, a in enumerate(train) for j, b in enumerate(train) if i != j]
average = statistics.fmean(among)
own = sorted(min(math.dist(a, b) for b, g in zip(train, fold) if g != f) / average for a, f in zip(train, fold))


def quantile(v, p):  # R's type 7
    at = p * (len(v) - 1)
    i = int(at)
    return v[i] + (at - i) * (v[min(i + 1, len(v) - 1)] - v[i])


q1, q3 = quantile(own, 0.25), quantile(own, 0.75)
print(json.dumps({
    "d": D, "train": given["train"], "fold": fold, "new": given["new"],
    "mean_distance": average, "threshold": min(q3 + 1.5 * (q3 - q1), own[-1]),
    "index": [min(math.dist(a, b) for b in train) / average for a in new],
}))
