# SPDX-License-Identifier: AGPL-3.0-or-later
"""The types that the package states: mypy reads calls by them, and compares them with what is there at run time."""
import os
import pathlib
import subprocess
import sys

import pytest

import spiraltorch as st

HERE = pathlib.Path(__file__).resolve().parent
PACKAGES = pathlib.Path(st.__file__).parent.parent
FOLDER = os.environ.get("ST_TEST_PYTHON_PEERS", "")
# PyTorch's own types take most of a minute, and are not what is tested.
CONFIG = "[mypy]\nstrict = True\n[mypy-torch.*]\nfollow_imports = skip\nignore_missing_imports = True\n"


@pytest.fixture
def mypy(tmp_path):
    """Runs a module of mypy; returns what it ended with and said."""
    if not FOLDER:
        pytest.skip("ST_TEST_PYTHON_PEERS names no folder with mypy: tools/get_python_peers.sh makes one")
    config = tmp_path / "mypy.ini"
    config.write_text(CONFIG, encoding="utf-8")

    def run(module, *arguments):
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([FOLDER, str(PACKAGES)]), "MYPYPATH": str(PACKAGES),
                       "MYPY_CACHE_DIR": str(tmp_path / "cache")}
        done = subprocess.run([sys.executable, "-W", "ignore", "-m", module, *map(str, arguments)], capture_output=True, text=True,
                              timeout=600, env=environment, cwd=tmp_path)
        return done.returncode, done.stdout + done.stderr
    run.config = config
    return run


def test_calls_have_the_types_that_they_should(mypy, tmp_path):
    status, said = mypy("mypy", "--config-file", mypy.config, HERE / "typed_calls.py")
    assert status == 0, said
    wrong = tmp_path / "wrong_calls.py"
    wrong.write_text("import numpy\nimport spiraltorch as st\nx = numpy.zeros(3)\nst.topk(x, 'two')\nst.topk(x, 2, nan='first')\n"
                     "st.top_k(x, k=2)\nst.quantile(x, 0.5, method='best')\nst.topk(x, 1).places\n", encoding="utf-8")
    status, said = mypy("mypy", "--config-file", mypy.config, wrong)
    assert status == 1
    for line in range(4, 9):
        assert f"wrong_calls.py:{line}: error" in said, said


def test_the_stubs_are_of_what_is_there(mypy, tmp_path):
    # The slot of the buffer protocol has that name from Python 3.12 on; without PyTorch's types its classes have none; and the
    # last goes once it has been read.
    known = tmp_path / "known"
    names = "spiraltorch._engine.Array.__buffer__", "spiraltorch.torch._Select", "spiraltorch.TYPE_CHECKING"
    known.write_text("\n".join(names), encoding="utf-8")
    status, said = mypy("mypy.stubtest", "spiraltorch", "--mypy-config-file", mypy.config, "--concise", "--allowlist", known,
                        "--ignore-unused-allowlist")
    assert status == 0, said
