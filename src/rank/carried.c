/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* carried.c - window, order and output of carried entries. */
#include "rank/carried.h"

#include <string.h>

void st_carried_window(st_carried *entries, size_t count, size_t lo, size_t hi, int unsorted, uint64_t mask) {
    st_carried_select(entries, count, hi);
    st_carried_select(entries, hi, lo);
    if (unsorted) /* selection is over, so the keys are free to carry the order wanted */
        for (size_t i = lo; i < hi; i++) entries[i].key = entries[i].index ^ mask;
    st_carried_sort(entries + lo, hi - lo);
}

void st_carried_emit(const st_carried *entries, size_t count, uint32_t bits, uint64_t mask, void *values, int64_t *indices) {
    const size_t size = bits / 8;
    for (size_t i = 0; i < count; i++) {
        if (indices != NULL) indices[i] = (int64_t)(entries[i].index ^ mask);
        if (values == NULL) continue;
        const uint64_t wide = entries[i].bits;
        const uint32_t word = (uint32_t)wide;
        const uint16_t half = (uint16_t)wide;
        const uint8_t byte = (uint8_t)wide;
        const void *from = bits == 64 ? (const void *)&wide : bits == 32 ? (const void *)&word : bits == 16 ? (const void *)&half : &byte;
        memcpy((char *)values + i * size, from, size);
    }
}
