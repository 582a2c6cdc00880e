// SPDX-License-Identifier: AGPL-3.0-or-later
// wide_collect.wgsl - a piece collects what lies between its row's edges, behind what the pieces before it collect.

var<workgroup> classes: array<atomic<u32>, 3>;

fn serve(part: Part, thread: u32) {
    if (part.hi > part.lo) {
        if (thread < 3u) {
            atomicStore(&classes[thread], 0u);
        }
        workgroupBarrier();
        for (var piece = thread; piece < part.piece; piece += WG) {
            atomicAdd(&classes[0], scratch[tally_at(part, piece)]);
            atomicAdd(&classes[1], scratch[tally_at(part, piece) + 1u]);
            atomicAdd(&classes[2], scratch[tally_at(part, piece) + 2u]);
        }
        workgroupBarrier();
        let before = vec3(atomicLoad(&classes[0]), atomicLoad(&classes[1]), atomicLoad(&classes[2]));
        collect(part, edges_load(part, DIGITS), before, thread);
    }
    collected(part, thread);
}
