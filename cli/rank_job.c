/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* rank_job.c - what the strategies share: windows, selection in memory, whole units from a block reader. */
#include "rank_job.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "options.h"

void st_job_window(const st_rank_job *job, int64_t n, int64_t *lo, int64_t *hi, int32_t *descending) {
    *lo = 0;
    *hi = job->k;
    *descending = job->kind == ST_TOPK;
    if (job->kind == ST_MIDK) {
        *lo = (n - job->k) / 2;
        *hi = *lo + job->k;
    } else if (job->kind == ST_WINDOW) {
        *lo = job->lo;
        *hi = job->hi;
        *descending = job->descending;
    }
}

void *st_job_allocate(const st_rank_job *job, int64_t count, int64_t size) {
    void *memory = count > PTRDIFF_MAX / size ? NULL : malloc(count > 0 ? (size_t)(count * size) : 1);
    if (!memory) {
        st_cli_fail(job->command,
                    "out of memory: %lld elements of %lld bytes are needed at once; ask for fewer, or split the input",
                    (long long)count, (long long)size);
    }
    return memory;
}

int st_job_fail(st_rank_job *job, st_status status) {
    st_progress_hide(&job->input.progress);
    return st_input_fail(job->command, status);
}

int st_job_nan(st_rank_job *job, int64_t row, int64_t index) {
    st_progress_hide(&job->input.progress);
    return st_cli_fail(job->command,
                       "%s: row %lld, index %lld is NaN; --nan greatest, least or last says where NaN ranks",
                       job->input.name, (long long)row, (long long)index);
}

void st_job_note(st_rank_job *job, const char *format, ...) {
    if (job->quiet) {
        return;
    }
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    st_progress_hide(&job->input.progress);
    fprintf(stderr, "spiraltorch %s: %s\n", job->command, text);
}

static int select_rows(st_rank_job *job, const st_job_rows *rows, st_rank_request *request, void *values,
                       int64_t *indices) {
    request->dtype = job->dtype;
    request->nan_rule = job->nan_rule;
    request->row_stride = rows->row_stride;
    request->col_stride = rows->col_stride;
    st_plan plan = {.struct_size = sizeof plan};
    st_status status = st_plan_request(job->context, request, job->device, NULL, &plan);
    if (status != ST_OK) {
        return st_job_fail(job, status);
    }
    st_rank_buffers buffers = {
        .struct_size = sizeof buffers, .input = rows->elements, .values = values, .indices = indices};
    status = st_execute_rank(job->context, &plan, &buffers);
    if (status == ST_E_NAN && rows->has_nan) {
        *rows->has_nan = 1;
        return ST_CLI_FAILED;
    }
    if (status == ST_E_NAN) {
        /* The library counts within what it was given; a person counts from the start of the input. */
        for (int64_t row = 0; row < rows->rows; row++) {
            const char *start = (const char *)rows->elements + row * rows->row_stride * job->size;
            int64_t found = st_input_first_nan(job->dtype, start, rows->cols, rows->col_stride);
            if (found >= 0) {
                return st_job_nan(job, rows->first_row + row, rows->first_col + found);
            }
        }
    }
    if (status != ST_OK) {
        return st_job_fail(job, status);
    }
    return st_cli_interrupted() ? ST_CLI_INTERRUPTED : ST_CLI_GO;
}

int st_job_select(st_rank_job *job, const st_job_rows *rows, void *values, int64_t *indices) {
    st_rank_request request;
    st_rank_request_init(&request, job->kind, rows->rows, rows->cols, job->k);
    request.lo = job->lo;
    request.hi = job->hi;
    request.descending = job->descending;
    request.order = job->order;
    return select_rows(job, rows, &request, values, indices);
}

int st_job_select_window(st_rank_job *job, const st_job_rows *rows, int64_t lo, int64_t hi, int32_t order, void *values,
                         int64_t *indices) {
    int64_t whole_lo = 0, whole_hi = 0;
    int32_t descending = 0;
    st_job_window(job, rows->cols, &whole_lo, &whole_hi, &descending);
    /* From rank 0 these are the kinds that have kernels of their own. */
    int kind = lo > 0 ? ST_WINDOW : descending ? ST_TOPK : ST_BOTTOMK;
    st_rank_request request;
    st_rank_request_init(&request, kind, rows->rows, rows->cols, hi);
    request.lo = lo;
    request.hi = hi;
    request.descending = kind == ST_WINDOW ? descending : 0;
    request.order = order;
    return select_rows(job, rows, &request, values, indices);
}

int st_job_units(st_rank_job *job, int64_t unit,
                 int (*take)(st_rank_job *job, const void *elements, int64_t units, int64_t first, void *argument),
                 void *argument) {
    char *carry = st_job_allocate(job, unit, job->size);
    int64_t carried = 0, first = 0;
    int status = carry ? ST_CLI_GO : ST_CLI_FAILED;
    while (status == ST_CLI_GO) {
        st_input_block block;
        status = st_input_next(&job->input, &block);
        if (status != ST_CLI_GO || block.count == 0) {
            break;
        }
        const char *at = block.elements;
        int64_t left = block.count;
        if (carried > 0) {
            int64_t part = unit - carried < left ? unit - carried : left;
            memcpy(carry + carried * job->size, at, (size_t)(part * job->size));
            carried += part;
            at += part * job->size;
            left -= part;
            if (carried == unit) {
                status = take(job, carry, 1, first++, argument);
                carried = 0;
            }
        }
        int64_t whole = left / unit;
        if (status == ST_CLI_GO && whole > 0) {
            status = take(job, at, whole, first, argument);
            first += whole;
            at += whole * unit * job->size;
            left -= whole * unit;
        }
        if (status == ST_CLI_GO && left > 0) {
            memcpy(carry + carried * job->size, at, (size_t)(left * job->size));
            carried += left;
        }
    }
    if (status == ST_CLI_GO && carried > 0) {
        status = st_cli_fail(job->command,
                             "%s: ends within a row, %lld elements into row %lld; --cols or --dtype may be wrong",
                             job->input.name, (long long)carried, (long long)first);
    }
    free(carry);
    return status;
}
