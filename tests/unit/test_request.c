/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_request.c - every argument out of its domain is refused by name, and what is in it passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "guard_pages.h"
#include "rank/request.h"

/* Checks a status, and that the message has each of the words. */
static void refused(st_status status, st_status expected, const char *words) {
    assert_string_equal(st_status_name(status), st_status_name(expected));
    if (strstr(st_last_message(), words) == NULL) fail_msg("\"%s\" lacks \"%s\"", st_last_message(), words);
}

#define REFUSES(call, words) refused((call), ST_E_ARGUMENT, (words))
#define PASSES(call)                                             \
    do {                                                         \
        if ((call) != ST_OK) fail_msg("%s", st_last_message()); \
    } while (0)

static st_rank_request request_of(int32_t kind, int64_t rows, int64_t cols, int64_t k) {
    st_rank_request request;
    st_rank_request_init(&request, kind, rows, cols, k);
    return request;
}

static void test_defaults(void **state) {
    (void)state;
    st_rank_request resolved, request = request_of(ST_TOPK, 3, 10, 4);
    assert_int_equal(request.struct_size, sizeof request);
    assert_int_equal(request.dtype, ST_F32);
    assert_int_equal(request.index_dtype, ST_I64);
    assert_int_equal(request.outputs, ST_OUT_VALUES | ST_OUT_INDICES);
    assert_int_equal(request.row_stride, 10);
    assert_int_equal(request.col_stride, 1);
    PASSES(st_request_check(&request, 7, &resolved));
    assert_int_equal(resolved.threads, 7);
    request.threads = 3;
    PASSES(st_request_check(&request, 7, &resolved));
    assert_int_equal(resolved.threads, 3);
    request.threads = 70;
    PASSES(st_request_check(&request, 7, &resolved));
    assert_int_equal(resolved.threads, 7);
    request = request_of(ST_WINDOW, 3, 10, 4);
    assert_int_equal(request.lo, 0);
    assert_int_equal(request.hi, 4);
    st_rank_request_init(NULL, ST_TOPK, 1, 1, 1); /* does nothing */
}

/* Requests that mean the same are byte for byte the same once resolved. */
static void test_resolved_is_canonical(void **state) {
    (void)state;
    st_rank_request a = request_of(ST_TOPK, 3, 10, 4), b, resolved_a, resolved_b;
    memset(&b, 0xab, sizeof b); /* padding too */
    st_rank_request held = request_of(ST_TOPK, 3, 10, 4);
    b.struct_size = held.struct_size;
    b.kind = held.kind;
    b.dtype = held.dtype;
    b.index_dtype = held.index_dtype;
    b.nan_rule = b.order = 0;
    b.outputs = held.outputs;
    b.descending = 77; /* not read for topk */
    b.threads = 9;
    b.rows = held.rows;
    b.cols = held.cols;
    b.k = held.k;
    b.lo = -5;
    b.hi = -7;
    b.row_stride = held.row_stride;
    b.col_stride = held.col_stride;
    PASSES(st_request_check(&a, 2, &resolved_a));
    PASSES(st_request_check(&b, 2, &resolved_b));
    assert_memory_equal(&resolved_a, &resolved_b, sizeof resolved_a);
}

static void test_fields_out_of_domain(void **state) {
    (void)state;
    static const struct {
        size_t offset;
        int32_t value;
        const char *words;
    } cases[] = {
        {offsetof(st_rank_request, struct_size), 8, "request.struct_size is 8"},
        {offsetof(st_rank_request, kind), 0, "kind is 0"},
        {offsetof(st_rank_request, kind), 5, "kind is 5"},
        {offsetof(st_rank_request, kind), -1, "kind is -1"},
        {offsetof(st_rank_request, dtype), 0, "dtype is 0"},
        {offsetof(st_rank_request, dtype), 13, "dtype is 13"},
        {offsetof(st_rank_request, dtype), INT32_MIN, "dtype is -2147483648"},
        {offsetof(st_rank_request, index_dtype), 0, "index_dtype is 0"},
        {offsetof(st_rank_request, index_dtype), ST_U64, "index_dtype is 12"},
        {offsetof(st_rank_request, nan_rule), 4, "nan_rule is 4"},
        {offsetof(st_rank_request, nan_rule), -1, "nan_rule is -1"},
        {offsetof(st_rank_request, order), 2, "order is 2"},
        {offsetof(st_rank_request, outputs), 0, "outputs is 0"},
        {offsetof(st_rank_request, outputs), 4, "outputs is 4"},
        {offsetof(st_rank_request, threads), -1, "threads is -1"},
    };
    st_rank_request resolved;
    REFUSES(st_request_check(NULL, 1, &resolved), "request is NULL");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        st_rank_request request = request_of(ST_TOPK, 2, 8, 3);
        memcpy((char *)&request + cases[i].offset, &cases[i].value, sizeof cases[i].value);
        REFUSES(st_request_check(&request, 1, &resolved), cases[i].words);
    }
}

static void test_sizes(void **state) {
    (void)state;
    st_rank_request resolved, request = request_of(ST_TOPK, 2, 64, 70);
    REFUSES(st_request_check(&request, 1, &resolved), "k is 70 but cols is 64; k must be at most cols");
    request.k = -1;
    REFUSES(st_request_check(&request, 1, &resolved), "k is -1");
    request = request_of(ST_MIDK, -1, 64, 3);
    REFUSES(st_request_check(&request, 1, &resolved), "rows is -1");
    request = request_of(ST_MIDK, 1, INT64_MIN, 3);
    REFUSES(st_request_check(&request, 1, &resolved), "cols is -9223372036854775808");
    request = request_of(ST_BOTTOMK, 0, 4, 5);
    REFUSES(st_request_check(&request, 1, &resolved), "k is 5 but cols is 4");
    request = request_of(ST_WINDOW, 1, 10, 0);
    request.lo = -1;
    REFUSES(st_request_check(&request, 1, &resolved), "lo is -1");
    request.lo = 5;
    request.hi = 4;
    REFUSES(st_request_check(&request, 1, &resolved), "hi is 4 but lo is 5");
    request.hi = 11;
    REFUSES(st_request_check(&request, 1, &resolved), "hi is 11 but cols is 10");
    request.hi = 10;
    request.descending = 2;
    REFUSES(st_request_check(&request, 1, &resolved), "descending is 2");
    request.descending = 1;
    request.k = -100; /* not read for windows */
    PASSES(st_request_check(&request, 1, &resolved));
    assert_int_equal(st_request_width(&resolved), 5);
    assert_int_equal(resolved.k, 5);
    request = request_of(ST_TOPK, 1, (int64_t)1 << 31, 1);
    request.index_dtype = ST_I32;
    REFUSES(st_request_check(&request, 1, &resolved), "index_dtype is ST_I32 but cols is 2147483648");
    request = request_of(ST_TOPK, 1, INT32_MAX, 1);
    request.index_dtype = ST_I32;
    PASSES(st_request_check(&request, 1, &resolved));
}

static void test_overflow(void **state) {
    (void)state;
    const int64_t large = (int64_t)1 << 40;
    st_rank_request resolved, request = request_of(ST_TOPK, large, large, 1);
    request.row_stride = request.col_stride = 0;
    REFUSES(st_request_check(&request, 1, &resolved), "product must be below 2^59");
    request = request_of(ST_TOPK, INT64_MAX / 2, 1, 1);
    REFUSES(st_request_check(&request, 1, &resolved), "below 2^59");
    static const int64_t strides[][2] = {{INT64_MAX, 1},         {INT64_MIN, 1},         {1, INT64_MAX},
                                         {1, INT64_MIN},         {INT64_MAX / 2, INT64_MAX / 2}, {INT64_MIN / 2, INT64_MIN / 2},
                                         {INT64_MAX / 8, INT64_MIN / 8}};
    for (size_t i = 0; i < sizeof strides / sizeof strides[0]; i++) {
        request = request_of(ST_TOPK, 3, 3, 1);
        request.dtype = ST_F64;
        request.row_stride = strides[i][0];
        request.col_stride = strides[i][1];
        REFUSES(st_request_check(&request, 1, &resolved), "row_stride is");
    }
    /* A stride that no element is reached by cannot overflow. */
    request = request_of(ST_TOPK, 1, 1, 1);
    request.row_stride = request.col_stride = INT64_MIN;
    PASSES(st_request_check(&request, 1, &resolved));
    request = request_of(ST_TOPK, 0, 5, 1);
    request.row_stride = INT64_MAX;
    PASSES(st_request_check(&request, 1, &resolved));
}

/* Buffers for 3 x 8 of f32, k 2, all apart. */
struct memory {
    float input[24];
    float values[6];
    int64_t indices[6];
    int64_t row_list[4];
    int64_t lengths[3];
    double scratch[8];
};

static st_rank_buffers buffers_of(struct memory *memory) {
    return (st_rank_buffers){.struct_size = sizeof(st_rank_buffers),
                             .input = memory->input,
                             .values = memory->values,
                             .indices = memory->indices};
}

static st_rank_request resolved_of(int64_t rows, int64_t cols, int64_t k) {
    st_rank_request resolved;
    const st_rank_request request = request_of(ST_TOPK, rows, cols, k);
    PASSES(st_request_check(&request, 2, &resolved));
    return resolved;
}

static void test_buffers_pass(void **state) {
    (void)state;
    struct memory memory = {.row_list = {2, 0, 2, 1}, .lengths = {8, 0, 3}};
    st_rank_request resolved = resolved_of(3, 8, 2);
    st_rank_buffers checked, buffers = buffers_of(&memory);
    PASSES(st_buffers_check(&resolved, &buffers, &checked));
    assert_int_equal(checked.values_stride, 2);
    assert_int_equal(checked.indices_stride, 2);
    assert_int_equal(checked.row_list_count, 3);
    assert_null(checked.row_list);
    buffers.row_list = memory.row_list;
    buffers.row_list_count = 3;
    buffers.lengths = memory.lengths;
    buffers.workspace = (char *)memory.scratch + 1;
    buffers.workspace_size = 9;
    PASSES(st_buffers_check(&resolved, &buffers, &checked));
    assert_ptr_equal(checked.row_list, memory.row_list);
    assert_int_equal(checked.row_list_count, 3);
    assert_int_equal(checked.workspace_size, 9);
    /* An output that was not asked for is not looked at. */
    resolved.outputs = ST_OUT_INDICES;
    buffers.values = (char *)memory.input + 1;
    PASSES(st_buffers_check(&resolved, &buffers, &checked));
    assert_null(checked.values);
}

static void test_buffers_refused(void **state) {
    (void)state;
    struct memory memory = {.row_list = {2, 0, 1, 1}, .lengths = {8, 0, 3}};
    const st_rank_request resolved = resolved_of(3, 8, 2);
    st_rank_buffers checked, buffers;
    REFUSES(st_buffers_check(&resolved, NULL, &checked), "buffers is NULL");
    buffers = buffers_of(&memory);
    buffers.struct_size--;
    REFUSES(st_buffers_check(&resolved, &buffers, &checked), "buffers.struct_size");
    buffers = buffers_of(&memory);
    buffers.input = NULL;
    REFUSES(st_buffers_check(&resolved, &buffers, &checked), "input is NULL");
    buffers.input = (char *)memory.input + 2;
    REFUSES(st_buffers_check(&resolved, &buffers, &checked), "input is not aligned to its 4-byte element");
    buffers = buffers_of(&memory);
    buffers.values = NULL;
    REFUSES(st_buffers_check(&resolved, &buffers, &checked), "values is NULL");
    buffers.values = (char *)memory.values + 1;
    REFUSES(st_buffers_check(&resolved, &buffers, &checked), "values is not aligned");
    buffers = buffers_of(&memory);
    buffers.indices = NULL;
    REFUSES(st_buffers_check(&resolved, &buffers, &checked), "indices is NULL");
    buffers.indices = (char *)memory.indices + 4;
    REFUSES(st_buffers_check(&resolved, &buffers, &checked), "indices is not aligned to its 8-byte element");
    buffers = buffers_of(&memory);
    buffers.values_stride = 1;
    REFUSES(st_buffers_check(&resolved, &buffers, &checked), "values_stride is 1 but an output row has 2");
    buffers.values_stride = -2;
    REFUSES(st_buffers_check(&resolved, &buffers, &checked), "values_stride is -2");
    buffers.values_stride = INT64_MAX;
    REFUSES(st_buffers_check(&resolved, &buffers, &checked), "values_stride is 9223372036854775807");
    buffers.values_stride = INT64_MAX / 8;
    REFUSES(st_buffers_check(&resolved, &buffers, &checked), "values: ");
    buffers = buffers_of(&memory);
    buffers.indices_stride = 1;
    REFUSES(st_buffers_check(&resolved, &buffers, &checked), "indices_stride is 1");
    buffers = buffers_of(&memory);
    buffers.row_list = memory.row_list;
    buffers.row_list_count = -1;
    REFUSES(st_buffers_check(&resolved, &buffers, &checked), "row_list_count is -1");
    buffers.row_list_count = 2;
    memory.row_list[1] = 3;
    REFUSES(st_buffers_check(&resolved, &buffers, &checked), "row_list[1] is 3 but rows is 3");
    memory.row_list[1] = -1;
    REFUSES(st_buffers_check(&resolved, &buffers, &checked), "row_list[1] is -1");
    buffers.row_list = (const int64_t *)(const void *)((char *)memory.row_list + 1);
    REFUSES(st_buffers_check(&resolved, &buffers, &checked), "row_list is not aligned");
    buffers = buffers_of(&memory);
    buffers.lengths = memory.lengths;
    memory.lengths[2] = 9;
    REFUSES(st_buffers_check(&resolved, &buffers, &checked), "lengths[2] is 9 but cols is 8");
    memory.lengths[2] = -1;
    REFUSES(st_buffers_check(&resolved, &buffers, &checked), "lengths[2] is -1");
}

static void test_overlap(void **state) {
    (void)state;
    struct memory memory = {.row_list = {2, 0, 1, 1}, .lengths = {8, 0, 3}};
    st_rank_request resolved = resolved_of(3, 8, 2);
    st_rank_buffers checked, buffers = buffers_of(&memory);
    buffers.values = memory.input + 23;
    REFUSES(st_buffers_check(&resolved, &buffers, &checked), "values overlaps input");
    buffers.values = memory.indices + 2;
    REFUSES(st_buffers_check(&resolved, &buffers, &checked), "values overlaps indices");
    buffers.values = memory.lengths + 1;
    buffers.lengths = memory.lengths;
    REFUSES(st_buffers_check(&resolved, &buffers, &checked), "values overlaps lengths");
    buffers = buffers_of(&memory);
    buffers.row_list = memory.row_list;
    buffers.row_list_count = 3;
    buffers.indices = memory.row_list + 2;
    REFUSES(st_buffers_check(&resolved, &buffers, &checked), "indices overlaps row_list");
    buffers = buffers_of(&memory);
    buffers.workspace = (char *)memory.input + 91;
    buffers.workspace_size = 4;
    REFUSES(st_buffers_check(&resolved, &buffers, &checked), "workspace overlaps input");
    buffers.workspace = (char *)memory.input + 95; /* its last byte */
    buffers.workspace_size = 1;
    REFUSES(st_buffers_check(&resolved, &buffers, &checked), "workspace overlaps input");
    buffers.workspace = memory.scratch;
    PASSES(st_buffers_check(&resolved, &buffers, &checked));
    buffers.workspace = memory.values;
    REFUSES(st_buffers_check(&resolved, &buffers, &checked), "values overlaps workspace");

    /* Side by side is apart; one byte more is not. */
    float room[24 + 6];
    buffers = buffers_of(&memory);
    buffers.input = room;
    buffers.values = room + 24;
    PASSES(st_buffers_check(&resolved, &buffers, &checked));
    buffers.input = room + 6;
    buffers.values = room;
    PASSES(st_buffers_check(&resolved, &buffers, &checked));
    buffers.input = room + 5;
    REFUSES(st_buffers_check(&resolved, &buffers, &checked), "values overlaps input");

    buffers.input = room + 6;
    buffers.values = memory.values;
    buffers.workspace = room;
    buffers.workspace_size = 24;
    PASSES(st_buffers_check(&resolved, &buffers, &checked));
    buffers.workspace_size = 25; /* the input's first byte */
    REFUSES(st_buffers_check(&resolved, &buffers, &checked), "workspace overlaps input");
    buffers.workspace = NULL;

    /* Negative strides reach below the input's address. */
    resolved.row_stride = -8;
    buffers.input = room + 16;
    buffers.values = room + 24;
    PASSES(st_buffers_check(&resolved, &buffers, &checked));
    buffers.input = room + 22; /* elements 6 to 29 */
    buffers.values = room;
    PASSES(st_buffers_check(&resolved, &buffers, &checked));
    buffers.values = room + 1;
    REFUSES(st_buffers_check(&resolved, &buffers, &checked), "values overlaps input");

    /* Columns backwards, rows on the same place. */
    resolved.row_stride = 0;
    resolved.col_stride = -1;
    buffers.input = room + 7;
    buffers.values = room + 8;
    PASSES(st_buffers_check(&resolved, &buffers, &checked));
    buffers.values = room + 7;
    REFUSES(st_buffers_check(&resolved, &buffers, &checked), "values overlaps input");
}

static void test_address_space(void **state) {
    (void)state;
    struct memory memory;
    st_rank_request resolved = resolved_of(3, 8, 2);
    st_rank_buffers checked, buffers = buffers_of(&memory);
    buffers.input = (const void *)(uintptr_t)4096;
    resolved.row_stride = -2048; /* two rows below address 4096 */
    REFUSES(st_buffers_check(&resolved, &buffers, &checked), "outside the address space");
    buffers.input = (const void *)(UINTPTR_MAX - 63);
    resolved.row_stride = 8;
    REFUSES(st_buffers_check(&resolved, &buffers, &checked), "outside the address space");
}

/* With nothing to do, no pointer is looked at. */
static void test_nothing_to_do(void **state) {
    (void)state;
    static const int64_t shapes[][3] = {{0, 8, 2}, {3, 8, 0}, {3, 0, 0}, {0, 0, 0}};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        const st_rank_request resolved = resolved_of(shapes[i][0], shapes[i][1], shapes[i][2]);
        const st_rank_buffers buffers = {.struct_size = sizeof buffers};
        st_rank_buffers checked;
        PASSES(st_buffers_check(&resolved, &buffers, &checked));
        assert_null(checked.input);
    }
    const st_rank_request resolved = resolved_of(3, 8, 2);
    static const int64_t list[1] = {77};
    st_rank_buffers checked, buffers = {.struct_size = sizeof buffers, .row_list = list};
    PASSES(st_buffers_check(&resolved, &buffers, &checked)); /* an empty list */
    assert_int_equal(checked.row_list_count, 0);
}

/* Lists and lengths end where memory ends: nothing beyond them is read. */
static void test_reads_in_bounds(void **state) {
    (void)state;
    struct memory memory;
    st_guarded guarded;
    assert_int_equal(st_guarded_open(&guarded, 64), 0);
    int64_t *rows = st_guarded_place(&guarded, 3 * sizeof(int64_t), 1);
    memcpy(rows, (int64_t[]){2, 2, 1}, 3 * sizeof(int64_t));
    const st_rank_request resolved = resolved_of(3, 8, 2);
    st_rank_buffers checked, buffers = buffers_of(&memory);
    buffers.row_list = buffers.lengths = rows;
    buffers.row_list_count = 3;
    PASSES(st_buffers_check(&resolved, &buffers, &checked));
    assert_true(st_guarded_intact(&guarded, rows, 3 * sizeof(int64_t)));
    st_guarded_close(&guarded);
}

static void test_band(void **state) {
    (void)state;
    float input[24] = {0}, values[24], bounds[2] = {1, 2};
    int64_t counts[3], indices[24];
    st_band_request resolved;
    const st_band_request good = {.struct_size = sizeof good, .dtype = ST_F32, .index_dtype = ST_I64, .rows = 3, .cols = 8,
                                  .row_stride = 8, .col_stride = 1, .lower = &bounds[0], .upper = &bounds[1]};
    const st_band_buffers fine = {.struct_size = sizeof fine, .input = input, .counts = counts, .values = values,
                                  .indices = indices, .capacity = 24};
    st_band_request request = good;
    st_band_buffers buffers = fine;
    PASSES(st_band_check(&request, &buffers, 5, &resolved));
    assert_int_equal(resolved.threads, 5);
    REFUSES(st_band_check(NULL, &buffers, 5, &resolved), "request is NULL");
    REFUSES(st_band_check(&request, NULL, 5, &resolved), "buffers is NULL");
    request.struct_size = 0;
    REFUSES(st_band_check(&request, &buffers, 5, &resolved), "request.struct_size");
    request = good;
    buffers.struct_size = 0;
    REFUSES(st_band_check(&request, &buffers, 5, &resolved), "buffers.struct_size");
    buffers = fine;
    request.dtype = 99;
    REFUSES(st_band_check(&request, &buffers, 5, &resolved), "dtype is 99");
    request = good;
    request.index_dtype = 7;
    REFUSES(st_band_check(&request, &buffers, 5, &resolved), "index_dtype is 7");
    request = good;
    request.threads = -4;
    REFUSES(st_band_check(&request, &buffers, 5, &resolved), "threads is -4");
    request = good;
    request.cols = -1;
    REFUSES(st_band_check(&request, &buffers, 5, &resolved), "cols is -1");
    request = good;
    request.passes = 3;
    REFUSES(st_band_check(&request, &buffers, 5, &resolved), "passes is 3");
    request = good;
    request.lower = NULL;
    REFUSES(st_band_check(&request, &buffers, 5, &resolved), "lower is NULL");
    request = good;
    request.upper = (char *)bounds + 1;
    REFUSES(st_band_check(&request, &buffers, 5, &resolved), "upper is not aligned");
    request = good;
    static const uint32_t nan_bits[] = {0x7fc00000u, 0xff800001u};
    for (int i = 0; i < 2; i++) {
        memcpy(&bounds[1], &nan_bits[i], 4);
        REFUSES(st_band_check(&request, &buffers, 5, &resolved), "upper is NaN");
    }
    bounds[1] = 0; /* below lower: legal, and empty */
    PASSES(st_band_check(&request, &buffers, 5, &resolved));
    buffers.counts = NULL;
    REFUSES(st_band_check(&request, &buffers, 5, &resolved), "counts is NULL");
    buffers = fine;
    buffers.capacity = -1;
    REFUSES(st_band_check(&request, &buffers, 5, &resolved), "capacity is -1");
    buffers.values = NULL;
    buffers.indices = NULL;
    PASSES(st_band_check(&request, &buffers, 5, &resolved)); /* counts only: capacity is not read */
    buffers = fine;
    buffers.capacity = INT64_MAX; /* more than there are elements claims no more memory */
    PASSES(st_band_check(&request, &buffers, 5, &resolved));
    buffers.values = input + 20;
    REFUSES(st_band_check(&request, &buffers, 5, &resolved), "values overlaps input");
    buffers.values = bounds;
    buffers.capacity = 2;
    REFUSES(st_band_check(&request, &buffers, 5, &resolved), "values overlaps lower");
    buffers = fine;
    buffers.indices = counts;
    REFUSES(st_band_check(&request, &buffers, 5, &resolved), "counts overlaps indices");
    buffers = (st_band_buffers){.struct_size = sizeof buffers};
    request.rows = 0;
    request.lower = request.upper = NULL;
    PASSES(st_band_check(&request, &buffers, 5, &resolved));
}

static void test_stream_options(void **state) {
    (void)state;
    const st_stream_options good = {.struct_size = sizeof good, .dtype = ST_I16, .lo = 2, .hi = 5, .length = -1};
    st_stream_options options = good;
    PASSES(st_stream_check(&options));
    REFUSES(st_stream_check(NULL), "options is NULL");
    options.struct_size++;
    REFUSES(st_stream_check(&options), "options.struct_size");
    options = good;
    options.dtype = 0;
    REFUSES(st_stream_check(&options), "dtype is 0");
    options = good;
    options.descending = -1;
    REFUSES(st_stream_check(&options), "descending is -1");
    options = good;
    options.nan_rule = 9;
    REFUSES(st_stream_check(&options), "nan_rule is 9");
    options = good;
    options.order = 9;
    REFUSES(st_stream_check(&options), "order is 9");
    options = good;
    options.lo = -2;
    REFUSES(st_stream_check(&options), "lo is -2");
    options = good;
    options.hi = 1;
    REFUSES(st_stream_check(&options), "hi is 1 but lo is 2");
    options = good;
    options.length = -2;
    REFUSES(st_stream_check(&options), "length is -2");
}

static void test_merge_request(void **state) {
    (void)state;
    float a[3] = {3, 2, 1}, b[8] = {9, 8}, values[4] = {0};
    int64_t ia[8] = {0, 1, 2}, ib[2] = {7, 8}, indices[4] = {0}, widths[2] = {3, 2};
    const void *parts[2] = {a, b};
    const int64_t *part_indices[2] = {ia, ib};
    const st_merge_request good = {.struct_size = sizeof good, .dtype = ST_F32, .descending = 1, .parts = 2, .k = 4,
                                   .widths = widths, .values = parts, .indices = part_indices};
    st_merge_request request = good;
    PASSES(st_merge_check(&request, values, indices));
    PASSES(st_merge_check(&request, NULL, indices));
    PASSES(st_merge_check(&request, values, NULL));
    REFUSES(st_merge_check(&request, NULL, NULL), "values and indices are both NULL");
    REFUSES(st_merge_check(NULL, values, indices), "request is NULL");
    REFUSES(st_merge_check(&request, (char *)values + 1, indices), "values is not aligned");
    REFUSES(st_merge_check(&request, b, indices), "values overlaps request.values[1]");
    REFUSES(st_merge_check(&request, values, ia + 2), "indices overlaps request.indices[0]");
    REFUSES(st_merge_check(&request, (char *)indices + 8, indices), "values overlaps indices");
    request.struct_size = 1;
    REFUSES(st_merge_check(&request, values, indices), "request.struct_size");
    request = good;
    request.dtype = -3;
    REFUSES(st_merge_check(&request, values, indices), "dtype is -3");
    request = good;
    request.descending = 3;
    REFUSES(st_merge_check(&request, values, indices), "descending is 3");
    request = good;
    request.nan_rule = 4;
    REFUSES(st_merge_check(&request, values, indices), "nan_rule is 4");
    request = good;
    request.order = 4;
    REFUSES(st_merge_check(&request, values, indices), "order is 4");
    request = good;
    request.parts = -1;
    REFUSES(st_merge_check(&request, values, indices), "parts is -1");
    request = good;
    request.k = -1;
    REFUSES(st_merge_check(&request, values, indices), "k is -1");
    request.k = INT64_MAX;
    REFUSES(st_merge_check(&request, values, indices), "values: ");
    request.k = 0;
    PASSES(st_merge_check(&request, NULL, NULL));
    request = good;
    request.widths = NULL;
    REFUSES(st_merge_check(&request, values, indices), "request.widths is NULL");
    request = good;
    request.values = NULL;
    REFUSES(st_merge_check(&request, values, indices), "request.values is NULL");
    request = good;
    request.indices = NULL;
    REFUSES(st_merge_check(&request, values, indices), "request.indices is NULL");
    request = good;
    widths[1] = -1;
    REFUSES(st_merge_check(&request, values, indices), "widths[1] is -1");
    widths[1] = INT64_MAX;
    REFUSES(st_merge_check(&request, values, indices), "widths[1]");
    widths[1] = 2;
    parts[1] = NULL;
    REFUSES(st_merge_check(&request, values, indices), "request.values[1] is NULL");
    parts[1] = (char *)a + 2;
    REFUSES(st_merge_check(&request, values, indices), "request.values[1] is not aligned");
    parts[1] = b;
    part_indices[0] = NULL;
    REFUSES(st_merge_check(&request, values, indices), "request.indices[0] is NULL");
    widths[0] = 0; /* an empty part needs no memory */
    PASSES(st_merge_check(&request, values, indices));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),        cmocka_unit_test(test_resolved_is_canonical),
        cmocka_unit_test(test_fields_out_of_domain), cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_overflow),        cmocka_unit_test(test_buffers_pass),
        cmocka_unit_test(test_buffers_refused), cmocka_unit_test(test_overlap),
        cmocka_unit_test(test_address_space),   cmocka_unit_test(test_nothing_to_do),
        cmocka_unit_test(test_reads_in_bounds), cmocka_unit_test(test_band),
        cmocka_unit_test(test_stream_options),  cmocka_unit_test(test_merge_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
