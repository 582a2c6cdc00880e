/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* documents.h - the docstrings of the functions that are written in C: signatures, shapes, dtypes, errors and examples. */
#ifndef ST_PY_DOCUMENTS_H
#define ST_PY_DOCUMENTS_H

#define ST_PY_DOC_TOPK                                                                                                           \
    "topk(x, k, dim=-1, largest=True, sorted=True, *, nan='greatest', lengths=None, device='auto', out=None)\n--\n\n"            \
    "The k largest elements along an axis, and where they are.\n\n"                                                              \
    "x: an array of 1 to 8 axes, of NumPy, torch, a library with DLPack, or a buffer; float16, bfloat16, float32,\n"             \
    "    float64, or an integer of 8 to 64 bits; any strides. It is read where it lies, and rows whose elements do not\n"        \
    "    lie side by side by way of a block of at most some MiB.\n"                                                             \
    "k: how many, at most the length of the axis. dim: the axis; None takes x as one row, in C order.\n"                         \
    "largest=False: the smallest. sorted=False: the same elements by ascending index.\n"                                         \
    "nan: where NaN ranks: 'greatest' (as torch), 'least', 'last' (after all numbers, as NumPy) or 'error'.\n"                   \
    "lengths: how many elements of each row count: integers, of the shape of x without the axis. A row of fewer\n"               \
    "    than k ends in index -1 and value 0.\n"                                                                                 \
    "device: where it runs: 'auto', or an id of devices(). out: a pair of arrays to fill, (values, indices).\n\n"                \
    "Returns TopK(values, indices), new arrays of x's library: x's dtype and int64, with k in place of the axis.\n"              \
    "Equal values come lowest index first, the same on every device and for every number of threads.\n\n"                        \
    "ValueError and TypeError name the argument; Error: a NaN under nan='error', or a device that cannot run.\n"                 \
    "Thread-safe; other Python threads run meanwhile.\n\n"                                                                       \
    ">>> import numpy, spiraltorch\n"                                                                                            \
    ">>> x = numpy.array([[3., 1., 4., 1.], [5., 9., 2., 6.]])\n"                                                                \
    ">>> values, indices = spiraltorch.topk(x, 2)\n"                                                                             \
    ">>> values.tolist(), indices.tolist()\n"                                                                                    \
    "([[4.0, 3.0], [9.0, 6.0]], [[2, 0], [1, 3]])\n"                                                                             \
    ">>> spiraltorch.topk(x, 1, dim=0, largest=False).values.tolist()\n"                                                         \
    "[[3.0, 1.0, 2.0, 1.0]]\n"

#define ST_PY_DOC_TOP_K                                                                                                          \
    "top_k(x, k, /, *, axis=-1, mode='largest')\n--\n\n"                                                                         \
    "topk as the Array API standard spells it: mode is 'largest' or 'smallest'.\n\n"                                             \
    "Returns TopK(values, indices), sorted, as topk does, with its errors; axis=None takes x as one row.\n\n"                    \
    ">>> import array, spiraltorch\n"                                                                                            \
    ">>> spiraltorch.top_k(array.array('d', [2, 7, 1, 8]), 2, mode='smallest').indices.tolist()\n"                               \
    "[2, 0]\n"

#define ST_PY_DOC_2D                                                                                                             \
    "x: two axes, rows and columns; k: at most the columns. All else as in topk.\n\n"                                            \
    "Returns TopK(values, indices) of rows x k, and raises what topk raises.\n\n"                                                \
    ">>> import numpy, spiraltorch\n"                                                                                            \
    ">>> x = numpy.array([[5, 3, 8, 1, 9], [2, 2, 7, 0, 4]], dtype='int32')\n"

#define ST_PY_DOC_TOPK2D                                                                                                         \
    "topk2d(x, k, *, sorted=True, nan='greatest', lengths=None, device='auto', out=None)\n--\n\n"                                \
    "The k largest elements of each row.\n\n" ST_PY_DOC_2D                                                                       \
    ">>> spiraltorch.topk2d(x, k=2).indices.tolist()\n"                                                                          \
    "[[4, 2], [2, 4]]\n"

#define ST_PY_DOC_MIDK2D                                                                                                         \
    "midk2d(x, k, *, sorted=True, nan='greatest', lengths=None, device='auto', out=None)\n--\n\n"                                \
    "The k middle elements of each row, ascending: ranks (n - k) // 2 and on; k=1 is the lower median.\n\n" ST_PY_DOC_2D         \
    ">>> spiraltorch.midk2d(x, k=1).values.tolist()\n"                                                                           \
    "[[5], [2]]\n"

#define ST_PY_DOC_BOTTOMK2D                                                                                                      \
    "bottomk2d(x, k, *, sorted=True, nan='greatest', lengths=None, device='auto', out=None)\n--\n\n"                             \
    "The k smallest elements of each row, ascending.\n\n" ST_PY_DOC_2D                                                           \
    ">>> spiraltorch.bottomk2d(x, k=2).values.tolist()\n"                                                                        \
    "[[1, 3], [0, 2]]\n"

#define ST_PY_DOC_RANK_WINDOW                                                                                                    \
    "rank_window(x, lo, hi, dim=-1, descending=False, sorted=True, *, nan='greatest', lengths=None, device='auto', out=None)\n"  \
    "--\n\n"                                                                                                                     \
    "The elements of ranks lo to hi, hi left out, along an axis, as a sort would place them.\n\n"                                \
    "lo, hi: 0 <= lo <= hi <= the length of the axis; descending=True counts ranks from the largest. All else as in topk.\n\n"   \
    "Returns TopK(values, indices), with hi - lo in place of the axis, and raises what topk raises.\n\n"                         \
    ">>> import array, spiraltorch\n"                                                                                            \
    ">>> spiraltorch.rank_window(array.array('i', [40, 10, 30, 20]), 1, 3).values.tolist()\n"                                    \
    "[20, 30]\n"

#define ST_PY_DOC_BAND_COMPACT                                                                                                   \
    "band_compact(x, lower, upper, dim=-1, *, device='auto')\n--\n\n"                                                            \
    "The elements with lower <= x <= upper along an axis, in index order.\n\n"                                                   \
    "x, dim, device: as in topk. lower, upper: numbers; infinities leave an end open, NaN is a ValueError, and for lower above\n"        \
    "upper nothing matches. NaN in x never matches. The bounds of float dtypes are rounded to them.\n\n"                         \
    "Returns Band(values, indices, counts): counts have the shape of x without the axis; values and indices (along the\n"        \
    "axis) have one axis, with the rows one after the other. Raises what topk raises.\n\n"                                      \
    ">>> import numpy, spiraltorch\n"                                                                                            \
    ">>> x = numpy.array([[1., 5., 3.], [7., 2., 9.]], dtype='float32')\n"                                                       \
    ">>> band = spiraltorch.band_compact(x, 2, 5)\n"                                                                             \
    ">>> band.values.tolist(), band.indices.tolist(), band.counts.tolist()\n"                                                    \
    "([5.0, 3.0, 2.0], [1, 2, 1], [2, 1])\n"

#define ST_PY_DOC_STREAM_TOPK                                                                                                    \
    "stream_topk(chunks, k, largest=True, sorted=True, *, nan='greatest')\n--\n\n"                                               \
    "The k largest elements of a row that comes in chunks, in memory for k elements.\n\n"                                        \
    "chunks: an iterable of arrays with one axis and one dtype, of any lengths; each is let go before the next is\n"             \
    "    asked for, but the first. k: at most the elements of all chunks. All else as in topk.\n\n"                              \
    "Returns TopK(values, indices) of k elements, of the first chunk's library, as topk of all chunks in one would;\n"           \
    "indices count from the first element of the first chunk. Raises what topk raises.\n\n"                                      \
    ">>> import array, spiraltorch\n"                                                                                            \
    ">>> chunks = (array.array('q', range(start, start + 1000)) for start in range(0, 5000, 1000))\n"                            \
    ">>> spiraltorch.stream_topk(chunks, 3).values.tolist()\n"                                                                   \
    "[4999, 4998, 4997]\n"

#define ST_PY_DOC_QUANTILE                                                                                                       \
    "quantile(x, q, dim=None, *, method='linear', keepdim=False, nan='propagate', device='auto')\n--\n\n"                        \
    "Quantiles along an axis, by selection in place of a sort.\n\n"                                                              \
    "x: as in topk. q: a number in 0 to 1, or a sequence of them. dim: the axis; None, as in NumPy and torch, takes\n"           \
    "    all elements. keepdim=True leaves 1 in place of the axis.\n"                                                            \
    "method: NumPy's names: linear, lower, higher, midpoint, nearest, inverted_cdf, averaged_inverted_cdf,\n"                    \
    "    closest_observation, interpolated_inverted_cdf, hazen, weibull, median_unbiased, normal_unbiased.\n"                    \
    "nan: a row with NaN gives NaN ('propagate'), is ranked without them ('omit'), or is an 'error'.\n\n"                        \
    "Returns an array of x's library, with an axis for q before the others where q is a sequence: of x's dtype, or\n"            \
    "float64 where x has integers and the method can lie between two. Raises what topk raises.\n\n"                              \
    ">>> import numpy, spiraltorch\n"                                                                                            \
    ">>> x = numpy.array([[4., 1., 3., 2.], [0., 8., 2., 6.]])\n"                                                                \
    ">>> spiraltorch.quantile(x, [0.25, 0.5], dim=1).tolist()\n"                                                                 \
    "[[1.75, 1.5], [2.5, 4.0]]\n"                                                                                                \
    ">>> spiraltorch.quantile(x, 0.5, dim=1, method='higher').tolist()\n"                                                        \
    "[3.0, 6.0]\n"

#define ST_PY_DOC_TRIMMED_MEAN                                                                                                   \
    "trimmed_mean(x, proportiontocut, dim=None, *, keepdim=False, nan='propagate', device='auto')\n--\n\n"                       \
    "The mean along an axis without a share of the smallest and of the largest elements.\n\n"                                    \
    "proportiontocut: the share that goes at each end, at least 0 and below 0.5; of n elements int(share * n) go, as in\n"       \
    "    scipy.stats.trim_mean. x, dim, keepdim and nan: as in quantile. Sums are carried in double precision.\n\n"              \
    "Returns an array of x's library and dtype, float64 for integers. Raises what topk raises.\n\n"                              \
    ">>> import array, spiraltorch\n"                                                                                            \
    ">>> spiraltorch.trimmed_mean(array.array('d', [1, 2, 3, 4, 1000]), 0.2)\n"                                                  \
    "3.0\n"

#define ST_PY_DOC_SET_NUM_THREADS                                                                                                \
    "set_num_threads(threads, /)\n--\n\n"                                                                                        \
    "The most threads that one call uses, 1 to 4096, for calls that begin from now on.\n\n"                                      \
    "The default is ST_NUM_THREADS, or else the CPUs that the process may use. Results do not depend on it.\n\n"                 \
    ">>> import spiraltorch\n"                                                                                                   \
    ">>> spiraltorch.set_num_threads(2)\n"                                                                                       \
    ">>> spiraltorch.get_num_threads()\n"                                                                                        \
    "2\n"

#define ST_PY_DOC_GET_NUM_THREADS                                                                                                \
    "get_num_threads()\n--\n\n"                                                                                                  \
    "The most threads that one call uses.\n\n"                                                                                   \
    ">>> import spiraltorch\n"                                                                                                   \
    ">>> spiraltorch.get_num_threads() >= 1\n"                                                                                   \
    "True\n"

#define ST_PY_DOC_RELOAD                                                                                                         \
    "reload()\n--\n\n"                                                                                                           \
    "Reads the rules and the measured table again, SPIRAL_HEUR_K and its like and the state folder, for calls that begin\n"      \
    "from now on.\n\n"                                                                                                           \
    ">>> import spiraltorch\n"                                                                                                   \
    ">>> spiraltorch.reload()\n"

#endif
