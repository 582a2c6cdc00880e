/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* gpu_model.c - names, a roofline, candidates and the conservative Choice for the GPU backends. */
#include "device/gpu_model.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "device/caps.h"
#include "device/choice_fields.h"
#include "device/gpu_rules.h"

/* What a mid-range device of the backend reads per second; only ratios between plans matter until it is measured. */
static double bandwidth_of(const st_device_caps *caps) {
    if (caps->bandwidth > 0) return caps->bandwidth;
    switch (caps->backend) {
        case ST_BACKEND_CUDA: return 900e9;
        case ST_BACKEND_HIP: return 900e9;
        case ST_BACKEND_MPS: return 200e9;
        default: return 250e9;
    }
}

enum { LAUNCH_NS = 5000, DEFAULT_UNITS = 32 };

/* mkd auto, made definite. */
static int32_t strategy_of(const st_choice *choice) {
    if (choice->mkd != ST_MKD_AUTO) return choice->mkd;
    if (choice->mk == ST_MK_SHARED) return ST_MKD_FILTER;
    if (choice->mk == ST_MK_WARP) return ST_MKD_WARP_HEAP;
    return choice->mk == ST_MK_BITONIC ? ST_MKD_BITONIC : ST_MKD_AUTO;
}

void st_gpu_describe(const st_rank_request *request, const st_choice *choice, const st_device_caps *caps, char name[64]) {
    static const char *const strategies[] = {"", "_heap", "_kway", "", "_heap", "_bitonic", "_filter"};
    const int32_t mkd = strategy_of(choice);
    (void)request;
    snprintf(name, 64, "%s/%s%s%s", st_backend_name(caps->backend), st_mk_name(choice->mk),
             mkd >= ST_MKD_AUTO && mkd <= ST_MKD_FILTER ? strategies[mkd] : "", choice->use_2ce ? "_2pass" : "");
}

static double log2_at_least_one(double x) { return x > 2 ? log2(x) : 1; }

/* How many times slower than one plain read of the row a family is, on ordinary data. */
static double work_factor(const st_rank_request *request, const st_device_caps *caps, const st_choice *choice, double piece) {
    const double kept = (double)st_gpu_kept(request), lanes = caps->lanes, groups = choice->wg / lanes;
    const double beating = kept >= piece ? 1 : kept * (1 + log(piece / (kept < 1 ? 1 : kept))) / piece;
    const double bits = (double)st_dtype_size(request->dtype) * 8;
    switch (strategy_of(choice)) {
        case ST_MKD_BITONIC: return 1 + 0.25 * log2_at_least_one(kept) * log2_at_least_one(choice->tile);
        case ST_MKD_HEAP: return 1.2 + 8 * beating * log2_at_least_one(kept) * groups;
        case ST_MKD_KWAY: return 1.5 + 4 * beating * log2_at_least_one(kept);
        case ST_MKD_WARP_HEAP: return 1.05 + 0.15 * choice->kl + 6 * beating * groups;
        case ST_MKD_WARP_BITONIC: return 1.1 + 0.08 * choice->kl * log2_at_least_one(lanes);
        case ST_MKD_FILTER: return 1.1 + 4 * beating;
        default: return 1 + bits / 8 * 0.5; /* radix: a pass over survivors for each digit */
    }
}

double st_gpu_estimate(const st_rank_request *request, const st_choice *choice, const st_device_caps *caps) {
    const double rows = (double)request->rows, cols = (double)request->cols;
    const double width = (double)(request->kind == ST_WINDOW ? request->hi - request->lo : request->k);
    if (rows == 0 || width == 0) return 0;
    const double units = caps->compute_units > 0 ? caps->compute_units : DEFAULT_UNITS;
    double pieces = 1;
    if (choice->use_2ce) {
        pieces = ceil(cols / (choice->tile < 1 ? 1 : choice->tile));
        if (pieces > 4 * units) pieces = 4 * units;
    }
    /* Fewer workgroups than compute units leave bandwidth unused; small groups cannot hide latency. */
    const double busy = rows * pieces >= units ? 1 : rows * pieces / units;
    const double depth = choice->wg >= 256 ? 1 : 0.5 + (double)choice->wg / 512;
    const double element = (double)st_dtype_size(request->dtype);
    const double bytes = rows * cols * element;
    const double read_ns = bytes / bandwidth_of(caps) * 1e9 / (busy * depth);
    const double merge_ns = pieces > 1 ? rows * pieces * (double)st_gpu_kept(request) * (element + 4) * 2 / bandwidth_of(caps) * 1e9 : 0;
    const double launches = choice->use_2ce ? 2 : 1;
    return launches * LAUNCH_NS + read_ns * work_factor(request, caps, choice, cols / pieces) + merge_ns;
}

static st_choice choice_of(const st_rank_request *request, const st_device_caps *caps, int32_t mk, int32_t mkd, int32_t use_2ce) {
    st_choice choice = {.mk = mk, .mkd = mkd, .use_2ce = use_2ce};
    choice.wg = st_caps_recommended_workgroup(caps, request->rows);
    choice.kl = st_caps_preferred_k_loop(caps, st_gpu_kept(request));
    st_caps_recommended_tiles(caps, request->cols, &choice.tile, &choice.ctile);
    return choice;
}

void st_gpu_fallback(const st_rank_request *request, const st_device_caps *caps, st_choice *choice) {
    const int64_t kept = st_gpu_kept(request);
    const int two = st_caps_prefers_two_stage(caps, request->rows, request->cols, kept);
    const int first_ranks = request->kind == ST_TOPK || request->kind == ST_BOTTOMK;
    if (caps->subgroup && first_ranks && kept <= (int64_t)caps->lanes * 4)
        *choice = choice_of(request, caps, ST_MK_WARP, ST_MKD_WARP_HEAP, two);
    else if (kept <= 1024)
        *choice = choice_of(request, caps, ST_MK_SHARED, ST_MKD_FILTER, two);
    else
        *choice = choice_of(request, caps, ST_MK_RADIX, ST_MKD_AUTO, two);
    st_gpu_normalise(request, caps, choice, NULL);
}

int32_t st_gpu_candidates(const st_rank_request *request, const st_device_caps *caps, st_choice *choices, int32_t capacity) {
    static const int32_t families[][2] = {
        {ST_MK_SHARED, ST_MKD_FILTER},  {ST_MK_SHARED, ST_MKD_HEAP},       {ST_MK_SHARED, ST_MKD_KWAY},
        {ST_MK_WARP, ST_MKD_WARP_HEAP}, {ST_MK_WARP, ST_MKD_WARP_BITONIC}, {ST_MK_BITONIC, ST_MKD_BITONIC},
        {ST_MK_RADIX, ST_MKD_AUTO}};
    enum { FAMILIES = sizeof families / sizeof families[0], MOST = FAMILIES * 2 * 2 };
    st_choice found[MOST];
    int32_t count = 0;
    for (int family = 0; family < FAMILIES; family++)
        for (int32_t two = 0; two < 2; two++)
            for (int32_t halving = 0; halving < 2; halving++) {
                if (!st_gpu_legal(request->kind, families[family][0], families[family][1])) continue;
                st_choice choice = choice_of(request, caps, families[family][0], families[family][1], two);
                if (halving) choice.wg = choice.wg / 2 > 0 ? choice.wg / 2 : 1;
                st_gpu_normalise(request, caps, &choice, NULL);
                int known = 0;
                for (int32_t i = 0; i < count; i++) known |= memcmp(&found[i], &choice, sizeof choice) == 0;
                if (!known) found[count++] = choice;
            }
    for (int32_t i = 0; i < count && i < capacity; i++) choices[i] = found[i];
    return count;
}
