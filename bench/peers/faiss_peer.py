# SPDX-License-Identifier: AGPL-3.0-or-later
"""Faiss: its arrays of heaps, as faiss.kmin and kmax use them, and its partition of one row; float32 alone.

Faiss has more ways to select while it computes distances, but none of those takes rows of values that are there already.
"""
from case import Cannot, Missing, Way


class Faiss:
    name = "faiss"

    def load(self, threads):
        try:
            import faiss
            import numpy
        except (ImportError, OSError) as error:
            raise Missing(str(error)) from error
        self.faiss, self.numpy = faiss, numpy
        return f"Faiss {faiss.__version__}"

    def ways(self, case):
        case.only_top_and_bottom()
        if case.dtype != "f32":
            raise Cannot(f"its heaps and partitions take float32, not {case.dtype}")
        faiss = self.faiss
        x = case.numpy_input(self.numpy)
        values, indices = case.numpy_outputs(self.numpy)
        # The greatest are kept in a heap whose root is the least.
        heaps = faiss.float_minheap_array_t() if case.descending else faiss.float_maxheap_array_t()
        heaps.nh, heaps.k = case.rows, case.k
        heaps.val, heaps.ids = faiss.swig_ptr(values), faiss.swig_ptr(indices)
        source = faiss.swig_ptr(x)

        def by_heaps():
            heaps.heapify()
            heaps.addn(case.cols, source)
            heaps.reorder()

        # Both begin with the worst finite number, and take what is better than that: no infinite element of that side.
        worst = self.numpy.finfo(self.numpy.float32).min
        takes = (x > worst if case.descending else x < -worst).sum(axis=1).min()
        if case.k > takes:
            raise Cannot(f"it takes no element at or beyond the worst finite number: {takes} of a row are left, and k is {case.k}")
        found = [Way("heap array (as kmax)" if case.descending else "heap array (as kmin)", by_heaps,
                     threads=case.threads, prepare=lambda: faiss.omp_set_num_threads(case.threads))]
        if 1 < case.k < case.cols and case.rows <= 4096:  # a call of Python's for each row
            found.append(Way("partition of each row, argsort", self._by_partition(case, x, values, indices)))
        return found

    def _by_partition(self, case, x, values, indices):
        faiss, numpy, k = self.faiss, self.numpy, case.k
        partition = faiss.CMin_float_partition_fuzzy if case.descending else faiss.CMax_float_partition_fuzzy
        numbers = numpy.arange(case.cols, dtype=numpy.int64)
        row_values = numpy.empty(case.cols, numpy.float32)
        row_ids = numpy.empty(case.cols, numpy.int64)
        at_values, at_ids = faiss.swig_ptr(row_values), faiss.swig_ptr(row_ids)

        def run():
            for row in range(case.rows):
                numpy.copyto(row_values, x[row])
                numpy.copyto(row_ids, numbers)
                partition(at_values, at_ids, case.cols, k, k, None)
                order = numpy.argsort(row_values[:k])
                if case.descending:
                    order = order[::-1]
                numpy.take(row_values, order, out=values[row], mode="clip")
                numpy.take(row_ids, order, out=indices[row], mode="clip")
        return run
