/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* order_key.c - elements as whole numbers that sort in the order of the output. */
#include "order_key.h"

#include <string.h>

/*
 * Both zeros are one; a negative number's bits are turned over, a positive one's lie above them. NaN never reaches 0 or
 * ones.
 */
#define FLOAT_KEYS(bits_type, width, infinity)                                                                         \
    for (int64_t i = 0; i < count; i++) {                                                                              \
        bits_type bits;                                                                                                \
        memcpy(&bits, (const char *)elements + i * (int64_t)sizeof bits, sizeof bits);                                 \
        const uint64_t sign = (uint64_t)1 << ((width)-1);                                                              \
        const uint64_t size = bits & (sign - 1);                                                                       \
        const uint64_t key = size == 0 ? sign : (bits & sign) ? sign - 1 - size : sign | size;                         \
        keys[i] = size > (infinity) ? order->nan : key ^ order->flip;                                                  \
    }

#define INTEGER_KEYS(bits_type, offset)                                                                                \
    for (int64_t i = 0; i < count; i++) {                                                                              \
        bits_type bits;                                                                                                \
        memcpy(&bits, (const char *)elements + i * (int64_t)sizeof bits, sizeof bits);                                 \
        keys[i] = ((uint64_t)bits ^ (offset)) ^ order->flip;                                                           \
    }

st_order_key st_order_key_of(st_dtype dtype, int32_t descending, int32_t nan_rule) {
    st_order_key order = {.dtype = dtype, .bits = 8 * (int32_t)st_dtype_size(dtype)};
    uint64_t ones = UINT64_MAX >> (64 - order.bits);
    order.flip = descending ? ones : 0;
    order.nan = nan_rule == ST_NAN_LEAST ? order.flip : nan_rule == ST_NAN_LAST ? ones : ones ^ order.flip;
    return order;
}

void st_order_keys(const st_order_key *order, const void *elements, int64_t count, uint64_t *keys) {
    switch (order->dtype) {
    case ST_F32: FLOAT_KEYS(uint32_t, 32, 0x7f800000u) break;
    case ST_F64: FLOAT_KEYS(uint64_t, 64, 0x7ff0000000000000u) break;
    case ST_F16: FLOAT_KEYS(uint16_t, 16, 0x7c00u) break;
    case ST_BF16: FLOAT_KEYS(uint16_t, 16, 0x7f80u) break;
    case ST_I8: INTEGER_KEYS(uint8_t, 0x80u) break;
    case ST_U8: INTEGER_KEYS(uint8_t, 0u) break;
    case ST_I16: INTEGER_KEYS(uint16_t, 0x8000u) break;
    case ST_U16: INTEGER_KEYS(uint16_t, 0u) break;
    case ST_I32: INTEGER_KEYS(uint32_t, 0x80000000u) break;
    case ST_U32: INTEGER_KEYS(uint32_t, 0u) break;
    case ST_I64: INTEGER_KEYS(uint64_t, (uint64_t)1 << 63) break;
    default: INTEGER_KEYS(uint64_t, 0u) break;
    }
}
