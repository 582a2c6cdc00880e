# SPDX-License-Identifier: AGPL-3.0-or-later
"""compact: elements between two bounds, on every kind of input."""
import itertools

import numpy as np
import pytest

from cli_program import DTYPES, NUMPY, answer, error, from_bf16, run, to_bf16


def within(rows, lower, upper):
    """Lists of indices of each row."""
    return [np.flatnonzero((row >= lower) & (row <= upper)).tolist() for row in rows]


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype(tmp_path, dtype):
    random = np.random.default_rng(1)
    numbers = random.integers(0, 20, (6, 50))
    rows = to_bf16(numbers.astype("f4")) if dtype == "bf16" else numbers.astype(NUMPY[dtype])
    if dtype in ("f16", "f32", "f64"):
        rows[2, 3], rows[4, 4], rows[5, 5] = np.nan, np.inf, -0.0
    rows.tofile(tmp_path / "in.bin")
    seen = from_bf16(rows) if dtype == "bf16" else rows
    wanted = within(seen, 0, 7)
    found = answer("compact", "--lower", 0, "--upper", 7, "--dtype", dtype, "--cols", 50, tmp_path / "in.bin")
    assert found["rows"] == 6
    assert found["indices"] == wanted
    assert found["counts"] == [len(row) for row in wanted]
    assert found["values"] == [[seen[row, index] for index in indices] for row, indices in enumerate(wanted)]


def test_files(tmp_path):
    array = np.random.default_rng(2).normal(size=(3, 4, 5))
    np.save(tmp_path / "in.npy", array)
    for axis in (0, 1, -1):
        rows = np.moveaxis(array, axis, -1).reshape(-1, array.shape[axis])
        wanted = within(rows, -0.5, 0.5)
        run("compact", "--lower", -0.5, "--upper=0.5", "--axis", axis, tmp_path / "in.npy", "-o", tmp_path / "out",
            check=0)
        counts = np.load(tmp_path / "out.counts.npy")
        assert counts.tolist() == [len(row) for row in wanted]
        assert np.load(tmp_path / "out.indices.npy").tolist() == sum(wanted, [])
        kept = [rows[row, index] for row, indices in enumerate(wanted) for index in indices]
        assert np.load(tmp_path / "out.values.npy").tolist() == kept
        piped = answer("compact", "--lower", -0.5, "--upper", 0.5, "--axis", axis, "-",
                       input=(tmp_path / "in.npy").read_bytes())
        assert piped["indices"] == wanted


def test_lines_and_labels():
    text = "name,size\na,3\nb,nan\nc,1\nd,2\n"
    out = run("compact", "--lower", 2, "--upper", 3, "--column", "size", "--show", "name", "-", input=text, check=0).out
    assert out == "0\t0\ta\t3\n0\t1\td\t2\n"
    found = answer("compact", "--lower", 2, "--column", "size", "--show", "name", "-", input=text)
    assert found == {"rows": 1, "counts": [2], "indices": [[0, 3]], "values": [[3, 2]], "labels": [["a", "d"]]}


def test_one_bound_and_no_match():
    numbers = "\n".join(map(str, range(10)))
    assert answer("compact", "--upper", 2, "-", input=numbers)["indices"] == [[0, 1, 2]]
    assert answer("compact", "--lower", 8, "-", input=numbers)["indices"] == [[8, 9]]
    assert answer("compact", "--lower", 3, "--upper", 2, "-", input=numbers)["counts"] == [0]
    assert answer("compact", "--lower", 3, "-", input="") == {"rows": 1, "counts": [0], "indices": [[]], "values": [[]]}


def test_bounds_that_are_none():
    assert "--lower" in error("compact", "-", input="1\n", status=2)
    assert "--lower: 'x'" in error("compact", "--lower", "x", "-", input="1\n", status=2)
    assert "--upper: NaN" in error("compact", "--upper", "nan", "-", input="1\n", status=2)
    raw = ["--dtype", "u8", "--cols", 2, "-"]
    assert "--upper: '256' is no u8" in error("compact", "--upper", 256, *raw, input="ab", status=2)
    assert "--lower: '1.5' is no u8" in error("compact", "--lower", 1.5, *raw, input="ab", status=2)
    assert "--device" in error("compact", "--lower", 0, "--device", "cuda:0", *raw, input="ab", status=1)


def test_long_rows_go_through_in_pieces(tmp_path):
    array = np.random.default_rng(3).integers(0, 10**6, (3, 1_500_000)).astype("i4")
    np.save(tmp_path / "in.npy", array)
    wanted = within(array, 500, 1000)
    run("compact", "--lower", 500, "--upper", 1000, tmp_path / "in.npy", "-o", tmp_path / "out", check=0)
    assert np.load(tmp_path / "out.indices.npy").tolist() == sum(wanted, [])
    assert np.load(tmp_path / "out.counts.npy").tolist() == [len(row) for row in wanted]
    assert answer("compact", "--lower", 500, "--upper", 1000, "-",
                  input=(tmp_path / "in.npy").read_bytes())["indices"] == wanted


def test_more_results_than_wait_in_memory(tmp_path):
    count = 500_000
    numbers = np.random.default_rng(4).normal(size=count).astype("f4")
    numbers.tofile(tmp_path / "in.bin")
    run("compact", "--lower=-inf", "--dtype", "f32", "--cols", count, "-", "-o", tmp_path / "out",
        input=numbers.tobytes(), check=0)
    assert np.load(tmp_path / "out.values.npy").tobytes() == numbers.tobytes()
    np.testing.assert_array_equal(np.load(tmp_path / "out.indices.npy"), np.arange(count))
    assert answer("compact", "--lower=-inf", "--dtype", "f32", "--cols", count, tmp_path / "in.bin",
                  env={"TMPDIR": str(tmp_path)})["indices"] == [list(range(count))]


def test_long_columns(tmp_path):
    array = np.random.default_rng(5).integers(0, 1000, (2_100_000, 3)).astype("i4")  # a slab of 25 MB
    np.save(tmp_path / "in.npy", array)
    wanted = within(array.T, 0, 1)
    assert answer("compact", "--upper", 1, "--axis", 0, tmp_path / "in.npy")["indices"] == wanted
    done = run("compact", "--upper", 1, "--axis", 0, "-", "-o", tmp_path / "out",
               input=(tmp_path / "in.npy").read_bytes(), check=0)
    assert "must hold" in done.err
    assert np.load(tmp_path / "out.indices.npy").tolist() == sum(wanted, [])


def test_more_rows_and_labels_than_wait_in_memory(tmp_path):
    """Counts are read back three times, labels across the borders of what is read at once."""
    array = np.random.default_rng(7).integers(0, 3, (140_000, 2)).astype("u1")
    array.tofile(tmp_path / "in.bin")
    found = answer("compact", "--lower", 1, "--dtype", "u8", "--cols", 2, tmp_path / "in.bin",
                   env={"TMPDIR": str(tmp_path)})
    hits = array >= 1
    assert found["counts"] == hits.sum(1).tolist()
    assert list(itertools.chain(*found["indices"])) == np.nonzero(hits)[1].tolist()
    assert list(itertools.chain(*found["values"])) == array[hits].tolist()
    labels = [f"{number}-{'x' * (number % 97)}" for number in range(40_000)]
    text = "".join(f"{number},{label}\n" for number, label in enumerate(labels))
    found = answer("compact", "--lower", 0, "--show", 2, "-", input=text, env={"TMPDIR": str(tmp_path)})
    assert found["labels"] == [labels] and found["values"] == [list(range(40_000))]


@pytest.mark.parametrize("shape, axis", [
    ((3000, 1500), 0),  # tiles of columns; a slice is longer than a read is worth
    ((2, 150_000, 30), 1),  # tiles of columns out of whole slices, in two slabs
    ((5, 1_000_000), 0),  # short columns, many at a time
    ((4_200_000, 2), 0),  # a column that is more than may be held
])
def test_every_way_through_columns(tmp_path, shape, axis):
    array = np.random.default_rng(6).integers(0, 1000, shape).astype("i4")  # slabs of more than 16 MiB
    np.save(tmp_path / "in.npy", array)
    hits = np.moveaxis(array.reshape(-1, shape[axis], shape[-1]), 1, 2) <= 1
    run("compact", "--upper", 1, "--axis", axis, tmp_path / "in.npy", "-o", tmp_path / "out", check=0)
    np.testing.assert_array_equal(np.load(tmp_path / "out.counts.npy"), hits.sum(-1).ravel())
    np.testing.assert_array_equal(np.load(tmp_path / "out.indices.npy"), np.nonzero(hits)[-1])
    assert np.load(tmp_path / "out.values.npy").max() == 1


def test_empty_arrays(tmp_path):
    for shape in [(3, 0), (0, 3)]:
        np.save(tmp_path / "in.npy", np.zeros(shape))
        assert answer("compact", "--lower", 0, tmp_path / "in.npy") == {
            "rows": shape[0], "counts": [0] * shape[0], "indices": [[]] * shape[0], "values": [[]] * shape[0]}
