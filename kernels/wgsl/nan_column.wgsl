// SPDX-License-Identifier: AGPL-3.0-or-later
// nan_column.wgsl - the lowest column of that row that holds one.

fn serve(part: Part, thread: u32) {
    if (part.input_row == atomicLoad(&state[STATE_NAN_ROW])) {
        atomicMin(&state[STATE_NAN_COLUMN], lowest_nan(part, thread));
    }
}
