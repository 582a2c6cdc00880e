// SPDX-License-Identifier: AGPL-3.0-or-later
// sink_outputs.wgsl - the window of a row goes to the outputs, sorted or by index, and filler behind it.

// Writes output number `place` of a row: a column of it.
fn output_column(part: Part, place: u32, column: u32) {
    if (flagged(FLAG_VALUES)) {
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

// The buffer holds the part.kept first entries of the row, in no order.
fn sink(part: Part, thread: u32) {
    let count = part.hi - part.lo;
    let reversed = flagged(FLAG_REVERSED);
    let unsorted = flagged(FLAG_UNSORTED);
    // In the reversed order rank r stands at slot length - 1 - r.
    let first = select(part.lo, part.length - part.hi, reversed);
    // By index: the window's entries get one key, others a later one, and a sort puts these last.
    let rounds = select(1u, 2u, unsorted && count < part.kept);
    for (var round = 0u; round < rounds; round++) {
        if (unsorted && round + 1u == rounds) {
            workgroupBarrier();
            for (var slot = thread; slot < part.kept; slot += WG) {
                let inside = rounds == 1u || (slot >= first && slot < first + count);
                buffer_keys[slot] = key_of_words(select(1u, 0u, inside), 0u);
                buffer_indices[slot] = index_of_column(buffer_indices[slot]);
            }
        }
        buffer_sort(part.kept, thread);
    }
    for (var place = thread; place < count; place += WG) {
        if (unsorted) {
            output_column(part, place, buffer_indices[place]);
        } else {
            output_column(part, place, index_of_column(buffer_indices[select(first + place, first + count - 1u - place, reversed)]));
        }
    }
    output_filler(part, thread);
}
