// SPDX-License-Identifier: AGPL-3.0-or-later
// sink_outputs.wgsl - the window of a row goes from the buffer to the outputs, sorted or by index.

const SINK_ENTRIES = false;

// The buffer holds the `held` first entries of the row, the window's among them; `sorted` says in which order.
fn sink(part: Part, held: u32, sorted: bool, thread: u32) {
    let count = part.hi - part.lo;
    let reversed = flagged(FLAG_REVERSED);
    let unsorted = flagged(FLAG_UNSORTED);
    // In the reversed order rank r stands at slot length - 1 - r.
    let first = select(part.lo, part.length - part.hi, reversed);
    // By index: the window's entries get one key, others a later one, and a sort, perhaps the second, puts these last.
    let rounds = select(1u, 2u, unsorted);
    for (var round = select(0u, 1u, sorted || (unsorted && count == held)); round < rounds; round++) {
        workgroupBarrier();
        if (round == 1u) {
            for (var slot = thread; slot < held; slot += WG) {
                let inside = slot >= first && slot < first + count;
                buffer_put(slot, key_of_words(select(1u, 0u, inside), 0u), index_of_column(buffer_indices[slot]));
            }
        }
        buffer_sort(0u, held, thread);
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
