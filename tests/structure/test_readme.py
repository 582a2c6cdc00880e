# SPDX-License-Identifier: AGPL-3.0-or-later
"""Runs the examples of README.md, in order, in one empty folder, and compares what they print.

A fenced block whose first line is a comment with a file name becomes that file; a fenced `console` block is run: lines
that begin with "$ " are commands (continued after a backslash), the lines below are what they print, where "..." stands
for anything. The installed library and program are on the usual paths.
"""
import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = os.environ.get("ST_BUILD", str(ROOT / "build/release"))
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
NAMED = re.compile(r"^(?:/\*|#|//) ?([\w.-]+\.\w+)")


def steps(text):
    """("file", name, content) and ("run", command, what it prints), in the order of the text."""
    found = []
    for language, block in FENCE.findall(text):
        if language == "console":
            for piece in re.split(r"^\$ ", block, flags=re.M)[1:]:
                match = re.match(r"((?:[^\n]*\\\n)*[^\n]*)\n?(.*)\Z", piece, re.S)
                found.append(("run", match.group(1), match.group(2)))
        elif NAMED.match(block):
            found.append(("file", NAMED.match(block).group(1), block))
    return found


def same(expected, printed):
    pattern = ".*?".join(re.escape(piece) for piece in expected.split("..."))
    return re.fullmatch(pattern, printed, re.S) is not None


def differences(text, folder, environment):
    """Runs all steps in a folder; returns those that failed or printed something else."""
    found = []
    for kind, head, body in steps(text):
        if kind == "file":
            (folder / head).write_text(body, encoding="utf-8")
            continue
        done = subprocess.run(["sh", "-c", head], cwd=folder, env=environment, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=120, stdin=subprocess.DEVNULL)
        # A command that is shown failing prints its error; one that prints nothing must succeed.
        if not same(body, done.stdout) or (done.returncode != 0 and not body.startswith("spiraltorch ")):
            found.append(f"$ {head}\nexit status {done.returncode}, printed:\n{done.stdout}\nREADME says:\n{body}")
    return found


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    prefix = tmp_path_factory.mktemp("prefix")
    subprocess.run(["cmake", "--install", BUILD, "--prefix", str(prefix)], check=True, capture_output=True, timeout=60)
    library = next(prefix.glob("lib/**/libspiraltorch.so")).parent
    variables = {name: value for name, value in os.environ.items()
                 if not name.startswith(("ST_", "SPIRAL"))}
    return {**variables, "PATH": f"{prefix}/bin:{os.environ['PATH']}", "PKG_CONFIG_PATH": f"{library}/pkgconfig",
            "LD_LIBRARY_PATH": str(library), "SPIRALTORCH_HOME": str(prefix / "state"), "LC_ALL": "C.UTF-8"}


def test_the_examples_print_what_the_readme_says(tmp_path, environment):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    kinds = [step[0] for step in steps(text)]
    assert kinds.count("run") >= 5 and kinds.count("file") >= 1
    found = differences(text, tmp_path, environment)
    assert not found, "\n\n".join(found)


def test_the_two_commands_come_first():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    first = FENCE.search(text)
    commands = [line.split("#")[0].strip() for line in first.group(2).splitlines()]
    assert commands == ["sh ./quickstart.sh", "sh ./test.sh"]
    assert all((ROOT / command.split()[1]).is_file() for command in commands)


def test_links_lead_somewhere():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert target.startswith("https://") or (ROOT / target).exists(), target


def test_a_wrong_example_is_found(tmp_path):
    environment = dict(os.environ)
    good = ("```sh\n# words.txt holds two\none\ntwo\n```\n\n"
            "```console\n$ tail -n 1 words.txt\ntwo\n$ echo a \\\n  b\na b\n$ date\n...\n```\n")
    assert [step[0] for step in steps(good)] == ["file", "run", "run", "run"]
    assert differences(good, tmp_path, environment) == []
    assert len(differences(good.replace("\ntwo\n$", "\nthree\n$"), tmp_path, environment)) == 1
    assert len(differences(good.replace("$ date", "$ no-such-command"), tmp_path, environment)) == 1
    assert len(differences("```console\n$ false\n```\n", tmp_path, environment)) == 1
    assert len(differences("```console\n$ echo a\n```\n", tmp_path, environment)) == 1
