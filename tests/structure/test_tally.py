# SPDX-License-Identifier: AGPL-3.0-or-later
"""The tally counts what fails: a failed case, a crash, a hang, a program that prints nothing; and shows its output."""
import os
import subprocess
import sys
from pathlib import Path

import pytest

TALLY = Path(__file__).resolve().parents[1] / "tally.py"


@pytest.fixture
def tally(tmp_path):
    environment = dict(os.environ, ST_TALLY=str(tmp_path / "counts.jsonl"))

    def call(*words):
        done = subprocess.run([sys.executable, str(TALLY), *words], capture_output=True, text=True, env=environment,
                              timeout=60)
        return done.returncode, done.stdout

    return call


def total(tally):
    status, output = tally("report")
    return status, output.splitlines()[-1]


def shell(kind, script, timeout="20"):
    return ["run", kind, "--name", "probe", "--timeout", timeout, "--", "sh", "-c", script]


def test_nothing_ran_is_a_failure(tally):
    assert total(tally) == (1, "0 passed, 1 failed, 0 skipped")


def test_plain_programs(tally):
    assert tally(*shell("plain", "echo hello"))[0] == 0
    assert tally(*shell("plain", "echo '3 passed, 0 failed, 1 skipped'"))[0] == 0
    assert total(tally) == (0, "4 passed, 0 failed, 1 skipped")
    status, output = tally(*shell("plain", "echo the reason; exit 3"))
    assert status == 1 and "the reason" in output and "exit status 3" in output
    assert tally(*shell("plain", "echo '5 passed, 0 failed, 0 skipped'; kill -9 $$"))[0] == 1
    assert total(tally) == (1, "9 passed, 2 failed, 1 skipped")


def test_a_hang_is_a_failure(tally):
    status, output = tally(*shell("plain", "echo before; sleep 600", "1"))
    assert status == 1 and "before" in output and "ran out of time" in output
    assert total(tally) == (1, "0 passed, 1 failed, 0 skipped")


def test_cmocka_programs(tally):
    good = "echo '[ RUN      ] a'; echo '[       OK ] a'; "
    skip = ("echo '[ RUN      ] b'; echo 'there is no such device'; echo '[  SKIPPED ] b'; "
            "echo '[  SKIPPED ] 1 test(s), listed below:'; echo '[  SKIPPED ] b'; ")
    bad = "echo '[ RUN      ] c'; echo '[  FAILED  ] c' >&2; "
    assert tally(*shell("cmocka", good + skip))[0] == 0
    assert total(tally) == (0, "1 passed, 0 failed, 1 skipped")
    assert "b: there is no such device" in tally("report")[1]
    assert tally(*shell("cmocka", good + bad + "exit 1"))[0] == 1
    assert tally(*shell("cmocka", good + "echo '[ RUN      ] d'; kill -SEGV $$"))[0] == 1
    assert tally(*shell("cmocka", "true"))[0] == 1
    assert tally(*shell("cmocka", good + "exit 1"))[0] == 1
    assert total(tally) == (1, "4 passed, 4 failed, 1 skipped")


def test_pytest_files(tally, tmp_path):
    probe = tmp_path / "test_probe.py"
    probe.write_text("import pytest\n\ndef test_a(): pass\n\ndef test_b(): pytest.skip('no reason')\n\n"
                     "def test_c(): assert 1 == 2\n", encoding="utf-8")
    status, output = tally("run", "pytest", "--name", "probe", "--", sys.executable, "-m", "pytest", "-q", str(probe))
    assert status == 1 and "assert 1 == 2" in output
    assert total(tally) == (1, "1 passed, 1 failed, 1 skipped")
    assert "no reason" in tally("report")[1]


def test_a_build_counts_when_it_fails(tally):
    assert tally(*shell("build", "true"))[0] == 0
    assert tally(*shell("build", "echo no such compiler; false"))[0] == 1
    assert total(tally) == (1, "0 passed, 1 failed, 0 skipped")


def test_many_programs(tally):
    assert tally("programs", "plain", "--jobs", "2", "--", "true", "true", "true")[0] == 0
    assert tally("programs", "plain", "--prefix", "env X=1", "--", "true", "false")[0] == 1
    assert tally("programs", "plain", "--")[0] == 1
    assert total(tally) == (1, "4 passed, 2 failed, 0 skipped")


def test_skips_and_parts_are_reported(tally):
    assert tally("skip", "--part", "fuzz", "--name", "all", "--", "no clang")[0] == 0
    assert tally("part", "--part", "fuzz", "--budget", "10", "--used", "2")[0] == 0
    status, output = tally("report")
    assert "no clang" in output and "10 s" in output
    assert output.splitlines()[-1] == "0 passed, 0 failed, 1 skipped"
