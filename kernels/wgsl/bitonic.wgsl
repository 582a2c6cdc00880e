// SPDX-License-Identifier: AGPL-3.0-or-later
// bitonic.wgsl - the buffer is sorted by a bitonic network; behind the best so far, tile after tile is sorted and merged in.

// Puts the items [begin, end) behind the first `room` slots, and says whether one of them is within the bound.
fn tile_enters(part: Part, begin: u32, end: u32, room: u32, bound: Bound, thread: u32) -> bool {
    var enters = false;
    for (var origin = begin; origin < end; origin += STEP) {
        let at = origin + thread;
        @each let item$ = item_at(part, at + $u * WG, end);
        @each let key$ = item_key(item$);
        @each if (at + $u * WG < end) { buffer_put(room + at + $u * WG - begin, key$, item_index(part, at + $u * WG)); enters = enters || !key_before(bound.key, key$); }
    }
    if (enters) {
        atomicStore(&buffer_count, 1u);
    }
    return workgroupUniformLoad(&buffer_count) != 0u;
}

fn serve(part: Part, thread: u32) {
    if (part.hi == part.lo || part.count == 0u) {
        output_filler(part, thread);
        return;
    }
    let filled = fill(part, thread);
    buffer_sort(0u, filled, thread);
    // The best take a power of two of slots, so that merging finds every slot taken.
    let log = 32u - countLeadingZeros(part.kept - 1u);
    let best = 1u << log;
    let tile = CAPACITY - best;
    for (var chunk = filled; chunk < part.count; chunk += min(numbers.chunk, part.count - chunk)) {
        let end = chunk + min(numbers.chunk, part.count - chunk);
        let steps = (end - chunk - 1u) / tile + 1u;
        for (var visit = 0u; visit < visits_of(steps); visit = next_visit(visit, steps)) {
            let begin = chunk + step_at(visit, steps) * tile;
            let count = min(tile, end - begin);
            if (thread == 0u) {
                atomicStore(&buffer_count, 0u);
            }
            let bound = bound_of(buffer_keys[part.kept - 1u], buffer_indices[part.kept - 1u]);
            workgroupBarrier();
            if (tile_enters(part, begin, begin + count, best, bound, thread)) {
                buffer_sort(best, count, thread);
                for (var i = thread; i < min(best, count); i += WG) {
                    buffer_order(best - 1u - i, best + i);
                }
                workgroupBarrier();
                buffer_merge(0u, best, log, thread);
            }
        }
    }
    sink(part, min(filled, best), true, thread);
}
