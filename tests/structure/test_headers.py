# SPDX-License-Identifier: AGPL-3.0-or-later
"""Each public header compiles alone, as C17 and as C++17; has no inline function; and explains its functions."""
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEADERS = sorted((ROOT / "include/spiraltorch").glob("*.h"))
COMPILERS = {"C17": ["gcc", "-std=c17", "-x", "c"], "C++17": ["g++", "-std=c++17", "-x", "c++"]}


def compile_alone(header, include, language, folder):
    """What the compiler says about a file with nothing but this #include, twice; "" where it is content."""
    source = folder / "alone.txt"
    line = f'#include "spiraltorch/{header.name}"\n'
    source.write_text(line + line + "extern int alone;\n", encoding="utf-8")  # ISO C wants one declaration at least
    command = COMPILERS[language][:1] + ["-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only", f"-I{include}"]
    done = subprocess.run(command + COMPILERS[language][1:] + [str(source)], capture_output=True, text=True, timeout=60)
    return "" if done.returncode == 0 else done.stderr or "refused"


def without_comments(text):
    return re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.S)


def function_bodies(text):
    """Functions that a header defines: inline ones, or a parameter list followed by a brace."""
    code = without_comments(text)
    return re.findall(r"\binline\b[^;{]*", code) + re.findall(r"\w+\s*\([^;{}]*\)\s*\{", code)


def unexplained(text):
    """Public functions with neither a comment right above nor a neighbour above that has one."""
    names = []
    explained = False
    pending = ""
    for line in text.splitlines():
        stripped = line.strip()
        if pending:
            pending += " " + stripped
        elif stripped.startswith("ST_API"):
            pending = stripped
        elif stripped.endswith("*/") and not re.search(r"[;{,]", re.sub(r"/\*.*", "", stripped)):
            explained = True
            continue
        else:
            explained = explained and stripped.startswith(("*", "/*"))
            continue
        if pending.endswith(";"):
            if not explained:
                names.append(re.search(r"(\w+)\(", pending).group(1))
            pending = ""
    return names


@pytest.mark.parametrize("language", COMPILERS)
@pytest.mark.parametrize("header", HEADERS, ids=lambda path: path.name)
def test_compiles_alone(header, language, tmp_path):
    assert shutil.which(COMPILERS[language][0]), "no compiler for " + language
    assert compile_alone(header, ROOT / "include", language, tmp_path) == ""


@pytest.mark.parametrize("header", HEADERS, ids=lambda path: path.name)
def test_has_no_functions_of_its_own(header):
    assert function_bodies(header.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("header", HEADERS, ids=lambda path: path.name)
def test_explains_its_functions(header):
    assert unexplained(header.read_text(encoding="utf-8")) == []


def test_the_sum_of_headers_is_whole():
    text = (ROOT / "include/spiraltorch/spiraltorch.h").read_text(encoding="utf-8")
    others = {path.name for path in HEADERS} - {"spiraltorch.h", "export.h"}
    assert set(re.findall(r'#include "(\w+\.h)"', text)) == others


@pytest.mark.parametrize("language", COMPILERS)
def test_a_dependent_header_is_found(language, tmp_path):
    folder = tmp_path / "spiraltorch"
    folder.mkdir()
    (folder / "leaning.h").write_text("int32_t st_leaning(void);\n", encoding="utf-8")
    (folder / "standing.h").write_text(
        "#ifndef S\n#define S\n#include <stdint.h>\nint32_t st_standing(void);\n#endif\n", encoding="utf-8")
    assert compile_alone(folder / "leaning.h", tmp_path, language, tmp_path) != ""
    assert compile_alone(folder / "standing.h", tmp_path, language, tmp_path) == ""


def test_bodies_and_silence_are_found():
    assert function_bodies("static inline int st_two(void) { return 2; }")
    assert function_bodies("int st_two(void)\n{\n return 2; }")
    assert function_bodies("/* inline in words { } */ int st_two(void); enum { A };") == []
    assert unexplained("ST_API int st_two(void);\n") == ["st_two"]
    assert unexplained("struct s {\n int x; /* of x */\n};\n\nST_API int st_two(int a,\n    int b);\n") == ["st_two"]
    assert unexplained("/* Two.\n * Always. */\nST_API int st_two(int a,\n    int b);\nST_API int st_to(void);\n") == []
