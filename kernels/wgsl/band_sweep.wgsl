// SPDX-License-Identifier: AGPL-3.0-or-later
// band_sweep.wgsl - the items of a part that lie in a band, each with its place in the order of columns.

const WORDS = (STEP + 31u) / 32u;

var<workgroup> marks: array<atomic<u32>, WORDS>;
var<workgroup> ahead: array<u32, WORDS>;
var<workgroup> found: atomic<u32>;

// The place of an item at a position of a step: behind all that is marked before it.
fn place_of(position: u32) -> u32 {
    return ahead[position / 32u] + countOneBits(atomicLoad(&marks[position / 32u]) & ((1u << (position % 32u)) - 1u));
}

// Calls band_put for each item in the band, with places from `first` on, which is the same in all threads; returns the place
// behind the last. A bit marks each item that is found, so that counting the bits before it gives its place.
fn band_sweep(part: Part, first: u32, thread: u32) -> u32 {
    var place = first;
    for (var begin = 0u; begin < part.count; begin += STEP) {
        for (var word = thread; word < WORDS; word += WG) {
            atomicStore(&marks[word], 0u);
        }
        if (thread == 0u) {
            atomicStore(&found, 0u);
        }
        workgroupBarrier();
        let at = begin + thread;
        @each let item$ = item_at(part, at + $u * WG, part.count);
        @each let here$ = at + $u * WG < part.count && in_band(item$);
        @each if (here$) { atomicOr(&marks[($u * WG + thread) / 32u], 1u << (($u * WG + thread) % 32u)); atomicStore(&found, 1u); }
        if (workgroupUniformLoad(&found) != 0u) {
            for (var word = thread; word < WORDS; word += WG) {
                var sum = place;
                for (var other = 0u; other < word; other++) {
                    sum += countOneBits(atomicLoad(&marks[other]));
                }
                ahead[word] = sum;
            }
            workgroupBarrier();
            @each if (here$) { band_put(part, place_of($u * WG + thread), item$, part.first + at + $u * WG); }
            place = place_of(WORDS * 32u - 1u) + (atomicLoad(&marks[WORDS - 1u]) >> 31u);
            workgroupBarrier();
        }
    }
    return place;
}
