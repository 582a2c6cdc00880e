/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* normalise.c - what every backend's normalisation shares. */
#include "device/normalise.h"

#include <stdarg.h>
#include <stdio.h>

#include "device/choice_fields.h"
#include "device/gpu_rules.h"

void st_change_field(st_choice *choice, int32_t field, int32_t to, st_changes *changes, const char *why, ...) {
    const int32_t from = st_choice_get(choice, field);
    if (from == to) return;
    st_choice_set(choice, field, to);
    if (changes == NULL || changes->count == (int32_t)(sizeof changes->items / sizeof changes->items[0])) return;
    st_change *change = &changes->items[changes->count++];
    change->field = field;
    change->from = from;
    change->to = to;
    va_list arguments;
    va_start(arguments, why);
    vsnprintf(change->why, sizeof change->why, why, arguments);
    va_end(arguments);
}

static void into_bounds(st_choice *choice, st_changes *changes) {
    for (int32_t field = 0; field < ST_FIELDS; field++) {
        const st_choice_field *bounds = st_choice_field_at(field);
        const int32_t value = st_choice_get(choice, field);
        const int32_t inside = value < bounds->low ? bounds->low : value > bounds->high ? bounds->high : value;
        st_change_field(choice, field, inside, changes, "%s lies in [%d, %d]", bounds->name, bounds->low, bounds->high);
    }
    if (choice->radix == 1 || choice->radix == 3)
        st_change_field(choice, ST_FIELD_RADIX, 2, changes, "a butterfly has radix 2 or 4");
}

/* midk and bottomk say for one kind what use_2ce says for all, so they win. */
static int32_t passes_of_kind(const st_rank_request *request, const st_choice *choice, const char **field) {
    const int middle = request->kind == ST_MIDK || request->kind == ST_WINDOW;
    *field = middle ? "midk" : "bottomk";
    return middle ? choice->midk : request->kind == ST_BOTTOMK ? choice->bottomk : 0;
}

int32_t st_two_passes(const st_rank_request *request, const st_choice *choice) {
    const char *field;
    const int32_t passes = passes_of_kind(request, choice, &field);
    return passes <= 0 ? choice->use_2ce > 0 : passes > 1;
}

static void settle_passes(const st_rank_request *request, st_choice *choice, st_changes *changes) {
    const char *field;
    const int32_t passes = passes_of_kind(request, choice, &field);
    st_change_field(choice, ST_FIELD_USE_2CE, st_two_passes(request, choice), changes, "%s is %d, which beats use_2ce for this kind",
                    field, passes);
}

/* Why a backend that keeps no record of its own changed a field. */
static void record_difference(const st_backend *backend, const st_device_caps *caps, const st_choice *before,
                              const st_choice *after, st_changes *changes) {
    st_choice held = *before;
    for (int32_t field = 0; field < ST_FIELDS; field++) {
        const int32_t from = st_choice_get(before, field), to = st_choice_get(after, field);
        if (field == ST_FIELD_MK || field == ST_FIELD_MKD)
            st_change_field(&held, field, to, changes, "%s has no kernel for mk %s with mkd %s", backend->name,
                            st_mk_name(before->mk), st_mkd_name(before->mkd));
        else if (from == 0 && field != ST_FIELD_USE_2CE)
            st_change_field(&held, field, to, changes, "it was not decided");
        else if (field == ST_FIELD_WG && from > caps->max_workgroup)
            st_change_field(&held, field, to, changes, "%s has at most %d workers", backend->name, caps->max_workgroup);
        else if (field == ST_FIELD_TILE || field == ST_FIELD_CTILE)
            st_change_field(&held, field, to, changes, "%s kernels take a power of two within their limits", backend->name);
        else
            st_change_field(&held, field, to, changes, "the limits of the %s kernels", backend->name);
    }
}

void st_choice_normalise(const st_backend *backend, const st_rank_request *request, const st_device_caps *caps,
                         st_choice *choice, st_changes *changes) {
    into_bounds(choice, changes);
    settle_passes(request, choice, changes);
    if (changes != NULL && st_is_gpu(caps->backend)) st_gpu_normalise(request, caps, choice, changes);
    const st_choice before = *choice;
    backend->normalise(backend->self, request, caps, choice);
    if (changes != NULL) record_difference(backend, caps, &before, choice, changes);
}
