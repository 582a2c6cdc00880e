# SPDX-License-Identifier: AGPL-3.0-or-later
"""Arrays of other libraries: what goes in comes out, without a copy, and without an import that the caller did not make."""
import array
import ctypes
import mmap
import os
import subprocess
import sys

import numpy
import pytest
from dlpack_objects import Exporter
from order_reference import DTYPES, random_view, same_bits, window

import spiraltorch as st


def test_no_library_is_imported():
    code = ("import sys; before = set(sys.modules); import array, spiraltorch as st\n"
            "assert st.topk(array.array('f', [1, 3, 2]), 2).indices.tolist() == [1, 2]\n"
            "found = {name.split('.')[0] for name in set(sys.modules) - before}\n"
            "print(sorted(found - set(sys.stdlib_module_names)))\n")
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, timeout=60,
                          env={**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(st.__file__))})
    assert done.stdout.strip() == "['spiraltorch']", done.stderr


# ---- buffers ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", "bBhHiIlLqQfd")
def test_array_array(code):
    found = st.topk(array.array(code, [3, 1, 4, 1, 5]), 3)
    assert found.indices.tolist() == [4, 2, 0] and list(found.values) == [5, 4, 3]
    assert memoryview(found.values).format in "bBhHiIqQfd" and memoryview(found.indices).format == "q"
    assert numpy.asarray(found.values).dtype.itemsize == array.array(code).itemsize


def test_other_buffers():
    assert st.topk(b"spiraltorch", 3).values.tolist() == sorted(b"spiraltorch", reverse=True)[:3]
    assert st.topk(memoryview(bytearray(b"abcd"))[::-2], 1).indices.tolist() == [0]
    assert st.topk((ctypes.c_double * 3)(1, 3, 2), 1).values.tolist() == [3.0]
    assert st.topk(memoryview(bytes(12)).cast("B", (3, 4)), 1, 0).values.shape == (1, 4)
    with mmap.mmap(-1, 4096) as pages:
        pages[7] = 9
        assert st.topk(pages, 1).indices.tolist() == [7]
        with pytest.raises(TypeError, match="format"):
            st.topk(memoryview(bytes(8)).cast("c"), 1)
    view = memoryview(array.array("d", [1, 2]))
    view.release()
    with pytest.raises(ValueError, match="released"):
        st.topk(view, 1)


def test_a_buffer_is_let_go():
    numbers = bytearray(8)
    st.topk(numbers, 2)
    numbers.append(1)  # a buffer that is still shown could not grow
    with pytest.raises(ValueError):
        st.topk(numbers, 99)
    numbers.append(1)


def test_out_of_buffers():
    values, indices = array.array("d", [0, 0]), array.array("q", [0, 0])
    found = st.topk(array.array("d", [3, 9, 4]), 2, out=(values, indices))
    assert found.values is values and values.tolist() == [9, 4] and indices.tolist() == [1, 2]
    with pytest.raises(ValueError, match=r"out\[0\]: is read-only"):
        st.topk(array.array("d", [3, 9, 4]), 2, out=(bytes(16), indices))


def test_our_own_arrays():
    own = st.topk(numpy.arange(6, dtype="float16").reshape(2, 3).data, 2).values
    assert repr(own) == "spiraltorch.Array(shape=(2, 2), dtype='float16')" and len(own) == 2 and own[1] == [5, 4]
    assert numpy.asarray(own).tolist() == own.tolist() == [[2, 1], [5, 4]]
    assert st.topk(own, 1).values.tolist() == [[2], [5]]
    with pytest.raises(IndexError):
        own[2]
    with pytest.raises(TypeError):
        st.Array()
    with pytest.raises(BufferError):
        own.__dlpack__(stream=1)
    with pytest.raises(BufferError):
        own.__dlpack__(dl_device=(2, 0))


# ---- NumPy --------------------------------------------------------------------------------------------------------------


def test_numpy_gives_numpy():
    for x in (numpy.arange(6.0), numpy.arange(4.0).view(numpy.recarray)):
        found = st.topk(x, 2)
        assert type(found.values) is numpy.ndarray and found.values.flags.owndata and found.values.flags.writeable
        assert found.indices.dtype == numpy.int64


def test_nothing_is_copied_on_the_way_in():
    """A process that ranks an array in place never holds it twice."""
    code = ("import array, resource, sys, numpy, spiraltorch as st\n"
            "x = numpy.ones(100_000_000, dtype='uint8'); x[7] = 2\n"
            "class Theirs:\n"
            "    def __dlpack__(self, **words): return x.__dlpack__()\n"
            "    def __dlpack_device__(self): return (1, 0)\n"
            "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
            "for view in (x, x.data, Theirs()): assert numpy.asarray(st.topk(view, 1).indices)[0] == 7\n"
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120,
                          env={**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(st.__file__))})
    assert int(done.stdout) < 40_000, done.stderr  # KiB


def test_nothing_is_copied_on_the_way_out(torch):
    own = st.topk(array.array("f", [3, 9, 4]), 2).values
    address = numpy.asarray(own).ctypes.data
    assert torch.from_dlpack(own).data_ptr() == numpy.from_dlpack(own).ctypes.data == address
    memory = numpy.zeros(2, "float32")
    found = st.topk(numpy.float32([3, 9, 4]), 2, out=(memory, numpy.zeros(2, "int64")))
    assert found.values.ctypes.data == memory.ctypes.data and memory.tolist() == [9, 4]


def test_strides_that_overlap():
    assert st.topk(numpy.lib.stride_tricks.as_strided(numpy.arange(8.0), (4, 5), (8, 8)), 1).values.tolist() == [[4], [5], [6], [7]]


def test_strides_that_are_no_multiple_of_an_element():
    record = numpy.zeros(4, dtype=[("a", "i1"), ("b", "f4")])
    with pytest.raises(ValueError, match=r"x: .*copy\(\)"):
        st.topk(record["b"], 1)
    with pytest.raises(ValueError, match="x: is not aligned"):
        st.topk(numpy.frombuffer(bytes(17), dtype="f4", offset=1, count=4), 1)


# ---- DLPack -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("versioned", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
def test_dlpack(dtype, versioned):
    random = numpy.random.default_rng(1)
    for _ in range(20):
        x = random_view(random, dtype, int(random.integers(1, 4)))
        axis = int(random.integers(x.ndim))
        exporter = Exporter(x, versioned)
        found = st.topk(exporter, 1 if x.shape[axis] else 0, axis)
        values, indices = window(x, 0, found.indices.shape[axis], axis, True)
        assert same_bits(numpy.asarray(found.values), values) and same_bits(numpy.asarray(found.indices), indices)
        assert exporter.given == exporter.freed == 1


def test_bfloat16():
    x = numpy.array([1.5, -2, 300, 0.25], dtype="float32")
    exporter = Exporter((x.view("uint32") >> 16).astype("uint16"), True, code=4)
    found = st.topk(exporter, 3)
    assert found.values.dtype == "bfloat16" and found.values.tolist() == [300, 1.5, 0.25]
    with pytest.raises(BufferError):
        memoryview(found.values)


def test_a_library_with_a_namespace_gets_its_own_arrays_back():
    class Library:
        @staticmethod
        def from_dlpack(array):
            return "taken", numpy.asarray(array).tolist()

    class Theirs(Exporter):
        def __array_namespace__(self):
            return Library

    found = st.topk(Theirs(numpy.arange(4.0), True), 2)
    assert found.values == ("taken", [3, 2]) and found.indices == ("taken", [3, 2])


def test_read_only_is_respected():
    values, indices = Exporter(numpy.zeros(2), True, flags=1), numpy.zeros(2, "int64")
    with pytest.raises(ValueError, match=r"out\[0\]: is read-only"):
        st.topk(numpy.arange(4.0), 2, out=(values, indices))
    assert values.freed == 1
    assert st.topk(Exporter(numpy.arange(4.0), True, flags=1), 1).values.tolist() == [3]


def test_our_memory_is_taken_without_a_copy():
    own = st.topk(array.array("d", [3, 9, 4]), 2).values
    numpy_view = numpy.from_dlpack(own)
    numpy.asarray(own)[0] = 7
    assert numpy_view.tolist() == [7, 4]
    del own
    assert numpy_view.tolist() == [7, 4]
    for version in (None, (0, 8), (1, 0)):
        st.topk(array.array("d", [3, 9, 4]), 2).values.__dlpack__(max_version=version)  # nobody takes it
    copy = st.topk(Capsuled(st.topk(array.array("d", [3, 9, 4]), 2).values, copy=True), 1)
    assert copy.values.tolist() == [9]


class Capsuled:
    def __init__(self, array, **words):
        self.array, self.words = array, words

    def __dlpack__(self, **words):
        return self.array.__dlpack__(**words, **self.words)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


# ---- devices that are not the host's ------------------------------------------------------------------------------------


@pytest.mark.parametrize("device, name", [((2, 1), "cuda:1"), ((8, 0), "mps:0"), ((10, 3), "hip:3"), ((15, 0), "wgpu:0"), ((99, 0), "device:0")])
def test_memory_of_a_device_is_refused_before_anything_is_asked_of_it(device, name):
    exporter = Exporter(numpy.zeros(3), True, device=device)
    with pytest.raises(st.Error, match=f"x: lies on {name}.*device=.*copy on the host") as caught:
        st.topk(exporter, 1)
    assert caught.value.status == "ST_E_DEVICE" and exporter.given == 0


def test_memory_that_a_driver_pinned_is_the_hosts():
    assert st.topk(Exporter(numpy.arange(3.0), True, device=(3, 0)), 1).values.tolist() == [2]


class Cuda:
    def __init__(self, **interface):
        self.__cuda_array_interface__ = {"shape": (3, 4), "typestr": "<f4", "data": (0x7000, False), "version": 3, **interface}


def test_the_cuda_array_interface_is_read():
    with pytest.raises(st.Error, match=r"x: lies on a CUDA device \(12 elements of float32 at 0x7000\).*copy_to_host") as caught:
        st.topk(Cuda(strides=None, stream=1), 1)
    assert caught.value.status == "ST_E_DEVICE"
    for interface, error, match in (
            ({"shape": [3]}, ValueError, "tuple of at most 8"), ({"shape": (1,) * 9}, ValueError, "tuple of at most 8"),
            ({"shape": (-1,)}, ValueError, "axis of -1"), ({"shape": (2**40, 2**40)}, ValueError, "too many elements"),
            ({"typestr": "<c8"}, TypeError, "<c8"), ({"typestr": ">f4"}, TypeError, ">f4"), ({"typestr": 4}, ValueError, "typestr"),
            ({"data": None}, ValueError, "data"), ({"data": (2**70, False)}, ValueError, "address"), ({"stream": 0}, ValueError, "stream 0"),
            ({"stream": "x"}, ValueError, "stream"), ({"strides": (16,)}, ValueError, "strides"), ({"strides": (16, 3)}, ValueError, "strides"),
            ({"mask": 1}, ValueError, "mask")):
        with pytest.raises(error, match=match):
            st.topk(Cuda(**interface), 1)
    broken = Cuda()
    broken.__cuda_array_interface__ = 7
    with pytest.raises(ValueError, match="is no dict"):
        st.topk(broken, 1)


# ---- torch --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="torch is not installed")


def test_torch_gives_torch(torch):
    x = torch.randn(5, 6, 7)
    for view, axis in ((x, -1), (x.transpose(0, 2), 1), (x[:, ::2], 0), (x[1], 0)):
        found, expected = st.topk(view, 2, axis), torch.topk(view, 2, axis)
        assert type(found.values) is torch.Tensor and found.indices.dtype == torch.int64
        assert torch.equal(found.values, expected.values) and torch.equal(found.indices, expected.indices)
    half = x.to(torch.bfloat16)
    assert st.topk(half, 3).values.dtype == torch.bfloat16
    assert torch.equal(st.topk(half, 3).values, torch.topk(half, 3).values)
    assert torch.equal(st.quantile(x.double(), 0.3, 1), torch.quantile(x.double(), 0.3, 1))
    assert torch.equal(st.median(x, 1), torch.median(x, 1).values) and st.median(x).shape == ()


def test_torch_out(torch):
    x = torch.randn(4, 6)
    values, indices = torch.zeros(2, 4).t(), torch.zeros(4, 2, dtype=torch.int64)
    address = values.data_ptr()
    found = st.topk(x, 2, out=(values, indices))
    assert found.values is values and values.data_ptr() == address and torch.equal(values, torch.topk(x, 2).values)


def test_torch_gradients_are_not_lost_silently(torch):
    x = torch.randn(4, requires_grad=True)
    with pytest.raises(ValueError, match=r"x: requires a gradient.*spiraltorch\.torch\.topk.*detach"):
        st.topk(x, 1)
    with torch.no_grad():
        assert st.topk(x, 1).values.requires_grad is False
    assert st.topk(x.detach(), 1).values.shape == (1,)


def test_torch_views_that_negate(torch):
    x = torch.tensor([1 + 2j, 3 - 4j]).conj().imag
    assert x.is_neg()
    with pytest.raises(ValueError, match=r"resolve_neg\(\)"):
        st.topk(x, 1)
    assert st.topk(x.resolve_neg(), 1).values.tolist() == [4]


def test_torch_subclasses_and_others(torch):
    assert type(st.topk(torch.nn.Parameter(torch.randn(4), requires_grad=False), 1).values) is torch.Tensor
    with pytest.raises(Exception, match=".+"):
        st.topk(torch.randn(3, 3).to_sparse(), 1)
    with pytest.raises(TypeError, match="x: elements of"):
        st.topk(torch.zeros(3, dtype=torch.complex64), 1)
