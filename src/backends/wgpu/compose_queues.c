/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* compose_queues.c - families for the first ranks of a row: queues in subgroups, heaps, and runs merged k ways. */
#include "backends/wgpu/composer.h"

/* Registers for loads are taken from those of queues; a few loads side by side hide what one costs. */
enum { MOST_LOADS = 8, MOST_RUN = 1024 };

static st_wgpu_variant variant_of(const st_wgpu_composer *composer, uint32_t kernel, int32_t step) {
    st_wgpu_variant variant = st_wgpu_variant_of(composer, kernel);
    variant.unroll = st_wgpu_unroll(composer, step, MOST_LOADS);
    variant.count_reads = (uint32_t)composer->layout->count_reads;
    return variant;
}

/* Short rows are served by few subgroups each, down to one, where enough are left to keep a large device busy. */
static uint32_t parts_of(const st_wgpu_composer *composer, uint32_t subgroups) {
    enum { ENOUGH_SUBGROUPS = 8192, LEAST_LOADS = 32 };
    uint32_t parts = 1;
    while (subgroups % (2 * parts) == 0 && (uint64_t)composer->rows * subgroups / (2 * parts) >= ENOUGH_SUBGROUPS &&
           (uint64_t)composer->cols * parts < (uint64_t)LEAST_LOADS * composer->limits->lanes * subgroups)
        parts *= 2;
    return parts;
}

/* 0: the queues do not hold what is kept, or there are no subgroups. */
static int queue_variant(const st_wgpu_composer *composer, st_wgpu_variant *variant) {
    const uint32_t lanes = composer->limits->lanes, depth = (uint32_t)composer->choice->kl;
    const int bitonic = composer->choice->mkd == ST_MKD_WARP_BITONIC;
    *variant = variant_of(composer, bitonic ? ST_WGPU_KERNEL_QUEUE_BITONIC : ST_WGPU_KERNEL_QUEUE_HEAP, composer->choice->tile);
    if (lanes == 0 || variant->workgroup % lanes != 0 || (uint64_t)lanes * depth < composer->numbers.kept) return 0;
    variant->lanes = lanes;
    variant->queue = depth;
    variant->parts = parts_of(composer, variant->workgroup / lanes);
    /* A step's columns are loaded by those who share a part. */
    const uint32_t loads = (uint32_t)composer->choice->tile / (variant->workgroup / variant->parts);
    variant->unroll = loads < 1 ? 1 : loads > MOST_LOADS ? MOST_LOADS : loads;
    return 1;
}

/*
 * A heap for as many threads as there are lanes, and an inbox of all that a step can bring it. Shorter steps, then fewer
 * heaps, where these do not fit; 0: one does not.
 */
static int heap_variant(const st_wgpu_composer *composer, uint32_t room, st_wgpu_variant *variant) {
    enum { HEAP_BYTES = 16, USUAL_LANES = 32 };
    *variant = variant_of(composer, ST_WGPU_KERNEL_HEAP, composer->choice->tile);
    const uint32_t threads = variant->workgroup, kept = composer->numbers.kept;
    variant->lanes = composer->limits->lanes > 0 ? composer->limits->lanes : USUAL_LANES;
    while (threads % variant->lanes != 0) variant->lanes /= 2;
    for (;;) {
        const uint64_t heaps = threads / variant->lanes, inboxes = (uint64_t)threads * variant->unroll;
        const uint64_t fits = (room - heaps * HEAP_BYTES) / st_wgpu_entry_bytes(composer->bits);
        if (heaps * kept + inboxes <= fits) {
            const uint64_t rounded = heaps * st_wgpu_power_from(kept) + inboxes;
            variant->capacity = (uint32_t)(rounded <= fits ? rounded : fits);
            return 1;
        }
        if (variant->unroll > 1)
            variant->unroll /= 2;
        else if (heaps > 1)
            variant->lanes = threads % (2 * variant->lanes) == 0 ? 2 * variant->lanes : threads;
        else
            return 0;
    }
}

/* Runs are as long as tiles of a compaction, up to what is worth sorting. 0: there is no room behind what is kept. */
static int kway_variant(const st_wgpu_composer *composer, uint32_t room, st_wgpu_variant *variant) {
    enum { PLACE_BYTES = 4, LEAST_ROOM = 32, CAPACITY_STEP = 256 };
    *variant = variant_of(composer, ST_WGPU_KERNEL_KWAY, composer->choice->tile);
    const uint32_t fits = room / (st_wgpu_entry_bytes(composer->bits) + PLACE_BYTES), kept = composer->numbers.kept;
    const uint64_t wanted = 2 * (uint64_t)kept + (uint64_t)variant->workgroup * variant->unroll;
    const uint64_t rounded = (wanted + CAPACITY_STEP - 1) / CAPACITY_STEP * CAPACITY_STEP;
    variant->capacity = rounded < fits ? (uint32_t)rounded : fits;
    variant->queue = st_wgpu_power_from((uint32_t)composer->choice->ctile);
    if (variant->queue > MOST_RUN) variant->queue = MOST_RUN;
    return variant->capacity >= kept + LEAST_ROOM;
}

st_status st_wgpu_compose_queues(st_wgpu_composer *composer) {
    const st_choice *choice = composer->choice;
    const uint32_t room = composer->limits->shared_bytes - ST_WGPU_BUFFER_OVERHEAD;
    st_wgpu_variant variant;
    const int fits = choice->mk == ST_MK_WARP         ? queue_variant(composer, &variant)
                     : choice->mkd == ST_MKD_HEAP ? heap_variant(composer, room, &variant)
                                                  : kway_variant(composer, room, &variant);
    return fits ? st_wgpu_add_passes(composer, variant) : st_wgpu_compose_buffer(composer);
}
