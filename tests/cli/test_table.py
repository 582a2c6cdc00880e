# SPDX-License-Identifier: AGPL-3.0-or-later
"""table: what it reports, installs and removes; and the C header, compiled, beside the table that it was made from."""
import json
import os
import random
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from cli_program import PROGRAM, SANITIZER, answer, error, run

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("ST_BUILD", str(Path(PROGRAM).parent)))
FIRST = [
    {"rows": 1024, "cols_min": 4096, "cols_max": 8191, "k_max": 128, "sg": True, "mk": 2, "tile": 512,
     "tile_cols": 1024, "radix": 2, "segments": 1, "use_2ce": False},
    {"rows": 1024, "cols_min": 8192, "cols_max": 65535, "k_max": 2048, "sg": True, "mk": 1, "tile": 1024,
     "tile_cols": 2048, "radix": 4, "segments": 2},
    {"rows": 1024, "cols_min": 65536, "cols_max": 262143, "k_max": 4096, "sg": True, "mk": 1, "tile": 2048,
     "tile_cols": 4096, "radix": 4, "segments": 4, "use_2ce": True},
    {"rows": 1024, "cols_min": 4096, "cols_max": 65535, "k_max": 2048, "sg": False, "mk": 1, "tile": 1024,
     "tile_cols": 1024, "radix": 2, "segments": 1},
    {"rows": 1024, "cols_min": 65536, "cols_max": 262143, "k_max": 4096, "sg": False, "mk": 0, "tile": 2048,
     "tile_cols": 2048, "radix": 4, "segments": 2, "use_2ce": True},
]

pytestmark = pytest.mark.skipif(answer("version")["features"]["jansson"] == "no",
                                reason="this build has no jansson, and cannot read a table")


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("SPIRALTORCH_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


def put(tmp_path, entries, name="tuner.json"):
    path = tmp_path / name
    path.write_text(entries if isinstance(entries, str) else json.dumps(entries), encoding="utf-8")
    return path


def entry(**fields):
    return {"rows": 8, "cols_min": 1, "cols_max": 1000, "k_max": 100, "sg": True, "mk": 1, **fields}


def own_identity():
    """What a plan's explanation and the devices say of this CPU, as a table says it; the kernels by their refusal."""
    name = next(device["name"] for device in answer("devices") if device["id"] == "cpu")
    match = re.fullmatch(r"(.*) \((\w+)\)", name)
    return {"backend": "cpu", "device": match[1], "isa": match[2]}


# ---- the report ------------------------------------------------------------------------------------------------------

def test_report(tmp_path):
    path = put(tmp_path, FIRST)
    report = answer("table", path)
    assert report["entries"] == 5 and report["file"] == str(path)
    assert [device["standing"] for device in report["devices"]] == ["unnamed"]
    assert report["devices"][0]["counts"] is False
    areas = {(gap["sg"], gap["cols_min"], gap["cols_max"], gap["k_min"], gap["k_max"]) for gap in report["gaps"]}
    assert areas == {(True, 4096, 8191, 129, 4096), (True, 8192, 65535, 2049, 4096), (False, 4096, 65535, 2049, 4096)}
    assert report["overlaps"] == [] and report["findings"] == 4
    text = run("table", path, check=0).out
    assert "5 entries" in text and "hints alone: does not say which backend" in text and "overlaps: none" in text
    assert "sg yes, rows 1024: columns 4096 to 8191, k 129 to 4096" in text
    from_pipe = run("table", "-", input=json.dumps(FIRST), check=0).out
    assert from_pipe == text.replace(str(path), "standard input")


def test_overlaps_and_unknown_fields(tmp_path):
    path = put(tmp_path, [entry(tile_col=3), entry(cols_min=500, cols_max=2000, k_min=50), entry(kind="midk", dtype="f32")])
    report = answer("table", path)
    assert report["unknown_fields"] == 1 and report["unknown_field"] == "tile_col"
    assert [(o["entry"], o["holds"], o["cols_min"], o["cols_max"], o["k_min"], o["k_max"]) for o in report["overlaps"]] == [
        (1, 2, 500, 1000, 50, 100)]
    text = run("table", path, check=0).out
    assert "entries 1 and 2, of which 2 holds" in text and '"tile_col"' in text and "any kind 2, midk 1" in text


def test_foreign_and_stale_devices(tmp_path):
    own = own_identity()
    tables = [({}, "unnamed"), ({"backend": "cuda", "device": "H", "kernel_hash": "1"}, "backend"),
              ({**own, "device": "other", "kernel_hash": "1"}, "device"), ({**own, "isa": "mmx", "kernel_hash": "1"}, "isa"),
              ({**own, "driver": "9.1", "kernel_hash": "1"}, "driver"), ({**own, "kernel_hash": "1"}, "kernels")]
    path = put(tmp_path, [entry(cols_min=2000 * i, cols_max=2000 * i + 999, **named) for i, (named, _) in enumerate(tables)])
    report = answer("table", path)
    assert [device["standing"] for device in report["devices"]] == [standing for _, standing in tables]
    assert not any(device["counts"] for device in report["devices"])
    here = re.search(r"which is ([0-9a-f]{16}) here", report["devices"][-1]["why"])[1]
    path = put(tmp_path, [entry(**own, kernel_hash=here)])
    report = answer("table", path)
    assert report["devices"][0]["standing"] == "measured" and report["devices"][0]["here"] == "cpu"
    assert "1 entry count" in run("table", path, check=0).out


def test_no_entries(tmp_path):
    path = put(tmp_path, [])
    assert answer("table", path)["entries"] == 0
    assert run("table", path, check=0).out == f"{path}: 0 entries\n"


@pytest.mark.parametrize("content, says", [
    ("", "line 1"), ("{}", "array"), ("[1]", "entry 1"), ('[{"rows":1,"rows":2}]', "duplicate"),
    (json.dumps([entry(), entry(tile=-1)]), "entry 2: tile: is -1"), (json.dumps([entry(kind="best")]), "kind"), ("[" * 9, "deep")])
def test_bad_files_are_named(tmp_path, state, content, says):
    path = put(tmp_path, content)
    line = error("table", path, "--install", status=1)
    assert "tuner.json" in line and says in line
    assert not state.exists()
    assert "no such file" in error("table", tmp_path / "missing.json", status=1)


def test_hostile_sizes(tmp_path):
    assert "deep" in error("table", put(tmp_path, "[" * 4_000_000), status=1)
    assert "larger" in error("table", put(tmp_path, " " * (9 << 20)), status=1)
    assert "larger" in error("table", "/dev/zero", status=1)
    assert "entries" in error("table", put(tmp_path, "[" + ",".join(["{}"] * 20000) + "]"), status=1)


@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)])
def test_interrupted_while_a_pipe_is_waited_for(number, status):
    waiting = subprocess.Popen([PROGRAM, "table", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    waiting.stdin.write(b"[")
    waiting.stdin.flush()
    time.sleep(1)
    waiting.send_signal(number)
    assert waiting.wait(timeout=30) == status
    waiting.stdin.close()
    assert waiting.stdout.read() == b""


def test_what_a_file_says_does_not_steer_the_terminal(tmp_path):
    path = put(tmp_path, [entry(backend="cpu", device="\x1b[2J\u202e", kernel_hash="1", **{"\x1b[1m": 1})])
    text = run("table", path, check=0).out
    assert "\x1b" not in text and "\u202e" not in text
    assert answer("table", path)["devices"][0]["device"] == "\x1b[2J\u202e"


# ---- the installed table ---------------------------------------------------------------------------------------------

def test_install_show_remove(tmp_path, state):
    path = put(tmp_path, FIRST)
    installed = state / "tuner.json"
    assert str(installed) in run("table", "--installed", check=0).out
    assert answer("table", "--installed") == {"file": None, "entries": 0}
    assert f"installed as {installed}" in run("table", path, "--install", check=0).out
    assert [{**read, "schema": None} for read in json.loads(installed.read_text())] == [{**e, "schema": None} for e in FIRST]
    assert answer("table", "--installed")["devices"][0]["standing"] == "unnamed"
    report = answer("table", path, "--install", "--trust")
    assert report["installed"] == str(installed) and report["devices"][0]["standing"] == "trusted"
    assert answer("table", "--installed")["devices"][0]["counts"] is True
    assert answer("table", installed)["devices"][0]["counts"] is False  # trust is in the install, not in a file
    assert run("table", "--remove", check=0).out == f"removed {installed}\n"
    assert not installed.exists() and list(state.iterdir()) == []
    assert answer("table", "--remove") == {"removed": None}


def test_a_failed_install_leaves_what_was_there(tmp_path, state):
    run("table", put(tmp_path, FIRST), "--install", check=0)
    before = (state / "tuner.json").read_bytes()
    error("table", put(tmp_path, [entry(rows=0)]), "--install", status=1)
    error("table", put(tmp_path, FIRST * 400), "--install", status=1, preexec_fn=limit_files)
    assert (state / "tuner.json").read_bytes() == before and len(list(state.iterdir())) == 1


def limit_files():
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))


def test_plans_go_on_without_a_broken_table(state):
    state.mkdir()
    (state / "tuner.json").write_text("[{]", encoding="utf-8")
    shape = ["--kind", "topk", "--rows", 8, "--cols", 65536, "-k", 64]
    done = run("plan", *shape, "--explain", check=0)
    assert "cpu/" in done.out and "tuner.json" in done.out + done.err


def test_usage():
    assert "FILE" in error("table", status=2)
    assert "--install" in error("table", "x.json", "--trust", status=2)
    assert "--header" in error("table", "x.json", "--name", "y", status=2)
    assert "--remove" in error("table", "--installed", "--remove", status=2)
    assert "FILE" in error("table", "--installed", "x.json", status=2)
    assert "--install" in error("table", "--remove", "--install", status=2)
    assert "--header" in error("table", "--remove", "--header", "x", status=2)
    help_page = run("table", "--help", check=0).out
    for word in ("--header", "--install", "--trust", "--installed", "--remove", "--json", "tuner.json", "gaps"):
        assert word in help_page


# ---- the header ------------------------------------------------------------------------------------------------------

FLAGS = ["-Wall", "-Wextra", "-Werror", "-pedantic"]


def compile_probe(folder, header, language):
    program = folder / f"probe_{language}"
    common = [*FLAGS, f"-I{ROOT}/include", f"-I{ROOT}/src", f'-DPROBED="{header}"', "-o", program]
    probe = ROOT / "tests/cli/header_probe.c"
    if language == "c++17":
        command = ["g++", "-std=c++17", "-x", "c++", *common, probe]
    else:
        sanitize = ["-fsanitize=address,undefined"] if SANITIZER == "asan" else []
        command = ["gcc", "-std=c17", *sanitize, *common, probe, BUILD / "libspiraltorch.a", "-ljansson", "-lm", "-pthread"]
    subprocess.run([str(word) for word in command], check=True, timeout=120)
    return program


def random_entries(seed):
    draw = random.Random(seed)
    edges = [0, 1, 2, 7, 8, 64, 100, 4096, 65536, 1 << 40, 1 << 62]

    def some():
        low, high = sorted(draw.choices(edges, k=2))
        made = entry(rows=draw.choice([1, 2, 3, 4, 6, 8, 9, 1024, 1 << 31]), sg=draw.random() < 0.5, cols_min=low,
                     cols_max=max(low, high - draw.randint(0, 1)), mk=draw.randint(0, 3), tile=draw.randint(0, 1 << 20))
        low, high = sorted(draw.choices(edges, k=2))
        made.update(k_min=low, k_max=high)
        for name, values in (("kind", ["topk", "midk", "bottomk"]), ("dtype", ["f32", "i32", "32-bit", "f64"]), ("threads", [1, 2])):
            if draw.random() < 0.5:
                made[name] = draw.choice(values)
        return made

    return [some() for _ in range(draw.choice([1, 3, 20, 120]))]


@pytest.mark.skipif(SANITIZER == "tsan", reason="the probe runs on one thread")
@pytest.mark.parametrize("seed", range(6))
def test_header_answers_as_the_table(tmp_path, seed):
    entries = FIRST if seed == 0 else random_entries(seed)
    path, header = put(tmp_path, entries), tmp_path / "choose.h"
    assert f"header written to {header}" in run("table", path, "--header", header, "--name", "probed", check=0).out
    assert run("table", path, "--header", "-", "--name", "probed", check=0).out == header.read_text()
    probe = compile_probe(tmp_path, header, "c17")
    done = subprocess.run([probe, path, "200000"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 1000
    done = subprocess.run([compile_probe(tmp_path, header, "c++17")], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0


def test_header_of_no_entries(tmp_path):
    header = tmp_path / "none.h"
    run("table", put(tmp_path, []), "--header", header, "--name", "probed", check=0)
    done = subprocess.run([compile_probe(tmp_path, header, "c++17")], capture_output=True, text=True, timeout=60)
    assert done.stdout == "0\n"


def test_header_refusals(tmp_path):
    path = put(tmp_path, FIRST)
    for name in ("", "9a", "a-b", "a" * 41):
        assert "prefix" in error("table", path, "--header", tmp_path / "x.h", "--name", name, status=2)
    mixed = put(tmp_path, [entry(backend="cpu", device="a"), entry(backend="cuda", device="b")], "mixed.json")
    assert "different devices" in error("table", mixed, "--header", tmp_path / "x.h", status=2)
    assert not (tmp_path / "x.h").exists()
    assert "folder" in error("table", path, "--header", tmp_path / "no" / "x.h", status=1)


def test_nothing_in_a_table_ends_the_comment(tmp_path):
    path = put(tmp_path, [entry(backend="cpu", device="*/ int main;\n#error no /*", kernel_hash="1")], "a*" + "b.json")
    header = tmp_path / "x.h"
    run("table", path, "--header", header, "--name", "probed", check=0)
    assert header.read_text().startswith("/* Made by") and "#error" not in header.read_text()
    compile_probe(tmp_path, header, "c++17")


@pytest.mark.skipif(SANITIZER is not None, reason="the same code, built without the sanitizer")
def test_a_header_that_is_built_in(tmp_path):
    """The file that has st_choose, compiled as ST_TABLE_HEADER makes the library compile it, in place of the library's."""
    header = tmp_path / "built_in.h"
    run("table", put(tmp_path, FIRST), "--header", header, check=0)
    source = tmp_path / "calls.c"
    source.write_text("""
#include <stdio.h>
#include "spiraltorch/table.h"
int main(void) {
    st_choice c;
    st_status status = st_choose(1024, 65536, 1024, 1, &c);
    printf("%d %d %d %d %d %d\\n", status, c.mk, c.tile, c.tile_cols, c.radix, c.segments);
    status = st_choose(1024, 100, 10, 1, &c);
    printf("%d %d\\n", status, c.tile_cols);
    status = st_choose_midk(1024, 65536, 1024, 0, &c);
    printf("%d %d %d\\n", status, c.mk, c.use_2ce);
    return 0;
}
""", encoding="utf-8")
    program = tmp_path / "calls"
    subprocess.run(["gcc", "-std=gnu17", *FLAGS, f'-DST_TABLE_HEADER="{header}"', f"-I{ROOT}/include", f"-I{ROOT}/src", source,
                    ROOT / "src/plan/choose.c", BUILD / "libspiraltorch.a", "-ljansson", "-lm", "-pthread", "-o", program],
                   check=True, timeout=120)
    done = subprocess.run([program], capture_output=True, text=True, timeout=60)
    lines = done.stdout.splitlines()
    assert lines[0].startswith("0 1 ") and lines[0].endswith(" 4096 4 4")
    assert lines[1] == "0 0"  # nothing in the table: the conservative choice, which has no FFT columns
    assert lines[2].startswith("0 0 ")


def test_a_build_without_jansson_says_so(tmp_path):
    """The file that reads JSON, compiled as it is where jansson is not found, in place of the library's."""
    source = tmp_path / "reads.c"
    source.write_text("""
#include <stdio.h>
#include "spiraltorch/table.h"
int main(void) {
    st_table *table = 0;
    st_status status = st_table_read_text(0, "[]", 2, "tuner.json", &table, 0);
    printf("%s: %s\\n", st_status_name(status), st_last_message());
    return 0;
}
""", encoding="utf-8")
    program = tmp_path / "reads"
    sanitize = {"asan": ["-fsanitize=address,undefined"], "tsan": ["-fsanitize=thread"], None: []}[SANITIZER]
    subprocess.run(["gcc", "-std=gnu17", *FLAGS, *sanitize, f"-I{ROOT}/include", f"-I{ROOT}/src", source,
                    ROOT / "src/plan/table_parse.c", BUILD / "libspiraltorch.a", "-lm", "-pthread", "-o", program],
                   check=True, timeout=120)
    done = subprocess.run([program], capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("ST_E_UNSUPPORTED: tuner.json: ") and "libjansson-dev" in done.stdout
