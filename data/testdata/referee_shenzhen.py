#!/usr/bin/env python3
"""Numbers about Shenzhen's files, found without our program: gdal_translate for
the inventory, the csv module for the points, crossings of rays for the districts.
Writes its part of golden.json beside itself, and leaves the rest.

    python3 data/testdata/referee_shenzhen.py ../shared/data
"""
import collections
import csv
import json
import math
import os
import subprocess
import sys

data = os.path.join(sys.argv[1], "shenzhen")
golden = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden.json")


def inside(rings, x, y):
    odd = False
    for ring in rings:
        for (ax, ay), (bx, by) in zip(ring, ring[1:] + ring[:1]):
            if (ay > y) != (by > y) and x < ax + (y - ay) / (by - ay) * (bx - ax):
                odd = not odd
    return odd


# The ten districts, and the 1/120 degree cells whose centers lie in one.
districts = []
with open(os.path.join(data, "districts.geojson"), encoding="utf-8") as f:
    for feature in json.load(f)["features"]:
        g = feature["geometry"]
        for rings in [g["coordinates"]] if g["type"] == "Polygon" else g["coordinates"]:
            rings = [[tuple(p[:2]) for p in r] for r in rings]
            xs, ys = zip(*rings[0])
            districts.append((rings, min(xs), max(xs), min(ys), max(ys)))
cells = set()
for rings, x0, x1, y0, y1 in districts:
    for col in range(math.floor((x0 + 180) * 120), math.floor((x1 + 180) * 120) + 1):
        for row in range(math.floor((90 - y1) * 120), math.floor((90 - y0) * 120) + 1):
            if inside(rings, (col + 0.5) / 120 - 180, 90 - (row + 0.5) / 120):
                cells.add((col, row))

counts, outside = collections.Counter(), 0
with open(os.path.join(data, "poi.csv"), newline="", encoding="utf-8") as f:
    for r in csv.DictReader(f):
        at = math.floor((float(r["lon"]) + 180) * 120), math.floor((90 - float(r["lat"])) * 120)
        if at in cells:
            counts[r["category"]] += 1
        else:
            outside += 1

tif = os.path.join(data, "odiac2022_1km_excl_intl_2112.tif")
text = subprocess.run(["gdal_translate", "-q", "-of", "XYZ", tif, "/vsistdout/"], check=True, capture_output=True, text=True).stdout
values = {}
for line in text.splitlines():
    lon, lat, v = map(float, line.split())
    if v != -9999:
        values[math.floor((lon + 180) * 120), math.floor((90 - lat) * 120)] = v
largest = sorted(values, key=values.get)[-3:]

with open(golden, encoding="utf-8") as f:
    all_ = json.load(f)
all_["shenzhen"] = {
    "cells": len(cells), "poi": dict(sorted(counts.items())), "outside": outside,
    "valid": len(values), "zero": sum(v == 0 for v in values.values()), "total": math.fsum(values.values()),
    "region": math.fsum(v for c, v in values.items() if c in cells),
    "values": {f"{c}_{r}": values[c, r] for c, r in largest},
}
with open(golden, "w", encoding="utf-8") as f:
    json.dump(all_, f, indent=1)
    f.write("\n")
