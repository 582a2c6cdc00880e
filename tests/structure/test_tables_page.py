# SPDX-License-Identifier: AGPL-3.0-or-later
"""docs/tables.md: its examples print what it says, and its table has every field that is read."""
import os
import re
import subprocess
from pathlib import Path

import pytest

from test_readme import BUILD, ROOT, differences

PAGE = (ROOT / "docs/tables.md").read_text(encoding="utf-8")
PROGRAM = os.environ.get("SPIRALTORCH", str(Path(BUILD) / "spiraltorch"))


def reads_tables():
    done = subprocess.run([PROGRAM, "version"], capture_output=True, text=True, timeout=60)
    return "jansson: no\n" not in done.stdout


@pytest.mark.skipif(not reads_tables(), reason="this build has no jansson, and cannot read a table")
def test_the_examples_print_what_the_page_says(tmp_path):
    text = re.sub(r"^```\n(?=#)", "```text\n", PAGE, flags=re.M)
    blocks = re.findall(r"^```text\n# (\S+)\n(.*?)^```$", text, re.M | re.S)
    assert [name for name, _ in blocks] == ["tuner.json"]
    for name, content in blocks:
        (tmp_path / name).write_text(content, encoding="utf-8")
    examples = "\n".join(re.findall(r"^```console\n.*?^```$", PAGE, re.M | re.S))
    assert examples.count("$ spiraltorch table") >= 5
    environment = {**os.environ, "PATH": f"{Path(PROGRAM).parent}:{os.environ['PATH']}", "SPIRALTORCH_HOME": str(tmp_path / "state")}
    found = differences(examples, tmp_path, environment)
    assert not found, "\n\n".join(found)


def test_the_table_has_every_field():
    listed = set()
    for cell in re.findall(r"^\| ([^|]+) \| (?:yes|no)[^|]*\|", PAGE, re.M):
        listed |= set(cell.split(", "))
    source = (ROOT / "src/plan/table_parse.c").read_text(encoding="utf-8")
    read = set(re.findall(r'^    \{"(\w+)", [A-Z]+, [01],', source, re.M))
    assert len(read) > 15
    assert listed - {"mk", "the other fields of a Choice"} == read


@pytest.mark.parametrize("header, word", [("ST_TABLE_MOST_ENTRIES", "16384"), ("ST_TABLE_MOST_BYTES", "8 MiB")])
def test_the_limits_are_the_headers(header, word):
    text = (ROOT / "include/spiraltorch/table.h").read_text(encoding="utf-8")
    value = re.search(header + r" = ([0-9<> ]+)", text)[1].strip()
    assert word == value or (word == "8 MiB" and value == "8 << 20")
    assert word in PAGE
