/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * test_programs.c - programs on a WebGPU device that plans do not make, or not in these shapes: bands, strided views, where the
 * lowest NaN stands, many short rows in lane queues, and subgroups of another size than a kernel's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wgpu_devices.h"

#ifdef ST_WGPU
#include "backends/wgpu/band_program.h"
#include "backends/wgpu/native/record.h"
#include "backends/wgpu/view_program.h"
#include "backends/wgpu/wgpu_kernels.h"
#include "base/memory.h"
#include "rank/reference.h"
#include "rank/request.h"

static st_wgpu_program program;
static st_wgpu_device *device;
static const st_wgpu_opened *opened;

/* What a binding begins with, and what it is left with. */
struct memory {
    void *bytes;
    size_t size;
};

static uint64_t random_state;

static uint64_t random_below(uint64_t bound) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (random_state >> 24) % bound;
}

static void assert_fine(st_status status) {
    if (status != ST_OK) fail_msg("%s: %s", st_status_name(status), st_last_message());
}

static int open_device(void **state) {
    (void)state;
    device = st_test_wgpu_device();
    if (device != NULL) assert_fine(st_wgpu_device_open(device, &opened));
    return 0;
}

static int close_device(void **state) {
    (void)state;
    if (device != NULL) st_wgpu_device_close(device);
    return 0;
}

static size_t words_of(size_t bytes) { return (bytes + 3) / 4 * 4; }

static struct memory filled(size_t bytes, int byte) {
    struct memory memory = {malloc(words_of(bytes) + 4), words_of(bytes)};
    assert_non_null(memory.bytes);
    memset(memory.bytes, byte, memory.size + 4);
    return memory;
}

/* Runs the program on copies of memory, by binding number, and copies back what it left. Of size 0: not bound. */
static void run(struct memory memory[ST_WGPU_BINDINGS]) {
    static const int used[] = {ST_WGPU_INPUT, ST_WGPU_VALUES, ST_WGPU_INDICES, ST_WGPU_SCRATCH, ST_WGPU_STATE};
    enum { USED = sizeof used / sizeof used[0] };
    st_wgpu_buffer *buffers[USED] = {NULL}, *numbers;
    st_wgpu_bindings bindings = {0};
    WGPUCommandEncoder encoder;
    st_wgpu_ticket ticket;
    if (device == NULL) skip();
    for (int i = 0; i < USED; i++) {
        const struct memory *from = &memory[used[i]];
        if (from->size == 0) continue;
        assert_fine(st_wgpu_buffer_take(device, ST_WGPU_USE_STORAGE, from->size, &buffers[i]));
        assert_fine(st_wgpu_upload(device, buffers[i]->handle, 0, from->bytes, from->size));
        bindings.span[used[i]] = (st_wgpu_span){buffers[i]->handle, 0, from->size};
    }
    assert_fine(st_wgpu_encoder(device, &encoder));
    assert_fine(st_wgpu_record(device, &program, &bindings, st_wgpu_source, encoder, &numbers));
    assert_fine(st_wgpu_submit(device, encoder, "a test", &ticket));
    st_wgpu_buffer_give(device, numbers);
    for (int i = 0; i < USED; i++) {
        if (memory[used[i]].size > 0 && used[i] != ST_WGPU_INPUT)
            assert_fine(st_wgpu_download(device, buffers[i]->handle, 0, memory[used[i]].bytes, memory[used[i]].size));
        st_wgpu_buffer_give(device, buffers[i]);
    }
}

static struct memory fresh_state(void) {
    struct memory memory = filled(ST_WGPU_STATE_WORDS * sizeof(uint32_t), 0);
    uint32_t *words = memory.bytes;
    words[ST_WGPU_STATE_NAN_ROW] = words[ST_WGPU_STATE_NAN_COLUMN] = UINT32_MAX;
    return memory;
}

static void release(struct memory memory[ST_WGPU_BINDINGS]) {
    for (int i = 0; i < ST_WGPU_BINDINGS; i++) free(memory[i].bytes);
}

/* ---- bands ---------------------------------------------------------------------------------------------------------- */

struct band_case {
    st_band_request request;
    uint64_t first_row, rows, base;
    int64_t capacity;
    int two_passes, values, indices;
    st_wgpu_limits limits;
    struct memory input;
    uint64_t lower, upper;
};

/* Compares what a program finds in some rows of a case with the reference's answer. */
static void check_band(struct band_case *band) {
    const size_t size = (size_t)st_dtype_size(band->request.dtype), index_size = band->request.index_dtype == ST_I64 ? 8 : 4;
    const char *first = (const char *)band->input.bytes + band->base * size;
    st_band_request request = band->request;
    request.rows = (int64_t)band->rows;
    request.lower = &band->lower;
    request.upper = &band->upper;
    const size_t capacity = (size_t)band->capacity;
    struct memory counts = filled(band->rows * sizeof(int64_t), 0);
    struct memory expected = filled(capacity * size, 0xaa), columns = filled(capacity * index_size, 0xaa);
    const st_band_buffers buffers = {.input = first + (int64_t)band->first_row * request.row_stride * (int64_t)size,
                                     .counts = counts.bytes,
                                     .values = band->values ? expected.bytes : NULL,
                                     .indices = band->indices ? columns.bytes : NULL,
                                     .capacity = band->capacity};
    const st_status wanted = st_reference_band(&request, &buffers);
    assert_true(wanted == ST_OK || wanted == ST_E_CAPACITY);
    const st_wgpu_layout layout = {.input_bytes = band->input.size,
                                   .values_bytes = band->values ? words_of(capacity * size + 4) : 0,
                                   .indices_bytes = band->indices ? words_of(capacity * index_size + 4) : 0,
                                   .input_base = band->base,
                                   .row_stride = request.row_stride,
                                   .col_stride = request.col_stride,
                                   .first_row = band->first_row,
                                   .output_rows = band->rows,
                                   .count_reads = 1};
    request.rows = band->request.rows;
    assert_fine(st_wgpu_compose_band(&request, band->two_passes, &band->limits, &layout, (uint64_t)band->capacity, &program));
    struct memory memory[ST_WGPU_BINDINGS] = {[ST_WGPU_INPUT] = band->input,
                                              [ST_WGPU_VALUES] = filled(layout.values_bytes, 0xaa),
                                              [ST_WGPU_INDICES] = filled(layout.indices_bytes, 0xaa),
                                              [ST_WGPU_SCRATCH] = filled(program.scratch_bytes, 0x77),
                                              [ST_WGPU_STATE] = fresh_state()};
    run(memory);
    const uint32_t *starts = memory[ST_WGPU_SCRATCH].bytes;
    uint32_t total = 0;
    for (uint64_t row = 0; row < band->rows; row++) {
        assert_int_equal(starts[row], total);
        total += (uint32_t)((const int64_t *)counts.bytes)[row];
    }
    assert_int_equal(starts[band->rows], total);
    assert_int_equal(wanted == ST_E_CAPACITY, (band->values || band->indices) && total > capacity);
    const int written_again = program.count > 2 && program.steps[0].variant.kernel == ST_WGPU_KERNEL_BAND_COUNT && wanted == ST_OK;
    const uint32_t *words = memory[ST_WGPU_STATE].bytes;
    assert_int_equal(words[ST_WGPU_STATE_READS], band->rows * (uint64_t)request.cols * (written_again ? 2 : 1));
    assert_int_equal(words[ST_WGPU_STATE_FLAGS], 0);
    if (band->values) assert_memory_equal(memory[ST_WGPU_VALUES].bytes, expected.bytes, capacity * size);
    if (band->indices) assert_memory_equal(memory[ST_WGPU_INDICES].bytes, columns.bytes, capacity * index_size);
    memory[ST_WGPU_INPUT].bytes = NULL; /* the case's */
    release(memory);
    free(counts.bytes);
    free(expected.bytes);
    free(columns.bytes);
}

static struct band_case random_band(int64_t most_cols) {
    static const st_dtype dtypes[] = {ST_F32, ST_F64, ST_F16, ST_BF16, ST_I8, ST_U8, ST_I16, ST_U16, ST_I32, ST_U32, ST_I64, ST_U64};
    struct band_case band = {.limits = opened->limits, .two_passes = (int)random_below(2), .base = random_below(4)};
    const int64_t cols = 1 + (int64_t)random_below((uint64_t)most_cols), step = random_below(3) == 0 ? 3 : 1;
    band.request = (st_band_request){.dtype = dtypes[random_below(12)],
                                     .index_dtype = random_below(2) ? ST_I64 : ST_I32,
                                     .rows = 1 + (int64_t)random_below(6),
                                     .cols = cols,
                                     .row_stride = random_below(4) == 0 ? 0 : cols * step + (int64_t)random_below(3),
                                     .col_stride = step};
    const size_t size = (size_t)st_dtype_size(band.request.dtype);
    band.first_row = random_below((uint64_t)band.request.rows);
    band.rows = (uint64_t)band.request.rows - band.first_row;
    const size_t elements = band.base + (size_t)((band.request.rows - 1) * band.request.row_stride + (cols - 1) * step) + 1;
    band.input = filled(elements * size, 0);
    /* Few values, all of them, or bits of any kind; NaN, -0 and infinities among them. */
    const uint64_t kind = random_below(3);
    for (size_t i = 0; i < elements * size; i++) {
        const uint64_t byte = kind == 0 ? random_below(2) * 0x80 : kind == 1 ? 0x3c : random_below(256);
        ((uint8_t *)band.input.bytes)[i] = (uint8_t)byte;
    }
    const char *some = (const char *)band.input.bytes;
    memcpy(&band.lower, some + random_below(elements) * size, size);
    memcpy(&band.upper, some + random_below(elements) * size, size);
    band.values = random_below(4) != 0;
    band.indices = random_below(4) != 0;
    band.capacity = (int64_t)(random_below(3) == 0 ? random_below(band.rows * (uint64_t)cols + 1) : band.rows * (uint64_t)cols);
    return band;
}

static int is_nan(st_dtype dtype, uint64_t bits) {
    switch (dtype) {
        case ST_F64: return (bits & INT64_MAX) > (uint64_t)0x7ff << 52;
        case ST_F32: return (bits & INT32_MAX) > 0x7f800000u;
        case ST_F16: return (bits & INT16_MAX) > 0x7c00u;
        case ST_BF16: return (bits & INT16_MAX) > 0x7f80u;
        default: return 0;
    }
}

static void test_bands(void **state) {
    (void)state;
    if (device == NULL) skip();
    random_state = 20240611;
    int compared = 0;
    for (int i = 0; i < 150; i++) {
        struct band_case band = random_band(i < 140 ? 700 : 30000);
        /* A NaN bound is refused before any program is made. */
        if (!is_nan(band.request.dtype, band.lower) && !is_nan(band.request.dtype, band.upper)) {
            check_band(&band);
            compared++;
        }
        free(band.input.bytes);
    }
    assert_true(compared > 100);
}

/* A row that no binding holds is counted and written range by range. */
static void test_band_of_a_row_in_ranges(void **state) {
    (void)state;
    if (device == NULL) skip();
    random_state = 12;
    struct band_case band = {.limits = opened->limits, .rows = 1, .values = 1, .indices = 1};
    band.request = (st_band_request){
        .dtype = ST_I32, .index_dtype = ST_I32, .rows = 1, .cols = 200000, .row_stride = 200000, .col_stride = 1};
    band.limits.binding_bytes = 1 << 18;
    band.input = filled(200000 * 4, 0);
    for (size_t i = 0; i < 200000; i++) ((int32_t *)band.input.bytes)[i] = (int32_t)random_below(1000);
    band.lower = 100;
    band.upper = 200;
    band.capacity = 40000;
    for (band.two_passes = 0; band.two_passes < 2; band.two_passes++) check_band(&band);
    free(band.input.bytes);
}

/* ---- views ---------------------------------------------------------------------------------------------------------- */

static void test_views(void **state) {
    (void)state;
    if (device == NULL) skip();
    random_state = 5;
    for (int i = 0; i < 60; i++) {
        st_view view = {.dimensions = (int32_t)random_below(ST_VIEW_DIMENSIONS + 1), .base = 100000000};
        int64_t positions;
        for (int32_t j = 0; j < view.dimensions; j++) {
            view.extents[j] = 1 + (int64_t)random_below(view.dimensions > 4 ? 4 : 9);
            view.strides[j] = (int64_t)random_below(2001) - 1000;
        }
        assert_fine(st_view_check(&view, INT64_MAX, &positions));
        const int64_t first = (int64_t)random_below((uint64_t)positions), count = positions - first;
        const int64_t segment = 1 + (int64_t)random_below(40);
        const int32_t outputs = 1 + (int32_t)random_below(3);
        struct memory elements = filled((size_t)count * 4, 0xaa), segments = filled((size_t)count * 4, 0xaa);
        st_view_index(&view, first, count, segment, outputs & ST_OUT_INDICES ? elements.bytes : NULL,
                      outputs & ST_OUT_VALUES ? segments.bytes : NULL);
        assert_fine(st_wgpu_compose_view(&view, first, count, segment, outputs, &opened->limits, &program));
        struct memory memory[ST_WGPU_BINDINGS] = {[ST_WGPU_VALUES] = filled((size_t)count * 4, 0xaa),
                                                  [ST_WGPU_INDICES] = filled((size_t)count * 4, 0xaa)};
        run(memory);
        assert_memory_equal(memory[ST_WGPU_INDICES].bytes, elements.bytes, (size_t)count * 4);
        assert_memory_equal(memory[ST_WGPU_VALUES].bytes, segments.bytes, (size_t)count * 4);
        release(memory);
        free(elements.bytes);
        free(segments.bytes);
    }
}

/* ---- ranks ---------------------------------------------------------------------------------------------------------- */

/* Runs a packed f32 request on the device; returns its state words. Values and indices, where not NULL, are compared. */
static void run_rank(const st_rank_request *request, const st_choice *choice, const st_wgpu_limits *limits, const float *input,
                     const float *values, const int64_t *indices, uint32_t state[ST_WGPU_STATE_WORDS]) {
    const size_t width = (size_t)st_request_width(request), rows = (size_t)request->rows, outputs = rows * width;
    struct memory memory[ST_WGPU_BINDINGS] = {[ST_WGPU_INPUT] = filled(rows * (size_t)request->cols * 4, 0),
                                              [ST_WGPU_VALUES] = filled(outputs * 4, 0xaa),
                                              [ST_WGPU_INDICES] = filled(outputs * 8, 0xaa),
                                              [ST_WGPU_STATE] = fresh_state()};
    memcpy(memory[ST_WGPU_INPUT].bytes, input, memory[ST_WGPU_INPUT].size);
    const st_wgpu_layout layout = {.input_bytes = memory[ST_WGPU_INPUT].size,
                                   .values_bytes = outputs * 4,
                                   .indices_bytes = outputs * 8,
                                   .row_stride = request->cols,
                                   .col_stride = 1,
                                   .values_stride = width,
                                   .indices_stride = width,
                                   .output_rows = rows};
    assert_fine(st_wgpu_compose(request, choice, limits, &layout, &program));
    memory[ST_WGPU_SCRATCH] = filled(program.scratch_bytes, 0x77);
    run(memory);
    if (values != NULL) assert_memory_equal(memory[ST_WGPU_VALUES].bytes, values, outputs * 4);
    if (indices != NULL) assert_memory_equal(memory[ST_WGPU_INDICES].bytes, indices, outputs * 8);
    memcpy(state, memory[ST_WGPU_STATE].bytes, ST_WGPU_STATE_WORDS * sizeof(uint32_t));
    release(memory);
}

static st_rank_request resolved(int32_t kind, int64_t rows, int64_t cols, int64_t k) {
    st_rank_request request, checked;
    st_rank_request_init(&request, kind, rows, cols, k);
    assert_fine(st_request_check(&request, 1, &checked));
    return checked;
}

static void test_lowest_nan(void **state) {
    (void)state;
    if (device == NULL) skip();
    enum { ROWS = 40, COLS = 9000 };
    static float input[ROWS * COLS];
    uint32_t words[ST_WGPU_STATE_WORDS];
    random_state = 3;
    st_rank_request request = resolved(ST_TOPK, ROWS, COLS, 3);
    request.nan_rule = ST_NAN_ERROR;
    const st_choice choice = {.mk = ST_MK_SHARED, .wg = 64, .kl = 1, .tile = 256, .ctile = 256};
    static const int counts[] = {0, 1, 2, 3, 500, 50000};
    for (size_t count = 0; count < sizeof counts / sizeof counts[0]; count++) {
        uint32_t row = UINT32_MAX, column = UINT32_MAX;
        memset(input, 0, sizeof input);
        for (int i = 0; i < counts[count]; i++) {
            const uint32_t at = (uint32_t)random_below(ROWS * COLS), bits = i % 2 ? 0x7fc00000u : 0xff800001u;
            memcpy(&input[at], &bits, sizeof bits);
            if (at / COLS < row || (at / COLS == row && at % COLS < column)) {
                row = at / COLS;
                column = at % COLS;
            }
        }
        run_rank(&request, &choice, &opened->limits, input, NULL, NULL, words);
        assert_int_equal(words[ST_WGPU_STATE_NAN_ROW], row);
        assert_int_equal(words[ST_WGPU_STATE_NAN_COLUMN], column);
    }
}

/* So many short rows that each subgroup serves some of its own. */
static void test_short_rows_in_lane_queues(void **state) {
    (void)state;
    if (device == NULL) skip();
    if (opened->limits.lanes == 0) {
        print_message("no subgroups of one known size here\n");
        skip();
    }
    enum { ROWS = 9001, COLS = 33, K = 4 };
    static float input[ROWS * COLS], values[ROWS * K];
    static int64_t indices[ROWS * K];
    uint32_t words[ST_WGPU_STATE_WORDS];
    random_state = 8;
    for (size_t i = 0; i < ROWS * COLS; i++) input[i] = (float)random_below(50) - 20;
    st_host host;
    assert_fine(st_host_resolve(NULL, &host));
    for (int i = 0; i < 4; i++) {
        st_rank_request request = resolved(i & 1 ? ST_TOPK : ST_BOTTOMK, ROWS, COLS, K);
        request.order = i & 2 ? ST_UNSORTED : ST_SORTED;
        const st_rank_buffers buffers = {
            .input = input, .row_list_count = ROWS, .values = values, .values_stride = K, .indices = indices, .indices_stride = K};
        assert_fine(st_reference_rank(&host, &request, &buffers));
        const int32_t lanes = (int32_t)opened->limits.lanes, mkd = i & 1 ? ST_MKD_WARP_BITONIC : ST_MKD_WARP_HEAP;
        const st_choice choice = {.mk = ST_MK_WARP, .mkd = mkd, .wg = 4 * lanes, .kl = 2, .tile = 64, .ctile = 64};
        run_rank(&request, &choice, &opened->limits, input, values, indices, words);
        assert_int_equal(words[ST_WGPU_STATE_FLAGS], 0);
        assert_int_equal(program.steps[0].variant.parts, 4);
    }
}

/* A kernel that was made for other subgroups says so. */
static void test_subgroups_of_another_size(void **state) {
    (void)state;
    if (device == NULL) skip();
    if (opened->limits.lanes == 0) {
        print_message("no subgroups of one known size here\n");
        skip();
    }
    static const float input[64] = {1};
    uint32_t words[ST_WGPU_STATE_WORDS];
    st_wgpu_limits limits = opened->limits;
    limits.lanes *= 2;
    const st_rank_request request = resolved(ST_TOPK, 1, 64, 2);
    const st_choice choice = {.mk = ST_MK_WARP, .wg = (int32_t)limits.lanes, .kl = 1, .tile = 64, .ctile = 64};
    run_rank(&request, &choice, &limits, input, NULL, NULL, words);
    assert_int_equal(words[ST_WGPU_STATE_FLAGS], ST_WGPU_FLAG_LANES);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bands),
        cmocka_unit_test(test_band_of_a_row_in_ranges),
        cmocka_unit_test(test_views),
        cmocka_unit_test(test_lowest_nan),
        cmocka_unit_test(test_short_rows_in_lane_queues),
        cmocka_unit_test(test_subgroups_of_another_size),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
#else
static void test_programs(void **state) {
    (void)state;
    assert_null(st_test_wgpu_device());
    skip();
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_programs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
#endif
