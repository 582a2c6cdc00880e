/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* band.h - band compaction: the elements of each row that lie between two bounds, in index order. */
#ifndef SPIRALTORCH_BAND_H
#define SPIRALTORCH_BAND_H

#include <stdint.h>

#include "context.h"
#include "dtype.h"
#include "export.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct st_band_request {
    uint32_t struct_size; /* sizeof(st_band_request) */
    st_dtype dtype;
    st_dtype index_dtype; /* ST_I64, or ST_I32 where cols < 2^31 */
    int32_t threads;      /* 0: the context's */
    int64_t rows, cols;
    int64_t row_stride, col_stride; /* in elements, as in st_rank_request */
    const void *lower;    /* address of one element of dtype; NaN is an error */
    const void *upper;    /* the same; below lower: nothing matches */
    const char *device;   /* an id such as "wgpu:0"; NULL or "auto": where the answer should come first, copies included */
    int32_t passes;       /* how a GPU reads: 0: as is best here; 1: each row once; 2: it counts, and reads again to write */
} st_band_request;

/* The caller's memory. values and indices NULL: counts only. */
typedef struct st_band_buffers {
    uint32_t struct_size; /* sizeof(st_band_buffers) */
    const void *input;    /* address of element (0, 0) */
    int64_t *counts;      /* rows counts, always required where rows > 0 */
    void *values;         /* capacity elements of dtype, rows packed one after the other; NULL: not wanted */
    void *indices;        /* capacity column numbers of index_dtype, packed the same way; NULL: not wanted */
    int64_t capacity;     /* elements that values and indices can hold in all */
} st_band_buffers;

/*
 * Keeps the elements x with lower <= x <= upper (-0 equals +0; NaN never matches). Row r's elements start at the sum of
 * counts[0 .. r-1]. The same on every device, for any passes and thread count.
 * ST_E_ARGUMENT as for st_execute_rank, outputs untouched; ST_E_CAPACITY: counts are full and right, values and indices untouched.
 * Of a named device ST_E_DEVICE: there is none, or it cannot run, or was lost meanwhile; ST_E_UNSUPPORTED: it has no kernels for
 * bands; ST_E_MEMORY. Under auto the CPU stands in where another device fails, and a software adapter is never picked. Thread-safe.
 */
ST_API st_status st_band_compact(st_context *context, const st_band_request *request, const st_band_buffers *buffers);

#ifdef __cplusplus
}
#endif

#endif
