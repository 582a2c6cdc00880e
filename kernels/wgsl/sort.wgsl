// SPDX-License-Identifier: AGPL-3.0-or-later
// sort.wgsl - a bitonic sort of the candidates in workgroup memory.

fn buffer_order(low: u32, high: u32) {
    if (buffer_before(high, low)) {
        let key = buffer_keys[low];
        let index = buffer_indices[low];
        buffer_keys[low] = buffer_keys[high];
        buffer_indices[low] = buffer_indices[high];
        buffer_keys[high] = key;
        buffer_indices[high] = index;
    }
}

// Half-cleaners of blocks of 2^top slots and less: in `count` slots from `first` on, bitonic blocks of 2^top become sorted ones.
fn buffer_merge(first: u32, count: u32, top: u32, thread: u32) {
    for (var log = top; log > 0u; log--) {
        let half = 1u << (log - 1u);
        let pairs = ((count + 2u * half - 1u) >> log) << (log - 1u);
        for (var pair = thread; pair < pairs; pair += WG) {
            let low = (pair & ~(half - 1u)) + pair;
            if (low + half < count) {
                buffer_order(first + low, first + low + half);
            }
        }
        workgroupBarrier();
    }
}

// Sorts `count` entries from slot `first` on in runs of 2^top, the same in all threads. Every comparison moves the later entry
// up, and a block's first step pairs slots that mirror each other, so slots behind the end, as if they held what comes last,
// never take part.
fn buffer_sort_runs(first: u32, count: u32, top: u32, thread: u32) {
    workgroupBarrier();
    for (var log = 1u; log <= top && (1u << (log - 1u)) < count; log++) {
        let half = 1u << (log - 1u);
        let pairs = ((count + 2u * half - 1u) >> log) << (log - 1u);
        for (var pair = thread; pair < pairs; pair += WG) {
            let low = (pair & ~(half - 1u)) + pair;
            let high = (low | (2u * half - 1u)) - (low & (half - 1u));
            if (high < count) {
                buffer_order(first + low, first + high);
            }
        }
        workgroupBarrier();
        buffer_merge(first, count, log - 1u, thread);
    }
}

fn buffer_sort(first: u32, count: u32, thread: u32) {
    buffer_sort_runs(first, count, 32u, thread);
}
