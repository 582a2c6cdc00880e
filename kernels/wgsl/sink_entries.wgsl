// SPDX-License-Identifier: AGPL-3.0-or-later
// sink_entries.wgsl - the entries that a piece of a row keeps go to scratch.

// The buffer holds the piece's first entries, min(part.kept, part.count), in no order.
fn sink(part: Part, thread: u32) {
    let base = numbers.sink_base + part.row * numbers.all_pieces * numbers.kept + part.piece * part.kept;
    workgroupBarrier();
    for (var slot = thread; slot < min(part.kept, part.count); slot += WG) {
        key_store(base + slot, buffer_keys[slot]);
        scratch[base + slot + KEY_WORDS * numbers.plane] = buffer_indices[slot];
    }
}

// A piece has no filler.
fn output_filler(part: Part, thread: u32) {
}
