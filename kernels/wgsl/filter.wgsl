// SPDX-License-Identifier: AGPL-3.0-or-later
// filter.wgsl - one sweep in which what is within a bound goes to a buffer; a full buffer is cut back, and lowers the bound.

// Whether item i, whose key may be within the bound, is.
fn item_enters(part: Part, i: u32, end: u32, item: Item, bound: Bound) -> bool {
    let key = item_key(item);
    return i < end && (key_before(key, bound.key) || (key_equal(key, bound.key) && item_index(part, i) <= bound.index));
}

struct Sweep {
    bound: Bound,
    total: u32, // entries in the buffer
}

// Sweeps over the items [begin, end), of which there is one. The next step's items are asked for before this one's are looked
// at, so that reading goes on across the barriers.
fn sweep(part: Part, begin: u32, end: u32, before: Sweep, thread: u32) -> Sweep {
    let slack = min((CAPACITY - part.kept) / 4u, part.kept / 4u + 16u);
    let steps = (end - begin - 1u) / STEP + 1u;
    var bound = before.bound;
    var total = before.total;
    var at = begin + thread;
    var visit = 0u;
    @each var item$ = item_at(part, at + $u * WG, end);
    loop {
        visit = next_visit(visit, steps);
        let more = visit < visits_of(steps);
        let next_at = begin + step_at(visit, steps) * STEP + thread;
        @each var next$ = item$;
        if (more) {
            @each next$ = item_at(part, next_at + $u * WG, end);
        }
        var pending = 0u;
        @each pending |= select(0u, 1u << $u, item_within(item$, bound));
        loop {
            if (total >= CAPACITY) {
                let cut = buffer_bound(CAPACITY, part.kept, slack, thread);
                buffer_pack(CAPACITY, cut.bound, thread);
                bound = cut.bound;
            }
            if (pending != 0u) {
                // One addition takes a thread's places. What finds none is tried again behind the next cut.
                @each if ((pending & (1u << $u)) != 0u && !item_enters(part, at + $u * WG, end, item$, bound)) { pending ^= 1u << $u; }
                var slot = atomicAdd(&buffer_count, countOneBits(pending));
                @each if ((pending & (1u << $u)) != 0u && slot < CAPACITY) { buffer_put(slot, item_key(item$), item_index(part, at + $u * WG)); slot++; pending ^= 1u << $u; }
            }
            total = workgroupUniformLoad(&buffer_count);
            if (total <= CAPACITY) {
                break;
            }
        }
        if (!more) {
            break;
        }
        at = next_at;
        @each item$ = next$;
    }
    return Sweep(bound, total);
}

fn serve(part: Part, thread: u32) {
    if (part.hi == part.lo || part.count == 0u) {
        output_filler(part, thread);
        return;
    }
    let filled = fill(part, thread);
    var swept = Sweep(bound_everything(), filled);
    for (var begin = filled; begin < part.count; begin += min(numbers.chunk, part.count - begin)) {
        swept = sweep(part, begin, begin + min(numbers.chunk, part.count - begin), swept, thread);
    }
    if (part.kept < swept.total) {
        let cut = buffer_bound(swept.total, part.kept, 0u, thread);
        buffer_pack(swept.total, cut.bound, thread);
    }
    sink(part, min(swept.total, part.kept), false, thread);
}
