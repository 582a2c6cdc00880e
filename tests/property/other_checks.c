/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* other_checks.c - band compaction, streams and counting passes fed in random chunks, and merges of random cuts. */
#include "other_checks.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "rank/order.h"
#include "rank/reference.h"
#include "rank/request.h"
#include "rank_case.h"

static int say(const char *what, const char *isa, uint64_t seed) {
    printf("FAILED: %s on %s, seed of the case %" PRIu64 ": %s\n", what, isa, seed, st_last_message());
    return 1;
}

static int check_band(st_context *context, const char *device, const char *isa, uint64_t seed) {
    rank_case made;
    rank_case_make(seed, NULL, &made);
    random_state random = {seed ^ 0xba0d};
    const size_t size = (size_t)st_dtype_size(made.request.dtype), rows = (size_t)made.request.rows;
    uint64_t bounds[2] = {0, 0};
    const st_order order = st_order_of(made.request.dtype, 0, ST_NAN_GREATEST);
    for (int i = 0; i < 2; i++)
        do /* a NaN bound is refused */
            random_elements(&random, made.request.dtype, &bounds[i], 1);
        while ((st_element_bits(&bounds[i], order.bits) & (order.mask >> 1)) > order.infinity);
    const st_band_request request = {.struct_size = sizeof request, .dtype = made.request.dtype, .index_dtype = made.request.index_dtype,
                                     .threads = made.request.threads, .rows = made.request.rows, .cols = made.request.cols,
                                     .row_stride = made.request.row_stride, .col_stride = made.request.col_stride,
                                     .lower = bounds, .upper = bounds + 1, .device = device,
                                     .passes = (int32_t)random_below(&random, 3)};
    const size_t capacity = rows * (size_t)request.cols / (1 + random_below(&random, 3));
    const size_t index_size = request.index_dtype == ST_I32 ? 4 : 8;
    st_band_buffers buffers[2];
    st_status status[2];
    for (int i = 0; i < 2; i++) {
        buffers[i] = (st_band_buffers){.struct_size = sizeof(st_band_buffers), .input = made.input, .counts = need(rows * sizeof(int64_t)),
                                       .values = memset(need(capacity * size), 0x5a, capacity * size),
                                       .indices = memset(need(capacity * index_size), 0x5a, capacity * index_size),
                                       .capacity = (int64_t)capacity};
        status[i] = i == 0 ? st_reference_band(&request, &buffers[i]) : st_band_compact(context, &request, &buffers[i]);
    }
    const int wrong = status[0] != status[1] || memcmp(buffers[0].counts, buffers[1].counts, rows * sizeof(int64_t)) != 0 ||
                      memcmp(buffers[0].values, buffers[1].values, capacity * size) != 0 ||
                      memcmp(buffers[0].indices, buffers[1].indices, capacity * index_size) != 0;
    for (int i = 0; i < 2; i++) {
        free(buffers[i].counts);
        free(buffers[i].values);
        free(buffers[i].indices);
    }
    rank_case_free(&made);
    return wrong ? say("band", isa, seed) : 0;
}

/* One row, its window, and the reference's answer: what streams and merges are compared with. */
struct line {
    st_rank_request request;
    int64_t width;
    char *row, *values;
    int64_t *indices;
    st_status status;
};

static void make_line(random_state *random, int from_start, struct line *line) {
    const int64_t cols = 1 + (int64_t)random_below(random, random_one(random, 6) ? 30000 : 600);
    st_rank_request_init(&line->request, ST_WINDOW, 1, cols, 0);
    line->request.dtype = ST_F32 + (st_dtype)random_below(random, 12);
    line->request.nan_rule = (int32_t)random_below(random, random_one(random, 6) ? 4 : 3);
    line->request.order = (int32_t)random_below(random, 2);
    line->request.descending = (int32_t)random_below(random, 2);
    line->request.lo = from_start ? 0 : (int64_t)random_below(random, (uint64_t)cols + 1);
    line->request.hi = line->request.lo + (int64_t)random_below(random, (uint64_t)(cols - line->request.lo) + 1);
    line->width = line->request.hi - line->request.lo;
    const size_t size = (size_t)st_dtype_size(line->request.dtype);
    line->row = need((size_t)cols * size);
    random_elements(random, line->request.dtype, line->row, cols);
    line->values = need((size_t)line->width * size);
    line->indices = need((size_t)line->width * sizeof(int64_t));
    st_host host;
    st_rank_request resolved;
    st_rank_buffers checked, buffers = {.struct_size = sizeof buffers, .input = line->row, .values = line->values, .indices = line->indices};
    st_host_resolve(NULL, &host);
    line->status = st_request_check(&line->request, 1, &resolved);
    if (line->status == ST_OK) line->status = st_buffers_check(&resolved, &buffers, &checked);
    if (line->status == ST_OK) line->status = st_reference_rank(&host, &resolved, &checked);
}

static void free_line(struct line *line) {
    free(line->row);
    free(line->values);
    free(line->indices);
}

static int matches(const struct line *line, const void *values, const int64_t *indices) {
    return memcmp(line->values, values, (size_t)(line->width * st_dtype_size(line->request.dtype))) == 0 &&
           memcmp(line->indices, indices, (size_t)line->width * sizeof(int64_t)) == 0;
}

static int check_stream(st_context *context, const char *isa, uint64_t seed) {
    random_state random = {seed ^ 0x57bea};
    struct line line;
    make_line(&random, 0, &line);
    const int64_t size = st_dtype_size(line.request.dtype), cols = line.request.cols;
    const st_stream_options options = {.struct_size = sizeof options, .dtype = line.request.dtype, .descending = line.request.descending,
                                       .nan_rule = line.request.nan_rule, .order = line.request.order, .lo = line.request.lo,
                                       .hi = line.request.hi, .length = random_one(&random, 2) ? cols : -1};
    st_stream *stream = NULL;
    char *values = need((size_t)(line.width * size));
    int64_t *indices = need((size_t)line.width * sizeof(int64_t));
    st_status status = st_stream_open(context, &options, &stream);
    for (int64_t at = 0; at < cols && status == ST_OK;) {
        int64_t chunk = (int64_t)random_below(&random, random_one(&random, 3) ? 9000 : 40);
        if (chunk > cols - at) chunk = cols - at;
        status = st_stream_push(stream, line.row + at * size, chunk);
        at += chunk;
    }
    if (status == ST_OK) status = st_stream_finish(stream, values, indices, line.width);
    const int wrong = status != line.status || (status == ST_OK && !matches(&line, values, indices));
    st_stream_close(stream);
    free(values);
    free(indices);
    free_line(&line);
    return wrong ? say("stream", isa, seed) : 0;
}

/* The same window by counting passes, with so few candidates allowed that most cases need several. */
static int check_passes(st_context *context, const char *isa, uint64_t seed) {
    random_state random = {seed ^ 0x9a55e5};
    struct line line;
    make_line(&random, 0, &line);
    const int64_t size = st_dtype_size(line.request.dtype), cols = line.request.cols;
    const st_stream_options options = {.struct_size = sizeof options, .dtype = line.request.dtype, .descending = line.request.descending,
                                       .nan_rule = line.request.nan_rule, .order = line.request.order, .lo = line.request.lo,
                                       .hi = line.request.hi, .length = cols};
    st_passes *passes = NULL;
    char *values = need((size_t)(line.width * size));
    int64_t *indices = need((size_t)line.width * sizeof(int64_t));
    int32_t more = 0;
    st_status status = st_passes_open(context, &options, (int64_t)random_below(&random, 40), &passes);
    if (status == ST_OK) status = st_passes_next(passes, &more);
    while (status == ST_OK && more) {
        for (int64_t at = 0; at < cols && status == ST_OK;) {
            int64_t chunk = 1 + (int64_t)random_below(&random, random_one(&random, 3) ? 9000 : 40);
            if (chunk > cols - at) chunk = cols - at;
            status = st_passes_push(passes, line.row + at * size, chunk);
            at += chunk;
        }
        if (status == ST_OK) status = st_passes_next(passes, &more);
    }
    if (status == ST_OK) status = st_passes_finish(passes, values, indices);
    const int wrong = status != line.status || (status == ST_OK && !matches(&line, values, indices));
    st_passes_close(passes);
    free(values);
    free(indices);
    free_line(&line);
    return wrong ? say("counting passes", isa, seed) : 0;
}

/* Cuts a row at random, ranks each piece with this context, and merges the pieces' answers. */
static int check_merge(st_context *context, const char *isa, uint64_t seed) {
    enum { PARTS = 5 };
    random_state random = {seed ^ 0x3e96e};
    struct line line;
    make_line(&random, 1, &line);
    const int64_t size = st_dtype_size(line.request.dtype), k = line.width;
    void *values[PARTS + 1];
    int64_t *indices[PARTS + 1], widths[PARTS], from = 0;
    st_status status = ST_OK;
    for (int part = 0; part < PARTS; part++) {
        const int64_t rest = line.request.cols - from;
        const int64_t length = part == PARTS - 1 ? rest : (int64_t)random_below(&random, (uint64_t)rest + 1);
        st_rank_request request = line.request;
        request.cols = length;
        request.row_stride = length;
        request.hi = k < length ? k : length;
        widths[part] = request.hi;
        values[part] = need((size_t)(request.hi * size));
        indices[part] = need((size_t)request.hi * sizeof(int64_t));
        const st_rank_buffers buffers = {.struct_size = sizeof buffers, .input = line.row + from * size, .values = values[part], .indices = indices[part]};
        if (status == ST_OK) status = st_rank(context, &request, &buffers);
        for (int64_t i = 0; i < request.hi && status == ST_OK; i++) indices[part][i] += from;
        from += length;
    }
    values[PARTS] = need((size_t)(k * size));
    indices[PARTS] = need((size_t)k * sizeof(int64_t));
    const st_merge_request request = {.struct_size = sizeof request, .dtype = line.request.dtype, .descending = line.request.descending,
                                      .nan_rule = line.request.nan_rule, .order = line.request.order, .parts = PARTS, .k = k,
                                      .widths = widths, .values = (const void *const *)values, .indices = (const int64_t *const *)indices};
    if (status == ST_OK) status = st_rank_merge(context, &request, values[PARTS], indices[PARTS]);
    const int wrong = status != line.status || (status == ST_OK && !matches(&line, values[PARTS], indices[PARTS]));
    for (int part = 0; part <= PARTS; part++) {
        free(values[part]);
        free(indices[part]);
    }
    free_line(&line);
    return wrong ? say("merge", isa, seed) : 0;
}

int check_others(st_context *context, const char *device, const char *isa, uint64_t seed) {
    return check_band(context, device, isa, seed) + check_stream(context, isa, seed) + check_passes(context, isa, seed) +
           check_merge(context, isa, seed);
}
