# SPDX-License-Identifier: AGPL-3.0-or-later
"""What an installed package must do, on any interpreter and machine, with the standard library alone: topk of random rows with
ties, NaN, infinities and both zeros against a sort, for all kinds of elements that memoryview knows, on one thread and on two.

    python wheel_smoke.py [FEATURE...]      each FEATURE a line that the engine's features must have, such as "wgpu: no"

Prints one line about what ran; any difference is an AssertionError.
"""
import array
import math
import platform
import random
import struct
import sys

import spiraltorch as st

BOUNDS = {"b": (-3, 3), "B": (0, 5), "h": (-300, 300), "H": (0, 300), "i": (-9, 9), "I": (0, 2**32 - 1), "q": (-(2**63), 2**63 - 1),
          "Q": (0, 2**64 - 1)}
SPECIAL = [math.nan, math.inf, -math.inf, 0.0, -0.0]


def bits(code, value):
    return struct.pack("=" + code, value)


def key(value):
    """Larger is earlier: NaN above all (all alike), then by value, both zeros alike."""
    return (1, 0.0) if value != value else (0, value)


def row_of(chance, code, cols):
    if code in "fd":
        few = [array.array(code, [chance.gauss(0, 1)])[0] for _ in range(9)] + SPECIAL
        return array.array(code, [chance.choice(few) if chance.random() < 0.4 else chance.gauss(0, 1) for _ in range(cols)])
    low, high = BOUNDS[code]
    return array.array(code, [chance.randint(low, high) for _ in range(cols)])


def elements(result, code):
    """A result is a buffer of some library; its bytes are those of an array."""
    return array.array(code, memoryview(result).cast("B").tobytes())


def check(chance, code, cols, k, largest):
    row = row_of(chance, code, cols)
    expected = sorted(range(cols), key=lambda i: ((-key(row[i])[0], -key(row[i])[1]) if largest else key(row[i]), i))[:k]
    values, indices = st.topk(row, k, largest=largest)
    assert list(elements(indices, "q")) == expected, (code, cols, k, largest)
    assert elements(values, code).tobytes() == b"".join(bits(code, row[i]) for i in expected), (code, cols, k, largest)


def main():
    chance = random.Random(20261121)
    cases = 0
    for threads in (1, 2):
        st.set_num_threads(threads)
        for code in [*BOUNDS, "f", "d"]:
            for cols in (1, 2, 17, 256, 1000, 20000):
                for k in sorted({1, min(cols, 8), min(cols, 300)}):
                    for largest in (True, False):
                        check(chance, code, cols, k, largest)
                        cases += 1
    features = st._engine.features()
    for feature in sys.argv[1:]:
        assert feature in features.splitlines(), f"{feature!r} is not among:\n{features}"
    print(f"{cases} cases on {platform.python_implementation()} {platform.python_version()}, {platform.system()} {platform.machine()}")


main()
