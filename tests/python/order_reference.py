# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a selection must answer, worked out by Python's sort over (value, index), element by element."""
import math

import numpy

DTYPES = ["float32", "float64", "float16", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]


def ranked(row, descending=False, nan="greatest"):
    """The indices of a row's elements in order: value, then index; NaN by its rule."""
    def key(index):
        value = row[index].item()
        is_nan = value != value
        place = 0
        if is_nan:
            value = 0
            place = {"greatest": -1 if descending else 1, "least": 1 if descending else -1, "last": 1}[nan]
        return place, -value if descending else value, index

    return sorted(range(len(row)), key=key)


def window(x, lo, hi, axis, descending=False, nan="greatest", is_sorted=True):
    """Values and indices of ranks lo to hi along an axis."""
    moved = numpy.moveaxis(x, axis, -1)
    rows = moved.reshape(math.prod(moved.shape[:-1]), moved.shape[-1])
    indices = numpy.array([sorted(order) if not is_sorted else order
                           for order in (ranked(row, descending, nan)[lo:hi] for row in rows)],
                          dtype="int64").reshape(len(rows), hi - lo)
    values = numpy.take_along_axis(rows, indices, axis=1)
    shape = moved.shape[:-1] + (hi - lo,)
    return tuple(numpy.moveaxis(part.reshape(shape), -1, axis) for part in (values, indices))


def same_bits(a, b):
    a, b = numpy.ascontiguousarray(a), numpy.ascontiguousarray(b)
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def random_array(random, dtype, shape, ties=True):
    """Few distinct values, so that there are ties; among floats, NaN of two payloads, infinities and both zeros."""
    kind = numpy.dtype(dtype).kind
    if kind in "iu":
        info = numpy.iinfo(dtype)
        pool = numpy.array([info.min, info.max, 0, 1, 2, 3], dtype=dtype)
        x = random.choice(pool, size=shape) if ties else random.integers(info.min, info.max, size=shape, dtype=dtype, endpoint=True)
        return numpy.asarray(x, dtype=dtype)
    x = random.integers(-4, 4, size=shape).astype(dtype) if ties else random.normal(size=shape).astype(dtype)
    special = numpy.array([numpy.nan, -numpy.nan, numpy.inf, -numpy.inf, -0.0, 0.0], dtype=dtype)
    where = random.random(size=shape) < 0.3
    return numpy.where(where, random.choice(special, size=shape), x).astype(dtype)


def random_view(random, dtype, dims, most=7):
    """An array of some axes whose strides are anything a view can have: steps, negative, transposed, broadcast."""
    shape = random.integers(0 if random.random() < 0.1 else 1, most, size=dims)
    steps = random.integers(1, 3, size=dims)
    base = random_array(random, dtype, tuple(int(n * s) for n, s in zip(shape, steps)), ties=random.random() < 0.7)
    view = base[tuple(slice(None, None, int(s)) if random.random() < 0.5 else slice(0, int(n)) for n, s in zip(shape, steps))]
    view = view[tuple(slice(None, None, -1) if random.random() < 0.3 else slice(None) for _ in range(dims))]
    if random.random() < 0.5:
        view = view.transpose(random.permutation(dims))
    if dims > 1 and random.random() < 0.1:
        axis = int(random.integers(dims))
        view = numpy.broadcast_to(view.take([0], axis=axis), view.shape) if view.shape[axis] else view
    return view
