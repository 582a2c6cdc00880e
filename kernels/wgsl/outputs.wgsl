// SPDX-License-Identifier: AGPL-3.0-or-later
// outputs.wgsl - writing a row's values and indices, and filler behind them.

// Writes output number `place` of a row: a column of it. Where the row is cut into ranges, other dispatches write the value.
fn output_column(part: Part, place: u32, column: u32) {
    if (flagged(FLAG_DEFERRED)) {
        scratch[numbers.picks_base + place] = column;
    } else if (flagged(FLAG_VALUES)) {
        value_store(numbers.values_base + part.output_row * numbers.values_stride + place, element_of(part, column));
    }
    if (flagged(FLAG_INDICES)) {
        let at = numbers.indices_base + part.output_row * numbers.indices_stride + place;
        if (flagged(FLAG_WIDE_INDICES)) {
            indices[2u * at] = column;
            indices[2u * at + 1u] = 0u;
        } else {
            indices[at] = column;
        }
    }
}

// Filler: zero bits, index -1.
fn output_nothing(part: Part, place: u32) {
    if (flagged(FLAG_VALUES)) {
        value_store(numbers.values_base + part.output_row * numbers.values_stride + place, Element());
    }
    if (flagged(FLAG_INDICES)) {
        let at = numbers.indices_base + part.output_row * numbers.indices_stride + place;
        if (flagged(FLAG_WIDE_INDICES)) {
            indices[2u * at] = 0xffffffffu;
            indices[2u * at + 1u] = 0xffffffffu;
        } else {
            indices[at] = 0xffffffffu;
        }
    }
}

fn output_filler(part: Part, thread: u32) {
    for (var place = part.hi - part.lo + thread; place < numbers.width; place += WG) {
        output_nothing(part, place);
    }
}
