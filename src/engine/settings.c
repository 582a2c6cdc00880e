/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* settings.c - options and environment variables of a context. */
#include "engine/settings.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "device/caps.h"
#include "spiralk/softlogic.h"
#include "spiraltorch/number.h"

static const char *variable(const char *name) {
    const char *text = getenv(name);
    return text != NULL && text[0] != '\0' ? text : NULL;
}

/* Digits alone: no sign, no locale, no hexadecimal. */
static st_status read_threads(const char *text, int32_t *threads) {
    const size_t length = strlen(text);
    int32_t value = 0;
    for (size_t i = 0; i < length && value >= 0 && value <= ST_MOST_THREADS; i++)
        value = text[i] >= '0' && text[i] <= '9' ? value * 10 + (text[i] - '0') : -1;
    if (value < 1 || value > ST_MOST_THREADS)
        return st_fail(ST_E_ARGUMENT, "ST_NUM_THREADS is \"%.40s\"; set it to a whole number from 1 to %d, or unset it", text,
                       ST_MOST_THREADS);
    *threads = value;
    return ST_OK;
}

static int32_t backend_of(const char *name, size_t length) {
    for (int32_t backend = ST_BACKEND_CPU; backend <= ST_BACKEND_MPS; backend++) {
        const char *known = st_backend_name(backend);
        if (strlen(known) == length && memcmp(known, name, length) == 0) return backend;
    }
    return 0;
}

static st_status read_priorities(const char *text, st_settings *settings) {
    static const char separators[] = ", ";
    for (const char *at = text; *(at += strspn(at, separators)) != '\0';) {
        const size_t length = strcspn(at, separators);
        const int32_t backend = backend_of(at, length);
        if (backend == 0)
            return st_fail(ST_E_ARGUMENT, "ST_DEVICE_AUTO_PRIORITIES: \"%.*s\" is no backend; use wgpu, cuda, hip, mps and cpu",
                           (int)(length < 40 ? length : 40), at);
        int known = 0;
        for (int32_t i = 0; i < settings->priority_count; i++) known |= settings->priorities[i] == backend;
        if (!known) settings->priorities[settings->priority_count++] = backend;
        at += length;
    }
    if (settings->priority_count == 0)
        return st_fail(ST_E_ARGUMENT, "ST_DEVICE_AUTO_PRIORITIES names no backend; use a list such as \"wgpu,cpu\", or unset it");
    return ST_OK;
}

static st_status read_weight(const char *name, double *weight) {
    const char *text = variable(name);
    double read = 0;
    if (text == NULL) return ST_OK;
    if (st_parse_element(text, ST_F64, &read) != ST_OK || !(fabs(read) <= 1e6))
        return st_fail(ST_E_ARGUMENT, "%s is \"%.40s\"; set it to a number such as 0.1 (at most 1e6 in size), or unset it", name, text);
    *weight = read;
    return ST_OK;
}

static st_status read_heuristics(st_settings *settings) {
    static const char *const names[] = {"CPU", "WGPU", "CUDA", "HIP", "MPS"}; /* in the order of ST_BACKEND_* */
    st_status status;
    settings->rules_all = variable("SPIRAL_HEUR_K");
    settings->rules_over_all = variable("SPIRAL_HEUR_K_LAB");
    settings->rules_midk = variable("SPIRAL_HEUR_MIDK");
    settings->rules_bottomk = variable("SPIRAL_HEUR_BOTTOMK");
    const char *soft = variable("SPIRAL_HEUR_SOFT"), *mode = variable("SPIRAL_HEUR_MODE");
    settings->soft_rules = soft == NULL || strcmp(soft, "0") != 0;
    settings->soft_mode = mode == NULL ? ST_SOFT_SUM : st_soft_mode_of(mode);
    if (settings->soft_mode < 0)
        return st_fail(ST_E_ARGUMENT, "SPIRAL_HEUR_MODE is \"%.40s\"; use sum, normalize, softmax or prob, or unset it", mode);
    double weight = 0.1;
    if ((status = read_weight("SPIRAL_HEUR_GEN_WEIGHT", &weight)) != ST_OK) return status;
    for (size_t i = 0; i < sizeof settings->table_weights / sizeof settings->table_weights[0]; i++) {
        char name[40];
        settings->table_weights[i] = weight;
        if (i >= sizeof names / sizeof names[0]) continue;
        snprintf(name, sizeof name, "SPIRAL_HEUR_GEN_WEIGHT_%s", names[i]);
        if ((status = read_weight(name, &settings->table_weights[i])) != ST_OK) return status;
    }
    return ST_OK;
}

static st_status read_wgpu(st_wgpu_settings *wgpu) {
    const char *limits = variable("ST_WGPU_LIMITS"), *subgroups = variable("ST_WGPU_SUBGROUPS"), *timeout = variable("ST_WGPU_TIMEOUT");
    if (wgpu->library == NULL) wgpu->library = variable("ST_WGPU_LIBRARY");
    if (limits != NULL && strcmp(limits, "floor") != 0)
        return st_fail(ST_E_ARGUMENT, "ST_WGPU_LIMITS is \"%.40s\"; set it to floor, or unset it", limits);
    wgpu->floor_limits = limits != NULL;
    if (subgroups != NULL && strcmp(subgroups, "0") != 0 && strcmp(subgroups, "1") != 0)
        return st_fail(ST_E_ARGUMENT, "ST_WGPU_SUBGROUPS is \"%.40s\"; set it to 0 or 1, or unset it", subgroups);
    wgpu->no_subgroups = subgroups != NULL && subgroups[0] == '0';
    if (timeout == NULL) return ST_OK;
    if (st_parse_element(timeout, ST_F64, &wgpu->timeout) != ST_OK || !(wgpu->timeout > 0 && wgpu->timeout <= 1e6))
        return st_fail(ST_E_ARGUMENT, "ST_WGPU_TIMEOUT is \"%.40s\"; set it to seconds, such as 60 (at most 1e6), or unset it", timeout);
    return ST_OK;
}

st_status st_settings_read(const st_context_options *options, st_settings *settings) {
    memset(settings, 0, sizeof *settings);
    if (options != NULL) {
        if (options->struct_size != sizeof *options)
            return st_fail(ST_E_ARGUMENT, "options.struct_size is %u; set it to sizeof(st_context_options)", options->struct_size);
        if (options->threads < 0 || options->threads > ST_MOST_THREADS)
            return st_fail(ST_E_ARGUMENT, "options.threads is %d; use 0 for the default, or 1 to %d", options->threads, ST_MOST_THREADS);
        if (options->heuristics < ST_HEURISTICS_ALL || options->heuristics > ST_HEURISTICS_NONE)
            return st_fail(ST_E_ARGUMENT, "options.heuristics is %d; use one of ST_HEURISTICS_*", options->heuristics);
        settings->threads = options->threads;
        settings->heuristics = options->heuristics;
        settings->cpu_disable = options->cpu_disable;
        settings->wgpu.library = options->wgpu_library;
    }
    const char *threads = variable("ST_NUM_THREADS");
    if (settings->threads == 0 && threads != NULL) {
        const st_status status = read_threads(threads, &settings->threads);
        if (status != ST_OK) return status;
    }
    if (settings->cpu_disable == NULL) settings->cpu_disable = variable("ST_CPU_DISABLE");
    if (settings->cpu_disable == NULL) settings->cpu_disable = "";
    st_status status = read_heuristics(settings);
    if (status == ST_OK) status = read_wgpu(&settings->wgpu);
    if (status != ST_OK) return status;
    const char *priorities = variable("ST_DEVICE_AUTO_PRIORITIES");
    return read_priorities(priorities != NULL ? priorities : "wgpu,cuda,hip,mps,cpu", settings);
}
