# SPDX-License-Identifier: AGPL-3.0-or-later
"""JAX: jax.lax.top_k on the CPU, compiled ahead; its input is JAX's own array of the same numbers."""
import os

from case import NUMPY_DTYPES, Cannot, Missing, Way, block_lengths


class Jax:
    name = "jax"

    def load(self, threads):
        # Read once, when JAX starts its threads; nothing changes their number later.
        os.environ["NPROC"] = str(threads)
        os.environ["JAX_PLATFORMS"] = "cpu"
        if threads == 1:
            flags = os.environ.get("XLA_FLAGS", "")
            os.environ["XLA_FLAGS"] = f"{flags} --xla_cpu_multi_thread_eigen=false".strip()
        try:
            import jax
            import ml_dtypes
            import numpy
        except (ImportError, OSError, RuntimeError) as error:
            raise Missing(str(error)) from error
        jax.config.update("jax_enable_x64", True)
        self.jax, self.numpy, self.threads, self.bfloat16 = jax, numpy, threads, ml_dtypes.bfloat16
        return f"JAX {jax.__version__}"

    def ways(self, case):
        case.only_top_and_bottom()
        jax, numpy, k = self.jax, self.numpy, case.k
        if case.threads != self.threads:
            raise Cannot(f"it started with {self.threads} threads and keeps them; measure {case.threads} in a run of its own")
        dtype = self.bfloat16 if case.dtype == "bf16" else NUMPY_DTYPES[case.dtype]
        x = jax.device_put(case.numpy_input(numpy, dtype))
        values_out, indices_out = case.numpy_outputs(numpy, dtype)
        flip = jax.numpy.negative if case.dtype in ("f32", "f64", "f16", "bf16") else jax.numpy.bitwise_not

        def top_k(elements):
            if case.descending:
                return jax.lax.top_k(elements, k)
            values, indices = jax.lax.top_k(flip(elements), k)
            return flip(values), indices

        def by_blocks(elements, length):
            """The k best lie in the k blocks with the best extremes, or in the columns that fill no block."""
            count = case.cols // length
            blocks = elements[:, :length * count].reshape(case.rows, length, count)
            picked = top_k(blocks.max(axis=1) if case.descending else blocks.min(axis=1))[1][:, None, :]
            values = jax.numpy.take_along_axis(blocks, picked, 2).reshape(case.rows, -1)
            indices = (jax.numpy.arange(length, dtype=picked.dtype)[:, None] * count + picked).reshape(case.rows, -1)
            rest = jax.numpy.arange(length * count, case.cols, dtype=picked.dtype)
            values = jax.numpy.concatenate((values, elements[:, length * count:]), 1)
            indices = jax.numpy.concatenate((indices, jax.numpy.broadcast_to(rest, (case.rows, len(rest)))), 1)
            best, at = top_k(values)
            return best, jax.numpy.take_along_axis(indices, at, 1)

        def first_equal(elements):
            """Two reductions that XLA makes vectors of, where its argmax goes element by element."""
            best = elements.max(axis=1, keepdims=True) if case.descending else elements.min(axis=1, keepdims=True)
            places = jax.lax.broadcasted_iota("int32", elements.shape, 1)
            indices = jax.numpy.where(elements == best, places, case.cols - 1).min(axis=1, keepdims=True)
            return jax.numpy.take_along_axis(elements, indices, 1), indices

        def extreme(elements):
            find = jax.numpy.argmax if case.descending else jax.numpy.argmin
            indices = find(elements, axis=1, keepdims=True)
            return jax.numpy.take_along_axis(elements, indices, 1), indices

        def store(answer):
            numpy.copyto(values_out, numpy.asarray(answer[0]))
            numpy.copyto(indices_out, numpy.asarray(answer[1]))

        found = [self._way("lax.top_k", top_k, x, store, "i32", case)]
        if k == 1:
            found.append(self._way("argmax" if case.descending else "argmin", extreme, x, store, "i64", case))
            found.append(self._way("max, first equal" if case.descending else "min, first equal", first_equal, x, store, "i32",
                                   case))
        for length in block_lengths(case):
            found.append(self._way(f"extremes of blocks of {length}, top_k, top_k",
                                   lambda elements, length=length: by_blocks(elements, length), x, store, "i32", case))
        return found

    def _way(self, how, function, x, store, index_dtype, case):
        compiled = self.jax.jit(function).lower(x).compile()
        return Way(how, lambda: self.jax.block_until_ready(compiled(x)), store, index_dtype, case.threads)
