// SPDX-License-Identifier: AGPL-3.0-or-later
// wide.wgsl - radix selection of a row by many workgroups: what they tell each other from one dispatch to the next.

// In scratch, for each row its edges, for each piece what it has of each class, and its histograms of one digit.
const EDGE_WORDS = 6u;

fn edges_at(part: Part) -> u32 {
    return numbers.sink_base + part.row * EDGE_WORDS;
}

fn tally_at(part: Part, piece: u32) -> u32 {
    return numbers.sink_base + numbers.rows * EDGE_WORDS + (part.row * numbers.all_pieces + piece) * 3u;
}

fn histograms_at(part: Part, piece: u32) -> u32 {
    return numbers.sink_base + numbers.rows * (EDGE_WORDS + numbers.all_pieces * 3u) + (part.row * numbers.all_pieces + piece) * 512u;
}

// The edges after so many digits.
fn edges_load(part: Part, digits: u32) -> Edges {
    var edges: Edges;
    if (digits > 0u) {
        let at = edges_at(part);
        edges.low = Edge(key_of_words(scratch[at], scratch[at + 1u]), scratch[at + 2u]);
        edges.high = Edge(key_of_words(scratch[at + 3u], scratch[at + 4u]), scratch[at + 5u]);
    }
    return edges;
}

fn edges_store(part: Part, edges: Edges) {
    let at = edges_at(part);
    scratch[at] = key_word(edges.low.key, 0u);
    scratch[at + 1u] = key_word(edges.low.key, 1u);
    scratch[at + 2u] = edges.low.before;
    scratch[at + 3u] = key_word(edges.high.key, 0u);
    scratch[at + 4u] = key_word(edges.high.key, 1u);
    scratch[at + 5u] = edges.high.before;
}
