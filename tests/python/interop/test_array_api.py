# SPDX-License-Identifier: AGPL-3.0-or-later
"""top_k as the Array API standard's draft has it: top_k(x, k, /, *, axis=-1, mode='largest'), a named tuple (values, indices)."""
import inspect

import numpy as np
import pytest

import spiraltorch as st
from cases import View, generators, keys

# The real-valued types of the standard.
DTYPES = ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8")


def test_the_signature():
    x = np.arange(6.0)
    for wrong in (lambda: st.top_k(x=x, k=2), lambda: st.top_k(x, k=2), lambda: st.top_k(x, 2, -1), lambda: st.top_k(x)):
        with pytest.raises(TypeError):
            wrong()
    found = st.top_k(x, 2, axis=-1, mode="largest")
    assert isinstance(found, tuple) and found._fields == ("values", "indices") and len(found) == 2
    assert found.values is found[0] and found.indices is found[1]
    assert inspect.getdoc(st.top_k)


def test_what_is_returned():
    """The k largest or smallest elements, in any order; shape, dtype and the default index type are the standard's words."""
    for number, rng in generators("array api", 400):
        view = View(rng, rng.choice(DTYPES), flips=True)
        x, k = view.numpy(), int(rng.integers(0, view.numpy().shape[view.axis] + 1))
        mode = rng.choice(["largest", "smallest"])
        try:
            values, indices = st.top_k(x, k, axis=view.dim, mode=mode)
            shape = tuple(k if axis == view.axis else size for axis, size in enumerate(x.shape))
            assert values.shape == shape and indices.shape == shape
            assert values.dtype == x.dtype and indices.dtype == np.asarray([0]).dtype
            np.testing.assert_array_equal(values, np.take_along_axis(x, indices, view.axis))
            ordered = np.sort(indices, axis=view.axis)
            assert (np.diff(ordered, axis=view.axis) > 0).all()
            if not np.isnan(x.astype("f8")).any():  # where NaN stands is each library's own
                sorted_keys = np.sort(keys(x, False, "greatest"), axis=view.axis)
                at = [slice(None)] * x.ndim
                at[view.axis] = slice(x.shape[view.axis] - k, None) if mode == "largest" else slice(0, k)
                np.testing.assert_array_equal(np.sort(keys(values, False, "greatest"), axis=view.axis), sorted_keys[tuple(at)])
        except Exception as error:
            raise AssertionError(f"case {number}: {view}, k {k}, mode {mode}") from error


def test_the_defaults_are_the_last_axis_and_the_largest():
    x = np.array([[1, 5, 3], [9, 2, 7]])
    np.testing.assert_array_equal(st.top_k(x, 2).indices, [[1, 2], [0, 2]])
    np.testing.assert_array_equal(st.top_k(x, 2, mode="smallest").values, [[1, 3], [2, 7]])
    np.testing.assert_array_equal(st.top_k(x, 1, axis=0).values, [[9, 5, 7]])
    assert st.top_k(x, 0).values.shape == (2, 0)


@pytest.mark.parametrize("axis", [2, -3, 99])
def test_an_invalid_axis_is_refused(axis):
    with pytest.raises(ValueError, match="axis"):
        st.top_k(np.zeros((2, 3)), 1, axis=axis)


@pytest.mark.parametrize("k", [-1, 4])
def test_an_invalid_k_is_refused(k):
    with pytest.raises(ValueError, match="k"):
        st.top_k(np.zeros((2, 3)), k)


def test_an_invalid_mode_is_refused():
    with pytest.raises(ValueError, match="mode"):
        st.top_k(np.zeros(3), 1, mode="most")
    with pytest.raises(TypeError):
        st.top_k(np.zeros(3), 1, mode=True)
