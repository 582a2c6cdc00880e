// SPDX-License-Identifier: AGPL-3.0-or-later
// band.wgsl - which items of a part lie in a band of keys.
//
// Scratch begins with where each row starts among all that is found, and behind the last row, how much there is. How much each
// piece of a row finds, later where it starts, stands from numbers.sink_base on.

fn in_band(item: Item) -> bool {
    let key = item_key(item);
    let band = numbers.extra[0];
    return !key_before(key, key_of_words(band.x, band.y)) & !key_before(key_of_words(band.z, band.w), key);
}

fn band_piece(part: Part) -> u32 {
    return numbers.sink_base + part.row * numbers.all_pieces + part.piece;
}
