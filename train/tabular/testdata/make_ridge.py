#!/usr/bin/python3
"""Makes ridge.json: ridge regressions fitted by scikit-learn.

Run in this folder: /usr/bin/python3 make_ridge.py
Features are standardised (StandardScaler), lambda is chosen by RidgeCV's
leave-one-out over the grid; the errors of each lambda are kept too.
"""
import json

import numpy as np
from sklearn.linear_model import Ridge, RidgeCV
from sklearn.model_selection import LeaveOneOut
from sklearn.preprocessing import StandardScaler

rng = np.random.default_rng(7)
lambdas = [0.01, 0.1, 1.0, 10.0, 100.0, 1000.0]
cases = []
for name, n, p, noise in [("tall", 40, 5, 0.5), ("wide", 8, 12, 0.2), ("noise", 30, 4, 50.0), ("two", 2, 1, 0.1)]:
    counts = rng.poisson(rng.uniform(0.2, 8, p), (n + 6, p)).astype(float)
    if name == "tall":
        counts[:, 2] = 3            # constant
        counts[:, 4] = counts[:, 0]  # collinear
    x = np.round(np.log1p(counts), 5)
    y = np.round(4 + x @ rng.normal(0, 1, p) + rng.normal(0, noise, n + 6), 5)
    scaler = StandardScaler().fit(x[:n])
    z = scaler.transform(x)
    if n > 2:
        cv = RidgeCV(alphas=lambdas).fit(z[:n], y[:n])
        best = float(cv.alpha_)
    else:
        best = None
    loo = []
    for a in lambdas:  # by refitting n times: the definition, not the formula
        e = []
        for train, test in LeaveOneOut().split(z[:n]):
            m = Ridge(alpha=a, solver="cholesky").fit(z[train], y[train])
            e.append(float((m.predict(z[test]) - y[test])[0] ** 2))
        loo.append(float(np.mean(e)))
    chosen = lambdas[int(np.argmin(loo))]
    assert best is None or best == chosen, (name, best, chosen)
    m = Ridge(alpha=chosen, solver="cholesky").fit(z[:n], y[:n])
    cases.append({
        "name": name, "x": x[:n].tolist(), "y": y[:n].tolist(), "new": x[n:].tolist(), "lambdas": lambdas,
        "loo": loo, "lambda": chosen, "coefficients": m.coef_.tolist(), "intercept": float(m.intercept_),
        "predicted": m.predict(z[n:]).tolist(),
    })
with open("ridge.json", "w") as f:
    f.write("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
