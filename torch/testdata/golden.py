"""What the generators share: a safetensors writer by hand, and cases of "inputs, outputs, gradients"."""
import json
import struct
import zlib

import numpy as np
import torch

NAMES = {"float32": "F32", "float64": "F64", "int64": "I64", "int32": "I32", "int16": "I16", "int8": "I8", "uint8": "U8",
         "bool": "BOOL", "float16": "F16"}


def write(path, arrays, metadata=None):
    """Writes numpy arrays by name as the safetensors specification asks for."""
    header, at, body = {}, 0, []
    if metadata:
        header["__metadata__"] = metadata
    for name in sorted(arrays):
        a = np.asarray(arrays[name], order="C")
        header[name] = {"dtype": NAMES[str(a.dtype)], "shape": list(a.shape), "data_offsets": [at, at + a.nbytes]}
        at += a.nbytes
        body.append(a.tobytes())
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(body))


class Cases:
    """Collects cases: name/in0 ..., name/out0 ..., name/up0 ... (the gradient from above), name/grad0 ..."""

    def __init__(self):
        self.arrays = {}

    def add(self, name, f, *inputs, frozen=()):
        """Runs f on tensors of the inputs; float inputs not named in frozen get gradients."""
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        tensors = []
        for i, a in enumerate(inputs):
            a = np.asarray(a)
            self.arrays[f"{name}/in{i}"] = a
            t = torch.from_numpy(a.copy())
            if t.is_floating_point() and i not in frozen:
                t.requires_grad_(True)
            tensors.append(t)
        outputs = f(*tensors)
        if isinstance(outputs, torch.Tensor):
            outputs = [outputs]
        loss = None
        for j, o in enumerate(outputs):
            # A copy: operations may hand a view of their input back.
            self.arrays[f"{name}/out{j}"] = o.detach().clone().contiguous().numpy()
            if o.is_floating_point() and o.requires_grad:
                up = rng.standard_normal(tuple(o.shape)).astype(np.float32)
                up = np.asarray(up, dtype=o.detach().numpy().dtype)
                self.arrays[f"{name}/up{j}"] = up
                part = (o * torch.from_numpy(up.copy())).sum()
                loss = part if loss is None else loss + part
        if loss is not None:
            loss.backward()
            for i, t in enumerate(tensors):
                if t.grad is not None:
                    self.arrays[f"{name}/grad{i}"] = t.grad.detach().contiguous().numpy()
