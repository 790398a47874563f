#!/usr/bin/env python3
"""Times `prepare` on a made city beside the tools that do a part of the same: gdalwarp for the imagery, ogr2ogr for reading
the points. Seconds on the wall, of processors, and peak memory, of each process.

    python3 cmd/bench/datapath.py [--cells 32] [--size 256] [--points 10000000] [--pbf 50000000] [--turns 3] [--dir DIR]

Run from the project's folder. Needs Go and GDAL's programs (apt-get install gdal-bin). All take turns; medians are printed as a table in Markdown.
"""
import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

p = argparse.ArgumentParser()
p.add_argument("--cells", type=int, default=32, help="cells along the city's edge")
p.add_argument("--size", type=int, default=256, help="pixels along a cell's edge")
p.add_argument("--points", type=int, default=10_000_000)
p.add_argument("--pbf", type=int, default=0, help="nodes of a made OpenStreetMap file that is read as well, with osmium beside (apt-get install osmium-tool); 50 million are 1 GB")
p.add_argument("--turns", type=int, default=3)
p.add_argument("--dir", default=os.path.join(tempfile.gettempdir(), "opencarbon-datapath"), help="folder of the made files, which are kept")
a = p.parse_args()
root = os.path.abspath(a.dir)
bins = os.path.join(root, "bin")
os.makedirs(bins, exist_ok=True)


def run(*command):
    """Wall seconds, processor seconds and peak bytes of a process."""
    start = time.perf_counter()
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            out.seek(0)
            sys.exit(f"{' '.join(command)}: exit {process.returncode}\n{out.read().decode()[-2000:]}")
    return time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024


for name in ("synth", "prepare"):
    subprocess.run(["go", "build", "-o", os.path.join(bins, name), "./cmd/" + name], check=True)

# The city: its own mosaic, written anew as a tiled GeoTIFF in another projection, so that prepare and gdalwarp both
# resample it; and its points as often as it takes, each moved a little.
city = os.path.join(root, f"city-{a.cells}-{a.size}")
if not os.path.exists(os.path.join(city, "tiled.tif")):
    shutil.rmtree(city, ignore_errors=True)
    run(os.path.join(bins, "synth"), "--out", city, "--cells", f"{a.cells}x{a.cells}", "--size", str(a.size))
    run("gdalwarp", "-q", "-t_srs", "EPSG:3857", "-r", "bilinear", "-co", "TILED=YES", "-co", "COMPRESS=DEFLATE",
        os.path.join(city, "mosaic.tif"), os.path.join(city, "half.tif"))
    os.rename(os.path.join(city, "half.tif"), os.path.join(city, "tiled.tif"))
points = os.path.join(city, f"points-{a.points}.csv")
with open(os.path.join(city, "poi.csv"), encoding="utf-8") as f:
    header, *rows = f.read().splitlines()
names = header.split(",")
lon, lat = (next(i for i, n in enumerate(names) if n.lower() in k) for k in (("lon", "longitude", "x"), ("lat", "latitude", "y")))
if not os.path.exists(points):
    rng = random.Random(1)
    with open(points + ".new", "w", encoding="utf-8") as f:
        f.write(header + "\n")
        for i in range(a.points):
            v = rows[i % len(rows)].split(",")
            for k in (lon, lat):
                v[k] = f"{float(v[k]) + rng.gauss(0, 1e-3):.6f}"
            f.write(",".join(v) + "\n")
    os.rename(points + ".new", points)

pbf = os.path.join(city, f"nodes-{a.pbf}.osm.pbf")
if a.pbf and not os.path.exists(pbf):
    # A third of the nodes are places with a name, as in a dense city; the rest are what ways are drawn with.
    rng = random.Random(2)
    kinds = ["amenity=restaurant", "amenity=school", "shop=bakery", "office=company", "leisure=park", "craft=carpenter"]
    opl = pbf.replace(".osm.pbf", ".opl")
    with open(opl, "w", encoding="utf-8") as f:
        for i in range(a.pbf):
            v = rows[i % len(rows)].split(",")
            tags = f"{kinds[i % len(kinds)]},name=Place%20%number%20%{rng.randrange(10**9)},addr:housenumber={i % 300}" if i % 3 == 0 else ""
            f.write(f"n{i + 1} v1 dV c0 t i0 u T{tags} x{float(v[lon]) + rng.gauss(0, 1e-3):.7f} y{float(v[lat]) + rng.gauss(0, 1e-3):.7f}\n")
    run("osmium", "cat", "--overwrite", "-o", pbf.replace("nodes", "half"), opl)
    os.rename(pbf.replace("nodes", "half"), pbf)
    os.remove(opl)

info = subprocess.run(["gdalinfo", "-json", os.path.join(city, "mosaic.tif")], check=True, capture_output=True, text=True).stdout
corners = json.loads(info)["cornerCoordinates"]
west, north = corners["upperLeft"]
east, south = corners["lowerRight"]
edge = a.cells * a.size


def prepare(*settings):
    shutil.rmtree(os.path.join(root, "store"), ignore_errors=True)
    command = [os.path.join(bins, "prepare"), "--config", "demo.yaml", "--force"]
    paths = [f"data.imagery.path={city}/tiled.tif", f"data.imagery.size={a.size}", f"data.emissions.path={city}/odiac/odiac2022_1km_excl_intl_18*.tif",
             f"data.poi.path={points}", f"data.poi.size={a.size}", f"data.split.file={city}/districts.geojson", f"data.store={root}/store"]
    for s in paths + list(settings):
        command += ["--set", s]
    return run(*command)


def fresh(name):
    path = os.path.join(root, name)
    if os.path.exists(path):
        os.remove(path)
    return path


small = os.path.join(city, "poi.csv")
steps = {
    f"prepare: images, emissions, {a.points:,} points": lambda: prepare(),
    f"prepare with the city's own {len(rows):,} points": lambda: prepare(f"data.poi.path={small}"),
    "gdalwarp: the images alone, as one GeoTIFF": lambda: run(
        "gdalwarp", "-q", "-t_srs", "EPSG:4326", "-te", str(west), str(south), str(east), str(north), "-ts", str(edge), str(edge), "-r", "bilinear",
        "-multi", "-wo", "NUM_THREADS=ALL_CPUS", "-co", "TILED=YES", "-overwrite", os.path.join(city, "tiled.tif"), fresh("warped.tif")),
    "ogr2ogr: the points alone, as FlatGeobuf without an index": lambda: run(
        "ogr2ogr", "-f", "FlatGeobuf", "-lco", "SPATIAL_INDEX=NO", "-oo", "X_POSSIBLE_NAMES=" + names[lon], "-oo", "Y_POSSIBLE_NAMES=" + names[lat],
        fresh("points.fgb"), points),
}
if a.pbf:
    gb = os.path.getsize(pbf) / 1e9
    steps[f"prepare: the points of an OpenStreetMap file of {gb:.2g} GB ({a.pbf:,} nodes)"] = lambda: prepare(f"data.poi.path={pbf}", "data.poi.categories=preset:osm")
    steps["osmium tags-filter: its places alone, as PBF"] = lambda: run(
        "osmium", "tags-filter", "--overwrite", "-o", fresh("places.osm.pbf"), pbf, "n/amenity", "n/shop", "n/office", "n/leisure", "n/craft")
times = {name: [] for name in steps}
for _ in range(a.turns):
    for name, step in steps.items():
        times[name].append(step())
print(f"{a.cells * a.cells:,} cells of {a.size} px, {a.points:,} points, {os.cpu_count()} cores, medians of {a.turns} turns\n")
print("| | seconds | processor seconds | peak memory |\n|---|--:|--:|--:|")
for name, t in times.items():
    wall, processor, memory = (statistics.median(x) for x in zip(*t))
    print(f"| {name} | {wall:.1f} | {processor:.1f} | {memory / 1e6:.0f} MB |")
