// SPDX-License-Identifier: AGPL-3.0-or-later
// band_outputs.wgsl - a place in the packed outputs of a band.

// Whether all that was found fits the outputs: else nothing is written.
fn band_fits() -> bool {
    return scratch[numbers.rows] <= numbers.extra[1].x;
}

fn band_output(place: u32, item: Element, column: u32) {
    if (flagged(FLAG_VALUES)) {
        value_store(numbers.values_base + place, item);
    }
    if (flagged(FLAG_WIDE_INDICES)) {
        indices[2u * (numbers.indices_base + place)] = column;
        indices[2u * (numbers.indices_base + place) + 1u] = 0u;
    } else if (flagged(FLAG_INDICES)) {
        indices[numbers.indices_base + place] = column;
    }
}
