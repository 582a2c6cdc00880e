// SPDX-License-Identifier: AGPL-3.0-or-later
// queue_bitonic.wgsl - a lane keeps one entry that beats the bound; when one has a second, all of them are sorted and merged.

var<private> pending: Entry;

fn queue_begin() {
    queue_clear();
    pending = nothing();
}

fn queue_take(entry: Entry) {
    if (subgroupAny(entry_before(entry, bound) & (pending.index != 0xffffffffu))) {
        queue_end();
    }
    pending = entry_if(entry_before(entry, bound), entry, pending);
}

fn queue_end() {
    queue_merge(sorted_down(pending));
    pending = nothing();
}
