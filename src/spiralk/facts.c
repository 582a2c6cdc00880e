/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* facts.c - what a request and a device tell a program. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "device/caps.h"
#include "rank/request.h"
#include "spiraltorch/spiralk.h"

st_status st_spiralk_facts_of(const st_rank_request *request, const st_device_caps *caps, const char *device,
                              st_spiralk_facts *facts) {
    if (request == NULL || caps == NULL || facts == NULL)
        return st_fail(ST_E_ARGUMENT, "%s is NULL", request == NULL ? "request" : caps == NULL ? "caps" : "facts");
    if (request->struct_size != sizeof *request)
        return st_fail(ST_E_ARGUMENT, "request.struct_size is %u; start from st_rank_request_init", request->struct_size);
    if (facts->struct_size != sizeof *facts)
        return st_fail(ST_E_ARGUMENT, "facts.struct_size is %u; set it to sizeof(st_spiralk_facts)", facts->struct_size);
    if (st_dtype_size(request->dtype) == 0) return st_fail(ST_E_ARGUMENT, "request.dtype: %d is none", request->dtype);
    if (request->kind < ST_TOPK || request->kind > ST_WINDOW)
        return st_fail(ST_E_ARGUMENT, "request.kind: %d is none; use ST_TOPK to ST_WINDOW", request->kind);
    const st_status status = st_caps_check(caps);
    if (status != ST_OK) return status;
    const int is_cpu = caps->backend == ST_BACKEND_CPU;
    const int is_float =
        request->dtype == ST_F32 || request->dtype == ST_F64 || request->dtype == ST_F16 || request->dtype == ST_BF16;
    const double k = (double)st_request_width(request);
    memset(facts, 0, sizeof *facts);
    facts->struct_size = sizeof *facts;
    facts->device = device;
    facts->r = (double)request->rows;
    facts->c = (double)request->cols;
    facts->k = k;
    facts->sg = caps->subgroup;
    facts->sgc = caps->subgroup ? floor((double)caps->max_workgroup / caps->lanes) : 0;
    facts->kc = k <= 128 ? 1 : k <= 2048 ? 2 : 3;
    facts->lanes = caps->lanes;
    facts->wgmax = caps->max_workgroup;
    facts->smem = (double)st_caps_shared_budget(caps);
    facts->cu = caps->compute_units;
    facts->eb = (double)st_dtype_size(request->dtype);
    facts->threads = request->threads > 0 ? request->threads : is_cpu ? caps->max_workgroup : 1;
    facts->cpu = is_cpu;
    facts->wgpu = caps->backend == ST_BACKEND_WGPU;
    facts->cuda = caps->backend == ST_BACKEND_CUDA;
    facts->hip = caps->backend == ST_BACKEND_HIP;
    facts->mps = caps->backend == ST_BACKEND_MPS;
    facts->topk = request->kind == ST_TOPK;
    facts->midk_kind = request->kind == ST_MIDK;
    facts->bottomk_kind = request->kind == ST_BOTTOMK;
    facts->is_float = is_float;
    facts->is_int = !is_float;
    return ST_OK;
}

st_status st_spiralk_identity(const st_device_info *info, char text[256]) {
    if (info == NULL || text == NULL) return st_fail(ST_E_ARGUMENT, "%s is NULL", info == NULL ? "info" : "text");
    if (info->struct_size != sizeof *info)
        return st_fail(ST_E_ARGUMENT, "info.struct_size is %u; set it to sizeof(st_device_info)", info->struct_size);
    /* A CPU's name ends in its instruction set, "... (avx2)", whose parentheses a key need not have. */
    const char *isa = info->caps.backend == ST_BACKEND_CPU ? strrchr(info->name, '(') : NULL;
    const int has_isa = isa != NULL && isa > info->name && isa[strlen(isa) - 1] == ')';
    const int name = has_isa ? (int)(isa - info->name) - 1 : (int)strlen(info->name);
    snprintf(text, 256, "%s%s%.*s%s%.*s%s%s", info->backend, name > 0 ? " " : "", name, info->name, has_isa ? " " : "",
             has_isa ? (int)strlen(isa) - 2 : 0, has_isa ? isa + 1 : "", info->driver[0] != '\0' ? " " : "", info->driver);
    return ST_OK;
}
