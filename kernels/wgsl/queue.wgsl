// SPDX-License-Identifier: AGPL-3.0-or-later
// queue.wgsl - the first entries of a part of a row, sorted, in the registers of a subgroup: rank r stands in register r / LANES
// of lane r % LANES. Registers are named by constants alone, or they would be no registers.

struct Entry {
    key: Key,
    index: u32,
}

var<private> lane: u32;
var<private> queue: array<Entry, QUEUE>;
var<private> bound: Entry; // of the last rank that is wanted
var<private> wanted: u32;  // so many ranks

// Stands behind every entry: no column has its index.
fn nothing() -> Entry {
    return Entry(key_of_words(0xffffffffu, 0xffffffffu), 0xffffffffu);
}

fn entry_before(a: Entry, b: Entry) -> bool {
    return key_before(a.key, b.key) | (key_equal(a.key, b.key) & (a.index < b.index));
}

fn entry_if(condition: bool, yes: Entry, no: Entry) -> Entry {
    return Entry(select(no.key, yes.key, condition), select(no.index, yes.index, condition));
}

fn earlier(a: Entry, b: Entry) -> Entry {
    return entry_if(entry_before(b, a), b, a);
}

fn later(a: Entry, b: Entry) -> Entry {
    return entry_if(entry_before(b, a), a, b);
}

fn entry_of_lane(entry: Entry, from_lane: u32) -> Entry {
    return Entry(subgroupShuffle(entry.key, from_lane), subgroupShuffle(entry.index, from_lane));
}

fn entry_of_lane_below(entry: Entry) -> Entry {
    return Entry(subgroupShuffleUp(entry.key, 1u), subgroupShuffleUp(entry.index, 1u));
}

// The earlier of two lanes' entries where `first` says so, else the later.
fn meet(entry: Entry, distance: u32, first: bool) -> Entry {
    let other = Entry(subgroupShuffleXor(entry.key, distance), subgroupShuffleXor(entry.index, distance));
    return entry_if(entry_before(other, entry) == first, other, entry);
}

// The lanes' entries, the last one first.
fn sorted_down(entry: Entry) -> Entry {
    var sorted = entry;
    for (var size = 2u; size <= LANES; size *= 2u) {
        for (var distance = size / 2u; distance > 0u; distance /= 2u) {
            sorted = meet(sorted, distance, ((lane & distance) == 0u) != ((lane & size) == 0u));
        }
    }
    return sorted;
}

// A bitonic sorter wants a power of two of registers. Those that are missing are the first ones, as if they held what comes
// before everything: no pair with them would ever change.
const PADDED = 1u << (32u - countLeadingZeros(QUEUE - 1u));
const PADDING = PADDED - QUEUE;

fn register_paired(number: u32, distance: u32, entry: Entry, up: Entry, down: Entry) -> Entry {
    if (((number + PADDING) & distance) != 0u) {
        return entry_if(number >= distance, later(down, entry), entry);
    }
    return earlier(entry, up);
}

// Sorts a queue whose entries rise, then fall.
fn queue_sort() {
    if (PADDED > 16u) {
        @queue let pair$ = register_paired($u, 16u, queue[$], queue[min($u + 16u, QUEUE - 1u)], queue[max($u, 16u) - 16u]);
        @queue queue[$] = pair$;
    }
    if (PADDED > 8u) {
        @queue let pair$ = register_paired($u, 8u, queue[$], queue[min($u + 8u, QUEUE - 1u)], queue[max($u, 8u) - 8u]);
        @queue queue[$] = pair$;
    }
    if (PADDED > 4u) {
        @queue let pair$ = register_paired($u, 4u, queue[$], queue[min($u + 4u, QUEUE - 1u)], queue[max($u, 4u) - 4u]);
        @queue queue[$] = pair$;
    }
    if (PADDED > 2u) {
        @queue let pair$ = register_paired($u, 2u, queue[$], queue[min($u + 2u, QUEUE - 1u)], queue[max($u, 2u) - 2u]);
        @queue queue[$] = pair$;
    }
    if (PADDED > 1u) {
        @queue let pair$ = register_paired($u, 1u, queue[$], queue[min($u + 1u, QUEUE - 1u)], queue[max($u, 1u) - 1u]);
        @queue queue[$] = pair$;
    }
    for (var distance = LANES / 2u; distance > 0u; distance /= 2u) {
        @queue queue[$] = meet(queue[$], distance, (lane & distance) == 0u);
    }
}

fn queue_clear() {
    @queue queue[$] = nothing();
    bound = nothing();
}

fn queue_bound() {
    @queue if ((wanted - 1u) / LANES == $u) { bound = entry_of_lane(queue[$], (wanted - 1u) % LANES); }
}

// Takes in an entry of each lane, the last one first.
fn queue_merge(entry: Entry) {
    queue[QUEUE - 1u] = earlier(queue[QUEUE - 1u], entry);
    queue_sort();
    queue_bound();
}

// Takes in one entry, the same in all lanes: what comes behind it moves up by a rank.
fn queue_insert(entry: Entry) {
    @queue let left$ = entry_if($u == 0u, entry, entry_of_lane(queue[max($u, 1u) - 1u], LANES - 1u));
    @queue let below$ = entry_if(lane == 0u, left$, entry_of_lane_below(queue[$]));
    @queue queue[$] = entry_if(entry_before(queue[$], entry), queue[$], later(below$, entry));
    queue_bound();
}
