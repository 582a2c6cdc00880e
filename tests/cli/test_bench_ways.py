# SPDX-License-Identifier: AGPL-3.0-or-later
"""Every way of the worker's peers in Python, not only the fastest that a run takes: each is right by itself."""
import pathlib
import sys

import pytest

numpy = pytest.importorskip("numpy")
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench/peers"))
sys.dont_write_bytecode = True

from case import DTYPE_SIZES, Cannot, Case, Missing, block_lengths  # noqa: E402 (the folder must be known first)
from faiss_peer import Faiss  # noqa: E402
from jax_peer import Jax  # noqa: E402
from numpy_peer import NumPy  # noqa: E402
from torch_peer import Torch  # noqa: E402

DTYPES = {"f32": "f4", "f64": "f8", "i16": "i2"}


def fill(data, rows, cols, dtype):
    generator = numpy.random.default_rng(5)
    whole = generator.integers(-9, 9, (rows, cols)) if data == "few" else generator.permutation(rows * cols).reshape(rows, cols)
    whole = whole.astype(dtype)
    if data == "masked":  # as neginf and its mirror: one in three is left
        whole[:, numpy.arange(cols) % 3 != 0] = -numpy.inf
    return whole


@pytest.mark.parametrize("peer", [NumPy, Torch, Faiss, Jax])
def test_every_way(tmp_path, peer):
    peer = peer()
    try:
        peer.load(1)
    except Missing as missing:
        pytest.skip(f"{peer.name} is missing: {missing}")
    tried = set()
    for kind, dtype, data, (rows, cols) in [
            (kind, dtype, data, shape) for kind in ("topk", "bottomk") for dtype in DTYPES for data in ("all", "few", "masked")
            for shape in ((3, 1003), (1, 8192)) if data != "masked" or dtype[0] == "f"]:
        x = fill(data, rows, cols, DTYPES[dtype])
        (tmp_path / "input").write_bytes(x.tobytes())
        for k in (1, 9, cols // 2):
            offset = (rows * k * DTYPE_SIZES[dtype] + 63) // 64 * 64
            (tmp_path / "output").write_bytes(bytes(offset + rows * k * 8))
            case = Case(kind, dtype, rows, cols, k, 1, tmp_path / "input", tmp_path / "output", offset)
            try:
                ways = peer.ways(case)
            except Cannot:
                continue
            values, indices = case.numpy_outputs(numpy)
            expected = numpy.sort(x, axis=1)
            expected = expected[:, ::-1][:, :k] if kind == "topk" else expected[:, :k]
            for way in ways:
                values[:], indices[:] = 77, -1
                way.prepare()
                answer = way.call()
                if way.store:
                    way.store(answer)
                where = f"{peer.name}: {way.how}: {kind} {dtype} {data} {rows}x{cols} k {k}"
                assert (values == expected).all(), where
                assert (numpy.take_along_axis(x, indices, 1) == values).all(), where
                assert all(len(set(row)) == k for row in indices.tolist()), where
                tried.add(way.how.split(" of ")[0])
    assert len(tried) > 1 and (peer.name == "faiss" or "extremes" in tried), tried


def test_lengths_of_blocks():
    def lengths(cols, k):
        return block_lengths(type("Shape", (), {"cols": cols, "k": k}))

    assert lengths(1 << 20, 1) == [512, 2048] and lengths(1 << 20, 64) == [128, 512]
    assert lengths(65536, 1024) == [16] and lengths(65536, 16384) == lengths(128, 8) == []
    for cols in (1000, 4096, 1 << 24):
        for k in (1, 7, 300):
            assert all(cols // length >= 4 * k for length in lengths(cols, k))
