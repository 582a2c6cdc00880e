/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* npy_header.h - the header of a .npy file: a Python dict of dtype, order and shape. */
#ifndef ST_IO_NPY_HEADER_H
#define ST_IO_NPY_HEADER_H

#include <stddef.h>
#include <stdint.h>

#include "spiraltorch/dtype.h"
#include "spiraltorch/status.h"

enum {
    ST_NPY_MAGIC_BYTES = 6,
    ST_NPY_HEADER_LIMIT = 1 << 20, /* NumPy itself refuses over 10,000 */
    ST_NPY_WRITTEN_LIMIT = 512     /* what eight axes of 19 digits take, rounded up to 64 */
};

extern const char st_npy_magic[ST_NPY_MAGIC_BYTES];

typedef struct st_npy_header {
    st_dtype dtype;  /* 0: a 2-byte void, which only bf16 makes sense of */
    int32_t is_void; /* '<V2' */
    int32_t swapped; /* the other byte order than this machine's */
    int32_t dims;
    int64_t shape[8];
    int64_t elements;
    int64_t bytes; /* elements x size, checked */
} st_npy_header;

/* Parses the dict (text need not end in NUL). ST_E_FORMAT; `name` is the file, fit for a message. */
st_status st_npy_parse(const char *name, const char *text, size_t length, st_npy_header *header);

/* Writes magic, version 1.0, length and dict of a C-order array; returns the bytes, a multiple of 64. */
size_t st_npy_print(st_dtype dtype, int32_t dims, const int64_t *shape, char text[ST_NPY_WRITTEN_LIMIT]);

#endif
