# SPDX-License-Identifier: AGPL-3.0-or-later
"""The program under test, and NumPy's and Python's sorting as the oracle of what it should say."""
import json
import math
import os
import pathlib
import subprocess

import numpy as np

PROGRAM = os.environ["SPIRALTORCH"]
_CONTENT = pathlib.Path(PROGRAM).read_bytes()
SANITIZER = next((name for name in ("asan", "tsan") if f"__{name}_init".encode() in _CONTENT), None)
KINDS = ["topk", "midk", "bottomk", "window"]
NUMPY = {"f32": "f4", "f64": "f8", "f16": "f2", "i8": "i1", "u8": "u1", "i16": "i2", "u16": "u2", "i32": "i4",
         "u32": "u4", "i64": "i8", "u64": "u8"}  # bf16 has no NumPy type
DTYPES = [*NUMPY, "bf16"]


def run(*arguments, input=None, check=None, env=None, timeout=60, **options):
    """Runs the program; check is the exit status it must have."""
    environment = {**os.environ, **(env or {})}
    if isinstance(input, str):
        input = input.encode()
    if input is None and "stdin" not in options:
        options["stdin"] = subprocess.DEVNULL
    done = subprocess.run([PROGRAM, *map(str, arguments)], input=input, capture_output=True, env=environment,
                          timeout=timeout, **options)
    done.out = done.stdout.decode(errors="surrogateescape")
    done.err = done.stderr.decode(errors="surrogateescape")
    if check is not None:
        assert done.returncode == check, (arguments, done.returncode, done.err)
    return done


def answer(*arguments, **options):
    """The JSON that a command prints, which must end well and say nothing else."""
    done = run(*arguments, "--json", check=0, **options)
    assert done.err == ""
    return json.loads(done.out)


def error(*arguments, status, **options):
    """The one line that a failing command says."""
    done = run(*arguments, check=status, **options)
    assert done.out == ""
    lines = done.err.splitlines()
    assert len(lines) == 1, done.err
    assert lines[0].startswith("spiraltorch")
    return lines[0]


def to_bf16(values):
    """Bits of bf16, by cutting a float32: every bit pattern can be reached."""
    return (np.asarray(values, "<f4").view("<u4") >> 16).astype("<u2")


def from_bf16(bits):
    return (np.asarray(bits).astype("<u4") << 16).view("<f4")


def window_of(kind, n, k, lo=0, hi=0, descending=False):
    if kind == "topk":
        return 0, k, True
    if kind == "bottomk":
        return 0, k, False
    if kind == "midk":
        return (n - k) // 2, (n - k) // 2 + k, False
    return lo, hi, descending


def order(row, descending, nan="greatest"):
    """The indices of a row in the order that include/spiraltorch/rank.h states, by sorting Python numbers."""
    def key(index):
        value = row[index].item()
        if isinstance(value, float) and math.isnan(value):
            place = {"greatest": -1 if descending else 1, "least": 1 if descending else -1, "last": 1}[nan]
            return (place, 0, index)
        return (0, -value if descending else value, index)
    return sorted(range(len(row)), key=key)


def expected(rows, kind, k=0, lo=0, hi=0, descending=False, nan="greatest", unsorted=False):
    """Indices of every row of a 2-D array."""
    found = []
    for row in rows:
        first, last, down = window_of(kind, len(row), k, lo, hi, descending)
        kept = order(row, down, nan)[first:last]
        found.append(sorted(kept) if unsorted else kept)
    return np.array(found, np.int64).reshape(len(rows), -1)


def long_order(row, descending):
    """As order, for long rows without NaN: a stable sort of keys whose descending order is ascending."""
    keys = row if not descending else (-row.astype("f8") if row.dtype.kind == "f" else -row.astype("i8"))
    return np.argsort(keys, kind="stable")
