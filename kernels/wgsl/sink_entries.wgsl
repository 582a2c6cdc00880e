// SPDX-License-Identifier: AGPL-3.0-or-later
// sink_entries.wgsl - the entries that a piece of a row keeps go to scratch.

const SINK_ENTRIES = true;

// The buffer begins with what the piece keeps, min(part.kept, part.count) entries.
fn sink(part: Part, held: u32, sorted: bool, thread: u32) {
    let base = numbers.sink_base + part.row * numbers.all_pieces * numbers.kept + part.piece * part.kept;
    workgroupBarrier();
    for (var slot = thread; slot < min(part.kept, part.count); slot += WG) {
        entry_store(base + slot, buffer_keys[slot], buffer_indices[slot]);
    }
}

// A piece has no filler.
fn output_filler(part: Part, thread: u32) {
}
