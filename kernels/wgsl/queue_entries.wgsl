// SPDX-License-Identifier: AGPL-3.0-or-later
// queue_entries.wgsl - the queue of a piece of a row goes to scratch.

fn queue_leave(part: Part) {
    let base = numbers.sink_base + part.row * numbers.all_pieces * numbers.kept + part.piece * part.kept;
    @queue if ($u * LANES + lane < wanted) { entry_store(base + $u * LANES + lane, queue[$].key, queue[$].index); }
}
