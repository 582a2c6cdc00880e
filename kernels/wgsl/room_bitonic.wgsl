// SPDX-License-Identifier: AGPL-3.0-or-later
// room_bitonic.wgsl - a workgroup sorts a whole row in scratch by a bitonic network: blocks that fit the buffer there, longer
// distances in scratch.

const LOG_BLOCK = 31u - countLeadingZeros(CAPACITY);
const BLOCK = 1u << LOG_BLOCK;

fn room_order(low: u32, high: u32) {
    let low_key = key_load(low);
    let high_key = key_load(high);
    let low_index = entry_index(low);
    let high_index = entry_index(high);
    if (key_before(high_key, low_key) || (key_equal(high_key, low_key) && high_index < low_index)) {
        entry_store(low, high_key, high_index);
        entry_store(high, low_key, low_index);
    }
}

// Sorts every block in the buffer, or, where `bitonic` says they are, only merges them.
fn blocks_sort(room: u32, count: u32, bitonic: bool, thread: u32) {
    for (var begin = 0u; begin < count; begin += BLOCK) {
        let here = min(BLOCK, count - begin);
        for (var i = thread; i < here; i += WG) {
            buffer_put(i, key_load(room + begin + i), entry_index(room + begin + i));
        }
        workgroupBarrier();
        if (bitonic) {
            buffer_merge(0u, here, LOG_BLOCK, thread);
        } else {
            buffer_sort(0u, here, thread);
        }
        for (var i = thread; i < here; i += WG) {
            entry_store(room + begin + i, buffer_keys[i], buffer_indices[i]);
        }
        workgroupBarrier();
    }
    storageBarrier();
}

fn room_sort(room: u32, count: u32, thread: u32) {
    blocks_sort(room, count, false, thread);
    for (var log = LOG_BLOCK + 1u; (1u << (log - 1u)) < count; log++) {
        for (var level = log; level > LOG_BLOCK; level--) {
            let half = 1u << (level - 1u);
            let pairs = ((count + 2u * half - 1u) >> level) << (level - 1u);
            for (var pair = thread; pair < pairs; pair += WG) {
                let low = (pair & ~(half - 1u)) + pair;
                let high = select(low + half, (low | (2u * half - 1u)) - (low & (half - 1u)), level == log);
                if (high < count) {
                    room_order(room + low, room + high);
                }
            }
            storageBarrier();
        }
        blocks_sort(room, count, true, thread);
    }
}

fn serve(part: Part, thread: u32) {
    if (part.hi == part.lo) {
        output_filler(part, thread);
        return;
    }
    let room = numbers.room_base + part.row * numbers.full_cols;
    for (var begin = 0u; begin < part.count; begin += STEP) {
        let at = begin + thread;
        @each let item$ = item_at(part, at + $u * WG, part.count);
        @each if (at + $u * WG < part.count) { entry_store(room + at + $u * WG, item_key(item$), item_index(part, at + $u * WG)); }
    }
    storageBarrier();
    let count = part.hi - part.lo;
    let reversed = flagged(FLAG_REVERSED);
    let first = room + select(part.lo, part.length - part.hi, reversed);
    var begin = room;
    var sorted = part.count;
    let unsorted = flagged(FLAG_UNSORTED);
    for (var round = 0u; round < select(1u, 2u, unsorted); round++) {
        if (round == 1u) {
            // By index: the window's entries get one key, and are sorted once more.
            for (var i = thread; i < count; i += WG) {
                entry_store(first + i, key_of_words(0u, 0u), index_of_column(entry_index(first + i)));
            }
            begin = first;
            sorted = count;
            storageBarrier();
        }
        room_sort(begin, sorted, thread);
    }
    for (var place = thread; place < count; place += WG) {
        if (unsorted) {
            output_column(part, place, entry_index(first + place));
        } else {
            output_column(part, place, index_of_column(entry_index(select(first + place, first + count - 1u - place, reversed))));
        }
    }
    output_filler(part, thread);
}
