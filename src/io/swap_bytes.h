/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* swap_bytes.h - elements of the other byte order turned round in place. */
#ifndef ST_IO_SWAP_BYTES_H
#define ST_IO_SWAP_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ST_SWAP_LOOP(type, swap)                                                                                       \
    for (size_t at = 0; at + sizeof(type) <= bytes; at += sizeof(type)) {                                              \
        type one;                                                                                                      \
        memcpy(&one, (char *)elements + at, sizeof one);                                                               \
        one = swap(one);                                                                                               \
        memcpy((char *)elements + at, &one, sizeof one);                                                               \
    }

/* Any alignment; size is 1, 2, 4 or 8. */
static inline void st_swap_bytes(void *elements, size_t bytes, size_t size) {
    if (size == 2) ST_SWAP_LOOP(uint16_t, __builtin_bswap16)
    if (size == 4) ST_SWAP_LOOP(uint32_t, __builtin_bswap32)
    if (size == 8) ST_SWAP_LOOP(uint64_t, __builtin_bswap64)
}

#undef ST_SWAP_LOOP

#endif
