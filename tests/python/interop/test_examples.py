# SPDX-License-Identifier: AGPL-3.0-or-later
"""The JAX example, where some Python here has JAX; and the benchmark's quick run, with whoever is here."""
import json
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
BUILD = os.environ.get("ST_BUILD", str(ROOT / "build/release"))


def python_with(module):
    """A Python that can import a module: this one, or one of those that bench/compare.sh makes."""
    for python in [sys.executable, *map(str, sorted(ROOT.glob("build/bench/venv-*/bin/python")))]:
        if subprocess.run([python, "-c", f"import {module}"], capture_output=True, timeout=120).returncode == 0:
            return python
    pytest.skip(f"no Python here can import {module}: sh bench/compare.sh --quick makes one that can")


def test_jax_calls_it_by_ffi(tmp_path):
    python = python_with("jax")
    subprocess.run(["cmake", "--install", BUILD, "--prefix", str(tmp_path)], check=True, capture_output=True, timeout=60)
    library = next(tmp_path.glob("lib/**/libspiraltorch.so")).parent
    environment = {**os.environ, "PKG_CONFIG_PATH": f"{library}/pkgconfig", "LD_LIBRARY_PATH": str(library),
                   "JAX_PLATFORMS": "cpu"}
    done = subprocess.run([python, str(ROOT / "examples/python/jax_topk.py")], capture_output=True, text=True, timeout=300,
                          env=environment)
    assert done.returncode == 0, done.stderr
    assert "as jax.lax.top_k, also under jit, vmap and grad" in done.stdout


def test_the_benchmark_runs(tmp_path):
    done = subprocess.run([sys.executable, str(ROOT / "bench/python_compare.py"), "--quick", "--out", str(tmp_path)],
                          capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "python.json").read_text(encoding="utf-8"))
    libraries = {record["library"] for record in found["cells"]}
    assert {"spiraltorch", "numpy"} <= libraries and not found["left_out"], done.stdout
    assert all(record["ns"] > 0 for record in found["cells"]) and found["overhead_ns"]
    assert "geometric mean of the gain over numpy, best" in (tmp_path / "python.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("arguments", [["--against", "scipy"], ["--threads", "0"], ["--out", "/no/such/folder"]])
def test_the_benchmark_refuses(arguments):
    done = subprocess.run([sys.executable, str(ROOT / "bench/python_compare.py"), *arguments], capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 2 and arguments[0] in done.stderr
