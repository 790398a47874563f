#!/usr/bin/python3
"""Numbers about the real files, found without our program: rasterio (GDAL),
ogrinfo and plain arithmetic. Writes golden.json beside itself.

    /usr/bin/python3 data/testdata/referee.py ../shared/data
"""
import collections
import csv
import json
import math
import os
import re
import subprocess
import sys

import numpy as np
import rasterio
from rasterio.enums import Resampling
from rasterio.transform import from_bounds
from rasterio.warp import reproject

data = sys.argv[1]
HALF = math.pi * 6378137.0


def tile_bounds(x, y, z=15):
    size = 2 * HALF / 2**z
    return -HALF + x * size, HALF - (y + 1) * size, -HALF + (x + 1) * size, HALF - y * size


def tile_of(lon, lat, z=15):
    n = 2**z
    x = (lon + 180) / 360 * n
    y = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * n
    return math.floor(x), math.floor(y)


def rows(path):
    with open(path, newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f))


def warp(path, bands, bounds, size):
    """[3, size, size] of a tile, bilinear, as float."""
    out = np.zeros((len(bands), size, size))
    with rasterio.open(path) as src:
        for i, b in enumerate(bands):
            reproject(rasterio.band(src, b), out[i], dst_transform=from_bounds(*bounds, size, size),
                      dst_crs="EPSG:3857", resampling=Resampling.bilinear)
    return out


golden = {}

# Tokyo: the mosaic is 64 x 64 tiles of zoom 15.
path = os.path.join(data, "tokyo/landsat8_20211228.tif")
with rasterio.open(path) as src:
    size = 2 * HALF / 2**15
    x0 = round((src.bounds.left + HALF) / size)
    y0 = round((HALF - src.bounds.top) / size)
    nx = round((src.bounds.right - src.bounds.left) / size)
    ny = round((src.bounds.top - src.bounds.bottom) / size)
counts = collections.Counter()
outside = 0
for r in rows(os.path.join(data, "tokyo/poi.csv")):
    x, y = tile_of(float(r["lon"]), float(r["lat"]))
    if x0 <= x < x0 + nx and y0 <= y < y0 + ny:
        counts[r["category"]] += 1
    else:
        outside += 1
tiles = {}
for x, y in [(x0, y0), (x0 + 20, y0 + 31), (x0 + nx - 1, y0 + ny - 1), (x0 + 40, y0 + 3)]:
    img = warp(path, [1, 2, 3], tile_bounds(x, y), 64)
    tiles[f"{x}_{y}"] = {"mean": [float(b.mean()) for b in img], "center": [float(b[32, 32]) for b in img]}
golden["tokyo"] = {"cells": nx * ny, "poi": dict(sorted(counts.items())), "outside": outside, "tiles": tiles}

# London: the inventory's total, and the 1 km raster derived from it.
shp = os.path.join(data, "london/laei2019_co2_all_sources.shp")
text = subprocess.run(["ogrinfo", "-ro", "-q", "-dialect", "sqlite", "-sql",
                       "SELECT SUM(all_2019) AS total, COUNT(*) AS n FROM laei2019_co2_all_sources", shp],
                      check=True, capture_output=True, text=True).stdout
total = float(re.search(r"total \(Real\) = ([0-9.e+]+)", text).group(1))
with rasterio.open(os.path.join(data, "london/laei2019_co2_tonnes_1km_27700.tif")) as src:
    a = src.read(1, masked=True)
    cells = {}
    for row, col in [(10, 20), (25, 30), (30, 8)]:
        if not a.mask[row, col]:
            e, n = src.xy(row, col)
            cells[f"{math.floor(e / 1000)}_{-math.floor(n / 1000) - 1}"] = float(a[row, col])
golden["london"] = {"total": total, "cells": int(a.count()), "values": cells}

# Berlin: whole tiles inside the Sentinel-2 scene, and the traffic inventory.
path = os.path.join(data, "berlin/sentinel2_20241024.tif")
with rasterio.open(path) as src:
    ones = np.ones((src.height, src.width), dtype="float32")
    left, bottom, right, top = rasterio.warp.transform_bounds(src.crs, "EPSG:3857", *src.bounds)
    ax, ay = math.floor((left + HALF) / size), math.floor((HALF - top) / size)
    bx, by = math.floor((right + HALF) / size), math.floor((HALF - bottom) / size)
    whole = []
    for y in range(ay, by + 1):
        for x in range(ax, bx + 1):
            out = np.zeros((64, 64), dtype="float32")
            reproject(ones, out, src_transform=src.transform, src_crs=src.crs,
                      dst_transform=from_bounds(*tile_bounds(x, y), 64, 64), dst_crs="EPSG:3857", resampling=Resampling.nearest)
            if out.mean() >= 0.99:
                whole.append(f"{x}_{y}")
counts = collections.Counter()
for r in rows(os.path.join(data, "berlin/poi.csv")):
    x, y = tile_of(float(r["lon"]), float(r["lat"]))
    if f"{x}_{y}" in whole:
        counts[r["category"]] += 1
golden["berlin"] = {"cells": whole, "poi": dict(sorted(counts.items()))}

# Beijing: ODIAC's cells are the grid's own, so values carry over.
with rasterio.open(os.path.join(data, "beijing/odiac2022_1km_excl_intl_2112.tif")) as src:
    a = src.read(1, masked=True).astype("float64")
    values = {}
    for row, col in [(5, 5), (20, 40), (30, 60), (40, 70)]:
        if not a.mask[row, col]:
            lon, lat = src.xy(row, col)
            values[f"{math.floor((lon + 180) * 120)}_{math.floor((90 - lat) * 120)}"] = float(a[row, col]) * 44 / 12 * 12
    golden["beijing"] = {"cells": int(a.size), "valid": int(a.count()), "zero": int((a == 0).sum()),
                         "total": float(a.sum()) * 44 / 12 * 12, "values": values}

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden.json"), "w") as f:
    json.dump(golden, f, indent=1)
    f.write("\n")
