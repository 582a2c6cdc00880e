// SPDX-License-Identifier: AGPL-3.0-or-later
// histogram.wgsl - two histograms of 256 bins in workgroup memory, and finding a rank in one.

var<workgroup> histogram: array<atomic<u32>, 512>;
var<workgroup> sums: array<u32, 32>;
var<workgroup> found: vec3<u32>;

// In the histogram of the 256 bins from `first` on, the bin with the want-th count (from 1): x the bin, y what stands before it,
// z what it holds.
fn histogram_find(first: u32, want: u32, thread: u32) -> vec3<u32> {
    for (var part = thread; part < 16u; part += WG) {
        var sum = 0u;
        for (var i = 0u; i < 16u; i++) {
            sum += atomicLoad(&histogram[first + part * 16u + i]);
        }
        sums[part] = sum;
    }
    workgroupBarrier();
    for (var bin = thread; bin < 256u; bin += WG) {
        let here = atomicLoad(&histogram[first + bin]);
        if (here != 0u) {
            var before = 0u;
            for (var part = 0u; part < bin / 16u; part++) {
                before += sums[part];
            }
            for (var i = bin / 16u * 16u; i < bin; i++) {
                before += atomicLoad(&histogram[first + i]);
            }
            if (before < want && want - before <= here) {
                found = vec3(bin, before, here);
            }
        }
    }
    return workgroupUniformLoad(&found);
}
