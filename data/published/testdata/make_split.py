"""Makes split.json: how scikit-learn splits n tiles 60/20/20 in two steps with seed 42.

    /usr/bin/python3 make_split.py    # python3-sklearn
"""
import json

from sklearn.model_selection import train_test_split

out = {}
for n in [3, 5, 7, 8, 10, 23, 100, 1597]:
    train, rest = train_test_split(list(range(n)), test_size=0.4, random_state=42)
    validation, test = train_test_split(rest, test_size=0.5, random_state=42)
    part = {i: k for k, tiles in enumerate([train, validation, test]) for i in tiles}
    out[n] = "".join("012"[part[i]] for i in range(n))
with open("split.json", "w") as f:
    f.write(json.dumps(out, indent=0) + "\n")
