# SPDX-License-Identifier: AGPL-3.0-or-later
"""TopK for JAX on the CPU by XLA's foreign function interface: under jit, vmap and grad.

    jax_topk.py

Compiles jax_topk.cc, which lies beside it, with the installed library (found by pkg-config) and JAX's own headers; then
checks it against jax.lax.top_k, and prints the time of both.
"""
import ctypes
import functools
import pathlib
import subprocess
import sys
import tempfile
import time

import jax
import jax.numpy as jnp
import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
TARGET = "spiraltorch_top_k"
ROWS, COLS, K, CALLS = 64, 65536, 64, 15


def build(folder):
    """Compiles the custom call into a folder; returns the library's path."""
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "spiraltorch"], check=True, capture_output=True,
                           text=True).stdout.split()
    library = pathlib.Path(folder) / "libjax_topk.so"
    subprocess.run(["c++", "-std=c++17", "-O2", "-shared", "-fPIC", "-isystem", jax.ffi.include_dir(), str(HERE / "jax_topk.cc"), *flags, "-o", str(library)], check=True)
    return library


def register(library):
    """Makes the custom call known to XLA. Once in a process."""
    handler = getattr(ctypes.CDLL(str(library)), TARGET)
    jax.ffi.register_ffi_target(TARGET, jax.ffi.pycapsule(handler), platform="cpu")


@functools.partial(jax.custom_jvp, nondiff_argnums=(1, 2))
def top_k(x, k, largest=True):
    """The k largest (or smallest) elements along the last axis, in order, and their indices; of equals the lowest index first."""
    shape = (*x.shape[:-1], k)
    results = jax.ShapeDtypeStruct(shape, x.dtype), jax.ShapeDtypeStruct(shape, jnp.int32)
    # The call takes any number of axes before the last, so that what vmap adds is only one more.
    return jax.ffi.ffi_call(TARGET, results, vmap_method="broadcast_all")(x, largest=largest)


@top_k.defjvp
def _top_k_jvp(k, largest, inputs, tangents):
    values, indices = top_k(*inputs, k, largest)
    moved = jnp.take_along_axis(tangents[0], indices, -1)
    return (values, indices), (moved, np.zeros(indices.shape, jax.dtypes.float0))


def same(ours, theirs):
    return all(np.array_equal(np.asarray(a), np.asarray(b)) for a, b in zip(ours, theirs, strict=True))


def check():
    """Raises where an answer is not JAX's own."""
    x = jax.random.normal(jax.random.key(0), (7, 5, 1000))
    x = jnp.round(x, 1)  # many equal ones
    assert same(top_k(x, 9), jax.lax.top_k(x, 9))
    assert same(jax.jit(top_k, static_argnums=(1, 2))(x, 9, True), jax.lax.top_k(x, 9))
    assert same(jax.vmap(lambda row: top_k(row, 9))(x), jax.lax.top_k(x, 9))
    assert same(jax.vmap(lambda row: top_k(row, 9), in_axes=1)(x), jax.vmap(lambda row: jax.lax.top_k(row, 9), in_axes=1)(x))
    smallest = top_k(x, 9, False)
    assert same(smallest, (-jax.lax.top_k(-x, 9)[0], jax.lax.top_k(-x, 9)[1]))
    for dtype in (jnp.bfloat16, jnp.float16, jnp.int32, jnp.uint8):
        narrow = (x * 20).astype(dtype)
        assert same(top_k(narrow, 9), jax.lax.top_k(narrow, 9)), dtype

    def loss(select):
        return lambda elements: (select(elements, 9)[0] ** 2 * jnp.arange(9)).sum()

    assert same([jax.grad(loss(top_k))(x)], [jax.grad(loss(jax.lax.top_k))(x)])
    try:
        jax.block_until_ready(top_k(x > 0, 9))
    except Exception as error:  # XLA has its own class for it, which JAX does not promise to keep
        assert "ST_E_ARGUMENT" in str(error), error
    else:
        raise AssertionError("booleans were ranked")


def median_time(call, x):
    jax.block_until_ready(call(x))
    times = []
    for _ in range(CALLS):
        started = time.perf_counter()
        jax.block_until_ready(call(x))
        times.append(time.perf_counter() - started)
    return sorted(times)[CALLS // 2]


def main():
    with tempfile.TemporaryDirectory() as folder:
        try:
            register(build(folder))
        except (OSError, subprocess.CalledProcessError) as error:
            sys.exit(f"jax_topk.py: {error}; it needs c++, pkg-config and the installed library")
        check()
        print(f"JAX {jax.__version__}: as jax.lax.top_k, also under jit, vmap and grad")
        x = jax.random.normal(jax.random.key(1), (ROWS, COLS))
        ours = median_time(jax.jit(lambda elements: top_k(elements, K)), x)
        theirs = median_time(jax.jit(lambda elements: jax.lax.top_k(elements, K)), x)
        print(f"{ROWS}x{COLS}, k {K}: {1e3 * ours:.2f} ms; jax.lax.top_k {1e3 * theirs:.2f} ms, {theirs / ours:.1f} times as long")


if __name__ == "__main__":
    main()
