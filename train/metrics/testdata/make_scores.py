#!/usr/bin/python3
"""Makes scores.json: 100 random cases scored by scikit-learn.

Run in this folder: /usr/bin/python3 make_scores.py
truth and predicted are ln emission; the amounts are their exponentials.
"""
import json

import numpy as np
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score

rng = np.random.default_rng(20250801)
cases = []
for i in range(100):
    n = int(rng.integers(2, 25))
    truth = np.round(rng.normal(rng.uniform(-2, 10), rng.uniform(0.1, 2), n), 4)
    # From near perfect to worse than the mean, with a bias now and then.
    predicted = np.round(truth + rng.normal(rng.choice([0, 0.5]), rng.choice([0.01, 0.3, 3.0]), n), 4)
    t, p = np.exp(truth), np.exp(predicted)
    cases.append({
        "truth": truth.tolist(), "predicted": predicted.tolist(),
        "r2": r2_score(truth, predicted),
        "mae": mean_absolute_error(truth, predicted),
        "rmse": float(np.sqrt(mean_squared_error(truth, predicted))),
        "amount_mae": mean_absolute_error(t, p),
        "amount_rmse": float(np.sqrt(mean_squared_error(t, p))),
        "bias": float(p.sum() - t.sum()),
        "bias_percent": float(100 * (p.sum() - t.sum()) / t.sum()),
    })
with open("scores.json", "w") as f:
    f.write("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
