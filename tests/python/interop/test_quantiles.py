# SPDX-License-Identifier: AGPL-3.0-or-later
"""quantile by all of NumPy's methods beside numpy.quantile and nanquantile; trimmed_mean beside SciPy's; median beside both."""
import warnings

import numpy as np
import pytest

import spiraltorch as st
from cases import METHODS, View, generators

DTYPES = ("f2", "f4", "f8", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8")
# The methods that always give an element, and so keep the dtype.
OF_ELEMENTS = ("lower", "higher", "nearest", "inverted_cdf")
# How far a result may be from one computed in float64: the rounding of its own dtype, a few times over.
TOLERANCE = {"f2": 4e-3, "f4": 1e-6, "f8": 1e-13}


def rows_of(name, count):
    for number, rng in generators(name, count):
        dtype = rng.choice(DTYPES)
        view = View(rng, dtype, flips=True)
        x = view.numpy()
        dim = None if rng.random() < 0.2 else view.dim
        if (x.size if dim is None else x.shape[dim]) == 0:
            continue
        yield f"case {number}: {view}, dim {dim}", rng, x, dim, TOLERANCE.get(dtype, 1e-12)


def close(ours, theirs, tolerance, x):
    """Equal but for rounding. What NumPy makes of infinite elements, where it may interpolate between them, is NaN."""
    ours, theirs = np.asarray(ours, "f8"), np.asarray(theirs, "f8")
    assert ours.shape == theirs.shape
    if np.isinf(x.astype("f8")).any():
        ours = np.where(np.isnan(theirs), np.nan, ours)
    scale = np.nanmax(np.abs(np.where(np.isfinite(x.astype("f8")), x, 0))) if x.size else 0
    np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance * scale)


def quantiles(rng):
    """One number, or a list of them; the ends and the middle often."""
    some = [float(q) for q in rng.choice([0.0, 0.25, 0.5, 0.75, 1.0, *rng.random(4)], int(rng.integers(1, 12)))]
    return some[0] if rng.random() < 0.5 else some


def closest_observation(x, q, axis, keepdims, nan):
    """Hyndman and Fan's third definition: half-way between two ranks it takes the even one, counted from 1. NumPy did so only
    from 2.2 on, and is no reference here."""
    rows = np.sort(x.reshape(-1) if axis is None else np.moveaxis(x, axis, -1), axis=-1)
    numbers = (rows == rows).sum(-1, keepdims=True)
    at = numbers * np.asarray(q, "f8")[..., *[None] * rows.ndim] - 0.5
    rank = np.floor(at) + np.where((at == np.floor(at)) & (np.floor(at) % 2 == 0), 0, 1)
    rank = np.clip(rank, 1, np.maximum(numbers, 1)).astype("i8") - 1
    found = np.take_along_axis(np.broadcast_to(rows, (*rank.shape[:-1], rows.shape[-1])), rank, -1)[..., 0]
    if x.dtype.kind == "f":
        gone = numbers[..., 0] == 0 if nan == "omit" else numbers[..., 0] < rows.shape[-1]
        found = np.where(gone, x.dtype.type("nan"), found)
    if keepdims:
        places = tuple(range(-x.ndim, 0)) if axis is None else axis % x.ndim - x.ndim
        found = np.expand_dims(found, places)
    return found


@pytest.mark.filterwarnings("ignore:All-NaN", "ignore:invalid value", "ignore:overflow")
def test_quantile_is_numpys():
    for case, rng, x, dim, tolerance in rows_of("quantile", 1200):
        q, method = quantiles(rng), METHODS[rng.integers(len(METHODS))]
        nan = str(rng.choice(["propagate", "omit"]))
        keeps = bool(rng.random() < 0.3) and x.ndim < 8  # several quantiles are an axis more, and eight are the most
        theirs = np.nanquantile if nan == "omit" and x.size else np.quantile
        try:
            found = st.quantile(x, q, dim, method=method, keepdim=keeps, nan=nan)
            if method == "closest_observation":
                np.testing.assert_array_equal(found, closest_observation(x, q, dim, keeps, nan))
                assert np.asarray(found).dtype == x.dtype
                continue
            # In float64: with integers NumPy overflows where two neighbours are far apart.
            close(found, theirs(x.astype("f8"), q, axis=dim, method=method, keepdims=keeps), tolerance, x)
            wanted = x.dtype if x.dtype.kind == "f" or method in OF_ELEMENTS else np.float64
            assert np.asarray(found).dtype == wanted
            if method in OF_ELEMENTS:
                np.testing.assert_array_equal(found, theirs(x, q, axis=dim, method=method, keepdims=keeps))
        except Exception as error:
            raise AssertionError(f"{case}, q {q}, method {method}, nan {nan}, keepdim {keeps}") from error


def trimmed(x, cut, dim):
    """The definition: the mean without the int(cut n) least and as many greatest of n."""
    rows = np.sort(x.reshape(-1) if dim is None else np.moveaxis(x, dim, -1), axis=-1).astype("f8")
    n = rows.shape[-1]
    return rows[..., int(cut * n):n - int(cut * n)].mean(-1)


@pytest.mark.filterwarnings("ignore:invalid value", "ignore:overflow")
def test_trimmed_mean_is_its_definition():
    stats = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its own NumPy
            from scipy import stats
    except ImportError:
        print("no SciPy: the definition alone")
    for case, rng, x, dim, tolerance in rows_of("trimmed_mean", 500):
        cut = float(rng.choice([0, 0.1, 0.25, 0.4, rng.random() / 2]))
        exact = x.astype("f8")
        if not np.isfinite(exact).all():
            continue
        try:
            found = st.trimmed_mean(x, cut, dim)
            close(found, trimmed(x, cut, dim), 10 * tolerance, x)
            if stats and x.size:
                close(found, stats.trim_mean(exact, cut, axis=dim), 10 * tolerance, x)
        except Exception as error:
            raise AssertionError(f"{case}, cut {cut}") from error


def test_trimmed_mean_of_rows_with_nan():
    x = np.array([[5, np.nan, 1, 9, 3], [1, 2, 3, 4, 90]])
    np.testing.assert_array_equal(st.trimmed_mean(x, 0.25, 1), [np.nan, 3])
    np.testing.assert_array_equal(st.trimmed_mean(x, 0.25, 1, nan="omit"), [4, 3])
    with pytest.raises(st.Error, match="NaN"):
        st.trimmed_mean(x, 0.25, 1, nan="error")
