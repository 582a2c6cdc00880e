# SPDX-License-Identifier: AGPL-3.0-or-later
"""Selections against Python's sort: every dtype, axis, stride, NaN rule and order; row lengths, out= and axes that are none."""
import random as standard_random

import numpy
import pytest
from order_reference import DTYPES, random_array, random_view, ranked, same_bits, window

import spiraltorch as st

NAN_RULES = ["greatest", "least", "last"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_topk_is_what_a_sort_says(dtype):
    random = numpy.random.default_rng(1)
    for _ in range(150):
        x = random_view(random, dtype, int(random.integers(1, 5)))
        axis = int(random.integers(-x.ndim, x.ndim))
        k = int(random.integers(0, x.shape[axis] + 1))
        largest, is_sorted, nan = bool(random.integers(2)), bool(random.integers(2)), str(random.choice(NAN_RULES))
        found = st.topk(x, k, axis, largest, is_sorted, nan=nan)
        values, indices = window(x, 0, k, axis, largest, nan, is_sorted)
        assert same_bits(found.indices, indices), (x.shape, x.strides, axis, k, largest, is_sorted, nan)
        assert same_bits(found.values, values)


@pytest.mark.parametrize("dtype", ["float32", "int16", "uint64"])
def test_windows_are_what_a_sort_says(dtype):
    random = numpy.random.default_rng(2)
    for _ in range(100):
        x = random_view(random, dtype, int(random.integers(1, 4)), most=12)
        axis = int(random.integers(-x.ndim, x.ndim))
        lo, hi = sorted(int(n) for n in random.integers(0, x.shape[axis] + 1, size=2))
        descending = bool(random.integers(2))
        found = st.rank_window(x, lo, hi, axis, descending)
        values, indices = window(x, lo, hi, axis, descending)
        assert same_bits(found.values, values) and same_bits(found.indices, indices)


def test_two_axes():
    x = random_array(numpy.random.default_rng(3), "float32", (9, 40))
    for k in (0, 1, 7, 40):
        middle = (40 - k) // 2
        for function, lo, descending in ((st.topk2d, 0, True), (st.bottomk2d, 0, False), (st.midk2d, middle, False)):
            values, indices = window(x, lo, lo + k, 1, descending)
            found = function(x, k)
            assert same_bits(found.values, values) and same_bits(found.indices, indices)


def test_the_array_api_spelling():
    x = numpy.array([[3, 9, 4], [8, 1, 8]], dtype="int32")
    assert st.top_k(x, 2).indices.tolist() == [[1, 2], [0, 2]]
    assert st.top_k(x, 1, axis=0, mode="smallest").values.tolist() == [[3, 1, 4]]
    assert st.top_k(x, 2, axis=None).indices.tolist() == [1, 3]
    with pytest.raises(TypeError, match="positional"):
        st.top_k(x, 2, -1)


def test_eight_axes():
    x = numpy.random.default_rng(4).normal(size=(2, 3, 1, 2, 3, 2, 4, 2)).astype("float32")
    for axis in range(8):
        values, indices = window(x, 0, 1, axis, True)
        found = st.topk(x, 1, axis)
        assert same_bits(found.values, values) and same_bits(found.indices, indices)
    with pytest.raises(ValueError, match="x: has 9 axes"):
        st.topk(x[None], 1)


def test_no_axis_means_all_elements():
    x = random_array(numpy.random.default_rng(5), "float64", (4, 5, 6), ties=False)
    for view in (x, x[::-1], x.transpose(2, 0, 1), x[:, ::2]):
        values, indices = window(view.ravel(), 0, 7, 0, True)
        found = st.topk(view, 7, None)
        assert same_bits(found.values, values) and same_bits(found.indices, indices)
    assert st.topk(numpy.float32(3).reshape(()), 1, None).values.tolist() == [3]


def test_large_arrays_of_many_axes_agree_with_copies():
    random = numpy.random.default_rng(6)
    x = random.normal(size=(20, 300, 40)).astype("float32")
    for view, axis in ((x, 1), (x[:, ::3, 1:], 0), (x.transpose(1, 2, 0)[::-1], 0), (x[:, :, ::-1], 2)):
        other = numpy.ascontiguousarray(numpy.moveaxis(view, axis, -1))
        found, expected = st.topk(view, 5, axis), st.topk(other, 5)
        assert numpy.array_equal(found.values, numpy.moveaxis(expected.values, -1, axis))
        assert numpy.array_equal(found.indices, numpy.moveaxis(expected.indices, -1, axis))


@pytest.mark.parametrize("threads", [2, 9])
def test_rows_whose_elements_lie_apart(threads):
    """Blocks of rows are brought together; with many threads they are read where they lie."""
    random = numpy.random.default_rng(10)
    before = st.get_num_threads()
    st.set_num_threads(threads)
    try:
        for dtype in ("float64", "float32", "int16", "uint8"):
            x = random.integers(0, 100, size=(900, 2000)).astype(dtype)
            for view, axis in ((x, 0), (x[:, ::-1], 1), (x[::2, ::3], 1), (x[:7], 0), (x.reshape(30, 30, 2000), 1), (x[:, :1], 0),
                               (numpy.broadcast_to(x[:, :1], x.shape), 1)):
                packed = numpy.ascontiguousarray(numpy.moveaxis(view, axis, -1))
                lengths = random.integers(0, packed.shape[-1] + 1, size=packed.shape[:-1])
                for words in ({}, {"lengths": lengths}):
                    found, expected = st.topk(view, 3 if axis == 0 else 1, axis, **words), st.topk(packed, 3 if axis == 0 else 1, **words)
                    assert numpy.array_equal(numpy.moveaxis(found.values, axis, -1), expected.values)
                    assert numpy.array_equal(numpy.moveaxis(found.indices, axis, -1), expected.indices)
    finally:
        st.set_num_threads(before)


# ---- row lengths --------------------------------------------------------------------------------------------------------


def test_lengths():
    random = numpy.random.default_rng(7)
    for _ in range(60):
        x = random_view(random, "float32", 3, most=8)
        axis = int(random.integers(3))
        batch = x.shape[:axis] + x.shape[axis + 1:]
        lengths = random.integers(0, x.shape[axis] + 1, size=batch).astype(str(random.choice(["int64", "int32", "uint8"])))
        k = int(random.integers(0, x.shape[axis] + 1))
        found = st.topk(x, k, axis, lengths=lengths)
        moved = numpy.moveaxis(x, axis, -1)
        for place in numpy.ndindex(*batch):
            order = ranked(moved[place][:lengths[place]], True)[:k]
            indices = numpy.moveaxis(found.indices, axis, -1)[place]
            values = numpy.moveaxis(found.values, axis, -1)[place]
            assert indices.tolist() == order + [-1] * (k - len(order))
            assert same_bits(values, numpy.append(moved[place][order], [x.dtype.type(0)] * (k - len(order))).astype(x.dtype))


def test_lengths_of_other_kinds():
    x = numpy.arange(12.0).reshape(3, 4)
    assert st.topk(x, 2, lengths=[4, 1, 0]).indices.tolist() == [[3, 2], [0, -1], [-1, -1]]
    assert st.topk(x, 2, lengths=numpy.array([4, 9, 1, 9, 0, 9])[::2]).indices.tolist() == [[3, 2], [0, -1], [-1, -1]]
    assert st.midk2d(x, 1, lengths=(3, 4, 1)).indices.tolist() == [[1], [1], [0]]
    for lengths, error in (([1, 2], ValueError), ([1, 2, 5], ValueError), ([1, 2, -1], ValueError), ([1, 2, 2.5], TypeError),
                           (numpy.ones(3), TypeError), (numpy.ones((3, 1), int), ValueError), (7, TypeError)):
        with pytest.raises(error, match="lengths"):
            st.topk(x, 2, lengths=lengths)


# ---- out= ---------------------------------------------------------------------------------------------------------------


def test_out_of_any_layout():
    random = numpy.random.default_rng(8)
    for _ in range(150):
        x = random_view(random, "float32", int(random.integers(1, 4)))
        axis = int(random.integers(x.ndim))
        k = int(random.integers(0, x.shape[axis] + 1))
        shape = x.shape[:axis] + (k,) + x.shape[axis + 1:]
        outs = []
        for dtype in ("float32", str(random.choice(["int64", "int32"]))):
            order = random.permutation(x.ndim)
            memory = numpy.zeros(tuple(2 * shape[axis] for axis in order), dtype)
            view = memory[tuple(slice(None, None, 2) for _ in order)].transpose(numpy.argsort(order))
            outs.append(view[tuple(slice(None, None, -1) if random.random() < 0.3 else slice(None) for _ in order)])
        found = st.topk(x, k, axis, out=tuple(outs))
        values, indices = window(x, 0, k, axis, True)
        assert found.values is outs[0] and found.indices is outs[1]
        assert same_bits(outs[0], values) and numpy.array_equal(outs[1], indices)


def test_out_that_does_not_fit():
    x = numpy.random.default_rng(9).normal(size=(4, 6)).astype("float32")
    values, indices = numpy.zeros((4, 2), "float32"), numpy.zeros((4, 2), "int64")
    read_only = values.copy()
    read_only.flags.writeable = False
    shared = numpy.lib.stride_tricks.as_strided(numpy.zeros(2, "float32"), (4, 2), (0, 4))
    for out, error, word in (
            ((values, indices[:3]), ValueError, r"out\[1\].*\(4, 2\)"), ((values.astype("float64"), indices), TypeError, r"out\[0\]"),
            ((values, indices.astype("int16")), TypeError, r"out\[1\]"), ((read_only, indices), ValueError, r"out\[0\]: is read-only"),
            ((x[:, :2], indices), ValueError, "shares memory with x"), ((shared, indices), ValueError, "share memory with each other"),
            ((values, values.view("int32")), ValueError, r"out\[1\]: shares memory with out\[0\]"), (values, TypeError, "pair"),
            ((values,), TypeError, "pair"), (7, TypeError, "pair"), ((values, [0, 0]), TypeError, r"out\[1\]")):
        before = x.copy()
        with pytest.raises(error, match=word):
            st.topk(x, 2, out=out)
        assert numpy.array_equal(x, before)


def test_random_order_of_keywords():
    x = numpy.arange(10.0)
    words = {"k": 3, "dim": 0, "largest": False, "sorted": True, "nan": "last", "lengths": None, "device": "cpu", "out": None}
    for seed in range(5):
        names = list(words)
        standard_random.Random(seed).shuffle(names)
        assert st.topk(x, **{"".join(list(name)): words[name] for name in names}).indices.tolist() == [0, 1, 2]
