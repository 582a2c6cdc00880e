/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* scanner.h - the kernels that streams and counting passes are handed, so that this room needs no instruction set. */
#ifndef ST_RANK_SCANNER_H
#define ST_RANK_SCANNER_H

#include "rank/entry.h"
#include "rank/order.h"

/*
 * collect: appends to out the entries of elements[0 .. count) whose key is in [low, high], in order; the index of element
 * i is (first + i) XOR mask. out has room for count. Returns how many.
 * find_nan: the position of the first NaN among count elements, `stride` elements apart; count where there is none.
 * histogram: adds to counts[key >> shift] for each element; the caller's shift leaves at most ST_SCANNER_DIGIT_BITS bits.
 */
enum { ST_SCANNER_DIGIT_BITS = 11 };

typedef struct st_scanner {
    size_t (*collect)(const st_order *order, const void *elements, size_t count, uint64_t first, uint64_t mask, uint64_t low,
                      uint64_t high, st_carried *out);
    size_t (*find_nan)(const st_order *order, const void *elements, ptrdiff_t stride, size_t count);
    void (*histogram)(const st_order *order, const void *elements, ptrdiff_t stride, size_t count, uint32_t shift,
                      uint64_t counts[1 << ST_SCANNER_DIGIT_BITS]);
} st_scanner;

#endif
