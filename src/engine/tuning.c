/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* tuning.c - what a tuner's findings say about the device that they were made on. */
#include <string.h>

#include "base/fail.h"
#include "engine/context_state.h"
#include "plan/identity.h"
#include "spiraltorch/tune.h"

st_status st_survey_device_of(const st_context *context, const char *device, st_survey_device *found) {
    int32_t position;
    if (context == NULL || found == NULL) return st_fail(ST_E_ARGUMENT, "%s is NULL", context == NULL ? "context" : "found");
    if (found->struct_size != sizeof *found)
        return st_fail(ST_E_ARGUMENT, "found.struct_size is %u; set it to sizeof(st_survey_device)", found->struct_size);
    const st_status status = st_device_find(context, device, &position);
    if (status != ST_OK) return status;
    const st_registered *registered = &context->registry.items[position];
    memset(found, 0, sizeof *found);
    found->struct_size = sizeof *found;
    const st_device_identity identity = st_identity_of(registered);
    found->sg = identity.caps.subgroup;
    memcpy(found->backend, identity.backend, sizeof found->backend);
    memcpy(found->device, identity.device, sizeof found->device);
    memcpy(found->driver, identity.driver, sizeof found->driver);
    memcpy(found->isa, identity.isa, sizeof found->isa);
    memcpy(found->kernel_hash, identity.kernel_hash, sizeof found->kernel_hash);
    return ST_OK;
}
