# SPDX-License-Identifier: AGPL-3.0-or-later
"""The Python package, as its users get it: the source distribution has what git has and no more, builds without a network, and
gives a wheel that has what it must and no more, installs, finds wgpu-native, and ranks. So does an editable install.

The build backend comes from PyPI, into build/wheel_tools; without a network and without it, the tests are skipped.
"""
import email
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TOOLS = ROOT / "build/wheel_tools"
PINS = [line for line in (ROOT / "tools/wheels.txt").read_text(encoding="utf-8").split() if line.startswith("scikit-build-core==")]
VERSION = re.search(r"project\(spiraltorch VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")).group(1)


def run(command, folder=None, **environment):
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("ST_", "SPIRAL", "PYTHONPATH", "PIP_"))}
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=600, cwd=folder,
                          env={**variables, **{name: str(value) for name, value in environment.items()}})
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def without_network():
    """Words before a command that take the network from it, where this system allows that; proxies that do not answer, else."""
    if subprocess.run(["unshare", "-r", "-n", "true"], capture_output=True, check=False).returncode == 0:
        return ["unshare", "-r", "-n"]
    return ["env", "http_proxy=http://127.0.0.1:9", "https_proxy=http://127.0.0.1:9"]


@pytest.fixture(scope="module")
def python():
    """An interpreter with pip and the build backend, and nothing of this system's."""
    interpreter, kept = TOOLS / "bin/python", TOOLS / "pins.txt"
    if not kept.is_file() or kept.read_text(encoding="utf-8").split() != PINS:
        shutil.rmtree(TOOLS, ignore_errors=True)
        made = subprocess.run([sys.executable, "-m", "venv", TOOLS], capture_output=True, text=True, check=False)
        if made.returncode != 0:
            pytest.skip(f"no venv can be made (Debian: python3-venv): {made.stdout[-300:]}")
        got = subprocess.run([interpreter, "-m", "pip", "install", "-q", "--disable-pip-version-check", *PINS], capture_output=True,
                             text=True, check=False, timeout=300)
        if got.returncode != 0:
            pytest.skip(f"{PINS[0]} cannot be had from PyPI: {got.stderr[-300:]}")
        kept.write_text("\n".join(PINS), encoding="utf-8")
    return interpreter


@pytest.fixture(scope="module")
def committed():
    """What git has, by name; it may have been changed since."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("this is no git checkout")
    return sorted(name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file())


@pytest.fixture(scope="module")
def sdist(python, committed, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sdist")
    for name in committed:
        (folder / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / "tree" / name)
    program = "import sys; from scikit_build_core.build import build_sdist; print(build_sdist(sys.argv[1]))"
    run([*without_network(), python, "-c", program, folder / "dist"], folder / "tree")
    return folder / f"dist/spiraltorch-{VERSION}.tar.gz"


@pytest.fixture(scope="module")
def source(sdist, tmp_path_factory):
    folder = tmp_path_factory.mktemp("source")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder)
    return folder / f"spiraltorch-{VERSION}"


@pytest.fixture(scope="module")
def build(python, source, tmp_path_factory):
    """Runs pip on the unpacked source, without a network; what was compiled once serves again."""
    folder = tmp_path_factory.mktemp("build")
    settings = [f"--config-settings=build-dir={folder}", "--config-settings=cmake.define.ST_WARNINGS_AS_ERRORS=ON"]
    if (ROOT / "build/wgpu/webgpu.h").is_file():
        settings.append(f"--config-settings=cmake.define.ST_WGPU_INCLUDE={ROOT}/build/wgpu")

    def pip(*words, **environment):
        return run([*without_network(), python, "-m", "pip", *words, "--no-index", "--no-deps", "--no-build-isolation", "--no-cache-dir",
                    *settings], folder, **environment)
    return pip


@pytest.fixture(scope="module")
def wheel(build, source, tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    build("wheel", "-w", folder, source)
    return next(folder.glob("*.whl"))


def rank(interpreter, folder):
    said = run([interpreter, HERE / "wheel_smoke.py"], folder, ST_WGPU_LIBRARY="none", SPIRALTORCH_HOME=folder / "state")
    return re.search(r"^\d+ cases on CPython", said)


def venv_of(python, folder):
    run([python, "-m", "venv", "--without-pip", folder])
    return folder / "bin/python"


def test_the_source_distribution_has_what_git_has(sdist, committed):
    with tarfile.open(sdist) as archive:
        names = sorted(name.partition("/")[2] for name in archive.getnames())
    assert names == sorted([name for name in committed if not name.startswith(".ci/")] + ["PKG-INFO"])


def test_what_is_in_the_wheel(wheel, committed):
    assert re.fullmatch(rf"spiraltorch-{re.escape(VERSION)}-cp311-abi3-linux_\w+\.whl", wheel.name)
    assert wheel.stat().st_size < 3_000_000
    info = f"spiraltorch-{VERSION}.dist-info"
    folder = "bindings/python/"
    python_files = {name[len(folder):] for name in committed if name.startswith(folder + "spiraltorch/")}
    assert {Path(name).suffix for name in python_files} <= {".py", ".pyi", ".typed"}
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        assert names == python_files | {"spiraltorch/_engine.abi3.so", f"{info}/METADATA", f"{info}/WHEEL", f"{info}/RECORD",
                                        f"{info}/licenses/LICENSE"}
        assert archive.read(f"{info}/licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()
        metadata = email.message_from_bytes(archive.read(f"{info}/METADATA"))
    assert {"spiraltorch/py.typed", "spiraltorch/__init__.py"} <= names
    assert metadata["License-Expression"] == "AGPL-3.0-or-later" and metadata["Requires-Python"] == ">=3.11"
    pinned = re.search(r"^version=(\d+\.\d+)\.", (ROOT / "tools/get_wgpu.sh").read_text(encoding="utf-8"), re.M).group(1)
    assert metadata.get_all("Requires-Dist") == [f'wgpu=={pinned}.*; extra == "wgpu"']


def test_the_module_shows_and_needs_little(wheel, tmp_path):
    """One function to the outside, so that nothing of it meets what else is loaded, and only the C library from there."""
    with zipfile.ZipFile(wheel) as archive:
        module = archive.extract("spiraltorch/_engine.abi3.so", tmp_path)
    shown = [line.split() for line in run(["nm", "-D", "--defined-only", module]).splitlines()]
    assert [words[-1].partition("@")[0] for words in shown if words[-2] in "TDBRV"] == ["PyInit__engine"]
    needed = set(re.findall(r"\(NEEDED\).*\[(.+)\]", run(["readelf", "--dynamic", module])))
    assert needed <= {"libc.so.6", "libm.so.6", "libjansson.so.4", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}


@pytest.fixture(scope="module")
def installed(python, wheel, tmp_path_factory):
    """An interpreter of a fresh venv that has the wheel, and nothing else."""
    folder = tmp_path_factory.mktemp("installed")
    interpreter = venv_of(python, folder / "venv")
    run([python, "-m", "pip", "--python", interpreter, "install", "--no-index", "--no-deps", wheel], folder)
    return interpreter


def test_the_wheel_ranks(installed, tmp_path):
    assert rank(installed, tmp_path)


def test_wgpu_native_is_found_in_an_installed_package(installed, tmp_path):
    """The package is not imported: this one cannot be. Its library cannot be opened either, and so is named in the reason."""
    library = tmp_path / "wgpu/resources/libwgpu_native-release.so"
    library.parent.mkdir(parents=True)
    library.touch()
    (tmp_path / "wgpu/__init__.py").write_text("raise RuntimeError('imported')", encoding="utf-8")
    program = "import spiraltorch as st; print(st._engine.features(), next(device.reason for device in st.devices() if device.id == 'wgpu:0'))"
    said = run([installed, "-c", program], tmp_path, PYTHONPATH=tmp_path, SPIRALTORCH_HOME=tmp_path / "state")
    if "wgpu: no" in said:
        pytest.skip("built without wgpu-native's headers")
    assert str(library)[:60] in said
    said = run([installed, "-c", program], tmp_path, PYTHONPATH=tmp_path, SPIRALTORCH_HOME=tmp_path / "state", ST_WGPU_LIBRARY="none")
    assert "ST_WGPU_LIBRARY) is none" in said


def test_an_editable_install_ranks(python, build, source, tmp_path):
    interpreter = venv_of(python, tmp_path / "venv")
    backend = run([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]).strip()
    build("--python", interpreter, "install", "--editable", source, PYTHONPATH=backend)
    assert rank(interpreter, tmp_path)
    where = run([interpreter, "-c", "import spiraltorch; print(spiraltorch.__file__)"], tmp_path)
    assert Path(where.strip()) == source / "bindings/python/spiraltorch/__init__.py"
