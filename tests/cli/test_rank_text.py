# SPDX-License-Identifier: AGPL-3.0-or-later
"""Text: one number a line, CSV and TSV, columns and labels, and the errors that name a line."""
import json
import os

import numpy as np
import pytest

from cli_program import KINDS, answer, error, expected, run

TABLE = 'name,size,note\nalpha,3,x\n"be,ta",9,"two\nlines"\ngamma,9,\ndelta,-1.5e3,""\n'


def write(path, text):
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_numbers_of_a_pipe():
    done = run("topk", "-k", 3, "-", input="5\n7\n-1\n7\n", check=0)
    assert done.out == "0\t0\t1\t7\n0\t1\t3\t7\n0\t2\t0\t5\n"
    assert done.err == ""


@pytest.mark.parametrize("text", [
    "1\n2\n3", "1\r\n2\r\n3\r\n", "\n1\n\n2\n3\n\n", "value\n1\n2\n3\n", "1.0\n+2e0\n3.\n", "1,9\n2,0\n3,5\n"])
def test_spellings_of_three_numbers(text):
    found = answer("bottomk", "-k", 3, "-", input=text)
    assert found == {"rows": 1, "k": 3, "indices": [[0, 1, 2]], "values": [[1, 2, 3]]}


def test_numbers_are_read_in_the_c_locale_and_printed_to_round_trip():
    numbers = ["0.1", "1e-05", "123456789.12345679", "1e+300", "-0", "inf", "-Infinity", "5e-324"]
    environment = {"LC_ALL": "de_DE.UTF-8"}
    out = run("window", "--lo", 0, "--hi", len(numbers), "--unsorted", "-", input="\n".join(numbers), env=environment,
              check=0).out
    shown = [line.split("\t")[3] for line in out.splitlines()]
    assert [float(text) for text in shown] == [float(text) for text in numbers]
    assert shown[:2] == ["0.1", "1e-05"] and shown[4] == "-0"


def test_columns_by_name_and_position(tmp_path):
    path = write(tmp_path / "t.csv", TABLE)
    for column in ("size", "2"):
        assert answer("topk", "-k", 2, "--column", column, path)["indices"] == [[1, 2]]
    tabs = write(tmp_path / "t.tsv", "a\tb\n1\t5\n2\t4\n")
    assert answer("topk", "-k", 1, "--column", "b", tabs)["values"] == [[5]]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("piped", [False, True])
def test_labels_follow_their_numbers(tmp_path, kind, piped):
    random = np.random.default_rng(1)
    numbers = random.integers(0, 4000, 150_000).astype("f8")  # more than two blocks of the reader
    text = "size,name\n" + "".join(f"{number:g},label{index}\n" for index, number in enumerate(numbers))
    path = write(tmp_path / "t.csv", text)
    arguments = ["--lo", 3, "--hi", 503] if kind == "window" else ["-k", 500]
    given = {"input": text} if piped else {}
    done = run(kind, *arguments, "--column", "size", "--show", "name", "--json", "-" if piped else path, check=0,
               **given)
    found = json.loads(done.out)
    order = np.argsort(-numbers if kind == "topk" else numbers, kind="stable")
    first = 3 if kind == "window" else (len(numbers) - 500) // 2 if kind == "midk" else 0
    wanted = order[first:first + 500]
    assert found["indices"] == [wanted.tolist()]
    assert found["labels"] == [[f"label{index}" for index in wanted]]
    assert (done.err != "") == (kind == "midk" and piped)
    # The same without labels, by another way through the program.
    without = run(kind, *arguments, "--column", "size", "--json", "--quiet", "-" if piped else path, check=0, **given)
    assert json.loads(without.out) == {key: found[key] for key in ("rows", "k", "indices", "values")}
    assert without.err == ""


def test_labels_in_lines_and_json(tmp_path):
    path = write(tmp_path / "t.csv", TABLE)
    assert run("topk", "-k", 2, "--column", "size", "--show", "name", path,
               check=0).out == "0\t0\tbe,ta\t9\n0\t1\tgamma\t9\n"
    assert run("topk", "-k", 1, "--column", "size", "--show", 3, path, check=0).out == "0\t0\ttwo lines\t9\n"
    assert answer("topk", "-k", 1, "--column", "size", "--show", 3, path)["labels"] == [["two\nlines"]]
    assert run("bottomk", "-k", 1, "--column", 2, "--show", 1, "--unsorted", path,
               check=0).out == "0\t0\tdelta\t-1500\n"


@pytest.mark.parametrize("nan", ["greatest", "least", "last"])
@pytest.mark.parametrize("show", [[], ["--show", "1"]])
def test_nan_rules_of_text(nan, show):
    row = np.array([1, np.nan, 3, -np.inf, np.nan, np.inf, 2])
    text = "v\n" + "\n".join(map(str, row)) + "\n"
    for kind in KINDS:
        arguments = ["--lo", 1, "--hi", 5, "--descending"] if kind == "window" else ["-k", 4]
        found = json.loads(run(kind, *arguments, "--nan", nan, *show, "--quiet", "--json", "-", input=text,
                               check=0).out)
        wanted = expected(row[None], kind, 4, 1, 5, True, nan)
        assert found["indices"] == wanted.tolist(), kind


@pytest.mark.parametrize("kind", ["topk", "midk"])
@pytest.mark.parametrize("show", [[], ["--show", "1"]])
def test_nan_as_an_error(kind, show):
    text = "1\n" * 70_000 + "nan\n" + "2\n" * 10
    message = run(kind, "-k", 1, "--nan", "error", "--quiet", *show, "-", input=text, check=1).err
    assert "index 70000 is NaN" in message and message.count("\n") == 1


@pytest.mark.parametrize("text, words", [
    ("1\n2\nx\n4\n", ["3", "x"]),
    ("1\n2,\n\"3\n", []),
    ("a,b\n1,2\n3\n", ["3"]),
    ("1\n2\x003\n", ["2"]),
    ("1\n1.2.3\n", ["2", "1.2.3"]),
    ("1\n0x10\n", ["2", "0x10"]),
])
def test_a_line_that_is_no_number_is_named(tmp_path, text, words):
    column = ["--column", "b"] if text.startswith("a,b") else []
    path = write(tmp_path / "bad.txt", text)
    message = error("topk", "-k", 1, *column, path, status=1)
    assert "bad.txt" in message
    for word in words:
        assert word in message
    for kind in (["compact", "--lower", 0], ["midk", "-k", 1]):
        assert run(*kind, *column, path, "--json", check=1).out == ""


def test_a_line_without_end_is_an_error_in_bounded_time(tmp_path):
    path = write(tmp_path / "long.txt", b"1\n" + b"7" * (3 << 20))
    assert "long.txt" in error("topk", "-k", 1, path, status=1)


def test_unknown_columns_are_named_with_those_there_are(tmp_path):
    path = write(tmp_path / "t.csv", TABLE)
    for option in ("--column", "--show"):
        message = error("topk", "-k", 1, option, "weight", path, status=2)
        assert "weight" in message and "size" in message and "note" in message


@pytest.mark.parametrize("kind, option", [("topk", "-k"), ("midk", "-k"), ("window", "--hi")])
def test_more_than_there_are(kind, option):
    arguments = ["--lo", 0, "--hi", 4] if kind == "window" else ["-k", 4]
    for show in ([], ["--show", 1]):
        message = error(kind, *arguments, *show, "-", input="1\n2\n3\n", status=2)
        assert f"{option}: 4" in message and "at most 3" in message
    error(kind, *arguments, "-", input="", status=2)


@pytest.mark.parametrize("number", [1 << 40, 1 << 57, 1 << 62, (1 << 63) - 1])
@pytest.mark.parametrize("kind, option", [("topk", "-k"), ("bottomk", "-k"), ("midk", "-k"), ("window", "--hi")])
def test_far_more_than_there_are(tmp_path, kind, option, number):
    for arguments in ([["--lo", 0, "--hi", number], ["--lo", number - 1, "--hi", number]] if kind == "window" else
                      [["-k", number]]):
        for more in ([], ["--show", 1], ["-o", tmp_path / "out"], ["--json"]):
            message = error(kind, *arguments, *more, "--quiet", "-", input="1\n2\n", status=2)
            assert f"{option}: {number} is more than the 2 numbers of standard input" in message
    assert not list(tmp_path.iterdir())


def test_nothing_asked_of_text():
    assert answer("topk", "-k", 0, "-", input="1\n2\n") == {"rows": 1, "k": 0, "indices": [[]], "values": [[]]}


def test_files_from_text(tmp_path):
    run("topk", "-k", 2, "-", "-o", tmp_path / "out", input="4\n6\n5\n", check=0)
    values, indices = np.load(tmp_path / "out.values.npy"), np.load(tmp_path / "out.indices.npy")
    assert values.dtype == np.float64 and indices.dtype == np.int64
    assert values.tolist() == [6, 5] and indices.tolist() == [1, 2]


def test_midk_of_a_pipe_says_what_it_holds(tmp_path):
    done = run("midk", "-k", 1, "-", input="5\n1\n3\n2\n", check=0)
    assert done.out == "0\t0\t3\t2\n"
    assert "hold all 4 numbers of a pipe" in done.err and "save" in done.err
    path = write(tmp_path / "n.txt", "5\n1\n3\n2\n")
    done = run("midk", "-k", 1, path, check=0)
    assert done.out == "0\t0\t3\t2\n" and done.err == ""


def test_midk_of_a_long_file_is_read_again(tmp_path):
    """More numbers than are held, once by name and once as standard input that begins after a first line."""
    numbers = np.random.default_rng(2).integers(0, 10**9, 1_100_000)
    text = "\n".join(map(str, numbers.tolist())) + "\n"
    path = write(tmp_path / "n.txt", "skipped by the shell\n" + text)
    order = np.argsort(numbers, kind="stable")
    wanted = order[(len(numbers) - 3) // 2:][:3].tolist()
    with open(path, "rb") as file:
        os.lseek(file.fileno(), len("skipped by the shell\n"), os.SEEK_SET)
        assert answer("midk", "-k", 3, "-", stdin=file)["indices"] == [wanted]
    found = answer("midk", "-k", 3, "--show", 1, path)  # the first line is a header
    assert found["indices"] == [wanted] and found["labels"] == [[str(numbers[index]) for index in wanted]]


def test_what_an_input_is_can_be_said(tmp_path):
    path = write(tmp_path / "n.txt", "12345678")
    assert answer("topk", "-k", 1, path)["values"] == [[12345678]]
    assert answer("topk", "-k", 1, "--dtype", "u8", "--cols", 8, path)["values"] == [[ord("8")]]
    assert "--dtype" in error("topk", "-k", 1, "--format", "raw", path, status=2)
    assert "--cols" in error("topk", "-k", 1, "--dtype", "u8", path, status=2)
    assert "--dtype" in error("topk", "-k", 1, "--cols", 2, path, status=2)
    assert "--dtype" in error("topk", "-k", 1, "--format", "text", "--dtype", "f64", path, status=2)
    assert "n.txt" in error("topk", "-k", 1, "--format", "npy", path, status=1)
    np.save(tmp_path / "a.npy", np.arange(3.0))
    assert "--column" in error("topk", "-k", 1, "--column", "x", tmp_path / "a.npy", status=2)
    assert "--cols" in error("topk", "-k", 1, "--cols", 3, tmp_path / "a.npy", status=2)
    assert "f64, not f32" in error("topk", "-k", 1, "--dtype", "f32", tmp_path / "a.npy", status=2)


def test_raw_data_that_begins_like_an_array(tmp_path):
    content = b"\x93NU" + bytes(5)
    assert answer("topk", "-k", 1, "--dtype", "u8", "--cols", 8, "-", input=content)["values"] == [[0x93]]
    path = write(tmp_path / "raw.bin", content)
    assert answer("topk", "-k", 1, "--dtype", "u8", "--cols", 8, path)["values"] == [[0x93]]


def test_a_named_pipe(tmp_path):
    import threading
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    np.save(tmp_path / "a.npy", np.arange(12.0).reshape(3, 4))
    for content, wanted in [(b"3\n9\n4\n", [[1]]), ((tmp_path / "a.npy").read_bytes(), [[3], [3], [3]])]:
        writer = threading.Thread(target=fifo.write_bytes, args=(content,))
        writer.start()
        assert answer("topk", "-k", 1, fifo)["indices"] == wanted
        writer.join()
