/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* view.h - strided views of up to 8 dimensions: which element stands at a position, and in which segment that lies. */
#ifndef ST_SPECTRAL_VIEW_H
#define ST_SPECTRAL_VIEW_H

#include <stdint.h>

#include "spiraltorch/status.h"

enum { ST_VIEW_DIMENSIONS = 8 };

/*
 * Position p of a view, counted with the last dimension fastest, has a coordinate in each dimension; its element is base plus
 * the coordinates times the strides. Strides may be negative or 0, and elements may be met more than once.
 */
typedef struct st_view {
    int32_t dimensions;                   /* 0 to ST_VIEW_DIMENSIONS; 0: one position */
    int64_t base;                         /* of coordinate 0 everywhere, in elements */
    int64_t extents[ST_VIEW_DIMENSIONS];  /* 0: there are no positions */
    int64_t strides[ST_VIEW_DIMENSIONS];  /* in elements */
} st_view;

/*
 * Checks that a view's extents are not negative and that its elements lie in [0, elements), and counts its positions; those
 * and the elements are fewer than 2^32, since they are written in 32 bits. ST_E_ARGUMENT names the dimension.
 */
st_status st_view_check(const st_view *view, int64_t elements, int64_t *positions);

/*
 * For each of `count` positions of a checked view from `first` on, its element and its segment: the position divided by the
 * segment length, which is at least 1. Either output may be NULL. What devices are compared with.
 */
void st_view_index(const st_view *view, int64_t first, int64_t count, int64_t segment_length, uint32_t *elements, uint32_t *segments);

#endif
