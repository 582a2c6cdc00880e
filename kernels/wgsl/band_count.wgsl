// SPDX-License-Identifier: AGPL-3.0-or-later
// band_count.wgsl - how many items of a piece lie in the band.

var<workgroup> counted: atomic<u32>;

fn serve(part: Part, thread: u32) {
    if (thread == 0u) {
        atomicStore(&counted, 0u);
    }
    workgroupBarrier();
    var count = 0u;
    for (var begin = 0u; begin < part.count; begin += STEP) {
        let at = begin + thread;
        @each let item$ = item_at(part, at + $u * WG, part.count);
        @each count += select(0u, 1u, (at + $u * WG < part.count) & in_band(item$));
    }
    atomicAdd(&counted, count);
    workgroupBarrier();
    if (thread == 0u) {
        scratch[band_piece(part)] = atomicLoad(&counted);
    }
}
