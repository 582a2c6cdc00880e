# SPDX-License-Identifier: AGPL-3.0-or-later
"""The program with --device wgpu:0. As for the programs of this folder, ST_TEST_WGPU says which device must be there: it is then
used, or the test fails; where it is not set, the tests are skipped."""
import json
import os
import pathlib
import sys

import numpy as np
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
from cli_program import NUMPY, SANITIZER, answer, error, expected, run, to_bf16  # noqa: E402

WANTED = os.environ.get("ST_TEST_WGPU")
pytestmark = pytest.mark.skipif(not WANTED, reason="ST_TEST_WGPU names no device")
DEVICE = "wgpu:0"


@pytest.fixture(autouse=True)
def state_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SPIRALTORCH_HOME", str(tmp_path / "home"))


def test_devices():
    found = next(device for device in answer("devices") if device["id"] == DEVICE)
    assert WANTED in found["name"] and found["available"] and found["backend"] == "wgpu" and found["driver"]
    assert found["caps"]["max_workgroup"] >= 256 and found["caps"]["shared_mem"] >= 16384
    line = next(line for line in run("devices", check=0).out.splitlines() if line.startswith(DEVICE))
    assert line.count("software") == found["software"]
    if found["software"]:
        assert found["reason"] == "a software adapter, which auto never picks"
        assert line.endswith(found["reason"])


def test_plan():
    shape = ["plan", "--kind", "topk", "--rows", 8, "--cols", 65536, "-k", 64]
    plan = answer(*shape, "--device", DEVICE)
    assert plan["device"] == DEVICE and plan["kernel"].startswith("wgpu/") and plan["predicted_ns"] > 0
    text = run(*shape, "--device", DEVICE, "--explain", check=0).out
    assert DEVICE in text and WANTED in text and plan["kernel"] in text and "cannot run here" not in text
    if next(device for device in answer("devices") if device["id"] == DEVICE)["software"]:
        assert answer(*shape)["device"] == "cpu"


@pytest.mark.parametrize("kind", ["topk", "midk", "bottomk", "window"])
def test_ranks(tmp_path, kind):
    rows = np.random.default_rng(len(kind)).integers(-50, 50, (7, 3000)).astype("f4")
    rows[1, 5], rows[3, 7], rows[5, :] = np.nan, -0.0, -np.inf
    np.save(tmp_path / "in.npy", rows)
    window = ["--lo", 3, "--hi", 40, "--descending"] if kind == "window" else ["-k", 21]
    found = answer(kind, *window, "--device", DEVICE, tmp_path / "in.npy")
    assert found["indices"] == expected(rows, kind, 21, 3, 40, kind == "window").tolist()
    assert found == answer(kind, *window, "--device", "cpu", tmp_path / "in.npy")
    if kind == "topk":
        assert "row 1, index 5" in error(kind, *window, "--nan", "error", "--device", DEVICE, tmp_path / "in.npy", status=1)
        for folder, device in (("there", DEVICE), ("here", "cpu")):  # another axis, into files
            run(kind, "-k", 3, "--axis", 0, "--unsorted", "--device", device, tmp_path / "in.npy", "-o", tmp_path / folder, check=0)
        for part in ("values", "indices"):
            assert (tmp_path / f"there.{part}.npy").read_bytes() == (tmp_path / f"here.{part}.npy").read_bytes()


@pytest.mark.parametrize("dtype", ["f32", "bf16", "u8", "i64"])
def test_compact(tmp_path, dtype):
    numbers = np.random.default_rng(5).integers(0, 100, (6, 5000))
    rows = to_bf16(numbers.astype("f4")) if dtype == "bf16" else numbers.astype(NUMPY[dtype])
    rows.tofile(tmp_path / "in.bin")
    band = ["compact", "--lower", 20, "--upper", 30, "--dtype", dtype, "--cols", 5000]
    found = answer(*band, "--device", DEVICE, tmp_path / "in.bin")
    assert found["indices"] == [np.flatnonzero((row >= 20) & (row <= 30)).tolist() for row in numbers]
    assert found == answer(*band, "--device", "cpu", tmp_path / "in.bin") == answer(*band, tmp_path / "in.bin")
    if dtype == "f32":
        np.save(tmp_path / "in.npy", rows)
        for folder, device in (("there", DEVICE), ("here", "cpu")):
            run(*band[:5], "--axis", 0, "--device", device, tmp_path / "in.npy", "-o", tmp_path / folder, check=0)
        for part in ("values", "indices", "counts"):
            assert (tmp_path / f"there.{part}.npy").read_bytes() == (tmp_path / f"here.{part}.npy").read_bytes()
        text = "name,size\na,3\nb,nan\nc,1\nd,2\n"
        out = run("compact", "--lower", 2, "--column", "size", "--show", "name", "--device", DEVICE, "-", input=text, check=0).out
        assert out == "0\t0\ta\t3\n0\t1\td\t2\n"


@pytest.mark.skipif(SANITIZER is not None, reason="times mean nothing under a sanitizer")
def test_tune_and_bench(tmp_path):
    run("tune", "--device", DEVICE, "--shapes", "4x600", "-k", "4", "--kinds", "topk", "--dtypes", "f32", "--budget", 5,
        "--out", tmp_path / "tuner.json", check=0, timeout=300)
    entries = json.loads((tmp_path / "tuner.json").read_text())
    assert entries and all(entry["backend"] == "wgpu" and WANTED in entry["device"] for entry in entries)
    rows = json.loads(run("bench", "--device", DEVICE, "--shapes", "4x600", "-k", "4", "--kinds", "topk", "--reps", 1, "--against",
                          "none", "--json", check=0, timeout=300).out)
    assert rows and all(row["device"] == DEVICE and row["ns"] > 0 for row in rows)
