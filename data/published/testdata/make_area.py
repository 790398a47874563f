"""Makes area.json: what OpenCV's resize to 256 x 256 with INTER_AREA makes of pictures of many sizes, at some pixels.

    /usr/bin/python3 make_area.py     # python3-opencv

Both sides make the pictures by the same formula (area_test.go has it in Go).
"""
import json
import zlib

import cv2
import numpy as np


def bits(name, n):
    """n well mixed 32-bit numbers that depend on the name (an integer hash by Chris Wellons, "lowbias32")."""
    h = np.arange(n, dtype=np.uint32) * np.uint32(2654435769) + np.uint32(zlib.crc32(name.encode()))
    h ^= h >> np.uint32(16)
    h *= np.uint32(0x7feb352d)
    h ^= h >> np.uint32(15)
    h *= np.uint32(0x846ca68b)
    return h ^ (h >> np.uint32(16))


def picture(width, height):
    """Noise, beside which any wrong weight shows, over steps."""
    c, y, x = np.mgrid[0:3, 0:height, 0:width]
    v = (x // 7 * 31 + y // 5 * 17 + c * 40) % 128 + (bits(f"{width}x{height}", c.size) % 128).reshape(c.shape)
    return v.astype(np.uint8)


out = {}
for width, height in [(512, 512), (768, 512), (257, 256), (300, 280), (511, 700), (1000, 333), (128, 128), (255, 255), (64, 200), (200, 400), (600, 100),
                      (1, 1), (256, 300), (300, 256), (256, 128)]:
    small = cv2.resize(np.ascontiguousarray(picture(width, height).transpose(1, 2, 0)), (256, 256), interpolation=cv2.INTER_AREA).transpose(2, 0, 1)
    at = bits(f"at {width}x{height}", 300) % np.uint32(small.size)
    out[f"{width}x{height}"] = [int(v) for v in small.ravel()[at]] + [int(small.astype(np.int64).sum())]
with open("area.json", "w") as f:
    f.write(json.dumps({"opencv": cv2.__version__, "pixels": out}) + "\n")
