#!/usr/bin/python3
"""Makes table.npy with numpy alone: what the
package must write, byte for byte, for the table of export_test.go.

Run in this folder: python3 generate.py

With the name of a folder it instead reads the table that the package has
written there (table.csv, table.npy, table.parquet, and
tensors.tsv, metadata.tsv, projector_config.pbtxt) with numpy and pyarrow, and
compares all of them with each other:
    python3 generate.py FOLDER
"""
import csv
import pathlib
import re
import sys

import numpy as np


def table():
    """The table of export_test.go."""
    n, d = 11, 3
    kinds = [("cell", "<U15"), ("col", "<i8"), ("row", "<i8"), ("lon", "<f8"), ("lat", "<f8"), ("split", "<U10"),
             ("ln_true", "<f8"), ("ln_predicted", "<f8")]
    t = np.zeros(n, dtype=kinds + [(f"e{k}", "<f4") for k in range(d)])
    i = np.arange(n)
    t["col"] = 7 * i - 3 + (i == 4) * 2**40
    t["row"] = 5 - i
    t["cell"] = [f"{c}_{r}" for c, r in zip(t["col"], t["row"])]
    t["lon"] = 139.5 + i / 3
    t["lat"] = -35 + i / 7
    t["split"] = [("train", "validation", "test", "none")[k % 4] for k in i]
    t["ln_true"] = np.where(i % 4 == 1, np.nan, i - 1e-9)
    t["ln_predicted"] = np.where(i == 10, np.nan, i * 1e5 + 0.1)
    for k in range(d):
        t[f"e{k}"] = (np.float32(i) - np.float32(2.5)) / np.float32(k + 3)
    return t


def generate():
    # Later numpy leaves room in the header for more rows to come; the bytes are the same without.
    where = sys.modules.get("numpy.lib._format_impl", np.lib.format)
    if hasattr(where, "GROWTH_AXIS_MAX_DIGITS"):
        where.GROWTH_AXIS_MAX_DIGITS = 0
    t = table()
    np.save("table.npy", t)


def check(folder):
    import pyarrow.parquet as pq

    folder = pathlib.Path(folder)
    t = np.load(folder / "table.npy")
    if len(t) == 11:
        want = table()
        assert t.dtype == want.dtype
        for c in t.dtype.names:
            np.testing.assert_array_equal(t[c], want[c])
    file = pq.ParquetFile(folder / "table.parquet")
    p = file.read()
    assert p.column_names == list(t.dtype.names), p.column_names
    print(file.metadata)
    print(file.schema)
    gaps = {"ln_true", "ln_predicted"}
    texts = {"cell", "split"}
    for c in t.dtype.names:
        assert p.schema.field(c).nullable == (c in gaps)
        column = p.column(c)
        if c not in gaps:
            assert column.null_count == 0
        assert column.null_count == (np.isnan(t[c]).sum() if c in gaps else 0)
        if c in texts:
            assert column.to_pylist() == list(t[c])
            continue
        np.testing.assert_array_equal(column.to_numpy(), t[c])
        assert np.dtype(column.type.to_pandas_dtype()) == t.dtype[c]
    with open(folder / "table.csv", newline="") as f:
        rows = list(csv.DictReader(f))
    tensors = np.loadtxt(folder / "tensors.tsv", delimiter="\t", dtype=np.float32, ndmin=2)
    with open(folder / "metadata.tsv", newline="") as f:
        labels = list(csv.DictReader(f, delimiter="\t"))
    assert len(rows) == len(labels) == len(tensors) == len(t)
    m = np.stack([t[c] for c in t.dtype.names if re.fullmatch(r"e\d+", c)], axis=1)
    np.testing.assert_array_equal(tensors, m)
    for c in t.dtype.names:
        read = np.array([r[c] or "nan" for r in rows]).astype(t.dtype[c])
        np.testing.assert_array_equal(read, t[c])
        if c in labels[0]:
            assert [r[c] for r in labels] == [r[c] for r in rows]
        else:
            np.testing.assert_array_equal(m[:, int(c[1:])], t[c])
    config = (folder / "projector_config.pbtxt").read_text()
    assert re.fullmatch(r'embeddings \{\n  tensor_name: "[^"]+"\n  tensor_path: "tensors.tsv"\n  metadata_path: "metadata.tsv"\n\}\n', config)
    print(f"{len(t)} rows, {len(t.dtype.names)} columns: all formats agree")


if len(sys.argv) > 1:
    check(sys.argv[1])
else:
    generate()
