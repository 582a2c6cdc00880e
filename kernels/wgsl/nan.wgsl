// SPDX-License-Identifier: AGPL-3.0-or-later
// nan.wgsl - the lowest column of a part that holds a NaN.

// All ones: this thread has seen none.
fn lowest_nan(part: Part, thread: u32) -> u32 {
    var lowest = 0xffffffffu;
    for (var begin = 0u; begin < part.count; begin += STEP) {
        let at = begin + thread;
        @each let item$ = item_at(part, at + $u * WG, part.count);
        @each if (is_nan(item$)) { lowest = min(lowest, part.first + min(at + $u * WG, part.count - 1u)); }
    }
    return lowest;
}
