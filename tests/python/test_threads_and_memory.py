# SPDX-License-Identifier: AGPL-3.0-or-later
"""Many threads at once, the GIL, forks, and that nothing leaks: neither references nor memory."""
import array
import gc
import os
import sys
import threading
import time
import tracemalloc

import numpy
import pytest

import spiraltorch as st


def in_threads(count, work):
    failures = []

    def guarded(number):
        try:
            work(number)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures


def test_sixteen_threads_while_the_number_of_threads_changes():
    x = numpy.random.default_rng(1).normal(size=(8, 3000)).astype("float32")
    expected = st.topk(x, 20).indices
    before = st.get_num_threads()

    def work(number):
        for i in range(60):
            if number == 0:
                st.set_num_threads(1 + i % 3)
            else:
                assert numpy.array_equal(st.topk(x, 20).indices, expected)
                assert st.topk(x[0, :8], 2).indices.shape == (2,)
                assert st.band_compact(x, 1, 2).counts.sum() > 0

    try:
        in_threads(16, work)
    finally:
        st.set_num_threads(before)


def test_input_that_changes_meanwhile_harms_nothing():
    x = numpy.random.default_rng(2).normal(size=(4, 100_000))
    stop = threading.Event()

    def work(number):
        random = numpy.random.default_rng(number)
        if number < 4:
            until = time.monotonic() + 1
            while time.monotonic() < until:
                found = st.topk(x, 50)
                assert ((found.indices >= 0) & (found.indices < 100_000)).all()
                try:
                    st.band_compact(x, 0, 1)
                except st.Error as error:
                    assert error.status == "ST_E_STATE"
            stop.set()
        else:
            while not stop.is_set():
                x[:, :: int(random.integers(1, 9))] = random.normal()

    in_threads(8, work)


def test_other_threads_run_meanwhile():
    x = numpy.random.default_rng(3).normal(size=20_000_000).astype("float32")
    counted = [0]
    stop = threading.Event()

    def count():
        while not stop.is_set():
            counted[0] += 1
            time.sleep(0)

    thread = threading.Thread(target=count)
    thread.start()
    interval = sys.getswitchinterval()
    sys.setswitchinterval(60)  # nothing but giving the GIL up lets the other thread on
    try:
        while not counted[0]:
            time.sleep(0.001)
        start = counted[0]
        st.rank_window(x, 0, 10_000_000)
        during = counted[0] - start
    finally:
        sys.setswitchinterval(interval)
        stop.set()
        thread.join()
    assert during > 5


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_has_threads_of_its_own():
    x = numpy.random.default_rng(4).normal(size=(64, 20_000)).astype("float32")
    expected = st.topk(x, 8).indices
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        same = numpy.array_equal(st.topk(x, 8).indices, expected) and st.get_num_threads() >= 1
        os.write(writing, b"y" if same else b"n")
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0 and os.read(reading, 1) == b"y"
    os.close(reading)
    os.close(writing)
    assert numpy.array_equal(st.topk(x, 8).indices, expected)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_stream_does_not_go_on_in_a_child():
    status = []

    def chunks():
        yield array.array("d", [1, 2])
        child = os.fork()
        if child:
            status.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
            yield array.array("d", [3])
        else:
            yield array.array("d", [4])
            os._exit(9)

    parent = os.getpid()
    try:
        found = st.stream_topk(chunks(), 1)
    except st.Error as error:
        if os.getpid() != parent:
            os._exit(7 if error.status == "ST_E_STATE" else 8)
        raise
    assert found.values.tolist() == [3] and status == [7]


# ---- references and memory ----------------------------------------------------------------------------------------------

X = numpy.arange(64.0).reshape(4, 16)


def call_topk():
    st.topk(X, 3)


def call_with_everything():
    st.topk(X, 3, 0, False, False, nan="last", lengths=[3] * 16, device="cpu")


OUT = (numpy.zeros((4, 3)), numpy.zeros((4, 3), "int64"))


def call_with_out():
    st.topk(X, 3, out=OUT)


def call_with_a_buffer():
    memoryview(st.topk(array.array("d", [1, 2, 3]), 2).values).release()


class Exporter:
    """Memory of one of our own arrays, behind the two methods that any library has."""

    own = st.topk(array.array("d", [3, 1, 2]), 3).values

    def __init__(self, device=(1, 0)):
        self.device = device

    def __dlpack__(self, max_version=None):
        return self.own.__dlpack__(max_version=max_version)

    def __dlpack_device__(self):
        return self.device


def call_with_dlpack():
    numpy.from_dlpack(st.topk(Exporter(), 1).values)


def call_band():
    st.band_compact(X, 3, 9)


def call_statistics():
    st.quantile(X, [0.1, 0.5], 1)
    st.trimmed_mean(X, 0.1)
    st.median(X)


def call_stream():
    st.stream_topk([X[0], X[1]], 2)


def call_planning():
    st.plan(3, 100, 5, device="cpu")
    st.devices()
    st.kdsl.eval("mk: 1", 1, 2, 1)


def fail_in_many_ways():
    for call in (lambda: st.topk(X, 99), lambda: st.topk(X, 1, nan="x"), lambda: st.topk(X, 1, 7), lambda: st.topk(X, 1, lengths=[1]),
                 lambda: st.topk(X, 3, out=(OUT[0], OUT[0])), lambda: st.topk([1], 1), lambda: st.topk(Exporter((2, 0)), 1), lambda: st.topk(Exporter(), 9),
                 lambda: st.topk(X, 1, device="cuda:3"), lambda: st.quantile(X, 3), lambda: st.quantile(X, 0.5, 9),
                 lambda: st.band_compact(X, 1, "a"), lambda: st.stream_topk([X], 1), lambda: st.kdsl.check("mk:"),
                 lambda: st.topk(X, 1, nonsense=1), lambda: st.topk(X)):
        try:
            call()
        except (ValueError, TypeError, st.Error):
            continue
        raise AssertionError("nothing was refused")


def resident():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def collect():
    for _ in range(3):  # what one round frees may let go of more
        gc.collect()


@pytest.mark.parametrize("call, count", [
    (call_topk, 10_000), (call_with_everything, 10_000), (call_with_out, 10_000), (call_with_a_buffer, 10_000), (call_with_dlpack, 2_000),
    (call_band, 5_000), (call_statistics, 3_000), (call_stream, 3_000), (call_planning, 200), (fail_in_many_ways, 2_000)])
def test_nothing_leaks(call, count):
    shared = [X, OUT[0], OUT[1], None, True, numpy.ndarray, st.TopK, st.Error, st.Array]
    for _ in range(min(count, 2_000)):  # until free lists and caches are as full as they get
        call()
    collect()
    blocks, references, before = sys.getallocatedblocks(), [sys.getrefcount(item) for item in shared], resident()
    tracemalloc.start()
    try:
        first = tracemalloc.take_snapshot()
        for _ in range(count):
            call()
        collect()
        grown = sum(entry.count_diff for entry in tracemalloc.take_snapshot().compare_to(first, "filename")
                    if "tracemalloc" not in str(entry.traceback))
    finally:
        tracemalloc.stop()
    assert grown < count // 3, grown  # the interpreter's caches grow a little, and stop
    assert sys.getallocatedblocks() - blocks < 1_000
    assert all(abs(sys.getrefcount(item) - count_before) < 20 for item, count_before in zip(shared, references))
    if "libasan" not in os.environ.get("LD_PRELOAD", ""):  # which keeps what was freed a while
        assert resident() - before < 8 << 20
