# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is refused, by which exception, and that the message names the argument."""
import array

import numpy
import pytest

import spiraltorch as st

X = numpy.arange(12.0).reshape(3, 4)


class Index:
    def __init__(self, value):
        self.value = value

    def __index__(self):
        return self.value


@pytest.mark.parametrize("words, error, match", [
    ({"k": 5}, ValueError, "k: 5 is not in 0 to 4"), ({"k": -1}, ValueError, "k: -1"), ({"k": 10**30}, ValueError, "k: does not fit"),
    ({"k": 2.0}, TypeError, "k: expected an integer.*float"), ({"k": None}, TypeError, "k: expected"), ({"k": "2"}, TypeError, "k: "),
    ({"dim": 2}, ValueError, "dim: 2 is no axis.*-2 to 1"), ({"dim": -3}, ValueError, "dim: -3"), ({"dim": 0.5}, TypeError, "dim: "),
    ({"nan": "first"}, ValueError, "nan: 'first' is not one of greatest, least, last, error"), ({"nan": 3}, TypeError, "nan: 3"),
    ({"device": 0}, TypeError, "device: expected a string"), ({"x": [3.0, 1.0]}, TypeError, "x: expected an array"),
    ({"x": X.astype(complex)}, TypeError, "x: elements of complex128 cannot be ranked"), ({"x": X > 3}, TypeError, "x: elements of bool"),
    ({"x": numpy.array(["a", "b"])}, TypeError, "x: elements of <U1"), ({"x": numpy.array([object()])}, TypeError, "x: "),
    ({"x": numpy.array([0], "M8[s]")}, TypeError, "x: "), ({"x": numpy.float64(3)}, ValueError, "x: is a single element.*dim=None"),
    ({"x": X.astype(">f8")}, ValueError, r"x: has the byte order of another machine.*newbyteorder\('='\)"),
    ({"x": numpy.ma.masked_array(X, X > 3)}, TypeError, "x: is a masked array.*filled"), ({"x": None}, TypeError, "x: expected an array"),
    ({"lengths": "abc"}, TypeError, "lengths: expected an array"), ({"sorted": X}, ValueError, "truth value"),
])
def test_refused(words, error, match):
    with pytest.raises(error, match=match):
        st.topk(**{"x": X, "k": 2, **words})


def test_calls_that_python_itself_would_refuse():
    for call, match in ((lambda: st.topk(X), r"topk\(\) missing required argument: 'k'"), (lambda: st.topk(), "missing.*'x'"),
                        (lambda: st.topk(X, 2, -1, True, True, "last"), "at most 5 positional"),
                        (lambda: st.topk(X, 2, axis=0), "unexpected keyword argument 'axis'"),
                        (lambda: st.topk(X, 2, k=2), "multiple values for argument 'k'"), (lambda: st.topk2d(X, 2, 0), "at most 2"),
                        (lambda: st.rank_window(X, 1), "missing.*'hi'"), (lambda: st.topk(X, k=2, **{"": 1}), "unexpected keyword")):
        with pytest.raises(TypeError, match=match):
            call()


def test_integers_of_other_kinds():
    for k in (numpy.int8(2), numpy.uint64(2), Index(2), True + 1, numpy.array(2)):
        assert st.topk(X, k).indices.shape == (3, 2)
    assert st.topk(X, 1, numpy.int64(0)).indices.tolist() == [[2, 2, 2, 2]]


def test_windows():
    for lo, hi, match in ((3, 2, "hi: 2 is less than lo, 3"), (-1, 2, "lo: -1"), (0, 5, "hi: 5 is not in 0 to 4")):
        with pytest.raises(ValueError, match=match):
            st.rank_window(X, lo, hi)
    assert st.rank_window(X, 2, 2).values.shape == (3, 0)


def test_two_axes_are_wanted():
    with pytest.raises(ValueError, match="x: has 1 axes; this function takes 2"):
        st.topk2d(X[0], 2)


def test_a_device_that_is_not_there():
    with pytest.raises(st.Error, match="cuda:7") as caught:
        st.topk(X, 2, device="cuda:7")
    assert caught.value.status == "ST_E_DEVICE" and "cuda:7" in caught.value.message
    assert issubclass(st.Error, RuntimeError)


def test_nan_as_an_error_names_its_place():
    x = X.copy()
    x[1, 2] = x[2, 0] = numpy.nan
    with pytest.raises(st.Error, match=r"row 1.*column 2|1.*2") as caught:
        st.topk(x, 1, nan="error")
    assert caught.value.status == "ST_E_NAN"
    x = numpy.zeros((4, 3, 5))
    x[2, 1, 4] = numpy.nan
    with pytest.raises(st.Error, match="row 4.*column 1.*row 0 there is row 10 of x, and row 1 is row 11"):
        st.topk(x, 1, 1, nan="error")


def test_nothing_to_rank():
    for shape, axis, expected in (((0,), 0, (0,)), ((3, 0), 1, (3, 0)), ((0, 4), 1, (0, 2)), ((0, 4), 0, (0, 4)), ((2, 0, 5), 2, (2, 0, 2))):
        k = expected[axis]
        found = st.topk(numpy.zeros(shape), k, axis)
        assert found.values.shape == found.indices.shape == expected
    assert st.topk(array.array("d"), 0).values.tolist() == []
    with pytest.raises(ValueError, match="k: 1 is not in 0 to 0"):
        st.topk(numpy.zeros(0), 1)


def test_shapes_too_large_are_refused_without_memory():
    x = numpy.broadcast_to(numpy.float32(1), (2**20, 2**20, 2**20))
    with pytest.raises(ValueError, match="x: has a shape of too many elements"):
        st.topk(x, 1)
    with pytest.raises(MemoryError):
        st.topk(numpy.broadcast_to(numpy.float32(1), (2**29, 2**29)), 2**28)


def test_tuples_have_names():
    found = st.topk(X, 2)
    assert found._fields == ("values", "indices") and isinstance(found, tuple) and type(found) is st.TopK
    assert found[0] is found.values and "TopK(values=" in repr(found)
    assert found._replace(values=None).values is None and set(found._asdict()) == {"values", "indices"}
    assert st.band_compact(X, 1, 2)._fields == ("values", "indices", "counts")


def test_threads():
    before = st.get_num_threads()
    try:
        for threads in (1, 3):
            st.set_num_threads(threads)
            assert st.get_num_threads() == threads
            assert st.topk(X, 1).indices.tolist() == [[3]] * 3
        for threads, error in ((0, ValueError), (-1, ValueError), (4097, ValueError), (10**40, ValueError), ("2", TypeError), (1.5, TypeError)):
            with pytest.raises(error):
                st.set_num_threads(threads)
        assert st.get_num_threads() == 3
    finally:
        st.set_num_threads(before)
