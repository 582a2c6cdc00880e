// SPDX-License-Identifier: AGPL-3.0-or-later
// numbers.wgsl - what a dispatch is told, and what it is bound to: the twin of src/backends/wgpu/wgpu_program.h.

struct Numbers {
    rows: u32,
    first_row: u32,
    groups_x: u32,
    pieces: u32,
    first_piece: u32,
    all_pieces: u32,
    piece_cols: u32,
    first_col: u32,
    cols: u32,
    full_cols: u32,
    chunk: u32,
    lengths_base: u32,
    kind: u32,
    k: u32,
    lo: u32,
    hi: u32,
    width: u32,
    kept: u32,
    flags: u32,
    digit: u32,
    input_base: u32,
    row_stride: i32,
    col_stride: i32,
    values_base: u32,
    values_stride: u32,
    indices_base: u32,
    indices_stride: u32,
    source_base: u32,
    sink_base: u32,
    plane: u32,
    room_base: u32,
    picks_base: u32,
    mask: vec2<u32>,
    negative_fill: vec2<u32>,
    flip: vec2<u32>,
    infinity: vec2<u32>,
    negative_zero: vec2<u32>,
    nan_key: vec2<u32>,
    extra: array<vec4<u32>, 8>,
}

const FLAG_LIST = 1u;
const FLAG_LENGTHS = 2u;
const FLAG_UNSORTED = 4u;
const FLAG_VALUES = 8u;
const FLAG_INDICES = 16u;
const FLAG_WIDE_INDICES = 32u;
const FLAG_REVERSED = 64u;
const FLAG_DEFERRED = 128u;

const KIND_MIDK = 2u;
const KIND_WINDOW = 4u;

const STATE_FLAGS = 0u; // and its bits:
const FLAG_OTHER_LANES = 1u;
const FLAG_CUT_LOOP = 2u;
const STATE_NAN_ROW = 1u;
const STATE_NAN_COLUMN = 2u;
const STATE_READS = 3u;

@group(0) @binding(0) var<storage, read> input: array<u32>;
@group(0) @binding(1) var<uniform> numbers: Numbers;
@group(0) @binding(2) var<storage, read> lists: array<u32>;
@group(0) @binding(3) var<storage, read_write> values: array<atomic<u32>>;
@group(0) @binding(4) var<storage, read_write> indices: array<u32>;
@group(0) @binding(5) var<storage, read_write> scratch: array<u32>;
@group(0) @binding(6) var<storage, read_write> state: array<atomic<u32>>;

fn flagged(flag: u32) -> bool {
    return (numbers.flags & flag) != 0u;
}

// Some drivers end an invocation's loops after one turn each once it has made so many turns, and say nothing: one that must make
// two tells.
fn report_loops() {
    var turns = 0u;
    while (turns < (numbers.mask.x & 2u)) {
        turns++;
    }
    if (turns != 2u) {
        atomicOr(&state[STATE_FLAGS], FLAG_CUT_LOOP);
    }
}
