"""Makes pickles of one value in every protocol, and of NumPy's arrays and
scalars, each with its content in a plain spelling.

    /usr/bin/python3 make_values.py        # NumPy 1: values.json
    python3 make_values.py _numpy2         # NumPy 2: values_numpy2.json
"""
import base64, json, pickle, struct, sys
from collections import OrderedDict, defaultdict

import numpy as np

suffix = sys.argv[1] if len(sys.argv) > 1 else ""


def plain(v):
    if isinstance(v, np.ndarray) and v.dtype != object:
        return f"array{list(v.shape)}[" + ",".join(plain(float(x)) for x in v.flatten(order="F" if v.flags.f_contiguous and not v.flags.c_contiguous else "C")) + "]"
    if isinstance(v, np.generic):
        v = v.item()
    if v is None or isinstance(v, (bool, int)):
        return str(v)
    if isinstance(v, float):
        return "f" + struct.pack(">d", v).hex()
    if isinstance(v, str):
        return json.dumps(v, ensure_ascii=False)
    if isinstance(v, (bytes, bytearray)):
        return "b" + bytes(v).hex()
    if isinstance(v, tuple):
        return "(" + ",".join(map(plain, v)) + ")"
    if isinstance(v, (list, set, frozenset)):
        return "[" + ",".join(map(plain, v)) + "]"
    if isinstance(v, dict):
        return "{" + ",".join(plain(k) + ":" + plain(x) for k, x in v.items()) + "}"
    raise TypeError(type(v))


shared = [1, 2]
value = {
    "ints": [0, 1, 255, 256, 65535, 65536, -1, -128, 2**31 - 1, -2**31, 2**31, 2**63 - 1, -2**63, 2**63, -2**63 - 1, 2**200, -2**200],
    "floats": [0.0, -0.0, 1.5, -1e300, 5e-324, float("inf"), float("-inf"), 0.1],
    "texts": ["", "ascii", "北京 é \u0100", "quote ' \" \\ \n end", "x" * 300],
    "bytes": [b"", b"\x00\x7f\x80\xff", bytes(range(256)) * 2],
    "tuples": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), ((), ((),))],
    "others": [None, True, False, {7}, frozenset([8]), shared, shared, {}, {(1, 2): "pair"}, OrderedDict(a=1, b=2), defaultdict(list, x=3)],
}
long = [list(range(1010)), {i: -i for i in range(1010)}]  # written in batches of 1000
arrays = {f"{d} {o}": np.asarray(np.arange(6).reshape(2, 3), dtype=d, order=o) for d in
          ("<f8", ">f8", "<f4", ">f4", "<f2", "<i8", ">i8", "<i4", "<i2", "i1", "u1", "<u2", "<u8", "?") for o in "CF"}
arrays["0-d"] = np.array(2.5)
arrays["empty"] = np.zeros((0, 3))
arrays["scalars"] = [np.float64(0.25), np.float32(1.5), np.float16(-0.125), np.int64(-7), np.uint8(200), np.bool_(True), np.uint64(2**63)]
out = {"numpy": [plain(arrays), *(base64.b64encode(pickle.dumps(arrays, p)).decode() for p in range(2, 6))]}
if not suffix:
    out["value"] = [plain(value), *(base64.b64encode(pickle.dumps(value, p)).decode() for p in range(6))]
    out["long"] = [plain(long), *(base64.b64encode(pickle.dumps(long, p)).decode() for p in (2, 4))]
with open(f"values{suffix}.json", "w") as f:
    json.dump(out, f, indent=0)
