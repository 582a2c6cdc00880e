/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* choose.c - a Choice from four numbers: by the table that was built in, else by the conservative chooser. */
#include <stddef.h>

#include "base/fail.h"
#include "device/gpu_model.h"
#include "device/gpu_rules.h"
#include "rank/request.h"
#include "spiraltorch/table.h"

#ifdef ST_TABLE_HEADER
#include ST_TABLE_HEADER

static int built_in(int32_t kind, int64_t rows, int64_t cols, int64_t k, int32_t sg, st_choice *choice) {
    st_table_choice found;
    const int32_t entry =
        kind == ST_TOPK ? st_table_choose(rows, cols, k, sg, &found) : st_table_choose_midk(rows, cols, k, sg, &found);
    if (entry == 0) return 0;
    *choice = (st_choice){found.mk,    found.mkd,  found.use_2ce, found.wg,        found.kl,    found.ch,      found.tile,
                          found.ctile, found.midk, found.bottomk, found.tile_cols, found.radix, found.segments};
    return 1;
}
#else
static int built_in(int32_t kind, int64_t rows, int64_t cols, int64_t k, int32_t sg, st_choice *choice) {
    (void)kind, (void)rows, (void)cols, (void)k, (void)sg, (void)choice;
    return 0;
}
#endif

static void normalise(void *self, const st_rank_request *request, const st_device_caps *caps, st_choice *choice) {
    (void)self;
    st_gpu_normalise(request, caps, choice, NULL);
}

static st_status choose(int32_t kind, int64_t rows, int64_t cols, int64_t k, int32_t sg, st_choice *choice) {
    static const st_backend generic = {.struct_size = sizeof generic, .name = "wgpu", .normalise = normalise};
    st_rank_request request, resolved;
    if (choice == NULL) return st_fail(ST_E_ARGUMENT, "choice is NULL");
    if (sg != 0 && sg != 1) return st_fail(ST_E_ARGUMENT, "sg is %d; use 0 or 1", sg);
    st_rank_request_init(&request, kind, rows, cols, k);
    const st_status status = st_request_check(&request, 1, &resolved);
    if (status != ST_OK) return status;
    const st_device_caps caps = st_caps_wgpu(32, sg, 256);
    if (!built_in(kind, rows, cols, k, sg, choice)) st_gpu_fallback(&resolved, &caps, choice);
    st_choice_normalise(&generic, &resolved, &caps, choice, NULL);
    return ST_OK;
}

st_status st_choose(int64_t rows, int64_t cols, int64_t k, int32_t sg, st_choice *choice) {
    return choose(ST_TOPK, rows, cols, k, sg, choice);
}

st_status st_choose_midk(int64_t rows, int64_t cols, int64_t k, int32_t sg, st_choice *choice) {
    return choose(ST_MIDK, rows, cols, k, sg, choice);
}
