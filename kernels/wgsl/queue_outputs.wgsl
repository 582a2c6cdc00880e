// SPDX-License-Identifier: AGPL-3.0-or-later
// queue_outputs.wgsl - a row's queue goes to its outputs, sorted or by index.

var<private> ranked: array<Entry, QUEUE>;

// Sorts what is wanted by index.
fn queue_sort_by_index() {
    ranked = queue;
    queue_clear();
    for (var number = 0u; number < QUEUE; number++) {
        let index = select(0xffffffffu, ranked[number].index, number * LANES + lane < wanted);
        queue_merge(sorted_down(Entry(key_of_words(index, index), index)));
    }
}

fn queue_leave(part: Part) {
    if (flagged(FLAG_UNSORTED) && wanted > 0u) {
        queue_sort_by_index();
    }
    @queue if ($u * LANES + lane < wanted) { output_column(part, $u * LANES + lane, queue[$].index); }
    for (var place = wanted + lane; place < numbers.width; place += LANES) {
        output_nothing(part, place);
    }
}
