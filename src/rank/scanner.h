/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* scanner.h - the two kernels that a stream is handed, so that this room needs no instruction set. */
#ifndef ST_RANK_SCANNER_H
#define ST_RANK_SCANNER_H

#include "rank/entry.h"
#include "rank/order.h"

/*
 * collect: appends to out the entries of elements[0 .. count) whose key is in [low, high], in order; the index of element
 * i is (first + i) XOR mask. out has room for count. Returns how many.
 * find_nan: the position of the first NaN among count elements, `stride` elements apart; count where there is none.
 */
typedef struct st_scanner {
    size_t (*collect)(const st_order *order, const void *elements, size_t count, uint64_t first, uint64_t mask, uint64_t low,
                      uint64_t high, st_carried *out);
    size_t (*find_nan)(const st_order *order, const void *elements, ptrdiff_t stride, size_t count);
} st_scanner;

#endif
