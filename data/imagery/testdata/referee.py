#!/usr/bin/env python3
"""Make the golden pictures of the imagery tests with GDAL's own gdalwarp.

    /usr/bin/python3 data/imagery/testdata/referee.py     (from the module's root)

For each case below and each of its cells, gdalwarp warps the cell's bounds to
size x size pixels (exact projection, -et 0); percentiles are numpy's (method
"lower"). How far a kernel is widened gdalwarp guesses from the bounding box of
the source window, which in a turned picture is wider than the cell; it is told
the true ratio instead (XSCALE, YSCALE). What is written: golden.json, the list of cases, and
golden.bin.gz, their pictures [cells, 3, size, size] as bytes in that order,
followed by the mean of every cell of the Tokyo mosaic, [4096, 3] as uint16 in
1/256 grey levels.
"""
import gzip
import json
import math
import os
import subprocess
import tempfile

import numpy as np
import rasterio

here = os.path.dirname(os.path.abspath(__file__))
data = os.path.join(here, "..", "..", "..", "..", "shared", "data")
tokyo = os.path.join(data, "tokyo", "landsat8_20211228.tif")
berlin = os.path.join(data, "berlin", "sentinel2_20241024.tif")

HALF = math.pi * 6378137.0


def bounds(grid, col, row):
    """West, south, east, north of a cell in the grid's CRS."""
    if grid["scheme"] == "xyz":
        edge = 2 * HALF / 2 ** grid["zoom"]
        return -HALF + col * edge, HALF - (row + 1) * edge, -HALF + (col + 1) * edge, HALF - row * edge
    if grid["scheme"] == "degrees":
        return -180 + col / 120, 90 - (row + 1) / 120, -180 + (col + 1) / 120, 90 - row / 120
    edge = grid["metres"]
    return col * edge, -(row + 1) * edge, (col + 1) * edge, -row * edge


def crs(grid):
    return {"xyz": "EPSG:3857", "degrees": "EPSG:4326"}.get(grid["scheme"]) or "EPSG:%d" % grid["epsg"]


def scale(grid, cell, size):
    """Target pixels per pixel of the Berlin picture, across and down."""
    from rasterio.warp import transform
    w, s, e, n = bounds(grid, *cell)
    x, y = transform(crs(grid), "EPSG:32633", [w, e, w], [n, n, s])
    across = math.hypot(x[1] - x[0], x[2] - x[0]) / size / 10
    down = math.hypot(y[1] - y[0], y[2] - y[0]) / size / 10
    return 1 / across, 1 / down


def warp(path, grid, cell, size, kernel, where, extra=()):
    """One cell, [bands, size, size], in the source's own type."""
    out = os.path.join(where, "cell.tif")
    west, south, east, north = bounds(grid, *cell)
    te = ["%.17g" % v for v in (west, south, east, north)]
    subprocess.run(["gdalwarp", "-q", "-overwrite", "-t_srs", crs(grid), "-te", *te, "-ts", str(size), str(size),
                    "-r", kernel, "-et", "0", *extra, path, out], check=True)
    with rasterio.open(out) as d:
        return d.read()


def to_bytes(a, low, high):
    a = (a.astype(np.float64) - np.reshape(low, (3, 1, 1))) / np.reshape(np.subtract(high, low), (3, 1, 1)) * 255
    return np.clip(np.floor(a + 0.5), 0, 255).astype(np.uint8)


xyz = {"scheme": "xyz", "zoom": 15}
utm = {"scheme": "projected", "epsg": 32633, "metres": 500}
gauss = {"scheme": "projected", "epsg": 25832, "metres": 500}
degrees = {"scheme": "degrees"}
CASES = [
    # A source coarser than the target, in the grid's own CRS.
    dict(name="tokyo bilinear", source="tokyo", grid=xyz, size=64, kernel="bilinear", cells=[[29072, 12872], [29100, 12900], [29104, 12903], [29135, 12935]]),
    dict(name="tokyo cubic", source="tokyo", grid=xyz, size=64, kernel="cubic", cells=[[29100, 12900], [29120, 12911]]),
    dict(name="tokyo near", source="tokyo", grid=xyz, size=64, kernel="near", cells=[[29100, 12900]]),
    # A finer source: cells of zoom 12 are 256 source pixels wide.
    dict(name="tokyo coarse bilinear", source="tokyo", grid={"scheme": "xyz", "zoom": 12}, size=64, kernel="bilinear", cells=[[3635, 1610], [3638, 1613]]),
    dict(name="tokyo coarse average", source="tokyo", grid={"scheme": "xyz", "zoom": 12}, size=64, kernel="average", cells=[[3635, 1610], [3638, 1613]]),
    dict(name="tokyo coarse cubic", source="tokyo", grid={"scheme": "xyz", "zoom": 12}, size=64, kernel="cubic", cells=[[3638, 1613]]),
    # Another CRS.
    dict(name="tokyo degrees", source="tokyo", grid=degrees, size=64, kernel="bilinear", cells=[[38370, 6520], [38400, 6530]]),
    # float64, ten bands, another CRS, stretched between percentiles.
    dict(name="berlin own crs", source="berlin", grid=utm, size=64, kernel="bilinear", cells=[[769, -11639], [772, -11636]]),
    dict(name="berlin other utm", source="berlin", grid=gauss, size=64, kernel="bilinear", cells=[]),
    dict(name="berlin degrees", source="berlin", grid=degrees, size=64, kernel="bilinear", cells=[]),
    dict(name="berlin xyz", source="berlin", grid=xyz, size=64, kernel="bilinear", cells=[]),
    dict(name="berlin xyz cubic", source="berlin", grid=xyz, size=96, kernel="cubic", cells=[]),
    dict(name="berlin coarse", source="berlin", grid={"scheme": "xyz", "zoom": 14}, size=32, kernel="bilinear", cells=[]),
    dict(name="berlin coarse average", source="berlin", grid={"scheme": "xyz", "zoom": 14}, size=32, kernel="average", cells=[]),
]


def ratio(case, cell):
    x, y = scale(case["grid"], cell, case["size"])
    return ["-wo", "XSCALE=%.17g" % min(x, 1), "-wo", "YSCALE=%.17g" % min(y, 1)]


def berlin_cells(grid, want=2):
    """The first cells that lie inside the Berlin picture with a margin."""
    from rasterio.warp import transform_bounds
    with rasterio.open(berlin) as d:
        w, s, e, n = transform_bounds(d.crs, crs(grid), *d.bounds)
    found = []
    x0, y0, x1, y1 = bounds(grid, 0, 0)
    dx, dy = x1 - x0, y1 - y0
    for row in range(math.floor((y1 - n) / dy), math.ceil((y1 - s) / dy) + 1):
        for col in range(math.floor((w - x0) / dx), math.ceil((e - x0) / dx) + 1):
            b = bounds(grid, col, row)
            with rasterio.open(berlin) as d:
                u = transform_bounds(crs(grid), d.crs, *b)
                k = d.bounds
            if u[0] > k[0] + 40 and u[1] > k[1] + 40 and u[2] < k[2] - 40 and u[3] < k[3] - 40:
                found.append([col, row])
    return found[:: max(1, len(found) // want)][:want]


def main():
    blob = []
    with tempfile.TemporaryDirectory() as tmp:
        rgb = os.path.join(tmp, "berlin_rgb.vrt")
        subprocess.run(["gdal_translate", "-q", "-of", "VRT", "-b", "3", "-b", "2", "-b", "1", berlin, rgb], check=True)
        with rasterio.open(rgb) as d:
            whole = d.read()
        low = [float(np.percentile(b, 2, method="lower")) for b in whole]
        high = [float(np.percentile(b, 98, method="lower")) for b in whole]
        for case in CASES:
            if not case["cells"]:
                case["cells"] = berlin_cells(case["grid"])
            for cell in case["cells"]:
                if case["source"] == "tokyo":
                    picture = warp(tokyo, case["grid"], cell, case["size"], case["kernel"], tmp)
                else:
                    picture = to_bytes(warp(rgb, case["grid"], cell, case["size"], case["kernel"], tmp,
                                            ratio(case, cell)), low, high)
                assert picture.dtype == np.uint8 and picture.shape == (3, case["size"], case["size"])
                blob.append(picture.tobytes())
        mosaic = os.path.join(tmp, "tokyo.tif")
        west, _, _, north = bounds(xyz, 29072, 12872)
        _, south, east, _ = bounds(xyz, 29135, 12935)
        subprocess.run(["gdalwarp", "-q", "-t_srs", "EPSG:3857", "-te", *("%.17g" % v for v in (west, south, east, north)),
                        "-ts", "4096", "4096", "-r", "bilinear", "-et", "0", tokyo, mosaic], check=True)
        with rasterio.open(mosaic) as d:
            all_cells = d.read().reshape(3, 64, 64, 64, 64).mean(axis=(2, 4))  # [3, row, col]
        means = np.round(all_cells.transpose(1, 2, 0) * 256).astype("<u2")
        blob.append(means.tobytes())
    with open(os.path.join(here, "golden.json"), "w") as f:
        json.dump({"berlin_low": low, "berlin_high": high, "cases": CASES}, f, indent=1)
        f.write("\n")
    with open(os.path.join(here, "golden.bin.gz"), "wb") as f:
        with gzip.GzipFile(fileobj=f, mode="wb", mtime=0) as z:
            z.write(b"".join(blob))


main()
