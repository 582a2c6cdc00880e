/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* sort_positions.h - positions, sorted by what stands there. */
#ifndef ST_PLAN_SORT_POSITIONS_H
#define ST_PLAN_SORT_POSITIONS_H

#include <stdint.h>

/* Below, at or above 0: the order of what stands at two positions. */
typedef int (*st_position_order)(const void *items, int32_t a, int32_t b);

/* Sorts count positions; those that compare equal come in any order. In place: libc's sort may allocate. */
void st_sort_positions(int32_t *positions, int32_t count, st_position_order order, const void *items);

#endif
