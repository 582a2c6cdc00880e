/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* context.c - making and freeing a context. */
#include "spiraltorch/context.h"

#include <stdio.h>
#include <string.h>

#include "backends/cpu/cpu_backend.h"
#include "base/fail.h"
#include "base/memory.h"
#include "base/processor.h"
#include "device/caps.h"
#include "engine/context_state.h"
#include "engine/gpus.h"

/* The CPU's place in the list: its caps are those of calls of this context's threads. */
static st_status place_cpu(st_context *context, const st_processor *processor) {
    st_backend backend;
    st_status status = st_cpu_backend_open(&context->host, processor, &backend);
    if (status != ST_OK) return status;
    st_device_info info = {.struct_size = sizeof info};
    status = backend.device(backend.self, &info);
    if (status != ST_OK) {
        backend.close(backend.self);
        return status;
    }
    info.caps = st_caps_of_processor(processor, context->threads);
    st_registry_place(&context->registry, &backend, &info);
    return ST_OK;
}

/* Rules, and the installed table as each device of the context sees it. */
static st_status load_heuristics(const st_context *context, const st_settings *settings, st_rules *rules, st_tables *tables) {
    st_status status = ST_OK;
    if (context->heuristics == ST_HEURISTICS_ALL) status = st_rules_load(&context->host, settings, rules);
    if (status != ST_OK) return status;
    if (context->heuristics != ST_HEURISTICS_NONE) st_tables_load(tables, &context->host);
    for (int32_t position = 0; position < context->registry.count && status == ST_OK; position++)
        status = st_tables_see(tables, &context->registry, position);
    return status;
}

static void drop_heuristics(st_rules *rules, st_tables *tables) {
    st_tables_close(tables);
    st_rule_book_clear(&rules->book);
}

static st_status fill(st_context *context, const st_settings *settings, const st_processor *processor) {
    st_status status;
    context->threads = settings->threads > 0 ? settings->threads : processor->cpus;
    if (context->threads > ST_MOST_THREADS) context->threads = ST_MOST_THREADS;
    st_registry_start(&context->registry);
    if ((status = st_pool_create(&context->host, context->threads, &context->pool)) != ST_OK) return status;
    if ((status = st_plan_cache_create(&context->host, &context->plans)) != ST_OK) return status;
    if ((status = place_cpu(context, processor)) != ST_OK) return status;
    if ((status = st_gpus_place(&context->host, settings, &context->registry)) != ST_OK) return status;
    st_automatic_settle(&context->automatic, &context->host, &context->registry, settings);
    context->heuristics = settings->heuristics;
    context->wgpu = settings->wgpu;
    if (settings->wgpu.library != NULL) {
        snprintf(context->wgpu_library, sizeof context->wgpu_library, "%s", settings->wgpu.library);
        context->wgpu.library = context->wgpu_library;
    }
    memcpy(context->table_weights, settings->table_weights, sizeof context->table_weights);
    return load_heuristics(context, settings, &context->rules, &context->tables);
}

st_status st_context_create(const st_context_options *options, st_context **out) {
    st_status status;
    st_settings settings;
    st_host host;
    st_processor processor;
    if (out == NULL) return st_fail(ST_E_ARGUMENT, "context is NULL; give the address of a pointer");
    *out = NULL;
    if ((status = st_settings_read(options, &settings)) != ST_OK) return status;
    if ((status = st_host_resolve(options == NULL ? NULL : options->host, &host)) != ST_OK) return status;
    st_processor_detect(&processor);
    if ((status = st_processor_disable(&processor, settings.cpu_disable)) != ST_OK) return status;
    st_context *context = st_allocate_zeroed(&host, sizeof *context);
    if (context == NULL) return st_fail(ST_E_MEMORY, "no memory for a context");
    context->host = host;
    atomic_store(&context->users, 1);
    status = fill(context, &settings, &processor);
    if (status != ST_OK) {
        st_context_destroy(context);
        return status;
    }
    *out = context;
    return ST_OK;
}

void st_context_hold(st_context *context) { atomic_fetch_add(&context->users, 1); }

void st_context_drop(st_context *context) {
    const st_host host = context->host;
    if (atomic_fetch_sub(&context->users, 1) > 1) return;
    st_registry_close(&context->registry);
    st_release(&host, context, sizeof *context);
}

void st_context_destroy(st_context *context) {
    if (context == NULL) return;
    st_pool_destroy(context->pool); /* first: no worker may be inside a backend that closes */
    st_plan_cache_destroy(context->plans);
    drop_heuristics(&context->rules, &context->tables);
    st_context_drop(context);
}

/* What is new is made before what is old goes, so that a failure changes nothing. */
st_status st_context_reload(st_context *context) {
    st_settings settings;
    st_status status;
    if (context == NULL) return st_fail(ST_E_ARGUMENT, "context is NULL");
    if ((status = st_settings_read(NULL, &settings)) != ST_OK) return status;
    const size_t bytes = sizeof(st_rules) + sizeof(st_tables);
    st_rules *rules = st_allocate_zeroed(&context->host, bytes);
    if (rules == NULL) return st_fail(ST_E_MEMORY, "no memory to load rules and tables");
    st_tables *tables = (st_tables *)(rules + 1);
    st_plan_cache *plans = NULL;
    status = load_heuristics(context, &settings, rules, tables);
    if (status == ST_OK) status = st_plan_cache_create(&context->host, &plans);
    if (status == ST_OK) {
        const st_rules old_rules = context->rules;
        const st_tables old_tables = context->tables;
        context->rules = *rules;
        context->tables = *tables;
        *rules = old_rules;
        *tables = old_tables;
        st_plan_cache_destroy(context->plans);
        context->plans = plans;
        memcpy(context->table_weights, settings.table_weights, sizeof context->table_weights);
    }
    drop_heuristics(rules, tables);
    st_release(&context->host, rules, bytes);
    return status;
}

int32_t st_context_threads(const st_context *context) { return context == NULL ? 0 : context->threads; }
