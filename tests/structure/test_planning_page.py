# SPDX-License-Identifier: AGPL-3.0-or-later
"""docs/planning.md: its example prints and adds up to what it says, and every variable that planning depends on is listed."""
import math
import os
import re
import subprocess
from pathlib import Path

import pytest

from test_readme import BUILD, ROOT, differences

PAGE = (ROOT / "docs/planning.md").read_text(encoding="utf-8")
MANUAL = (ROOT / "docs/man/spiraltorch.1").read_text(encoding="utf-8")
PROGRAM = os.environ.get("SPIRALTORCH", str(Path(BUILD) / "spiraltorch"))
HAS_TABLES = "jansson: no" not in subprocess.run([PROGRAM, "version"], capture_output=True, text=True, timeout=60).stdout


@pytest.mark.skipif(not HAS_TABLES, reason="this build has no jansson, and cannot read a table")
def test_the_example_prints_what_the_page_says(tmp_path):
    # The program of the page is the block that names itself; the state folder is where the example runs.
    text = re.sub(r"^```\n# heur\.kdsl\n", "```kdsl\n# heur.kdsl\n", PAGE, flags=re.M)
    assert "```kdsl" in text and text.count("$ spiraltorch plan") >= 2
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ST_", "SPIRAL"))}
    environment |= {"PATH": f"{Path(PROGRAM).resolve().parent}:{os.environ['PATH']}", "SPIRALTORCH_HOME": ".", "LC_ALL": "C.UTF-8"}
    found = differences(text, tmp_path, environment)
    assert not found, "\n\n".join(found)


def test_the_example_adds_up():
    sums = re.findall(r"ln\((\d+) / ([\d.]+)\)((?: \+ [\d.]+)+) = (-?\d+\.\d+)", PAGE)
    assert len(sums) == 2
    for slow, quick, rest, total in sums:
        given = sum(float(part) for part in rest.split(" + ")[1:])
        assert abs(math.log(float(slow) / float(quick)) + given - float(total)) < 0.001, total
        assert re.search(rf"score {re.escape(total)}:", PAGE)


def test_every_variable_is_listed():
    source = (ROOT / "src/engine/settings.c").read_text(encoding="utf-8")
    read = set(re.findall(r'"(SPIRAL_HEUR_[A-Z_]*[A-Z])"', source))
    backends = re.search(r'names\[\] = \{([^}]*)\}', source)[1]
    read |= {f"SPIRAL_HEUR_GEN_WEIGHT_{name}" for name in re.findall(r'"(\w+)"', backends)}
    assert len(read) == 12
    assert set(re.findall(r"`(SPIRAL_HEUR_\w+)`", PAGE)) == read
    assert set(re.findall(r"^\.It Ev (SPIRAL_HEUR_\w+)", MANUAL, re.M)) == {name for name in read if name.count("_") < 4}


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", PAGE):
        assert (ROOT / "docs" / target).exists(), target
