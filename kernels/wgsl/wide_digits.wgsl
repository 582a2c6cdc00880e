// SPDX-License-Identifier: AGPL-3.0-or-later
// wide_digits.wgsl - a piece's histograms of one digit.

fn serve(part: Part, thread: u32) {
    digits_count(part, numbers.digit, edges_load(part, numbers.digit), thread);
    for (var bin = thread; bin < 512u; bin += WG) {
        scratch[histograms_at(part, part.piece) + bin] = atomicLoad(&histogram[bin]);
    }
}
