# SPDX-License-Identifier: AGPL-3.0-or-later
"""docs/spiralk.md: its examples print what it says, and its tables hold the names of the language."""
import os
import re
import subprocess
from pathlib import Path

import pytest

from test_readme import BUILD, ROOT, differences, steps

PAGE = (ROOT / "docs/spiralk.md").read_text(encoding="utf-8")
PROGRAM = os.environ.get("SPIRALTORCH", str(Path(BUILD) / "spiraltorch"))


def accepts(program):
    return subprocess.run([PROGRAM, "kdsl", "check", "-"], input=program, text=True, capture_output=True,
                          timeout=60).returncode == 0


def named(heading):
    """The code spans in the first column of the table below a heading's first cell."""
    table = PAGE.split(f"\n| {heading} |", 1)[1].split("\n\n", 1)[0]
    return [name for line in table.splitlines()[2:] for name in re.findall(r"`([^`]+)`", line.split("|")[1])]


def test_the_examples_print_what_the_page_says(tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "spiraltorch").symlink_to(Path(PROGRAM).resolve())
    folder = tmp_path / "examples"
    folder.mkdir()
    # The program of the page is the block that names itself.
    text = re.sub(r"^```\n# rules\.kdsl\n", "```kdsl\n# rules.kdsl\n", PAGE, flags=re.M)
    assert [step[0] for step in steps(text)].count("run") >= 9 and ("file", "rules.kdsl") in [s[:2] for s in steps(text)]
    environment = {**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8"}
    found = differences(text, folder, environment)
    assert not found, "\n\n".join(found)


def test_all_facts_are_listed():
    known = set(re.findall(r'FACT\("(\w+)"', (ROOT / "src/spiralk/names.c").read_text(encoding="utf-8")))
    assert len(known) == 22 and sorted(named("fact")) == sorted(known)


def test_all_fields_are_listed():
    line = next(line for line in PAGE.splitlines() if line.startswith("Fields are those of a Choice:"))
    fields = line.split("`")[1].split()
    known = re.findall(r"FIELD\((\w+), \"", (ROOT / "src/device/choice_fields.c").read_text(encoding="utf-8"))
    assert fields == known and all(accepts(f"{field}: 1") for field in [*fields, "u2", "algo"])


def test_all_functions_are_listed():
    known = re.findall(r'\{"(\w+)", "\w+\(', (ROOT / "src/spiralk/names.c").read_text(encoding="utf-8"))
    listed = named("function")
    assert sorted(call.split("(")[0] for call in listed) == sorted(known)
    for call in listed:
        call = re.sub(r"\b(condition|a|b|x|lo|hi)\b(?!\")", "1", call)
        assert accepts(f"penalty_if({call}, 1)"), call


@pytest.mark.parametrize("program", ["mk: tle", "mk: 1 +", "c: 1", "mk: sin(1)"])
def test_what_is_not_the_language_is_not_accepted(program):
    assert not accepts(program)
