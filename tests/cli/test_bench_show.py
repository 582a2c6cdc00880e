# SPDX-License-Identifier: AGPL-3.0-or-later
"""bench/table.py and bench/plot.py: what they make of results, those of the program and some with known numbers."""
import json
import os
import pathlib
import subprocess
import sys

import pytest

PROGRAM = os.environ["SPIRALTORCH"]
os.environ.pop("ST_BENCH_WORKER", None)  # the one of whoever runs these tests has no part in them
BENCH = pathlib.Path(__file__).resolve().parents[2] / "bench"


def show(script, *arguments):
    return subprocess.run([sys.executable, str(BENCH / script), *map(str, arguments)], capture_output=True, text=True,
                          timeout=120)


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    path = tmp_path_factory.mktemp("results") / "measured.json"
    done = subprocess.run([PROGRAM, "bench", "--shapes", "4x500", "-k", "1,30", "--threads", "1,2", "--reps", "1", "--json"],
                          capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    path.write_bytes(done.stdout)
    return path


def record(impl, cols, k, ratio, **fields):
    return {"impl": impl, "kind": "topk", "dtype": "f32", "data": "normal", "threads": 1, "rows": 2, "cols": cols, "k": k,
            "ratio": ratio, "read_ns": 300.0 if impl == "slow" else 200.0, "noise": 1.01, "version": "1", "how": "a way", "index_dtype": "i64", "threads_used": 1,
            "left_out": None, **fields}


def write(path, records):
    path.write_text(json.dumps(records))
    return path


def test_a_table_has_a_line_for_each_case(measured):
    done = show("table.py", measured)
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    cases = [line[:2] for line in lines if line and line[0] == "4x500"]
    assert cases == [["4x500", "1"], ["4x500", "30"]] * 2
    heads = [line for line in lines if line and line[0] == "shape"]
    assert "apart" not in heads[0] and "apart" in heads[1]
    assert {"ours", "noise", "qsort", "heap"} <= set(heads[0])


def test_a_table_names_the_best_peer_and_who_was_left_out(tmp_path):
    path = write(tmp_path / "one.json", [
        record("spiraltorch", 64, 3, 2.0), record("spiraltorch:filter", 64, 3, 1.5), record("slow", 64, 3, 9.0),
        record("quick", 64, 3, 5.0), record("gone", 64, 3, None, left_out="missing: not here", version=None, how=None)])
    done = show("table.py", path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[2].split() == ["2x64", "3", "2.00", "1.01", "1.50", "quick", "5.00", "2.50", "filter",
                                                   "1.50", "9.00", "5.00"]
    assert "gone left out: missing: not here" in done.stdout
    assert "quick: 1; a way; indices i64, 1 thread" in done.stdout
    assert "disturbed" not in done.stdout


def test_a_table_lists_cases_that_were_disturbed(tmp_path):
    path = write(tmp_path / "one.json", [
        record("spiraltorch", 64, 3, 2.0), record("quick", 64, 3, 5.0, read_ns=310.0),
        record("spiraltorch", 64, 4, 0.7), record("quick", 64, 4, 5.0)])
    done = show("table.py", path)
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stdout.splitlines() if line.startswith("disturbed")] == [
        "disturbed: topk 2x64 k 3 f32 normal, threads 1: the largest read limit is 1.55 times the smallest",
        "disturbed: topk 2x64 k 4 f32 normal, threads 1: spiraltorch is at 0.70, faster than reading"]


def test_a_table_says_that_torch_is_old(tmp_path):
    for version, said in (("PyTorch 1.13.0a0", True), ("PyTorch 2.15.0", False)):
        path = write(tmp_path / "one.json", [record("spiraltorch", 64, 3, 2.0), record("torch", 64, 3, 5.0, version=version)])
        assert (f"torch is {version}, of 2022 or before" in show("table.py", path).stdout) == said


@pytest.mark.parametrize("arguments, word", [(["--out", ""], "--out"), (["--out"], "usage"), (["--fast"], "--fast")])
def test_compare_refuses_before_it_installs(tmp_path, arguments, word):
    done = subprocess.run(["sh", str(BENCH / "compare.sh"), *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and word in done.stderr and done.stdout == ""


def test_what_is_no_result_is_said_so(tmp_path):
    for text in ("[", "{}", '[{"impl": 1}]', '{"a": 1}'):
        path = tmp_path / "broken.json"
        path.write_text(text)
        for script in ("table.py", "plot.py"):
            done = show(script, path)
            assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr
    assert show("table.py", tmp_path / "none.json").returncode == 1


def test_neighbours_that_differ_are_listed(tmp_path):
    ratios = {(128, 1): 1.0, (128, 2): 1.4, (128, 4): 2.2, (256, 1): 1.6, (256, 4): 2.0, (1024, 1): 1.7}
    path = write(tmp_path / "sweep.json", [record("spiraltorch", cols, k, ratio) for (cols, k), ratio in ratios.items()])
    done = show("plot.py", "--list", path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "2 pairs of neighbours among 6 points differ by more than 1.5 times for each factor of 2 between them"
    assert lines[1].split() == "1.60 cols 256 k 1: 1.60 cols 128 k 1: 1.00".split()
    assert lines[2].split() == "1.57 cols 128 k 4: 2.20 cols 128 k 2: 1.40".split()


def test_a_longer_step_may_differ_by_more(tmp_path):
    for ratio, pairs in ((2.2, 0), (2.3, 1)):  # 1.5 squared is 2.25
        path = write(tmp_path / "sweep.json", [record("spiraltorch", 64, 1, 1.0), record("spiraltorch", 64, 4, ratio)])
        assert show("plot.py", "--list", path).stdout.startswith(f"{pairs} pairs"), ratio


def test_a_map_is_of_one_series(tmp_path):
    for other, words in (({"dtype": "f64"}, "mix topk f32"), ({"rows": 9}, "several numbers of rows")):
        path = write(tmp_path / "mixed.json", [record("spiraltorch", 64, 1, 1.0), record("spiraltorch", 64, 1, 1.0, **other)])
        done = show("plot.py", "--list", path)
        assert done.returncode == 1 and words in done.stderr and done.stderr.count("\n") == 1, done.stderr


def test_a_folder_that_is_not_there_is_named(tmp_path, measured):
    done = show("plot.py", "--out", tmp_path / "none", measured)
    assert done.returncode == 2 and "--out" in done.stderr and "Traceback" not in done.stderr


def test_pictures(tmp_path, measured):
    pytest.importorskip("matplotlib")
    sweep = write(tmp_path / "sweep.json", [record("spiraltorch", cols, k, 1.0 + k / 8) for cols in (128, 256)
                                            for k in (1, 2, 4, 8)])
    done = show("plot.py", "--out", tmp_path, sweep, measured)
    assert done.returncode == 0, done.stderr
    for name in ("map.png", "contenders.png"):
        content = (tmp_path / name).read_bytes()
        assert content.startswith(b"\x89PNG") and len(content) > 5000, name


def test_without_matplotlib_it_says_so(tmp_path, measured):
    (tmp_path / "matplotlib.py").write_text("raise ImportError('No module named matplotlib')\n")
    done = subprocess.run([sys.executable, str(BENCH / "plot.py"), "--out", str(tmp_path), str(measured)], capture_output=True,
                          text=True, timeout=60, env={**os.environ, "PYTHONPATH": str(tmp_path)})
    assert done.returncode == 1 and "install matplotlib" in done.stderr
