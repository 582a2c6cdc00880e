// SPDX-License-Identifier: AGPL-3.0-or-later
// source_rows.wgsl - a sweep's items are elements of a row in the input.

const SOURCE_ENTRIES = false;

alias Item = Element;

var<private> reads: u32;

// Item i of a part, or the one before `end` where i is not below it; 0 < end <= part.count.
fn item_at(part: Part, i: u32, end: u32) -> Item {
    if (COUNT_READS) {
        reads += select(0u, 1u, i < end);
    }
    return element_of(part, part.first + min(i, end - 1u));
}

fn item_key(item: Item) -> Key {
    return key_of(item);
}

fn item_index(part: Part, i: u32) -> u32 {
    return index_of_column(part.first + i);
}

fn item_within(item: Item, bound: Bound) -> bool {
    return element_within(item, bound);
}

fn report_reads() {
    if (COUNT_READS) {
        atomicAdd(&state[STATE_READS], reads);
    }
}
