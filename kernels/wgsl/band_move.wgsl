// SPDX-License-Identifier: AGPL-3.0-or-later
// band_move.wgsl - what a row's room holds goes to the outputs.

fn serve(part: Part, thread: u32) {
    if (!band_fits()) {
        return;
    }
    let first = scratch[part.row];
    let count = scratch[part.row + 1u] - first;
    for (var i = thread; i < count; i += WG) {
        let column = scratch[numbers.room_base + part.row * numbers.full_cols + i];
        band_output(first + i, element_of(part, column), column);
    }
}
