# SPDX-License-Identifier: AGPL-3.0-or-later
"""Objects that lie, break off, change or run code in the middle of a call: an exception, and nothing is lost or harmed."""
import array
import ctypes
import gc
import sys

import numpy
import pytest
from dlpack_objects import Exporter

import spiraltorch as st

X = numpy.arange(12.0).reshape(3, 4)


@pytest.mark.parametrize("versioned", [False, True])
@pytest.mark.parametrize("words, error, match", [
    ({"ndim": 9}, ValueError, "9 axes"), ({"ndim": -1}, ValueError, "-1 axes"), ({"shape": None}, ValueError, "no shape"),
    ({"data": None}, ValueError, "no memory"), ({"bits": 128}, TypeError, "128 bits"), ({"bits": 0}, TypeError, "0 bits"),
    ({"lanes": 4}, TypeError, "4 lanes"), ({"code": 77}, TypeError, "code 77"), ({"byte_offset": 3}, ValueError, "not aligned"),
    ({"device_type": 2}, st.Error, "cuda:0"), ({"name": b"tensor"}, ValueError, "of another kind"), ({"name": b"used_dltensor"}, ValueError, "used before"),
])
def test_structs_that_lie(versioned, words, error, match):
    exporter = Exporter(X, versioned, **words)
    with pytest.raises(error, match=match):
        st.topk(exporter, 1)
    assert exporter.freed == (0 if "name" in words else 1)


def test_shapes_and_strides_that_lie():
    numbers = ctypes.c_int64 * 2
    for field, sizes, match in (("shape", (-3, 4), "axis of -3"), ("shape", (2**40, 2**40), "too many elements"),
                                ("shape", (2**63 - 1, 2), "too many elements"), ("strides", (2**62, 2**62), "address space"),
                                ("strides", (-2**63, 1), "address space"), ("strides", (2**63 - 1, -2**63), "address space")):
        exporter = Exporter(X, True, **{field: numbers(*sizes)})
        with pytest.raises(ValueError, match=match):
            st.topk(exporter, 1)
        assert exporter.freed == 1


def test_versions_that_are_not_known():
    exporter = Exporter(X, True, major=2)
    with pytest.raises(ValueError, match="version"):
        st.topk(exporter, 1)
    assert exporter.freed == 1
    assert st.topk(Exporter(X, True, deleter=False), 1).values.shape == (3, 1)


class Odd:
    """Gives whatever it is told to for each of the two questions."""

    def __init__(self, device, capsule):
        self.device, self.capsule = device, capsule

    def __dlpack_device__(self):
        return self.device() if callable(self.device) else self.device

    def __dlpack__(self, **words):
        return self.capsule() if callable(self.capsule) else self.capsule


def stumble():
    raise ArithmeticError("stumbled")


@pytest.mark.parametrize("device, capsule, error", [
    (None, None, ValueError), ((1,), None, ValueError), (("cpu", 0), None, ValueError), ((2**80, 0), None, ValueError),
    ((1, 0), None, ValueError), ((1, 0), 7, ValueError), (stumble, None, ArithmeticError), ((1, 0), stumble, ArithmeticError),
])
def test_answers_that_are_none(device, capsule, error):
    with pytest.raises(error):
        st.topk(Odd(device, capsule), 1)


def test_a_capsule_that_is_given_twice():
    exporter = Exporter(X, True)
    capsule = exporter.__dlpack__()
    assert st.topk(Odd((1, 0), capsule), 1).values.shape == (3, 1)
    with pytest.raises(ValueError, match="used before"):
        st.topk(Odd((1, 0), capsule), 1)
    assert exporter.freed == 1


class Meddler:
    """Runs code where only a number was wanted."""

    def __init__(self, act, value):
        self.act, self.value = act, value

    def __index__(self):
        self.act()
        return self.value


def test_a_buffer_cannot_go_while_it_is_used():
    numbers = bytearray(b"abcdefgh")
    view = memoryview(numbers)
    caught = []

    def act():
        for harm in (view.release, lambda: numbers.extend(bytes(1 << 20)), numbers.clear):
            try:
                harm()
            except BufferError as error:
                caught.append(error)

    assert st.topk(view, Meddler(act, 2)).values.tolist() == [104, 103]
    assert len(caught) == 3


def test_arguments_that_shrink():
    lengths = [4, 4, 4]
    with pytest.raises((IndexError, ValueError)):
        lengths[0] = Meddler(lengths.clear, 4)
        st.topk(X, 1, lengths=lengths)
    out = [numpy.zeros((3, 1)), numpy.zeros((3, 1), "int64")]
    assert st.topk(X, Meddler(out.reverse, 1), out=tuple(out)).values.shape == (3, 1)

    class Pair(list):
        def __len__(self):
            return 2

    with pytest.raises(IndexError):
        st.topk(X, 1, out=Pair())


def test_numbers_that_stumble():
    with pytest.raises(ArithmeticError):
        st.topk(X, Meddler(stumble, 1))
    with pytest.raises(ArithmeticError):
        st.quantile(X, [0.5, Floating()])
    with pytest.raises(ArithmeticError):
        st.topk(X, 1, sorted=Floating())


class Floating:
    def __float__(self):
        stumble()

    __bool__ = __float__


def test_chunks_that_stumble():
    def chunks():
        yield X[0]
        stumble()

    with pytest.raises(ArithmeticError):
        st.stream_topk(chunks(), 1)
    for bad, error, match in (([X], ValueError, "number 0 has 2 axes"), ([X[0], X[0].astype("f4")], TypeError, "number 1 has dtype float32"),
                              ([X[0], None], TypeError, "chunks: expected an array"), ([], ValueError, "chunks: there are none"),
                              ([X[0]], ValueError, "k: 9 is more than the 4"), (7, TypeError, "iterable")):
        with pytest.raises(error, match=match):
            st.stream_topk(bad, 9)


def test_an_array_namespace_that_stumbles():
    class Theirs(Exporter):
        def __array_namespace__(self):
            stumble()

    with pytest.raises(ArithmeticError):
        st.topk(Theirs(X, True), 1)

    class Refusing(Exporter):
        def __array_namespace__(self):
            return self

        def from_dlpack(self, made):
            stumble()

    with pytest.raises(ArithmeticError):
        st.topk(Refusing(X, True), 1)


def test_attributes_that_stumble():
    class Stubborn:
        @property
        def __dlpack__(self):
            stumble()

        @property
        def __cuda_array_interface__(self):
            stumble()

    class Willing(Stubborn):
        def __dlpack_device__(self):
            return 1, 0

    for object_ in (Stubborn(), Willing()):
        with pytest.raises(ArithmeticError):
            st.topk(object_, 1)


def test_results_outlive_what_they_came_from():
    kept = []
    for _ in range(100):
        x = array.array("d", range(1000))
        kept.append(memoryview(st.topk(x, 3).values))
        kept.append(numpy.from_dlpack(st.topk(x, 3).indices))
    del x
    gc.collect()
    assert all(view.tolist() in ([999, 998, 997],) for view in kept)
    assert sys.getrefcount(kept[1]) < 5
