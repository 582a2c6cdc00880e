/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* order.c - the constants of each dtype's order. */
#include "rank/order.h"

#include <string.h>

#include "spiraltorch/rank.h"

st_order st_order_of(st_dtype dtype, int descending, int32_t nan_rule) {
    st_order order = {.bits = (uint32_t)st_dtype_size(dtype) * 8};
    order.mask = order.bits == 64 ? UINT64_MAX : ((uint64_t)1 << order.bits) - 1;
    order.infinity = UINT64_MAX;
    const uint64_t top = (uint64_t)1 << (order.bits - 1);
    switch (dtype) {
        case ST_F32: order.infinity = 0x7f800000u; break;
        case ST_F64: order.infinity = (uint64_t)0x7ff << 52; break;
        case ST_F16: order.infinity = 0x7c00u; break;
        case ST_BF16: order.infinity = 0x7f80u; break;
        case ST_U8: case ST_U16: case ST_U32: case ST_U64: break;
        default: order.flip = top; break;
    }
    if (order.infinity != UINT64_MAX) {
        order.flip = top;
        order.negative_fill = top - 1;
        order.negative_zero = top;
    }
    if (descending) order.flip ^= order.mask;
    const int nan_last = nan_rule == ST_NAN_LAST || (nan_rule == ST_NAN_LEAST) == (descending != 0);
    order.nan_key = nan_last ? order.mask : 0;
    return order;
}

st_order st_order_reversed(st_order order) {
    order.flip ^= order.mask;
    order.nan_key ^= order.mask;
    return order;
}

int st_order_range(const st_order *order, uint64_t low, uint64_t high, st_fold_range *range) {
    const int descending = (int)(order->flip & 1); /* it complements every bit, and nothing else sets the lowest */
    uint64_t from = low, to = high;
    if (order->negative_zero != 0) {
        /* Plain keys: without the one key for every NaN, and with -0 beside +0. Numbers are those from `first` to `last`. */
        const uint64_t top = order->negative_zero, zero = order->flip;
        const uint64_t minus_zero = descending ? zero + 1 : zero - 1;
        const uint64_t plus = order->infinity ^ order->flip, minus = (order->infinity | top) ^ order->negative_fill ^ order->flip;
        const uint64_t first = plus < minus ? plus : minus, last = plus < minus ? minus : plus;
        const int nan = low <= order->nan_key && order->nan_key <= high;
        if (from < first) from = first;
        if (to > last) to = last;
        /* Both zeros have the key of +0. */
        if (descending && to == zero) to = minus_zero;
        else if (!descending && to == minus_zero) to--;
        if (!descending && from == zero) from = minus_zero;
        else if (descending && from == minus_zero) from++;
        const int number = from <= to;
        if (!number && !nan) return 0;
        if (nan && (!number || order->nan_key == 0)) from = last + 1;
        if (nan && (!number || order->nan_key != 0)) to = first - 1;
    }
    range->start = ((descending ? to : from) ^ order->flip) & order->mask;
    range->width = (to - from) & order->mask;
    return 1;
}

uint64_t st_element_bits(const void *element, uint32_t bits) {
    uint8_t byte;
    uint16_t half;
    uint32_t word;
    uint64_t wide;
    switch (bits) {
        case 8: memcpy(&byte, element, 1); return byte;
        case 16: memcpy(&half, element, 2); return half;
        case 32: memcpy(&word, element, 4); return word;
        default: memcpy(&wide, element, 8); return wide;
    }
}
