/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* idx_images.c - reading the gzipped IDX files that image data sets such as Fashion-MNIST come in. */
#include "idx_images.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

/* More images, or pixels in one, than any set of this kind has: a header beyond it is no such file. */
#define MOST_IMAGES 10000000u
#define MOST_SIDE 4096u

static int complain(const char *path, const char *what) {
    fprintf(stderr, "%s: %s\n", path, what);
    return 0;
}

/* The header: two zero bytes, the type (8: bytes), the number of axes, then each axis as a big-endian 32-bit number. */
static int read_header(gzFile file, const char *path, unsigned axes, uint32_t *sizes) {
    unsigned char head[4], size[4];
    if (gzread(file, head, sizeof head) != (int)sizeof head) return complain(path, "ends in its header");
    if (head[0] != 0 || head[1] != 0 || head[2] != 8 || head[3] != axes)
        return complain(path, "is no IDX file of bytes");
    for (unsigned axis = 0; axis < axes; axis++) {
        if (gzread(file, size, sizeof size) != (int)sizeof size) return complain(path, "ends in its header");
        sizes[axis] = (uint32_t)size[0] << 24 | (uint32_t)size[1] << 16 | (uint32_t)size[2] << 8 | size[3];
        if (sizes[axis] == 0 || sizes[axis] > (axis == 0 ? MOST_IMAGES : MOST_SIDE))
            return complain(path, "has an absurd size");
    }
    return 1;
}

static int read_images(const char *path, size_t limit, idx_set *set) {
    uint32_t sizes[3];
    unsigned char *row = NULL;
    gzFile file = gzopen(path, "rb");
    int good = 0;
    if (file == NULL) return complain(path, "cannot be opened");
    if (!read_header(file, path, 3, sizes)) goto done;
    set->count = sizes[0] < limit ? sizes[0] : limit;
    set->pixels = (size_t)sizes[1] * sizes[2];
    row = malloc(set->pixels);
    set->images = calloc(set->count, set->pixels * sizeof *set->images);
    if (row == NULL || set->images == NULL) {
        complain(path, "needs more memory than there is");
        goto done;
    }
    for (size_t image = 0; image < set->count; image++) {
        if (gzread(file, row, (unsigned)set->pixels) != (int)set->pixels) {
            complain(path, "is shorter than its header says");
            goto done;
        }
        for (size_t i = 0; i < set->pixels; i++) set->images[image * set->pixels + i] = (float)row[i] / 255.0f;
    }
    good = 1;
done:
    free(row);
    gzclose(file);
    return good;
}

static int read_labels(const char *path, idx_set *set) {
    uint32_t size;
    gzFile file = gzopen(path, "rb");
    int good = 0;
    if (file == NULL) return complain(path, "cannot be opened");
    if (!read_header(file, path, 1, &size)) goto done;
    set->labels = malloc(set->count);
    if (set->labels == NULL || size < set->count ||
        gzread(file, set->labels, (unsigned)set->count) != (int)set->count) {
        complain(path, "has no label for each image");
        goto done;
    }
    good = 1;
done:
    gzclose(file);
    return good;
}

int idx_read(const char *images_path, const char *labels_path, size_t limit, idx_set *set) {
    memset(set, 0, sizeof *set);
    return read_images(images_path, limit, set) && read_labels(labels_path, set);
}

void idx_free(idx_set *set) {
    free(set->images);
    free(set->labels);
    memset(set, 0, sizeof *set);
}
