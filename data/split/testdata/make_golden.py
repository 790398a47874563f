"""Counts, with shapely instead of our point-in-polygon test, the 1 km cells of
EPSG:27700 whose centre lies in each London borough.

    /usr/bin/python3 make_golden.py ../../../../shared/data
"""

import collections
import json
import os
import sys

from osgeo import ogr
from shapely import wkb
from shapely.geometry import Point

HERE = os.path.dirname(os.path.abspath(__file__))
source = ogr.Open(os.path.join(sys.argv[1], "london", "laei2019_co2_all_sources.shp"))
shapes = [(f.GetField("borough"), wkb.loads(bytes(f.GetGeometryRef().ExportToWkb()))) for f in source.GetLayer(0)]
found = collections.Counter()
for col in range(501, 562):
    for north in range(152, 204):
        p = Point(col * 1000 + 500, north * 1000 + 500)
        names = {n for n, s in shapes if s.contains(p)}
        assert len(names) <= 1
        found.update(names)
with open(os.path.join(HERE, "boroughs.json"), "w") as f:
    json.dump(dict(sorted(found.items())), f, indent=1)
