// SPDX-License-Identifier: AGPL-3.0-or-later
// band_scan.wgsl - one workgroup turns what each piece found into where it starts, and writes where rows start. To this kernel,
// all rows are one whose columns they are.

const TAKEN = 8u; // pieces that a thread adds up at a time

var<workgroup> sums: array<u32, WG>;

@compute @workgroup_size(WG)
fn main(@builtin(local_invocation_index) thread: u32) {
    let count = numbers.cols * numbers.all_pieces;
    var start = 0u;
    for (var begin = 0u; begin < count; begin += WG * TAKEN) {
        let at = begin + thread * TAKEN;
        var sum = 0u;
        for (var i = at; i < min(at + TAKEN, count); i++) {
            sum += scratch[numbers.sink_base + i];
        }
        sums[thread] = sum;
        workgroupBarrier();
        for (var distance = 1u; distance < WG; distance *= 2u) {
            let before = select(0u, sums[max(thread, distance) - distance], thread >= distance);
            workgroupBarrier();
            sums[thread] += before;
            workgroupBarrier();
        }
        var place = start + sums[thread] - sum;
        for (var i = at; i < min(at + TAKEN, count); i++) {
            let found = scratch[numbers.sink_base + i];
            scratch[numbers.sink_base + i] = place;
            if (i % numbers.all_pieces == 0u) {
                scratch[i / numbers.all_pieces] = place;
            }
            place += found;
        }
        start += sums[WG - 1u];
        workgroupBarrier();
    }
    if (thread == 0u) {
        scratch[numbers.cols] = start;
    }
    report_loops();
}
