// SPDX-License-Identifier: AGPL-3.0-or-later
// collect_entries.wgsl - what is collected of a piece goes to scratch, for a merge.

const SINK_ENTRIES = true;

fn collect_put(part: Part, place: u32, item: Item, i: u32) {
    let base = numbers.sink_base + part.row * numbers.all_pieces * numbers.kept + part.piece * part.kept;
    entry_store(base + place, item_key(item), item_index(part, i));
}

fn collected(part: Part, thread: u32) {
}

// A piece has no filler.
fn output_filler(part: Part, thread: u32) {
}
