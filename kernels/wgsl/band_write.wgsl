// SPDX-License-Identifier: AGPL-3.0-or-later
// band_write.wgsl - a piece reads its columns again, and writes those in the band from where it starts.

var<workgroup> begin_place: u32; // all ones: nothing is to be written

fn band_put(part: Part, place: u32, item: Item, column: u32) {
    band_output(place, item, column);
}

fn serve(part: Part, thread: u32) {
    if (thread == 0u) {
        begin_place = select(0xffffffffu, scratch[band_piece(part)], band_fits());
    }
    let first = workgroupUniformLoad(&begin_place);
    if (first != 0xffffffffu) {
        let end = band_sweep(part, first, thread);
        }
}
