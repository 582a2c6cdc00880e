/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* idx_images.h - reading the gzipped IDX files that image data sets such as Fashion-MNIST come in. */
#ifndef IDX_IMAGES_H
#define IDX_IMAGES_H

#include <stddef.h>

/* A set of images, pixels as floats in [0, 1], and the label of each. */
typedef struct idx_set {
    size_t count, pixels; /* images, and floats in one */
    float *images;        /* count x pixels */
    unsigned char *labels;
} idx_set;

/*
 * Reads at most `limit` images and their labels. Returns 1, or 0 with what is wrong on standard error. idx_free releases
 * what was read, in either case.
 */
int idx_read(const char *images_path, const char *labels_path, size_t limit, idx_set *set);
void idx_free(idx_set *set);

#endif
