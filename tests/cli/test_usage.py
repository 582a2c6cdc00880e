# SPDX-License-Identifier: AGPL-3.0-or-later
"""Wrong command lines are named with their cure and end with 2; help teaches; the manual page holds every option."""
import pathlib
import re
import shutil
import subprocess

import numpy as np
import pytest

from cli_program import KINDS, PROGRAM, error, run

COMMANDS = [*KINDS, "compact", "devices", "plan", "kdsl", "bench", "tune", "table", "version"]
MANUAL = pathlib.Path(__file__).parents[2] / "docs" / "man" / "spiraltorch.1"
PLAN = ["plan", "--kind", "topk", "--rows", "8", "--cols", "100", "-k", "4"]

EVAL = ["kdsl", "eval", "--rows", "8", "--cols", "100", "-k", "4"]


@pytest.mark.parametrize("arguments, words", [
    ([], ["command", "--help"]),
    (["tpok"], ["'tpok'", "did you mean 'topk'"]),
    (["frobnicate"], ["'frobnicate'", "--help"]),
    (["topk", "-"], ["-k", "missing", "-k 10"]),
    (["topk", "-k"], ["-k", "value is missing"]),
    (["topk", "-k", "x", "-"], ["-k: 'x'", "whole number"]),
    (["topk", "-k", "-1", "-"], ["-k: '-1'", "at least 0"]),
    (["topk", "-k", "9223372036854775808", "-"], ["-k: '9223372036854775808'"]),
    (["topk", "-k1.5", "-"], ["-k: '1.5'", "whole number"]),
    (["topk", "--k="], ["--k: ''"]),
    (["topk", "-k", "1"], ["INPUT", "missing", "usage"]),
    (["topk", "-k", "1", "a", "b"], ["'b'", "INPUT", "after 'a'"]),
    (["topk", "-k", "1", "--axs", "0", "-"], ["--axs", "did you mean --axis"]),
    (["topk", "-k", "1", "--wibblewobble", "-"], ["--wibblewobble", "--help"]),
    (["topk", "-k", "1", "-axis", "0", "-"], ["-axis", "did you mean --axis"]),
    (["topk", "-k", "1", "-z", "-"], ["-z", "--help"]),
    (["topk", "-k", "1", "--json=yes", "-"], ["--json", "takes no value", "'yes'"]),
    (["topk", "-k", "1", "--axis", "8", "-"], ["--axis: '8'", "from -8 to 7"]),
    (["topk", "-k", "1", "--nan", "greatst", "-"], ["--nan: 'greatst'", "did you mean 'greatest'"]),
    (["topk", "-k", "1", "--dtype", "f23", "--cols", "1", "-"], ["--dtype: 'f23'", "did you mean 'f"]),
    (["topk", "-k", "1", "--dtype", "complex64", "--cols", "1", "-"], ["--dtype: 'complex64'", "bf16"]),
    (["topk", "-k", "1", "--cols", "0", "--dtype", "f32", "-"], ["--cols: '0'", "at least 1"]),
    (["topk", "-k", "1", "--threads", "0", "-"], ["--threads: '0'", "from 1 to 4096"]),
    (["topk", "-k", "1", "--threads", "4097", "-"], ["--threads: '4097'"]),
    (["topk", "-k", "1", "--format", "csv", "-"], ["--format: 'csv'", "auto, npy, raw, text"]),
    (["topk", "-k", "1", "--device", "gpu", "-"], ["--device: 'gpu'", "cpu", "cuda:0"]),
    (["topk", "-k", "1", "-o", "", "-"], ["-o", "empty"]),
    (["topk", "-k", "1", "-o", "x", "--json", "-"], ["--json", "-o"]),
    (["topk", "-k", "1", "-o", "x", "--show", "1", "-"], ["--show", "-o"]),
    (["topk", "-k", "1", "--lo", "1", "-"], ["--lo", "no such option"]),
    (["window", "--hi", "1", "-"], ["--lo", "missing"]),
    (["window", "--lo", "1", "-"], ["--hi", "missing"]),
    (["window", "--lo", "3", "--hi", "1", "-"], ["--lo: 3", "--hi 1"]),
    (["window", "--lo", "3", "-k", "1", "-"], ["-k", "no such option"]),
    (["devices", "all"], ["'all'", "options alone"]),
    (["version", "--jsno"], ["--jsno", "did you mean --json"]),
    (["plan"], ["--kind", "missing"]),
    ([*PLAN[:-2]], ["-k", "missing"]),
    ([*PLAN, "--lo", "1"], ["--lo", "window"]),
    (["plan", "--kind", "topk", "--rows", "8", "--cols", "3", "-k", "4"], ["-k: 4", "--cols 3"]),
    (["plan", "--kind", "window", "--rows", "8", "--cols", "3", "--lo", "0", "--hi", "4"], ["--hi: 4"]),
    (["plan", "--kind", "window", "--rows", "8", "--cols", "3", "-k", "1", "--lo", "0", "--hi", "1"], ["-k"]),
    ([*PLAN, "--dtype", "f8"], ["--dtype: 'f8'"]),
    ([*PLAN, "--kind", "topq"], ["--kind: 'topq'", "did you mean 'topk'"]),
    ([*PLAN, "--caps", "wgpu"], ["--caps", "'wgpu'", "wgpu:32,sg,256"]),
    ([*PLAN, "--caps", "vulkan:32,256"], ["--caps", "'vulkan'"]),
    ([*PLAN, "--caps", "wgpu:32,gs,256"], ["--caps", "'gs'"]),
    ([*PLAN, "--caps", "wgpu:x,256"], ["--caps", "'x'"]),
    ([*PLAN, "--caps", "wgpu:32,256,smem=big"], ["--caps", "'smem=big'"]),
    ([*PLAN, "--caps", ""], ["--caps", "''"]),
    ([*PLAN, "--caps", "cpu", "--device", "cpu"], ["--caps", "--device"]),
    (["kdsl"], ["check, eval or fmt", "missing"]),
    (["kdsl", "chek"], ["'chek'", "did you mean 'check'"]),
    (["kdsl", "run"], ["'run'", "check, eval, fmt"]),
    (["kdsl", "--json"], ["--json", "no such option"]),
    (["kdsl", "--"], ["'--'", "check, eval, fmt"]),
    (["kdsl", "check"], ["FILE", "missing", "usage: spiraltorch kdsl check"]),
    (["kdsl", "check", "a", "b"], ["'b'", "after 'a'"]),
    (["kdsl", "fmt", "-i", "-"], ["-i", "name a file"]),
    (["kdsl", "eval", "-"], ["--rows", "missing"]),
    ([*EVAL[:-2], "-"], ["-k", "missing"]),
    ([*EVAL, "--kind", "topq", "-"], ["--kind: 'topq'", "did you mean 'topk'"]),
    ([*EVAL, "--dtype", "f8", "-"], ["--dtype: 'f8'"]),
    ([*EVAL, "-k", "101", "-"], ["-k: 101", "--cols 100"]),
    ([*EVAL, "--caps", "wgpu", "-"], ["--caps", "'wgpu'"]),
    ([*EVAL, "--caps", "cpu", "--device", "cpu", "-"], ["--caps", "--device"]),
    ([*EVAL, "--device", "gpu", "-"], ["--device: 'gpu'"]),
])
def test_each_wrong_argument_is_named(arguments, words):
    message = error(*arguments, status=2, input="1\n")
    for word in words:
        assert word in message


def test_a_device_that_is_not_here_is_a_failure():
    for command in (["topk", "-k", "1", "-"], PLAN):
        assert "--device: cuda:0 cannot run here: " in error(*command, "--device", "cuda:0", status=1, input="1\n")


def test_shape_errors_name_the_file(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, np.zeros((2, 3, 4)))
    assert "-k: 5 is more than the 4 elements along axis 2" in error("topk", "-k", 5, path, status=2)
    assert "at most 3" in error("topk", "-k", 4, "--axis", 1, path, status=2)
    assert "--hi: 9" in error("window", "--lo", 0, "--hi", 9, path, status=2)
    assert "--axis: 3 is outside the 3 axes" in error("topk", "-k", 1, "--axis", 3, path, status=2)
    assert "from -3 to 2" in error("topk", "-k", 1, "--axis", -4, path, status=2)
    assert "--axis" in error("topk", "-k", 1, "--axis", 1, "-", input="1\n", status=2)
    assert "--axis" in error("topk", "-k", 1, "--axis", 0, "--dtype", "u8", "--cols", 1, "-", input="1", status=2)


def test_files_that_cannot_be_read(tmp_path):
    assert "none.npy: cannot open" in error("topk", "-k", 1, tmp_path / "none.npy", status=1)
    assert "folder" in error("topk", "-k", 1, tmp_path, status=1)
    np.save(tmp_path / "a.npy", np.zeros((20, 30)))
    whole = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "short.npy").write_bytes(whole[:-1])
    assert "short.npy" in error("topk", "-k", 1, tmp_path / "short.npy", status=1)
    error("topk", "-k", 1, "-", "-o", tmp_path / "out", input=whole[:-1], status=1)
    np.save(tmp_path / "f.npy", np.asfortranarray(np.zeros((2, 3))))
    assert "ortran" in error("topk", "-k", 1, tmp_path / "f.npy", status=1)
    (tmp_path / "in.bin").write_bytes(bytes(10))
    assert "in.bin" in error("topk", "-k", 1, "--dtype", "f32", "--cols", 2, tmp_path / "in.bin", status=1)
    done = run("topk", "-k", 1, "--dtype", "f32", "--cols", 2, "-", input=bytes(12), check=1)
    assert done.err.count("\n") == 1
    assert not list(tmp_path.glob("out*"))


def test_control_characters_do_not_reach_the_terminal():
    assert "\x1b" not in error("topk", "-k", "\x1b[31m", "-", status=2)


def test_options_in_all_their_forms(tmp_path):
    text = "3\n1\n2\n"
    forms = [["-k", "2", "-"], ["-k2", "-"], ["-k=2", "-"], ["--k", "2", "-"], ["--k=2", "-"], ["-", "-k", "2"],
             ["-qk2", "-"],
             ["-k", "9", "-k", "2", "-"], ["-k2", "--", "-"]]
    outputs = {run("topk", *form, input=text, check=0).out for form in forms}
    assert outputs == {"0\t0\t0\t3\n0\t1\t2\t2\n"}
    (tmp_path / "-k").write_text(text)
    assert run("topk", "-k2", "--", "-k", cwd=tmp_path, check=0).out == outputs.pop()


def options_of(command):
    text = run(command, "--help", check=0).out
    names = re.findall(r"^ {2,6}(?:-\w, )?(--[\w-]+)", text, re.M)
    return text, set(names), set(re.findall(r"^  (-\w), --", text, re.M))


@pytest.mark.parametrize("part", ["check", "eval", "fmt"])
def test_help_of_the_parts_of_kdsl(part):
    text = run("kdsl", part, "--help", check=0).out
    assert text.startswith(f"usage: spiraltorch kdsl {part}")
    assert f"spiraltorch kdsl {part}" in text.split("examples:")[1]
    manual = manual_text()
    for option in re.findall(r"^ {2,6}(?:-\w, )?(--[\w-]+)", text, re.M):
        assert re.search(rf"Fl {re.escape(option[1:])}(\s|$)", manual, re.M), option


@pytest.mark.parametrize("command", COMMANDS)
def test_help_teaches(command):
    text, names, _ = options_of(command)
    assert text.startswith(f"usage: spiraltorch {command}")
    assert "--help" in names and "examples:" in text and f"spiraltorch {command}" in text.split("examples:")[1]
    assert run(command, "-h", check=0).out == text
    assert run("help", command, check=0).out == text


def test_help_of_the_program_names_every_command():
    text = run("--help", check=0).out
    assert all(re.search(rf"^  {command} ", text, re.M) for command in COMMANDS)
    assert run("-h", check=0).out == text


@pytest.mark.parametrize("command", KINDS)
def test_examples_of_help_are_accepted(command, tmp_path):
    """Every example that reads a pipe runs as it stands."""
    examples = [line.strip() for line in options_of(command)[0].split("examples:")[1].splitlines() if "|" in line]
    for line in examples:
        line = line.replace("/usr/share", "/usr/share/doc" if pathlib.Path("/usr/share/doc").exists() else ".")
        name = pathlib.Path(PROGRAM)
        (tmp_path / "spiraltorch").unlink(missing_ok=True)
        (tmp_path / "spiraltorch").symlink_to(name.resolve())
        done = subprocess.run(["bash", "-c", f"set -o pipefail; PATH={tmp_path}:$PATH; {line}"], capture_output=True,
                              timeout=60)
        assert done.returncode == 0 and done.stdout, (line, done.stderr)


def manual_text():
    return MANUAL.read_text().replace("\\", "")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_in_the_manual(command):
    _, names, letters = options_of(command)
    manual = manual_text()
    for option in names | letters:
        assert re.search(rf"Fl {re.escape(option[1:])}(\s|$)", manual, re.M), option
    assert re.search(rf"^\.(It )?Cm .*\b{command}\b", manual, re.M)


def test_the_manual_says_what_the_program_reads():
    manual = manual_text()
    for word in ("ST_NUM_THREADS", "ST_CPU_DISABLE", "ST_DEVICE_AUTO_PRIORITIES", "ST_WGPU_LIBRARY", "ST_WGPU_LIMITS",
                 "ST_WGPU_SUBGROUPS", "ST_WGPU_TIMEOUT", "SPIRALTORCH_HOME", "TMPDIR"):
        assert f".It Ev {word}" in manual
    for section in ("EXIT STATUS", "ENVIRONMENT", "FILES", "EXAMPLES"):
        assert f".Sh {section}" in manual


def test_the_manual_is_well_formed():
    if not shutil.which("mandoc"):
        pytest.skip("mandoc is not installed")
    done = subprocess.run(["mandoc", "-Tlint", "-Wwarning", MANUAL], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
