# SPDX-License-Identifier: AGPL-3.0-or-later
"""Band compaction against NumPy's comparisons, and streams against one call."""
import array
import math

import numpy
import pytest
from order_reference import DTYPES, random_array, random_view, same_bits

import spiraltorch as st


@pytest.mark.parametrize("dtype", DTYPES)
def test_bands(dtype):
    random = numpy.random.default_rng(1)
    for _ in range(60):
        x = random_view(random, dtype, int(random.integers(1, 4)))
        axis = int(random.integers(x.ndim))
        lower, upper = sorted(float(n) for n in random.integers(-3, 4, size=2))
        moved = numpy.moveaxis(x, axis, -1)
        inside = (moved >= lower) & (moved <= upper)
        found = st.band_compact(x, lower, upper, axis)
        assert same_bits(found.values, moved[inside])
        assert numpy.array_equal(found.indices, numpy.nonzero(inside)[-1])
        assert numpy.array_equal(found.counts, inside.sum(axis=-1))


@pytest.mark.parametrize("dtype, lower, upper, expected", [
    ("uint8", -1, 300, [0, 7, 255]), ("uint8", -1e30, 6.9, [0]), ("uint8", 6.1, 7.9, [7]), ("uint8", 7.1, 7.9, []), ("uint8", 256, 300, []),
    ("uint8", -9, -1, []), ("uint8", -math.inf, math.inf, [0, 7, 255]), ("uint8", 2**70, 2**80, []), ("int64", 2**53 + 1, 2**53 + 1, [2**53 + 1]),
    ("uint64", 2**63, 2**64 - 1, [2**64 - 1]), ("uint64", 2**64, 2**65, []), ("int64", -2**63, -2**63, [-2**63]), ("int8", -128.5, -127.5, [-128]),
    ("float32", 0.1, 0.1, [0.1]), ("float32", 3, 1, []), ("float32", -0.0, 0.0, [0.0]), ("float16", 1e9, math.inf, [math.inf]),
])
def test_bounds(dtype, lower, upper, expected):
    pools = {"uint8": [0, 7, 255], "int64": [2**53, 2**53 + 1, -2**63], "uint64": [3, 2**63 - 1, 2**64 - 1], "int8": [-128, -127, 5],
             "float32": [0.1, 0.0, 2.0, math.nan], "float16": [1.0, math.inf, math.nan]}
    x = numpy.array(pools[dtype], dtype=dtype)
    assert st.band_compact(x, lower, upper).values.tolist() == numpy.array(expected, dtype=dtype).tolist()


def test_bands_refused_and_empty():
    x = numpy.arange(6.0).reshape(2, 3)
    for lower, upper, error, match in ((math.nan, 1, ValueError, "lower: is NaN"), (0, math.nan, ValueError, "upper: is NaN"),
                                       ("a", 1, (TypeError, ValueError), None), (None, 1, TypeError, "lower: expected a number")):
        with pytest.raises(error, match=match):
            st.band_compact(x, lower, upper)
    with pytest.raises(st.Error, match="cuda:7"):
        st.band_compact(x, 0, 1, device="cuda:7")
    assert st.band_compact(x, 4, 9, device="cpu").counts.tolist() == [0, 2]
    with pytest.raises(ValueError, match="dim: 3"):
        st.band_compact(x, 0, 1, 3)
    assert st.band_compact(x[:0], 0, 9).counts.shape == (0,) and st.band_compact(x[:, :0], 0, 9).counts.tolist() == [0, 0]
    assert st.band_compact(x.T, 1, 4, None).values.tolist() == [3, 1, 4, 2]
    assert st.band_compact(array.array("d", [1, 2]), 2, 3).values.tolist() == [2]


@pytest.mark.parametrize("dtype", ["float32", "float64", "int8", "uint64", "float16"])
def test_streams(dtype):
    random = numpy.random.default_rng(2)
    for _ in range(60):
        x = random_array(random, dtype, int(random.integers(1, 60)), ties=random.random() < 0.7)
        cuts = sorted(int(n) for n in random.integers(0, len(x) + 1, size=int(random.integers(0, 5))))
        chunks = numpy.split(x, cuts)
        k = int(random.integers(0, len(x) + 1))
        largest, is_sorted, nan = bool(random.integers(2)), bool(random.integers(2)), str(random.choice(["greatest", "least", "last"]))
        found, expected = st.stream_topk(chunks, k, largest, is_sorted, nan=nan), st.topk(x, k, 0, largest, is_sorted, nan=nan)
        assert same_bits(found.values, expected.values) and same_bits(found.indices, expected.indices)


def test_streams_of_views_and_generators():
    x = numpy.arange(100, dtype="int32")
    assert st.stream_topk((x[start::-3] for start in (99, 50, 10)), 2).values.tolist() == [99, 96]
    assert st.stream_topk(iter([array.array("d", [1]), array.array("d", [3, 2])]), 2).indices.tolist() == [1, 2]
    with pytest.raises(st.Error, match="ST_E_NAN"):
        st.stream_topk([numpy.array([1, math.nan])], 1, nan="error")
