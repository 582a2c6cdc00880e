// SPDX-License-Identifier: AGPL-3.0-or-later
// queue_sweep.wgsl - subgroups sweep over parts of rows, each with a queue; those that share a part end by handing theirs on.

const SUBGROUPS = WG / LANES;
const TEAM = SUBGROUPS / PARTS; // subgroups that share a part
const TEAM_STEP = STEP / PARTS; // columns that these take at a time

const HANDED = max(WG / 2u, 1u);

var<workgroup> slots: atomic<u32>;
var<workgroup> handed_keys: array<Key, HANDED>;
var<workgroup> handed_indices: array<u32, HANDED>;

// Item i, where it is below `end`.
fn entry_of(part: Part, i: u32, end: u32, item: Item) -> Entry {
    return entry_if(i < end, Entry(item_key(item), item_index(part, min(i, end - 1u))), nothing());
}

// The items [begin, end), of which there is one.
fn sweep(part: Part, begin: u32, end: u32, member: u32) {
    let steps = (end - begin - 1u) / TEAM_STEP + 1u;
    for (var visit = 0u; visit < visits_of(steps); visit = next_visit(visit, steps)) {
        let at = begin + step_at(visit, steps) * TEAM_STEP + member * LANES * UNROLL + lane;
        @each let item$ = item_at(part, at + $u * LANES, end);
        @each var entry$ = entry_of(part, at + $u * LANES, end, item$);
        // A lane's earliest entries come first: where no lane's beats the bound, no other does.
        loop {
            var first = entry0;
            @each first = earlier(first, entry$);
            if (!subgroupAny(entry_before(first, bound))) {
                break;
            }
            queue_take(first);
            @each entry$ = entry_if(entry$.index == first.index, nothing(), entry$);
        }
    }
    queue_end();
}

// What the lane LANES - 1 - lane of another subgroup has, to one that takes.
fn handed(entry: Entry, gives: bool, takes: bool, place: u32) -> Entry {
    if (gives) {
        handed_keys[place + lane] = entry.key;
        handed_indices[place + lane] = entry.index;
    }
    workgroupBarrier();
    var other = nothing();
    if (takes) {
        other = Entry(handed_keys[place + LANES - 1u - lane], handed_indices[place + LANES - 1u - lane]);
    }
    workgroupBarrier();
    return other;
}

// The first members of a team take in the queues of the last ones, until one is left: the earlier of a rank in one queue and
// of its mirror in the other, for each rank, are the first of both, and rise, then fall.
fn hand_on(slot: u32) {
    let member = slot % TEAM;
    for (var left = TEAM; left > 1u; left = (left + 1u) / 2u) {
        let takers = (left + 1u) / 2u;
        let gives = member >= takers && member < left;
        let takes = member < left - takers;
        let place = (slot / TEAM * (TEAM / 2u) + member - select(0u, takers, gives)) * LANES;
        @queue let other$ = handed(queue[QUEUE - 1u - $u], gives, takes, place);
        @queue queue[$] = earlier(queue[$], other$);
        queue_sort();
    }
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32,
        @builtin(subgroup_size) lanes: u32, @builtin(subgroup_invocation_id) own_lane: u32) {
    let parts = numbers.rows * numbers.pieces;
    let first = group_number(group) * PARTS;
    if (first >= parts) {
        return;
    }
    if (lanes != LANES) {
        if (thread == 0u) {
            atomicOr(&state[STATE_FLAGS], FLAG_OTHER_LANES);
        }
        return;
    }
    lane = own_lane;
    if (thread == 0u) {
        atomicStore(&slots, 0u);
    }
    workgroupBarrier();
    var slot = 0u;
    if (lane == 0u) {
        slot = atomicAdd(&slots, 1u);
    }
    slot = subgroupBroadcastFirst(slot);
    let there = first + slot / TEAM < parts;
    let part = part_numbered(select(first, first + slot / TEAM, there));
    wanted = min(part.hi, part.count);
    queue_begin();
    if (there && wanted > 0u) {
        for (var begin = 0u; begin < part.count; begin += min(numbers.chunk, part.count - begin)) {
            sweep(part, begin, begin + min(numbers.chunk, part.count - begin), slot % TEAM);
        }
        report_reads();
    }
    hand_on(slot);
    if (there && slot % TEAM == 0u) {
        queue_leave(part);
    }
    report_loops();
}
