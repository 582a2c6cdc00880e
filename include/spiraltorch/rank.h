/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * rank.h - Rank-K: TopK, MidK, BottomK and any rank window over a batch of rows, exact and deterministic to the bit.
 *
 * The order compares (value, index). -0 equals +0, and every NaN equals every other NaN; equal values come lowest index
 * first, ascending and descending alike. Values come back in the input's dtype, bit for bit. The answer is the same on
 * every backend, instruction set and thread count, for every Choice.
 *
 * Plan once (st_plan_rank), run often (st_execute_rank), or do both in one call (st_rank, st_topk).
 */
#ifndef SPIRALTORCH_RANK_H
#define SPIRALTORCH_RANK_H

#include <stdint.h>

#include "choice.h"
#include "context.h"
#include "device.h"
#include "dtype.h"
#include "export.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Kinds, for a row of n elements (n = cols, or the row's length):
 * TOPK: ranks [0, k) descending. BOTTOMK: ranks [0, k) ascending. MIDK: [(n-k)/2, (n-k)/2 + k) ascending.
 * WINDOW: ranks [lo, hi) in the direction of `descending`.
 */
enum { ST_TOPK = 1, ST_MIDK = 2, ST_BOTTOMK = 3, ST_WINDOW = 4 };

/* Where NaN stands: above +inf; below -inf; after all numbers in the output's direction; or an error. */
enum { ST_NAN_GREATEST = 0, ST_NAN_LEAST = 1, ST_NAN_LAST = 2, ST_NAN_ERROR = 3 };

/* Order of a row's output: by rank, or ascending index (the same set). */
enum { ST_SORTED = 0, ST_UNSORTED = 1 };

/* Bits of st_rank_request.outputs. */
enum { ST_OUT_VALUES = 1, ST_OUT_INDICES = 2 };

/* What is asked. Start from st_rank_request_init, which fills the defaults named below. */
typedef struct st_rank_request {
    uint32_t struct_size; /* sizeof(st_rank_request) */
    int32_t kind;         /* ST_TOPK, ST_MIDK, ST_BOTTOMK or ST_WINDOW */
    st_dtype dtype;       /* default ST_F32 */
    st_dtype index_dtype; /* ST_I64 (default), or ST_I32 where cols < 2^31 */
    int32_t nan_rule;     /* default ST_NAN_GREATEST */
    int32_t order;        /* default ST_SORTED */
    int32_t outputs;      /* default both */
    int32_t descending;   /* ST_WINDOW only */
    int32_t threads;      /* most threads for this call; 0 (default): the context's */
    int64_t rows, cols;   /* shape of the input */
    int64_t k;            /* elements kept per row, for all kinds but ST_WINDOW */
    int64_t lo, hi;       /* ST_WINDOW: ranks [lo, hi) with 0 <= lo <= hi <= cols */
    int64_t row_stride;   /* elements from a row to the next; default cols; may be negative, 0, or overlap */
    int64_t col_stride;   /* elements from a column to the next; default 1; the same freedom */
} st_rank_request;

/*
 * The caller's memory. A row's output has width k (hi - lo for a window) elements; rows of output are packed in list
 * order where row_list is given. Positions beyond a short row's window hold index -1 and zero bits.
 */
typedef struct st_rank_buffers {
    uint32_t struct_size;     /* sizeof(st_rank_buffers) */
    const void *input;        /* address of element (0, 0) */
    const int64_t *row_list;  /* rows to process, each in [0, rows), duplicates allowed; NULL: all, in order */
    int64_t row_list_count;   /* entries in row_list; ignored where it is NULL */
    const int64_t *lengths;   /* one per input row, each in [0, cols]; NULL: cols */
    void *values;             /* output rows of the input's dtype; ignored unless outputs has ST_OUT_VALUES */
    int64_t values_stride;    /* elements from an output row to the next; 0: packed; else at least the width */
    void *indices;            /* output rows of index_dtype; ignored unless outputs has ST_OUT_INDICES */
    int64_t indices_stride;   /* as values_stride */
    void *workspace;          /* scratch memory of workspace_size bytes; NULL: the call allocates */
    uint64_t workspace_size;  /* at least what st_rank_workspace says */
} st_rank_buffers;

/* Where a plan's Choice came from. */
enum { ST_SOURCE_FALLBACK = 0, ST_SOURCE_TABLE = 1, ST_SOURCE_SOFTLOGIC = 2, ST_SOURCE_DSL = 3, ST_SOURCE_CALLER = 4 };

/* A decision, ready to run any number of times, from any thread. A plain value: copy it freely. */
typedef struct st_plan {
    uint32_t struct_size;
    int32_t source; /* ST_SOURCE_* */
    st_rank_request request;
    st_choice choice;
    st_device_caps caps;
    char device[32];     /* the id of the device it runs on, such as "cpu" */
    char kernel[64];     /* the kernel that will run, such as "cpu/avx512/filter" */
    double predicted_ns; /* the device model's time for one execution, copies of host memory not counted */
    int32_t automatic;   /* 1: auto picked the device, so that the CPU stands in where it fails */
} st_plan;

/*
 * Fills *request for a kind and a contiguous f32 input of rows x cols; k as in st_rank_request (for ST_WINDOW: [0, k)).
 * Nothing is checked here: planning does that.
 */
ST_API void st_rank_request_init(st_rank_request *request, int32_t kind, int64_t rows, int64_t cols, int64_t k);

/*
 * Plans a request on a device: an id such as "cpu" or "cuda:0", or "auto" (also NULL): the device that should answer soonest where
 * the data is the host's, copies included. With caps, plans for that hardware,
 * present or not; device must then be NULL.
 * ST_E_ARGUMENT names the field of the request; ST_E_DEVICE: no such device, or it cannot run; ST_E_UNSUPPORTED: the device
 * has no kernel for the kind.
 * Thread-safe; a plan made before costs well under a microsecond, without a lock.
 */
ST_API st_status st_plan_request(st_context *context, const st_rank_request *request, const char *device,
                                 const st_device_caps *caps, st_plan *plan);

/* The short form: a contiguous f32 input, all defaults. kind is not ST_WINDOW. caps NULL: the auto device. */
ST_API st_status st_plan_rank(st_context *context, int32_t kind, int64_t rows, int64_t cols, int64_t k,
                              const st_device_caps *caps, st_plan *plan);

/*
 * Plans a request with the caller's own Choice, normalised to the device. ST_E_ARGUMENT also where (mk, mkd) is not legal
 * for the kind on that backend. For tuning and tests.
 */
ST_API st_status st_plan_with_choice(st_context *context, const st_rank_request *request, const char *device,
                                     const st_choice *choice, st_plan *plan);

/*
 * The legal Choices worth measuring for a request, in a fixed order. Writes the first `capacity` to choices (NULL with
 * capacity 0 to count) and their number to *count. ST_E_CAPACITY where count > capacity > 0.
 */
ST_API st_status st_rank_candidates(st_context *context, const st_rank_request *request, const char *device,
                                    st_choice *choices, int32_t capacity, int32_t *count);

/* Scratch bytes that executing this plan needs, whatever the data. */
ST_API st_status st_rank_workspace(st_context *context, const st_plan *plan, uint64_t *bytes);

/*
 * Runs a plan. Outputs must not overlap the input or each other, by byte extents, and rows of an output must not overlap.
 * Every pointer needs the alignment of its element, never more; the workspace none. With a workspace nothing is allocated.
 * ST_E_ARGUMENT names the field, outputs untouched; ST_E_NAN (rule ST_NAN_ERROR) names the lowest row, then column, of a
 * NaN, outputs unspecified; ST_E_CAPACITY: the workspace is too small; ST_E_DEVICE: the plan's device is not here, or was lost;
 * ST_E_UNSUPPORTED, ST_E_MEMORY: it cannot hold this. Where auto picked a device that fails, the CPU runs the request, and
 * st_device_at says why. Thread-safe.
 */
ST_API st_status st_execute_rank(st_context *context, const st_plan *plan, const st_rank_buffers *buffers);

/* Plans and runs on the auto device. */
ST_API st_status st_rank(st_context *context, const st_rank_request *request, const st_rank_buffers *buffers);

/*
 * One call for contiguous rows: the k largest (st_topk), middle (st_midk) or smallest (st_bottomk) of each row, sorted.
 * input: rows x cols of dtype; values: rows x k of dtype, or NULL; indices: rows x k, or NULL; not both.
 */
ST_API st_status st_topk(st_context *context, st_dtype dtype, const void *input, int64_t rows, int64_t cols, int64_t k,
                         void *values, int64_t *indices);
ST_API st_status st_midk(st_context *context, st_dtype dtype, const void *input, int64_t rows, int64_t cols, int64_t k,
                         void *values, int64_t *indices);
ST_API st_status st_bottomk(st_context *context, st_dtype dtype, const void *input, int64_t rows, int64_t cols, int64_t k,
                            void *values, int64_t *indices);

/*
 * One screen of text that says how a request is decided on a device (or for caps): the caps, each source's proposal, what
 * normalisation changed, the kernel and its predicted time. json 1: the same as one JSON object. Writes at most
 * capacity bytes, NUL included, and the full length (without NUL) to *length; ST_E_CAPACITY where it did not fit (the text is
 * cut). text NULL with capacity 0 only asks for the length.
 */
ST_API st_status st_plan_explain(st_context *context, const st_rank_request *request, const char *device,
                                 const st_device_caps *caps, int32_t json, char *text, uint64_t capacity, uint64_t *length);

#ifdef __cplusplus
}
#endif

#endif
