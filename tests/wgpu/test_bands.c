/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_bands.c - band compaction on a WebGPU device through the public header: what the reference says, bit for bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rank/reference.h"
#include "spiraltorch/spiraltorch.h"
#include "wgpu_devices.h"

static const char *const device = "wgpu:0";
static st_context *context;

static int open_context(void **state) {
    (void)state;
    const st_context_options options = {.struct_size = sizeof options, .threads = 2};
    st_wgpu_device *found = st_test_wgpu_device();
    if (found == NULL) return 0;
#ifdef ST_WGPU
    st_wgpu_device_close(found);
#endif
    return st_context_create(&options, &context) == ST_OK ? 0 : 1;
}

static int close_context(void **state) {
    (void)state;
    st_context_destroy(context);
    return 0;
}

static uint64_t random_state;

static uint64_t random_below(uint64_t bound) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (random_state >> 24) % bound;
}

struct scene {
    st_band_request request;
    char *input; /* of element (0, 0) */
    int values, indices;
    int64_t capacity;
};

/* One answer, of a device or (NULL) of the reference; the outputs begin as 0x5a, with bytes behind them that must stay so. */
struct answer {
    st_status status;
    size_t bytes[3];
    char *memory[3]; /* counts, values, indices */
};

enum { BEHIND = 16 };

static struct answer answer_of(const struct scene *scene, const char *where) {
    const st_band_request *request = &scene->request;
    const size_t elements = (size_t)(request->rows * request->cols), most = (size_t)scene->capacity < elements ? (size_t)scene->capacity : elements;
    struct answer answer = {.bytes = {(size_t)request->rows * 8, most * (size_t)st_dtype_size(request->dtype),
                                      most * (request->index_dtype == ST_I32 ? 4 : 8)}};
    for (int i = 0; i < 3; i++) {
        answer.memory[i] = malloc(answer.bytes[i] + BEHIND);
        assert_non_null(answer.memory[i]);
        memset(answer.memory[i], 0x5a, answer.bytes[i] + BEHIND);
    }
    const st_band_buffers buffers = {.struct_size = sizeof buffers,
                                     .input = scene->input,
                                     .counts = (int64_t *)(void *)answer.memory[0],
                                     .values = scene->values ? answer.memory[1] : NULL,
                                     .indices = scene->indices ? answer.memory[2] : NULL,
                                     .capacity = scene->capacity};
    st_band_request there = *request;
    there.device = where;
    answer.status = where == NULL ? st_reference_band(&there, &buffers) : st_band_compact(context, &there, &buffers);
    return answer;
}

static void compare(const struct scene *scene, const char *oracle) {
    struct answer want = answer_of(scene, oracle), got = answer_of(scene, device);
    if (got.status != want.status) fail_msg("%s: %s", st_status_name(got.status), st_last_message());
    for (int i = 0; i < 3; i++) {
        if (memcmp(got.memory[i], want.memory[i], want.bytes[i] + BEHIND) != 0)
            fail_msg("another %s: %s, %lld rows of %lld columns, passes %d, capacity %lld", i == 0 ? "count" : i == 1 ? "value" : "index",
                     st_dtype_name(scene->request.dtype), (long long)scene->request.rows, (long long)scene->request.cols,
                     scene->request.passes, (long long)scene->capacity);
        free(want.memory[i]);
        free(got.memory[i]);
    }
}

static int64_t total_of(const struct scene *scene, const char *oracle) {
    struct scene counting = *scene;
    counting.values = counting.indices = 0;
    const struct answer want = answer_of(&counting, oracle);
    int64_t total = 0;
    for (int64_t row = 0; row < scene->request.rows; row++) total += ((const int64_t *)(const void *)want.memory[0])[row];
    for (int i = 0; i < 3; i++) free(want.memory[i]);
    return total;
}

/* Rows of small numbers, of which a band is about a third; NaN, infinities and -0 among those of a float dtype. */
static void fill(st_dtype dtype, char *elements, size_t count) {
    static const double specials[] = {0.0, 1.5, 2.0, 3.0};
    const size_t size = (size_t)st_dtype_size(dtype);
    for (size_t i = 0; i < count; i++) {
        char *at = elements + i * size;
        uint64_t bits = random_below(100);
        if (dtype == ST_F32) {
            const float number = random_below(9) == 0 ? (float)specials[random_below(4)] : (float)random_below(100);
            memcpy(at, &number, size);
            continue;
        }
        if (dtype == ST_F64) {
            const double number = (double)random_below(100);
            memcpy(at, &number, size);
            continue;
        }
        if (dtype == ST_F16 || dtype == ST_BF16) bits = random_below(1 << 16);
        memcpy(at, &bits, size);
    }
    static const uint64_t odd[][3] = {[ST_F32] = {0x7fc00001, 0x80000000, 0xff800000},
                                      [ST_F64] = {0x7ff8000000000001, 0x8000000000000000, 0xfff0000000000000},
                                      [ST_F16] = {0x7e01, 0x8000, 0xfc00},
                                      [ST_BF16] = {0x7fc1, 0x8000, 0xff80}};
    if (dtype < ST_F32 || dtype > ST_BF16) return;
    for (size_t i = 0; i < count; i += 1 + (size_t)random_below(20)) memcpy(elements + i * size, &odd[dtype][random_below(3)], size);
}

static const st_dtype dtypes[] = {ST_F32, ST_F64, ST_F16, ST_BF16, ST_I8, ST_U8, ST_I16, ST_U16, ST_I32, ST_U32, ST_I64, ST_U64};

static void set_bounds(struct scene *scene, uint64_t bounds[2]) {
    static const float single[] = {20, 55};
    static const double twice[] = {20, 55};
    static const uint64_t half[] = {0x9000, 0x4500};
    const st_dtype dtype = scene->request.dtype;
    for (int i = 0; i < 2; i++) {
        bounds[i] = i == 0 ? 20 : 55;
        if (dtype == ST_F32) memcpy(&bounds[i], &single[i], 4);
        if (dtype == ST_F64) memcpy(&bounds[i], &twice[i], 8);
        if (dtype == ST_F16 || dtype == ST_BF16) bounds[i] = half[i];
    }
    scene->request.lower = &bounds[0];
    scene->request.upper = &bounds[1];
}

/* Every dtype, strides of either sign, both ways of reading, and room for all, for just enough, for less, and for none. */
static void test_shapes(void **state) {
    (void)state;
    if (context == NULL) skip();
    static const int64_t shapes[][2] = {{1, 1}, {7, 3}, {3, 1000}, {40, 257}, {2, 40001}};
    random_state = 7;
    for (size_t i = 0; i < sizeof dtypes / sizeof dtypes[0]; i++)
        for (size_t j = 0; j < sizeof shapes / sizeof shapes[0]; j++) {
            const int64_t rows = shapes[j][0], cols = shapes[j][1], steps[] = {-2, 1, 2}, step = steps[(i + j) % 3];
            const size_t size = (size_t)st_dtype_size(dtypes[i]), elements = (size_t)(rows * cols) * 2 + 1;
            struct scene scene = {.values = (i + j) % 4 != 1, .indices = (i + j) % 4 != 2};
            uint64_t bounds[2];
            char *block = malloc(elements * size);
            assert_non_null(block);
            fill(dtypes[i], block, elements);
            scene.request = (st_band_request){.struct_size = sizeof scene.request, .dtype = dtypes[i], .rows = rows, .cols = cols,
                                              .index_dtype = (i + j) % 2 ? ST_I32 : ST_I64, .row_stride = step * cols, .col_stride = step};
            if ((i + j) % 5 == 4) scene.request.row_stride = 0;
            scene.input = block + (step < 0 ? (elements - 1) * size : 0);
            set_bounds(&scene, bounds);
            const int64_t total = total_of(&scene, NULL), rooms[] = {rows * cols, total, total - 1, 0};
            for (int room = 0; room < 4; room++) {
                scene.request.passes = (int32_t)((i + (size_t)room) % 3);
                scene.capacity = rooms[room] < 0 ? 0 : rooms[room];
                compare(&scene, NULL);
            }
            scene.values = scene.indices = 0; /* counts alone */
            compare(&scene, NULL);
            scene.request.lower = &bounds[1]; /* nothing lies between */
            scene.request.upper = &bounds[0];
            compare(&scene, NULL);
            free(block);
        }
}

/* More than goes up at once: several rows, or one row in pieces; as the CPU's answer, which comes sooner than the reference's. */
static void test_chunks(void **state) {
    (void)state;
    if (context == NULL) skip();
    enum { ELEMENTS = 10000003 };
    static const int64_t shapes[][2] = {{1, ELEMENTS}, {3, ELEMENTS / 3}, {200, ELEMENTS / 200}};
    uint64_t bounds[2] = {250, 255};
    char *block = malloc(ELEMENTS);
    assert_non_null(block);
    random_state = 11;
    for (size_t i = 0; i < ELEMENTS; i++) block[i] = (char)random_below(256);
    for (int i = 0; i < 3; i++) {
        struct scene scene = {.input = block, .values = 1, .indices = 1};
        scene.request = (st_band_request){.struct_size = sizeof scene.request, .dtype = ST_U8, .index_dtype = ST_I64, .rows = shapes[i][0],
                                          .cols = shapes[i][1], .row_stride = shapes[i][1], .col_stride = 1, .lower = bounds,
                                          .upper = bounds + 1, .passes = i};
        const int64_t total = total_of(&scene, "cpu"), rooms[] = {total, total - 1, ELEMENTS};
        assert_true(total > ELEMENTS / 100);
        for (int room = 0; room < (i == 0 ? 3 : 2); room++) {
            scene.capacity = rooms[room];
            compare(&scene, "cpu");
        }
    }
    free(block);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_shapes), cmocka_unit_test(test_chunks)};
    return cmocka_run_group_tests(tests, open_context, close_context);
}
