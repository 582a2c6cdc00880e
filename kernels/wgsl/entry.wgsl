// SPDX-License-Identifier: AGPL-3.0-or-later
// entry.wgsl - where a kernel begins and ends: a workgroup serves its part.

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    if (group_is_idle(group)) {
        return;
    }
    serve(part_of(group), thread);
    report_reads();
    report_loops();
}
