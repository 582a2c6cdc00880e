// SPDX-License-Identifier: AGPL-3.0-or-later
// wide_count.wgsl - how many of a piece's items are of each class.

var<workgroup> classes: array<atomic<u32>, 3>;

fn class_count(group: u32) -> vec3<u32> {
    return select(vec3(0u), vec3(1u), vec3(1u, 2u, 3u) == vec3(group));
}

fn serve(part: Part, thread: u32) {
    let edges = edges_load(part, DIGITS);
    if (thread < 3u) {
        atomicStore(&classes[thread], 0u);
    }
    workgroupBarrier();
    var counts = vec3(0u);
    for (var begin = 0u; begin < part.count; begin += STEP) {
        let at = begin + thread;
        @each let item$ = item_at(part, at + $u * WG, part.count);
        @each if (at + $u * WG < part.count) { counts += class_count(class_of(part, edges, item_key(item$))); }
    }
    atomicAdd(&classes[0], counts.x);
    atomicAdd(&classes[1], counts.y);
    atomicAdd(&classes[2], counts.z);
    workgroupBarrier();
    if (thread < 3u) {
        scratch[tally_at(part, part.piece) + thread] = atomicLoad(&classes[thread]);
    }
}
