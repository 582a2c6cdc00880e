// SPDX-License-Identifier: AGPL-3.0-or-later
// pick.wgsl - the values of a row that no binding holds: those of outputs whose column is in the range that is bound.

fn serve(part: Part, thread: u32) {
    for (var place = thread; place < part.hi - part.lo; place += WG) {
        let column = scratch[numbers.picks_base + place];
        if (column >= numbers.first_col && column - numbers.first_col < numbers.cols) {
            value_store(numbers.values_base + part.output_row * numbers.values_stride + place, element_of(part, column));
        }
    }
}
