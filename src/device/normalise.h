/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* normalise.h - turning any Choice into one that runs on a device, and keeping a record of what that changed. */
#ifndef ST_DEVICE_NORMALISE_H
#define ST_DEVICE_NORMALISE_H

#include "spiraltorch/backend.h"

typedef struct st_change {
    int32_t field; /* ST_FIELD_* */
    int32_t from, to;
    char why[120];
} st_change;

/* Changes in the order in which they were made. Each field changes a few times at most; more than fit are dropped. */
typedef struct st_changes {
    int32_t count;
    st_change items[40];
} st_changes;

/* Sets a field; where that changes it, writes the record (changes may be NULL). */
void st_change_field(st_choice *choice, int32_t field, int32_t to, st_changes *changes, const char *why, ...)
    __attribute__((format(printf, 5, 6)));

/* Whether a Choice means two passes for a request: midk and bottomk, where they are not 0, beat use_2ce for their kinds. */
int32_t st_two_passes(const st_rank_request *request, const st_choice *choice);

/*
 * Normalises a Choice for a resolved request: fields into their bounds, midk and bottomk over use_2ce for their kinds, then
 * the backend's own limits. Doing it twice changes nothing more. changes may be NULL.
 */
void st_choice_normalise(const st_backend *backend, const st_rank_request *request, const st_device_caps *caps,
                         st_choice *choice, st_changes *changes);

#endif
