/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* caps_option.c - --caps: hardware that need not be here, as text. */
#include "caps_option.h"

#include <string.h>

#include "options.h"

static int bad_caps(const char *command, const char *text, const char *part) {
    return st_cli_usage(command,
                        "--caps: '%s' in '%s' is not understood; write BACKEND:LANES[,sg],WORKGROUP[,smem=BYTES], as "
                        "wgpu:32,sg,256 or cuda:32,1024,smem=49152, with cpu, wgpu, cuda, hip or mps",
                        part, text);
}

int st_caps_option(const char *command, const char *text, st_device_caps *caps) {
    char copy[128];
    if (strlen(text) >= sizeof copy) {
        return bad_caps(command, text, text);
    }
    memcpy(copy, text, strlen(text) + 1);
    int64_t lanes = 0, workgroup = 0, shared = -1, subgroup = 0;
    char *rest = NULL;
    const char *head = strtok_r(copy, ",", &rest);
    const char *backend = head ? head : "";
    char *colon = head ? strchr(copy, ':') : NULL;
    if (colon) {
        *colon = 0;
        if (!st_options_number(colon + 1, 1, 4096, &lanes)) {
            return bad_caps(command, text, colon + 1);
        }
    }
    for (const char *part = strtok_r(NULL, ",", &rest); part; part = strtok_r(NULL, ",", &rest)) {
        if (strcmp(part, "sg") == 0) {
            subgroup = 1;
        } else if (strncmp(part, "smem=", 5) == 0) {
            if (!st_options_number(part + 5, 0, INT64_MAX, &shared)) {
                return bad_caps(command, text, part);
            }
        } else if (workgroup || !st_options_number(part, 1, 1 << 20, &workgroup)) {
            return bad_caps(command, text, part);
        }
    }
    int is_cpu = strcmp(backend, "cpu") == 0;
    if (!is_cpu && (!lanes || !workgroup)) {
        return bad_caps(command, text, text);
    }
    if (is_cpu) {
        *caps = st_caps_cpu();
        caps->lanes = lanes ? (int32_t)lanes : caps->lanes;
        *caps = workgroup ? st_caps_with_max_workgroup(*caps, (int32_t)workgroup) : *caps;
    } else if (strcmp(backend, "wgpu") == 0) {
        *caps = st_caps_wgpu((int32_t)lanes, (int32_t)subgroup, (int32_t)workgroup);
    } else if (strcmp(backend, "cuda") == 0) {
        *caps = st_caps_cuda((int32_t)lanes, (int32_t)workgroup);
    } else if (strcmp(backend, "hip") == 0) {
        *caps = st_caps_hip((int32_t)lanes, (int32_t)workgroup);
    } else if (strcmp(backend, "mps") == 0) {
        *caps = st_caps_mps((int32_t)lanes, (int32_t)workgroup);
    } else {
        return bad_caps(command, text, backend);
    }
    if (subgroup) {
        *caps = st_caps_with_subgroup(*caps, 1);
    }
    if (shared >= 0) {
        *caps = st_caps_with_shared_mem(*caps, shared);
    }
    return ST_CLI_GO;
}
