# SPDX-License-Identifier: AGPL-3.0-or-later
"""Rooms stand on floors, and a room includes only rooms of lower floors: reads every #include and says who climbs."""
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Every room and its floor. docs/rooms.md describes them in a table of its own, which a test below compares with this.
FLOORS = {
    "base": 0,
    "rank": 1, "io": 1, "tensor": 1, "causal": 1,
    "device": 2, "spectral": 2, "autograd": 2,
    "spiralk": 3, "backends/cpu": 3, "backends/wgpu": 3, "backends/cuda": 3, "backends/hip": 3, "backends/metal": 3,
    "zspace": 3, "hyper": 3,
    "plan": 4, "mesh": 4,
    "learn": 5,
    "engine": 6,
    "dist": 7,
}
# Folders beside src/ that are users of the public headers alone.
USERS = ("cli", "pure", "bindings", "bench", "tools", "web", "examples")

INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.M)
SOURCES = {".c", ".h", ".inc", ".cc", ".cpp", ".cu", ".hip", ".metal"}


def room_of(path):
    """The room of a path relative to src/: its longest prefix that is one; None where there is none."""
    parts = path.split("/")
    for length in range(len(parts) - 1, 0, -1):
        if "/".join(parts[:length]) in FLOORS:
            return "/".join(parts[:length])
    return None


def sources_under(folder):
    return sorted(path for path in folder.rglob("*") if path.suffix in SOURCES) if folder.is_dir() else []


def violations(tree):
    found = []
    source_folder = tree / "src"
    for path in sources_under(source_folder):
        relative = path.relative_to(source_folder).as_posix()
        room = room_of(relative)
        if room is None:
            found.append(f"src/{relative} is in no room; docs/rooms.md lists them")
            continue
        for target in INCLUDE.findall(path.read_text(encoding="utf-8")):
            if target.startswith("spiraltorch/") or (path.parent / target).is_file():
                if ".." in target:
                    found.append(f"src/{relative} includes \"{target}\": a path that climbs out of its folder")
                continue
            other = room_of(target)
            if other is None:
                found.append(f"src/{relative} includes \"{target}\", which is no public header and in no room")
            elif other != room and FLOORS[other] >= FLOORS[room]:
                found.append(f"src/{relative} (floor {FLOORS[room]}) includes \"{target}\" (floor {FLOORS[other]})")
    for user in USERS:
        for path in sources_under(tree / user):
            relative = path.relative_to(tree).as_posix()
            for target in INCLUDE.findall(path.read_text(encoding="utf-8")):
                if target.startswith("spiraltorch/") and ".." not in target:
                    continue
                if (path.parent / target).is_file() and ".." not in target:
                    continue
                found.append(f"{relative} includes \"{target}\": {user}/ may use the public headers alone")
    for path in sources_under(tree / "include"):
        for target in INCLUDE.findall(path.read_text(encoding="utf-8")):
            if not (path.parent / target).is_file() or ".." in target:
                found.append(f"{path.relative_to(tree).as_posix()} includes \"{target}\", which is no public header")
    return found


def test_no_room_climbs():
    assert sources_under(ROOT / "src"), "src/ has no sources: nothing was checked"
    assert violations(ROOT) == []


def write(tree, name, text):
    path = tree / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_a_climb_is_found(tmp_path):
    write(tmp_path, "include/spiraltorch/status.h", "")
    write(tmp_path, "src/base/fail.h", '#include "spiraltorch/status.h"\n')
    write(tmp_path, "src/rank/order.c", '#include "base/fail.h"\n#include "order.h"\n')
    write(tmp_path, "src/rank/order.h", "")
    write(tmp_path, "cli/main.c", '#include "spiraltorch/status.h"\n')
    assert violations(tmp_path) == []
    write(tmp_path, "src/base/pool.c", '#  include "rank/order.h"\n')
    write(tmp_path, "src/io/npy.c", '#include "rank/order.h"\n')
    write(tmp_path, "src/backends/cpu/run.c", '#include "backends/cuda/run.h"\n#include "engine/context.h"\n')
    write(tmp_path, "src/common/things.c", "")
    write(tmp_path, "src/device/caps.c", '#include "../engine/context.h"\n')
    write(tmp_path, "cli/topk.c", '#include "base/fail.h"\n')
    write(tmp_path, "include/spiraltorch/rank.h", '#include "base/fail.h"\n')
    found = violations(tmp_path)
    assert len(found) == 8, found
    for name in ("base/pool.c", "io/npy.c", "backends/cpu/run.c", "common/things.c", "device/caps.c", "cli/topk.c",
                 "spiraltorch/rank.h"):
        assert any(name in line for line in found), (name, found)


def table_of(text):
    rooms = {}
    for floor, names in re.findall(r"^\| *(\d+) *\| *((?:`[^`]+`,? *)+)\|", text, re.M):
        for name in re.findall(r"`([^`]+)`", names):
            rooms[name] = int(floor)
    return rooms


def test_the_document_says_the_same():
    assert table_of((ROOT / "docs/rooms.md").read_text(encoding="utf-8")) == FLOORS


def test_another_document_is_found_out():
    text = (ROOT / "docs/rooms.md").read_text(encoding="utf-8")
    assert table_of(text.replace("| 6 | `engine`", "| 2 | `engine`")) != FLOORS
