#!/usr/bin/python3
"""Makes cases.json: 200 random cases with ties and 40 without, and what scipy
and scikit-learn say of them. Run in this folder: /usr/bin/python3 generate.py
"""
import json

import numpy as np
from scipy import stats
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import r2_score

rng = np.random.default_rng(20250807)
cases, missing = [], {True: 200, False: 40}  # by whether there are ties
while any(missing.values()):
    n = int(rng.choice([3, 4, 5, 8, 12, 20, 30, 33, 34, 50]))
    # From no ties (many decimals) to hardly anything else (whole numbers).
    decimals = int(rng.choice([0, 0, 1, 1, 2, 6, 6]))
    noise = float(rng.choice([0.0, 0.2, 1.0, 5.0]))
    sign = float(rng.choice([1, 1, 1, -1]))
    truth = np.round(rng.normal(3, 2, n), decimals)
    predicted = np.round(sign * truth + rng.normal(0, 1, n) * noise, decimals)
    if len(set(truth)) == 1 or len(set(predicted)) == 1:
        continue
    ties = len(set(truth)) < n or len(set(predicted)) < n
    if not missing[ties]:
        continue
    missing[ties] -= 1
    rho, tau = stats.spearmanr(predicted, truth), stats.kendalltau(predicted, truth)
    iso = IsotonicRegression(increasing=True, out_of_bounds="clip").fit(predicted, truth)
    fitted = iso.predict(predicted)
    at = np.linspace(predicted.min() - 1, predicted.max() + 1, 5).round(3)
    cases.append({
        "predicted": predicted.tolist(), "truth": truth.tolist(),
        "rho": rho.statistic, "rho_p": rho.pvalue,
        "tau": tau.statistic, "tau_p": tau.pvalue,
        "fitted": fitted.round(12).tolist(), "at": at.tolist(), "at_fitted": iso.predict(at).round(12).tolist(),
        "r2": r2_score(truth, fitted),
    })
with open("cases.json", "w") as f:
    f.write("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]\n")
