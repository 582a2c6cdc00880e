/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* fallback.c - each backend's own careful guess; a registered backend's first candidate. */
#include "plan/fallback.h"

#include <string.h>

#include "backends/cpu/cpu_backend.h"
#include "device/choice_fields.h"
#include "device/gpu_model.h"
#include "device/gpu_rules.h"

/* A legal pair, where the backend names no candidate of its own. */
static void first_legal(const st_backend *backend, int32_t kind, st_choice *choice) {
    for (int32_t mk = ST_MK_BITONIC; mk <= ST_MK_RADIX; mk++)
        for (int32_t mkd = ST_MKD_AUTO; mkd <= ST_MKD_FILTER; mkd++)
            if (backend->legal(backend->self, kind, mk, mkd)) {
                choice->mk = mk;
                choice->mkd = mkd;
                return;
            }
}

void st_fallback_choice(const st_registered *device, const st_device_caps *caps, const st_rank_request *resolved, st_choice *choice) {
    const st_backend *backend = &device->backend;
    memset(choice, 0, sizeof *choice);
    if (caps->backend == ST_BACKEND_CPU)
        st_cpu_fallback(resolved, caps, choice);
    else if (st_is_gpu(caps->backend))
        st_gpu_fallback(resolved, caps, choice);
    else if (backend->candidates(backend->self, resolved, caps, choice, 1) < 1)
        first_legal(backend, resolved->kind, choice);
}
