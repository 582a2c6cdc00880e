// SPDX-License-Identifier: AGPL-3.0-or-later
// radix.wgsl - a workgroup finds the keys of its window's ends digit by digit, then collects what lies between them.

fn serve(whole: Part, thread: u32) {
    var part = whole;
    if (part.hi == part.lo || part.count == 0u) {
        output_filler(part, thread);
        return;
    }
    if (SINK_ENTRIES) {
        part.lo = 0u;
        part.hi = min(part.kept, part.count);
    }
    var edges: Edges;
    for (var digit = 0u; digit < DIGITS; digit++) {
        digits_count(part, digit, edges, thread);
        edges = digits_narrow(part, digit, edges, thread);
    }
    collect(part, edges, vec3(0u), thread);
    collected(part, thread);
}
