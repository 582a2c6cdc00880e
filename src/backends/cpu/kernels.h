/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * kernels.h - the loops that touch every element: one table per key width, filled for one instruction set.
 *
 * A kernel reads elements `stride` apart and turns each into its key (rank/order.h). Element i has index (first + i), and
 * is entered with that index XOR mask: mask is all ones where a row is ranked from its far end.
 */
#ifndef ST_CPU_KERNELS_H
#define ST_CPU_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "backends/cpu/hits.h"
#include "backends/cpu/turned.h"
#include "base/processor.h"
#include "rank/entry.h"
#include "rank/order.h"
#include "rank/scanner.h"

/* Digits that `histogram` counts: the top bits of a key, or all of a shorter key. */
enum { ST_DIGIT_BITS = ST_SCANNER_DIGIT_BITS, ST_DIGITS = 1 << ST_DIGIT_BITS };

/* Most columns, and most rows, that rank_lanes takes. */
enum { ST_LANE_COLUMN_BITS = 9, ST_LANE_COLUMNS = 1 << ST_LANE_COLUMN_BITS, ST_LANE_ROWS = 16 };

/* Columns of the rows that rank_few takes, and how many of their first ranks at most; so many are decided about in lanes. */
enum { ST_FEW_LEAST_COLUMNS = 128, ST_FEW_COLUMNS = 4096, ST_FEW = 64, ST_FEW_IN_LANES = 32 };

/*
 * Up to st_cpu_kernels.lanes rows of 1 to ST_LANE_COLUMNS contiguous columns, whose ranks [lo, hi) are wanted in order,
 * lo < hi <= columns. Strides count elements; values or indices may be NULL.
 */
typedef struct st_lane_rows {
    const st_order *order;
    const void *elements;
    ptrdiff_t row_stride;
    size_t rows, columns, lo, hi;
    void *values, *indices;
    ptrdiff_t values_stride, indices_stride;
    size_t index_size; /* 4 or 8 bytes */
    int streams;       /* outputs are written past the caches, and the caller has the fence */
} st_lane_rows;

/* Columns that a sample reads at a time: four cache lines of 32-bit elements, which memory gives as one burst. */
enum { ST_SAMPLE_PIECE = 64 };

/*
 * Columns that `first` compares with each other before it looks where they are, in short rows; four times as many from
 * ST_FIRST_LONG_ROW on.
 */
enum { ST_FIRST_BLOCK = 256, ST_FIRST_LONG_ROW = 1 << 14 };

typedef struct st_cpu_kernels {
    st_isa isa;
    /* Appends to out, in order, the entries with a key in [low, high]; out has room for count. Returns how many. */
    size_t (*collect_narrow)(const st_order *order, const void *elements, ptrdiff_t stride, size_t count, uint64_t first,
                             uint64_t mask, uint64_t low, uint64_t high, st_narrow *out);
    size_t (*collect_wide)(const st_order *order, const void *elements, ptrdiff_t stride, size_t count, uint64_t first,
                           uint64_t mask, uint64_t low, uint64_t high, st_wide *out);
    size_t (*collect_carried)(const st_order *order, const void *elements, size_t count, uint64_t first, uint64_t mask,
                              uint64_t low, uint64_t high, st_carried *out);
    /*
     * The same for the `blocks` blocks of `block` elements that `numbers` names, with keys up to high. block is a power of two
     * from 64 on; out has room for all of their elements.
     */
    size_t (*listed_narrow)(const st_order *order, const void *elements, size_t block, const uint32_t *numbers, size_t blocks,
                            uint64_t first, uint64_t mask, uint64_t high, st_narrow *out);
    size_t (*listed_wide)(const st_order *order, const void *elements, size_t block, const uint32_t *numbers, size_t blocks,
                          uint64_t first, uint64_t mask, uint64_t high, st_wide *out);
    /* Ranks short rows at once. Returns a bit for each whose answer must be found otherwise. NULL where there is none such. */
    uint32_t (*rank_lanes)(const st_lane_rows *job);
    size_t lanes; /* most rows that it takes */
    /* The same for rows of ST_FEW_LEAST_COLUMNS to ST_FEW_COLUMNS, 16 at most, with hi <= ST_FEW. It does not stream. */
    uint32_t (*rank_few)(const st_lane_rows *job);
    /* How many keys lie in [low, high]. */
    size_t (*count)(const st_order *order, const void *elements, ptrdiff_t stride, size_t count, uint64_t low, uint64_t high);
    /* Adds to counts[key >> shift]; the caller chooses shift so that the digit is below ST_DIGITS. */
    void (*histogram)(const st_order *order, const void *elements, ptrdiff_t stride, size_t count, uint32_t shift,
                      uint64_t counts[ST_DIGITS]);
    /*
     * A bound from a sample: every step-th piece of ST_SAMPLE_PIECE columns is read, whole pieces alone, and the elements
     * read are dealt out in turn to `groups` groups. Returns a key that the least keys of at least `rank` groups, and of few
     * more, do not exceed. groups is a power of two, no less than a piece and no more than what is read; 0 < rank <= groups;
     * step >= 1; room for `groups` words.
     */
    uint64_t (*bound)(const st_order *order, const void *elements, ptrdiff_t stride, size_t count, size_t step, size_t groups,
                      size_t rank, uint64_t *room);
    /*
     * One pass over `blocks` blocks of `block` elements: sets *high to a key that at least hi elements do not exceed, and lists
     * the blocks that may hold one of the hi best. Returns how many are listed. There are at least 4 hi, and at least 64,
     * elements in as many cache lines as there are blocks; list has room for blocks + 1, room for st_cpu_promising_words.
     */
    size_t (*promising_blocks)(const st_order *order, const void *elements, size_t block, size_t blocks, size_t hi,
                               uint64_t *high, uint32_t *list, uint64_t *room);
    int lists_fast; /* whether going through its blocks costs little beside reading */
    /*
     * The position of the first element of the least key, which is *key; count (and any *key) where it is best found
     * otherwise. count is from ST_FIRST_BLOCK to INT32_MAX. NULL where there is none such.
     */
    size_t (*first)(const st_order *order, const void *elements, size_t count, uint64_t *key);
    /* The position of the first NaN; count where there is none. */
    size_t (*find_nan)(const st_order *order, const void *elements, ptrdiff_t stride, size_t count);
    /*
     * Writes the elements and the columns of entries that were collected with mask 0, in their order; values or indices may be
     * NULL, index_size is 4 or 8. An element comes from its key, and is read again only where others have the same key. No
     * such kernel (NULL) for 64-bit keys, which narrow entries do not hold.
     */
    void (*emit)(const st_order *order, const void *elements, ptrdiff_t stride, const st_narrow *entries, size_t count, void *values,
                 void *indices, size_t index_size);
    /* The same for every width: entry.h's st_narrow_select and st_narrow_sort. */
    void (*select_narrow)(st_narrow *entries, size_t count, size_t k);
    void (*sort_narrow)(st_narrow *entries, size_t count);
    /* Brings the k <= count first to the front, ascending; the others come behind them in no order. */
    void (*sort_first_narrow)(st_narrow *entries, size_t count, size_t k);
    /* The same, sooner where entries are many, with room for `count` more. NULL where there is none such. */
    void (*sort_first_apart_narrow)(st_narrow *entries, size_t count, size_t k, st_narrow *room);
} st_cpu_kernels;

/* 64-bit words that promising_blocks needs: a cache line a block, and no more groups than that has keys. */
static inline size_t st_cpu_promising_words(size_t blocks) { return 16 * blocks; }

/* How many least keys a bound may let through where `rank` must pass: to look for a closer one takes longer. */
static inline size_t st_cpu_enough(size_t rank) { return rank + rank / 8 + 2; }

/* Key widths of 8, 16, 32 and 64 bits are classes 0 to 3. */
enum { ST_CPU_CLASSES = 4 };
static inline int st_cpu_class(uint32_t bits) { return bits == 8 ? 0 : bits == 16 ? 1 : bits == 32 ? 2 : 3; }

typedef struct st_cpu_table {
    st_cpu_kernels of_class[ST_CPU_CLASSES];
} st_cpu_table;

/* Fills the table with portable kernels, then overwrites them by rising instruction set. */
void st_cpu_kernels_fill(uint32_t isas, st_cpu_table *table);

/* One per instruction set that this architecture has. */
void st_cpu_fill_portable(st_cpu_table *table);
void st_cpu_fill_avx2(st_cpu_table *table);
void st_cpu_fill_avx512(st_cpu_table *table);
void st_cpu_fill_neon(st_cpu_table *table);

#endif
