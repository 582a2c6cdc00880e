// SPDX-License-Identifier: AGPL-3.0-or-later
// pick.wgsl - the values of a row that no binding holds: those of outputs whose column is in the range that is bound.

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    if (group_is_idle(group)) {
        return;
    }
    let part = part_of(group);
    for (var place = thread; place < part.hi - part.lo; place += WG) {
        let column = scratch[numbers.picks_base + place];
        if (column >= numbers.first_col && column - numbers.first_col < numbers.cols) {
            value_store(numbers.values_base + part.output_row * numbers.values_stride + place, element_of(part, column));
        }
    }
}
