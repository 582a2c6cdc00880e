# SPDX-License-Identifier: AGPL-3.0-or-later
"""NumPy's own sort, argsort, partition, quantile, median and mean, on random arrays: the same values, the lowest indices."""
import numpy as np
import pytest

import spiraltorch as st
from cases import METHODS, View, expect, generators, order, ranks

DTYPES = ("f2", "f4", "f8", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8")
NAN_RULES = ("greatest", "least", "last")


def views(name, count, dtypes=DTYPES):
    for number, rng in generators(name, count):
        view = View(rng, rng.choice(dtypes), flips=True)
        yield f"case {number}: {view}", rng, view.numpy(), view.dim


def test_topk_is_sort():
    for case, rng, x, dim in views("topk", 3500):
        length = x.shape[dim]
        k = int(rng.integers(0, length + 1))
        largest, in_order = bool(rng.random() < 0.5), bool(rng.random() < 0.7)
        nan = rng.choice(NAN_RULES)
        try:
            values, indices = st.topk(x, k, dim, largest, in_order, nan=nan)
            expect(x, values, indices, ranks(order(x, dim, largest, nan), dim, 0, k), dim, in_order)
            assert isinstance(values, np.ndarray) and isinstance(indices, np.ndarray)
            # NumPy places NaN last, ascending: the one order of three that it has.
            if not largest and nan != "least" and in_order:
                np.testing.assert_array_equal(indices, ranks(np.argsort(x, dim, kind="stable"), dim, 0, k))
                np.testing.assert_array_equal(values, ranks(np.sort(x, dim), dim, 0, k))
            if largest and in_order and not np.isnan(x).any():
                np.testing.assert_array_equal(np.flip(values, dim), ranks(np.sort(x, dim), dim, length - k, length))
            if 0 < k < length and not largest and nan != "least":
                part = ranks(np.partition(x, k - 1, dim), dim, 0, k)
                np.testing.assert_array_equal(np.sort(values, dim), np.sort(part, dim))
        except Exception as error:
            raise AssertionError(f"{case}, k {k}, largest {largest}, sorted {in_order}, nan {nan}") from error


def test_rank_window_is_sort():
    for case, rng, x, dim in views("rank_window", 1000):
        lo, hi = sorted(int(rank) for rank in rng.integers(0, x.shape[dim] + 1, 2))
        descending, in_order = bool(rng.random() < 0.5), bool(rng.random() < 0.7)
        nan = rng.choice(NAN_RULES)
        try:
            values, indices = st.rank_window(x, lo, hi, dim, descending, sorted=in_order, nan=nan)
            expect(x, values, indices, ranks(order(x, dim, descending, nan), dim, lo, hi), dim, in_order)
        except Exception as error:
            raise AssertionError(f"{case}, [{lo}, {hi}), descending {descending}, sorted {in_order}, nan {nan}") from error
