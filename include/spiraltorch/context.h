/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * context.h - the one object that a program makes: it holds the threads, the devices and the plans.
 *
 * A context may be used from any number of threads at once, but for st_context_destroy and st_context_reload.
 */
#ifndef SPIRALTORCH_CONTEXT_H
#define SPIRALTORCH_CONTEXT_H

#include <stdint.h>

#include "export.h"
#include "host.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct st_context st_context;

/* What plans draw on beside the conservative fallback: rules and the installed table, the table alone, or nothing. */
enum { ST_HEURISTICS_ALL = 0, ST_HEURISTICS_TABLE = 1, ST_HEURISTICS_NONE = 2 };

/* Options of a context. Zero in any field but struct_size means the default. */
typedef struct st_context_options {
    uint32_t struct_size;     /* sizeof(st_context_options) */
    int32_t threads;          /* most threads for one call; 0: ST_NUM_THREADS where it is set, else the CPUs this process may use */
    const st_host *host;      /* copied; NULL: libc and POSIX threads */
    int32_t heuristics;       /* ST_HEURISTICS_* */
    const char *cpu_disable;  /* instruction sets not to use, such as "avx512,avx2,neon"; NULL: ST_CPU_DISABLE where it is set */
    const char *wgpu_library; /* wgpu-native's path, or "none"; NULL: ST_WGPU_LIBRARY where it is set, else where the loader looks */
} st_context_options;

/*
 * Makes a context. options may be NULL. The environment is read here and by st_context_reload, and nowhere else.
 * On success *context is owned by the caller, who gives it to st_context_destroy.
 * ST_E_ARGUMENT: context is NULL, struct_size is not known, threads is outside 0..4096, heuristics is none of its values,
 * cpu_disable names an unknown instruction set; ST_E_MEMORY.
 */
ST_API st_status st_context_create(const st_context_options *options, st_context **context);

/* Frees a context and what it holds, its threads included. NULL is allowed. No call may be running on it. */
ST_API void st_context_destroy(st_context *context);

/*
 * Reads rules and the installed table again: SPIRAL_HEUR_* of the environment, heur.kdsl and tuner.json of the state folder, as
 * st_context_create did. Plans made before stay valid. On failure (ST_E_ARGUMENT: a NULL, or a variable; ST_E_MEMORY) the context
 * keeps what it had. Not while other calls use the context.
 */
ST_API st_status st_context_reload(st_context *context);

/* The most threads that one call on this context uses; 0 for NULL. Thread-safe. */
ST_API int32_t st_context_threads(const st_context *context);

/*
 * The library's version, such as "0.1.0", and a line for each optional feature, such as "threads: yes\n".
 * Static strings. Thread-safe.
 */
ST_API const char *st_version(void);
ST_API const char *st_features(void);

#ifdef __cplusplus
}
#endif

#endif
