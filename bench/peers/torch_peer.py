# SPDX-License-Identifier: AGPL-3.0-or-later
"""PyTorch: topk into tensors that lie in the shared outputs; max for k 1, blocks for small k and sort for large k where
they are faster."""
import warnings

from case import Cannot, Missing, Way, block_lengths

TENSOR_DTYPES = {"f32": "float32", "f64": "float64", "f16": "float16", "bf16": "bfloat16", "i8": "int8", "u8": "uint8",
                 "i16": "int16", "i32": "int32", "i64": "int64"}


class Torch:
    name = "torch"

    def load(self, threads):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                import torch
        except (ImportError, OSError) as error:
            raise Missing(str(error)) from error
        self.torch = torch
        return f"PyTorch {torch.__version__}"

    def ways(self, case):
        case.only_top_and_bottom()
        torch = self.torch
        if case.dtype not in TENSOR_DTYPES:
            raise Cannot(f"torch.topk takes no {case.dtype}")
        dtype = getattr(torch, TENSOR_DTYPES[case.dtype])
        rows, cols, k = case.rows, case.cols, case.k
        # frombuffer and not from_numpy: a PyTorch of before NumPy 2 has the one and not the other.
        x = torch.frombuffer(case.input, dtype=dtype, count=rows * cols).reshape(rows, cols)
        values = torch.frombuffer(case.output, dtype=dtype, count=rows * k).reshape(rows, k)
        indices = torch.frombuffer(case.output, dtype=torch.int64, count=rows * k,
                                   offset=case.index_offset).reshape(rows, k)
        out = (values, indices)

        def way(how, call, store=None):
            return Way(how, call, store, threads=case.threads, prepare=lambda: torch.set_num_threads(case.threads))

        found = [way("topk", lambda: torch.topk(x, k, dim=1, largest=case.descending, sorted=True, out=out))]
        if k == 1:
            extreme = torch.max if case.descending else torch.min
            found.append(way("max" if case.descending else "min", lambda: extreme(x, 1, keepdim=True, out=out)))
        for length in block_lengths(case):
            found.append(way(f"extremes of blocks of {length}, topk, topk",
                             lambda length=length: self._by_blocks(x, k, case.descending, length, out)))
        if 8 * k >= cols:
            whole = (torch.empty_like(x), torch.empty((rows, cols), dtype=torch.int64))

            def sort():
                torch.sort(x, dim=1, descending=case.descending, out=whole)
                return whole[0][:, :k], whole[1][:, :k]

            def store(answer):
                values.copy_(answer[0])
                indices.copy_(answer[1])

            found.append(way("sort", sort, store))
        return found

    def _by_blocks(self, x, k, largest, length, out):
        """The k best lie in the k blocks with the best extremes, or in the columns that fill no block."""
        torch = self.torch
        rows, cols = x.shape
        count = cols // length
        blocks = torch.as_strided(x, (rows, length, count), (cols, count, 1))
        extremes = torch.amax(blocks, 1) if largest else torch.amin(blocks, 1)
        picked = torch.topk(extremes, k, dim=1, largest=largest, sorted=False)[1]
        values = torch.gather(blocks, 2, picked[:, None, :].expand(rows, length, k)).reshape(rows, -1)
        indices = (torch.arange(length)[:, None] * count + picked[:, None, :]).reshape(rows, -1)
        if length * count < cols:
            values = torch.cat((values, x[:, length * count:]), 1)
            indices = torch.cat((indices, torch.arange(length * count, cols).expand(rows, -1)), 1)
        best, at = torch.topk(values, k, dim=1, largest=largest, sorted=True)
        out[0].copy_(best)
        torch.gather(indices, 1, at, out=out[1])
