#!/usr/bin/env python3
"""Times `prepare` on a made city beside the tools that do a part of the same: gdalwarp for the imagery, ogr2ogr for reading
the points, osmium for an OpenStreetMap extract, exactextract for adding up by areas. Seconds on the wall, of processors, and peak
memory, of each process.

    python3 cmd/bench/datapath.py [--cells 32] [--size 256] [--points 10000000] [--pbf 1000] [--areas 45] [--turns 3] [--dir DIR]

Run from the project's folder. Needs Go and GDAL's programs (apt-get install gdal-bin); --pbf also osmium (apt-get install osmium-tool);
--areas exactextract in this Python (pip install exactextract). All take turns; medians are printed as a table in Markdown.
"""
import argparse
import csv
import importlib.util
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import made_pbf

p = argparse.ArgumentParser()
p.add_argument("--cells", type=int, default=32, help="cells along the city's edge")
p.add_argument("--size", type=int, default=256, help="pixels along a cell's edge")
p.add_argument("--points", type=int, default=10_000_000)
p.add_argument("--pbf", type=float, default=0, help="megabytes of a made OpenStreetMap extract that is read as well, with osmium beside; 1000 take some minutes to make")
p.add_argument("--areas", type=int, default=0, help="areas along the city's edge over which a prediction is added up, with exactextract beside")
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


exact = a.areas and importlib.util.find_spec("exactextract")
if a.areas and not exact:
    print("areas are left out: this Python has no exactextract (pip install exactextract)")
for name in ["synth", "prepare"] + (["train", "predict"] if exact else []):
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
points = os.path.join(city, f"points-{a.points}-own-ids.csv")
with open(os.path.join(city, "poi.csv"), encoding="utf-8") as f:
    header, *rows = f.read().splitlines()
names = header.split(",")
lon, lat = (next(i for i, n in enumerate(names) if n.lower() in k) for k in (("lon", "longitude", "x"), ("lat", "latitude", "y")))
ident = names.index("id") if "id" in names else None
if not os.path.exists(points):
    rng = random.Random(1)
    with open(points + ".new", "w", encoding="utf-8") as f:
        f.write(header + "\n")
        for i in range(a.points):
            v = rows[i % len(rows)].split(",")
            for k in (lon, lat):
                v[k] = f"{float(v[k]) + rng.gauss(0, 1e-3):.6f}"
            if ident is not None:
                v[ident] = f"p{i + 1:08d}"  # a row of its own, not one point listed again and again
            f.write(",".join(v) + "\n")
    os.rename(points + ".new", points)

info = subprocess.run(["gdalinfo", "-json", os.path.join(city, "mosaic.tif")], check=True, capture_output=True, text=True).stdout
corners = json.loads(info)["cornerCoordinates"]
west, north = corners["upperLeft"]
east, south = corners["lowerRight"]
edge = a.cells * a.size

pbf = os.path.join(city, f"country-{a.pbf:g}.osm.pbf")
if a.pbf and not os.path.exists(pbf):
    made_pbf.write(pbf + ".new", a.pbf * 1e6, (west, south, east, north))
    os.rename(pbf + ".new", pbf)


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
    keys = "amenity shop office tourism leisure healthcare craft industrial public_transport railway aeroway historic sport emergency man_made power".split()
    steps[f"prepare: images, emissions, places of a country of {gb:.2g} GB (.osm.pbf)"] = lambda: prepare(f"data.poi.path={pbf}", "data.poi.categories=preset:osm")
    steps["osmium tags-filter: the country's places alone, as .osm.pbf"] = lambda: run(
        "osmium", "tags-filter", "--no-progress", "-o", fresh("places.osm.pbf"), pbf, *("nwr/" + k for k in keys + ["highway=bus_stop,services,rest_area", "landuse"]))
if exact:
    # A model of points alone, trained for two rounds: what it says is of no account here. The areas are quadrangles that
    # fill the city, with corners anywhere in the cells.
    rng = random.Random(3)
    model, predicted = os.path.join(root, "model"), os.path.join(root, "predicted")
    run(os.path.join(bins, "train"), "--config", "demo", *(x for s in (
        "data.imagery.path=", "model.modalities=[poi]", f"data.emissions.path={city}/odiac/odiac2022_1km_excl_intl_18*.tif", f"data.poi.path={small}",
        f"data.split.file={city}/districts.geojson", f"data.store={root}/points", f"output.dir={model}", "train.epochs=2", "train.min_epochs=1",
        "train.contrastive_warmup_epochs=1", "train.threads=1") for x in ("--set", s)))
    corner = {(i, j): [west + (east - west) * (i + rng.uniform(-0.3, 0.3) * (0 < i < a.areas)) / a.areas,
                       south + (north - south) * (j + rng.uniform(-0.3, 0.3) * (0 < j < a.areas)) / a.areas]
              for i in range(a.areas + 1) for j in range(a.areas + 1)}
    quads = [{"type": "Feature", "properties": {"name": f"area {i} {j}"}, "geometry": {"type": "Polygon", "coordinates": [
        [corner[at] for at in ((i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1), (i, j))]]}} for i in range(a.areas) for j in range(a.areas)]
    with open(os.path.join(root, "areas.geojson"), "w", encoding="utf-8") as f:
        json.dump({"type": "FeatureCollection", "features": quads}, f)

    def predict(*more):
        return run(os.path.join(bins, "predict"), "--checkpoint", os.path.join(model, "demo", "latest", "ridge.safetensors"), "--store", os.path.join(root, "points"),
                   "--out", predicted, *more)

    # exactextract takes GeoTIFFs only with further packages: GDAL's program makes plain numbers of the band before.
    sums = os.path.join(root, "sums.json")
    program = f"""
import json, numpy
from exactextract import exact_extract
from exactextract.raster import NumPyRasterSource
info = json.load(open({os.path.join(root, "band.json")!r}))
(w, h), t = info["size"], info["geoTransform"]
values = numpy.fromfile({os.path.join(root, "band.bin")!r}).reshape(h, w)
source = NumPyRasterSource(values, t[0], t[3] + h * t[5], t[0] + w * t[1], t[3], nodata=float("nan"))
areas = json.load(open({os.path.join(root, "areas.geojson")!r}))["features"]
found = exact_extract(source, areas, ["sum"], include_cols=["name"])
json.dump({{f["properties"]["name"]: f["properties"]["sum"] for f in found}}, open({sums!r}, "w"))
"""
    none = f"import json, numpy, exactextract; json.load(open({os.path.join(root, 'areas.geojson')!r}))"
    steps[f"predict: {a.cells * a.cells:,} cells by their points"] = lambda: predict()
    steps[f"predict --areas: added up over {len(quads):,} areas as well"] = lambda: predict("--areas", os.path.join(root, "areas.geojson"), "--field", "name")
    steps["exactextract: the areas alone"] = lambda: run(sys.executable, "-c", program)
    steps["the same Python without adding up"] = lambda: run(sys.executable, "-c", none)
    predict("--areas", os.path.join(root, "areas.geojson"), "--field", "name")
    tif = os.path.join(predicted, "predictions.tif")
    run("gdal_translate", "-q", "-b", "1", "-of", "ENVI", "-ot", "Float64", tif, os.path.join(root, "band.bin"))
    with open(os.path.join(root, "band.json"), "w", encoding="utf-8") as f:
        f.write(subprocess.run(["gdalinfo", "-json", tif], check=True, capture_output=True, text=True).stdout)
times = {name: [] for name in steps}
for _ in range(a.turns):
    for name, step in steps.items():
        times[name].append(step())
print(f"{a.cells * a.cells:,} cells of {a.size} px, {a.points:,} points, {os.cpu_count()} cores, medians of {a.turns} turns\n")
print("| | seconds | processor seconds | peak memory |\n|---|--:|--:|--:|")
for name, t in times.items():
    wall, processor, memory = (statistics.median(x) for x in zip(*t))
    print(f"| {name} | {wall:.1f} | {processor:.1f} | {memory / 1e6:.0f} MB |")
if exact:
    with open(os.path.join(predicted, "areas.csv"), encoding="utf-8") as f:
        ours = {row["name"]: float(row["raw_tCO2_per_yr"]) for row in csv.DictReader(f)}
    with open(sums, encoding="utf-8") as f:
        theirs = {name: v or 0.0 for name, v in json.load(f).items()}
    apart = max(ours, key=lambda name: abs(ours[name] - theirs[name]) / theirs[name])
    print(f"\nTotals of {len(ours):,} areas, ours beside exactextract's: farthest apart {apart}, {ours[apart]:.8g} and {theirs[apart]:.8g} "
          f"({ours[apart] / theirs[apart] - 1:+.1e}); all together {sum(ours.values()) / sum(theirs.values()) - 1:+.1e}")
