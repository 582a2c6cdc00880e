/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* cpu_backend.h - the CPU as a backend. */
#ifndef ST_CPU_BACKEND_H
#define ST_CPU_BACKEND_H

#include "base/processor.h"
#include "base/pool.h"
#include "rank/scanner.h"
#include "spiraltorch/backend.h"

/* Fills *backend for a processor (its disabled instruction sets already removed); backend->close frees it. ST_E_MEMORY. */
st_status st_cpu_backend_open(const st_host *host, const st_processor *processor, st_backend *backend);

/* A conservative Choice for a resolved request on CPU caps, with no measurement: what the fallback chooser proposes. */
void st_cpu_fallback(const st_rank_request *request, const st_device_caps *caps, st_choice *choice);

/* This backend's kernels for streams and counting passes over a dtype. */
st_scanner st_cpu_scanner(const st_backend *backend, st_dtype dtype);

#endif
