# SPDX-License-Identifier: AGPL-3.0-or-later
"""Sources have names of their own, one idea of a readable length, the licence's line, and a word on what they are."""
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("src", "include", "cli", "tests", "examples", "tools", "bench", "bindings", "cmake")
SUFFIXES = {".c", ".h", ".inc", ".py", ".sh", ".cmake"}
LONGEST = 600
BANNED = re.compile(r"^(utils?|common|helpers?|misc|stuff)\.")


def sources(tree):
    return sorted(path for folder in FOLDERS for path in (tree / folder).rglob("*")
                  if path.suffix in SUFFIXES and "__pycache__" not in path.parts)


def complaints(tree):
    found = []
    seen = {}
    for path in sources(tree):
        relative = path.relative_to(tree)
        text = path.read_text(encoding="utf-8")
        lines = text.count("\n")
        if lines >= LONGEST:
            found.append(f"{relative} has {lines} lines: {LONGEST} is where a second idea begins")
        if BANNED.match(path.name):
            found.append(f"{relative}: a name that says nothing")
        if "SPDX-License-Identifier: AGPL-3.0-or-later" not in "\n".join(text.split("\n", 3)[:3]):
            found.append(f"{relative} does not begin with its licence")
        if path.suffix in {".c", ".h", ".inc"} and not re.match(r"/\* SPDX[^\n]*\*/\n+/\*", text):
            found.append(f"{relative} does not say in its second line what it is")
        if re.search(r"\b(TODO|FIXME|XXX)\b", text) and path.name != Path(__file__).name:
            found.append(f"{relative} has work left in a comment")
        if relative.parts[0] == "src":
            other = seen.setdefault(path.name, relative)
            if other != relative:
                found.append(f"{relative} has the name of {other}")
    return found


def test_files():
    assert len(sources(ROOT)) > 20
    assert complaints(ROOT) == []


def test_bad_files_are_found(tmp_path):
    licence = "/* SPDX-License-Identifier: AGPL-3.0-or-later */\n"
    good = licence + "/* what it is */\n"

    def write(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    write("src/base/order.c", good)
    assert complaints(tmp_path) == []
    write("src/rank/order.c", good)
    write("src/rank/long.c", good + "int x;\n" * LONGEST)
    write("src/rank/utils.h", good)
    write("src/rank/free.h", "/* what it is */\n")
    write("src/rank/mute.c", licence + "int x;\n")
    write("src/rank/later.c", good + "/* TO" + "DO: the rest */\n")
    found = complaints(tmp_path)
    for name in ("rank/order.c", "long.c", "utils.h", "free.h", "mute.c", "later.c"):
        assert any(name in line for line in found), (name, found)


def test_the_licence_is_whole():
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert text.lstrip().startswith("GNU AFFERO GENERAL PUBLIC LICENSE")
    assert "Version 3, 19 November 2007" in text
    assert "13. Remote Network Interaction" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert len(text.split()) == 5535
