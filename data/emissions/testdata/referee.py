#!/usr/bin/python3
"""Independent numbers for the tests of data/emissions and data/grid.

    /usr/bin/python3 referee.py ../../../../shared/data > golden.json

Regridding here is done the plain way: every source polygon or pixel and every
cell is densified, carried to a Lambert azimuthal equal-area system (pyproj),
and intersected there (shapely/GEOS); amounts go by share of area. Rasters are
read with rasterio, polygons with ogr2ogr. Needs Debian's python3-shapely,
python3-pyproj, python3-rasterio and gdal-bin; the Go tests only read its JSON.
"""
import json, math, subprocess, sys, tempfile, os
import numpy as np
import rasterio
from rasterio.windows import Window
from pyproj import CRS, Geod, Transformer
from shapely.geometry import Polygon, MultiPolygon, shape
from shapely.strtree import STRtree

DATA = sys.argv[1]
GEOD = Geod(ellps="WGS84")
HALF = math.pi * 6378137.0


class Grid:
    """Cells are (col, row); rows grow southward, as in the Go package."""

    def __init__(self, scheme, value, epsg=None):
        self.scheme, self.value = scheme, value
        if scheme == "xyz":
            self.size, self.x0, self.y0, self.crs = 2 * HALF / 2**value, -HALF, HALF, "EPSG:3857"
        elif scheme == "degrees":
            self.size, self.x0, self.y0, self.crs = value, -180.0, 90.0, "EPSG:4326"
        else:
            self.size, self.x0, self.y0, self.crs = float(value), 0.0, 0.0, "EPSG:%d" % epsg

    def ring(self, cell, n=16):
        c, r = cell
        corners = [(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)]
        pts = []
        for a, b in zip(corners, corners[1:]):
            for k in range(n):
                f = k / n
                pts.append((self.x0 + (c + a[0] + f * (b[0] - a[0])) * self.size,
                            self.y0 - (r + a[1] + f * (b[1] - a[1])) * self.size))
        return pts

    def cell(self, x, y):
        return math.floor((x - self.x0) / self.size), math.floor((self.y0 - y) / self.size)


def densify(pts, longest):
    out = []
    for (x0, y0), (x1, y1) in zip(pts, pts[1:]):
        n = max(1, math.ceil(math.hypot(x1 - x0, y1 - y0) / longest))
        out += [(x0 + k / n * (x1 - x0), y0 + k / n * (y1 - y0)) for k in range(n)]
    return out


def carry(tr, pts):
    x, y = tr.transform([p[0] for p in pts], [p[1] for p in pts])
    return list(zip(x, y))


def move(geom, tr, longest):
    polys = []
    for p in getattr(geom, "geoms", [geom]):
        rings = [carry(tr, densify(list(r.coords), longest)) for r in [p.exterior, *p.interiors]]
        polys.append(Polygon(rings[0], rings[1:]))
    g = MultiPolygon(polys)
    return g if g.is_valid else g.buffer(0)


def regrid(elements, crs, longest, grid, center, mean=False):
    """elements: [(shape in crs, amount)]; returns {cell: amount}.

    With mean=True the amounts are intensities: {cell: mean weighted by area}."""
    laea = CRS.from_proj4("+proj=laea +lat_0=%f +lon_0=%f +datum=WGS84" % (center[1], center[0]))
    there = Transformer.from_crs(crs, laea, always_xy=True)
    cells = Transformer.from_crs(grid.crs, laea, always_xy=True)
    to_grid = Transformer.from_crs(laea, grid.crs, always_xy=True)
    out, cache, ground = {}, {}, {}
    for geom, amount in elements:
        g = move(geom, there, longest)
        x0, y0, x1, y1 = g.bounds
        gx, gy = to_grid.transform([x0, x1, x1, x0], [y0, y0, y1, y1])
        spots = [grid.cell(x, y) for x, y in zip(gx, gy)]
        c0, c1 = min(c for c, _ in spots) - 1, max(c for c, _ in spots) + 1
        r0, r1 = min(r for _, r in spots) - 1, max(r for _, r in spots) + 1
        for c in range(c0, c1 + 1):
            for r in range(r0, r1 + 1):
                if (c, r) not in cache:
                    cache[c, r] = Polygon(carry(cells, grid.ring((c, r))))
                a = g.intersection(cache[c, r]).area
                if a > 0:
                    out[c, r] = out.get((c, r), 0.0) + amount * (a if mean else a / g.area)
                    ground[c, r] = ground.get((c, r), 0.0) + a
    if mean:  # only cells that are covered wholly
        return {k: v / ground[k] for k, v in out.items() if ground[k] > 0.999999 * cache[k].area}
    return out


def pixels(path, bands=(1,), window=None):
    """Valid pixels as polygons with the sum of their bands."""
    with rasterio.open(path) as f:
        data = [f.read(b, masked=True, window=window).astype("float64") for b in bands]
        t, crs = f.window_transform(window) if window else f.transform, f.crs.to_wkt()
    valid = np.any([~np.ma.getmaskarray(d) for d in data], axis=0)
    total = np.sum([d.filled(0) for d in data], axis=0)
    out = []
    for r, c in zip(*np.nonzero(valid)):
        out.append((Polygon([t * (c, r), t * (c + 1, r), t * (c + 1, r + 1), t * (c, r + 1)]), float(total[r, c])))
    return out, crs


def london_polygons():
    with tempfile.TemporaryDirectory() as d:
        out = os.path.join(d, "l.geojson")
        subprocess.run(["ogr2ogr", "-f", "GeoJSON", "-lco", "COORDINATE_PRECISION=9", out,
                        os.path.join(DATA, "london/laei2019_co2_all_sources.shp")], check=True)
        features = json.load(open(out))["features"]
    return [(shape(f["geometry"]), f["properties"]["all_2019"]) for f in features]


def sample(values, n=24):
    """Every k-th cell in order, and the largest."""
    keys = sorted(values, key=lambda k: (k[1], k[0]))
    picked = keys[:: max(1, len(keys) // n)] + [max(values, key=values.get)]
    return [[k[0], k[1], values[k]] for k in picked]


def case(name, elements, crs, longest, grid, center, factor=1.0):
    values = regrid(elements, crs, longest, grid, center)
    return {"name": name, "scheme": grid.scheme, "value": grid.value, "crs": grid.crs,
            "source": math.fsum(a for _, a in elements) * factor,
            "total": math.fsum(values.values()) * factor, "cells": len(values),
            "sample": [[c, r, v * factor] for c, r, v in sample(values)]}


def main():
    cases = []
    grids = [Grid("projected", 1000, 27700), Grid("xyz", 15), Grid("degrees", 1 / 120)]
    polygons = london_polygons()
    for g in grids:
        cases.append(case("london polygons", polygons, "EPSG:27700", 250.0, g, (-0.1, 51.5)))
    px, crs = pixels(os.path.join(DATA, "london/laei2019_co2_tonnes_1km_27700.tif"))
    for g in grids:
        cases.append(case("london raster", px, crs, 250.0, g, (-0.1, 51.5)))
    # kg per cell and hour over one day -> t per year of 365 days
    px, crs = pixels(os.path.join(DATA, "berlin/traffic_co2_20220906_hourly.tif"), range(1, 25))
    cases.append(case("berlin hourly", px, crs, 0.0005, Grid("xyz", 15), (13.4, 52.5), 365 / 1000))
    for city, at in (("beijing", (116.4, 39.9)), ("shanghai", (121.4, 31.2))):
        px, crs = pixels(os.path.join(DATA, city, "odiac2022_1km_excl_intl_2112.tif"))
        for g in (Grid("xyz", 15), Grid("degrees", 1 / 120)):
            cases.append(case(city + " odiac", px, crs, 0.002, g, at, 12 * 44 / 12))
    # Night lights: 1,223 m pixels that happen to be the tiles of zoom 15.
    px, crs = pixels(os.path.join(DATA, "tokyo/blackmarble2012.tif"), (3,), Window(150, 80, 40, 40))
    for g in (Grid("xyz", 15), Grid("degrees", 1 / 120), Grid("projected", 1000, 32654)):
        values = regrid(px, crs, 300.0, g, (139.75, 35.68), mean=True)
        cases.append({"name": "tokyo night lights", "scheme": g.scheme, "value": g.value, "crs": g.crs, "cells": len(values),
                      "sample": [list(x) for x in sample(values)]})
    areas = []
    for g, cells in ((Grid("xyz", 15), [(29072, 12872), (16371, 10896), (16384, 16383), (100, 2000)]),
                     (Grid("degrees", 1 / 120), [(38400, 5400), (21600, 10800), (5, 40)]),
                     (Grid("projected", 1000, 27700), [(530, -181), (501, -204), (120, -900)]),
                     (Grid("projected", 1000, 32633), [(384, -5821), (800, -100)])):
        to = Transformer.from_crs(g.crs, "EPSG:4326", always_xy=True)
        for c in cells:
            ring = carry(to, g.ring(c, 64))
            a, _ = GEOD.polygon_area_perimeter([p[0] for p in ring], [p[1] for p in ring])
            lon, lat = to.transform(g.x0 + (c[0] + 0.5) * g.size, g.y0 - (c[1] + 0.5) * g.size)
            areas.append({"scheme": g.scheme, "value": g.value, "crs": g.crs, "col": c[0], "row": c[1],
                          "km2": abs(a) / 1e6, "lon": lon, "lat": lat})
    json.dump({"cases": cases, "areas": areas}, sys.stdout, indent=None, separators=(",", ":"))


main()
