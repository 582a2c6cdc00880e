# SPDX-License-Identifier: AGPL-3.0-or-later
"""quickstart.sh says what is true: the devices, this machine's largest packages, and a plausible accuracy."""
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def printed():
    done = subprocess.run(["sh", ROOT / "quickstart.sh"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL, text=True, timeout=800)
    assert done.returncode == 0, done.stdout
    return done.stdout


def shown(printed, command):
    """What is printed below the first command that has these words."""
    for piece in printed.split("\n$ ")[1:]:
        head, _, body = piece.partition("\n")
        if command in head:
            return body
    raise AssertionError(f"no {command} in:\n{printed}")


def test_devices(printed):
    lines = shown(printed, "spiraltorch devices").splitlines()
    assert any(re.match(r"cpu +.* yes ", line) for line in lines)
    for device in ("wgpu:0", "cuda:0", "hip:0", "mps:0"):
        assert any(line.startswith(device) for line in lines)


def test_packages(printed):
    command = ["dpkg-query", "-W", "-f", "${Installed-Size}\t${Package}\n"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    sizes = [(int(size), name) for size, name in (line.split("\t") for line in listed) if size]
    expected = sorted(sizes, key=lambda item: -item[0])[:10]  # stable: equal sizes in the list's order
    rows = [line.split("\t") for line in shown(printed, "dpkg-query").strip().splitlines()]
    assert [(int(row[3]), row[2]) for row in rows] == expected
    assert [row[1] for row in rows] == [str(position) for position in range(10)]


def test_neighbours(printed):
    body = shown(printed, "knn_fashion")
    accuracy = re.search(r"accuracy: +([0-9.]+)", body)
    assert 0.84 < float(accuracy.group(1)) < 0.87
    assert re.search(r"selection: .* in [0-9.]+ ms", body) and re.search(r"one read: .* in [0-9.]+ ms", body)


def test_plan(printed):
    body = shown(printed, "spiraltorch plan")
    assert "bottomk of 1000 x 60000 f32, k 10" in body and re.search(r"kernel +cpu/", body)
