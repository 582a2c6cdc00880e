# SPDX-License-Identifier: AGPL-3.0-or-later
"""Random arrays of every type, shape and stride, and the order that the library promises of them, by NumPy's stable sort.

ST_TEST_SEED repeats a run; each failure says which case of it failed.
"""
import os
import secrets

import numpy as np

SEED = int(os.environ.get("ST_TEST_SEED") or secrets.randbelow(1 << 32))
METHODS = ("inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf", "hazen", "weibull",
           "linear", "median_unbiased", "normal_unbiased", "lower", "higher", "midpoint", "nearest")
MOST_ELEMENTS = 3000


def generators(name, count):
    """A numbered generator for each case, so that one can be repeated alone. Prints the seed, which pytest shows on failure."""
    print(f"{name}: ST_TEST_SEED={SEED}, {count} cases")
    salt = int.from_bytes(name.encode(), "little")
    for number in range(count):
        yield number, np.random.default_rng([SEED, salt & 0xffffffff, number])


def numbers(rng, dtype, size):
    """Elements as they come in practice and as they come at worst: many equal ones, infinities, zeros of both signs, NaN."""
    dtype = np.dtype(dtype)
    kind = rng.choice(["wide", "few", "equal", "ascending", "descending", "special"])
    if dtype.kind == "f":
        if kind == "special":
            pool = np.array([np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0, 1.5, -1.5, 2.0], dtype)
            return rng.choice(pool, size)
        found = rng.standard_normal(size).astype(dtype)
        if kind != "wide" and rng.random() < 0.3:
            found[rng.random(size) < 0.1] = np.nan
    else:
        info = np.iinfo(dtype)
        found = rng.integers(info.min, info.max, size, dtype, endpoint=True)
    if kind == "few":
        found = rng.choice(found[:3], size) if size else found
    elif kind == "equal":
        found[:] = found[:1]
    elif kind in ("ascending", "descending"):
        found.sort()
        if kind == "descending":
            found = found[::-1].copy()
    return found


class View:
    """An array of random shape that looks into a larger one: by slices and steps, turned around, repeated, transposed.

    `steps` says how, for NumPy and for PyTorch alike; PyTorch has no negative strides, and `flips` are therefore apart.
    """

    def __init__(self, rng, dtype, flips):
        self.axes = int(rng.choice([1, 2, 2, 3, 3, 4, 5, 6, 7, 8]))
        self.axis = int(rng.integers(self.axes))
        self.steps, base, room = [], [], MOST_ELEMENTS
        length = int(rng.choice([rng.integers(0, 8), rng.integers(1, 40), rng.integers(1, 400)]))
        for axis in range(self.axes):
            wanted = length if axis == self.axis else int(rng.integers(0 if rng.random() < 0.04 else 1, 5))
            wanted = min(wanted, max(room, 1))
            room //= max(wanted, 1)
            how = rng.random()
            if how < 0.12:
                base.append(1)
                self.steps.append(("expand", axis, wanted))
            elif how < 0.4 and wanted:
                step, start = int(rng.integers(1, 4)), int(rng.integers(0, 3))
                stop = start + (wanted - 1) * step + 1
                base.append(stop + int(rng.integers(0, 3)))
                self.steps.append(("slice", axis, slice(start, stop, step)))
            else:
                base.append(wanted)
            if flips and rng.random() < 0.2:
                self.steps.append(("flip", axis, None))
        if rng.random() < 0.5:
            order = rng.permutation(self.axes)
            self.steps.append(("permute", None, [int(axis) for axis in order]))
            self.axis = [int(axis) for axis in order].index(self.axis)
        self.base = numbers(rng, dtype, int(np.prod(base))).reshape(base)
        # Counted from either end.
        self.dim = self.axis - self.axes if rng.random() < 0.5 else self.axis

    def of(self, array, permute):
        """The view into an array or tensor; `permute` is its library's transpose."""
        for name, axis, what in self.steps:
            at = (slice(None),) * axis if axis is not None else ()
            if name == "slice":
                array = array[(*at, what)]
            elif name == "flip":
                array = array[(*at, slice(None, None, -1))]
            elif name == "permute":
                array = permute(array, what)
            elif name == "expand":
                shape = list(array.shape)
                shape[axis] = what
                array = np.broadcast_to(array, shape) if isinstance(array, np.ndarray) else array.expand(shape)
        return array

    def numpy(self):
        return self.of(self.base, np.transpose)

    def __str__(self):
        return f"{self.base.dtype} base {self.base.shape} {self.steps} dim {self.dim}"


def keys(x, descending, nan):
    """Unsigned integers that order as the library does: equal for -0 and +0, and for every NaN."""
    x = np.asarray(x)
    if x.dtype.kind == "u":
        return x.copy()
    unsigned = np.dtype(f"u{x.dtype.itemsize}")
    sign = unsigned.type(1 << (8 * x.dtype.itemsize - 1))
    if x.dtype.kind == "i":
        return np.ascontiguousarray(x).view(unsigned).reshape(x.shape) ^ sign
    none = np.isnan(x)
    bits = np.ascontiguousarray(np.where(x == 0, x.dtype.type(0), x)).view(unsigned).reshape(x.shape)
    found = np.where(bits & sign != 0, ~bits, bits | sign)
    high = nan == "greatest" or (nan == "last" and not descending)
    found[none] = np.iinfo(unsigned).max if high else 0
    return found


def order(x, axis, descending, nan="greatest"):
    """The indices of each row in the library's order: by value, and of equals the lowest first."""
    found = keys(x, descending, nan)
    return np.argsort(~found if descending else found, axis=axis, kind="stable")


def ranks(array, axis, lo, hi):
    """Ranks [lo, hi) of arrays that are sorted along an axis."""
    return array[(slice(None),) * (axis % array.ndim) + (slice(lo, hi),)]


def bits(array):
    """What tells any two elements apart, NaN and -0 too."""
    array = np.ascontiguousarray(array)
    return array.view(f"u{array.dtype.itemsize}")


def expect(x, values, indices, wanted, axis, in_order=True):
    """Raises unless indices are the wanted ones to the last, and values the elements there to the bit."""
    values, indices = np.asarray(values), np.asarray(indices)
    wanted = wanted if in_order else np.sort(wanted, axis=axis)
    assert indices.dtype == np.int64 and values.dtype == x.dtype
    np.testing.assert_array_equal(indices, wanted)
    np.testing.assert_array_equal(bits(values), bits(np.take_along_axis(np.asarray(x), wanted, axis)))
