/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* select.h - one row, or a segment of one: its ranks [lo, hi) as entries, by one of the kernel families. */
#ifndef ST_CPU_SELECT_H
#define ST_CPU_SELECT_H

#include "backends/cpu/kernels.h"
#include "spiraltorch/choice.h"

/* Kernel families, each at home under one (mk, mkd); docs/choices.md. */
typedef enum st_cpu_family {
    ST_CPU_FILTER,  /* collect what beats a bound into a buffer, cut the buffer back, lower the bound */
    ST_CPU_LANES,   /* the same, with a first bound from the least keys of blocks, or from a sample */
    ST_CPU_HEAP,    /* a heap of the best, whose root is the bound */
    ST_CPU_KWAY,    /* the best of each tile, sorted, then merged k ways */
    ST_CPU_BITONIC, /* bitonic sorting of chunks, merged into the best */
    ST_CPU_RADIX    /* a histogram of the keys' top digit finds the digits that hold the window */
} st_cpu_family;

st_cpu_family st_cpu_family_of(const st_choice *choice);
const char *st_cpu_family_name(st_cpu_family family);

/*
 * What a selection reads. Ranks are counted in `order`; where mask is all ones, order and indices are complemented, that is,
 * the row is ranked from its far end.
 */
typedef struct st_cpu_row {
    const st_cpu_kernels *kernels;
    st_order order;
    const void *elements;
    const void *next; /* elements that the thread will read after this row, and fetches towards its end; or NULL */
    ptrdiff_t stride; /* in elements */
    size_t length;
    uint64_t first; /* index of the first element */
    uint64_t mask;
    int wide;      /* entries are st_wide, else st_narrow */
    int ascending; /* the window is left in ascending order */
} st_cpu_row;

/* How a family is shaped, from the Choice. */
typedef struct st_cpu_shape {
    st_cpu_family family;
    size_t block; /* columns per collection (ctile) */
    size_t tile;  /* columns per k-way tile (tile) */
    size_t depth; /* candidate buffer, in multiples of the window (kl) */
} st_cpu_shape;

st_cpu_shape st_cpu_shape_of(const st_choice *choice);

/* A row's scratch: entries first, then 64-bit words (least keys, run positions, digit counts). */
typedef struct st_cpu_layout {
    size_t entries;  /* how many */
    size_t words_at; /* in bytes */
    size_t words;
    size_t bytes; /* SIZE_MAX where it overflows */
} st_cpu_layout;

/* What a first bound is read from: every step-th piece, in groups, of whose least keys the one at `rank` is taken. */
typedef struct st_cpu_sample {
    size_t step, groups, rank; /* no groups: there is no bound to be had this way */
} st_cpu_sample;

/* How ranks [lo, hi) of a row are found: the same for all rows of one length, stride and width of keys. */
typedef struct st_cpu_selection {
    st_cpu_shape shape;
    size_t lo, hi;
    st_cpu_layout layout;
    int by_first;   /* one element, which kernels.h's `first` finds */
    size_t columns; /* of the blocks that give the first bound; 0: the sample gives it */
    st_cpu_sample sample;
} st_cpu_selection;

/* Scratch bytes for ranks [lo, hi) of rows of at most `length` elements; SIZE_MAX where it overflows. */
size_t st_cpu_select_bytes(const st_cpu_shape *shape, int wide, size_t length, size_t hi);

/* The selection of ranks [lo, hi), hi <= length, of rows such as this one. */
st_cpu_selection st_cpu_prepare(const st_cpu_row *row, const st_cpu_shape *shape, size_t lo, size_t hi);

/*
 * Finds the ranks that were prepared for, lo < hi, and leaves them at *window, inside scratch, in no order unless the row says
 * so. Returns how many: hi - lo, or fewer where another thread changed the input meanwhile. scratch is aligned to 16 bytes.
 */
size_t st_cpu_select(const st_cpu_row *row, const st_cpu_selection *selection, void *scratch, void **window);

/*
 * Puts `count` entries of the row's window into output order and turns them, in place, into column numbers: by rank (from the
 * far end, reversed), or ascending where unsorted.
 */
uint64_t *st_cpu_columns(const st_cpu_row *row, void *window, size_t count, int unsorted);

/* Selects the `keep` best of `count` entries in place; keep <= count. For the merge of segments. */
void st_cpu_keep(const st_cpu_row *row, void *entries, size_t count, size_t keep);

#endif
