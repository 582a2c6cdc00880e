// SPDX-License-Identifier: AGPL-3.0-or-later
// sweep.wgsl - filling the buffer with the first items of a sweep.

// The first items fill the buffer as they come, without a bound.
fn fill(part: Part, thread: u32) -> u32 {
    let filled = min(part.count, CAPACITY);
    for (var begin = 0u; begin < filled; begin += STEP) {
        let at = begin + thread;
        @each let item$ = item_at(part, at + $u * WG, filled);
        @each if (at + $u * WG < filled) { buffer_put(at + $u * WG, item_key(item$), item_index(part, at + $u * WG)); }
    }
    if (thread == 0u) {
        atomicStore(&buffer_count, filled);
    }
    workgroupBarrier();
    return filled;
}
