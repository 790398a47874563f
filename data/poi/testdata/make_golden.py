"""Makes the golden numbers of this package's tests, independently of it.

    /usr/bin/python3 make_golden.py ../../../../shared/data

chinese.json  GCJ-02 and BD-09 of points over China, written anew from the
              published formulas with the ellipsoid's own parameters, and the way
              back by a root finder (scipy) instead of our iteration.
real.json     the real POI files counted with Python's csv module and, for
              London, rasterio's transform: rows, points inside, different pixels,
              a checksum over all (cell, category, row, column, count).
"""

import collections
import csv
import json
import math
import os
import random
import sys

from scipy.optimize import root

HERE = os.path.dirname(os.path.abspath(__file__))
A, F = 6378245.0, 1 / 298.3  # Krasovsky 1940
E2 = 0.00669342162296594323  # as published; F gives it to 13 digits
assert abs(E2 - (2 * F - F * F)) < 1e-9


def series(v, terms):
    return sum(a * math.sin(v * math.pi * f) for a, f in terms) * 2 / 3


def to_gcj(lon, lat):
    x, y = lon - 105.0, lat - 35.0
    root_x = math.sqrt(abs(x))
    both = series(x, [(20, 6), (20, 2)])
    north = (-100 + 2 * x + 3 * y + 0.2 * y**2 + 0.1 * x * y + 0.2 * root_x + both
             + series(y, [(20, 1), (40, 1 / 3)]) + series(y, [(160, 1 / 12), (320, 1 / 30)]))
    east = (300 + x + 2 * y + 0.1 * x**2 + 0.1 * x * y + 0.1 * root_x + both
            + series(x, [(20, 1), (40, 1 / 3)]) + series(x, [(150, 1 / 12), (300, 1 / 30)]))
    phi = math.radians(lat)
    meridian = A * (1 - E2) / (1 - E2 * math.sin(phi) ** 2) ** 1.5
    normal = A / (1 - E2 * math.sin(phi) ** 2) ** 0.5
    return lon + math.degrees(east / (normal * math.cos(phi))), lat + math.degrees(north / meridian)


def to_bd(lon, lat):
    gx, gy = to_gcj(lon, lat)
    k = math.pi * 3000 / 180
    r = math.sqrt(gx * gx + gy * gy) + 2e-5 * math.sin(gy * k)
    t = math.atan2(gy, gx) + 3e-6 * math.cos(gx * k)
    return r * math.cos(t) + 0.0065, r * math.sin(t) + 0.006


def back(f, lon, lat):
    s = root(lambda p: [f(*p)[0] - lon, f(*p)[1] - lat], [lon, lat], tol=1e-13)
    return list(s.x)


def chinese():
    rnd = random.Random(1)
    out = []
    for _ in range(150):
        lon, lat = rnd.uniform(73.5, 135), rnd.uniform(18, 53.5)
        out.append({"wgs": [lon, lat], "gcj": to_gcj(lon, lat), "bd": to_bd(lon, lat),
                    "from_gcj": back(to_gcj, lon, lat), "from_bd": back(to_bd, lon, lat)})
    return out


def count(path, locate, cells):
    with open(path, newline="", encoding="utf-8") as f:
        rows = list(csv.DictReader(f))
    where = locate([float(r["lon"]) for r in rows], [float(r["lat"]) for r in rows])
    inside = [(r["category"], w) for r, w in zip(rows, where) if w is not None]
    names = sorted({c for c, _ in inside}, key=lambda s: s.encode())
    pixels = collections.Counter()
    for c, (cell, u, v) in inside:
        assert 0 <= cell < cells
        pixels[cell, names.index(c), int(v * 256), int(u * 256)] += 1
    check = sum((cell * 1000003 + c * 10007 + row * 257 + col) * n for (cell, c, row, col), n in pixels.items())
    per = collections.Counter(c for c, _ in inside)
    return {"rows": len(rows), "inside": len(inside), "pixels": len(pixels), "check": check % 2**32,
            "categories": [[n, per[n]] for n in names]}


def tokyo(lons, lats):
    """64 x 64 web-mercator tiles of zoom 15 from 29072, 12872."""
    out = []
    for lon, lat in zip(lons, lats):
        x = (lon + 180) / 360 * 2**15
        y = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * 2**15
        c, r = math.floor(x) - 29072, math.floor(y) - 12872
        out.append((r * 64 + c, x % 1, y % 1) if 0 <= c < 64 and 0 <= r < 64 else None)
    return out


def london(lons, lats):
    """59 x 46 cells of 1 km in EPSG:27700, west 503 km, north 201 km."""
    from rasterio.warp import transform
    out = []
    for e, n in zip(*transform("EPSG:4326", "EPSG:27700", lons, lats)):
        x, y = e / 1000 - 503, 201 - n / 1000
        c, r = math.floor(x), math.floor(y)
        out.append((r * 59 + c, x % 1, y % 1) if 0 <= c < 59 and 0 <= r < 46 else None)
    return out


def berlin(lons, lats):
    """80 x 40 cells of 1/120 degree, west 13 1/12, north 52 2/3."""
    out = []
    for lon, lat in zip(lons, lats):
        x, y = (lon - 13) * 120 - 10, (53 - lat) * 120 - 40
        c, r = math.floor(x), math.floor(y)
        out.append((r * 80 + c, x % 1, y % 1) if 0 <= c < 80 and 0 <= r < 40 else None)
    return out


def main():
    data = sys.argv[1]
    with open(os.path.join(HERE, "chinese.json"), "w") as f:
        json.dump(chinese(), f, separators=(",", ":"))
    real = {name: count(os.path.join(data, name, "poi.csv"), fn, cells)
            for name, fn, cells in [("tokyo", tokyo, 4096), ("london", london, 59 * 46), ("berlin", berlin, 3200)]}
    with open(os.path.join(HERE, "real.json"), "w") as f:
        json.dump(real, f, indent=1, ensure_ascii=False)


main()
