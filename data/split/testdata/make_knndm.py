"""Referee of kNNDM: distances and W by the definition (Linnenbrink et al. 2024),
all pairs on the sphere, scipy's wasserstein_distance. Writes knndm.json.

    /usr/bin/python3 make_knndm.py
"""
import json
import numpy as np
from scipy.stats import wasserstein_distance

R = 6371.0088


def km(a, b):  # haversine, [len(a), len(b)]
    lon1, lat1 = np.radians(a).T[:, :, None]
    lon2, lat2 = np.radians(b).T[:, None, :]
    h = np.sin((lat1 - lat2) / 2) ** 2 + np.cos(lat1) * np.cos(lat2) * np.sin((lon1 - lon2) / 2) ** 2
    return 2 * R * np.arcsin(np.sqrt(h))


def case(rng, n, p, k, west):
    cells = np.array(sorted({(int(c), int(r)) for c, r in zip(rng.normal(20, 6, n), rng.normal(15, 4, n))}))
    lonlat = np.stack([west + 0.01 * cells[:, 0], 51 - 0.01 * cells[:, 1]], 1)
    predicted = np.stack([west + 0.01 * rng.integers(0, 60, p) + 0.004, 51 - 0.01 * rng.integers(0, 50, p) + 0.003], 1)
    folds = rng.integers(0, k, len(cells))
    ahead = km(predicted, lonlat).min(1)
    held = []
    for test in range(k):
        trains = (folds != test) & (folds != (test + 1) % k)
        held += list(km(lonlat[folds == test], lonlat[trains]).min(1))
    return {"cells": cells.tolist(), "lonlat": lonlat.ravel().tolist(), "predicted": predicted.ravel().tolist(), "k": k,
            "folds": folds.tolist(), "ahead": float(np.mean(ahead)), "held": float(np.mean(held)), "w": wasserstein_distance(held, ahead)}


rng = np.random.default_rng(3)
with open("knndm.json", "w") as f:
    json.dump([case(rng, 80, 60, 4, 13.0), case(rng, 120, 90, 5, 179.8)], f)
    f.write("\n")
