/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * wide_proxies.h - how 64-bit keys become proxies (rows_in_lanes.inc) of 64 bits. A proxy is the pattern of a positive normal
 * double, since minima and maxima of doubles are what every processor has, and fast; so it has 62 bits of its own. Keys that
 * lie close together, as those of most integers do, are counted from a base below them, and lose nothing; others lose their
 * low bits.
 */
#ifndef ST_CPU_WIDE_PROXIES_H
#define ST_CPU_WIDE_PROXIES_H

#include <stdint.h>

#define ST_LEAST_PROXY ((uint64_t)1 << 52) /* the least normal double */
#define ST_LAST_PROXY (((uint64_t)0x7ff << 52) - 1) /* the greatest finite one */
enum { ST_WIDE_PROXY_BITS = 62 };

/* proxy = ST_LEAST_PROXY + ((key - base) >> right << left) + column */
typedef struct st_wide_proxies {
    uint64_t base;
    int right, left;
    int is_exact;    /* right is 0 */
    uint64_t beyond; /* bits that no offset from the base may have, if this is exact; else those that keys lose */
} st_wide_proxies;

/* For columns of so many bits, without a loss for keys near this one, on either side as far as there are keys. */
static inline st_wide_proxies st_exact_proxies(int column_bits, uint64_t key) {
    const uint64_t offsets = (uint64_t)1 << (ST_WIDE_PROXY_BITS - column_bits), most = -offsets;
    const uint64_t base = key < offsets / 2 ? 0 : key - offsets / 2;
    return (st_wide_proxies){base < most ? base : most, 0, column_bits, 1, -offsets};
}

/* For any keys. */
static inline st_wide_proxies st_lossy_proxies(int column_bits) {
    const int lost = column_bits + 64 - ST_WIDE_PROXY_BITS;
    return (st_wide_proxies){0, lost, column_bits, 0, ((uint64_t)1 << lost) - 1};
}

#endif
