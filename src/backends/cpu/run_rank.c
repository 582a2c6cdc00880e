/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* run_rank.c - a batch of rows: one worker a row, or, where the Choice splits rows, all workers on one row at a time. */
#include <stdatomic.h>
#include <string.h>

#include "backends/cpu/float_state.h"
#include "backends/cpu/output.h"
#include "backends/cpu/run.h"
#include "backends/cpu/run_room.h"
#include "backends/cpu/select.h"
#include "backends/cpu/split.h"
#include "base/fail.h"
#include "base/pool.h"
#include "rank/window.h"

/* Elements that make sharing rows out worth the some microseconds that waking another thread costs. */
enum { LEAST_SHARED = 1 << 15 };

/* Elements of an item, so that handing it out costs little beside it, and the last one to end is soon over. */
enum { ITEM_ELEMENTS = 1 << 13 };

/* Rows of an item at least, where the first sixteen tell how the others are best ranked. */
enum { LEARNT_ROWS = 64 };

/* Elements of a split row that are searched for NaN at a time. */
enum { NAN_ELEMENTS = 1 << 15 };

/* Bytes of output from which on short rows' are written past the caches, which they would only displace the input from. */
enum { STREAMED = 1 << 24 };

/* A split row's window is sorted and written in parts of at least this many. */
enum { LEAST_PART = 1024 };

struct job {
    const st_rank_request *request;
    const st_rank_buffers *buffers;
    const st_cpu_kernels *kernels;
    st_cpu_shape shape;
    st_cpu_room room;
    st_order near_order, far_order;
    char *workspace;
    int64_t width, rows_per_item;
    uint32_t (*together)(const st_lane_rows *rows); /* kernels.h's rank_lanes or rank_few; NULL: rows are ranked one by one */
    int streams; /* their outputs are more than caches hold */
    size_t size, index_size; /* bytes of an element, and of an index in the output */
    _Atomic int64_t nan_row; /* lowest row with a NaN so far; INT64_MAX */
    /* Rows that are not split: what all have in common, where they are of one length. Else the row that is split now. */
    st_cpu_row row;
    st_cpu_selection selection;
    size_t lo, hi;
    int64_t position;
    char *window; /* its entries, in parts that follow each other */
    size_t count;
    int parts;
};

static char *value_at(const struct job *job, int64_t position, size_t at) {
    return (char *)job->buffers->values + ((size_t)(position * job->buffers->values_stride) + at) * job->size;
}

static char *index_at(const struct job *job, int64_t position, size_t at) {
    return (char *)job->buffers->indices + ((size_t)(position * job->buffers->indices_stride) + at) * job->index_size;
}

/* Writes `count` columns of the row at a position of the output, from `at` on. */
static void write_columns(const struct job *job, int64_t position, const char *first, const uint64_t *columns, size_t at, size_t count) {
    const st_rank_request *request = job->request;
    if (request->outputs & ST_OUT_VALUES)
        st_cpu_gather(first, (ptrdiff_t)request->col_stride, job->size, columns, count, value_at(job, position, at));
    if (request->outputs & ST_OUT_INDICES)
        st_cpu_write_indices(columns, count, request->index_dtype, index_at(job, position, at));
}

/* Fills what a short row leaves of its output: zeros, and -1. */
static void fill_rest(const struct job *job, int64_t position, size_t count) {
    const size_t rest = (size_t)job->width - count;
    if (rest == 0) return;
    if (job->request->outputs & ST_OUT_VALUES) memset(value_at(job, position, count), 0, rest * job->size);
    if (job->request->outputs & ST_OUT_INDICES) memset(index_at(job, position, count), 0xff, rest * job->index_size);
}

/*
 * The lists were checked, but another thread may have changed them since: each number is read once, and kept within the
 * input.
 */
static int64_t row_at(const struct job *job, int64_t position) {
    if (job->buffers->row_list == NULL) return position;
    const int64_t number = *(const volatile int64_t *)&job->buffers->row_list[position];
    return number < 0 || number >= job->request->rows ? 0 : number;
}

static size_t length_of(const struct job *job, int64_t number) {
    if (job->buffers->lengths == NULL) return (size_t)job->request->cols;
    const int64_t length = *(const volatile int64_t *)&job->buffers->lengths[number];
    return length < 0 || length > job->request->cols ? 0 : (size_t)length;
}

static const char *elements_of(const struct job *job, int64_t number) {
    return (const char *)job->buffers->input + number * job->request->row_stride * (int64_t)job->size;
}

/* Sets up the row at a position of the output, from the nearer end; returns the elements of its window. */
static size_t open_row(const struct job *job, int64_t position, st_cpu_row *row, size_t *lo, size_t *hi) {
    const st_rank_request *request = job->request;
    const int64_t number = row_at(job, position);
    const size_t length = length_of(job, number);
    const st_window window = st_window_of(request, length);
    const int far_end = length - window.lo < window.hi;
    *lo = far_end ? length - window.hi : window.lo;
    *hi = far_end ? length - window.lo : window.hi;
    *row = (st_cpu_row){.kernels = job->kernels,
                        .order = far_end ? job->far_order : job->near_order,
                        .elements = elements_of(job, number),
                        .stride = (ptrdiff_t)request->col_stride,
                        .length = length,
                        .mask = far_end ? UINT64_MAX : 0,
                        .wide = job->room.wide};
    return window.hi - window.lo;
}

/* The same for a row that one worker ranks. */
static st_cpu_selection prepare_row(const struct job *job, int64_t position, const st_cpu_shape *shape, st_cpu_row *row) {
    size_t lo, hi;
    open_row(job, position, row, &lo, &hi);
    row->ascending = job->request->order != ST_UNSORTED;
    return st_cpu_prepare(row, shape, lo, hi);
}

static void close_row(const struct job *job, int64_t position, const st_cpu_row *row, void *window, size_t count) {
    if (row->ascending && row->mask == 0 && !row->wide) {
        row->kernels->emit(&row->order, row->elements, row->stride, window, count,
                           job->request->outputs & ST_OUT_VALUES ? value_at(job, position, 0) : NULL,
                           job->request->outputs & ST_OUT_INDICES ? index_at(job, position, 0) : NULL, job->index_size);
        fill_rest(job, position, count);
        return;
    }
    const uint64_t *columns = st_cpu_columns(row, window, count, job->request->order == ST_UNSORTED);
    write_columns(job, position, row->elements, columns, 0, count);
    fill_rest(job, position, count);
}

static void rank_row(const struct job *job, int64_t position, const st_cpu_row *row, const st_cpu_selection *selection, char *scratch) {
    void *window = NULL;
    const size_t count = selection->hi > selection->lo ? st_cpu_select(row, selection, scratch, &window) : 0;
    close_row(job, position, row, window, count);
}

/* Rows [first, end), as many at once as there are lanes. */
static void rank_together(const struct job *job, int64_t first, int64_t end, char *scratch) {
    const st_rank_request *request = job->request;
    const int64_t lanes = (int64_t)job->kernels->lanes;
    const st_window window = st_window_of(request, (size_t)request->cols);
    st_lane_rows some = {.order = &job->near_order,
                         .row_stride = (ptrdiff_t)request->row_stride,
                         .columns = (size_t)request->cols,
                         .lo = window.lo,
                         .hi = window.hi,
                         .values_stride = (ptrdiff_t)job->buffers->values_stride,
                         .indices_stride = (ptrdiff_t)job->buffers->indices_stride,
                         .index_size = job->index_size,
                         .streams = job->streams};
    uint32_t (*together)(const st_lane_rows *rows) = job->together;
    int64_t rows;
    for (int64_t position = first; position < end; position += rows) {
        rows = end - position < lanes ? end - position : lanes;
        some.elements = elements_of(job, position);
        some.rows = (size_t)rows;
        if (request->outputs & ST_OUT_VALUES) some.values = value_at(job, position, 0);
        if (request->outputs & ST_OUT_INDICES) some.indices = index_at(job, position, 0);
        uint32_t wrong = together(&some);
        if (__builtin_popcount(wrong) > lanes / 4 && together != job->kernels->rank_lanes && st_cpu_ranks_in_lanes(request)) {
            together = job->kernels->rank_lanes; /* ties are nothing to it */
            wrong = together(&some);
        }
        if (__builtin_popcount(wrong) > lanes / 4) { /* so will the next be: data with ties, or whose keys differ in the last bits alone */
            rows = end - position;
            wrong = UINT32_MAX;
        }
        for (int64_t again = position; again < position + rows; again++) {
            if (again < position + lanes && (wrong >> (again - position) & 1) == 0) continue;
            st_cpu_row row;
            const st_cpu_selection selection = prepare_row(job, again, &job->shape, &row);
            rank_row(job, again, &row, &selection, scratch);
        }
    }
    /* Streamed stores are not ordered by the pool's signal. */
    if (job->streams) atomic_thread_fence(memory_order_seq_cst);
}

/* Where work begins on a thread, its float state is set aside: bounds and pivots are estimated with floats. */
static void rank_rows(void *argument, int64_t item, int32_t worker) {
    const uint32_t state = st_float_begin();
    const struct job *job = argument;
    char *scratch = job->workspace + (size_t)worker * job->room.scratch_bytes;
    const int64_t first = item * job->rows_per_item, rows = job->buffers->row_list_count;
    const int64_t end = first + job->rows_per_item < rows ? first + job->rows_per_item : rows;
    if (job->together != NULL) {
        rank_together(job, first, end, scratch);
        st_float_end(state);
        return;
    }
    st_cpu_row row = job->row;
    for (int64_t position = first; position < end; position++) {
        if (job->buffers->lengths != NULL) {
            const st_cpu_selection selection = prepare_row(job, position, &job->shape, &row);
            rank_row(job, position, &row, &selection, scratch);
            continue;
        }
        row.elements = elements_of(job, row_at(job, position));
        row.next = position + 1 < rows ? elements_of(job, row_at(job, position + 1)) : NULL;
        rank_row(job, position, &row, &job->selection, scratch);
    }
    st_float_end(state);
}

static size_t *survivor_counts(const struct job *job) { return (size_t *)(void *)(job->workspace + job->room.counts_at); }

/* The best `hi` of one piece of the row, copied to the front of the piece's own share of the survivors. */
static void rank_piece(void *argument, int64_t item, int32_t worker) {
    const uint32_t state = st_float_begin();
    const struct job *job = argument;
    const size_t entry = job->row.wide ? sizeof(st_wide) : sizeof(st_narrow);
    const size_t from = (size_t)item * job->room.piece, length = job->row.length;
    const size_t share = job->room.hi < job->room.piece ? job->room.hi : job->room.piece;
    survivor_counts(job)[item] = 0;
    if (from >= length) {
        st_float_end(state);
        return;
    }
    st_cpu_row piece = job->row;
    piece.elements = (const char *)piece.elements + (ptrdiff_t)from * piece.stride * (ptrdiff_t)(piece.order.bits / 8);
    piece.first = from;
    piece.length = length - from < job->room.piece ? length - from : job->room.piece;
    void *window = NULL;
    const size_t hi = job->hi < piece.length ? job->hi : piece.length;
    const st_cpu_selection selection = st_cpu_prepare(&piece, &job->shape, 0, hi);
    const size_t count = st_cpu_select(&piece, &selection, job->workspace + (size_t)worker * job->room.scratch_bytes, &window);
    memcpy(job->workspace + job->room.survivors_at + (size_t)item * share * entry, window, count * entry);
    survivor_counts(job)[item] = count;
    st_float_end(state);
}

/* The window of the row that is split, from the best of its pieces; *window is in the workspace. */
static size_t rank_pieces(struct job *job, st_pool *pool, void **window) {
    const size_t entry = job->row.wide ? sizeof(st_wide) : sizeof(st_narrow);
    const size_t share = job->room.hi < job->room.piece ? job->room.hi : job->room.piece;
    char *survivors = job->workspace + job->room.survivors_at;
    st_pool_run(pool, job->room.workers, job->room.segments, rank_piece, job);
    size_t held = 0;
    for (int item = 0; item < job->room.segments; item++) {
        const size_t found = survivor_counts(job)[item];
        memmove(survivors + held * entry, survivors + (size_t)item * share * entry, found * entry);
        held += found;
    }
    const size_t hi = job->hi < held ? job->hi : held, lo = job->lo < hi ? job->lo : hi;
    st_cpu_keep(&job->row, survivors, held, hi);
    st_cpu_keep(&job->row, survivors, hi, lo);
    *window = survivors + lo * entry;
    return hi - lo;
}

static size_t part_start(const struct job *job, int64_t part) {
    return job->count / (size_t)job->parts * (size_t)part + (part == job->parts ? job->count % (size_t)job->parts : 0);
}

static void close_part(void *argument, int64_t item, int32_t worker) {
    const uint32_t state = st_float_begin();
    const struct job *job = argument;
    (void)worker;
    const size_t entry = job->row.wide ? sizeof(st_wide) : sizeof(st_narrow), from = part_start(job, item), to = part_start(job, item + 1);
    const uint64_t *columns = st_cpu_columns(&job->row, job->window + from * entry, to - from, 0);
    write_columns(job, job->position, job->row.elements, columns, job->row.mask == 0 ? from : job->count - to, to - from);
    st_float_end(state);
}

/* Sorts and writes the split row's window, in parts where it is long. */
static void close_split_row(struct job *job, st_pool *pool, void *window, size_t count) {
    const size_t most = count / LEAST_PART;
    job->parts = most < (size_t)job->room.workers ? (int)most : job->room.workers;
    if (job->parts < 2 || job->request->order == ST_UNSORTED) {
        close_row(job, job->position, &job->row, window, count);
        return;
    }
    job->window = window;
    job->count = count;
    for (int64_t part = job->parts - 1; part > 0; part--)
        st_cpu_keep(&job->row, job->window, part_start(job, part + 1), part_start(job, part));
    st_pool_run(pool, job->room.workers, job->parts, close_part, job);
    fill_rest(job, job->position, count);
}

static void rank_split_row(struct job *job, int64_t position, st_pool *pool) {
    void *window = NULL;
    size_t count = open_row(job, position, &job->row, &job->lo, &job->hi);
    job->position = position;
    if (count > 0)
        count = job->room.by_keys
                    ? st_cpu_split_select(&job->row, &job->room.split, pool, job->lo, job->hi, job->workspace, &window)
                    : rank_pieces(job, pool, &window);
    close_split_row(job, pool, window, count);
}

/* The first NaN among `count` elements of a row from `from` on, counted from there. */
static size_t find_nan(const struct job *job, int64_t number, size_t from, size_t count) {
    const st_rank_request *request = job->request;
    const char *elements = elements_of(job, number) + (int64_t)from * request->col_stride * (int64_t)job->size;
    return job->kernels->find_nan(&job->near_order, elements, (ptrdiff_t)request->col_stride, count);
}

/* Lowers job->nan_row to this row where it has a NaN among these elements, unless a lower one is known. */
static void note_nan(struct job *job, int64_t number, size_t from, size_t count) {
    int64_t lowest = atomic_load_explicit(&job->nan_row, memory_order_relaxed);
    if (number >= lowest || find_nan(job, number, from, count) == count) return;
    while (number < lowest && !atomic_compare_exchange_weak(&job->nan_row, &lowest, number)) continue;
}

static void find_nan_rows(void *argument, int64_t item, int32_t worker) {
    struct job *job = argument;
    (void)worker;
    const int64_t end = (item + 1) * job->rows_per_item, rows = job->buffers->row_list_count;
    for (int64_t position = item * job->rows_per_item; position < (end < rows ? end : rows); position++) {
        const int64_t number = row_at(job, position);
        note_nan(job, number, 0, length_of(job, number));
    }
}

static void find_nan_in_part(void *argument, int64_t item, int32_t worker) {
    struct job *job = argument;
    (void)worker;
    const int64_t number = row_at(job, job->position);
    const size_t length = length_of(job, number), from = (size_t)item * NAN_ELEMENTS;
    if (from < length) note_nan(job, number, from, length - from < NAN_ELEMENTS ? length - from : NAN_ELEMENTS);
}

static st_status refuse_nan(struct job *job, st_pool *pool, int32_t workers, int64_t items) {
    const int64_t parts = (job->request->cols - 1) / NAN_ELEMENTS + 1;
    atomic_store(&job->nan_row, INT64_MAX);
    if (!job->room.splits)
        st_pool_run(pool, workers, items, find_nan_rows, job);
    else
        for (job->position = 0; job->position < job->buffers->row_list_count; job->position++)
            st_pool_run(pool, workers, parts, find_nan_in_part, job);
    const int64_t number = atomic_load(&job->nan_row);
    if (number == INT64_MAX) return ST_OK;
    const size_t column = find_nan(job, number, 0, length_of(job, number));
    return st_fail(ST_E_NAN, "row %lld, column %zu is NaN, and the rule is error", (long long)number, column);
}

static st_status run(const st_cpu_table *table, const st_rank_request *request, const st_choice *choice,
                     const st_rank_buffers *buffers, const st_backend_services *services) {
    const st_window whole = st_window_of(request, (size_t)request->cols);
    struct job job = {.request = request, .buffers = buffers, .shape = st_cpu_shape_of(choice), .room = st_cpu_room_of(request, choice)};
    job.near_order = st_order_of(request->dtype, whole.descending, request->nan_rule);
    job.far_order = st_order_reversed(job.near_order);
    job.kernels = &table->of_class[st_cpu_class(job.near_order.bits)];
    job.width = request->kind == ST_WINDOW ? request->hi - request->lo : request->k;
    job.size = (size_t)st_dtype_size(request->dtype);
    job.index_size = request->index_dtype == ST_I32 ? sizeof(int32_t) : sizeof(int64_t);
    job.workspace = buffers->workspace;
    if (job.width == 0 || buffers->row_list_count == 0) return ST_OK;
    job.rows_per_item = ITEM_ELEMENTS / (request->cols + 1) + 1;
    const int are_alike = buffers->lengths == NULL && buffers->row_list == NULL;
    if (!job.room.splits && job.shape.family == ST_CPU_BITONIC && job.kernels->rank_lanes != NULL && st_cpu_ranks_in_lanes(request)) {
        job.together = are_alike ? job.kernels->rank_lanes : NULL;
        job.shape = st_cpu_one_row; /* of rows that cannot share a register, or are handed back: a network is no way to rank one */
    } else if (!job.room.splits && job.shape.family == ST_CPU_LANES && are_alike && st_cpu_ranks_few(request)) {
        job.together = job.kernels->rank_few;
    }
    job.streams = (int64_t)(job.index_size + job.size) * job.width > STREAMED / buffers->row_list_count;
    if (job.together != NULL) job.rows_per_item = (job.rows_per_item + ST_LANE_ROWS - 1) / ST_LANE_ROWS * ST_LANE_ROWS;
    if (job.together != NULL && job.together == job.kernels->rank_few) {
        /* Rows enough to learn from the first of them, but no more than the worker's share, which may be few. */
        const int64_t share = (buffers->row_list_count - 1) / job.room.workers + 1;
        if (job.rows_per_item < LEARNT_ROWS) job.rows_per_item = LEARNT_ROWS;
        if (job.rows_per_item > share) job.rows_per_item = share;
    }
    const int64_t items = (buffers->row_list_count - 1) / job.rows_per_item + 1;
    const int is_little = !job.room.splits && buffers->row_list_count <= LEAST_SHARED / (request->cols + 1) + 1;
    const int32_t workers = is_little ? 1 : job.room.workers;
    if (request->nan_rule == ST_NAN_ERROR) {
        const st_status status = refuse_nan(&job, services->pool, workers, items);
        if (status != ST_OK) return status;
    }
    if (!job.room.splits && job.together == NULL && buffers->lengths == NULL)
        job.selection = prepare_row(&job, 0, &job.shape, &job.row);
    if (!job.room.splits)
        st_pool_run(services->pool, workers, items, rank_rows, &job);
    else
        for (int64_t position = 0; position < buffers->row_list_count; position++) rank_split_row(&job, position, services->pool);
    return ST_OK;
}

st_status st_cpu_run(const st_cpu_table *table, const st_rank_request *request, const st_choice *choice,
                     const st_rank_buffers *buffers, const st_backend_services *services) {
    const uint32_t state = st_float_begin();
    const st_status status = run(table, request, choice, buffers, services);
    st_float_end(state);
    return status;
}
