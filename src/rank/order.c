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
