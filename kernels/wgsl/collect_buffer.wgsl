// SPDX-License-Identifier: AGPL-3.0-or-later
// collect_buffer.wgsl - what is collected goes to the buffer, from there to the outputs.

fn collect_put(part: Part, place: u32, item: Item, i: u32) {
    buffer_put(place, item_key(item), item_index(part, i));
}

fn collected(part: Part, thread: u32) {
    // The buffer holds the window alone.
    var window = part;
    window.lo = 0u;
    window.hi = part.hi - part.lo;
    sink(window, window.hi, false, thread);
}
