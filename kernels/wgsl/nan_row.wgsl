// SPDX-License-Identifier: AGPL-3.0-or-later
// nan_row.wgsl - the lowest input row that holds a NaN.

fn serve(part: Part, thread: u32) {
    if (part.input_row < atomicLoad(&state[STATE_NAN_ROW]) && lowest_nan(part, thread) != 0xffffffffu) {
        // A column that a program before this one found is another row's.
        if (part.input_row < atomicMin(&state[STATE_NAN_ROW], part.input_row)) {
            atomicStore(&state[STATE_NAN_COLUMN], 0xffffffffu);
        }
    }
}
