# SPDX-License-Identifier: AGPL-3.0-or-later
"""One case of the benchmark as the peers see it: the shared input and outputs, and what is wanted of them."""
import ctypes
import mmap
import os

DTYPE_SIZES = {"f32": 4, "f64": 8, "f16": 2, "bf16": 2, "i8": 1, "u8": 1, "i16": 2, "u16": 2, "i32": 4, "u32": 4,
               "i64": 8, "u64": 8}
# bf16 has no type of NumPy's own.
NUMPY_DTYPES = {"f32": "f4", "f64": "f8", "f16": "f2", "i8": "i1", "u8": "u1", "i16": "i2", "u16": "u2", "i32": "i4",
                "u32": "u4", "i64": "i8", "u64": "u8"}


class Missing(Exception):
    """A peer that is not on this machine; says why."""


class Cannot(Exception):
    """A peer that does not take this case; says why."""


class Way:
    """One way for a peer to answer a case: call() gives values and indices, store() puts them where the program looks.

    What call() returns is the peer's own: store() is not timed, and neither is prepare(), which comes before.
    """

    def __init__(self, how, call, store=None, index_dtype="i64", threads=1, timed=None, prepare=None):
        self.how = how
        self.call = call
        self.store = store
        self.prepare = prepare or (lambda: None)
        self.index_dtype = index_dtype
        self.threads = threads
        self.timed = timed  # nanoseconds of one call, the mean of so many; for a peer with a clock of its own


def block_lengths(case):
    """How many elements a block has, for peers that first take the extreme of each block and then the best of k blocks.

    About the square root of cols / k makes both stages small; a length four times that is offered beside it. Block b of n
    is the columns b, b + n, b + 2 n, ...: whole vectors of columns are compared with each other, which is the fast way.
    """
    first = 1 << max(4, min(9, (case.cols // case.k).bit_length() // 2))
    return [length for length in (first, 4 * first) if 4 * case.k <= case.cols // length]


class Case:
    def __init__(self, kind, dtype, rows, cols, k, threads, input_path, output_path, index_offset):
        self.kind, self.dtype, self.rows, self.cols, self.k, self.threads = kind, dtype, rows, cols, k, threads
        self.descending = kind == "topk"
        self.input_bytes = rows * cols * DTYPE_SIZES[dtype]
        self.values_bytes = rows * k * DTYPE_SIZES[dtype]
        self.index_offset = index_offset
        # A private mapping: the pages are the program's own as long as nobody writes, and nobody can change them.
        self.input = self._map(input_path, self.input_bytes, mmap.ACCESS_COPY)
        self.output = self._map(output_path, index_offset + rows * k * 8, mmap.ACCESS_WRITE)

    @staticmethod
    def _map(path, size, access):
        descriptor = os.open(path, os.O_RDWR if access == mmap.ACCESS_WRITE else os.O_RDONLY)
        try:
            return mmap.mmap(descriptor, size, access=access)
        finally:
            os.close(descriptor)

    @staticmethod
    def _address(memory, offset=0):
        return ctypes.addressof(ctypes.c_char.from_buffer(memory, offset))

    def input_address(self):
        return self._address(self.input)

    def values_address(self):
        return self._address(self.output)

    def indices_address(self):
        return self._address(self.output, self.index_offset)

    def only_top_and_bottom(self):
        if self.kind not in ("topk", "bottomk"):
            raise Cannot(f"{self.kind} is not asked of it; topk and bottomk are")

    def numpy_input(self, numpy, dtype=None):
        """The input as a NumPy array; `dtype` where NumPy has no name for it."""
        dtype = dtype or NUMPY_DTYPES.get(self.dtype)
        if dtype is None:
            raise Cannot(f"NumPy has no {self.dtype}")
        return numpy.frombuffer(self.input, dtype, self.rows * self.cols).reshape(self.rows, self.cols)

    def numpy_outputs(self, numpy, dtype=None):
        count = self.rows * self.k
        values = numpy.frombuffer(self.output, dtype or NUMPY_DTYPES[self.dtype], count)
        indices = numpy.frombuffer(self.output, "i8", count, self.index_offset)
        return values.reshape(self.rows, self.k), indices.reshape(self.rows, self.k)
