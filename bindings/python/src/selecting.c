/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * selecting.c - the axes of an array as calls of the engine: as a rule one, for rows in one stride; else one for each step of the
 * axes outside. Results that lie in no rows of their own are staged, and copied to their places.
 */
#include "selecting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gathering.h"

/*
 * Below this many elements a call is over sooner than another thread could make use of the GIL: handing it over and back was
 * measured to take as long as ranking some thousand elements.
 */
enum { WORTH_RELEASING = 4096 };

void st_py_selection_start(st_py_selection *selection, int32_t kind, st_dtype dtype, const st_py_rows *rows) {
    memset(selection, 0, sizeof *selection);
    st_rank_request_init(&selection->request, kind, 1, rows->cols, 0);
    selection->request.dtype = dtype;
    selection->rows = rows;
}

int64_t st_py_selection_width(const st_py_selection *selection) {
    const st_rank_request *request = &selection->request;
    return request->kind == ST_WINDOW ? request->hi - request->lo : request->k;
}

/* ---- staging ------------------------------------------------------------------------------------------------------------- */

/* Packed memory in place of a target whose rows the engine cannot write. */
typedef struct stage {
    char *memory;
    st_py_target target;
} stage;

static st_status open_stage(const st_py_rows *rows, int64_t width, const st_py_target *target, stage *made) {
    const int64_t bytes = st_py_rows_count(rows) * width * target->size;
    made->memory = malloc((size_t)bytes + 1);
    if (made->memory == NULL) return st_backend_fail(ST_E_MEMORY, "no memory to hold the results in another order");
    made->target.data = made->memory;
    made->target.size = target->size;
    made->target.rank_stride = 1;
    st_py_packed_strides(rows->dims, rows->shape, made->target.strides);
    for (int32_t i = 0; i < rows->dims; i++) made->target.strides[i] *= width;
    return ST_OK;
}

/* Batch axes and the ranks, the axis with the nearest elements of the target last. */
static void close_stage(const st_py_rows *rows, int64_t width, const st_py_target *target, stage *made, int is_right) {
    int64_t shape[ST_PY_MOST_DIMS + 1], from[ST_PY_MOST_DIMS + 1], to[ST_PY_MOST_DIMS + 1];
    int32_t place = 0; /* of the ranks */
    while (place < rows->dims && llabs(target->strides[place]) >= llabs(target->rank_stride)) place++;
    for (int32_t i = 0; i <= rows->dims; i++) {
        const int32_t batch = i < place ? i : i - 1;
        shape[i] = i == place ? width : rows->shape[batch];
        from[i] = i == place ? 1 : made->target.strides[batch];
        to[i] = i == place ? target->rank_stride : target->strides[batch];
    }
    if (is_right) st_py_copy(rows->dims + 1, shape, target->size, made->memory, from, target->data, to);
    free(made->memory);
}

/* ---- the calls ----------------------------------------------------------------------------------------------------------- */

/* The axis whose steps are the engine's rows; row lengths must follow each other, as they do for the last alone. */
static int32_t inner_axis(const st_py_walk *walk, int has_lengths) {
    int32_t inner = walk->dims - 1;
    for (int32_t i = walk->dims - 1; i >= 0 && !has_lengths; i--)
        if (walk->shape[i] > walk->shape[inner]) inner = i;
    return inner;
}

static int is_staged(const st_py_target *target, const st_py_walk *walk, int32_t operand, int32_t inner, int64_t width) {
    if (target->data == NULL) return 0;
    if (width > 1 && target->rank_stride != 1) return 1;
    return inner >= 0 && walk->strides[operand][inner] < width;
}

/* The plan for a request: the recent one where that is for the same, else one made in `room`. */
static st_status plan(st_context *engine, const st_rank_request *request, const char *device, st_py_recent *recent, st_plan *room,
                      const st_plan **chosen) {
    *chosen = room;
    if (recent == NULL || device != NULL) return st_plan_request(engine, request, device, NULL, room);
    *chosen = &recent->plan;
    if (memcmp(&recent->asked, request, sizeof *request) == 0) return ST_OK;
    recent->asked.struct_size = 0;
    const st_status status = st_plan_request(engine, request, NULL, NULL, &recent->plan);
    if (status == ST_OK) recent->asked = *request;
    return status;
}

/* The engine names a row of its call; where that is not all there is, the caller needs to know which rows those were. */
static st_status place_nan(const st_py_walk *walk, int32_t inner, int64_t first) {
    char text[512];
    if (walk->dims <= 1) return ST_E_NAN;
    snprintf(text, sizeof text, "%.300s; row 0 there is row %lld of x, and row 1 is row %lld", st_last_message(), (long long)first,
             (long long)(first + walk->strides[ST_PY_ORDINAL][inner]));
    return st_backend_fail(ST_E_NAN, text);
}

static st_status run(st_context *engine, const st_py_selection *selection, const st_py_target *values, const st_py_target *indices,
                     const st_py_walk *walk, int32_t inner, st_py_recent *recent) {
    const st_py_rows *rows = selection->rows;
    const int64_t size = st_dtype_size(selection->request.dtype);
    st_rank_request request = selection->request;
    st_plan room;
    const st_plan *chosen;
    request.outputs = (values->data != NULL ? ST_OUT_VALUES : 0) | (indices->data != NULL ? ST_OUT_INDICES : 0);
    request.cols = rows->cols;
    request.rows = inner < 0 ? 1 : walk->shape[inner];
    request.col_stride = rows->cols > 1 ? rows->col_stride : 1;
    request.row_stride = inner < 0 ? rows->cols : walk->strides[ST_PY_INPUT][inner];
    st_status status = plan(engine, &request, selection->device, recent, &room, &chosen);
    if (status != ST_OK || st_py_rows_count(rows) == 0 || st_py_selection_width(selection) == 0) return status;
    st_rank_buffers buffers = {.struct_size = sizeof buffers,
                               .values_stride = inner < 0 ? 0 : walk->strides[ST_PY_VALUES][inner],
                               .indices_stride = inner < 0 ? 0 : walk->strides[ST_PY_INDICES][inner]};
    int64_t at[ST_PY_MOST_DIMS] = {0}, offsets[ST_PY_OPERANDS] = {0};
    const int gathers = st_py_gathering_pays(engine, chosen);
    do {
        buffers.input = rows->data + offsets[ST_PY_INPUT] * size;
        if (selection->lengths != NULL) buffers.lengths = selection->lengths + offsets[ST_PY_ORDINAL];
        if (values->data != NULL) buffers.values = values->data + offsets[ST_PY_VALUES] * values->size;
        if (indices->data != NULL) buffers.indices = indices->data + offsets[ST_PY_INDICES] * indices->size;
        status = gathers ? st_py_execute_gathered(engine, &request, &buffers) : st_execute_rank(engine, chosen, &buffers);
    } while (status == ST_OK && st_py_walk_next(walk, inner, at, offsets));
    return status == ST_E_NAN ? place_nan(walk, inner, offsets[ST_PY_ORDINAL]) : status;
}

st_status st_py_select(st_context *engine, const st_py_selection *selection, st_py_recent *recent) {
    const st_py_rows *rows = selection->rows;
    const int64_t width = st_py_selection_width(selection);
    const st_py_target *asked[] = {&selection->values, &selection->indices}, *used[] = {asked[0], asked[1]};
    stage stages[2] = {{.memory = NULL}, {.memory = NULL}};
    st_py_walk walk;
    st_status status = ST_OK;
    int32_t inner = -1;
    for (int is_settled = 0; !is_settled && status == ST_OK;) { /* a staged target may let other axes join */
        is_settled = 1;
        st_py_walk_of(rows, used[0]->strides, used[1]->strides, &walk);
        inner = inner_axis(&walk, selection->lengths != NULL);
        for (int i = 0; i < 2 && status == ST_OK; i++) {
            if (stages[i].memory != NULL || !is_staged(asked[i], &walk, ST_PY_VALUES + i, inner, width)) continue;
            status = open_stage(rows, width, asked[i], &stages[i]);
            used[i] = &stages[i].target;
            is_settled = 0;
        }
    }
    if (status == ST_OK) status = run(engine, selection, used[0], used[1], &walk, inner, recent);
    for (int i = 0; i < 2; i++)
        if (stages[i].memory != NULL) close_stage(rows, width, asked[i], &stages[i], status == ST_OK);
    return status;
}

int st_py_select_released(st_py_state *state, const st_py_selection *selection) {
    st_py_context *context = st_py_context_enter(state);
    if (context == NULL) return -1;
    st_context *engine = st_py_context_engine(context);
    st_status status;
    const int is_small = st_py_rows_count(selection->rows) <= WORTH_RELEASING / (selection->rows->cols + 1);
    if (is_small && selection->device == NULL) { /* one that is named may be far away */
        status = st_py_select(engine, selection, st_py_context_recent(context));
    } else {
        Py_BEGIN_ALLOW_THREADS
        status = st_py_select(engine, selection, NULL);
        Py_END_ALLOW_THREADS
    }
    if (status != ST_OK) st_py_raise(state, status);
    return st_py_context_leave(context) < 0 || status != ST_OK ? -1 : 0;
}
