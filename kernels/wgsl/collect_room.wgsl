// SPDX-License-Identifier: AGPL-3.0-or-later
// collect_room.wgsl - what is collected goes to the row's room in scratch, to be sorted there.

const SINK_ENTRIES = false;

fn collect_put(part: Part, place: u32, item: Item, i: u32) {
    entry_store(numbers.room_base + part.row * numbers.width + place, item_key(item), item_index(part, i));
}

fn collected(part: Part, thread: u32) {
}

// What sorts the room writes it.
fn output_filler(part: Part, thread: u32) {
}
