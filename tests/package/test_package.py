# SPDX-License-Identifier: AGPL-3.0-or-later
"""Installs the build, moves it, and builds an outside project against it: through pkg-config, and through CMake's
find_package, with the shared and the static library. ST_BUILD names the build."""
import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = os.environ.get("ST_BUILD", str(ROOT / "build/release"))
VERSION = "0.1.0"
EXPECTED = f"largest: 5 at 4, 4 at 2\nsmallest: -1 at 1\nversion {VERSION}\n"


def run(command, **environment):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=120,
                          env={**os.environ, **{name: str(value) for name, value in environment.items()}})
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    folder = tmp_path_factory.mktemp("installed")
    run(["cmake", "--install", BUILD, "--prefix", folder / "first"])
    shutil.move(folder / "first", folder / "moved here")  # nothing may remember where it was installed
    return folder / "moved here"


@pytest.fixture(scope="module")
def library_folder(prefix):
    return next(prefix.glob("lib/**/libspiraltorch.so")).parent


def test_what_is_installed(prefix, library_folder):
    public = {path.name for path in (ROOT / "include/spiraltorch").glob("*.h")}
    assert {path.name for path in (prefix / "include/spiraltorch").iterdir()} == public
    assert (library_folder / "libspiraltorch.a").is_file()
    assert os.readlink(library_folder / "libspiraltorch.so") == "libspiraltorch.so.0"
    assert os.readlink(library_folder / "libspiraltorch.so.0") == f"libspiraltorch.so.{VERSION}"
    assert (prefix / "share/man/man1/spiraltorch.1").is_file()
    assert VERSION in run([prefix / "bin/spiraltorch", "version"])


@pytest.mark.parametrize("kind", ["shared", "static"])
def test_pkg_config(prefix, library_folder, tmp_path, kind):
    static = ["--static"] if kind == "static" else []
    search = library_folder / "pkgconfig"
    assert run(["pkg-config", "--modversion", "spiraltorch"], PKG_CONFIG_PATH=search).strip() == VERSION
    flags = run(["pkg-config", "--cflags", "--libs", *static, "spiraltorch"], PKG_CONFIG_PATH=search)
    flags = shlex.split(flags)
    if kind == "static":
        flags = [flag if flag != "-lspiraltorch" else "-l:libspiraltorch.a" for flag in flags]
    program = tmp_path / "outside"
    run(["cc", "-std=c17", HERE / "outside/outside.c", *flags, "-o", program])
    paths = {} if kind == "static" else {"LD_LIBRARY_PATH": library_folder}
    assert run([program], **paths) == EXPECTED


def test_find_package(prefix, tmp_path):
    run(["cmake", "-G", "Ninja", "-S", HERE / "outside", "-B", tmp_path, f"-DCMAKE_PREFIX_PATH={prefix}"])
    run(["cmake", "--build", tmp_path])
    assert run([tmp_path / "outside_default"]) == EXPECTED
    assert run([tmp_path / "outside_static"]) == EXPECTED
    for kind, linked in (("default", True), ("static", False)):
        assert ("libspiraltorch.so.0]" in run(["readelf", "--dynamic", tmp_path / f"outside_{kind}"])) == linked


def test_another_version_is_refused(prefix, tmp_path):
    listing = tmp_path / "CMakeLists.txt"
    listing.write_text("cmake_minimum_required(VERSION 3.25)\nproject(p C)\nfind_package(spiraltorch 0.2 REQUIRED)\n",
                       encoding="utf-8")
    command = ["cmake", "-G", "Ninja", "-S", tmp_path, "-B", tmp_path / "b", f"-DCMAKE_PREFIX_PATH={prefix}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode != 0 and VERSION in done.stderr
