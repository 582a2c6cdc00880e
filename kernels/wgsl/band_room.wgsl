// SPDX-License-Identifier: AGPL-3.0-or-later
// band_room.wgsl - the columns of a row that lie in the band go to a room of its own in scratch: the row is read once.

fn band_put(part: Part, place: u32, item: Item, column: u32) {
    scratch[numbers.room_base + part.row * numbers.full_cols + place] = column;
}

fn serve(part: Part, thread: u32) {
    let count = band_sweep(part, 0u, thread);
    if (thread == 0u) {
        scratch[band_piece(part)] = count;
    }
}
