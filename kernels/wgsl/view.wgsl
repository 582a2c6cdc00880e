// SPDX-License-Identifier: AGPL-3.0-or-later
// view.wgsl - for each position of a strided view of up to 8 dimensions, the element that stands there and its segment.

fn extent_of(dimension: u32) -> u32 {
    return numbers.extra[dimension / 4u][dimension % 4u];
}

// Bits of an i32: sums are counted modulo 2^32.
fn stride_of(dimension: u32) -> u32 {
    return numbers.extra[2u + dimension / 4u][dimension % 4u];
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let here = group_number(group) * WG + thread; // of this dispatch
    if (here >= numbers.cols) {
        return;
    }
    let position = numbers.first_col + here;
    var left = position;
    var element = numbers.input_base;
    for (var dimension = numbers.extra[4].x; dimension > 0u; dimension--) {
        let extent = extent_of(dimension - 1u);
        element += left % extent * stride_of(dimension - 1u);
        left /= extent;
    }
    if (flagged(FLAG_INDICES)) {
        indices[numbers.indices_base + here] = element;
    }
    if (flagged(FLAG_VALUES)) {
        atomicStore(&values[numbers.values_base + here], position / numbers.extra[4].y);
    }
}
