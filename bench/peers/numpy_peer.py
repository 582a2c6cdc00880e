# SPDX-License-Identifier: AGPL-3.0-or-later
"""NumPy: argmax, argpartition, partition as a threshold, blocks, argsort; the fastest of them for each case."""
from case import Missing, Way, block_lengths


class NumPy:
    name = "numpy"

    def load(self, threads):
        try:
            import numpy
        except ImportError as error:
            raise Missing(str(error)) from error
        self.numpy = numpy
        return f"NumPy {numpy.__version__}"

    def ways(self, case):
        case.only_top_and_bottom()
        numpy, k, cols = self.numpy, case.k, case.cols
        x = case.numpy_input(numpy)
        values_out, indices_out = case.numpy_outputs(numpy)
        selection = Selection(numpy, x, k, case.descending)

        def store(answer):
            numpy.copyto(values_out, answer[0])
            numpy.copyto(indices_out, answer[1])

        found = []
        if k == 1:
            found.append(Way("argmax" if case.descending else "argmin", selection.by_extreme, store))
        if k < cols:
            found.append(Way("partition as threshold, argsort", selection.by_threshold, store))
            if x.dtype == numpy.float32 and k > 1 and cols <= 1 << 32:
                found.append(Way("partition as threshold, sort of packed words", selection.by_threshold_packed, store))
            found.append(Way("argpartition, argsort", selection.by_argpartition, store))
        for length in block_lengths(case):
            found.append(Way(f"extremes of blocks of {length}, argpartition, argsort",
                             lambda length=length: selection.by_blocks(length), store))
        if 8 * k >= cols:
            found.append(Way("argsort", selection.by_argsort, store))
        return found


class Selection:
    """Each by_... returns sorted values and their indices, k of each row."""

    def __init__(self, numpy, x, k, descending):
        self.numpy, self.x, self.k, self.descending = numpy, x, k, descending
        self.rows, self.cols = x.shape

    def take(self, values, indices, order):
        if self.descending:
            order = order[:, ::-1]
        return self.numpy.take_along_axis(values, order, 1), self.numpy.take_along_axis(indices, order, 1)

    def by_extreme(self):
        extreme = self.numpy.argmax if self.descending else self.numpy.argmin
        indices = extreme(self.x, axis=1, keepdims=True)
        return self.numpy.take_along_axis(self.x, indices, 1), indices

    def by_argpartition(self):
        numpy, x, k = self.numpy, self.x, self.k
        if self.descending:
            indices = numpy.argpartition(x, self.cols - k, axis=1)[:, self.cols - k:]
        else:
            indices = numpy.argpartition(x, k - 1, axis=1)[:, :k]
        values = numpy.take_along_axis(x, indices, 1)
        return self.take(values, indices, numpy.argsort(values, axis=1))

    def by_blocks(self, length):
        """The k best lie in the k blocks with the best extremes, or in the columns that fill no block."""
        numpy, x, k = self.numpy, self.x, self.k
        count = self.cols // length
        blocks = numpy.lib.stride_tricks.as_strided(x, (self.rows, length, count),
                                                    (x.strides[0], count * x.itemsize, x.itemsize), writeable=False)
        if self.descending:
            picked = numpy.argpartition(blocks.max(axis=1), count - k, axis=1)[:, count - k:]
        else:
            picked = numpy.argpartition(blocks.min(axis=1), k - 1, axis=1)[:, :k]
        values = numpy.take_along_axis(blocks, picked[:, None, :], 2).reshape(self.rows, -1)
        indices = (numpy.arange(length)[:, None] * count + picked[:, None, :]).reshape(self.rows, -1)
        rest = numpy.arange(length * count, self.cols)
        if len(rest):
            values = numpy.concatenate((values, x[:, rest[0]:]), axis=1)
            indices = numpy.concatenate((indices, numpy.broadcast_to(rest, (self.rows, len(rest)))), axis=1)
        best = Selection(numpy, values, k, self.descending).by_argpartition()
        return best[0], numpy.take_along_axis(indices, best[1], 1)

    def by_argsort(self):
        order = self.numpy.argsort(self.x, axis=1)
        indices = order[:, :-self.k - 1:-1] if self.descending else order[:, :self.k]
        return self.numpy.take_along_axis(self.x, indices, 1), indices

    def chosen(self):
        """Values and indices of k elements of each row, in no order: those beyond the k-th value, and of its equals as
        many as are missing."""
        numpy, x, k = self.numpy, self.x, self.k
        at = self.cols - k if self.descending else k - 1
        kth = numpy.partition(x, at, axis=1)[:, at:at + 1]
        flat = numpy.flatnonzero(x >= kth if self.descending else x <= kth)
        if len(flat) != self.rows * k:  # more equals of the k-th than there is room for
            rows = flat // self.cols
            strict = x.reshape(-1)[flat] != kth[rows, 0]
            ordered = numpy.lexsort((~strict, rows))  # by row, and within it the equals last
            starts = numpy.searchsorted(rows, numpy.arange(self.rows))
            flat = flat[ordered[(starts[:, None] + numpy.arange(k)).reshape(-1)]]
        return x.reshape(-1)[flat].reshape(self.rows, k), flat.reshape(self.rows, k) % self.cols

    def by_threshold(self):
        values, indices = self.chosen()
        return self.take(values, indices, self.numpy.argsort(values, axis=1))

    def by_threshold_packed(self):
        numpy = self.numpy
        values, indices = self.chosen()
        bits = values.view(numpy.uint32)
        negative = (bits >> numpy.uint32(31)).astype(bool)
        keys = numpy.where(negative, ~bits, bits | numpy.uint32(1 << 31)).astype(numpy.uint64)
        words = numpy.sort(keys << numpy.uint64(32) | indices.astype(numpy.uint64), axis=1)
        if self.descending:
            words = words[:, ::-1]
        indices = (words & numpy.uint64(0xffffffff)).astype(numpy.int64)
        return numpy.take_along_axis(self.x, indices, 1), indices
