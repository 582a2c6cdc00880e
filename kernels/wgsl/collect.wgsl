// SPDX-License-Identifier: AGPL-3.0-or-later
// collect.wgsl - what lies between two edges, each item at its place in the order of indices.

const COLLECTED = WG * COMPACT;
const WORDS = (COLLECTED + 31u) / 32u;

var<workgroup> ahead: array<vec3<u32>, WORDS>;
var<workgroup> touched: atomic<u32>;

// How many of the items behind so many of each class are collected: the place of the next one.
fn collected_of(part: Part, edges: Edges, tally: vec3<u32>) -> u32 {
    var skipped = 0u;
    var most = 0xffffffffu;
    if (part.lo > 0u) {
        skipped = part.lo - edges.low.before;
        most = select(most, part.hi - edges.high.before, key_equal(edges.low.key, edges.high.key));
    }
    return tally.x + clamp(tally.y, skipped, most) - skipped + min(tally.z, part.hi - edges.high.before);
}

fn mark_counts(word: u32, mask: u32) -> vec3<u32> {
    return vec3(countOneBits(atomicLoad(&histogram[word]) & mask), countOneBits(atomicLoad(&histogram[WORDS + word]) & mask),
                countOneBits(atomicLoad(&histogram[2u * WORDS + word]) & mask));
}

fn collect_item(part: Part, edges: Edges, start: vec3<u32>, group: u32, position: u32, item: Item, i: u32) {
    let tally = start + ahead[position / 32u] + mark_counts(position / 32u, (1u << (position % 32u)) - 1u);
    let place = collected_of(part, edges, tally);
    let with_it = tally + select(vec3(0u), vec3(1u), vec3(1u, 2u, 3u) == vec3(group));
    if (collected_of(part, edges, with_it) > place) {
        collect_put(part, place, item, i);
    }
}

// Collects a part's items; `before` counts the items of each class in the row's parts before it. In each step bits mark the
// items of each class, so that counting the bits before an item gives its place.
fn collect(part: Part, edges: Edges, before: vec3<u32>, thread: u32) {
    var tally = before;
    for (var word = thread; word < 3u * WORDS; word += WG) {
        atomicStore(&histogram[word], 0u);
    }
    if (thread == 0u) {
        atomicStore(&touched, 0u);
    }
    workgroupBarrier();
    for (var begin = 0u; begin < part.count; begin += COLLECTED) {
        let at = begin + thread;
        @compact let item$ = item_at(part, at + $u * WG, part.count);
        @compact var group$ = 0u;
        @compact if (at + $u * WG < part.count) { group$ = class_of(part, edges, item_key(item$)); }
        @compact if (group$ != 0u) { atomicOr(&histogram[(group$ - 1u) * WORDS + ($u * WG + thread) / 32u], 1u << (($u * WG + thread) % 32u)); atomicStore(&touched, 1u); }
        if (workgroupUniformLoad(&touched) != 0u) {
            for (var word = thread; word < WORDS; word += WG) {
                var sum = vec3(0u);
                for (var other = 0u; other < word; other++) {
                    sum += mark_counts(other, 0xffffffffu);
                }
                ahead[word] = sum;
            }
            workgroupBarrier();
            @compact if (group$ != 0u) { collect_item(part, edges, tally, group$, $u * WG + thread, item$, at + $u * WG); }
            tally += ahead[WORDS - 1u] + mark_counts(WORDS - 1u, 0xffffffffu);
            workgroupBarrier();
            for (var word = thread; word < 3u * WORDS; word += WG) {
                atomicStore(&histogram[word], 0u);
            }
            if (thread == 0u) {
                atomicStore(&touched, 0u);
            }
            workgroupBarrier();
        }
    }
}
