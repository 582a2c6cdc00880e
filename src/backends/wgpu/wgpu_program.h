/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * wgpu_program.h - what one execution on a WebGPU device records: dispatches in order, each with its kernel and its numbers.
 *
 * A program is made from a request, a Choice and the device's limits without a device at hand, so it can be read, counted
 * and tested anywhere.
 */
#ifndef ST_BACKENDS_WGPU_WGPU_PROGRAM_H
#define ST_BACKENDS_WGPU_WGPU_PROGRAM_H

#include <stddef.h>
#include <stdint.h>

#include "spiraltorch/rank.h"

/* Binding numbers of group 0, the same for every kernel. All but NUMBERS are arrays of 32-bit words in storage. */
enum {
    ST_WGPU_INPUT = 0,   /* the rows, read only */
    ST_WGPU_NUMBERS = 1, /* uniform: st_wgpu_numbers */
    ST_WGPU_LISTS = 2,   /* read only: the row list and the lengths, where there are any */
    ST_WGPU_VALUES = 3,  /* output values, packed as in the input's dtype */
    ST_WGPU_INDICES = 4, /* output indices: a word each for i32, two for i64 */
    ST_WGPU_SCRATCH = 5, /* what steps hand to later steps; its contents before the first do not matter */
    ST_WGPU_STATE = 6,   /* ST_WGPU_STATE_WORDS words */
    ST_WGPU_BINDINGS = 7
};

/* What a program tells its host, in words of STATE; all zero before, but for NAN_ROW and NAN_COLUMN, which start at ~0. */
enum {
    ST_WGPU_STATE_FLAGS = 0,
    ST_WGPU_STATE_NAN_ROW = 1,
    ST_WGPU_STATE_NAN_COLUMN = 2,
    ST_WGPU_STATE_READS = 3, /* counter builds: elements that sweeps over the input read, modulo 2^32 */
    ST_WGPU_STATE_WORDS = 4
};

/* Bits of ST_WGPU_STATE_FLAGS. */
enum {
    ST_WGPU_FLAG_LANES = 1, /* a subgroup had another size than the variant's: the outputs are not to be used */
    ST_WGPU_FLAG_LOOPS = 2  /* the driver ended loops before their time: nor here */
};

/* The limits that shape a program. */
typedef struct st_wgpu_limits {
    uint64_t binding_bytes;    /* largest storage binding */
    uint32_t invocations;      /* threads per workgroup */
    uint32_t shared_bytes;     /* workgroup storage */
    uint32_t groups;           /* workgroups in one dimension of a dispatch */
    uint32_t lanes;            /* subgroup size; 0 without subgroups */
    uint32_t offset_alignment; /* of storage bindings' offsets, in bytes: a power of two */
} st_wgpu_limits;

/*
 * Where an execution's data lies, in elements of its buffers; sizes of buffers in bytes, multiples of 4. Rows of the outputs
 * are output rows: one for each entry of a row list, else one for each row of the input. A program serves the output rows
 * from first_row on, so a call can be served by several programs over the same buffers.
 */
typedef struct st_wgpu_layout {
    uint64_t input_bytes, values_bytes, indices_bytes;
    uint64_t input_base; /* of row 0, column 0 */
    int64_t row_stride, col_stride;
    uint64_t values_base, values_stride; /* of output row 0; from one to the next */
    uint64_t indices_base, indices_stride;
    uint64_t first_row, output_rows;
    uint64_t lengths_base; /* word of LISTS where lengths begin; an entry of the row list is the word of its output row */
    int32_t has_list, has_lengths;
    int32_t count_reads; /* 1: a counter build */
} st_wgpu_layout;

/* Names a kernel's text: the pipeline cache's key. Compared as bytes, so there is no padding, and what a kernel ignores is 0. */
typedef struct st_wgpu_variant {
    uint32_t kernel;      /* ST_WGPU_KERNEL_* of wgpu_kernels.h */
    uint32_t bits;        /* width of an element: 8, 16, 32, 64 */
    uint32_t source;      /* ST_WGPU_SOURCE_* of wgpu_kernels.h */
    uint32_t sink;        /* ST_WGPU_SINK_* */
    uint32_t workgroup;   /* threads */
    uint32_t lanes;       /* subgroup size, where the kernel uses subgroups; threads that share a heap */
    uint32_t capacity;    /* entries in workgroup memory */
    uint32_t unroll;      /* elements that a thread reads in a step of a sweep, */
    uint32_t compact;     /* in a step of a compaction */
    uint32_t queue;       /* entries in a lane's queue, or in a sorted run */
    uint32_t parts;       /* rows, or pieces of rows, that a workgroup serves at a time */
    uint32_t count_reads; /* 1: counts what it reads */
} st_wgpu_variant;

/*
 * What a kernel is told: the uniform block, the same for all kernels; kernels/wgsl/numbers.wgsl is its twin. Elements and
 * entries are counted, not bytes; places in scratch are words. 64-bit constants are pairs, low word first.
 */
typedef struct st_wgpu_numbers {
    uint32_t rows;         /* output rows of this dispatch, */
    uint32_t first_row;    /* from this one on */
    uint32_t groups_x;     /* a group's number is x + y * groups_x */
    uint32_t pieces;       /* groups that share a row here, */
    uint32_t first_piece;  /* from this piece of the row on, */
    uint32_t all_pieces;   /* of so many in all dispatches */
    uint32_t piece_cols;   /* columns of a piece */
    uint32_t first_col;    /* columns before this dispatch's range, where a row is cut into ranges */
    uint32_t cols;         /* columns of this dispatch's range */
    uint32_t full_cols;    /* columns of the whole row */
    uint32_t chunk;        /* columns that a workgroup takes at a time */
    uint32_t lengths_base; /* word of LISTS */
    uint32_t kind;         /* ST_TOPK... */
    uint32_t k, lo, hi;    /* as in the request */
    uint32_t width;        /* output elements a row */
    uint32_t kept;         /* entries that a row keeps at most, from its nearer end */
    uint32_t flags;        /* ST_WGPU_NUMBERS_* */
    uint32_t digit;        /* which digit of the keys */
    uint32_t input_base;   /* places of rows 0 in the bound slices, modulo 2^32, since a slice may begin behind them */
    int32_t row_stride, col_stride;
    uint32_t values_base, values_stride, indices_base, indices_stride;
    uint32_t source_base; /* entries to read, in scratch */
    uint32_t sink_base;   /* entries to write, in scratch */
    uint32_t plane;       /* entries stand in planes of so many words: of keys, then of indices; bases are places in the first */
    uint32_t room_base;   /* the rows' own rooms in scratch: entries */
    uint32_t picks_base;  /* columns of a row's outputs whose values other dispatches write */
    uint32_t mask[2], negative_fill[2], flip[2], infinity[2], negative_zero[2], nan_key[2]; /* st_order */
    uint32_t extra[32];   /* what one kernel alone needs */
} st_wgpu_numbers;

/* Bits of st_wgpu_numbers.flags. */
enum {
    ST_WGPU_NUMBERS_LIST = 1,          /* there is a row list */
    ST_WGPU_NUMBERS_LENGTHS = 2,       /* there are lengths */
    ST_WGPU_NUMBERS_UNSORTED = 4,      /* output by index */
    ST_WGPU_NUMBERS_VALUES = 8,        /* values are asked for, */
    ST_WGPU_NUMBERS_INDICES = 16,      /* indices, */
    ST_WGPU_NUMBERS_WIDE_INDICES = 32, /* in 64 bits */
    ST_WGPU_NUMBERS_REVERSED = 64,     /* the order runs from the row's far end: keys and indices are complemented */
    ST_WGPU_NUMBERS_DEFERRED = 128     /* columns go to picks_base instead of values to the output */
};

/* A part of a buffer that is bound: bytes from an aligned offset on. Empty: the step does not touch the buffer. */
typedef struct st_wgpu_slice {
    uint64_t offset, bytes;
} st_wgpu_slice;

/* One dispatch. LISTS, SCRATCH and STATE are bound whole. */
typedef struct st_wgpu_step {
    st_wgpu_variant variant;
    uint32_t groups[2];
    st_wgpu_slice input, values, indices;
    st_wgpu_numbers numbers;
} st_wgpu_step;

enum { ST_WGPU_MOST_STEPS = 160 };

typedef struct st_wgpu_program {
    uint32_t count;
    uint64_t scratch_bytes; /* a multiple of 4; 0 where no step needs any */
    st_wgpu_step steps[ST_WGPU_MOST_STEPS];
} st_wgpu_program;

/*
 * The program of a validated request, with a normalised Choice, for data that lies as the layout says. Allocates nothing; the
 * same input gives the same program, with no steps where there is nothing to do. ST_E_CAPACITY: the output rows do not fit
 * (bindings, scratch or dispatches), and the caller takes fewer at a time; of one output row it means that this device cannot
 * hold what the request keeps, and the message says so.
 */
st_status st_wgpu_compose(const st_rank_request *request, const st_choice *choice, const st_wgpu_limits *limits,
                          const st_wgpu_layout *layout, st_wgpu_program *program);

/*
 * Writes a variant's WGSL text, NUL-terminated, where it fits capacity, and its length without the NUL to *length in any
 * case. Pure. ST_E_CAPACITY where it does not fit.
 */
st_status st_wgpu_source(const st_wgpu_variant *variant, char *text, size_t capacity, size_t *length);

#endif
