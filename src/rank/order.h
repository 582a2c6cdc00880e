/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * order.h - a total order as unsigned keys: an element's bits become a key, and ascending keys are the output's order.
 *
 * Equal values get equal keys (-0 becomes +0, every NaN one key), so (key, index) orders every row without ties, in both
 * directions. A float's magnitude bits order like its magnitude, so a positive float needs its sign bit set and a
 * negative one all its bits flipped (the usual radix-sort map); descending is the complement.
 */
#ifndef ST_RANK_ORDER_H
#define ST_RANK_ORDER_H

#include <stdint.h>

#include "spiraltorch/dtype.h"

typedef struct st_order {
    uint32_t bits;          /* width of an element: 8, 16, 32 or 64 */
    uint64_t mask;          /* the low `bits` bits set */
    uint64_t negative_fill; /* XORed into elements whose top bit is set; 0 for integers */
    uint64_t flip;          /* XORed into every element */
    uint64_t infinity;      /* a magnitude above it is NaN; all ones for integers, which have none */
    uint64_t negative_zero; /* bits that stand for zero; 0 for integers */
    uint64_t nan_key;       /* the key of every NaN */
} st_order;

/* The order of a dtype in one direction under a NaN rule (ST_NAN_ERROR orders as ST_NAN_GREATEST). */
st_order st_order_of(st_dtype dtype, int descending, int32_t nan_rule);

/* The complement: what came last comes first. With complemented indices too, the reverse of the whole order. */
st_order st_order_reversed(st_order order);

/* The bits of the element at `element`. */
uint64_t st_element_bits(const void *element, uint32_t bits);

/*
 * An element's bits, folded: a negative float's magnitude is complemented, so that folded bits order as signed integers (as
 * unsigned ones for unsigned types), NaNs at both ends and -0 just before +0.
 */
typedef struct st_fold_range {
    uint64_t start, width;
} st_fold_range;

/*
 * The elements with a key in [low, high] as one range of folded bits: those with (folded - start) mod 2^bits <= width.
 * There is one, because the ends of the folded order meet modulo 2^bits, where the NaNs are. Returns 0 where no element has
 * such a key; low <= high.
 */
int st_order_range(const st_order *order, uint64_t low, uint64_t high, st_fold_range *range);

/* The key of an element's bits. */
static inline uint64_t st_key_of(const st_order *order, uint64_t bits) {
    const uint64_t magnitude = bits & (order->mask >> 1);
    if (magnitude > order->infinity) return order->nan_key;
    if (bits == order->negative_zero) bits = 0;
    const uint64_t negative = bits >> (order->bits - 1) ? order->negative_fill : 0;
    return bits ^ negative ^ order->flip;
}

#endif
