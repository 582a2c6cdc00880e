// SPDX-License-Identifier: AGPL-3.0-or-later
// heap.wgsl - so many threads share a heap of the first entries they have seen, its last one at the root. What is before the
// root goes to an inbox, and one thread takes it in: the places of heaps are in the front of the buffer, the inboxes behind.

const HEAPS = WG / LANES;
const INBOX = LANES * UNROLL;
const INBOXES = CAPACITY - HEAPS * INBOX;

var<workgroup> arrived: array<atomic<u32>, HEAPS>;
var<workgroup> root_keys: array<Key, HEAPS>;
var<workgroup> root_indices: array<u32, HEAPS>;

fn before(key: Key, index: u32, other_key: Key, other_index: u32) -> bool {
    return key_before(key, other_key) || (key_equal(key, other_key) && index < other_index);
}

// Puts an entry behind the `size` entries of a heap, then up: what stands above an entry is behind it.
fn heap_push(base: u32, size: u32, key: Key, index: u32) {
    var at = size;
    while (at > 0u) {
        let above = (at - 1u) / 2u;
        if (!before(buffer_keys[base + above], buffer_indices[base + above], key, index)) {
            break;
        }
        buffer_put(base + at, buffer_keys[base + above], buffer_indices[base + above]);
        at = above;
    }
    buffer_put(base + at, key, index);
}

// Puts an entry in the root's place, then down.
fn heap_replace(base: u32, size: u32, key: Key, index: u32) {
    var at = 0u;
    while (2u * at + 1u < size) {
        var below = base + 2u * at + 1u;
        if (2u * at + 2u < size && buffer_before(below, below + 1u)) {
            below++;
        }
        if (!before(key, index, buffer_keys[below], buffer_indices[below])) {
            break;
        }
        buffer_put(base + at, buffer_keys[below], buffer_indices[below]);
        at = below - base;
    }
    buffer_put(base + at, key, index);
}

// Takes in what has arrived; returns the heap's new size.
fn heap_take(heap: u32, room: u32, had: u32) -> u32 {
    let base = heap * room;
    let count = atomicLoad(&arrived[heap]);
    var size = had;
    for (var i = 0u; i < count; i++) {
        let offered = INBOXES + heap * INBOX + i;
        if (size < room) {
            heap_push(base, size, buffer_keys[offered], buffer_indices[offered]);
            size++;
        } else if (buffer_before(offered, base)) {
            heap_replace(base, size, buffer_keys[offered], buffer_indices[offered]);
        }
    }
    if (size == room) {
        root_keys[heap] = buffer_keys[base];
        root_indices[heap] = buffer_indices[base];
    }
    atomicStore(&arrived[heap], 0u);
    return size;
}

// Puts item i into the inbox of a heap where it is below `end` and before the root.
fn offer(part: Part, i: u32, end: u32, item: Item, heap: u32) {
    if (i < end) {
        let key = item_key(item);
        let index = item_index(part, i);
        if (before(key, index, root_keys[heap], root_indices[heap])) {
            buffer_put(INBOXES + heap * INBOX + atomicAdd(&arrived[heap], 1u), key, index);
        }
    }
}

// Sweeps over the items [begin, end), of which there is one; returns the size of the heap that a thread leads.
fn sweep(part: Part, begin: u32, end: u32, had: u32, thread: u32) -> u32 {
    let steps = (end - begin - 1u) / STEP + 1u;
    var size = had;
    for (var visit = 0u; visit < visits_of(steps); visit = next_visit(visit, steps)) {
        let at = begin + step_at(visit, steps) * STEP + thread;
        @each let item$ = item_at(part, at + $u * WG, end);
        @each offer(part, at + $u * WG, end, item$, thread / LANES);
        workgroupBarrier();
        if (thread % LANES == 0u) {
            size = heap_take(thread / LANES, part.kept, size);
        }
        workgroupBarrier();
    }
    return size;
}

fn serve(part: Part, thread: u32) {
    if (part.hi == part.lo || part.count == 0u) {
        output_filler(part, thread);
        return;
    }
    let leads = thread % LANES == 0u;
    if (leads) {
        atomicStore(&arrived[thread / LANES], 0u);
        root_keys[thread / LANES] = key_of_words(0xffffffffu, 0xffffffffu);
        root_indices[thread / LANES] = 0xffffffffu;
    }
    workgroupBarrier();
    var size = 0u;
    for (var begin = 0u; begin < part.count; begin += min(numbers.chunk, part.count - begin)) {
        size = sweep(part, begin, begin + min(numbers.chunk, part.count - begin), size, thread);
    }
    // What no heap filled comes behind every entry, since no column has its index.
    if (leads) {
        for (var place = size; place < part.kept; place++) {
            buffer_put(thread / LANES * part.kept + place, key_of_words(0xffffffffu, 0xffffffffu), 0xffffffffu);
        }
    }
    workgroupBarrier();
    let kept = min(part.kept, part.count);
    if (kept < HEAPS * part.kept) {
        let cut = buffer_bound(HEAPS * part.kept, kept, 0u, thread);
        buffer_pack(HEAPS * part.kept, cut.bound, thread);
    }
    sink(part, kept, false, thread);
}
