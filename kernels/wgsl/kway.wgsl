// SPDX-License-Identifier: AGPL-3.0-or-later
// kway.wgsl - the first entries so far, sorted, in the front of the buffer; what is before the last of them is put behind. Where
// that has no more room, it is sorted in runs, and all runs are merged: an entry's place is the number of entries, in all of
// them, that are before it.

const RUN = QUEUE;

var<workgroup> places: array<u32, CAPACITY>; // of what stands behind the first entries
var<workgroup> arrived: atomic<u32>;
var<workgroup> arrived_in_all: u32;

// How many of the sorted entries [first, end) are before the one in a slot.
fn rank_in(first: u32, end: u32, slot: u32) -> u32 {
    var low = first;
    var high = end;
    while (low < high) {
        let middle = (low + high) / 2u;
        if (buffer_before(middle, slot)) {
            low = middle + 1u;
        } else {
            high = middle;
        }
    }
    return low - first;
}

// The same of the runs among the `count` entries from `first` on; at least `most`, where there are more.
fn rank_in_runs(first: u32, count: u32, slot: u32, most: u32) -> u32 {
    var rank = 0u;
    for (var run = 0u; run < count && rank < most; run += min(RUN, count - run)) {
        rank += rank_in(first + run, first + run + min(RUN, count - run), slot);
    }
    return rank;
}

// Merges the first `had` entries and the `count` ones behind the first part.kept slots; returns how many are kept.
fn merge(part: Part, had: u32, count: u32, thread: u32) -> u32 {
    buffer_sort_runs(part.kept, count, countTrailingZeros(RUN), thread);
    for (var i = thread; i < count; i += WG) {
        places[i] = rank_in(0u, had, part.kept + i) + rank_in_runs(part.kept, count, part.kept + i, part.kept);
    }
    workgroupBarrier();
    // Blocks of entries move up, the last block first, so that none is written over before it moved.
    for (var block = (had + WG - 1u) / WG; block > 0u; block--) {
        let slot = min((block - 1u) * WG + thread, had - 1u);
        let key = buffer_keys[slot];
        let index = buffer_indices[slot];
        let place = slot + rank_in_runs(part.kept, count, slot, part.kept);
        workgroupBarrier();
        if ((block - 1u) * WG + thread < had && place < part.kept) {
            buffer_put(place, key, index);
        }
        workgroupBarrier();
    }
    for (var i = thread; i < count; i += WG) {
        if (places[i] < part.kept) {
            buffer_put(places[i], buffer_keys[part.kept + i], buffer_indices[part.kept + i]);
        }
    }
    workgroupBarrier();
    return min(had + count, part.kept);
}

// Puts item i behind the first entries where it is below `end` and before a bound.
fn offer(part: Part, i: u32, end: u32, item: Item, bound_key: Key, bound_index: u32) {
    if (i < end) {
        let key = item_key(item);
        let index = item_index(part, i);
        if (key_before(key, bound_key) || (key_equal(key, bound_key) && index < bound_index)) {
            buffer_put(part.kept + atomicAdd(&arrived, 1u), key, index);
        }
    }
}

// Sweeps over the items [begin, end), of which there is one; returns how many of the first entries are there.
fn sweep(part: Part, begin: u32, end: u32, kept_before: u32, thread: u32) -> u32 {
    let room = CAPACITY - part.kept;
    let taken = min(WG, room);
    let unrolled = min(UNROLL, room / taken);
    let step_items = taken * unrolled;
    let steps = (end - begin - 1u) / step_items + 1u;
    var had = kept_before;
    var bound_key = select(key_of_words(0xffffffffu, 0xffffffffu), buffer_keys[part.kept - 1u], had == part.kept);
    var bound_index = select(0xffffffffu, buffer_indices[part.kept - 1u], had == part.kept);
    var visit = 0u;
    while (visit < visits_of(steps)) {
        let first = begin + step_at(visit, steps) * step_items;
        let stop = select(0u, first + min(end - first, step_items), thread < taken);
        @each let item$ = item_at(part, first + thread + $u * taken, max(stop, 1u));
        @each offer(part, first + thread + $u * taken, stop, item$, bound_key, bound_index);
        visit = next_visit(visit, steps);
        workgroupBarrier();
        if (thread == 0u) {
            arrived_in_all = atomicLoad(&arrived);
        }
        let count = workgroupUniformLoad(&arrived_in_all);
        if (count + step_items > room || (count > 0u && visit == visits_of(steps))) {
            had = merge(part, had, count, thread);
            if (had == part.kept) {
                bound_key = buffer_keys[had - 1u];
                bound_index = buffer_indices[had - 1u];
            }
            if (thread == 0u) {
                atomicStore(&arrived, 0u);
            }
            workgroupBarrier();
        }
    }
    return had;
}

fn serve(part: Part, thread: u32) {
    if (part.hi == part.lo || part.count == 0u) {
        output_filler(part, thread);
        return;
    }
    if (thread == 0u) {
        atomicStore(&arrived, 0u);
    }
    workgroupBarrier();
    var had = 0u;
    for (var begin = 0u; begin < part.count; begin += min(numbers.chunk, part.count - begin)) {
        had = sweep(part, begin, begin + min(numbers.chunk, part.count - begin), had, thread);
    }
    sink(part, had, true, thread);
}
