/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* dlpack.h - the structs of DLPack 1, https://dmlc.github.io/dlpack: with a version, and without as before 1.0. */
#ifndef ST_PY_DLPACK_H
#define ST_PY_DLPACK_H

#include <stdint.h>

enum { ST_DL_CPU = 1, ST_DL_CUDA = 2, ST_DL_CUDA_HOST = 3, ST_DL_ROCM_HOST = 11 };
enum { ST_DL_INT = 0, ST_DL_UINT = 1, ST_DL_FLOAT = 2, ST_DL_BFLOAT = 4 };
enum { ST_DL_READ_ONLY = 1 }; /* bits of flags */

typedef struct st_dl_tensor {
    void *data;
    struct {
        int32_t type, id;
    } device;
    int32_t dims;
    struct {
        uint8_t code, bits;
        uint16_t lanes;
    } dtype;
    int64_t *shape, *strides; /* strides in elements; NULL: C order */
    uint64_t byte_offset;
} st_dl_tensor;

typedef struct st_dl_managed {
    st_dl_tensor tensor;
    void *manager;
    void (*deleter)(struct st_dl_managed *self);
} st_dl_managed;

typedef struct st_dl_versioned {
    struct {
        uint32_t major, minor;
    } version;
    void *manager;
    void (*deleter)(struct st_dl_versioned *self);
    uint64_t flags;
    st_dl_tensor tensor;
} st_dl_versioned;

#endif
