// SPDX-License-Identifier: AGPL-3.0-or-later
// wide_digits.wgsl - a piece's histograms of one digit.

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    if (group_is_idle(group)) {
        return;
    }
    let part = part_of(group);
    digits_count(part, numbers.digit, edges_load(part, numbers.digit), thread);
    report_reads();
    for (var bin = thread; bin < 512u; bin += WG) {
        scratch[histograms_at(part, part.piece) + bin] = atomicLoad(&histogram[bin]);
    }
}
