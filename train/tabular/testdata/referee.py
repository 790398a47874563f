"""Referee of train/tabular: the same methods in scikit-learn and XGBoost's Python package, on the same features.

    go test ./train/tabular -run TestExport -v -export.store stores/demo -export.to demo.csv
    python3 train/tabular/testdata/referee.py demo.csv

The Go test writes the features of a store, and beside them (demo.csv.json) what its own methods scored; "-timeout 1h" where
a region is large. Here the same grids are searched anew, chosen on validation cells, and the R2 of the test cells is
compared: ridge and SVR within 0.01, trees (which are drawn by chance) by the means over seeds, within 0.01 and twice the
standard error of that difference: "-export.seeds 20" beside "-v" tells more than the three seeds there are otherwise. Needs numpy
and scikit-learn; rows of trees need xgboost (forests: scikit-learn's own too). The exit code is 1 where anything is off.
"""
import argparse
import csv
import json
import sys
import time

import numpy as np
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score
from sklearn.svm import SVR

try:
    import xgboost
except ImportError:
    xgboost = None


def read(path):
    with open(path, newline="") as f:
        lines = csv.reader(f)
        next(lines)
        rows = [(r[0], float(r[1]), [float(v) for v in r[2:]]) for r in lines]
    split = np.array([r[0] for r in rows])
    y = np.array([r[1] for r in rows])
    x = np.array([r[2] for r in rows])
    train = split == "train"
    mean, sd = x[train].mean(0), x[train].std(0)
    keep = sd > 1e-9 * np.maximum(1, abs(mean))
    z = np.clip((x[:, keep] - mean[keep]) / sd[keep], -8, 8)
    return {k: (z[split == k], y[split == k]) for k in ("train", "validation", "test")}


def search(data, models):
    """Fits all, takes the one with the best validation R2, scores it on the test cells."""
    best, score = None, -np.inf
    for m in models:
        m.fit(*data["train"])
        r2 = r2_score(data["validation"][1], m.predict(data["validation"][0]))
        if r2 > score:
            best, score = m, r2
    return r2_score(data["test"][1], best.predict(data["test"][0]))


def ridge(data, _):
    return search(data, [Ridge(10 ** (e / 2)) for e in range(-6, 11)])


def svr(data, _):
    sd, d = data["train"][1].std(), data["train"][0].shape[1]
    return search(data, [SVR(gamma=g / d, C=c * sd, epsilon=e * sd, cache_size=500)
                         for g in (0.1, 0.3, 1, 3) for c in (0.3, 1, 3, 10, 30) for e in (0.05, 0.1, 0.3)])


def boosting(data, seed):
    best, score = None, -np.inf
    for depth in (3, 5):
        for leaf in (1, 5):
            m = xgboost.XGBRegressor(n_estimators=1000, learning_rate=0.1, max_depth=depth, min_child_weight=leaf, subsample=0.8,
                                     colsample_bytree=0.5, reg_lambda=1, tree_method="exact", base_score=data["train"][1].mean(),
                                     random_state=seed, n_jobs=1, early_stopping_rounds=50)
            m.fit(*data["train"], eval_set=[data["validation"]], verbose=False)
            r2 = r2_score(data["validation"][1], m.predict(data["validation"][0]))
            if r2 > score:
                best, score = m, r2
    return r2_score(data["test"][1], best.predict(data["test"][0]))


def forest(data, seed):
    """scikit-learn's, not XGBoost's: another program of the same method."""
    return search(data, [RandomForestRegressor(300, min_samples_leaf=leaf, max_features=share, random_state=seed)
                         for leaf in (1, 3, 5) for share in ("sqrt", 1 / 3)])


def main():
    arguments = argparse.ArgumentParser(description="Compares train/tabular with scikit-learn and XGBoost's Python package.")
    arguments.add_argument("csv", nargs="+", help="features as TestExport writes them, with .json beside")
    arguments.add_argument("--methods", default="ridge,SVR,XGBoost,RFR", help="which are compared")
    given = arguments.parse_args()
    bad = False
    for path in given.csv:
        data = read(path)
        with open(path + ".json") as f:
            go = json.load(f)
        print(f"{path}: {', '.join(f'{len(v[1])} {k}' for k, v in data.items())} cells, {data['train'][0].shape[1]} features")
        for name, method in (("ridge", ridge), ("SVR", svr), ("XGBoost", boosting), ("RFR", forest)):
            if name not in given.methods.split(","):
                continue
            if name not in go or (name == "XGBoost" and xgboost is None):
                print(f"  {name:8} left out")
                continue
            began = time.time()
            there = [r["r2"] for r in go[name]]
            here = [method(data, seed) for seed in range(len(there))]
            allowed = 0.01
            if len(there) > 1:
                allowed += 2 * np.sqrt((np.var(here, ddof=1) + np.var(there, ddof=1)) / len(there))
            off = abs(np.mean(here) - np.mean(there))
            bad |= off > allowed
            print(f"  {name:8} Python {np.mean(here):.4f} ± {np.std(here):.4f}  Go {np.mean(there):.4f} ± {np.std(there):.4f}  "
                  f"apart {off:.4f} of {allowed:.4f} {'' if off <= allowed else 'OFF'}  ({time.time() - began:.0f}s)", flush=True)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
