/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * test_wgpu_kernels.c - what random runs through the backend do not reach: rows that no binding holds, and how often a kernel
 * reads an element.
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
#include "backends/wgpu/native/record.h"
#include "backends/wgpu/wgpu_kernels.h"
#include "base/memory.h"
#include "device/caps.h"
#include "device/gpu_rules.h"
#include "random_elements.h"
#include "rank/reference.h"
#include "rank/request.h"

static st_wgpu_device *device;
static const st_wgpu_opened *opened;
static st_wgpu_program program;
static st_random randomness;

static int open_device(void **state) {
    (void)state;
    device = st_test_wgpu_device();
    if (device != NULL && st_wgpu_device_open(device, &opened) != ST_OK) fail_msg("%s", st_last_message());
    st_random_seed(&randomness, 20240611);
    return 0;
}

static int close_device(void **state) {
    (void)state;
    if (device != NULL) st_wgpu_device_close(device);
    return 0;
}

static void assert_fine(st_status status) {
    if (status != ST_OK) fail_msg("%s: %s", st_status_name(status), st_last_message());
}

/* Runs `program` on packed rows; the words of STATE go to `words`. */
static void run(const st_wgpu_layout *layout, const void *input, void *values, void *indices, uint32_t words[ST_WGPU_STATE_WORDS]) {
    const uint64_t bytes[ST_WGPU_BINDINGS] = {[ST_WGPU_INPUT] = layout->input_bytes, [ST_WGPU_VALUES] = layout->values_bytes,
                                              [ST_WGPU_INDICES] = layout->indices_bytes, [ST_WGPU_SCRATCH] = program.scratch_bytes,
                                              [ST_WGPU_STATE] = ST_WGPU_STATE_WORDS * 4};
    st_wgpu_buffer *buffers[ST_WGPU_BINDINGS] = {NULL}, *numbers;
    st_wgpu_bindings bindings = {.span = {{NULL, 0, 0}}};
    WGPUCommandEncoder encoder;
    st_wgpu_ticket ticket;
    memset(words, 0, ST_WGPU_STATE_WORDS * 4);
    for (int i = 0; i < ST_WGPU_BINDINGS; i++) {
        if (bytes[i] == 0) continue;
        assert_fine(st_wgpu_buffer_take(device, ST_WGPU_USE_STORAGE, bytes[i], &buffers[i]));
        bindings.span[i] = (st_wgpu_span){buffers[i]->handle, 0, bytes[i]};
    }
    assert_fine(st_wgpu_upload(device, buffers[ST_WGPU_INPUT]->handle, 0, input, layout->input_bytes));
    assert_fine(st_wgpu_upload(device, buffers[ST_WGPU_STATE]->handle, 0, words, ST_WGPU_STATE_WORDS * 4));
    assert_fine(st_wgpu_encoder(device, &encoder));
    assert_fine(st_wgpu_record(device, &program, &bindings, st_wgpu_source, encoder, &numbers));
    assert_fine(st_wgpu_submit(device, encoder, "a test", &ticket));
    st_wgpu_buffer_give(device, numbers);
    assert_fine(st_wgpu_finish(device, ticket, "a test"));
    assert_fine(st_wgpu_download(device, buffers[ST_WGPU_VALUES]->handle, 0, values, layout->values_bytes));
    assert_fine(st_wgpu_download(device, buffers[ST_WGPU_INDICES]->handle, 0, indices, layout->indices_bytes));
    assert_fine(st_wgpu_download(device, buffers[ST_WGPU_STATE]->handle, 0, words, ST_WGPU_STATE_WORDS * 4));
    for (int i = 0; i < ST_WGPU_BINDINGS; i++) st_wgpu_buffer_give(device, buffers[i]);
}

static uint64_t whole_words(uint64_t bytes) { return (bytes + 3) / 4 * 4; }

/* Composes and runs a request on packed rows of random data, and compares with the reference. Returns the elements read. */
static uint32_t check(const st_rank_request *asked, const st_choice *drawn, const st_wgpu_limits *limits, st_data data) {
    st_rank_request request;
    st_rank_buffers checked;
    st_host host;
    st_host_resolve(NULL, &host);
    assert_fine(st_request_check(asked, 1, &request));
    const uint64_t size = (uint64_t)st_dtype_size(request.dtype), index_size = request.index_dtype == ST_I64 ? 8 : 4;
    const uint64_t rows = (uint64_t)request.rows, cols = (uint64_t)request.cols, width = (uint64_t)st_request_width(&request);
    const st_wgpu_layout layout = {.input_bytes = whole_words(rows * cols * size),
                                   .values_bytes = whole_words(rows * width * size),
                                   .indices_bytes = rows * width * index_size,
                                   .row_stride = request.row_stride,
                                   .col_stride = request.col_stride,
                                   .values_stride = width,
                                   .indices_stride = width,
                                   .output_rows = rows,
                                   .count_reads = 1};
    char *input = calloc(1, layout.input_bytes), *values = calloc(2, layout.values_bytes), *indices = calloc(2, layout.indices_bytes);
    assert_true(input != NULL && values != NULL && indices != NULL);
    st_random_fill(&randomness, request.dtype, data, input, rows * cols);
    const st_rank_buffers buffers = {.struct_size = sizeof buffers, .input = input, .values = values, .indices = indices};
    assert_fine(st_buffers_check(&request, &buffers, &checked));
    assert_fine(st_reference_rank(&host, &request, &checked));
    st_choice choice = *drawn;
    const st_device_caps caps = st_caps_with_shared_mem(st_caps_wgpu(limits->lanes ? (int32_t)limits->lanes : 32, limits->lanes != 0,
                                                                     (int32_t)limits->invocations), limits->shared_bytes);
    st_gpu_normalise(&request, &caps, &choice, NULL);
    assert_fine(st_wgpu_compose(&request, &choice, limits, &layout, &program));
    uint32_t words[ST_WGPU_STATE_WORDS];
    run(&layout, input, values + layout.values_bytes, indices + layout.indices_bytes, words);
    assert_int_equal(words[ST_WGPU_STATE_FLAGS], 0);
    if (memcmp(values, values + layout.values_bytes, rows * width * size) != 0 ||
        memcmp(indices, indices + layout.indices_bytes, layout.indices_bytes) != 0)
        fail_msg("kind %d %s order %d cols %llu k %lld [%lld, %lld) data %s mk %d mkd %d u2 %d wg %d ch %d binding %llu: not the reference's answer",
                 request.kind, st_dtype_name(request.dtype), request.order, (unsigned long long)cols, (long long)request.k,
                 (long long)request.lo, (long long)request.hi, st_data_name(data), choice.mk, choice.mkd, choice.use_2ce, choice.wg,
                 choice.ch, (unsigned long long)limits->binding_bytes);
    free(input);
    free(values);
    free(indices);
    return words[ST_WGPU_STATE_READS];
}

static void test_the_filter_reads_each_element_once(void **state) {
    (void)state;
    if (device == NULL) skip();
    static const st_data shapes[] = {ST_DATA_NORMAL, ST_DATA_ASCENDING, ST_DATA_DESCENDING, ST_DATA_EQUAL, ST_DATA_FEW, ST_DATA_MASKED};
    static const int64_t widths[] = {100, 5000, 40000}, ks[] = {1, 8, 64};
    for (size_t shape = 0; shape < sizeof shapes / sizeof shapes[0]; shape++)
        for (size_t i = 0; i < 3; i++)
            for (int32_t two = 0; two < 2; two++) {
                st_rank_request request;
                st_rank_request_init(&request, ST_TOPK, 3, widths[i], ks[(shape + i) % 3]);
                const st_choice choice = {.mk = ST_MK_SHARED, .mkd = ST_MKD_FILTER, .use_2ce = two, .wg = 64, .tile = 512, .ctile = 256};
                assert_int_equal(check(&request, &choice, &opened->limits, shapes[shape]), request.rows * request.cols);
            }
}

/* A binding of 128 KiB holds 32768 columns of 32 bits, half as many of 64. */
static void test_rows_that_no_binding_holds(void **state) {
    (void)state;
    if (device == NULL) skip();
    static const st_choice choices[] = {{.mk = ST_MK_SHARED, .mkd = ST_MKD_FILTER}, {.mk = ST_MK_BITONIC}, {.mk = ST_MK_RADIX}};
    st_wgpu_limits limits = opened->limits;
    int ranged = 0;
    for (int i = 0; i < 36; i++) {
        st_rank_request request;
        const int64_t cols = st_random_between(&randomness, 20000, 90000), width = st_random_between(&randomness, 1, i % 3 ? 60 : 1000);
        limits.binding_bytes = 128 << 10;
        st_rank_request_init(&request, ST_TOPK + (int32_t)(i % 4), 1, cols, width);
        request.dtype = ST_F32 + (st_dtype)st_random_below(&randomness, 12);
        request.index_dtype = st_random_below(&randomness, 2) ? ST_I32 : ST_I64;
        request.order = (int32_t)st_random_below(&randomness, 2);
        if (request.kind == ST_WINDOW) {
            request.lo = st_random_between(&randomness, 0, cols - width);
            request.hi = request.lo + width;
            request.descending = (int32_t)st_random_below(&randomness, 2);
        }
        st_choice choice = choices[i % 3];
        choice.use_2ce = (int32_t)st_random_below(&randomness, 2);
        choice.wg = 64;
        choice.ch = st_random_below(&randomness, 2) ? 0 : 1000;
        check(&request, &choice, &limits, (st_data)st_random_below(&randomness, ST_DATA_COUNT));
        ranged += program.steps[program.count - 1].variant.kernel == ST_WGPU_KERNEL_PICK;
    }
    assert_true(ranged > 12);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_filter_reads_each_element_once),
        cmocka_unit_test(test_rows_that_no_binding_holds),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
#else
static void test_no_device(void **state) {
    (void)state;
    print_message("this build has no WebGPU devices\n");
    skip();
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_no_device)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
#endif
