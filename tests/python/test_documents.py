# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is public is documented, its examples hold, and the stubs for type checkers have the signatures of the docstrings."""
import ast
import doctest
import inspect
from pathlib import Path

import pytest

import spiraltorch as st
from spiraltorch import kdsl

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(st.__file__).resolve().parent
FUNCTIONS = {name: getattr(st, name) for name in st.__all__ if callable(getattr(st, name)) and not inspect.isclass(getattr(st, name))}
FUNCTIONS |= {f"kdsl.{name}": getattr(kdsl, name) for name in ("check", "eval", "format")}


def test_the_names_are_all_there():
    assert len(FUNCTIONS) >= 18 and sorted(st.__all__) == st.__all__
    assert all(hasattr(st, name) for name in st.__all__)
    public = {name for name, value in vars(st).items() if not name.startswith("_") and not inspect.ismodule(value)} - {"annotations"}
    assert public | {"__version__", "kdsl"} == set(st.__all__)
    with pytest.raises(AttributeError, match="nothing_like_it"):
        st.nothing_like_it


@pytest.mark.parametrize("name", FUNCTIONS)
def test_examples_hold(name):
    text = FUNCTIONS[name].__doc__
    assert ">>> " in text, "no example"
    assert not any(ord(letter) > 126 for letter in text)
    tests = doctest.DocTestParser().get_doctest(text, {}, name, None, None)
    threads = st.get_num_threads()
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    runner.run(tests)
    st.set_num_threads(threads)
    assert runner.failures == 0


def test_the_examples_of_the_readme_hold():
    section = (ROOT / "README.md").read_text(encoding="utf-8").split("\n## From Python\n")[1].split("\n## ")[0]
    blocks = section.split("```")[1::2]
    assert blocks and all(block.startswith("python\n") for block in blocks)
    runner = doctest.DocTestRunner()
    for block in blocks:
        runner.run(doctest.DocTestParser().get_doctest(block[len("python\n"):], {}, "README.md", None, None))
    assert runner.failures == 0 and runner.tries >= 5


def test_the_modules_own_example_holds():
    assert doctest.testmod(st).failed == 0


@pytest.mark.parametrize("name", FUNCTIONS)
def test_docstrings_say_what_comes_back_and_what_is_raised(name):
    text = FUNCTIONS[name].__doc__
    if name.split(".")[-1] not in ("set_num_threads", "get_num_threads", "reload", "devices"):
        assert "Returns" in text and ("Error" in text or "raises what topk raises" in text.lower() or "errors" in text), name


def signature_of(node):
    """A stub's signature without its types, as inspect writes that of the docstring."""
    arguments = node.args
    words = [argument.arg for argument in arguments.posonlyargs] + (["/"] if arguments.posonlyargs else [])
    defaults = [None] * (len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults)) + arguments.defaults
    plain = arguments.posonlyargs + arguments.args
    written = {argument.arg: default for argument, default in zip(plain, defaults)}
    words += [argument.arg for argument in arguments.args] + (["*"] if arguments.kwonlyargs else [])
    words += [argument.arg for argument in arguments.kwonlyargs]
    written |= dict(zip((argument.arg for argument in arguments.kwonlyargs), arguments.kw_defaults))
    return "(" + ", ".join(word if word in "/*" or written[word] is None else f"{word}={ast.literal_eval(written[word])!r}" for word in words) + ")"


def test_stubs_have_the_signatures_of_the_functions():
    tree = ast.parse((FOLDER / "_engine.pyi").read_text(encoding="utf-8"))
    stubs = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            stubs.setdefault(node.name, set()).add(signature_of(node))
    engine = {name for name, value in vars(st._engine).items() if inspect.isbuiltin(value)}
    assert engine == set(stubs), engine ^ set(stubs)
    for name, function in FUNCTIONS.items():
        if inspect.isbuiltin(function):
            assert stubs[name] == {str(inspect.signature(function))}, name


def test_stubs_have_the_attributes_of_the_types():
    tree = ast.parse((FOLDER / "_engine.pyi").read_text(encoding="utf-8"))
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")}
    assert set(classes) == {name for name, value in vars(st._engine).items() if inspect.isclass(value)}
    for name in ("Array", "Survey"):
        stub = {node.name for node in classes[name].body if isinstance(node, ast.FunctionDef)} - {"__buffer__", "__len__", "__getitem__", "__new__"}
        real = {attribute for attribute in vars(getattr(st._engine, name)) if not attribute.startswith("__") or "dlpack" in attribute}
        assert stub == real, name


def test_the_package_says_that_it_is_typed():
    assert (FOLDER / "py.typed").exists() and (FOLDER / "_engine.pyi").exists()
    assert st.__version__ == (st._engine.__version__) and st.__version__.count(".") == 2
