"""Makes poi.shp (by ogr2ogr) and poi.osm.pbf (by hand, after the format's page in
the OpenStreetMap wiki) for this package's tests.

    /usr/bin/python3 make_files.py
"""

import json
import os
import struct
import subprocess
import tempfile
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))


def varint(n):
    out = b""
    while True:
        n, low = n >> 7, n & 127
        out += bytes([low | (128 if n else 0)])
        if not n:
            return out


def zigzag(n):
    return varint(n * 2 if n >= 0 else -n * 2 - 1)


def number(field, n):
    return varint(field << 3) + varint(n)


def data(field, b):
    return varint(field << 3 | 2) + varint(len(b)) + b


def blob(kind, payload):
    body = number(2, len(payload)) + data(3, zlib.compress(payload))
    head = data(1, kind) + number(3, len(body))
    return struct.pack(">I", len(head)) + head + body


NODES = [  # id, lon, lat, tags
    (1, 13.405, 52.515, {"amenity": "cafe", "name": 'The "Quoted" \\ Bean'}),
    (2, 13.406, 52.516, {"shop": "bakery", "amenity": "cafe"}),
    (3, 13.407, 52.517, {"highway": "bus_stop"}),
    (4, 13.408, 52.518, {"highway": "traffic_signals"}),
    (5, 13.409, 52.519, {}),
    (6, 13.410, 52.520, {"shop": "kiosk", "name": "Kiosk"}),
    (7, 13.411, 52.521, {"shop": "no"}),
]


def pbf(path):
    strings = [b""]
    for *_, tags in NODES:
        for s in [x for kv in tags.items() for x in kv]:
            if s.encode() not in strings:
                strings.append(s.encode())
    table = b"".join(data(1, s) for s in strings)
    group = b""
    for ident, lon, lat, tags in NODES:
        keys = b"".join(varint(strings.index(k.encode())) for k in tags)
        vals = b"".join(varint(strings.index(v.encode())) for v in tags.values())
        node = varint(1 << 3) + zigzag(ident)
        if tags:
            node += data(2, keys) + data(3, vals)
        node += varint(8 << 3) + zigzag(round(lat * 1e7)) + varint(9 << 3) + zigzag(round(lon * 1e7))
        group += data(1, node)
    with open(path, "wb") as f:
        f.write(blob(b"OSMHeader", data(4, b"OsmSchema-V0.6")))
        f.write(blob(b"OSMData", data(1, table) + data(2, group)))


def shapefile(path):
    features = [{"type": "Feature", "properties": {"type": kind, "n": n},
                 "geometry": {"type": "Point", "coordinates": [lon, lat]}}
                for kind, n, lon, lat in [("cafe", 1, 13.405, 52.515), ("bar", 3, 13.406, 52.516), ("Bäckerei", 2, 13.407, 52.517)]]
    with tempfile.NamedTemporaryFile("w", suffix=".geojson") as f:
        json.dump({"type": "FeatureCollection", "features": features}, f)
        f.flush()
        subprocess.check_call(["ogr2ogr", "-overwrite", "-t_srs", "EPSG:32633", "-lco", "ENCODING=UTF-8", path, f.name])


pbf(os.path.join(HERE, "poi.osm.pbf"))
shapefile(os.path.join(HERE, "poi.shp"))
