# SPDX-License-Identifier: AGPL-3.0-or-later
"""The examples of docs/python.md, in order, as doctests, and its links; and those of st.torch's docstring."""
import doctest
import importlib
import pathlib
import re

import pytest

import spiraltorch as st

ROOT = pathlib.Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs/python.md"
OPTIONS = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL


def has(module):
    try:
        importlib.import_module(module)
    except ImportError:
        return False
    return True


def examples(text):
    """(what stands above it, a block) for each fenced block of Python."""
    for match in re.finditer(r"^```python\n(.*?)^```$", text, re.M | re.S):
        heading = re.findall(r"^##? (.*)$", text[:match.start()], re.M)[-1]
        yield heading, match.group(1)


def failures(text, names):
    """Runs all blocks with one set of names; returns what failed."""
    found = []
    runner = doctest.DocTestRunner(optionflags=OPTIONS)
    for number, (heading, block) in enumerate(examples(text)):
        test = doctest.DocTestParser().get_doctest(block, names, f"{heading}, block {number}", str(PAGE), 0)
        runner.run(test, out=found.append, clear_globs=False)
        names = test.globs
    return found


def test_the_page_prints_what_it_says(tmp_path, monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    threads = st.get_num_threads()
    text = PAGE.read_text(encoding="utf-8")
    assert len(list(examples(text))) >= 10
    try:
        assert failures(text, {}) == []
    finally:
        st.set_num_threads(threads)


def test_a_wrong_example_is_found():
    assert failures("# a\n```python\n>>> 1 + 1\n2\n\n```\n", {}) == []
    assert failures("# a\n```python\n>>> 1 + 1\n3\n\n```\n", {}) != []


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", PAGE.read_text(encoding="utf-8")):
        assert target.startswith("https://") or (PAGE.parent / target).exists(), target


@pytest.mark.skipif(not has("torch"), reason="there is no PyTorch")
def test_the_docstring_of_st_torch():
    done = doctest.testmod(st.torch, optionflags=OPTIONS)
    assert done.attempted >= 5 and done.failed == 0
