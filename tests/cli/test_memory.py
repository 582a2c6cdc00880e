# SPDX-License-Identifier: AGPL-3.0-or-later
"""Inputs that are far larger than what may be held: peak resident memory stays under 64 MB."""
import json
import os
import struct
import subprocess
import sys

import pytest

from cli_program import PROGRAM, SANITIZER

LIMIT = 64_000_000
SIZE = 600 << 20

# A small process between this one and the program, because the peak of a fresh child begins at its parent's.
MEASURE = """
import json, resource, subprocess, sys
done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
print(json.dumps([done.returncode, done.stdout, done.stderr, peak]))
"""


def measure(*arguments, stdin=subprocess.DEVNULL):
    if SANITIZER:
        pytest.skip("a sanitizer's own memory is in the way")
    done = subprocess.run([sys.executable, "-S", "-E", "-c", MEASURE, PROGRAM, *map(str, arguments)], stdin=stdin,
                          capture_output=True, text=True, check=True)
    status, out, err, peak = json.loads(done.stdout)
    assert status == 0, err
    assert 0 < peak < LIMIT, peak
    return out


@pytest.fixture(scope="module")
def sparse(tmp_path_factory):
    """Zeros, with a 1 as the last byte."""
    path = tmp_path_factory.mktemp("sparse") / "zeros.bin"
    with open(path, "wb") as file:
        file.seek(SIZE - 1)
        file.write(b"\x01")
    yield path
    path.unlink()


def test_one_row(sparse):
    out = measure("topk", "-k", 100, "--dtype", "u64", "--cols", SIZE // 8, sparse)
    lines = [line.split("\t") for line in out.splitlines()]
    assert [int(line[2]) for line in lines] == [SIZE // 8 - 1, *range(99)]
    assert [int(line[3]) for line in lines] == [1 << 56, *[0] * 99]


def test_a_million_of_one_row(sparse, tmp_path):
    """The result alone is 12 MB."""
    measure("topk", "-k", 1_000_000, "--dtype", "f32", "--cols", SIZE // 4, sparse, "-o", tmp_path / "out")
    indices = (tmp_path / "out.indices.npy").read_bytes()[128:]
    found = struct.unpack("=1000000q", indices)
    assert found[:2] == (SIZE // 4 - 1, 0) and found[1:] == tuple(range(999_999))


def test_one_row_through_a_pipe(sparse):
    with subprocess.Popen(["cat", sparse], stdout=subprocess.PIPE) as cat:
        out = measure("bottomk", "-k", 2, "--dtype", "f32", "--cols", SIZE // 4, "-", stdin=cat.stdout)
    assert out == "0\t0\t0\t0\n0\t1\t1\t0\n"


def test_the_middle_of_one_row(sparse):
    n = SIZE // 8
    assert measure("midk", "-k", 2, "--dtype", "f64", "--cols", n,
                   sparse) == f"0\t0\t{n // 2 - 1}\t0\n0\t1\t{n // 2}\t0\n"


def test_many_rows(sparse, tmp_path):
    rows = 1 << 16
    measure("topk", "-k", 3, "--dtype", "f32", "--cols", SIZE // 4 // rows, sparse, "-o", tmp_path / "out")
    assert (tmp_path / "out.indices.npy").stat().st_size == 128 + rows * 3 * 8


def test_along_the_first_axis(sparse):
    """150 million rows of one byte beside four others: more than is held in any one of them."""
    out = measure("topk", "-k", 1, "--axis", 0, "--dtype", "u8", "--cols", 4, sparse)
    assert [line.split("\t")[2:] for line in out.splitlines()] == [["0", "0"]] * 3 + [[str(SIZE // 4 - 1), "1"]]


def test_compaction(sparse):
    assert measure("compact", "--lower", 1, "--dtype", "u8", "--cols", SIZE, sparse) == f"0\t0\t{SIZE - 1}\t1\n"


# Lines of text by the million, without a file: held, the numbers alone would be over the limit.
BLOCKS, NUMBERS = 460, 10_000
WRITE = f"""
import sys
block = "".join(f"{{number}},a label of some length {{number}}\\n" for number in range({NUMBERS})).encode()
for _ in range({BLOCKS}):
    sys.stdout.buffer.write(block)
"""


@pytest.mark.parametrize("show", [[], ["--show", 2]])
def test_much_text(show):
    """150 MB of numbers and labels, of which a few are kept."""
    assert BLOCKS * NUMBERS * 16 > LIMIT  # a number and its index
    with subprocess.Popen([sys.executable, "-S", "-E", "-c", WRITE], stdout=subprocess.PIPE) as writer:
        out = measure("topk", "-k", 3, *show, "-", stdin=writer.stdout)
    wanted = ["a label of some length 9999"] * 3 if show else [str(NUMBERS * (i + 1) - 1) for i in range(3)]
    assert [line.split("\t")[2:] for line in out.splitlines()] == [[label, "9999"] for label in wanted]


def test_twenty_gigabytes(tmp_path):
    if os.environ.get("ST_TEST_LARGE") != "1":
        pytest.skip("set ST_TEST_LARGE=1 to rank a sparse row of 20 GB")
    path = tmp_path / "zeros.bin"
    size = 20_000_000_000
    with open(path, "wb") as file:
        file.truncate(size)
    try:
        out = measure("topk", "-k", 100, "--dtype", "f32", "--cols", size // 4, path)
        assert [int(line.split("\t")[2]) for line in out.splitlines()] == list(range(100))
    finally:
        path.unlink()
