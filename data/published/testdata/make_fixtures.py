"""Makes tiny datasets in the published program's format, packed into one zip
(their dense matrices of zeros are large unpacked), and what they hold.

    /usr/bin/python3 make_fixtures.py           # NumPy 1: published.zip, expected.json
    python3 make_fixtures.py --numpy2           # NumPy 2: published_numpy2.zip, expected_numpy2.json
"""
import hashlib, json, pickle, struct, sys, tempfile, zipfile
from pathlib import Path

import numpy as np

two = "--numpy2" in sys.argv
assert two == (np.__version__ >= "2")
rng = np.random.default_rng(42)
work = Path(tempfile.mkdtemp())
expected = {}
C = 3
# a 3 x 3 block of tiles without its north-eastern corner, in no special order
TILES = [(26995, 12416), (26994, 12415), (26996, 12417), (26995, 12415), (26994, 12416), (26994, 12417), (26996, 12416), (26995, 12417)]


def matrices(dtype, order, counts=(1, 2, 3)):
    out = {}
    for t in TILES:
        m = np.zeros((256, 256, C), dtype, order=order)
        n = int(rng.integers(0, 30)) if t != TILES[3] else 0  # one tile is empty
        for _ in range(n):
            m[rng.integers(256), rng.integers(256), rng.integers(C)] += rng.choice(counts)
        out[t] = m
    out[TILES[0]][0, 255, 1] = 7  # tells rows from columns
    return out


def save_npy(path, obj, protocol):
    """np.save with a protocol of our choice."""
    body = pickle.dumps(np.array(obj, dtype=object), protocol=protocol)
    head = "{'descr': '|O', 'fortran_order': False, 'shape': (), }"
    head += " " * (-(len(head) + 11) % 64) + "\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + body)
    np.load(path, allow_pickle=True)  # NumPy itself must be able to read it


def city(name, poi, carbon, folder=None):
    folder = work / (folder or name + "_data")
    folder.mkdir(exist_ok=True)
    expected[name] = {
        "tiles": [list(t) for t in poi],
        "points": {f"{x}_{y}": [[int(k), int(r), int(c), float(np.float32(m[r, c, k]))] for k, r, c in
                                sorted((k, r, c) for r, c, k in zip(*np.nonzero(m)))] for (x, y), m in poi.items()},
        "carbon": {f"{x}_{y}": float(v) for (x, y), v in carbon.items()},
        "images": {},
    }
    return folder


def emissions(kind=float):
    return {t: kind(np.exp(rng.normal(9, 1))) for t in TILES[:-1]}  # the last tile has none


def picture(i):
    y, x = np.mgrid[0:256, 0:256]
    base = np.stack([(x // (33 + i)) * 37 % 256, (y // 51) * 53 % 256, (x // 64 + y // 40) * 29 % 256], -1)
    return base.astype(np.uint8)


def image(name, tile, path, i, mode="RGB", **kw):
    from PIL import Image
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture(i)).convert(mode, dither=Image.Dither.NONE).save(path, **kw)
    rgb = np.asarray(Image.open(path).convert("RGB")).transpose(2, 0, 1)
    expected[name]["images"][f"{tile[0]}_{tile[1]}"] = hashlib.sha256(rgb.tobytes()).hexdigest()


def write_zip(name):
    with zipfile.ZipFile(name, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as z:
        for p in sorted(work.rglob("*")):
            if p.is_file():
                z.writestr(zipfile.ZipInfo(str(p.relative_to(work)), (2020, 1, 1, 0, 0, 0)), p.read_bytes(), zipfile.ZIP_DEFLATED, 9)
    Path(name.replace("published", "expected").replace(".zip", ".json")).write_text(json.dumps(expected, indent=0, sort_keys=True) + "\n")


if not two:
    # London: np.save as it is, float64, PNG, no split file
    poi, carbon = matrices(np.float64, "C"), emissions()
    d = city("london", poi, carbon)
    np.save(d / "tile2poi_distribution_london.npy", poi)
    np.save(d / "til2carbon_london.npy", carbon)
    np.save(d / "tile2poi_count_london.npy", {t: m.sum((0, 1)) for t, m in poi.items()})
    modes = ["RGB", "RGBA", "L", "P", "RGB", "RGB", "RGB", "RGB"]
    for i, t in enumerate(TILES):
        image("london", t, work / "satellite_images_london" / f"{t[0]}_{t[1]}.png", i, modes[i], optimize=True)
    # Yinchuan: no suffixes, protocol 5, float32 in Fortran order, NumPy's numbers, JPEG in districts, split file
    poi, carbon = matrices(np.float32, "F", (0.5, 0.25)), emissions(np.float32)
    d = city("yinchuan", poi, carbon)
    save_npy(d / "tile2poi_distribution.npy", {tuple(np.array(t)): m for t, m in poi.items()}, 5)
    save_npy(d / "tile2carbon.npy", carbon, 5)
    for i, t in enumerate(TILES):
        image("yinchuan", t, d / "satellite_images_yinchuan" / f"district{i % 2}" / f"{t[0]}_{t[1]}.jpg", i, quality=70, subsampling=i % 3)
    split = (TILES[:4], TILES[4:6], TILES[6:] + [(1, 1)])
    (d / "train_test_split_yinchuan.pkl").write_bytes(pickle.dumps(split))
    expected["yinchuan"]["split"] = [[list(t) for t in part] for part in split]
    # Two cities of the transfer study: .npz, packed and plain
    for name, save in (("tokyo", np.savez_compressed), ("berlin", np.savez)):
        poi, carbon = matrices(np.float32, "C"), emissions(np.float64)
        d = city(name, poi, carbon)
        save(d / f"tile2poi_distribution_{name}.npz", poi_distribution=np.array(poi, dtype=object))
        np.save(d / f"til2carbon_{name}.npy", carbon)
    # POI files alone, for every other protocol and kind of number
    for name, dtype, order, protocol in (("p2", np.float32, "C", 2), ("p3", np.uint8, "F", 3), ("p4", ">f4", "C", 4)):
        poi = matrices(dtype, order)
        d = city(name, poi, emissions())
        save_npy(d / f"tile2poi_distribution_{name}.npy", poi, protocol)
    write_zip("published.zip")
else:
    # Beijing: NumPy 2's names, np.save, keys of NumPy integers, split file
    poi, carbon = matrices(np.float64, "F"), emissions(np.float64)
    d = city("beijing", poi, carbon)
    np.save(d / "tile2poi_distribution_beijing.npy", {tuple(np.array(t)): m for t, m in poi.items()})
    np.save(d / "til2carbon_beijing.npy", carbon)
    split = (TILES[:4], TILES[4:6], [np.array(t) for t in TILES[6:]])
    (work / "train_test_split_beijing_fengtai.pkl").write_bytes(pickle.dumps(split))
    expected["beijing"]["split"] = [[[int(v) for v in t] for t in part] for part in split]
    for name, dtype, order, protocol in (("p2", np.float32, "F", 2), ("p5", np.float32, "C", 5)):
        poi = matrices(dtype, order)
        d = city(name, poi, emissions())
        save_npy(d / f"tile2poi_distribution_{name}.npy", poi, protocol)
    write_zip("published_numpy2.zip")
