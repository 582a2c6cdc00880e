// SPDX-License-Identifier: AGPL-3.0-or-later
// visits.wgsl - in which order the steps of a sweep are visited.

// Steps of a sweep are visited by their numbers' bits in reverse: in a row that rises or falls, only every step that halves
// what is left then holds something new.
fn step_at(visit: u32, steps: u32) -> u32 {
    return (reverseBits(visit) >> 1u) >> (countLeadingZeros(steps - 1u) - 1u);
}

fn visits_of(steps: u32) -> u32 {
    return 1u << (32u - countLeadingZeros(steps - 1u));
}

// The visit behind this one that leads to a step; visits_of(steps) behind the last.
fn next_visit(visit: u32, steps: u32) -> u32 {
    var next = visit + 1u;
    while (next < visits_of(steps) && step_at(next, steps) >= steps) {
        next++;
    }
    return next;
}
