// SPDX-License-Identifier: AGPL-3.0-or-later
// filter.wgsl - one sweep in which what is within a bound goes to a buffer; a full buffer is cut back, and lowers the bound.

// Appends item i where it is below `end` and within the bound; true: there was no room for it.
fn append_fails(part: Part, i: u32, end: u32, item: Item, bound: Bound) -> bool {
    let key = item_key(item);
    if (i >= end || key_before(bound.key, key)) {
        return false;
    }
    let index = item_index(part, i);
    if (key_equal(bound.key, key) && index > bound.index) {
        return false;
    }
    return !buffer_append(key, index);
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
                @each if ((pending & (1u << $u)) != 0u && !append_fails(part, at + $u * WG, end, item$, bound)) { pending ^= 1u << $u; }
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

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    if (group_is_idle(group)) {
        return;
    }
    let part = part_of(group);
    if (part.hi == part.lo || part.count == 0u) {
        output_filler(part, thread);
        return;
    }
    let filled = fill(part, thread);
    var swept = Sweep(bound_everything(), filled);
    for (var begin = filled; begin < part.count; begin += min(numbers.chunk, part.count - begin)) {
        swept = sweep(part, begin, begin + min(numbers.chunk, part.count - begin), swept, thread);
    }
    report_reads();
    if (part.kept < swept.total) {
        let cut = buffer_bound(swept.total, part.kept, 0u, thread);
        buffer_pack(swept.total, cut.bound, thread);
    }
    sink(part, min(swept.total, part.kept), false, thread);
}
