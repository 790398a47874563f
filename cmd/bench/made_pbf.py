"""Writes a made OpenStreetMap extract (.osm.pbf) of a given size: a country with a city in it, for datapath.py.

The mix is that of a country's extract: 8,000 nodes to a block, of which 3% are places with a name and 2% other things with tags,
the rest corners; 1,600 ways to as many nodes (87% buildings, of which one in twelve is a place, and roads), and 16 relations of type
multipolygon. Every id and every position occurs once; what repeats, from block to block, are the shapes and the words.
"""
import random
import struct
import zlib

NODES, SQUARES, ROADS, ROAD, RELATIONS = 8000, 1400, 200, 10, 16  # of one block; ROAD: nodes of a road
FIRST = 1 << 14  # the first block's number: those up to 2**20 take three bytes, so that lengths are alike
TEMPLATES, GROUPED, DEGREES = 24, 5, 0.05  # kinds of blocks; blocks whose ways share a blob; extent of a block

PLACES = ["amenity=restaurant", "amenity=school", "amenity=bank", "shop=bakery", "shop=supermarket", "office=company", "leisure=park",
          "craft=carpenter", "tourism=hotel", "healthcare=doctor", "highway=bus_stop", "amenity=bench", "historic=memorial"]
OTHERS = ["natural=tree", "highway=crossing", "barrier=gate", "highway=street_lamp", "entrance=yes", "traffic_sign=maxspeed"]
AREAS = ["amenity=school", "shop=supermarket", "leisure=pitch", "landuse=industrial", "landuse=forest", "amenity=parking", "office=government", "tourism=hotel"]
LAND = ["landuse=commercial", "amenity=hospital", "landuse=meadow", "building=yes", "leisure=park"]


def varint(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def zigzag(n):
    return varint(2 * n if n >= 0 else -2 * n - 1)


def number(field, n):
    return varint(field << 3) + varint(n)


def data(field, b):
    return varint(field << 3 | 2) + varint(len(b)) + b


def blob(kind, payload):
    body = number(2, len(payload)) + data(3, zlib.compress(payload))
    head = data(1, kind) + number(3, len(body))
    return struct.pack(">I", len(head)) + head + body


class Words(dict):
    """A block's table of strings; the first is empty."""

    def __init__(self):
        self[""] = 0

    def tags(self, *pairs):
        at = [self.setdefault(word, len(self)) for pair in pairs for word in pair.split("=", 1)]
        return b"".join(map(varint, at[0::2])), b"".join(map(varint, at[1::2]))

    def table(self):
        return data(1, b"".join(data(1, w.encode()) for w in self))


def word(rng):
    return "".join(rng.choice(["ber", "lin", "ha", "mün", "ster", "we", "ro", "da", "ki", "el"]) for _ in range(rng.randrange(2, 5))).title()


class NodeBlock:
    """One kind of block of nodes: everything but its first id and position."""

    def __init__(self, rng):
        words, keyvals, at = Words(), bytearray(), []
        span = int(DEGREES * 1e7)

        def corner():
            return rng.randrange(span), rng.randrange(span)
        x, y = corner()
        for i in range(SQUARES):
            if i >= 2 * RELATIONS or i % 2 == 0:
                if i % 20 == 0:
                    x, y = corner()
                x, y, edge = (x + 4000) % span, (y + rng.randrange(-300, 300)) % span, rng.randrange(900, 3000)
            else:  # the courtyard of the one before, from which a relation is made
                x, y, edge = x + 200, y + 200, edge // 3
            at += [(x, y), (x + edge, y + 50), (x + edge - 50, y + edge), (x - 50, y + edge - 50)]
            keyvals += bytes(4)
        for _ in range(ROADS):
            x, y = corner()
            for _ in range(ROAD):
                at.append((x, y))
                x, y = x + rng.randrange(-2000, 2000), y + rng.randrange(-2000, 2000)
            keyvals += bytes(ROAD)
        while len(at) < NODES:
            at.append(corner())
            if len(at) % 5 < 3:
                pairs = [rng.choice(PLACES), f"name={word(rng)} {word(rng)}", f"addr:housenumber={rng.randrange(1, 200)}"][:rng.randrange(1, 4)]
            else:
                pairs = [rng.choice(OTHERS)]
            for k, v in map(words.tags, pairs):
                keyvals += k + v
            keyvals.append(0)
        ticks = zigzag(1_500_000_000) + b"".join(zigzag(rng.randrange(-9**5, 9**5)) if rng.random() < 0.1 else b"\0" for _ in at[1:])
        info = data(5, data(1, bytes(rng.choice((1, 1, 1, 2, 3)) for _ in at)) + data(2, ticks))
        self.x0, self.y0 = at[0]
        self.xs, self.ys = (b"".join(zigzag(b[k] - a[k]) for a, b in zip(at, at[1:])) for k in (0, 1))
        self.table, self.info, self.keyvals = words.table(), info, data(10, bytes(keyvals))

    def fill(self, block, lon, lat):
        ids = data(1, zigzag(block * 8192) + b"\2" * (NODES - 1))
        dense = ids + self.info + data(8, zigzag(lat + self.y0) + self.ys) + data(9, zigzag(lon + self.x0) + self.xs) + self.keyvals
        return self.table + data(2, data(2, dense))


class WayBlock:
    """One kind of block of ways. Of the ids, those of ways being number * 16384 + i and those of nodes number * 8192 + i, only the
    last three bytes differ from block to block, and they are the same in all: the block is kept in the pieces between."""

    def __init__(self, rng):
        words = Words()
        self.pieces, self.length, rest = [], 0, b""
        for i in range(SQUARES + ROADS):
            if i >= SQUARES:
                pairs = [rng.choice(["highway=residential", "highway=service", "highway=footway"])] + [f"name={word(rng)} Straße"] * (rng.random() < 0.5)
                first, steps = 4 * SQUARES + (i - SQUARES) * ROAD, b"\2" * (ROAD - 1)
            else:
                first, steps = 4 * i, b"\2\2\2\5"
                if i < 2 * RELATIONS:
                    pairs = [rng.choice(AREAS)] if i == 0 else []  # old style: the relation's tags are its outer way's
                elif rng.random() < 0.08:
                    pairs = [rng.choice(AREAS), f"name={word(rng)}"] + ["building=yes"] * (rng.random() < 0.5)
                else:
                    pairs = [rng.choice(["building=yes", "building=house", "building=garage"])]
                    pairs += [f"addr:street={word(rng)} Straße", f"addr:housenumber={rng.randrange(1, 200)}"] * (rng.random() < 0.4)
            keys, vals = words.tags(*pairs)
            tags = data(2, keys) + data(3, vals) if pairs else b""
            low, ref = (bytes([n & 127 | 128, n >> 7 | 128]) for n in (i, 2 * first))
            middle = tags + data(4, number(1, rng.randrange(1, 6)) + number(2, 1_600_000_000 - rng.randrange(9**8)))
            middle += varint(8 << 3 | 2) + varint(5 + len(steps)) + ref
            size = 1 + 5 + len(middle) + 3 + len(steps)
            self.pieces += [rest + b"\x1a" + varint(size) + b"\x08" + low, middle]
            self.length += 1 + len(varint(size)) + size
            rest = steps
        self.pieces.append(rest)
        self.table = words.table()

    def fill(self, numbers):
        return self.table + b"".join(varint(2 << 3 | 2) + varint(self.length) + varint(n).join(self.pieces) for n in numbers)


def relations(rng, numbers):
    words = Words()
    group = bytearray()
    roles = b"".join(varint(words.setdefault(r, len(words))) for r in ("outer", "inner"))
    for n in numbers:
        for i in range(RELATIONS):
            keys, vals = words.tags("type=multipolygon", *([rng.choice(LAND)] if i else []))
            members = zigzag(n * 16384 + 2 * i) + zigzag(1)
            group += data(4, number(1, n * 64 + i) + data(2, keys) + data(3, vals) + data(8, roles) + data(9, members) + data(10, b"\1\1"))
    return words.table() + data(2, bytes(group))


def write(path, size, city):
    """Writes a file of about size bytes; city is west, south, east, north in degrees, where one block in twenty lies."""
    rng = random.Random(2)
    nodes, ways = ([kind(rng) for _ in range(TEMPLATES)] for kind in (NodeBlock, WayBlock))
    sample = range(FIRST, FIRST + GROUPED)
    per = len(blob(b"OSMData", nodes[0].fill(FIRST, 10**8, 5 * 10**8))) + len(blob(b"OSMData", ways[0].fill(sample))) / GROUPED
    per += len(blob(b"OSMData", relations(rng, sample))) / GROUPED
    last = FIRST + max(1, round(size / per))
    numbers = range(FIRST, last)
    west, south, east, north = city
    with open(path, "wb") as f:
        f.write(blob(b"OSMHeader", data(4, b"OsmSchema-V0.6") + data(4, b"DenseNodes") + data(5, b"Sort.Type_then_ID")))
        for n in numbers:
            lon, lat = rng.uniform(west - 2.5, east + 2.5), rng.uniform(south - 2.5, north + 2.5)
            if n % 20 == 0:
                lon, lat = rng.uniform(west, east - DEGREES), rng.uniform(south, north - DEGREES)
            f.write(blob(b"OSMData", nodes[n % TEMPLATES].fill(n, round(lon * 1e7), round(lat * 1e7))))
        for n in range(FIRST, last, GROUPED):
            f.write(blob(b"OSMData", ways[n // GROUPED % TEMPLATES].fill(range(n, min(n + GROUPED, last)))))
        for n in range(FIRST, last, 100):
            f.write(blob(b"OSMData", relations(rng, range(n, min(n + 100, last)))))
    return len(numbers) * NODES
