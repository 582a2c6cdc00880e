// SPDX-License-Identifier: AGPL-3.0-or-later
// wide_narrow.wgsl - a row's histograms of one digit, summed over its pieces, bring its edges one digit further.

fn serve(part: Part, thread: u32) {
    if (part.hi == part.lo) {
        return;
    }
    for (var bin = thread; bin < 512u; bin += WG) {
        var sum = 0u;
        for (var piece = 0u; piece < numbers.all_pieces; piece++) {
            sum += scratch[histograms_at(part, piece) + bin];
        }
        atomicStore(&histogram[bin], sum);
    }
    workgroupBarrier();
    let edges = digits_narrow(part, numbers.digit, edges_load(part, numbers.digit), thread);
    if (thread == 0u) {
        edges_store(part, edges);
    }
}
