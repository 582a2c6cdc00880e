# SPDX-License-Identifier: AGPL-3.0-or-later
"""Medians, quantiles and trimmed means against NumPy's, and against the definitions where NumPy's versions differ."""
import array
import fractions
import math

import numpy
import pytest
from order_reference import random_view, same_bits

import spiraltorch as st

METHODS = ["linear", "lower", "higher", "midpoint", "nearest", "inverted_cdf", "averaged_inverted_cdf", "closest_observation",
           "interpolated_inverted_cdf", "hazen", "weibull", "median_unbiased", "normal_unbiased"]
ELEMENTS = {"lower", "higher", "nearest", "inverted_cdf", "closest_observation"}


@pytest.mark.parametrize("method", METHODS)
def test_quantiles_are_numpys_to_the_bit(method):
    random = numpy.random.default_rng(1)
    for _ in range(120):
        shape = tuple(int(n) for n in random.integers(1, 9, size=int(random.integers(1, 4))))
        x = random.normal(size=shape)
        axis = int(random.integers(-x.ndim, x.ndim)) if random.random() < 0.8 else None
        q = random.random(size=int(random.integers(1, 12)))
        keepdim = bool(random.integers(2))
        expected = numpy.quantile(x, q, axis=axis, method=method, keepdims=keepdim)
        found = st.quantile(x, q, axis, method=method, keepdim=keepdim)
        assert same_bits(found, expected), (shape, axis, q)
        assert same_bits(st.quantile(x, float(q[0]), axis, method=method), numpy.quantile(x, float(q[0]), axis=axis, method=method))


@pytest.mark.parametrize("method", sorted(set(METHODS) - {"closest_observation"}))
def test_quantiles_at_places_that_are_ranks(method):
    for n in range(1, 14):
        x = numpy.random.default_rng(n).permutation(n).astype("float64")
        q = numpy.array([i / m for m in range(1, 9) for i in range(m + 1)])
        assert same_bits(st.quantile(x, q, 0, method=method), numpy.quantile(x, q, axis=0, method=method)), n


def test_the_closest_observation():
    """Hyndman and Fan's third: half-way between two ranks, from 1, the even one. NumPy 1 took the odd one."""
    for n in range(1, 14):
        x = numpy.arange(1.0, n + 1)
        for m in range(1, 9):
            for i in range(m + 1):
                place = n * fractions.Fraction(i, m)
                rank = math.floor(place + fractions.Fraction(1, 2))
                if place + fractions.Fraction(1, 2) == rank and rank % 2 == 1:
                    rank -= 1
                exact = float(n) * (i / m)  # rounding may leave the half-way point
                if exact == float(place):
                    assert st.quantile(x, i / m, 0, method="closest_observation") == min(max(rank, 1), n), (n, i, m)


@pytest.mark.parametrize("dtype", ["float16", "float32", "int8", "uint16", "int32", "uint64"])
@pytest.mark.parametrize("method", METHODS)
def test_dtypes(method, dtype):
    random = numpy.random.default_rng(2)
    x = (random.normal(size=(5, 8)) * 20).astype(dtype) if dtype[0] == "f" else random.integers(0, 100, size=(5, 8), dtype=dtype)
    wide = numpy.quantile(x.astype("float64"), [0.1, 0.3, 0.77], axis=1, method=method)
    found = st.quantile(x, [0.1, 0.3, 0.77], 1, method=method)
    if dtype[0] == "f" or method in ELEMENTS:
        assert found.dtype == x.dtype
        assert numpy.allclose(found.astype("float64"), wide, rtol=1e-6, atol=0.1 if dtype == "float16" else 1e-5)
    else:
        assert same_bits(found, wide)


def test_wide_integers_do_not_wrap():
    assert st.quantile(numpy.array([-128, 127], "int8"), 0.5) == -0.5
    assert st.quantile(numpy.array([-2**63, 2**63 - 1], "int64"), 0.5) == 0
    assert st.quantile(numpy.array([0, 2**64 - 1], "uint64"), 0.25) == 2.0**62


def test_infinities_make_no_nan():
    inf = math.inf
    x = numpy.array([-inf, -inf, 1, 2, inf, inf])
    for q, expected in ((0, -inf), (0.1, -inf), (0.3, -inf), (0.4, 1), (0.5, 1.5), (0.6, 2), (0.61, inf), (1, inf)):
        assert st.quantile(x, q) == expected
    assert st.quantile(numpy.array([-inf, inf]), 0.25) == -inf


@pytest.mark.parametrize("method", ["linear", "lower", "hazen"])
def test_nan(method):
    random = numpy.random.default_rng(3)
    for _ in range(60):
        x = random_view(random, "float64", 2, most=9)
        if not x.size:
            continue
        x = numpy.where(numpy.isinf(x), 1.5, x)
        with numpy.errstate(all="ignore"):
            assert numpy.array_equal(st.quantile(x, [0.3, 0.8], 1, method=method), numpy.quantile(x, [0.3, 0.8], axis=1, method=method), equal_nan=True)
            for row, found in zip(x, st.quantile(x, 0.4, 1, method=method, nan="omit")):
                numbers = row[~numpy.isnan(row)]
                expected = numpy.quantile(numbers, 0.4, method=method) if len(numbers) else math.nan
                assert numpy.array_equal(found, expected, equal_nan=True)
    with pytest.raises(st.Error, match="ST_E_NAN"):
        st.quantile(numpy.array([1, math.nan]), 0.5, nan="error")


def test_medians():
    x = numpy.array([[4, 1, 3, 2], [9, 7, 8, 6]], dtype="float32")
    assert st.median(x, 1).tolist() == [2, 7] and st.median(x, 0).tolist() == [4, 1, 3, 2] and st.median(x) == 4
    assert st.median(x, 1, method="higher").tolist() == [3, 8] and st.median(x, keepdim=True).shape == (1, 1)
    for n in range(1, 30):
        row = numpy.random.default_rng(n).normal(size=n)
        assert st.median(row, method="linear") == numpy.quantile(row, 0.5) and st.median(row) == numpy.sort(row)[(n - 1) // 2]
    assert st.median(array.array("q", [2**62 + 1, 2**62 + 3, 2**62 + 2])) == 2**62 + 2


@pytest.mark.parametrize("dtype, most", [("float64", 1e-12), ("float32", 1e-6), ("int16", 1e-12)])
def test_trimmed_means(dtype, most):
    random = numpy.random.default_rng(4)
    for _ in range(60):
        x = (random.normal(size=(3, int(random.integers(1, 40)), 2)) * 50).astype(dtype)
        cut = float(random.random() * 0.49)
        count = int(cut * x.shape[1])
        expected = numpy.sort(x, axis=1)[:, count:x.shape[1] - count].astype("float64").mean(axis=1)
        found = st.trimmed_mean(x, cut, 1)
        assert numpy.allclose(found, expected, rtol=most, atol=most)
        assert found.dtype == ("float64" if dtype == "int16" else dtype)
    assert st.trimmed_mean(numpy.array([1e16, 1, -1e16, 1]), 0) == 0.5
    assert st.trimmed_mean(numpy.array([1, math.nan, 3]), 0, nan="omit") == 2 and math.isnan(st.trimmed_mean(numpy.array([1, math.nan]), 0))
    assert st.trimmed_mean(x, 0.1, keepdim=True).shape == (1, 1, 1)


def test_many_rows_and_one_long_row_take_the_same_ways():
    x = numpy.random.default_rng(5).normal(size=(3, 2**23)).astype("float32")
    assert same_bits(st.trimmed_mean(x, 0.25, 1), numpy.array([st.trimmed_mean(row, 0.25) for row in x]))


def test_refused():
    x = numpy.arange(6.0).reshape(2, 3)
    for call, error, match in (
            (lambda: st.quantile(x, 1.5), ValueError, "q: "), (lambda: st.quantile(x, -0.1), ValueError, "q: "),
            (lambda: st.quantile(x, math.nan), ValueError, "q: "), (lambda: st.quantile(x, "a"), (TypeError, ValueError), None),
            (lambda: st.quantile(x, [[0.5]]), TypeError, "q: "), (lambda: st.quantile(x, 0.5, method="mean"), ValueError, "method: 'mean'"),
            (lambda: st.quantile(x, 0.5, 2), ValueError, "dim: 2"), (lambda: st.quantile(x[:0], 0.5, 0), ValueError, "x: has no elements"),
            (lambda: st.quantile(x, 0.5, nan="last"), ValueError, "nan: 'last'"), (lambda: st.trimmed_mean(x, 0.5), ValueError, "proportiontocut"),
            (lambda: st.trimmed_mean(x, -0.1), ValueError, "proportiontocut"), (lambda: st.quantile([1, 2], 0.5), TypeError, "x: ")):
        with pytest.raises(error, match=match):
            call()
    assert st.quantile(x[:, :0], 0.5, 0).shape == (0,) and st.quantile(x, [], 1).shape == (0, 2)
