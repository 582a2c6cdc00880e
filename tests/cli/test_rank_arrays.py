# SPDX-License-Identifier: AGPL-3.0-or-later
"""topk, midk, bottomk and window on arrays: dtypes, byte orders, axes, ties, NaN, every way through memory."""
import json
import subprocess

import numpy as np
import pytest

from cli_program import DTYPES, KINDS, NUMPY, answer, error, expected, from_bf16, long_order, run, to_bf16, window_of

ROWS, COLS, K = 5, 37, 6


def window_arguments(kind, k=K, lo=4, hi=4 + K, descending=True):
    if kind == "window":
        return ["--lo", lo, "--hi", hi, *(["--descending"] if descending else [])]
    return ["-k", k]


def sample(dtype, seed=1):
    """Few values, so that ties are everywhere; floats with both zeros, NaN of both signs, infinities and denormals."""
    random = np.random.default_rng(seed)
    if dtype in ("f32", "f64", "f16"):
        pool = np.array([0.0, -0.0, 1.5, -1.5, np.inf, -np.inf, np.nan, -np.nan, 6e-8, 2.0, 3.0], NUMPY[dtype])
        return random.choice(pool, (ROWS, COLS))
    if dtype == "bf16":
        return random.choice(to_bf16([0.0, -0.0, 1.5, -1.5, np.inf, -np.inf, np.nan, -np.nan, 1e-40, 2.0]),
                             (ROWS, COLS))
    limits = np.iinfo(NUMPY[dtype])
    pool = np.array([limits.min, limits.max, 0, 1, 2, limits.max - 1, limits.min + 1], NUMPY[dtype])
    return random.choice(pool, (ROWS, COLS))


def values_of(array, dtype):
    return from_bf16(array) if dtype == "bf16" else array


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("endian", ["<", ">"])
def test_every_dtype_and_byte_order(tmp_path, dtype, endian):
    array = sample(dtype)
    stored = array.astype(array.dtype.newbyteorder(endian))
    np.save(tmp_path / "in.npy", stored)
    extra = ["--dtype", "bf16"] if dtype == "bf16" else []
    for kind in KINDS:
        run(kind, *window_arguments(kind), *extra, tmp_path / "in.npy", "-o", tmp_path / kind, check=0)
        indices = np.load(tmp_path / f"{kind}.indices.npy")
        values = np.load(tmp_path / f"{kind}.values.npy")
        wanted = expected(values_of(array, dtype), kind, K, 4, 4 + K, True)
        assert indices.dtype == np.int64
        np.testing.assert_array_equal(indices, wanted, err_msg=kind)
        # Bit for bit, signs of zeros and NaN too.
        assert values.tobytes() == np.take_along_axis(array, wanted, 1).tobytes(), kind


@pytest.mark.parametrize("dtype", DTYPES)
def test_raw_binary_from_a_file_and_a_pipe(tmp_path, dtype):
    array = sample(dtype, 2)
    (tmp_path / "in.bin").write_bytes(array.tobytes())
    shape = ["--dtype", dtype, "--cols", COLS]
    wanted = expected(values_of(array, dtype), "bottomk", K)
    from_file = answer("bottomk", "-k", K, *shape, tmp_path / "in.bin")
    from_pipe = answer("bottomk", "-k", K, *shape, "-", input=array.tobytes())
    assert from_file == from_pipe
    assert from_file["rows"] == ROWS and from_file["k"] == K
    np.testing.assert_array_equal(from_file["indices"], wanted)
    shown = np.array([[float(value) for value in row] for row in from_file["values"]])
    if dtype not in ("i64", "u64"):
        taken = np.take_along_axis(values_of(array, dtype), wanted, 1).astype("f8")
        np.testing.assert_array_equal(shown, taken)
    else:
        assert from_file["values"] == np.take_along_axis(array, wanted, 1).tolist()
    # The shape of files is not known until a pipe has ended.
    run("bottomk", "-k", K, *shape, "-", "-o", tmp_path / "piped", input=array.tobytes(), check=0)
    np.testing.assert_array_equal(np.load(tmp_path / "piped.indices.npy"), wanted)


def test_a_file_of_bf16_reads_its_own_output(tmp_path):
    bits = to_bf16(np.arange(20, dtype="f4"))
    np.save(tmp_path / "in.npy", bits)
    run("topk", "-k", 5, "--dtype", "bf16", tmp_path / "in.npy", "-o", tmp_path / "best", check=0)
    again = answer("topk", "-k", 2, "--dtype", "bf16", tmp_path / "best.values.npy")
    assert again["values"] == [[19, 18]] and again["indices"] == [[0, 1]]


@pytest.mark.parametrize("axis", [0, 1, 2, 3, -1, -2, -3, -4])
def test_every_axis_from_a_file_and_a_pipe(tmp_path, axis):
    array = np.random.default_rng(3).integers(0, 9, (3, 4, 5, 6)).astype("f4")
    np.save(tmp_path / "in.npy", array)
    content = (tmp_path / "in.npy").read_bytes()
    moved = np.moveaxis(array, axis, -1)
    k = 2
    for kind in ("topk", "midk", "window"):
        wanted = expected(moved.reshape(-1, moved.shape[-1]), kind, k, 1, 3, False).reshape(*moved.shape[:-1], k)
        wanted = np.moveaxis(wanted, -1, axis)
        arguments = window_arguments(kind, k, 1, 3, False)
        run(kind, *arguments, "--axis", axis, tmp_path / "in.npy", "-o", tmp_path / "out", check=0)
        indices = np.load(tmp_path / "out.indices.npy")
        np.testing.assert_array_equal(indices, wanted)
        np.testing.assert_array_equal(np.load(tmp_path / "out.values.npy"), np.take_along_axis(array, wanted, axis))
        run(kind, *arguments, f"--axis={axis}", "-", "-o", tmp_path / "piped", input=content, check=0)
        assert (tmp_path / "piped.indices.npy").read_bytes() == (tmp_path / "out.indices.npy").read_bytes()
        printed = answer(kind, *arguments, "--axis", axis, tmp_path / "in.npy")
        np.testing.assert_array_equal(printed["indices"], np.moveaxis(indices, axis, -1).reshape(-1, k))


@pytest.mark.parametrize("dims", range(1, 9))
def test_one_to_eight_axes(tmp_path, dims):
    array = np.random.default_rng(dims).permutation(2 ** dims * 3).reshape((2,) * (dims - 1) + (6,)).astype("i4")
    np.save(tmp_path / "in.npy", array)
    run("topk", "-k", 3, tmp_path / "in.npy", "-o", tmp_path / "out", check=0)
    wanted = np.argsort(-array, axis=-1, kind="stable")[..., :3]
    np.testing.assert_array_equal(np.load(tmp_path / "out.indices.npy"), wanted)


def test_equal_elements_come_lowest_index_first():
    zeros = np.array([0.0, -0.0, 0.0, -0.0], "f4").tobytes()
    for kind in ("topk", "bottomk", "midk"):
        found = answer(kind, "-k", 2, "--dtype", "f32", "--cols", 4, "-", input=zeros)
        assert found["indices"] == ([[1, 2]] if kind == "midk" else [[0, 1]])
    assert run("topk", "-k", 2, "--dtype", "f32", "--cols", 4, "-", input=zeros,
               check=0).out == "0\t0\t0\t0\n0\t1\t1\t-0\n"


@pytest.mark.parametrize("nan", ["greatest", "least", "last"])
@pytest.mark.parametrize("unsorted", [False, True])
def test_nan_rules(nan, unsorted):
    rows = sample("f64", 7)
    for kind in KINDS:
        found = answer(kind, *window_arguments(kind), "--nan", nan, *(["--unsorted"] if unsorted else []), "--dtype",
                       "f64",
                       "--cols", COLS, "-", input=rows.tobytes())
        wanted = expected(rows, kind, K, 4, 4 + K, True, nan, unsorted)
        np.testing.assert_array_equal(found["indices"], wanted, err_msg=kind)
        taken = np.take_along_axis(rows, wanted, 1)
        np.testing.assert_array_equal(np.array(found["values"], "f8"), taken)
        specials = {value for row in found["values"] for value in row if isinstance(value, str)}
        assert specials <= {"nan", "inf", "-inf"}
        assert bool(specials) == bool((~np.isfinite(taken)).any())


def test_nan_error_names_the_first(tmp_path):
    rows = np.ones((4, 10), "f4")
    rows[2, 7] = rows[3, 0] = np.nan
    np.save(tmp_path / "in.npy", rows)
    message = error("topk", "-k", 2, "--nan", "error", tmp_path / "in.npy", status=1)
    assert "row 2, index 7" in message and "--nan" in message
    message = error("topk", "-k", 2, "--nan", "error", "--axis", 0, tmp_path / "in.npy", status=1)
    assert "row 0, index 3" in message
    assert answer("topk", "-k", 0, "--nan", "error", tmp_path / "in.npy")["indices"] == [[], [], [], []]


def test_nothing_asked_and_nothing_there(tmp_path):
    for shape in [(3, 0), (0, 3), (0,), (2, 0, 3)]:
        np.save(tmp_path / "in.npy", np.zeros(shape, "f4"))
        found = answer("topk", "-k", 0, tmp_path / "in.npy")
        rows = int(np.prod(shape[:-1]))
        assert found == {"rows": rows, "k": 0, "indices": [[]] * rows, "values": [[]] * rows}
        run("topk", "-k", 0, tmp_path / "in.npy", "-o", tmp_path / "out", check=0)
        assert np.load(tmp_path / "out.values.npy").shape == (*shape[:-1], 0)
    np.save(tmp_path / "in.npy", np.zeros((0, 3), "f4"))
    assert answer("topk", "-k", 2, tmp_path / "in.npy")["indices"] == []
    run("topk", "-k", 2, tmp_path / "in.npy", "-o", tmp_path / "out", check=0)
    assert np.load(tmp_path / "out.indices.npy").shape == (0, 2)


def test_as_many_as_there_are(tmp_path):
    array = sample("i16", 9)
    np.save(tmp_path / "in.npy", array)
    np.testing.assert_array_equal(answer("topk", "-k", COLS, tmp_path / "in.npy")["indices"],
                                  expected(array, "topk", COLS))


def test_threads_change_nothing(tmp_path):
    np.save(tmp_path / "in.npy", np.random.default_rng(5).integers(0, 50, (64, 3000)).astype("f4"))
    outputs = {run("topk", "-k", 40, "--threads", threads, tmp_path / "in.npy", check=0).out for threads in (1, 2, 7)}
    assert len(outputs) == 1


# ---- rows and slabs above the 16 MiB that one step may hold ----------------------------------------------------------


@pytest.fixture(scope="module")
def long_rows(tmp_path_factory):
    """Two rows of 2.2 million f64, 17.6 MB each: streams, and where much would be held, passes."""
    path = tmp_path_factory.mktemp("long") / "in.npy"
    array = np.random.default_rng(11).integers(-400000, 400000, (2, 2_200_000)).astype("f8") / 8
    np.save(path, array)
    return path, array, [[long_order(row, descending) for descending in (False, True)] for row in array]


@pytest.mark.parametrize("case", [("topk", 5, 0, 0, False), ("bottomk", 1000, 0, 0, False), ("midk", 7, 0, 0, False),
                                  ("topk", 700_000, 0, 0, False), ("bottomk", 2_200_000, 0, 0, False),
                                  ("window", 0, 1_500_000, 1_500_010, True), ("window", 0, 2_199_990, 2_200_000, False),
                                  ("midk", 600_000, 0, 0, False)])
def test_long_rows(long_rows, tmp_path, case):
    kind, k, lo, hi, descending = case
    path, array, orders = long_rows
    arguments = window_arguments(kind, k, lo, hi, descending)
    first, last, down = window_of(kind, array.shape[1], k, lo, hi, descending)
    wanted = np.array([orders[row][down][first:last] for row in range(2)])
    run(kind, *arguments, path, "-o", tmp_path / "out", check=0)
    np.testing.assert_array_equal(np.load(tmp_path / "out.indices.npy"), wanted)
    np.testing.assert_array_equal(np.load(tmp_path / "out.values.npy"), np.take_along_axis(array, wanted, 1))
    with open(path, "rb") as file:
        run(kind, *arguments, "-", "-o", tmp_path / "redirected", stdin=file, check=0)
    assert (tmp_path / "redirected.indices.npy").read_bytes() == (tmp_path / "out.indices.npy").read_bytes()


def test_a_long_row_through_a_pipe_says_what_it_holds(long_rows):
    path, array, orders = long_rows
    done = run("midk", "-k", 3, "--json", "-", input=path.read_bytes(), check=0)
    assert "must hold 1100001 of the 2200000 numbers" in done.err and "save" in done.err
    n = array.shape[1]
    wanted = [orders[row][0][(n - 3) // 2:(n - 3) // 2 + 3].tolist() for row in range(2)]
    assert json.loads(done.out)["indices"] == wanted
    assert run("midk", "-k", 3, "--quiet", "-", input=path.read_bytes(), check=0).err == ""


@pytest.mark.parametrize("dtype", ["u8", "i8", "f16", "bf16", "u32"])
def test_long_rows_of_few_values(tmp_path, dtype):
    """So many equal elements that the last pass can gather nothing but the window itself."""
    size = {"u8": 1, "i8": 1, "u32": 4}.get(dtype, 2)
    n = (16 << 20) // size + 12345
    picks = np.random.default_rng(13).integers(0, 3, n)
    pool = to_bf16([-0.0, 1, 2]) if dtype == "bf16" else np.array([-0.0, 1, 2], NUMPY[dtype])
    row = pool[picks]
    row.tofile(tmp_path / "in.bin")
    order = np.argsort(picks, kind="stable")
    found = answer("midk", "-k", 9, "--dtype", dtype, "--cols", n, tmp_path / "in.bin")
    assert found["indices"] == [order[(n - 9) // 2:(n - 9) // 2 + 9].tolist()]
    border = int((picks == 0).sum())
    lo, hi = border - 4, border + 5
    found = answer("window", "--lo", lo, "--hi", hi, "--dtype", dtype, "--cols", n, tmp_path / "in.bin")
    assert found["indices"] == [order[lo:hi].tolist()]


@pytest.mark.parametrize("nan", ["greatest", "least", "last", "error"])
def test_nan_in_long_rows(tmp_path, nan):
    n = 4_300_000
    row = np.random.default_rng(17).integers(0, 1000, n).astype("f4")
    holes = np.random.default_rng(18).integers(0, n, 1000)
    row[holes] = np.nan
    row.tofile(tmp_path / "in.bin")
    arguments = ["--lo", n // 2, "--hi", n // 2 + 5, "--descending", "--nan", nan, "--dtype", "f32", "--cols", n]
    if nan == "error":
        assert f"index {holes.min()} " in error("window", *arguments, tmp_path / "in.bin", status=1)
        assert f"index {holes.min()} " in error("topk", "-k", 1, *arguments[5:], tmp_path / "in.bin", status=1)
        return
    keys = -row.astype("f8")
    keys[np.isnan(row)] = -np.inf if nan == "greatest" else np.inf
    order = np.argsort(keys, kind="stable")
    assert answer("window", *arguments, tmp_path / "in.bin")["indices"] == [order[n // 2:n // 2 + 5].tolist()]


def check_axis_0(tmp_path, array, kind, arguments, first, last, descending, note=None):
    order = np.argsort(-array if descending else array, axis=0, kind="stable")[first:last]
    np.save(tmp_path / "in.npy", array)
    run(kind, *arguments, "--axis", 0, tmp_path / "in.npy", "-o", tmp_path / "out", check=0)
    np.testing.assert_array_equal(np.load(tmp_path / "out.indices.npy"), order)
    np.testing.assert_array_equal(np.load(tmp_path / "out.values.npy"), np.take_along_axis(array, order, 0))
    done = run(kind, *arguments, "--axis", 0, "-", "-o", tmp_path / "piped", input=(tmp_path / "in.npy").read_bytes(),
               check=0)
    assert (note in done.err) if note else done.err == ""
    assert (tmp_path / "piped.values.npy").read_bytes() == (tmp_path / "out.values.npy").read_bytes()
    assert (tmp_path / "piped.indices.npy").read_bytes() == (tmp_path / "out.indices.npy").read_bytes()


@pytest.fixture(scope="module")
def long_columns():
    return np.random.default_rng(19).integers(0, 500, (2500, 1800)).astype("f4")  # 18 MB


def test_long_columns_in_chunks(tmp_path, long_columns):
    check_axis_0(tmp_path, long_columns, "topk", ["-k", 4], 0, 4, True)
    check_axis_0(tmp_path, long_columns, "window", ["--lo", 3, "--hi", 9], 3, 9, False)


def test_long_columns_in_tiles(tmp_path, long_columns):
    check_axis_0(tmp_path, long_columns, "midk", ["-k", 3], 1248, 1251, False, note="must hold all 4500000 numbers")


def test_a_long_axis_between_others(tmp_path):
    array = np.random.default_rng(20).integers(0, 100, (2, 9000, 300)).astype("f4")  # slabs of 10.8 MB: whole
    np.save(tmp_path / "in.npy", array)
    run("topk", "-k", 2, "--axis", 1, tmp_path / "in.npy", "-o", tmp_path / "out", check=0)
    np.testing.assert_array_equal(np.load(tmp_path / "out.indices.npy"),
                                  np.argsort(-array, axis=1, kind="stable")[:, :2])
    array = np.random.default_rng(21).integers(0, 100, (2, 15000, 300)).astype("f4")  # slabs of 18 MB: in chunks
    np.save(tmp_path / "in.npy", array)
    run("topk", "-k", 2, "--axis", 1, tmp_path / "in.npy", "-o", tmp_path / "out", check=0)
    np.testing.assert_array_equal(np.load(tmp_path / "out.indices.npy"),
                                  np.argsort(-array, axis=1, kind="stable")[:, :2])
    array[1, 14000, 1] = np.nan
    np.save(tmp_path / "in.npy", array)
    message = error("topk", "-k", 2, "--axis", 1, "--nan", "error", tmp_path / "in.npy", "-o", tmp_path / "none",
                    status=1)
    assert "row 301, index 14000" in message
    assert not list(tmp_path.glob("none*"))


def test_a_column_above_the_budget(tmp_path):
    n = (16 << 20) + 999
    array = np.random.default_rng(23).integers(0, 250, (n, 2)).astype("u1")
    np.save(tmp_path / "in.npy", array)
    wanted = [np.argsort(array[:, i], kind="stable")[(n - 3) // 2:(n - 3) // 2 + 3].tolist() for i in range(2)]
    assert answer("midk", "-k", 3, "--axis", 0, tmp_path / "in.npy")["indices"] == wanted


@pytest.mark.parametrize("shape, arguments", [
    ((40, 40), ["topk", "-k", 2]),  # a slab
    ((400_000, 40), ["topk", "-k", 2]),  # chunks of the axis
    ((400_000, 40), ["midk", "-k", 3]),  # tiles of columns from a file, and held from a pipe
    ((4_300_000, 6), ["midk", "-k", 3]),  # passes over one column
])
def test_nan_error_names_the_lowest_row_on_every_path(tmp_path, shape, arguments):
    array = np.zeros(shape, "f4")
    array[0, 5] = array[shape[0] - 1, 2] = array[shape[0] - 2, 2] = array[1, 3] = np.nan
    np.save(tmp_path / "in.npy", array)
    arguments = [*arguments, "--axis", 0, "--nan", "error", "-o", tmp_path / "none"]
    message = error(*arguments, tmp_path / "in.npy", status=1)
    assert f"row 2, index {shape[0] - 2} is NaN" in message
    with open(tmp_path / "in.npy", "rb") as file, subprocess.Popen(["cat"], stdin=file, stdout=subprocess.PIPE) as cat:
        assert f"row 2, index {shape[0] - 2} is NaN" in error(*arguments, "--quiet", "-", stdin=cat.stdout, status=1)


def test_nan_error_in_the_second_slab_of_chunks(tmp_path):
    array = np.zeros((2, 60_000, 80), "f4")  # slabs of 19.2 MB
    array[1, 7, 60] = array[1, 50_000, 0] = array[1, 59_000, 0] = np.nan
    np.save(tmp_path / "in.npy", array)
    message = error("topk", "-k", 2, "--axis", 1, "--nan", "error", tmp_path / "in.npy", "-o", tmp_path / "none",
                    status=1)
    assert "row 80, index 50000 is NaN" in message
