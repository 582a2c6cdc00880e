# SPDX-License-Identifier: AGPL-3.0-or-later
"""`spiraltorch bench --worker`: a worker that breaks the rules in every way, and the real one with the peers found here."""
import json
import os
import pathlib
import shlex
import signal
import subprocess
import sys
import time

import pytest

PROGRAM = os.environ["SPIRALTORCH"]
os.environ.pop("ST_BENCH_WORKER", None)  # the one of whoever runs these tests has no part in them
ROOT = pathlib.Path(__file__).resolve().parents[2]
WORKER = ROOT / "bench/peers/worker.py"
NATIVE = pathlib.Path(os.environ.get("ST_BUILD", ROOT / "build/release")) / "libspiraltorch_bench_peers.so"
DTYPES = ["f32", "f64", "f16", "bf16", "i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64"]
SMALL = ["--shapes", "2x100", "-k", "3", "--threads", "1", "--reps", "2"]

# A worker in a few lines, with one peer, `twin`, that is right; what a test puts in its place is wrong.
TWIN = '''
import mmap, os, struct, sys, time

def say(*fields):
    print(*fields, sep="\\t", flush=True)

def open_map(path, access):
    descriptor = os.open(path, os.O_RDWR if access == mmap.ACCESS_WRITE else os.O_RDONLY)
    return mmap.mmap(descriptor, 0, access=access)

def answer(order):
    rows, cols, k = state["shape"]
    given = struct.unpack(f"{rows * cols}f", state["input"][:rows * cols * 4])
    for row in range(rows):
        best = sorted(range(cols), key=lambda col: -given[row * cols + col])[:k]
        for at, col in enumerate(order(best)):
            value, index = row * k + at, state["offset"] + 8 * (row * k + at)
            state["output"][4 * value:4 * value + 4] = struct.pack("f", given[row * cols + best[at]])
            state["output"][index:index + 8] = struct.pack("q", col)

def hello(version):
    say("hello", 1, "twin", "other")

def probe(name, threads):
    if name == "other":
        say("missing", "it never was here")
    else:
        say("ready", "1.0")

def case(kind, dtype, rows, cols, k, threads, input_path, output_path, offset):
    state.update(shape=(int(rows), int(cols), int(k)), offset=int(offset), paths=(input_path, output_path),
                 input=open_map(input_path, mmap.ACCESS_READ), output=open_map(output_path, mmap.ACCESS_WRITE))
    say("ok")

def check(name, limit):
    answer(lambda best: best)
    say("checked", 5000000, 6, 6, "i64", 1, "sorted")

def timed(name, repeats, reads):
    say("timed", 4000000, 2000000)

state = {}
#OTHER
names = {"hello": hello, "probe": probe, "case": case, "check": check, "time": timed}
for line in sys.stdin:
    name, *arguments = line.rstrip("\\n").split("\\t")
    if name == "quit":
        break
    names[name](*arguments)
'''


def run(*arguments, worker, **environment):
    return subprocess.run([PROGRAM, "bench", *arguments, "--worker", worker], capture_output=True, text=True, timeout=240,
                          env={**os.environ, **environment})


def twin(folder, other=""):
    path = folder / "twin.py"
    path.write_text(TWIN.replace("#OTHER", other))
    return "exec " + shlex.join([sys.executable, str(path)])


def test_a_worker_that_keeps_the_rules(tmp_path):
    done = run(*SMALL, "--against", "all", "--json", worker=twin(tmp_path))
    assert done.returncode == 0 and done.stderr == "", done.stderr
    rows = {row["impl"]: row for row in json.loads(done.stdout)}
    assert rows["twin"]["ns"] == 4000 and rows["twin"]["read_ns"] == 2000 and rows["twin"]["ratio"] == 2
    assert rows["twin"]["version"] == "1.0" and rows["twin"]["how"] == "sorted" and rows["twin"]["threads_used"] == 1
    assert rows["twin"]["left_out"] is None and rows["twin"]["choice"] is None
    assert rows["other"]["left_out"] == "missing: it never was here"
    assert rows["other"]["ns"] is rows["other"]["ratio"] is rows["other"]["version"] is None
    assert rows["qsort"]["ns"] > 0


def test_the_environment_names_the_worker(tmp_path):
    done = subprocess.run([PROGRAM, "bench", *SMALL, "--against", "twin"], capture_output=True, text=True, timeout=60,
                          env={**os.environ, "ST_BENCH_WORKER": twin(tmp_path)})
    assert done.returncode == 0, done.stderr
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == ["spiraltorch", "twin"]
    # The twin's made-up read limit is far from the real one, and that is said, too.
    assert done.stderr.splitlines()[0] == "twin (1.0): sorted; indices i64, 1 thread"
    assert "topk f32 2x100 k 3, threads 1, data normal: the largest read limit is" in done.stderr


def test_an_empty_worker_is_none(tmp_path):
    done = run(*SMALL, "--json", worker="", ST_BENCH_WORKER=twin(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "twin" not in {row["impl"] for row in json.loads(done.stdout)}
    full = [f"peer{number}" for number in range(22)]
    body = f"def hello(*arguments):\n    say('hello', 1, *{full})\ndef probe(*arguments):\n    say('missing', 'no')\n"
    done = run(*SMALL, "--json", worker=twin(tmp_path, body))
    assert done.returncode == 0, done.stderr
    assert set(full) < {row["impl"] for row in json.loads(done.stdout)}


def test_without_a_worker_its_peers_are_unknown():
    done = subprocess.run([PROGRAM, "bench", *SMALL, "--against", "numpy"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "'numpy'" in done.stderr and "--worker" in done.stderr


def replaced(name, body):
    return f"def {name}(*arguments):\n    {body}\n"


BROKEN = {
    "it ends at once": ("sys.exit(3)", "ended with exit status 3"),
    "it ends when a case comes": (replaced("case", "sys.exit(4)"), "ended with exit status 4 when it was asked 'case topk f32"),
    "it is killed": (replaced("timed", "os.kill(os.getpid(), 9)"), "was ended by signal 9 when"),
    "it closes its output": (replaced("check", "os.close(1); time.sleep(30)"), "closed its output"),
    "it never answers": (replaced("probe", "time.sleep(60)"), "no answer to 'probe twin 1' within 1 seconds"),
    "half a line": (replaced("probe", "sys.stdout.write('rea'); sys.stdout.flush(); time.sleep(60)"), "no answer"),
    "words of its own": (replaced("hello", "say('good morning')"), "not one that the protocol has"),
    "bytes": (replaced("hello", "os.write(1, bytes(range(256)) + b'\\n')"), "not one that the protocol has"),
    "no end of line": (replaced("hello", "os.write(1, b'x' * 100000); time.sleep(60)"), "a line without an end"),
    "an empty line": (replaced("case", "say('')"), "not one that the protocol has"),
    "another protocol": (replaced("hello", "say('hello', 2, 'twin')"), "another protocol"),
    "no peers": (replaced("hello", "say('hello', 1)"), "not one that the protocol has"),
    "a name that is a path": (replaced("hello", "say('hello', 1, '../twin')"), "cannot be one"),
    "a name that is ours": (replaced("hello", "say('hello', 1, 'qsort')"), "cannot be one"),
    "a name that is a word": (replaced("hello", "say('hello', 1, 'all')"), "cannot be one"),
    "too many names": (replaced("hello", "say('hello', 1, *[f'peer{i}' for i in range(23)])"), "more peers than"),
    "a name twice": (replaced("hello", "say('hello', 1, 'twin', 'twin')"), "cannot be one"),
    "two answers": (replaced("probe", "os.write(1, b'ready\\t1\\nready\\t1\\n')"), "came before it was asked"),
    "an error": (replaced("case", "say('failed', 'out of tapes')"), "it says: out of tapes"),
    "too few results": (replaced("check", "say('checked', 5000, 5, 6, 'i64', 1, 'x')"), "more or fewer results"),
    "too many results": (replaced("check", "say('checked', 5000, 6, 7000000000, 'i64', 1, 'x')"), "more or fewer results"),
    "no time": (replaced("check", "say('checked', 0, 6, 6, 'i64', 1, 'x')"), "a time that cannot be"),
    "a time that is no number": (replaced("check", "say('checked', '1e3', 6, 6, 'i64', 1, 'x')"), "a time that cannot be"),
    "no threads": (replaced("check", "say('checked', 5000, 6, 6, 'i64', 0, 'x')"), "number of threads that cannot be"),
    "a field too few": (replaced("check", "say('checked', 5000, 6, 6, 'i64', 1)"), "not one that the protocol has"),
    "time runs backwards": (replaced("timed", "answer(lambda best: best); say('timed', -5, 2000)"), "a time that cannot be"),
    "an endless read": (replaced("timed", "say('timed', 5, 9999999999999999999999)"), "a time that cannot be"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_worker_that_breaks_them(tmp_path, name):
    body, words = BROKEN[name]
    start = time.monotonic()
    # One second is for those that shall be given up; a busy machine may need more for the rest.
    patience = "1" if words.startswith("no answer") else "60"
    done = run(*SMALL, "--against", "twin", "--worker-timeout", patience, worker=twin(tmp_path, body))
    assert done.returncode == 1, done.stderr
    assert done.stdout == ""
    lines = [line for line in done.stderr.splitlines() if line.startswith("spiraltorch")]
    assert len(lines) == 1 and words in lines[0], done.stderr
    assert "--worker" in lines[0]
    assert time.monotonic() - start < 25, "it was waited for"


WRONG = {
    "beyond the row": ("lambda best: [col + 100 for col in best]", "outside of the row"),
    "negative": ("lambda best: [-1 for col in best]", "outside of the row"),
    "in a wrong order": ("lambda best: best[::-1]", "not where the value"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_answer_is_found(tmp_path, name):
    order, words = WRONG[name]
    other = f"def check(*arguments):\n    answer({order})\n    say('checked', 5000000, 6, 6, 'i64', 1, 'sorted')\n"
    done = run(*SMALL, "--against", "twin,qsort", "--json", worker=twin(tmp_path, other))
    assert done.returncode == 1
    assert "wrong answers of the worker's peers: 1" in done.stderr
    rows = {row["impl"]: row for row in json.loads(done.stdout)}
    assert rows["qsort"]["ns"] > 0 and rows["twin"]["ns"] is None
    assert words in rows["twin"]["left_out"]


def test_an_index_that_is_there_twice_is_found(tmp_path):
    other = "def check(*arguments):\n    answer(lambda best: [7, 7, 7])\n    say('checked', 5000000, 6, 6, 'i64', 1, 'sorted')\n"
    done = run(*SMALL, "--data", "equal", "--against", "twin", "--json", worker=twin(tmp_path, other))
    assert done.returncode == 1
    assert "position 1: index 7 is there twice" in json.loads(done.stdout)[1]["left_out"]


def test_right_values_of_the_wrong_ranks_are_found(tmp_path):
    other = ("def check(*arguments):\n    global sorted\n    known = sorted\n"
             "    sorted = lambda *a, **b: known(*a, **b)[1:]\n    answer(lambda best: best)\n    sorted = known\n"
             "    say('checked', 5000000, 6, 6, 'i64', 1, 'sorted')\n")
    done = run(*SMALL, "--against", "twin", "--json", worker=twin(tmp_path, other))
    assert done.returncode == 1
    assert "does not belong in this place" in json.loads(done.stdout)[1]["left_out"]


def test_equal_elements_in_any_order_are_right(tmp_path):
    done = run(*SMALL, "--data", "equal", "--against", "twin", "--json",
               worker=twin(tmp_path, "def check(*arguments):\n    answer(lambda best: [99, 7, 50])\n"
                                     "    say('checked', 5000000, 6, 6, 'i64', 1, 'sorted')\n"))
    assert done.returncode == 0, done.stdout
    assert json.loads(done.stdout)[1]["left_out"] is None


def test_a_peer_that_cannot_or_is_slow_is_left_out(tmp_path):
    done = run(*SMALL, "--against", "twin", "--json", worker=twin(tmp_path, replaced("check", "say('cannot', 'too hard')")))
    assert done.returncode == 0
    assert json.loads(done.stdout)[1]["left_out"] == "too hard"
    slow = replaced("check", "say('checked', 9000000000000, 6, 6, 'i64', 1, 'x')")
    done = run(*SMALL, "--against", "twin", worker=twin(tmp_path, slow))
    assert done.returncode == 0
    assert done.stdout.splitlines()[1].split("\t")[9:12] == ["-", "-", "-"]
    assert done.stderr.splitlines()[0] == "twin left out: one call took 9.0 s, and --give-up is 3 s"
    done = run(*SMALL, "--against", "twin", "--give-up", "10", "--json", worker=twin(tmp_path, slow))
    assert done.returncode == 1 and "wrong answer" in json.loads(done.stdout)[1]["left_out"]  # it wrote none


def test_a_missing_peer_is_an_error_where_it_is_named(tmp_path):
    done = run(*SMALL, "--against", "twin,other", worker=twin(tmp_path))
    assert done.returncode == 1
    assert "other is missing: it never was here" in done.stderr


def test_the_worker_can_neither_change_the_input_nor_the_sizes(tmp_path):
    tries = '''
def check(*arguments):
    refused = []
    for number, path in enumerate(state["paths"]):
        try:
            os.truncate(path, 1)
        except OSError:
            refused.append(f"cut {number}")
    try:
        open_map(state["paths"][0], mmap.ACCESS_WRITE)[0] = 1
    except OSError:
        refused.append("write")
    say("cannot", ", ".join(refused))
'''
    done = run(*SMALL, "--against", "twin", "--json", worker=twin(tmp_path, tries))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[1]["left_out"] == "cut 0, cut 1, write"


def test_an_interrupt_does_not_wait_for_the_worker(tmp_path):
    mark = tmp_path / "asked"
    body = replaced("check", f"open({str(mark)!r}, 'w').close(); time.sleep(100)")
    process = subprocess.Popen([PROGRAM, "bench", *SMALL, "--against", "twin", "--json", "--worker", twin(tmp_path, body)],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        until = time.monotonic() + 30
        while not mark.exists() and time.monotonic() < until:
            time.sleep(0.02)
        assert mark.exists(), "the worker was never asked"
        process.send_signal(signal.SIGINT)
        output, message = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 130 and json.loads(output) == [] and message == ""


def test_what_the_worker_started_ends_with_it(tmp_path):
    mark = tmp_path / "alive"
    loop = f"while :; do echo >> {shlex.quote(str(mark))}; sleep 0.1; done"
    started = f"until [ -s {shlex.quote(str(mark))} ]; do sleep 0.02; done"
    done = run(*SMALL, "--against", "twin", worker=f"({loop}) </dev/null >/dev/null & {started}; {twin(tmp_path)}")
    assert done.returncode == 0, done.stderr
    size = mark.stat().st_size
    assert size > 0
    time.sleep(0.5)
    assert mark.stat().st_size <= size + 1


# ---- the real worker ------------------------------------------------------------------------------------------------

HIGHWAY = pathlib.Path("/usr/include/hwy/contrib/sort/vqsort.h").is_file()
native = pytest.mark.skipif(not NATIVE.is_file(), reason=f"{NATIVE} was not built (ST_BUILD_BENCH_PEERS=ON)")
REAL = shlex.join([sys.executable, str(WORKER), "--native", str(NATIVE)])


def test_the_worker_says_what_it_needs(tmp_path):
    done = run(*SMALL, worker=shlex.join([sys.executable, str(WORKER), "--native", str(tmp_path / "none.so")]))
    assert done.returncode == 1
    assert "none.so" in done.stderr and "ST_BUILD_BENCH_PEERS" in done.stderr


@native
def test_numpy_and_the_peers_in_cpp_agree_in_every_dtype():
    names = ["numpy", "nth_element", "partial_sort"] + ["vqsort"] * HIGHWAY
    done = run("--shapes", "3x900,1x20000", "-k", "1,40,800", "--kinds", "topk,bottomk", "--dtypes", ",".join(DTYPES), "--data",
               "normal,few,neginf", "--threads", "2", "--reps", "1", "--against", ",".join(names), "--json", worker=REAL)
    assert done.returncode == 0, done.stderr
    rows = [row for row in json.loads(done.stdout) if row["impl"] in names]
    assert len(rows) == len(names) * 2 * 3 * 2 * len(DTYPES) * 3
    for row in rows:
        if row["impl"] == "numpy" and row["dtype"] == "bf16":
            assert row["left_out"] == "NumPy has no bf16"
        else:
            assert row["left_out"] is None and row["ratio"] > 0 and row["read_ns"] > 0, row
    ways = {row["how"] for row in rows if row["how"]}
    assert {"argmax", "argmin"} <= ways
    assert any("partition" in way for way in ways) and any("packed" in way for way in ways)


@native
def test_every_peer_takes_part_or_says_why_not():
    done = run("--shapes", "2x3000", "-k", "1,20,600", "--threads", "1", "--reps", "1", "--json", worker=REAL)
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    for name in ("nth_element", "partial_sort", "vqsort", "numpy", "torch", "faiss", "jax"):
        found = [row for row in rows if row["impl"] == name]
        assert len(found) == 3, name
        for row in found:
            assert row["ratio"] is not None or row["left_out"].startswith("missing: "), row
    needed = ["numpy", "nth_element", "partial_sort"] + ["vqsort"] * HIGHWAY
    assert all(row["ratio"] is not None for row in rows if row["impl"] in needed)


@native
def test_kinds_that_peers_do_not_have():
    done = run("--shapes", "2x300", "-k", "3", "--kinds", "midk", "--threads", "1", "--reps", "1", "--against", "numpy", "--json",
               worker=REAL)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[1]["left_out"].startswith("midk")


@native
def test_the_worker_answers_nonsense_with_an_error():
    lines = "hello\t1\nhello\t9\nfly\ncheck\tnumpy\t1\ncase\ttopk\tf31\t1\t1\t1\t1\t/dev/null\t/dev/null\t0\nprobe\tmoon\t1\nquit\n"
    done = subprocess.run(shlex.split(REAL), input=lines, capture_output=True, text=True, timeout=60)
    answers = done.stdout.splitlines()
    assert done.returncode == 0 and len(answers) == 6
    assert answers[0].startswith("hello\t1\tnth_element\t")
    assert all(answer.startswith("failed\t") for answer in answers[1:]), answers
