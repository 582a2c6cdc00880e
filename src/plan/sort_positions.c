/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* sort_positions.c - heap sort (Knuth, TAOCP 5.2.3): in place, and never slower than n log n. */
#include "plan/sort_positions.h"

static void sift(int32_t *heap, int32_t at, int32_t count, st_position_order order, const void *items) {
    const int32_t moved = heap[at];
    for (;;) {
        int32_t child = 2 * at + 1;
        if (child >= count) break;
        if (child + 1 < count && order(items, heap[child], heap[child + 1]) < 0) child++;
        if (order(items, moved, heap[child]) >= 0) break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moved;
}

void st_sort_positions(int32_t *positions, int32_t count, st_position_order order, const void *items) {
    for (int32_t at = count / 2 - 1; at >= 0; at--) sift(positions, at, count, order, items);
    for (int32_t last = count - 1; last > 0; last--) {
        const int32_t greatest = positions[0];
        positions[0] = positions[last];
        positions[last] = greatest;
        sift(positions, 0, last, order, items);
    }
}
