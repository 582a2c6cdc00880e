/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* identity.c - devices' identities, and how a table's entries stand to them. */
#include "plan/identity.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/processor.h"
#include "base/show_text.h"

/* The CPU's name ends in its instruction set, "... (avx2)", which has a field of its own here. */
static void split_isa(st_device_identity *identity) {
    const size_t length = strlen(identity->device);
    for (int isa = ST_ISA_PORTABLE; isa <= ST_ISA_AVX512; isa++) {
        char tail[24];
        const int bytes = snprintf(tail, sizeof tail, " (%s)", st_isa_name((st_isa)isa));
        if (length < (size_t)bytes || strcmp(identity->device + length - (size_t)bytes, tail) != 0) continue;
        identity->device[length - (size_t)bytes] = '\0';
        snprintf(identity->isa, sizeof identity->isa, "%s", st_isa_name((st_isa)isa));
        return;
    }
}

st_device_identity st_identity_of(const st_registered *device) {
    st_device_identity identity;
    memset(&identity, 0, sizeof identity);
    snprintf(identity.id, sizeof identity.id, "%s", device->info.id);
    snprintf(identity.backend, sizeof identity.backend, "%s", device->info.backend);
    snprintf(identity.device, sizeof identity.device, "%s", device->info.name);
    snprintf(identity.driver, sizeof identity.driver, "%s", device->info.driver);
    snprintf(identity.kernel_hash, sizeof identity.kernel_hash, "%016" PRIx64, device->backend.kernel_hash(device->backend.self));
    identity.caps = device->info.caps;
    if (identity.caps.backend == ST_BACKEND_CPU) split_isa(&identity);
    return identity;
}

int st_same_hardware(const st_device_caps *a, const st_device_caps *b) {
    return a->backend == b->backend && a->subgroup == b->subgroup && a->lanes == b->lanes && a->shared_mem == b->shared_mem &&
           a->l2_cache == b->l2_cache && a->l3_cache == b->l3_cache;
}

int32_t st_standing_of(const st_table_entry *entry, const st_device_identity *identity) {
    const int same_backend = strcmp(entry->backend, identity->backend) == 0;
    if (entry->trusted && (same_backend || entry->backend[0] == '\0')) return ST_STANDING_TRUSTED;
    if (entry->backend[0] == '\0' || entry->device[0] == '\0' || entry->kernel_hash[0] == '\0') return ST_STANDING_UNNAMED;
    if (!same_backend) return ST_STANDING_BACKEND;
    if (strcmp(entry->device, identity->device) != 0) return ST_STANDING_DEVICE;
    if (strcmp(entry->isa, identity->isa) != 0) return ST_STANDING_ISA;
    if (strcmp(entry->driver, identity->driver) != 0) return ST_STANDING_DRIVER;
    if (strcmp(entry->kernel_hash, identity->kernel_hash) != 0) return ST_STANDING_KERNELS;
    return ST_STANDING_MEASURED;
}

int st_standing_counts(int32_t standing) { return standing == ST_STANDING_MEASURED || standing == ST_STANDING_TRUSTED; }

/* "measured with driver A, which is B here"; what a table says is untrusted text. */
static void differs(const char *what, const char *there, const char *here, char why[192]) {
    char shown_there[72], shown_here[72];
    st_show_text(shown_there, sizeof shown_there, there, strlen(there));
    st_show_text(shown_here, sizeof shown_here, here, strlen(here));
    snprintf(why, 192, "measured with %s %s, which is %s here", what, there[0] == '\0' ? "not named" : shown_there,
             here[0] == '\0' ? "not named" : shown_here);
}

void st_standing_text(int32_t standing, const st_table_entry *entry, const st_device_identity *identity, char why[192]) {
    char shown[72];
    if (identity == NULL && standing == ST_STANDING_BACKEND) {
        st_show_text(shown, sizeof shown, entry->backend, strlen(entry->backend));
        snprintf(why, 192, "measured on backend %s, which is not here", shown);
        return;
    }
    switch (standing) {
        case ST_STANDING_MEASURED: snprintf(why, 192, "measured on this device, with these kernels"); return;
        case ST_STANDING_TRUSTED: snprintf(why, 192, "installed with trust"); return;
        case ST_STANDING_BACKEND: differs("backend", entry->backend, identity->backend, why); return;
        case ST_STANDING_DEVICE: differs("device", entry->device, identity->device, why); return;
        case ST_STANDING_ISA: differs("instruction set", entry->isa, identity->isa, why); return;
        case ST_STANDING_DRIVER: differs("driver", entry->driver, identity->driver, why); return;
        case ST_STANDING_KERNELS: differs("kernel hash", entry->kernel_hash, identity->kernel_hash, why); return;
        case ST_STANDING_CAPS: snprintf(why, 192, "measured on this device, but the plan is for other caps"); return;
        default:
            snprintf(why, 192, "does not say %s it was measured with",
                     entry->backend[0] == '\0'  ? "which backend"
                     : entry->device[0] == '\0' ? "which device"
                                                : "which kernels");
            return;
    }
}
