/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* rank_case.c - drawing configurations: shapes, strides, rules and data that kernels get wrong. */
#include "rank_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t random_next(random_state *random) {
    uint64_t z = random->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t random_below(random_state *random, uint64_t bound) { return random_next(random) % bound; }

int random_one(random_state *random, uint64_t in) { return random_below(random, in) == 0; }

void *need(size_t bytes) {
    void *memory = malloc(bytes == 0 ? 1 : bytes);
    if (memory == NULL) {
        fprintf(stderr, "rank_check: no memory for %zu bytes\n", bytes);
        exit(2);
    }
    return memory;
}

/* Special bit patterns of a float dtype: zeros, infinities, NaN with payloads and both signs, denormals, extremes. */
static uint64_t special_bits(random_state *random, st_dtype dtype) {
    const int bits = (int)st_dtype_size(dtype) * 8;
    const int mantissa = dtype == ST_F32 ? 23 : dtype == ST_F64 ? 52 : dtype == ST_F16 ? 10 : 7;
    const uint64_t sign = (uint64_t)random_below(random, 2) << (bits - 1);
    const uint64_t infinity = ((((uint64_t)1 << (bits - 1 - mantissa)) - 1)) << mantissa;
    const uint64_t payload = random_next(random) & (((uint64_t)1 << mantissa) - 1);
    switch (random_below(random, 6)) {
        case 0: return sign;
        case 1: return sign | infinity;
        case 2: return sign | infinity | (payload == 0 ? 1 : payload);
        case 3: return sign | (payload == 0 ? 1 : payload >> random_below(random, (uint64_t)mantissa));
        case 4: return sign | (infinity - 1);
        default: return sign | ((infinity >> 1) & infinity) | payload;
    }
}

static int is_float(st_dtype dtype) { return dtype >= ST_F32 && dtype <= ST_BF16; }

void random_elements(random_state *random, st_dtype dtype, void *elements, int64_t count) {
    const size_t size = (size_t)st_dtype_size(dtype);
    const uint64_t shape = random_below(random, 12);
    uint64_t few[8], base = random_next(random);
    const uint64_t distinct = 1 + random_below(random, 8);
    for (int i = 0; i < 8; i++) few[i] = is_float(dtype) && random_one(random, 2) ? special_bits(random, dtype) : random_next(random);
    for (int64_t i = 0; i < count; i++) {
        uint64_t bits;
        switch (shape) {
            case 0: bits = random_next(random); break;                                    /* any bits, NaN among them */
            case 1: bits = base + (uint64_t)i; break;                                     /* ascending as integers */
            case 2: bits = base - (uint64_t)i; break;                                     /* descending */
            case 3: bits = base ^ random_below(random, 4); break;                         /* a narrow range */
            case 4: bits = is_float(dtype) ? special_bits(random, dtype) : random_below(random, 3); break;
            case 5: bits = random_one(random, 3) ? few[0] : base + (uint64_t)i; break;    /* masked with one value */
            case 6: bits = few[0]; break;                                                 /* all equal */
            default: bits = few[random_below(random, distinct)]; break;                   /* few values */
        }
        memcpy((char *)elements + (size_t)i * size, &bits, size); /* little-endian: the low bytes */
    }
}

static int64_t random_cols(random_state *random) {
    switch (random_below(random, 8)) {
        case 0: return 1 + (int64_t)random_below(random, 4);
        case 1: case 2: case 3: return 1 + (int64_t)random_below(random, 70);
        case 4: case 5: return 1 + (int64_t)random_below(random, 700);
        case 6: return 1 + (int64_t)random_below(random, 5000);
        default: return random_one(random, 12) ? 20000 + (int64_t)random_below(random, 30000) : (int64_t)random_below(random, 1500);
    }
}

static int64_t random_k(random_state *random, int64_t cols) {
    if (cols == 0) return 0;
    switch (random_below(random, 6)) {
        case 0: return 1;
        case 1: return cols;
        case 2: return (int64_t)random_below(random, (uint64_t)cols + 1);
        default: return (int64_t)random_below(random, (uint64_t)(cols < 40 ? cols : 40) + 1);
    }
}

/* Strides of every sign, zero and overlap among them, and the memory that they reach. */
static void make_input(random_state *random, rank_case *made) {
    static const int64_t col_strides[] = {1, 1, 1, 1, 1, 2, 3, -1, -2, 0};
    st_rank_request *request = &made->request;
    const int64_t size = st_dtype_size(request->dtype);
    request->col_stride = col_strides[random_below(random, 10)];
    const int64_t reach = llabs(request->col_stride) * request->cols;
    switch (random_below(random, 8)) {
        case 0: request->row_stride = 0; break;
        case 1: request->row_stride = -(reach + 3); break;
        case 2: request->row_stride = reach / 2; break;
        case 3: request->row_stride = reach + 1 + (int64_t)random_below(random, 9); break;
        default: request->row_stride = reach; break;
    }
    int64_t lowest = 0, highest = 0;
    if (request->rows > 0 && request->cols > 0) {
        const int64_t across = request->row_stride * (request->rows - 1), along = request->col_stride * (request->cols - 1);
        lowest = (across < 0 ? across : 0) + (along < 0 ? along : 0);
        highest = (across > 0 ? across : 0) + (along > 0 ? along : 0) + 1;
    }
    /* An odd number of elements before the first, so that it is aligned to its element and no more. */
    const int64_t shift = (int64_t)random_below(random, 4);
    made->input_bytes = (size_t)((highest - lowest + shift) * size);
    made->input_block = need(made->input_bytes);
    random_elements(random, request->dtype, made->input_block, highest - lowest + shift);
    made->input = made->input_block + (shift - lowest) * size;
}

static void make_rows(random_state *random, rank_case *made) {
    st_rank_request *request = &made->request;
    made->output_rows = request->rows;
    if (request->rows > 0 && random_one(random, 4)) {
        made->row_list_count = (int64_t)random_below(random, 2 * (uint64_t)request->rows + 1);
        made->row_list = need((size_t)made->row_list_count * sizeof(int64_t));
        for (int64_t i = 0; i < made->row_list_count; i++) made->row_list[i] = (int64_t)random_below(random, (uint64_t)request->rows);
        made->output_rows = made->row_list_count;
    }
    if (random_one(random, 4)) {
        made->lengths = need((size_t)request->rows * sizeof(int64_t));
        for (int64_t i = 0; i < request->rows; i++)
            made->lengths[i] = random_one(random, 5) ? 0 : (int64_t)random_below(random, (uint64_t)request->cols + 1);
    }
}

static int64_t random_rows(random_state *random, int64_t cols) {
    return random_one(random, 30) ? 0 : 1 + (int64_t)random_below(random, cols > 4000 ? 3 : cols > 300 ? 8 : 40);
}

/* Which kernels a device needs follows from these, from the Choice and from little else. */
static void draw_request(random_state *random, st_rank_request *request) {
    const int64_t cols = random_cols(random), rows = random_rows(random, cols);
    st_rank_request_init(request, ST_TOPK + (int32_t)random_below(random, 4), rows, cols, random_k(random, cols));
    if (request->kind == ST_WINDOW) {
        request->lo = (int64_t)random_below(random, (uint64_t)cols + 1);
        request->hi = request->lo + random_k(random, cols - request->lo);
        request->k = 0;
    }
    request->dtype = ST_F32 + (st_dtype)random_below(random, 12);
    request->order = (int32_t)random_below(random, 2);
}

/* A number within the same powers of two. */
static int64_t random_alike(random_state *random, int64_t number) {
    int64_t power = 2;
    if (number < 3) return number;
    while (power < number) power *= 2;
    return power - (int64_t)random_below(random, (uint64_t)power / 2);
}

/* Elements that are kept of a row of `cols`, as so many of `of` were. */
static int64_t random_kept(random_state *random, int64_t kept, int64_t of, int64_t cols) {
    const int64_t alike = random_alike(random, kept);
    return kept == of || alike > cols ? cols : alike;
}

/* A request that needs the same kernels: any rows, elements of the same width, sizes within the same powers of two. */
static void draw_alike(random_state *random, const st_rank_request *like, st_rank_request *request) {
    const int64_t size = st_dtype_size(like->dtype), cols = random_alike(random, like->cols);
    st_rank_request_init(request, like->kind, random_rows(random, cols), cols, 0);
    if (like->kind == ST_WINDOW) {
        const int64_t width = random_kept(random, like->hi - like->lo, like->cols, cols);
        request->lo = like->lo == 0 ? 0 : like->lo * cols / like->cols;
        if (request->lo > cols - width) request->lo = cols - width;
        request->hi = request->lo + width;
    } else {
        request->k = random_kept(random, like->k, like->cols, cols);
    }
    do
        request->dtype = ST_F32 + (st_dtype)random_below(random, 12);
    while (st_dtype_size(request->dtype) != size);
    request->order = like->order;
}

void rank_case_make(uint64_t seed, const rank_case *like, rank_case *made) {
    random_state random = {seed};
    st_rank_request *request = &made->request;
    memset(made, 0, sizeof *made);
    if (like == NULL)
        draw_request(&random, request);
    else
        draw_alike(&random, &like->request, request);
    if (request->kind == ST_WINDOW) request->descending = (int32_t)random_below(&random, 2);
    request->index_dtype = random_one(&random, 2) ? ST_I64 : ST_I32;
    request->nan_rule = (int32_t)random_below(&random, random_one(&random, 6) ? 4 : 3);
    request->outputs = random_one(&random, 3) ? 1 + (int32_t)random_below(&random, 2) : ST_OUT_VALUES | ST_OUT_INDICES;
    request->threads = 1 + (int32_t)random_below(&random, 4);
    make_input(&random, made);
    make_rows(&random, made);
    const int64_t width = request->kind == ST_WINDOW ? request->hi - request->lo : request->k;
    made->values_stride = width + (int64_t)random_below(&random, 3);
    made->indices_stride = width + (int64_t)random_below(&random, 3);
}

void rank_case_free(rank_case *made) {
    free(made->row_list);
    free(made->lengths);
    free(made->input_block);
}

/* Mostly small, so that short rows meet many blocks; now and then anything up to the field's bound. */
static int32_t random_power(random_state *random, int few, int most) {
    return 64 << random_below(random, (uint64_t)(random_one(random, 8) ? most : few));
}

/* On a GPU the first five are for any window, and the rest for first ranks alone; the last is on a GPU alone. */
static const int32_t pairs[][2] = {
    {ST_MK_SHARED, ST_MKD_FILTER}, {ST_MK_BITONIC, ST_MKD_BITONIC}, {ST_MK_RADIX, ST_MKD_AUTO},      {ST_MK_SHARED, ST_MKD_AUTO},
    {ST_MK_BITONIC, ST_MKD_AUTO},  {ST_MK_SHARED, ST_MKD_HEAP},     {ST_MK_SHARED, ST_MKD_KWAY},     {ST_MK_WARP, ST_MKD_WARP_HEAP},
    {ST_MK_WARP, ST_MKD_AUTO},     {ST_MK_WARP, ST_MKD_WARP_BITONIC}};
enum { PAIRS = sizeof pairs / sizeof pairs[0], PAIRS_OF_ANY_WINDOW = 5 };

st_choice random_choice(random_state *random) {
    const uint64_t pair = random_below(random, PAIRS - 1);
    return (st_choice){.mk = pairs[pair][0],
                       .mkd = pairs[pair][1],
                       .use_2ce = (int32_t)random_below(random, 2),
                       .wg = 1 + (int32_t)random_below(random, 4),
                       .kl = 1 + (int32_t)random_below(random, random_one(random, 8) ? 32 : 4),
                       .tile = random_power(random, 6, 15),
                       .ctile = random_power(random, 6, 11),
                       .midk = (int32_t)random_below(random, 3),
                       .bottomk = (int32_t)random_below(random, 3)};
}

void random_gpu_sizes(random_state *random, st_choice sizes[GPU_SIZES]) {
    for (int i = 0; i < GPU_SIZES; i++)
        sizes[i] = (st_choice){.wg = 1 << random_below(random, 11), .kl = 1 << random_below(random, 6), .tile = random_power(random, 6, 15),
                               .ctile = random_power(random, 6, 11)};
}

st_choice random_gpu_choice(random_state *random, int32_t kind, const st_choice sizes[GPU_SIZES]) {
    const uint64_t pair = random_below(random, kind == ST_TOPK || kind == ST_BOTTOMK ? PAIRS : PAIRS_OF_ANY_WINDOW);
    st_choice choice = sizes[random_below(random, GPU_SIZES)];
    choice.mk = pairs[pair][0];
    choice.mkd = pairs[pair][1];
    choice.use_2ce = (int32_t)random_below(random, 2);
    choice.ch = random_one(random, 3) ? (int32_t)random_below(random, 3000) : 0;
    choice.midk = (int32_t)random_below(random, 3);
    choice.bottomk = (int32_t)random_below(random, 3);
    return choice;
}
