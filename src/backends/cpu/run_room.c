/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* run_room.c - pieces of rows, and what the workspace holds. */
#include "backends/cpu/run_room.h"

#include "backends/cpu/run.h"
#include "base/checked.h"
#include "device/normalise.h"
#include "rank/window.h"

/* Pieces of a row are no shorter than this, but for the last. */
enum { LEAST_PIECE = 1024 };

/*
 * A split row's window is searched for by its keys where a piece would have to keep this many candidates or more, and the
 * row is long enough for what a worker needs for that to be small beside it.
 */
enum { BY_KEYS = 2048, LEAST_BY_KEYS = 1 << 15 };

int st_cpu_searches_by_keys(const st_rank_request *request, const st_choice *choice) {
    const st_cpu_family family = st_cpu_family_of(choice);
    const size_t cols = (size_t)request->cols, pieces = (size_t)(choice->wg > 1 ? choice->wg : 1);
    if (family != ST_CPU_FILTER && family != ST_CPU_LANES && family != ST_CPU_RADIX) return 0; /* the others keep to what they are */
    const st_window window = st_window_of(request, cols);
    const size_t hi = window.hi < cols - window.lo ? window.hi : cols - window.lo, piece = (cols + pieces - 1) / pieces;
    return st_two_passes(request, choice) && (hi < piece ? hi : piece) >= BY_KEYS && cols >= LEAST_BY_KEYS;
}

int st_cpu_pieces(const st_rank_request *request, const st_choice *choice) {
    if (!st_two_passes(request, choice)) return 1;
    const int64_t most = request->cols / LEAST_PIECE + 1;
    return (int)(choice->wg < most ? choice->wg : most);
}

int st_cpu_ranks_in_lanes(const st_rank_request *request) {
    if (request->cols > ST_LANE_COLUMNS || request->col_stride != 1) return 0;
    const st_window window = st_window_of(request, (size_t)request->cols);
    /* Lanes rank from the nearer end alone. */
    return request->order != ST_UNSORTED && (window.lo == 0 || window.hi <= (size_t)request->cols - window.lo);
}

/* What many rows take together is hardly more than that of one: of fewer rows, each is ranked sooner by itself. */
enum { LEAST_FEW_ROWS = 4 };

int st_cpu_ranks_few(const st_rank_request *request) {
    const size_t cols = (size_t)request->cols;
    if (cols < ST_FEW_LEAST_COLUMNS || cols > ST_FEW_COLUMNS || request->col_stride != 1 || request->rows < LEAST_FEW_ROWS) return 0;
    const st_window window = st_window_of(request, cols);
    /* Of more columns, what is wanted beyond the lanes is found as soon row by row. */
    const size_t most = cols <= ST_FEW_COLUMNS / 2 ? ST_FEW : ST_FEW_IN_LANES;
    return request->order != ST_UNSORTED && window.hi <= most && window.hi <= cols - window.lo;
}

const st_cpu_shape st_cpu_one_row = {ST_CPU_FILTER, ST_LANE_COLUMNS, ST_LANE_COLUMNS, 1};

static size_t round_up(size_t bytes, size_t unit) { return bytes > SIZE_MAX - unit ? SIZE_MAX : (bytes + unit - 1) / unit * unit; }

st_cpu_room st_cpu_room_of(const st_rank_request *request, const st_choice *choice) {
    st_cpu_room room = {.bytes = SIZE_MAX};
    const size_t cols = (size_t)request->cols;
    const st_window window = st_window_of(request, cols);
    const st_cpu_shape shape = st_cpu_shape_of(choice);
    /* Over all lengths up to cols, the candidates kept from the nearer end are at most this many. */
    room.hi = window.hi < cols - window.lo ? window.hi : cols - window.lo;
    room.wide = st_dtype_size(request->dtype) == 8 || cols > UINT32_MAX;
    room.segments = st_cpu_pieces(request, choice);
    room.by_keys = st_cpu_searches_by_keys(request, choice);
    room.splits = room.segments > 1 || room.by_keys;
    const int64_t shares = room.splits ? room.segments : request->rows; /* what can be worked on at once */
    room.workers = (int)(request->threads < shares ? request->threads : shares);
    room.piece = (cols + (size_t)room.segments - 1) / (size_t)room.segments;
    const size_t piece_hi = room.hi < room.piece ? room.hi : room.piece;
    if (room.by_keys) {
        room.split = st_cpu_split_of(room.wide, cols, window.hi - window.lo, room.workers);
        room.bytes = room.split.bytes;
        return room;
    }
    const size_t entry = room.wide ? sizeof(st_wide) : sizeof(st_narrow);
    room.scratch_bytes = round_up(st_cpu_select_bytes(&shape, room.wide, room.piece, piece_hi), 64);
    if (shape.family == ST_CPU_BITONIC && st_cpu_ranks_in_lanes(request)) {
        const size_t bytes = round_up(st_cpu_select_bytes(&st_cpu_one_row, room.wide, cols, room.hi), 64);
        if (room.scratch_bytes < bytes) room.scratch_bytes = bytes;
    }
    size_t survivors = 0;
    if (room.scratch_bytes == SIZE_MAX || !st_multiply_size(room.scratch_bytes, (size_t)room.workers, &room.survivors_at)) return room;
    if (room.segments > 1 && (!st_multiply_size(piece_hi, (size_t)room.segments, &survivors) ||
                              !st_multiply_size(survivors, entry, &survivors)))
        return room;
    size_t bytes;
    if (!st_add_size(room.survivors_at, round_up(survivors, 64), &room.counts_at) ||
        !st_add_size(room.counts_at, round_up(sizeof(size_t) * (size_t)room.segments, 64), &bytes))
        return room;
    room.bytes = bytes;
    return room;
}

size_t st_cpu_run_bytes(const st_rank_request *request, const st_choice *choice) {
    return st_cpu_room_of(request, choice).bytes;
}
