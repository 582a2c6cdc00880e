// SPDX-License-Identifier: AGPL-3.0-or-later
// collect_outputs.wgsl - what is collected is in the order of indices: the outputs, where they are not to be sorted.

const SINK_ENTRIES = false;

fn collect_put(part: Part, place: u32, item: Item, i: u32) {
    output_column(part, place, item_index(part, i));
}

fn collected(part: Part, thread: u32) {
    if (part.piece == 0u) {
        output_filler(part, thread);
    }
}
