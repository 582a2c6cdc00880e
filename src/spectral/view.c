/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* view.c - strided views: checking one, and the elements of its positions. */
#include "spectral/view.h"

#include "base/checked.h"
#include "base/fail.h"

st_status st_view_check(const st_view *view, int64_t elements, int64_t *positions) {
    if (view->dimensions < 0 || view->dimensions > ST_VIEW_DIMENSIONS)
        return st_fail(ST_E_ARGUMENT, "a view has 0 to %d dimensions, not %d", ST_VIEW_DIMENSIONS, view->dimensions);
    int64_t count = 1, lowest = view->base, highest = view->base;
    for (int32_t i = 0; i < view->dimensions; i++) {
        if (view->extents[i] < 0) return st_fail(ST_E_ARGUMENT, "dimension %d: extent %lld is negative", i, (long long)view->extents[i]);
        if (view->extents[i] == 0) count = 0;
    }
    *positions = count;
    if (count == 0) return ST_OK;
    for (int32_t i = 0; i < view->dimensions; i++) {
        int64_t reach;
        const int fits = st_multiply_i64(count, view->extents[i], &count) && count <= UINT32_MAX &&
                         st_multiply_i64(view->extents[i] - 1, view->strides[i], &reach) &&
                         st_add_i64(reach < 0 ? lowest : highest, reach, reach < 0 ? &lowest : &highest);
        if (!fits) return st_fail(ST_E_ARGUMENT, "dimension %d: positions or elements are beyond 32 bits", i);
    }
    if (lowest < 0 || highest >= elements || highest > UINT32_MAX)
        return st_fail(ST_E_ARGUMENT, "the view reaches elements %lld to %lld of %lld", (long long)lowest, (long long)highest,
                       (long long)elements);
    *positions = count;
    return ST_OK;
}

void st_view_index(const st_view *view, int64_t first, int64_t count, int64_t segment_length, uint32_t *elements, uint32_t *segments) {
    for (int64_t i = 0; i < count; i++) {
        int64_t left = first + i, element = view->base;
        for (int32_t dimension = view->dimensions; dimension-- > 0;) {
            element += left % view->extents[dimension] * view->strides[dimension];
            left /= view->extents[dimension];
        }
        if (elements != NULL) elements[i] = (uint32_t)element;
        if (segments != NULL) segments[i] = (uint32_t)((first + i) / segment_length);
    }
}
