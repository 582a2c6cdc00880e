// SPDX-License-Identifier: AGPL-3.0-or-later
// digits.wgsl - digit by digit, from the leading one, histograms of 8-bit digits find the keys of two ranks.

// The elements of a row before rank `rank` end within the elements of one key: its leading digits, and the elements whose
// leading digits come before these.
struct Edge {
    key: Key,
    before: u32,
}

// Ranks [part.lo, part.hi) lie between two edges. Where part.lo is 0, nothing stands before the low one, and it has no key.
struct Edges {
    low: Edge,
    high: Edge,
}

const DIGITS = BITS / 8u;

// Whether the edges have parted in the first `digits` digits, so that each has a histogram of its own.
fn edges_apart(part: Part, edges: Edges, digits: u32) -> bool {
    return part.lo > 0u && !key_leads(edges.low.key, edges.high.key, digits);
}

fn digit_count(key: Key, digit: u32, edges: Edges, apart: bool) {
    if (key_leads(key, edges.high.key, digit)) {
        atomicAdd(&histogram[key_digit(key, digit)], 1u);
    } else if (apart && key_leads(key, edges.low.key, digit)) {
        atomicAdd(&histogram[256u + key_digit(key, digit)], 1u);
    }
}

// Counts a digit of the items that agree with an edge in all digits before it.
fn digits_count(part: Part, digit: u32, edges: Edges, thread: u32) {
    let apart = edges_apart(part, edges, digit);
    for (var bin = thread; bin < 512u; bin += WG) {
        atomicStore(&histogram[bin], 0u);
    }
    workgroupBarrier();
    for (var begin = 0u; begin < part.count; begin += STEP) {
        let at = begin + thread;
        @each let item$ = item_at(part, at + $u * WG, part.count);
        @each if (at + $u * WG < part.count) { digit_count(item_key(item$), digit, edges, apart); }
    }
    workgroupBarrier();
}

// The edges with one digit more, from its histograms.
fn digits_narrow(part: Part, digit: u32, edges: Edges, thread: u32) -> Edges {
    let high = histogram_find(0u, part.hi - edges.high.before, thread);
    var narrowed: Edges;
    narrowed.high = Edge(key_with_digit(edges.high.key, digit, high.x), edges.high.before + high.y);
    if (part.lo > 0u) {
        let first_bin = select(0u, 256u, edges_apart(part, edges, digit));
        let low = histogram_find(first_bin, part.lo - edges.low.before, thread);
        narrowed.low = Edge(key_with_digit(edges.low.key, digit, low.x), edges.low.before + low.y);
    }
    return narrowed;
}

// An item lies between the edges, or has the low one's key, or the high one's: 1, 2, 3; else 0. Of one key, the first in the
// order of indices stand before the edge. With the same key on both edges, that is the low one's.
fn class_of(part: Part, edges: Edges, key: Key) -> u32 {
    if (part.lo > 0u && !key_before(edges.low.key, key)) {
        return select(0u, 2u, key_equal(edges.low.key, key));
    }
    if (key_before(key, edges.high.key)) {
        return 1u;
    }
    return select(0u, 3u, key_equal(edges.high.key, key));
}
