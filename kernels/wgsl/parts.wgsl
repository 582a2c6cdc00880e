// SPDX-License-Identifier: AGPL-3.0-or-later
// parts.wgsl - which part of which row a workgroup serves, and which ranks are asked of that row.

// Everything here is the same for all threads that serve a part.
struct Part {
    row: u32,        // of this dispatch
    output_row: u32,
    input_row: u32,
    piece: u32,      // of the row
    length: u32,     // columns of the row
    base: u32,       // the input's element at column 0; counted modulo 2^32, since a slice may begin behind it
    first: u32,      // the first column here, or the first entry in scratch
    count: u32,      // columns, or entries, here
    lo: u32,         // ranks [lo, hi) are asked of the row,
    hi: u32,
    kept: u32,       // which are among so many from the end that the order begins with
}

// Ranks [x, y) of a row, as st_window_of has them.
fn window_of(length: u32) -> vec2<u32> {
    let k = min(numbers.k, length);
    if (numbers.kind == KIND_MIDK) {
        let lo = (length - k) / 2u;
        return vec2(lo, lo + k);
    }
    if (numbers.kind == KIND_WINDOW) {
        return vec2(min(numbers.lo, length), min(numbers.hi, length));
    }
    return vec2(0u, k);
}

fn group_number(group: vec3<u32>) -> u32 {
    return group.x + group.y * numbers.groups_x;
}

fn group_is_idle(group: vec3<u32>) -> bool {
    return group_number(group) >= numbers.rows * numbers.pieces;
}

// The entries that pieces of a row leave in scratch stand without gaps, since all pieces but the last have `kept` columns.
fn part_numbered(number: u32) -> Part {
    var part: Part;
    part.row = number / numbers.pieces;
    part.piece = numbers.first_piece + number % numbers.pieces;
    part.output_row = numbers.first_row + part.row;
    part.input_row = part.output_row;
    if (flagged(FLAG_LIST)) {
        part.input_row = lists[part.output_row];
    }
    part.length = numbers.full_cols;
    if (flagged(FLAG_LENGTHS)) {
        part.length = min(lists[numbers.lengths_base + part.input_row], numbers.full_cols);
    }
    let window = window_of(part.length);
    part.lo = window.x;
    part.hi = window.y;
    part.kept = select(part.hi, part.length - part.lo, flagged(FLAG_REVERSED));
    part.base = numbers.input_base + part.input_row * u32(numbers.row_stride);
    if (SOURCE_ENTRIES) {
        let full = part.length / numbers.piece_cols;
        part.first = numbers.source_base + part.row * numbers.all_pieces * numbers.kept;
        part.count = full * part.kept + min(part.kept, part.length - full * numbers.piece_cols);
    } else {
        part.first = part.piece * numbers.piece_cols;
        part.count = min(numbers.piece_cols, part.length - min(part.length, part.first));
    }
    return part;
}

fn part_of(group: vec3<u32>) -> Part {
    return part_numbered(group_number(group));
}

// An index complements with its key where the order runs from the far end.
fn index_of_column(column: u32) -> u32 {
    return select(column, ~column, flagged(FLAG_REVERSED));
}

fn element_of(part: Part, column: u32) -> Element {
    return element_at(part.base + column * u32(numbers.col_stride));
}

// Entries in scratch: planes of words, first those of the keys, then the indices.
fn entry_index(at: u32) -> u32 {
    return scratch[at + KEY_WORDS * numbers.plane];
}

fn entry_store(at: u32, key: Key, index: u32) {
    key_store(at, key);
    scratch[at + KEY_WORDS * numbers.plane] = index;
}
