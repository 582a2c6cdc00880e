/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* gpu_rules.c - the legality table of the GPU backends, and fitting a Choice to their limits. */
#include "device/gpu_rules.h"

#include "device/caps.h"
#include "device/choice_fields.h"
#include "rank/window.h"

enum { MOST_KL = 32, LEAST_TILE = 64, MOST_TILE = 65536, HISTOGRAM_BYTES = 256 * 4 };

enum { FROM_RANK_0 = 1 << ST_TOPK | 1 << ST_BOTTOMK, ANY_WINDOW = FROM_RANK_0 | 1 << ST_MIDK | 1 << ST_WINDOW };

/* Kinds for which a pair is legal. Heaps, k-way merges and lane queues keep the first ranks, so they serve TopK and BottomK. */
static const uint8_t legal_kinds[ST_MK_RADIX + 1][ST_MKD_FILTER + 1] = {
    [ST_MK_BITONIC] = {[ST_MKD_AUTO] = ANY_WINDOW, [ST_MKD_BITONIC] = ANY_WINDOW},
    [ST_MK_SHARED] = {[ST_MKD_AUTO] = ANY_WINDOW,
                      [ST_MKD_HEAP] = FROM_RANK_0,
                      [ST_MKD_KWAY] = FROM_RANK_0,
                      [ST_MKD_FILTER] = ANY_WINDOW},
    [ST_MK_WARP] = {[ST_MKD_AUTO] = FROM_RANK_0, [ST_MKD_WARP_HEAP] = FROM_RANK_0, [ST_MKD_WARP_BITONIC] = FROM_RANK_0},
    [ST_MK_RADIX] = {[ST_MKD_AUTO] = ANY_WINDOW},
};

int st_is_gpu(int32_t backend) { return backend >= ST_BACKEND_WGPU && backend <= ST_BACKEND_MPS; }

int st_gpu_legal(int32_t kind, int32_t mk, int32_t mkd) {
    if (kind < ST_TOPK || kind > ST_WINDOW || mk < ST_MK_BITONIC || mk > ST_MK_RADIX) return 0;
    return mkd >= ST_MKD_AUTO && mkd <= ST_MKD_FILTER && (legal_kinds[mk][mkd] >> kind & 1);
}

int64_t st_gpu_kept(const st_rank_request *request) {
    const st_window window = st_window_of(request, (size_t)request->cols);
    const int64_t far_end = request->cols - (int64_t)window.lo;
    return (int64_t)window.hi < far_end ? (int64_t)window.hi : far_end;
}

/* A candidate is a key and an index: 4 + 4 bytes, or 8 + 8 for 64-bit types. */
static int64_t entry_bytes(const st_rank_request *request) { return st_dtype_size(request->dtype) == 8 ? 16 : 8; }

int64_t st_gpu_shared_need(const st_rank_request *request, const st_device_caps *caps, const st_choice *choice) {
    const int64_t entry = entry_bytes(request), most = INT64_MAX / 64 / 4096;
    const int64_t kept = st_gpu_kept(request) < most ? st_gpu_kept(request) : most;
    const int64_t subgroups = (choice->wg + caps->lanes - 1) / caps->lanes;
    int64_t first = 0;
    switch (choice->mk) {
        case ST_MK_SHARED:
            /* A heap for each subgroup; k-way and filter keep one window, and as much again of incoming candidates. */
            first = choice->mkd == ST_MKD_HEAP ? kept * subgroups * entry : 2 * kept * entry;
            break;
        case ST_MK_RADIX: first = HISTOGRAM_BYTES; break;
        default: break; /* bitonic sorts tiles that fit; warp queues are registers */
    }
    const int64_t second = !choice->use_2ce ? 0 : choice->mk == ST_MK_RADIX ? HISTOGRAM_BYTES : 2 * kept * entry;
    return first > second ? first : second;
}

static int32_t clamp(int32_t value, int32_t low, int32_t high) { return value < low ? low : value > high ? high : value; }

static int32_t power_of_two_at_most(int64_t value) {
    int32_t power = 1;
    while (power <= value / 2 && power < 1 << 30) power *= 2;
    return power;
}

static void fit_family(const st_rank_request *request, const st_device_caps *caps, st_choice *choice, st_changes *changes) {
    const int64_t kept = st_gpu_kept(request);
    if (choice->mk == ST_MK_WARP && !(FROM_RANK_0 >> request->kind & 1)) {
        st_change_field(choice, ST_FIELD_MK, ST_MK_RADIX, changes, "lane queues serve topk and bottomk alone");
        st_change_field(choice, ST_FIELD_MKD, ST_MKD_AUTO, changes, "the merge kind changed");
    }
    if (choice->mk == ST_MK_WARP && (!caps->subgroup || kept > (int64_t)caps->lanes * MOST_KL)) {
        if (!caps->subgroup)
            st_change_field(choice, ST_FIELD_MK, ST_MK_SHARED, changes, "this device has no subgroups");
        else
            st_change_field(choice, ST_FIELD_MK, ST_MK_SHARED, changes, "%d lanes with queues of %d cannot hold %lld elements",
                            caps->lanes, MOST_KL, (long long)kept);
        st_change_field(choice, ST_FIELD_MKD, ST_MKD_AUTO, changes, "the merge kind changed");
    }
    if (!st_gpu_legal(request->kind, choice->mk, choice->mkd))
        st_change_field(choice, ST_FIELD_MKD, ST_MKD_AUTO, changes, "mkd %s does not go with mk %s for this kind",
                        st_mkd_name(choice->mkd), st_mk_name(choice->mk));
}

static void fit_workgroup(const st_rank_request *request, const st_device_caps *caps, st_choice *choice, st_changes *changes) {
    const int32_t most = caps->max_workgroup < caps->lanes ? caps->max_workgroup : caps->max_workgroup - caps->max_workgroup % caps->lanes;
    const int32_t least = caps->lanes < most ? caps->lanes : most;
    if (choice->wg == 0)
        st_change_field(choice, ST_FIELD_WG, st_caps_recommended_workgroup(caps, request->rows), changes, "it was not decided");
    const int32_t fitted = clamp(choice->wg, least, most);
    st_change_field(choice, ST_FIELD_WG, fitted, changes, "a workgroup has %d to %d threads on this device", least, most);
    if (fitted % least != 0)
        st_change_field(choice, ST_FIELD_WG, fitted - fitted % least, changes, "a workgroup is a multiple of %d lanes", least);
}

static void fit_memory(const st_rank_request *request, const st_device_caps *caps, st_choice *choice, st_changes *changes) {
    const int64_t budget = st_caps_shared_budget(caps), need = st_gpu_shared_need(request, caps, choice);
    if (need <= budget) return;
    st_choice one_pass = *choice;
    one_pass.use_2ce = 0;
    if (st_gpu_shared_need(request, caps, &one_pass) > budget) {
        st_change_field(choice, ST_FIELD_MK, ST_MK_BITONIC, changes, "%lld bytes of shared memory are needed, %lld are there",
                        (long long)need, (long long)budget);
        st_change_field(choice, ST_FIELD_MKD, ST_MKD_AUTO, changes, "the merge kind changed");
    }
    if (!choice->use_2ce || st_gpu_shared_need(request, caps, choice) <= budget) return;
    static const char why[] = "two passes need more shared memory than is there";
    st_change_field(choice, ST_FIELD_USE_2CE, 0, changes, why);
    if (choice->mk != ST_MK_RADIX) {
        st_change_field(choice, ST_FIELD_MK, ST_MK_BITONIC, changes, why);
        if (choice->mkd != ST_MKD_BITONIC) st_change_field(choice, ST_FIELD_MKD, ST_MKD_AUTO, changes, "the merge kind changed");
    }
    if ((request->kind == ST_MIDK || request->kind == ST_WINDOW) && choice->midk == 2)
        st_change_field(choice, ST_FIELD_MIDK, 1, changes, why);
    if (request->kind == ST_BOTTOMK && choice->bottomk == 2) st_change_field(choice, ST_FIELD_BOTTOMK, 1, changes, why);
}

static void fit_queue(const st_rank_request *request, const st_device_caps *caps, st_choice *choice, st_changes *changes) {
    const int64_t kept = st_gpu_kept(request);
    if (choice->kl == 0)
        st_change_field(choice, ST_FIELD_KL, st_caps_preferred_k_loop(caps, kept), changes, "it was not decided");
    st_change_field(choice, ST_FIELD_KL, clamp(choice->kl, 1, MOST_KL), changes, "a lane's queue holds 1 to %d", MOST_KL);
    /* fit_family left warp queues only where MOST_KL is deep enough. */
    const int32_t least = kept < 1 ? 1 : (int32_t)((kept - 1) / caps->lanes + 1 < MOST_KL ? (kept - 1) / caps->lanes + 1 : MOST_KL);
    if (choice->mk == ST_MK_WARP && choice->kl < least)
        st_change_field(choice, ST_FIELD_KL, least, changes, "%d lanes must hold %lld elements", caps->lanes, (long long)kept);
}

static void fit_tiles(const st_rank_request *request, const st_device_caps *caps, st_choice *choice, st_changes *changes) {
    int32_t tile, ctile;
    st_caps_recommended_tiles(caps, request->cols, &tile, &ctile);
    if (choice->tile == 0) st_change_field(choice, ST_FIELD_TILE, tile, changes, "it was not decided");
    if (choice->ctile == 0) st_change_field(choice, ST_FIELD_CTILE, ctile, changes, "it was not decided");
    const int32_t holds = power_of_two_at_most(st_caps_shared_budget(caps) / entry_bytes(request));
    const int32_t most = clamp(holds, LEAST_TILE, MOST_TILE);
    const int32_t fields[] = {ST_FIELD_TILE, ST_FIELD_CTILE};
    for (int i = 0; i < 2; i++) {
        const int32_t value = st_choice_get(choice, fields[i]);
        st_change_field(choice, fields[i], power_of_two_at_most(clamp(value, LEAST_TILE, most)), changes,
                        "a tile is a power of two from %d to %d here", LEAST_TILE, most);
    }
    if (choice->ch >= request->cols && choice->ch > 0)
        st_change_field(choice, ST_FIELD_CH, 0, changes, "a chunk of %d columns is the whole row", choice->ch);
    else if (choice->ch > 0 && choice->ch < LEAST_TILE)
        st_change_field(choice, ST_FIELD_CH, LEAST_TILE < request->cols ? LEAST_TILE : 0, changes,
                        "a chunk has at least %d columns", LEAST_TILE);
}

void st_gpu_normalise(const st_rank_request *request, const st_device_caps *caps, st_choice *choice, st_changes *changes) {
    fit_family(request, caps, choice, changes);
    fit_workgroup(request, caps, choice, changes);
    fit_memory(request, caps, choice, changes);
    fit_queue(request, caps, choice, changes);
    fit_tiles(request, caps, choice, changes);
}
