# SPDX-License-Identifier: AGPL-3.0-or-later
"""spiraltorch tune with budgets of seconds: tables without gaps, that install and are chosen by; interrupts that lose nothing."""
import json
import os
import signal
import subprocess
import time

import pytest

from cli_program import PROGRAM, SANITIZER, error, run

SMALL = ["tune", "--shapes", "1x300,8x1000", "-k", "1,20", "--dtypes", "f32", "--kinds", "topk,midk", "--threads", "1",
         "--budget", "60"]
FIELDS = {"mk", "mkd", "use_2ce", "wg", "kl", "ch", "tile", "ctile", "midk", "bottomk", "tile_cols", "radix", "segments"}


@pytest.fixture
def home(tmp_path):
    """An empty state folder, and a folder to write into."""
    (tmp_path / "out").mkdir()
    return {"SPIRALTORCH_HOME": str(tmp_path / "home")}


def tune(folder, home, *arguments, check=0):
    return run(*arguments, "--out", folder / "out/tuner.json", check=check, env=home, timeout=300)


def table(folder):
    return json.loads((folder / "out/tuner.json").read_text())


def test_a_table_of_what_was_asked(tmp_path, home):
    done = tune(tmp_path, home, *SMALL, "--json")
    said = json.loads(done.out)
    entries = table(tmp_path)
    assert said["entries"] == len(entries) and said["cells"] == 8 and said["wrong"] == 0
    assert said["finished"] is True and said["installed"] is False
    assert os.listdir(tmp_path / "out") == ["tuner.json"]  # nothing is left to go on with
    assert sum("n" in entry for entry in entries) >= 4
    for entry in entries:
        assert FIELDS <= set(entry) and entry["schema"] == 1 and entry["dtype"] == "f32" and entry["threads"] == 1
        assert entry["kind"] in ("topk", "midk") and entry["backend"] == "cpu" and entry["device"]
        assert len(entry["kernel_hash"]) == 16 and int(entry["kernel_hash"], 16) > 0
        if "n" not in entry:
            continue  # filled in from its neighbours
        assert entry["gain"] >= 0 and entry["var_log_ns"] >= 0 and 0 < entry["mean_log_ns"] < 30
    for kind in ("topk", "midk"):
        for rows, cols in ((1, 300), (8, 1000)):
            for k in (1, 3, 20, 50):
                assert sum(e["kind"] == kind and e["rows"] == rows and e["cols_min"] <= cols <= e["cols_max"] and
                           e["k_min"] <= k <= e["k_max"] for e in entries) == 1
    assert "tuner.json" in tune(tmp_path, home, *SMALL).out


def test_an_installed_table_is_chosen_by(tmp_path, home):
    if "jansson: no" in run("version", check=0).out:
        assert "jansson" in error(*SMALL, "--install", "--out", tmp_path / "t.json", status=1, env=home)
        pytest.skip("this build reads no tables")
    plan = ["plan", "--kind", "topk", "--rows", 8, "--cols", 1000, "-k", 20, "--threads", 1, "--json"]
    assert json.loads(run(*plan, check=0, env=home).out)["source"] == "fallback"
    said = json.loads(tune(tmp_path, home, *SMALL, "--install", "--json").out)
    assert said["installed"] is True
    planned = json.loads(run(*plan, check=0, env=home).out)
    assert planned["source"] == "table"
    entry = next(e for e in table(tmp_path) if e["kind"] == "topk" and e["rows"] == 8 and e["k_min"] <= 20 <= e["k_max"])
    assert {name: planned["choice"][name] for name in FIELDS} == {name: entry[name] for name in FIELDS}


@pytest.mark.skipif(SANITIZER is not None, reason="a grid's cells take too long under a sanitizer")
def test_a_short_budget_covers_everything(tmp_path, home):
    start = time.monotonic()
    done = tune(tmp_path, home, "tune", "--budget", 2, "--kinds", "bottomk", "--dtypes", "u8", "--threads", 1)
    assert time.monotonic() - start < 30
    entries = table(tmp_path)
    assert max(e["cols_max"] for e in entries) >= 1000 and min(e["k_min"] for e in entries) == 1
    assert "--resume" in done.out
    said = json.loads(tune(tmp_path, home, "tune", "--budget", 1, "--kinds", "bottomk", "--dtypes", "u8", "--threads", 1,
                           "--resume", "--json").out)
    assert said["cells"] > len({(e["rows"], e["cols_min"]) for e in entries}) / 4


def test_an_interrupt_keeps_what_was_measured(tmp_path, home):
    many = [str(shape) for shape in range(3000, 3060)]
    lists = ["--shapes", ",".join(f"64x{cols}" for cols in many), "-k", "1,7,60", "--dtypes", "f64", "--kinds", "midk",
             "--threads", "1"]
    out = tmp_path / "out/tuner.json"
    process = subprocess.Popen([PROGRAM, "tune", *lists, "--out", str(out), "--budget", "600"], stderr=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True, env={**os.environ, **home})
    try:
        time.sleep(3 if SANITIZER is None else 15)
        process.send_signal(signal.SIGINT)
        said, complaint = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 130, complaint
    assert said == "" and "--resume" in complaint
    assert os.listdir(tmp_path / "out") == ["tuner.json.state"]
    kept = int(complaint.split(":")[1].split()[0])
    assert kept > 0

    assert "another run" in error("tune", *lists, "--kinds", "topk", "--out", out, "--resume", status=1, env=home)
    said = json.loads(run("tune", *lists, "--out", out, "--resume", "--budget", "1", "--json", check=0, env=home, timeout=300).out)
    assert said["cells"] > kept

    state = tmp_path / "out/tuner.json.state"
    if state.exists():  # a fast machine is through by now
        content = bytearray(state.read_bytes())
        content[len(content) // 2] ^= 1
        state.write_bytes(content)
        assert "line" in error("tune", *lists, "--out", out, "--resume", status=1, env=home)


@pytest.mark.parametrize("arguments, status, words", [
    (["--budget", "0"], 2, ["--budget"]),
    (["--shapes", "8"], 2, ["--shapes", "ROWSxCOLS"]),
    (["--shapes", "100000x100000"], 2, ["--shapes", "256 MiB"]),
    (["--shapes", "1x100", "-k", "200"], 2, ["k"]),
    (["--kinds", "window"], 2, ["--kinds", "topk, midk, bottomk"]),
    (["--dtypes", "f31"], 2, ["--dtypes"]),
    (["--threads", "0"], 2, ["--threads"]),
    (["--k", "0"], 2, ["-k"]),
    (["--device", "cuda:0"], 1, ["--device", "cuda:0"]),
    (["--resume", "--out", "none.json"], 1, ["--resume", "none.json.state"]),
    (["extra"], 2, ["extra"]),
])
def test_an_error_names_the_option(arguments, status, words, tmp_path, home):
    said = error("tune", *arguments, status=status, env=home, cwd=tmp_path)
    for word in words:
        assert word in said


def test_what_cannot_be_written_is_an_error(tmp_path, home):
    said = error("tune", "--shapes", "1x100", "-k", "1", "--kinds", "topk", "--dtypes", "f32", "--threads", "1", "--out",
                 tmp_path / "no/folder/tuner.json", status=1, env=home)
    assert "no/folder" in said
