/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * fuzz_rank.c - a request, a Choice and data from any bytes, through the public interface, against the reference. Input
 * and outputs are blocks of exactly the bytes that may be touched.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "rank/reference.h"
#include "spiraltorch/spiraltorch.h"

enum { THREADS = 3, MOST_ROWS = 4, MOST_LIST = 3, ISAS = 3 };

static st_context *contexts[ISAS];
static st_host host;

static void require(int holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "fuzz_rank: %s: %s\n", what, st_last_message());
    abort();
}

int LLVMFuzzerInitialize(int *count, char ***arguments);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *count, char ***arguments) {
    static const char *const disabled[ISAS] = {" ", "avx512", "avx512,avx2,neon"};
    (void)count;
    (void)arguments;
    require(st_host_resolve(NULL, &host) == ST_OK, "host");
    for (int i = 0; i < ISAS; i++) {
        const st_context_options options = {
            .struct_size = sizeof options, .threads = THREADS, .cpu_disable = disabled[i]};
        require(st_context_create(&options, &contexts[i]) == ST_OK, "context");
    }
    return 0;
}

/* What is left of the input; past its end there are zeros. */
struct bytes {
    const uint8_t *at, *end;
};

static uint32_t take(struct bytes *bytes) { return bytes->at == bytes->end ? 0 : *bytes->at++; }
static int64_t take_below(struct bytes *bytes, int64_t bound) {
    const uint32_t low = take(bytes);
    return (int64_t)(low | (bound > 256 ? take(bytes) << 8 : 0)) % bound;
}

static void *need(size_t bytes) {
    void *block = malloc(bytes == 0 ? 1 : bytes);
    if (block == NULL) abort();
    return block;
}

struct scene {
    st_context *context;
    st_rank_request request;
    st_choice choice;
    st_rank_buffers buffers;
    int64_t row_list[MOST_LIST], lengths[MOST_ROWS], width;
    char *input;
    size_t value_bytes, index_bytes;
};

static void decode_request(struct bytes *bytes, struct scene *scene) {
    st_rank_request *request = &scene->request;
    scene->context = contexts[take_below(bytes, ISAS)];
    const int32_t kind = (int32_t)take_below(bytes, 4) + ST_TOPK;
    int64_t rows = take_below(bytes, MOST_ROWS + 1);
    const int64_t cols = take_below(bytes, 4) == 0 ? take_below(bytes, 3000) : take_below(bytes, 200);
    if (cols > 200 && rows > 1) rows = 1; /* long enough to be split; more of them would only take longer */
    st_rank_request_init(request, kind, rows, cols, take_below(bytes, cols + 1));
    request->dtype = (st_dtype)take_below(bytes, 12) + ST_F32;
    request->index_dtype = take_below(bytes, 2) == 0 ? ST_I64 : ST_I32;
    request->nan_rule = (int32_t)take_below(bytes, 4);
    request->order = (int32_t)take_below(bytes, 2);
    request->outputs = (int32_t)take_below(bytes, 3) + 1;
    request->threads = (int32_t)take_below(bytes, THREADS + 1);
    if (kind == ST_WINDOW) {
        request->lo = take_below(bytes, cols + 1);
        request->hi = request->lo + take_below(bytes, cols - request->lo + 1);
        request->descending = (int32_t)take_below(bytes, 2);
    }
    scene->width = kind == ST_WINDOW ? request->hi - request->lo : request->k;
    request->col_stride = take_below(bytes, 8) < 5 ? 1 : take_below(bytes, 7) - 3;
    request->row_stride = take_below(bytes, 4) != 0 ? cols : take_below(bytes, 100) - 50;
}

static void decode_choice(struct bytes *bytes, struct scene *scene) {
    static const int32_t homes[][2] = {
        {ST_MK_SHARED, ST_MKD_AUTO},  {ST_MK_SHARED, ST_MKD_FILTER},   {ST_MK_SHARED, ST_MKD_HEAP},
        {ST_MK_SHARED, ST_MKD_KWAY},  {ST_MK_WARP, ST_MKD_AUTO},       {ST_MK_WARP, ST_MKD_WARP_HEAP},
        {ST_MK_BITONIC, ST_MKD_AUTO}, {ST_MK_BITONIC, ST_MKD_BITONIC}, {ST_MK_RADIX, ST_MKD_AUTO}};
    const int64_t home = take_below(bytes, 9);
    st_plan plan;
    require(st_plan_request(scene->context, &scene->request, "cpu", NULL, &plan) == ST_OK, "plan");
    scene->choice = plan.choice; /* legal in the fields that no CPU family reads */
    scene->choice.mk = homes[home][0];
    scene->choice.mkd = homes[home][1];
    scene->choice.use_2ce = (int32_t)take_below(bytes, 2);
    scene->choice.midk = (int32_t)take_below(bytes, 3);
    scene->choice.bottomk = (int32_t)take_below(bytes, 3);
    scene->choice.wg = (int32_t)take_below(bytes, THREADS) + 1;
    scene->choice.kl = (int32_t)take_below(bytes, 8) + 1;
    scene->choice.tile = 64 << take_below(bytes, 8);
    scene->choice.ctile = 64 << take_below(bytes, 8);
}

/* Rows of the list, lengths, and an input of exactly the bytes that the strides reach, filled by what is left, over and
 * over. */
static void decode_input(struct bytes *bytes, struct scene *scene) {
    const st_rank_request *request = &scene->request;
    const size_t size = (size_t)st_dtype_size(request->dtype);
    const uint32_t style = take(bytes);
    scene->buffers = (st_rank_buffers){.struct_size = sizeof scene->buffers, .row_list_count = request->rows};
    if (style & 1 && request->rows > 0) {
        scene->buffers.row_list_count = take_below(bytes, MOST_LIST + 1);
        for (int i = 0; i < MOST_LIST; i++) scene->row_list[i] = take_below(bytes, request->rows);
        scene->buffers.row_list = scene->row_list;
    }
    if (style & 2) {
        for (int64_t row = 0; row < request->rows; row++) scene->lengths[row] = take_below(bytes, request->cols + 1);
        scene->buffers.lengths = scene->lengths;
    }
    scene->buffers.values_stride = scene->width + (style & 4 ? 3 : 0);
    scene->buffers.indices_stride = scene->width + (style & 8 ? 1 : 0);
    int64_t lowest = 0, elements = 0;
    if (request->rows > 0 && request->cols > 0) {
        const int64_t across = (request->cols - 1) * request->col_stride,
                      down = (request->rows - 1) * request->row_stride;
        lowest = (across < 0 ? across : 0) + (down < 0 ? down : 0);
        elements = (across > 0 ? across : 0) + (down > 0 ? down : 0) - lowest + 1;
    }
    const size_t extent = (size_t)elements * size, left = (size_t)(bytes->end - bytes->at);
    scene->input = need(extent);
    for (size_t i = 0; i < extent; i++) scene->input[i] = left == 0 ? 0 : (char)bytes->at[i % left];
    scene->buffers.input = scene->input - lowest * (int64_t)size;
}

static size_t extent_of(int64_t rows, int64_t stride, int64_t width, size_t size) {
    return rows == 0 || width == 0 ? 0 : (size_t)((rows - 1) * stride + width) * size;
}

static void fill_outputs(const struct scene *scene, st_rank_buffers *buffers) {
    buffers->values = need(scene->value_bytes);
    buffers->indices = need(scene->index_bytes);
    memset(buffers->values, 0x5a, scene->value_bytes);
    memset(buffers->indices, 0x5a, scene->index_bytes);
}

/* A workspace of the stated size that starts at an odd address, or none. */
static st_status execute(const struct scene *scene, const st_plan *plan, st_rank_buffers *buffers, int own_workspace) {
    uint64_t bytes = 0;
    if (!own_workspace) return st_execute_rank(scene->context, plan, buffers);
    require(st_rank_workspace(scene->context, plan, &bytes) == ST_OK, "workspace");
    char *block = need((size_t)bytes + 1);
    buffers->workspace = block + 1;
    buffers->workspace_size = bytes;
    const st_status status = st_execute_rank(scene->context, plan, buffers);
    free(block);
    return status;
}

static void compare(const struct scene *scene, int own_workspace) {
    const st_rank_request *request = &scene->request;
    char expected_message[512];
    st_rank_buffers expected = scene->buffers, got = scene->buffers;
    st_plan plan;
    fill_outputs(scene, &expected);
    fill_outputs(scene, &got);
    const st_status reference = st_reference_rank(&host, request, &expected);
    snprintf(expected_message, sizeof expected_message, "%s", st_last_message());
    require(st_plan_with_choice(scene->context, request, "cpu", &scene->choice, &plan) == ST_OK, "plan with a Choice");
    require(strncmp(plan.kernel, "cpu/", 4) == 0 && plan.source == ST_SOURCE_CALLER, "the plan is another's");
    const st_status status = execute(scene, &plan, &got, own_workspace);
    require(status == reference, "status");
    if (status == ST_E_NAN) require(strcmp(st_last_message(), expected_message) == 0, "message");
    if (status == ST_OK && request->outputs & ST_OUT_VALUES)
        require(memcmp(got.values, expected.values, scene->value_bytes) == 0, "values");
    if (status == ST_OK && request->outputs & ST_OUT_INDICES)
        require(memcmp(got.indices, expected.indices, scene->index_bytes) == 0, "indices");
    free(expected.values);
    free(expected.indices);
    free(got.values);
    free(got.indices);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bytes bytes = {data, data + size};
    struct scene scene = {0};
    const uint32_t own_workspace = take(&bytes) & 1;
    decode_request(&bytes, &scene);
    decode_choice(&bytes, &scene);
    decode_input(&bytes, &scene);
    const size_t value_size = (size_t)st_dtype_size(scene.request.dtype),
                 index_size = scene.request.index_dtype == ST_I32 ? 4 : 8;
    scene.value_bytes = extent_of(scene.buffers.row_list_count, scene.buffers.values_stride, scene.width, value_size);
    scene.index_bytes = extent_of(scene.buffers.row_list_count, scene.buffers.indices_stride, scene.width, index_size);
    compare(&scene, (int)own_workspace);
    free(scene.input);
    return 0;
}
