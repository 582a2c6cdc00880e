// SPDX-License-Identifier: AGPL-3.0-or-later
// queue_heap.wgsl - few entries find their places one by one; many are sorted and merged, which takes as long as this many.

const MOST_INSERTED = countOneBits(LANES - 1u) + 1u;

fn lanes_of(ballot: vec4<u32>) -> u32 {
    let counts = countOneBits(ballot);
    return counts.x + counts.y + counts.z + counts.w;
}

fn first_lane_of(ballot: vec4<u32>) -> u32 {
    if (LANES <= 32u || ballot.x != 0u) {
        return firstTrailingBit(ballot.x);
    }
    if (LANES <= 64u || ballot.y != 0u) {
        return 32u + firstTrailingBit(ballot.y);
    }
    return select(96u + firstTrailingBit(ballot.w), 64u + firstTrailingBit(ballot.z), ballot.z != 0u);
}

fn queue_begin() {
    queue_clear();
}

fn queue_take(offered: Entry) {
    var entry = offered;
    var beat = subgroupBallot(entry_before(entry, bound));
    if (lanes_of(beat) > MOST_INSERTED) {
        queue_merge(sorted_down(entry));
        return;
    }
    while (any(beat != vec4(0u))) {
        let first = first_lane_of(beat);
        queue_insert(entry_of_lane(entry, first));
        entry = entry_if(lane == first, nothing(), entry);
        beat = subgroupBallot(entry_before(entry, bound));
    }
}

fn queue_end() {
}
