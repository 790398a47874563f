#!/usr/bin/python3
"""Makes sets.json: three data sets and what scikit-learn's t-SNE makes of them.
Run in this folder: /usr/bin/python3 generate.py (about a minute).

Features are whole numbers (scaled by "unit"), so that they are the same in
Python and Go. "kl" and "trust" are the divergence and trustworthiness that
scikit-learn reports for its own maps; "y" is a map of the first 100 points, for
the measures themselves to be compared on.

digits: Optical Recognition of Handwritten Digits, Alpaydin and Kaynak 1998, UCI
repository, CC BY 4.0. iris: Fisher 1936, UCI repository, CC BY 4.0. The swiss
roll is made by code.
"""
import json

import numpy as np
from sklearn import datasets
from sklearn.manifold import TSNE, trustworthiness
from sklearn.manifold._t_sne import _joint_probabilities
from sklearn.metrics import pairwise_distances

rng = np.random.default_rng(20250809)


def sets():
    digits = datasets.load_digits()
    pick = np.sort(rng.permutation(len(digits.data))[:900])
    yield "digits", 1.0, digits.data[pick].astype(int), 30
    iris = datasets.load_iris()
    # Iris has flowers that are alike in all four lengths: kept once.
    yield "iris", 0.1, np.unique((iris.data * 10).round().astype(int), axis=0), 20
    roll, _ = datasets.make_swiss_roll(700, noise=0.3, random_state=3)
    yield "swiss roll", 0.01, (roll * 100).round().astype(int), 40


out = []
for name, unit, whole, perplexity in sets():
    x = (whole * np.float32(unit)).astype(np.float32)
    entry = {"name": name, "unit": unit, "d": x.shape[1], "perplexity": perplexity, "runs": {}}
    for method in ("exact", "barnes_hut"):
        t = TSNE(perplexity=perplexity, method=method, init="pca", learning_rate="auto", n_iter=1000, random_state=0)
        y = t.fit_transform(x)
        entry["runs"][method] = {"kl": float(t.kl_divergence_), "trust": float(trustworthiness(x, y, n_neighbors=5))}
        print(name, method, x.shape, entry["runs"][method])
    # A map of the first 100 points, here simply two of their features, measured.
    few, flat = x[:100], x[:100, :2].astype(np.float64) + rng.normal(0, 0.5, (100, 2))
    flat = flat.round(3)
    p = _joint_probabilities(pairwise_distances(few, metric="sqeuclidean"), 10, 0)
    q = 1 / (1 + pairwise_distances(flat, metric="sqeuclidean")[np.triu_indices(100, 1)])
    q = np.maximum(q / (2 * q.sum()), np.finfo(float).eps)
    entry["y"] = flat.ravel().tolist()
    entry["y_kl"] = float(2 * np.dot(p, np.log(np.maximum(p, np.finfo(float).eps) / q)))
    entry["y_trust"] = float(trustworthiness(few, flat, n_neighbors=7))
    entry["x"] = whole.ravel().tolist()
    out.append(entry)
with open("sets.json", "w") as f:
    f.write("[\n" + ",\n".join(json.dumps(e, separators=(",", ":")) for e in out) + "\n]\n")
