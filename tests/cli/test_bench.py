# SPDX-License-Identifier: AGPL-3.0-or-later
"""`spiraltorch bench`: the shape of what it prints, and its errors. Times are never judged here."""
import itertools
import json
import os
import pty
import re
import signal
import subprocess

import pytest

PROGRAM = os.environ["SPIRALTORCH"]
os.environ.pop("ST_BENCH_WORKER", None)  # the one of whoever runs these tests has no part in them
DTYPES = ["f32", "f64", "f16", "bf16", "i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64"]
DATA = ["normal", "asc", "desc", "equal", "few", "neginf", "narrow"]
FIELDS = {"impl", "choice", "device", "kind", "dtype", "rows", "cols", "k", "threads", "data", "ns", "read_ns", "ratio",
          "noise", "version", "how", "index_dtype", "threads_used", "left_out"}


def run(*arguments, **options):
    return subprocess.run([PROGRAM, "bench", *arguments], capture_output=True, text=True, timeout=120, **options)


def measure(*arguments):
    done = run(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout)


def point(row):
    return tuple(row[name] for name in ("kind", "dtype", "rows", "cols", "k", "threads", "data"))


def test_the_whole_matrix_is_measured_once_each():
    rows = measure("--shapes", "3x500,1x2000", "-k", "1,16", "--kinds", "topk,midk,bottomk", "--dtypes", "f32,i16",
                   "--data", "normal,few", "--threads", "1,2", "--reps", "1", "--against", "none")
    expected = {(kind, dtype, *shape, k, threads, data) for kind, dtype, shape, k, threads, data in itertools.product(
        ["topk", "midk", "bottomk"], ["f32", "i16"], [(3, 500), (1, 2000)], [1, 16], [1, 2], ["normal", "few"])}
    assert len(rows) == len(expected) == 96
    assert {point(row) for row in rows} == expected
    for row in rows:
        assert FIELDS <= set(row)
        assert row["impl"] == "spiraltorch"
        assert row["device"] == "cpu"
        assert row["ns"] > 0 and row["read_ns"] > 0 and row["ratio"] > 0
        assert row["noise"] >= 1
        assert {"mk", "mkd", "use_2ce", "wg", "kl", "ch", "tile", "ctile", "midk", "bottomk", "tile_cols", "radix",
                "segments"} == set(row["choice"])


def test_every_dtype_and_every_data_shape_agrees_with_the_peers():
    # A peer whose answer differs from the library's ends the run with an error.
    rows = measure("--shapes", "2x333", "-k", "1,20", "--kinds", "topk,midk,bottomk", "--dtypes", ",".join(DTYPES),
                   "--data", ",".join(DATA), "--threads", "2", "--reps", "1", "--against", "qsort,heap")
    counts = {}
    for row in rows:
        counts[row["impl"]] = counts.get(row["impl"], 0) + 1
    each = len(DTYPES) * len(DATA) * 2
    assert counts == {"spiraltorch": 3 * each, "qsort": 3 * each, "heap": 2 * each}  # no heap for midk


def test_shapes_that_once_broke_a_peer():
    rows = measure("--shapes", "3x500,1x2000", "-k", "1,16", "--kinds", "topk,midk,bottomk",
                   "--dtypes", "f32,i16,f64,u8,bf16", "--data", "normal,few,equal", "--threads", "1,2", "--reps", "1",
                   "--against", "all")
    points = {point(row) for row in rows}
    assert len(points) == 2 * 2 * 3 * 5 * 3 * 2
    names = {}
    for row in rows:
        names.setdefault(point(row), []).append(row["impl"])
    for where, impls in names.items():
        assert impls[0] == "spiraltorch"
        assert impls.count("spiraltorch") == 1
        assert impls.count("qsort") == 1
        assert impls.count("heap") == (where[0] != "midk")
        forced = [impl for impl in impls if impl.startswith("spiraltorch:")]
        assert forced, where
        assert len(forced) == len(set(forced)), "one representative a kernel"
    for row in rows:
        assert (row["choice"] is None) == (row["impl"] in ("qsort", "heap"))


def test_one_forced_family_by_name():
    common = ["--shapes", "2x4000", "-k", "8", "--threads", "1", "--reps", "1"]
    families = sorted({row["impl"] for row in measure(*common, "--against", "all") if row["impl"].startswith("spiraltorch:")})
    rows = measure(*common, "--against", families[0])
    assert [row["impl"] for row in rows] == ["spiraltorch", families[0]]
    assert rows[1]["kernel"].endswith("/" + families[0].split(":")[1])


@pytest.mark.parametrize("shape", ["5x700", "1x2001"])
@pytest.mark.parametrize("kind", ["topk", "bottomk"])
def test_contexts_apart_on_shares_of_the_rows_or_of_the_one_row(shape, kind):
    rows = measure("--shapes", shape, "-k", "1,300", "--kinds", kind, "--data", "normal,few", "--threads", "1,2,3", "--reps",
                   "1", "--against", "spiraltorch:apart")  # a wrong answer would be an error
    several = [row for row in rows if row["impl"] == "spiraltorch:apart"]
    assert sorted({row["threads"] for row in several}) == [2, 3]
    assert len(several) == 2 * 2 * 2
    assert all(row["ns"] > 0 and row["threads_used"] == row["threads"] for row in several)


def test_contexts_apart_need_a_share_each():
    done = run("--shapes", "2x50,1x50", "-k", "40", "--threads", "3", "--reps", "1", "--against", "spiraltorch:apart")
    assert done.returncode == 2 and "spiraltorch:apart (two threads or more" in done.stderr


def test_a_pipe_gets_tab_separated_lines_without_a_header():
    done = run("--shapes", "2x100", "-k", "4", "--threads", "1", "--reps", "1", "--against", "qsort")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 2
    first, second = (line.split("\t") for line in lines)
    assert first[:9] == ["spiraltorch", "cpu", "topk", "f32", "2", "100", "4", "1", "normal"]
    assert second[:9] == ["qsort", "cpu", "topk", "f32", "2", "100", "4", "1", "normal"]
    assert len(first) == len(second) == 15
    for cell in first[9:13]:
        assert float(cell) > 0
    assert first[14].startswith("mk=") and second[14] == "-"


def test_a_terminal_gets_an_aligned_table():
    leader, follower = pty.openpty()
    try:
        done = subprocess.run([PROGRAM, "bench", "--shapes", "2x100", "-k", "4", "--threads", "1", "--reps", "1",
                               "--against", "qsort"], stdout=follower, stderr=subprocess.PIPE, timeout=60)
        text = os.read(leader, 65536).decode()
    finally:
        os.close(follower)
        os.close(leader)
    assert done.returncode == 0, done.stderr
    lines = text.replace("\r", "").rstrip("\n").split("\n")
    # On a busy machine a line may say that the case is worth another run.
    lines = [line for line in lines if not line.endswith("measure it again")]
    assert len(lines) == 4
    assert lines[3].startswith("qsort (") and lines[3].endswith("indices i64, 1 thread")
    assert lines[0].split() == ["impl", "device", "kind", "dtype", "rows", "cols", "k", "threads", "data", "ns", "read_ns",
                                "ratio", "noise", "version", "choice"]
    start = lines[0].index("choice")
    assert lines[1][start:].startswith("mk=") and lines[1][start - 1] == " "
    assert lines[2][start:] == "-"


def test_regret_over_the_fallback():
    found = measure("--regret", "--with", "fallback", "--shapes", "1x3000,8x256", "-k", "1,32", "--kinds",
                    "topk,midk,bottomk", "--threads", "1", "--reps", "2")
    assert {"points", "geomean", "p95", "worst", "cases", "noise"} <= set(found)
    assert found["points"] == len(found["cases"]) == 12
    ratios = sorted(case["ratio"] for case in found["cases"])
    product = 1.0
    for ratio in ratios:
        product *= ratio
    assert found["geomean"] == pytest.approx(product ** (1 / 12), rel=1e-9)
    assert found["p95"] == found["worst"] == ratios[-1]  # the nearest rank: the 12th of 12
    for case in found["cases"]:
        assert {"kind", "dtype", "rows", "cols", "k", "threads", "chosen", "best", "ratio"} <= set(case)
        if case["chosen"] == case["best"] and case["chosen_kernel"] == case["best_kernel"]:
            assert case["ratio"] == 1


def test_regret_in_a_pipe_ends_with_the_summary():
    done = run("--regret", "--shapes", "4x256", "-k", "4", "--threads", "1", "--reps", "2")
    assert done.returncode == 0, done.stderr
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert [line[:3] for line in lines[-2:]] == [["regret", "fallback", "3"], ["noise", "fallback", "3"]]
    assert len(lines) == 5 and all(len(line) == 12 for line in lines[:3])


def test_regret_over_drawn_points():
    options = ("--regret", "--points", "8", "--kinds", "topk", "--dtypes", "f32,u8", "--threads", "1", "--reps", "4")
    found = measure(*options, "--seed", "5")
    assert found["points"] == 8 and {case["dtype"] for case in found["cases"]} == {"f32", "u8"}
    shapes = [(case["kind"], case["dtype"], case["rows"], case["cols"], case["k"]) for case in found["cases"]]
    assert len(set(shapes)) == 8
    for case in found["cases"]:
        assert 1 <= case["k"] <= case["cols"] and 512 <= case["rows"] * case["cols"] <= 1 << 22
        assert 0 < case["bound"] <= found["worst_bound"]
    again = measure(*options, "--seed", "5")
    assert [(c["kind"], c["dtype"], c["rows"], c["cols"], c["k"]) for c in again["cases"]] == shapes
    other = measure(*options, "--seed", "6")
    assert [(c["kind"], c["dtype"], c["rows"], c["cols"], c["k"]) for c in other["cases"]] != shapes


@pytest.mark.skipif("jansson: no" in subprocess.run([PROGRAM, "version"], capture_output=True, text=True).stdout,
                    reason="this build reads no tables: it has no jansson")
def test_regret_with_a_table_and_with_rules(tmp_path, monkeypatch):
    monkeypatch.setenv("SPIRALTORCH_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("SPIRAL_HEUR_K", "mk: 1; mkd: 1")
    table = tmp_path / "table.json"
    table.write_text(json.dumps([{"rows": 8, "cols_min": 1, "cols_max": 9999, "k_max": 99, "sg": sg, "mk": 3, "mkd": 0}
                                 for sg in (True, False)]), encoding="utf-8")
    subprocess.run([PROGRAM, "table", table, "--install", "--trust"], check=True, capture_output=True)
    options = ("--regret", "--shapes", "8x1000", "-k", "4", "--kinds", "topk", "--threads", "1", "--reps", "2")
    for with_what, mk in (("table", 3), ("rules", 1)):
        found = measure(*options, "--with", with_what)
        assert found["with"] == with_what and [case["chosen"]["mk"] for case in found["cases"]] == [mk]
    assert measure(*options, "--with", "fallback")["cases"][0]["chosen"]["mk"] not in (1, 3)


@pytest.mark.parametrize("arguments, status, word", [
    (["--shapes", "8by8", "-k", "1"], 2, "--shapes"),
    (["--shapes", "8x", "-k", "1"], 2, "--shapes"),
    (["--shapes", "0x8", "-k", "1"], 2, "--shapes"),
    (["--shapes", "-1x8", "-k", "1"], 2, "--shapes"),
    (["--shapes", "8x8,", "-k", "1"], 2, "--shapes"),
    (["--shapes", "8x99999999999999999999", "-k", "1"], 2, "--shapes"),
    (["--shapes", "8x8"], 2, "-k"),
    (["-k", "1"], 2, "--shapes"),
    (["--shapes", "8x8", "-k", "0"], 2, "-k"),
    (["--shapes", "8x8", "-k", "x"], 2, "-k"),
    (["--shapes", "8x8", "-k", "9"], 2, "-k"),
    (["--shapes", "8x8", "-k", "1,,2"], 2, "-k"),
    (["--shapes", "8x8", "-k", "1", "--kinds", "top"], 2, "--kinds"),
    (["--shapes", "8x8", "-k", "1", "--dtypes", "f31"], 2, "--dtypes"),
    (["--shapes", "8x8", "-k", "1", "--data", "random"], 2, "--data"),
    (["--shapes", "8x8", "-k", "1", "--threads", "0"], 2, "--threads"),
    (["--shapes", "8x8", "-k", "1", "--threads", "99999"], 2, "--threads"),
    (["--shapes", "8x8", "-k", "1", "--reps", "0"], 2, "--reps"),
    (["--shapes", "8x8", "-k", "1", "--reps", "many"], 2, "--reps"),
    (["--shapes", "8x8", "-k", "1", "--against", "torch"], 2, "--against"),
    (["--shapes", "8x8", "-k", "1", "--against", "heap", "--kinds", "midk"], 2, "--against"),
    (["--shapes", "8x8", "-k", "1", "--with", "fallback"], 2, "--with"),
    (["--regret", "--with", "table"], 1, "--with"),
    (["--regret", "--with", "rules"], 1, "--with"),
    (["--shapes", "8x8", "-k", "1", "--points", "5"], 2, "--points"),
    (["--regret", "--points", "5", "--shapes", "8x8"], 2, "--points"),
    (["--regret", "--seed", "5"], 2, "--seed"),
    (["--regret", "--with", "hope"], 2, "--with"),
    (["--regret", "--reps", "1"], 2, "--reps"),
    (["--regret", "--against", "qsort"], 2, "--against"),
    (["--regret", "--worker", "true"], 2, "--worker"),
    (["--shapes", "8x8", "-k", "1", "--give-up", "0"], 2, "--give-up"),
    (["--regret", "--give-up", "5"], 2, "--give-up"),
    (["--regret", "--worker-timeout", "5"], 2, "--worker-timeout"),
    (["--shapes", "8x8", "-k", "1", "--worker-timeout", "5"], 2, "--worker-timeout"),
    (["--shapes", "8x8", "-k", "1", "--worker", "", "--worker-timeout", "5"], 2, "--worker-timeout"),
    (["--shapes", "8x8", "-k", "1", "--colour"], 2, "--colour"),
    (["--shapes", "8x8", "-k", "1", "extra"], 2, "extra"),
    (["--shapes", "8x8", "-k", "1", "--device", "cuda:7"], 1, "--device"),
    (["--shapes", "4x1099511627776", "-k", "1", "--dtypes", "f64"], 1, "--shapes"),
    (["--shapes", "4611686018427387904x2", "-k", "1", "--dtypes", "f64"], 1, "--shapes"),
])
def test_an_error_names_the_option(arguments, status, word):
    done = run(*arguments)
    assert done.returncode == status, done.stderr
    assert done.stdout == ""
    assert word in done.stderr.splitlines()[0]


def test_more_than_physical_memory_is_refused_with_both_sizes():
    done = run("--shapes", "4x1099511627776", "-k", "1")
    assert done.returncode == 1
    assert "4x1099511627776" in done.stderr and done.stderr.count("GiB") == 2


def test_an_interrupt_prints_what_was_measured():
    leader, follower = pty.openpty()  # on a terminal standard error says how far the run is
    process = subprocess.Popen([PROGRAM, "bench", "--shapes", "1x64,64x200000", "-k", "8", "--kinds", "topk", "--threads",
                                "1", "--reps", "2000", "--data", "equal", "--against", "none", "--json"],
                               stdout=subprocess.PIPE, stderr=follower, text=True)
    os.close(follower)
    try:
        progress = b""
        while not re.search(rb" [5-9]\d% ", progress):
            progress += os.read(leader, 4096)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    finally:
        process.kill()
        os.close(leader)
    assert process.returncode == 130
    assert [row["cols"] for row in json.loads(output)] == [64]  # whole cases alone


def test_a_closed_pipe_ends_quietly():
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run([PROGRAM, "bench", "--shapes", "2x100", "-k", "4", "--threads", "1", "--reps", "1"],
                              stdout=writer, stderr=subprocess.PIPE, timeout=60)
    finally:
        os.close(writer)
    assert done.stderr == b""


def test_help_names_every_option():
    done = run("--help")
    assert done.returncode == 0
    for option in ("--shapes", "-k", "--kinds", "--dtypes", "--data", "--threads", "--reps", "--against", "--worker",
                   "--worker-timeout", "--give-up", "--regret", "--with", "--json"):
        assert option in done.stdout
