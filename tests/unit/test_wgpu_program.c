/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * test_wgpu_program.c - programs for WebGPU devices, without a device: the uniform block is its WGSL twin, limits hold for any
 * request, Choice and device, few dispatches serve TopK, and every kernel's text is there, and valid where a validator is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "backends/wgpu/band_program.h"
#include "backends/wgpu/view_program.h"
#include "backends/wgpu/wgpu_kernels.h"
#include "backends/wgpu/wgpu_program.h"
#include "device/caps.h"
#include "device/choice_fields.h"
#include "device/gpu_rules.h"
#include "device/normalise.h"
#include "plan/effects.h"
#include "rank/request.h"

/* ---- the uniform block and its twin --------------------------------------------------------------------------------- */

struct field {
    const char *name, *type;
    size_t offset;
};

#define NUMBER(name) {#name, "u32", offsetof(st_wgpu_numbers, name)}
#define STRIDE(name) {#name, "i32", offsetof(st_wgpu_numbers, name)}
#define PAIR(name) {#name, "vec2<u32>", offsetof(st_wgpu_numbers, name)}

static const struct field fields[] = {
    NUMBER(rows), NUMBER(first_row), NUMBER(groups_x), NUMBER(pieces), NUMBER(first_piece), NUMBER(all_pieces), NUMBER(piece_cols),
    NUMBER(first_col), NUMBER(cols), NUMBER(full_cols), NUMBER(chunk), NUMBER(lengths_base), NUMBER(kind), NUMBER(k), NUMBER(lo),
    NUMBER(hi), NUMBER(width), NUMBER(kept), NUMBER(flags), NUMBER(digit), NUMBER(input_base), STRIDE(row_stride), STRIDE(col_stride),
    NUMBER(values_base), NUMBER(values_stride), NUMBER(indices_base), NUMBER(indices_stride), NUMBER(source_base), NUMBER(sink_base),
    NUMBER(plane), NUMBER(room_base), NUMBER(picks_base), PAIR(mask), PAIR(negative_fill), PAIR(flip), PAIR(infinity),
    PAIR(negative_zero), PAIR(nan_key), {"extra", "array<vec4<u32>, 8>", offsetof(st_wgpu_numbers, extra)}};

enum { FIELDS = sizeof fields / sizeof fields[0] };

static size_t wgsl_size(const char *type) {
    return strcmp(type, "vec2<u32>") == 0 ? 8 : strncmp(type, "array<vec4<u32>, ", 17) == 0 ? 16 * strtoul(type + 17, NULL, 10) : 4;
}

static void test_numbers_are_their_twin(void **state) {
    (void)state;
    const char *line = strstr(st_wgsl_numbers, "struct Numbers {\n");
    assert_non_null(line);
    line = strchr(line, '\n') + 1;
    size_t offset = 0;
    for (size_t i = 0; i < FIELDS; i++) {
        char name[32], type[32];
        assert_int_equal(sscanf(line, " %31[a-z_]: %31[^\n]", name, type), 2);
        type[strlen(type) - 1] = '\0'; /* the comma */
        assert_string_equal(name, fields[i].name);
        assert_string_equal(type, fields[i].type);
        const size_t align = wgsl_size(type) > 16 ? 16 : wgsl_size(type);
        offset = (offset + align - 1) / align * align;
        assert_int_equal(offset, fields[i].offset);
        offset += wgsl_size(type);
        line = strchr(line, '\n') + 1;
    }
    assert_int_equal(*line, '}');
    assert_int_equal(offset, sizeof(st_wgpu_numbers));
    assert_int_equal(sizeof(st_wgpu_numbers) % 16, 0);
}

static void expect_constant(const char *name, unsigned value) {
    char text[64];
    snprintf(text, sizeof text, "const %s = %uu;", name, value);
    if (strstr(st_wgsl_numbers, text) == NULL) fail_msg("numbers.wgsl has no \"%s\"", text);
}

static void test_constants_are_their_twins(void **state) {
    (void)state;
    expect_constant("FLAG_LIST", ST_WGPU_NUMBERS_LIST);
    expect_constant("FLAG_LENGTHS", ST_WGPU_NUMBERS_LENGTHS);
    expect_constant("FLAG_UNSORTED", ST_WGPU_NUMBERS_UNSORTED);
    expect_constant("FLAG_VALUES", ST_WGPU_NUMBERS_VALUES);
    expect_constant("FLAG_INDICES", ST_WGPU_NUMBERS_INDICES);
    expect_constant("FLAG_WIDE_INDICES", ST_WGPU_NUMBERS_WIDE_INDICES);
    expect_constant("FLAG_REVERSED", ST_WGPU_NUMBERS_REVERSED);
    expect_constant("FLAG_DEFERRED", ST_WGPU_NUMBERS_DEFERRED);
    expect_constant("KIND_MIDK", ST_MIDK);
    expect_constant("KIND_WINDOW", ST_WINDOW);
    expect_constant("STATE_FLAGS", ST_WGPU_STATE_FLAGS);
    expect_constant("STATE_NAN_ROW", ST_WGPU_STATE_NAN_ROW);
    expect_constant("STATE_NAN_COLUMN", ST_WGPU_STATE_NAN_COLUMN);
    expect_constant("FLAG_OTHER_LANES", ST_WGPU_FLAG_LANES);
    expect_constant("FLAG_CUT_LOOP", ST_WGPU_FLAG_LOOPS);
    expect_constant("STATE_READS", ST_WGPU_STATE_READS);
    static const char *const bindings[ST_WGPU_BINDINGS] = {
        [ST_WGPU_INPUT] = "var<storage, read> input:",          [ST_WGPU_NUMBERS] = "var<uniform> numbers:",
        [ST_WGPU_LISTS] = "var<storage, read> lists:",          [ST_WGPU_VALUES] = "var<storage, read_write> values:",
        [ST_WGPU_INDICES] = "var<storage, read_write> indices:", [ST_WGPU_SCRATCH] = "var<storage, read_write> scratch:",
        [ST_WGPU_STATE] = "var<storage, read_write> state:"};
    for (int i = 0; i < ST_WGPU_BINDINGS; i++) {
        char text[96];
        snprintf(text, sizeof text, "@group(0) @binding(%d) %s", i, bindings[i]);
        if (strstr(st_wgsl_numbers, text) == NULL) fail_msg("numbers.wgsl has no \"%s\"", text);
    }
}

/* ---- drawing requests, Choices and devices -------------------------------------------------------------------------- */

static uint64_t random_state;

static uint64_t random_below(uint64_t bound) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (random_state >> 24) % bound;
}

static const st_wgpu_limits floor_limits = {128u << 20, 256, 16 << 10, 65535, 0, 256};
static const st_wgpu_limits large_limits = {(uint64_t)2 << 30, 1024, 48 << 10, 65535, 32, 16};

static st_wgpu_limits random_limits(void) {
    st_wgpu_limits limits = random_below(2) ? floor_limits : large_limits;
    if (random_below(3) == 0) limits.binding_bytes = (uint64_t)4096 << random_below(16);
    if (random_below(3) == 0) limits.lanes = 4u << random_below(5);
    if (random_below(8) == 0) limits.groups = 40 + (uint32_t)random_below(300);
    return limits;
}

static st_rank_request random_request(void) {
    st_rank_request request, resolved;
    const int64_t cols = (int64_t)1 << random_below(25), rows = random_below(3) ? 1 + (int64_t)random_below(4) : (int64_t)random_below(100000);
    const int64_t width = 1 + (int64_t)random_below(cols < 3000 || random_below(6) == 0 ? (uint64_t)cols : 1100);
    st_rank_request_init(&request, ST_TOPK + (int32_t)random_below(4), rows, cols, width);
    request.dtype = ST_F32 + (st_dtype)random_below(12);
    request.index_dtype = random_below(2) ? ST_I32 : ST_I64;
    request.order = (int32_t)random_below(2);
    request.outputs = 1 + (int32_t)random_below(3);
    request.nan_rule = (int32_t)random_below(4);
    if (request.kind == ST_WINDOW) {
        request.lo = (int64_t)random_below((uint64_t)(cols - width + 1));
        request.hi = request.lo + width;
        request.k = 0;
    }
    if (st_request_check(&request, 1, &resolved) != ST_OK) fail_msg("%s", st_last_message());
    return resolved;
}

static st_choice random_choice(const st_rank_request *request, const st_wgpu_limits *limits) {
    st_device_caps caps = st_caps_with_shared_mem(
        st_caps_wgpu(limits->lanes ? (int32_t)limits->lanes : 32, limits->lanes != 0, (int32_t)limits->invocations), limits->shared_bytes);
    st_choice choice = {.mk = (int32_t)random_below(4), .mkd = (int32_t)random_below(7), .use_2ce = (int32_t)random_below(2)};
    if (!st_gpu_legal(request->kind, choice.mk, choice.mkd)) choice.mkd = ST_MKD_AUTO;
    choice.wg = (int32_t)random_below(limits->invocations + 1);
    choice.kl = (int32_t)random_below(33);
    choice.ch = random_below(3) ? 0 : (int32_t)random_below((uint64_t)request->cols + 1);
    choice.tile = random_below(3) ? 64 << random_below(7) : 0;
    choice.ctile = random_below(3) ? 64 << random_below(7) : 0;
    st_gpu_normalise(request, &caps, &choice, NULL);
    return choice;
}

static st_wgpu_layout packed(const st_rank_request *request, uint64_t rows) {
    const uint64_t size = (uint64_t)st_dtype_size(request->dtype), index_size = request->index_dtype == ST_I64 ? 8 : 4;
    const uint64_t width = (uint64_t)st_request_width(request);
    return (st_wgpu_layout){.input_bytes = ((uint64_t)request->rows * (uint64_t)request->cols * size + 3) / 4 * 4,
                            .values_bytes = ((uint64_t)request->rows * width * size + 3) / 4 * 4,
                            .indices_bytes = (uint64_t)request->rows * width * index_size,
                            .row_stride = request->row_stride,
                            .col_stride = request->col_stride,
                            .values_stride = width,
                            .indices_stride = width,
                            .output_rows = rows};
}

static st_wgpu_program program;
static char text[1 << 17];

/* ---- what holds of every program ------------------------------------------------------------------------------------ */

/* Bytes of a type of workgroup memory in a variant's text, as WGSL lays them out. */
static uint32_t bytes_of(const char *type, const st_wgpu_variant *variant) {
    if (strncmp(type, "u32", 3) == 0 || strncmp(type, "atomic<u32>", 11) == 0) return 4;
    if (strncmp(type, "vec3<u32>", 9) == 0) return 16;
    if (strncmp(type, "vec2<u32>", 9) == 0) return 8;
    if (strncmp(type, "Key", 3) == 0) return variant->bits == 64 ? 8 : 4;
    if (strncmp(type, "array<", 6) != 0) fail_msg("what is %s?", type);
    const char *count = strstr(type, ", ") + 2;
    uint32_t times = 1;
    if (*count >= '0' && *count <= '9') {
        char *end;
        times = (uint32_t)strtoul(count, &end, 10);
        if (*end == 'u') end++;
        count = strncmp(end, " * ", 3) == 0 ? end + 3 : "";
    }
    if (strncmp(count, "CAPACITY", 8) == 0) times *= variant->capacity;
    if (strncmp(count, "HEAPS", 5) == 0) times *= variant->workgroup / variant->lanes;
    if (strncmp(count, "HANDED", 6) == 0) times *= (variant->workgroup + 1) / 2;
    if (strncmp(count, "WORDS", 5) == 0) times *= ((variant->compact ? variant->compact : variant->unroll) * variant->workgroup + 31) / 32;
    if (strncmp(count, "WG", 2) == 0) times *= variant->workgroup;
    return bytes_of(type + 6, variant) * times;
}

static uint32_t shared_bytes(const st_wgpu_variant *variant) {
    uint32_t sum = 0;
    for (const char *at = strstr(text, "var<workgroup> "); at != NULL; at = strstr(at + 1, "var<workgroup> "))
        sum = (sum + 15) / 16 * 16 + bytes_of(strchr(at, ':') + 2, variant);
    return sum;
}

static void check_slice(const st_wgpu_slice *slice, uint64_t buffer, const st_wgpu_limits *limits) {
    assert_true(slice->bytes <= limits->binding_bytes && slice->offset + slice->bytes <= buffer);
    assert_int_equal(slice->offset % limits->offset_alignment, 0);
    assert_int_equal(slice->bytes % 4, 0);
}

static void check_program(const st_wgpu_limits *limits, const st_wgpu_layout *layout) {
    assert_in_range(program.count, 1, ST_WGPU_MOST_STEPS);
    assert_true(program.scratch_bytes <= limits->binding_bytes && program.scratch_bytes % 4 == 0);
    for (uint32_t i = 0; i < program.count; i++) {
        const st_wgpu_step *step = &program.steps[i];
        size_t length;
        assert_in_range(step->variant.workgroup, 1, limits->invocations);
        assert_in_range(step->groups[0], 1, limits->groups);
        assert_in_range(step->groups[1], 1, limits->groups);
        const uint64_t parts = (uint64_t)step->numbers.rows * step->numbers.pieces;
        const uint64_t wanted = (parts + step->variant.parts - 1) / step->variant.parts;
        assert_in_range((uint64_t)step->groups[0] * step->groups[1], wanted, wanted + step->groups[0] - 1);
        assert_int_equal(step->numbers.groups_x, step->groups[0]);
        check_slice(&step->input, layout->input_bytes, limits);
        check_slice(&step->values, layout->values_bytes, limits);
        check_slice(&step->indices, layout->indices_bytes, limits);
        if (st_wgpu_source(&step->variant, text, sizeof text, &length) != ST_OK) fail_msg("%s", st_last_message());
        assert_int_equal(length, strlen(text));
        assert_null(strchr(text, '$'));
        assert_non_null(strstr(text, "@compute"));
        const uint32_t shared = shared_bytes(&step->variant);
        if (shared > limits->shared_bytes)
            fail_msg("%s: %u bytes of workgroup storage, of %u", st_wgpu_kernel_name(step->variant.kernel), shared, limits->shared_bytes);
    }
}

/* As a caller does: fewer rows at a time, until they fit. */
static st_status compose_some(const st_rank_request *request, const st_choice *choice, const st_wgpu_limits *limits, st_wgpu_layout *layout) {
    *layout = packed(request, (uint64_t)request->rows);
    st_status status = st_wgpu_compose(request, choice, limits, layout, &program);
    while (status == ST_E_CAPACITY && layout->output_rows > 1) {
        layout->output_rows /= 2;
        layout->first_row = (uint64_t)request->rows - layout->output_rows;
        status = st_wgpu_compose(request, choice, limits, layout, &program);
    }
    return status;
}

static void test_limits_hold(void **state) {
    (void)state;
    random_state = 20240607;
    int composed = 0, ranged = 0, refused = 0;
    for (int i = 0; i < 3000; i++) {
        const st_wgpu_limits limits = random_limits();
        const st_rank_request request = random_request();
        const st_choice choice = random_choice(&request, &limits);
        st_wgpu_layout layout;
        const st_status status = compose_some(&request, &choice, &limits, &layout);
        if (status == ST_E_CAPACITY) {
            refused++;
            if (limits.binding_bytes >= floor_limits.binding_bytes) fail_msg("refused: %s", st_last_message());
        } else if (request.rows == 0) {
            assert_int_equal(program.count, 0);
        } else {
            assert_int_equal(status, ST_OK);
            check_program(&limits, &layout);
            composed++;
            ranged += program.steps[program.count - 1].variant.kernel == ST_WGPU_KERNEL_PICK;
        }
    }
    assert_true(composed > 1500 && ranged > 20 && refused < 1000);
}

static void test_topk_takes_two_dispatches(void **state) {
    (void)state;
    static const int32_t pairs[][2] = {{0, 0}, {0, 3}, {1, 0}, {1, 1}, {1, 2}, {1, 6}, {2, 0}, {2, 4}, {2, 5}, {3, 0}};
    static const int64_t widths[] = {1, 100, 1024, 1025, 5000, 131072, 1 << 20, (int64_t)16 << 20};
    for (int device = 0; device < 2; device++)
        for (st_dtype dtype = ST_F32; dtype <= ST_U64; dtype++)
            for (size_t pair = 0; pair < sizeof pairs / sizeof pairs[0]; pair++)
                for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++)
                    for (int64_t k = 1; k <= 1024 && k <= widths[i]; k *= 4)
                        for (int32_t two = 0; two < 2; two++) {
                            const st_wgpu_limits *limits = device ? &large_limits : &floor_limits;
                            st_rank_request request, resolved;
                            st_rank_request_init(&request, ST_TOPK, 4, widths[i], k);
                            request.dtype = dtype;
                            assert_int_equal(st_request_check(&request, 1, &resolved), ST_OK);
                            const st_device_caps caps = st_caps_with_shared_mem(st_caps_wgpu(32, device, (int32_t)limits->invocations), limits->shared_bytes);
                            st_choice choice = {.mk = pairs[pair][0], .mkd = pairs[pair][1], .use_2ce = two};
                            st_gpu_normalise(&resolved, &caps, &choice, NULL);
                            st_wgpu_layout layout;
                            assert_int_equal(compose_some(&resolved, &choice, limits, &layout), ST_OK);
                            if (program.count > 2)
                                fail_msg("mk %d mkd %d u2 %d %s cols %lld k %lld: %u dispatches", choice.mk, choice.mkd, choice.use_2ce,
                                         st_dtype_name(dtype), (long long)widths[i], (long long)k, program.count);
                        }
}

/* Each column of a row is in one piece of one range. */
static void test_ranges_cover_a_row(void **state) {
    (void)state;
    random_state = 7;
    int seen = 0;
    for (int i = 0; i < 400; i++) {
        st_wgpu_limits limits = floor_limits;
        limits.binding_bytes = 1 << 16;
        st_rank_request request = random_request();
        const st_choice choice = random_choice(&request, &limits);
        st_wgpu_layout layout = packed(&request, request.rows > 0);
        if (st_wgpu_compose(&request, &choice, &limits, &layout, &program) != ST_OK || program.count < 2) continue;
        const st_wgpu_variant *first = &program.steps[0].variant;
        uint64_t covered = 0, pieces = 0;
        for (uint32_t s = 0; s < program.count && memcmp(&program.steps[s].variant, first, sizeof *first) == 0; s++) {
            const st_wgpu_numbers *numbers = &program.steps[s].numbers;
            if (numbers->digit != program.steps[0].numbers.digit) break;
            assert_int_equal(numbers->first_piece, pieces);
            assert_int_equal((uint64_t)numbers->first_piece * numbers->piece_cols, covered);
            covered += numbers->cols;
            pieces += numbers->pieces;
        }
        assert_int_equal(covered, request.cols);
        assert_int_equal(pieces, program.steps[0].numbers.all_pieces);
        seen++;
    }
    assert_true(seen > 50);
}

/* ---- texts ---------------------------------------------------------------------------------------------------------- */

static int same_programs(const st_wgpu_program *a, const st_wgpu_program *b) {
    return a->count == b->count && a->scratch_bytes == b->scratch_bytes && memcmp(a->steps, b->steps, sizeof a->steps[0] * a->count) == 0;
}

static void wgpu_normalise(void *self, const st_rank_request *request, const st_device_caps *caps, st_choice *choice) {
    (void)self;
    st_gpu_normalise(request, caps, choice, NULL);
}

static const st_backend wgpu = {.name = "wgpu", .normalise = wgpu_normalise};

static int32_t value_near(int32_t field) {
    const st_choice_field *bounds = st_choice_field_at(field);
    if (bounds->high <= 64) return bounds->low + (int32_t)random_below((uint64_t)(bounds->high - bounds->low) + 1);
    return random_below(4) == 0 ? 0 : 32 << random_below(13);
}

/* What is said of each field of a Choice is true of the program: one without effect changes nothing, one that acts does in some. */
static void test_fields_do_what_is_said(void **state) {
    (void)state;
    random_state = 31;
    static st_wgpu_program other;
    int64_t shows[ST_FIELDS] = {0}, silent[ST_FIELDS] = {0};
    for (int i = 0; i < 6000; i++) {
        const st_wgpu_limits limits = large_limits;
        const st_rank_request request = random_request();
        st_plan plan = {.request = request, .caps = st_caps_with_shared_mem(st_caps_wgpu(32, 1, 1024), limits.shared_bytes)};
        plan.choice = random_choice(&request, &limits);
        const int32_t field = (int32_t)random_below(ST_FIELDS);
        st_choice choice = plan.choice;
        st_choice_set(&choice, field, value_near(field));
        if (!st_gpu_legal(request.kind, choice.mk, choice.mkd)) continue;
        st_choice_normalise(&wgpu, &request, &plan.caps, &choice, NULL);
        st_choice_normalise(&wgpu, &request, &plan.caps, &plan.choice, NULL);
        int others = 0;
        for (int32_t j = 0; j < ST_FIELDS; j++)
            others += j != field && j != ST_FIELD_USE_2CE && st_choice_get(&choice, j) != st_choice_get(&plan.choice, j);
        st_wgpu_layout layout;
        if (request.rows == 0 || others > 0 || st_choice_get(&choice, field) == st_choice_get(&plan.choice, field)) continue;
        if (compose_some(&request, &choice, &limits, &layout) != ST_OK) continue;
        other = program;
        if (st_wgpu_compose(&request, &plan.choice, &limits, &layout, &program) != ST_OK) continue;
        char line[96];
        int32_t active;
        st_choice_effect(&plan, field, line, &active);
        if (active) {
            shows[field] += !same_programs(&program, &other);
        } else {
            silent[field]++;
            if (!same_programs(&program, &other))
                fail_msg("%s %d -> %d changes what runs (kind %d cols %lld k %lld mk %d mkd %d u2 %d); what is said: %s",
                         st_choice_field_at(field)->name, st_choice_get(&plan.choice, field), st_choice_get(&choice, field), request.kind,
                         (long long)request.cols, (long long)request.k, choice.mk, choice.mkd, choice.use_2ce, line);
        }
    }
    for (int32_t field = 0; field < ST_FIELDS; field++) {
        const int kernels_of_others = field == ST_FIELD_TILE_COLS || field == ST_FIELD_RADIX || field == ST_FIELD_SEGMENTS;
        if (kernels_of_others ? silent[field] == 0 : shows[field] == 0)
            fail_msg("%s: never seen to %s", st_choice_field_at(field)->name, kernels_of_others ? "change" : "act");
    }
}

/* The same for queues, heaps and runs. */
static void test_queues_are_shaped_by_their_fields(void **state) {
    (void)state;
    static const struct {
        int32_t mk, mkd, field, value;
    } changes[] = {{ST_MK_WARP, ST_MKD_WARP_HEAP, ST_FIELD_KL, 3},     {ST_MK_WARP, ST_MKD_WARP_HEAP, ST_FIELD_MKD, ST_MKD_WARP_BITONIC},
                   {ST_MK_WARP, ST_MKD_WARP_BITONIC, ST_FIELD_WG, 64}, {ST_MK_WARP, ST_MKD_WARP_HEAP, ST_FIELD_TILE, 256},
                   {ST_MK_SHARED, ST_MKD_HEAP, ST_FIELD_TILE, 256},    {ST_MK_SHARED, ST_MKD_HEAP, ST_FIELD_MKD, ST_MKD_KWAY},
                   {ST_MK_SHARED, ST_MKD_KWAY, ST_FIELD_TILE, 256},    {ST_MK_SHARED, ST_MKD_KWAY, ST_FIELD_CTILE, 128},
                   {ST_MK_WARP, ST_MKD_WARP_HEAP, ST_FIELD_CH, 4096},  {ST_MK_WARP, ST_MKD_WARP_HEAP, ST_FIELD_USE_2CE, 1}};
    st_rank_request request, resolved;
    st_rank_request_init(&request, ST_BOTTOMK, 2, 1 << 20, 64);
    assert_int_equal(st_request_check(&request, 1, &resolved), ST_OK);
    const st_wgpu_layout layout = packed(&resolved, 2);
    static st_wgpu_program base;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        st_choice choice = {.mk = changes[i].mk, .mkd = changes[i].mkd, .wg = 128, .kl = 2, .tile = 1024, .ctile = 512};
        assert_int_equal(st_wgpu_compose(&resolved, &choice, &large_limits, &layout, &base), ST_OK);
        st_change_field(&choice, changes[i].field, changes[i].value, NULL, "test");
        assert_int_equal(st_wgpu_compose(&resolved, &choice, &large_limits, &layout, &program), ST_OK);
        const int same = program.count == base.count && memcmp(program.steps, base.steps, sizeof base.steps[0] * base.count) == 0;
        if (same) fail_msg("mk %d, mkd %d: field %d changes nothing", changes[i].mk, changes[i].mkd, changes[i].field);
    }
}

/* Many short rows share a workgroup, a subgroup each; few do not. */
static void test_short_rows_share_a_workgroup(void **state) {
    (void)state;
    const st_choice choice = {.mk = ST_MK_WARP, .wg = 256, .kl = 1, .tile = 1024, .ctile = 512};
    static const int64_t shapes[][3] = {{100000, 128, 8}, {100000, 4096, 2}, {20000, 16384, 1}, {1024, 65536, 1}, {100, 128, 1}};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        st_rank_request request, resolved;
        st_rank_request_init(&request, ST_TOPK, shapes[i][0], shapes[i][1], 8);
        assert_int_equal(st_request_check(&request, 1, &resolved), ST_OK);
        st_wgpu_limits limits = large_limits;
        limits.binding_bytes = (uint64_t)16 << 30;
        const st_wgpu_layout layout = packed(&resolved, (uint64_t)shapes[i][0]);
        assert_int_equal(st_wgpu_compose(&resolved, &choice, &limits, &layout, &program), ST_OK);
        assert_int_equal(program.count, 1);
        assert_int_equal(program.steps[0].variant.parts, shapes[i][2]);
        assert_int_equal(program.steps[0].groups[0], (shapes[i][0] + shapes[i][2] - 1) / shapes[i][2]);
    }
}

static void test_text_that_does_not_fit(void **state) {
    (void)state;
    const st_wgpu_variant variant = {.kernel = ST_WGPU_KERNEL_FILTER, .bits = 32, .workgroup = 64, .capacity = 256, .unroll = 4};
    size_t needed, again;
    assert_int_equal(st_wgpu_source(&variant, NULL, 0, &needed), ST_E_CAPACITY);
    assert_int_equal(st_wgpu_source(&variant, text, needed, &again), ST_E_CAPACITY);
    assert_int_equal(again, needed);
    assert_int_equal(st_wgpu_source(&variant, text, needed + 1, &again), ST_OK);
    assert_int_equal(strlen(text), needed);
}

/* Kinds of variants whose texts were looked at. */
static uint32_t seen[256][4];
static int kinds;

/* A validator's word on the text, behind lines that it alone wants. */
static void validate(const char *validator, const char *options, const char *before, const st_wgpu_variant *variant) {
    char path[40] = "/tmp/st_kernel_XXXXXX.wgsl", command[160]; /* with room for .log */
    const int file = mkstemps(path, 5);
    const ssize_t head = (ssize_t)strlen(before), length = (ssize_t)strlen(text);
    assert_true(file >= 0 && write(file, before, (size_t)head) == head && write(file, text, (size_t)length) == length && close(file) == 0);
    snprintf(command, sizeof command, "%s %s %s > %s.log 2>&1", validator, path, options, path);
    if (system(command) != 0)
        fail_msg("%s refuses %s (%u bits, source %u, sink %u): see %s.log", validator, st_wgpu_kernel_name(variant->kernel), variant->bits,
                 variant->source, variant->sink, path);
    unlink(path);
    strcat(path, ".log");
    unlink(path);
}

/* Texts of the program's variants that are the first of their kind. Tint wants subgroups enabled, which naga refuses, and holds
 * what differs between subgroups for different within one. */
static void validate_program(int tint) {
    for (uint32_t s = 0; s < program.count; s++) {
        const st_wgpu_variant *variant = &program.steps[s].variant;
        const uint32_t kind[4] = {variant->kernel, variant->bits == 64, variant->source, variant->sink};
        int known = 0;
        for (int j = 0; j < kinds; j++) known |= memcmp(seen[j], kind, sizeof kind) == 0;
        if (known || kinds == 256) continue;
        memcpy(seen[kinds++], kind, sizeof kind);
        size_t length;
        assert_int_equal(st_wgpu_source(variant, text, sizeof text, &length), ST_OK);
        validate("naga", "", "", variant);
        if (tint) validate("tint", "--format=wgsl -o /dev/null", "enable subgroups;\ndiagnostic(off, subgroup_uniformity);\n", variant);
    }
}

/* The programs of a band, and of a view. */
static void validate_others(int tint) {
    const uint64_t bound = 1;
    for (int i = 0; i < 4; i++) {
        const st_band_request band = {.dtype = i & 1 ? ST_U64 : ST_U32,
                                      .index_dtype = ST_I32,
                                      .rows = 3,
                                      .cols = 9000,
                                      .row_stride = 9000,
                                      .col_stride = 1,
                                      .lower = &bound,
                                      .upper = &bound};
        const st_wgpu_layout layout = {.input_bytes = 27000 * 8,
                                       .values_bytes = 800,
                                       .indices_bytes = 400,
                                       .row_stride = 9000,
                                       .col_stride = 1,
                                       .output_rows = 3};
        assert_int_equal(st_wgpu_compose_band(&band, i / 2, &floor_limits, &layout, 100, &program), ST_OK);
        assert_int_equal(program.count, 3);
        check_program(&floor_limits, &layout);
        validate_program(tint);
    }
    const st_view view = {.dimensions = 1, .extents = {100}, .strides = {-2}, .base = 198};
    const st_wgpu_layout layout = {.values_bytes = 400, .indices_bytes = 400};
    assert_int_equal(st_wgpu_compose_view(&view, 0, 100, 7, ST_OUT_INDICES | ST_OUT_VALUES, &floor_limits, &program), ST_OK);
    check_program(&floor_limits, &layout);
    validate_program(tint);
}

/* One program of each kind of variant: its text goes through naga, and Tint where that is. */
static void test_texts_are_valid(void **state) {
    (void)state;
    if (system("naga --version > /dev/null 2>&1") != 0) {
        print_message("naga is not on PATH: kernels are compiled where there is a device\n");
        skip();
    }
    const int tint = system("command -v tint > /dev/null 2>&1") == 0;
    if (!tint) print_message("tint is not on PATH: naga alone is asked\n");
    random_state = 99;
    for (int i = 0; i < 3000; i++) {
        const st_wgpu_limits limits = random_limits();
        const st_rank_request request = random_request();
        const st_choice choice = random_choice(&request, &limits);
        st_wgpu_layout layout;
        if (compose_some(&request, &choice, &limits, &layout) == ST_OK) validate_program(tint);
    }
    validate_others(tint);
    uint32_t kernels = 0;
    for (uint32_t kernel = 1; kernel < ST_WGPU_KERNELS; kernel++)
        for (int j = 0; j < kinds; j++)
            if (seen[j][0] == kernel) {
                kernels++;
                break;
            }
    assert_int_equal(kernels, ST_WGPU_KERNELS - 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_are_their_twin),
        cmocka_unit_test(test_constants_are_their_twins),
        cmocka_unit_test(test_limits_hold),
        cmocka_unit_test(test_topk_takes_two_dispatches),
        cmocka_unit_test(test_ranges_cover_a_row),
        cmocka_unit_test(test_fields_do_what_is_said),
        cmocka_unit_test(test_queues_are_shaped_by_their_fields),
        cmocka_unit_test(test_short_rows_share_a_workgroup),
        cmocka_unit_test(test_text_that_does_not_fit),
        cmocka_unit_test(test_texts_are_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
