// SPDX-License-Identifier: AGPL-3.0-or-later
// room_sort.wgsl - a workgroup sorts the entries in its row's room by stable passes over 8-bit digits, from the last one. They
// came in the order of indices, and equal keys stay in it.

const WORDS = (WG + 31u) / 32u;

var<workgroup> places: array<u32, 256>;
var<workgroup> marks: array<atomic<u32>, 256u * WORDS>;
var<workgroup> alike: u32;

// Counts a digit of the entries from `from` on; where each digit's entries begin goes to places. False: they are all alike.
fn digit_places(origin: u32, count: u32, digit: u32, thread: u32) -> bool {
    for (var bin = thread; bin < 256u; bin += WG) {
        atomicStore(&histogram[bin], 0u);
    }
    workgroupBarrier();
    for (var i = thread; i < count; i += WG) {
        atomicAdd(&histogram[key_digit(key_load(origin + i), digit)], 1u);
    }
    workgroupBarrier();
    for (var part = thread; part < 16u; part += WG) {
        var sum = 0u;
        for (var i = 0u; i < 16u; i++) {
            sum += atomicLoad(&histogram[part * 16u + i]);
        }
        sums[part] = sum;
    }
    if (thread == 0u) {
        alike = select(0u, 1u, atomicLoad(&histogram[key_digit(key_load(origin), digit)]) == count);
    }
    workgroupBarrier();
    for (var bin = thread; bin < 256u; bin += WG) {
        var before = 0u;
        for (var part = 0u; part < bin / 16u; part++) {
            before += sums[part];
        }
        for (var i = bin / 16u * 16u; i < bin; i++) {
            before += atomicLoad(&histogram[i]);
        }
        places[bin] = before;
    }
    return workgroupUniformLoad(&alike) == 0u;
}

// Moves the entries to where their digits belong, a workgroup's worth at a time: bits mark which threads have a digit, and those
// of lower threads come first.
fn digit_move(origin: u32, target_at: u32, count: u32, digit: u32, thread: u32) {
    for (var begin = 0u; begin < count; begin += WG) {
        let i = begin + thread;
        var key: Key;
        var here = 0u;
        if (i < count) {
            key = key_load(origin + i);
            here = key_digit(key, digit);
            atomicOr(&marks[here * WORDS + thread / 32u], 1u << (thread % 32u));
        }
        workgroupBarrier();
        var lower = 0u;
        var all = 0u;
        if (i < count) {
            for (var word = 0u; word < WORDS; word++) {
                let bits = atomicLoad(&marks[here * WORDS + word]);
                let below = select(select(0u, bits, word < thread / 32u), bits & ((1u << (thread % 32u)) - 1u), word == thread / 32u);
                lower += countOneBits(below);
                all += countOneBits(bits);
            }
            entry_store(target_at + places[here] + lower, key, entry_index(origin + i));
        }
        workgroupBarrier();
        if (i < count) {
            if (lower == 0u) {
                places[here] += all;
            }
            atomicStore(&marks[here * WORDS + thread / 32u], 0u);
        }
        workgroupBarrier();
    }
}

fn serve(part: Part, thread: u32) {
    let count = part.hi - part.lo;
    var origin = numbers.room_base + part.row * numbers.width;
    var target_at = origin + numbers.rows * numbers.width;
    for (var word = thread; word < 256u * WORDS; word += WG) {
        atomicStore(&marks[word], 0u);
    }
    for (var digit = BITS / 8u; digit > 0u; digit--) {
        if (count > 1u && digit_places(origin, count, digit - 1u, thread)) {
            digit_move(origin, target_at, count, digit - 1u, thread);
            storageBarrier();
            let other = origin;
            origin = target_at;
            target_at = other;
        }
    }
    for (var place = thread; place < count; place += WG) {
        output_column(part, place, entry_index(origin + place));
    }
    output_filler(part, thread);
}
