// SPDX-License-Identifier: AGPL-3.0-or-later
// source_entries.wgsl - a sweep's items are entries that an earlier dispatch left in scratch.

const SOURCE_ENTRIES = true;

alias Item = Key;

// Item i of a part, or the one before `end` where i is not below it; 0 < end <= part.count.
fn item_at(part: Part, i: u32, end: u32) -> Item {
    return key_load(part.first + min(i, end - 1u));
}

fn item_key(item: Item) -> Key {
    return item;
}

fn item_index(part: Part, i: u32) -> u32 {
    return entry_index(part.first + i);
}

fn item_within(item: Item, bound: Bound) -> bool {
    return !key_before(bound.key, item);
}

// Entries are no elements of the input.
fn report_reads() {
}
