# SPDX-License-Identifier: AGPL-3.0-or-later
"""How `spiraltorch bench` judges the library's own answers: cli/bench_verify.c, called with right ones and wrong ones."""
import ctypes
import os
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CC = shutil.which(os.environ.get("CC", "cc"))
TOPK, MIDK, BOTTOMK, ROW = 0, 1, 2, [3, -1, 7, 7, 2, 7, -5, 0]

# What the judge needs of the library: the size of an f32. Everything else is the real source.
DRIVER = """
#include "bench_worker.h"
#include <string.h>
int64_t st_dtype_size(st_dtype dtype) { return dtype == ST_F32 ? 4 : 0; }
const char *st_version(void) { return ""; }
int judge(int kind, long rows, long cols, long k, const float *input, float *values, int64_t *indices, char *why, size_t size) {
    const int kinds[] = {ST_TOPK, ST_MIDK, ST_BOTTOMK};
    const st_bench_case point = {kinds[kind], ST_F32, 0, 1, rows, cols, k};
    const st_bench_arrays found = {input, values, indices};
    why[0] = 0;
    return st_bench_is_answer(&point, &found, why, size);
}
"""


@pytest.fixture(scope="module")
def judge(tmp_path_factory):
    if CC is None:
        pytest.skip("no C compiler: set CC")
    folder = tmp_path_factory.mktemp("judge")
    (folder / "driver.c").write_text(DRIVER)
    build = subprocess.run([CC, "-std=gnu17", "-shared", "-fPIC", "-O1", f"-I{ROOT}/cli", f"-I{ROOT}/include", f"-I{ROOT}/src",
                            folder / "driver.c", ROOT / "cli/bench_verify.c", ROOT / "cli/bench_peers.c", "-o",
                            folder / "judge.so"], capture_output=True, text=True, timeout=60)
    assert build.returncode == 0, build.stderr
    call = ctypes.CDLL(str(folder / "judge.so")).judge
    call.argtypes = [ctypes.c_int, ctypes.c_long, ctypes.c_long, ctypes.c_long] + [ctypes.c_void_p] * 4 + [ctypes.c_size_t]

    def ask(kind, rows, indices, values=None):
        """The reason why the indices (a list for each row) are no answer; None where they are."""
        flat = [element for row in rows for element in row]
        chosen = [index for row in indices for index in row]
        given = values or [row[index] if 0 <= index < len(row) else 0 for row, picked in zip(rows, indices) for index in picked]
        why = ctypes.create_string_buffer(200)
        right = call(kind, len(rows), len(rows[0]), len(indices[0]), (ctypes.c_float * len(flat))(*flat),
                     (ctypes.c_float * len(given))(*given), (ctypes.c_int64 * len(chosen))(*chosen), why, 200)
        return None if right else why.value.decode()
    return ask


def order(kind, row):
    return sorted(range(len(row)), key=lambda index: (-row[index] if kind == TOPK else row[index], index))


@pytest.mark.parametrize("kind", [TOPK, MIDK, BOTTOMK])
def test_right_answers(judge, kind):
    long = [(index * 7919 % 1031) % 400 for index in range(1500)]
    for row in (ROW, long):
        for k in (1, 2, 3, len(row) - 1, len(row)):
            first = (len(row) - k) // 2 if kind == MIDK else 0
            right = order(kind, row)[first:first + k]
            assert judge(kind, [row], [right]) is None
            assert judge(kind, [row[::-1], row], [order(kind, row[::-1])[first:first + k], right]) is None


@pytest.mark.parametrize("kind, indices, values, words", [
    (TOPK, [2, 3, 0], None, "elements come before the last"),  # 5 is left out
    (TOPK, [2, 5], None, "elements come before the last"),  # the third of equals in place of the second
    (TOPK, [3, 2], None, "does not come after"),
    (TOPK, [2, 2], None, "does not come after"),
    (TOPK, [2, 3, 5, 4], None, "elements come before the last"),
    (TOPK, [0], None, "elements come before the last"),
    (TOPK, [2, 8], None, "outside of the row"),
    (TOPK, [2, -1], None, "outside of the row"),
    (TOPK, [2, 3], [7, 6], "not where the value"),
    (BOTTOMK, [1, 6], None, "does not come after"),
    (BOTTOMK, [6, 7], None, "elements come before the last"),
    (MIDK, [7, 4], None, "elements come before the last"),
    (MIDK, [1, 0], None, "elements come before the last"),  # it ends where it should, and begins too early
])
def test_wrong_answers(judge, kind, indices, values, words):
    assert words in (judge(kind, [ROW], [indices], values) or "it was taken for right")


def test_the_second_row_is_looked_at(judge):
    assert "at row 1" in judge(TOPK, [ROW, ROW], [[2], [3]])
