# SPDX-License-Identifier: AGPL-3.0-or-later
"""The shared library shows the functions of the public headers: all, and nothing else. ST_BUILD names the build."""
import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = os.environ.get("ST_BUILD", str(ROOT / "build/release"))


def declared():
    names = set()
    for header in (ROOT / "include/spiraltorch").glob("*.h"):
        code = re.sub(r"/\*.*?\*/", "", header.read_text(encoding="utf-8"), flags=re.S)
        names |= set(re.findall(r"^ST_API\b[^;]*?\b(st_\w+)\s*\(", code, re.M))
    return names


def exported(library):
    """Symbols that others can link with, the version's own name left out."""
    done = subprocess.run(["nm", "--dynamic", "--defined-only", "--without-symbol-versions", str(library)],
                          capture_output=True, text=True, check=True, timeout=60)
    return {fields[2] for fields in map(str.split, done.stdout.splitlines()) if fields[1] != "A"}


def needed(file):
    done = subprocess.run(["readelf", "--dynamic", str(file)], capture_output=True, text=True, check=True, timeout=60)
    return set(re.findall(r"\(NEEDED\).*\[(.+?)\]", done.stdout)), re.findall(r"\(SONAME\).*\[(.+?)\]", done.stdout)


def test_exports_are_the_public_functions():
    names = declared()
    assert len(names) > 40
    shown = exported(Path(BUILD) / "libspiraltorch.so")
    assert shown - names == set(), "shown, but in no public header"
    assert names - shown == set(), "in a public header, but not in the library"


def test_the_library_needs_libc_and_libm_and_what_reads_json():
    libraries, names = needed(Path(BUILD) / "libspiraltorch.so")
    assert libraries <= {"libc.so.6", "libm.so.6", "libjansson.so.4", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}
    assert names == ["libspiraltorch.so.0"]


def test_the_program_needs_libc_and_libm_alone():
    libraries, _ = needed(os.environ.get("SPIRALTORCH", str(Path(BUILD) / "spiraltorch")))
    assert libraries <= {"libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}


def test_inside_names_begin_with_st():
    """In the archive names with external linkage share the caller's program, so they need the prefix too."""
    done = subprocess.run(["nm", "--extern-only", "--defined-only", str(Path(BUILD) / "libspiraltorch.a")],
                          capture_output=True, text=True, check=True, timeout=60)
    names = {line.split()[2] for line in done.stdout.splitlines() if len(line.split()) == 3}
    assert len(names) > 40
    assert {name for name in names if not name.startswith("st_")} == set()


@pytest.mark.parametrize("hidden", [True, False])
def test_a_stray_symbol_is_found(tmp_path, hidden):
    source = tmp_path / "stray.c"
    source.write_text("int st_mine(void) { return 1; }\nint stray(void) { return 2; }\n", encoding="utf-8")
    library = tmp_path / "libstray.so"
    maps = [f"-Wl,--version-script={ROOT / 'cmake/spiraltorch.map'}"] if hidden else []
    subprocess.run(["gcc", "-shared", "-fPIC", *maps, "-o", str(library), str(source)], check=True, timeout=60)
    assert ("stray" in exported(library)) == (not hidden)
    assert "st_mine" in exported(library)
