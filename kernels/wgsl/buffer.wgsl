// SPDX-License-Identifier: AGPL-3.0-or-later
// buffer.wgsl - candidates in workgroup memory, and cutting them back to the best.

var<workgroup> buffer_keys: array<Key, CAPACITY>;
var<workgroup> buffer_indices: array<u32, CAPACITY>;
var<workgroup> buffer_count: atomic<u32>; // may exceed CAPACITY, where candidates found no place

// Keys and the index, one after the other: the words by which entries order.
fn buffer_word(slot: u32, word: u32) -> u32 {
    if (word < KEY_WORDS) {
        return key_word(buffer_keys[slot], word);
    }
    return buffer_indices[slot];
}

fn buffer_before(a: u32, b: u32) -> bool {
    let first = buffer_keys[a];
    let second = buffer_keys[b];
    return key_before(first, second) || (key_equal(first, second) && buffer_indices[a] < buffer_indices[b]);
}

fn buffer_within(slot: u32, bound: Bound) -> bool {
    let key = buffer_keys[slot];
    return key_before(key, bound.key) || (key_equal(key, bound.key) && buffer_indices[slot] <= bound.index);
}

fn buffer_put(slot: u32, key: Key, index: u32) {
    buffer_keys[slot] = key;
    buffer_indices[slot] = index;
}

// Puts an entry behind the others; false: there is no room.
fn buffer_append(key: Key, index: u32) -> bool {
    let slot = atomicAdd(&buffer_count, 1u);
    if (slot >= CAPACITY) {
        return false;
    }
    buffer_put(slot, key, index);
    return true;
}

const REDUCERS = min(WG, 128u);

// The least and the greatest word number `word` among the first `count` entries that agree with a key before it.
fn buffer_range(count: u32, prefix: Key, word: u32, thread: u32) -> vec2<u32> {
    if (thread < REDUCERS) {
        var least = 0xffffffffu;
        var greatest = 0u;
        for (var slot = thread; slot < count; slot += REDUCERS) {
            if (key_agrees(buffer_keys[slot], prefix, word)) {
                least = min(least, buffer_word(slot, word));
                greatest = max(greatest, buffer_word(slot, word));
            }
        }
        atomicStore(&histogram[thread], least);
        atomicStore(&histogram[128u + thread], greatest);
    }
    workgroupBarrier();
    for (var part = thread; part < 16u; part += WG) {
        var least = 0xffffffffu;
        var greatest = 0u;
        for (var i = part; i < REDUCERS; i += 16u) {
            least = min(least, atomicLoad(&histogram[i]));
            greatest = max(greatest, atomicLoad(&histogram[128u + i]));
        }
        sums[part] = least;
        sums[16u + part] = greatest;
    }
    workgroupBarrier();
    if (thread == 0u) {
        var least = 0xffffffffu;
        var greatest = 0u;
        for (var part = 0u; part < 16u; part++) {
            least = min(least, sums[part]);
            greatest = max(greatest, sums[16u + part]);
        }
        found = vec3(least, greatest, 0u);
    }
    return workgroupUniformLoad(&found).xy;
}

// How often each of the 256 parts of [low, high], 2^shift words wide, occurs among word number `word` of the first `count`
// entries that agree with a key before it.
fn buffer_histogram(count: u32, prefix: Key, word: u32, low: u32, high: u32, shift: u32, thread: u32) {
    for (var bin = thread; bin < 256u; bin += WG) {
        atomicStore(&histogram[bin], 0u);
    }
    workgroupBarrier();
    for (var slot = thread; slot < count; slot += WG) {
        let here = buffer_word(slot, word);
        if (here >= low && here <= high && key_agrees(buffer_keys[slot], prefix, word)) {
            atomicAdd(&histogram[(here - low) >> shift], 1u);
        }
    }
    workgroupBarrier();
}

struct Cut {
    bound: Bound,
    held: u32, // entries within it
}

// A bound that `want` of the first `count` entries are within, or up to `slack` more. 0 < want < count, the same in all
// threads. It narrows word by word, 256 parts of the range that is left at a time: entries are distinct, so it ends.
fn buffer_bound(count: u32, want: u32, slack: u32, thread: u32) -> Cut {
    var words = vec3(0xffffffffu);
    var word = 0u;
    var before = 0u;
    var held = 0u;
    var range = vec2(0u);
    var fresh = true;
    loop {
        let prefix = key_of_words(words.x, words.y);
        if (fresh) {
            range = buffer_range(count, prefix, word, thread);
        }
        let shift = 24u - min(countLeadingZeros(range.y - range.x), 24u);
        buffer_histogram(count, prefix, word, range.x, range.y, shift, thread);
        let bin = histogram_find(0u, want - before, thread);
        before += bin.y;
        held = before + bin.z;
        range.x += bin.x << shift;
        range.y = range.x + min(range.y - range.x, (1u << shift) - 1u);
        words = select(words, vec3(range.y), vec3(0u, 1u, 2u) == vec3(word));
        if (held <= want + slack) {
            break;
        }
        fresh = shift == 0u;
        word += select(0u, 1u, fresh);
    }
    return Cut(bound_of(key_of_words(words.x, words.y), select(words.y, words.z, KEY_WORDS == 2u)), held);
}

// Moves the entries within a bound to the front, in no order. A strip is read before any of it is written, and what is kept
// never stands behind the place that it is read from.
fn buffer_pack(count: u32, bound: Bound, thread: u32) {
    workgroupBarrier();
    if (thread == 0u) {
        atomicStore(&buffer_count, 0u);
    }
    for (var strip = 0u; strip < count; strip += 4u * WG) {
        let slot = strip + thread;
        @each 4 let key$ = buffer_keys[min(slot + $u * WG, CAPACITY - 1u)];
        @each 4 let index$ = buffer_indices[min(slot + $u * WG, CAPACITY - 1u)];
        @each 4 let stays$ = slot + $u * WG < count && buffer_within(min(slot + $u * WG, CAPACITY - 1u), bound);
        workgroupBarrier();
        @each 4 if (stays$) { let unused$ = buffer_append(key$, index$); }
        workgroupBarrier();
    }
}
