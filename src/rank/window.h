/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* window.h - which ranks of a row a request asks for. */
#ifndef ST_RANK_WINDOW_H
#define ST_RANK_WINDOW_H

#include <stddef.h>

#include "spiraltorch/rank.h"

/* Ranks [lo, hi) of a row, in one direction; hi is at most the row's length. */
typedef struct st_window {
    size_t lo, hi;
    int descending;
} st_window;

/* The window of a validated request in a row of `length` elements. */
static inline st_window st_window_of(const st_rank_request *request, size_t length) {
    const size_t k = (size_t)request->k < length ? (size_t)request->k : length;
    st_window window = {0, k, request->kind == ST_TOPK};
    if (request->kind == ST_MIDK) {
        window.lo = (length - k) / 2;
        window.hi = window.lo + k;
    } else if (request->kind == ST_WINDOW) {
        window.lo = (size_t)request->lo < length ? (size_t)request->lo : length;
        window.hi = (size_t)request->hi < length ? (size_t)request->hi : length;
        window.descending = request->descending != 0;
    }
    return window;
}

#endif
