/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* rank_setup.c - the options that all commands share which read an input and give a result. */
#include "rank_setup.h"

#include <stdio.h>
#include <string.h>

const char st_setup_notes[] =
    "INPUT is a file, or - for standard input:\n"
    "  .npy       1 to 8 axes, C order, either byte order; --dtype bf16 reads 2-byte void or uint16 as bf16\n"
    "  raw        binary in this machine's byte order, with --dtype and --cols\n"
    "  text       one number a line, or CSV / TSV with --column; a header line is found by itself\n"
    "dtypes: f32 f64 f16 bf16 i8 u8 i16 u16 i32 u32 i64 u64\n"
    "\n"
    "Without -o it prints row, position, index and value: a table on a terminal, tab-separated lines in a pipe.\n";

void st_setup_start(st_setup *setup, const char *command) {
    memset(setup, 0, sizeof *setup);
    setup->command = command;
    setup->input.command = command;
    setup->axis = -1;
}

int32_t st_setup_options(st_setup *setup, st_option *options) {
    const st_option shared[] = {
        {"axis", 0, ST_OPTION_NUMBER, "N", "the axis of a .npy array to go along; -1 (default) is the last",
         &setup->axis, -8, 7, NULL, &setup->axis_given},
        {"output", 'o', ST_OPTION_TEXT, "PREFIX",
         "write PREFIX.values.npy and PREFIX.indices.npy, each whole or\nnot at all", &setup->prefix, 0, 0, NULL, NULL},
        {"json", 0, ST_OPTION_FLAG, NULL, "print one JSON object", &setup->json, 0, 0, NULL, NULL},
        {"dtype", 0, ST_OPTION_TEXT, "DTYPE", "the elements of raw binary; bf16 also for .npy", &setup->dtype, 0, 0,
         NULL, NULL},
        {"cols", 0, ST_OPTION_NUMBER, "N", "elements of a row of raw binary", &setup->input.cols, 1, INT64_MAX, NULL,
         NULL},
        {"column", 0, ST_OPTION_TEXT, "NAME|N", "text: the field with the numbers, by name or from 1",
         &setup->input.column, 0, 0, NULL, NULL},
        {"show", 0, ST_OPTION_TEXT, "NAME|N", "text: a field to print in place of the index", &setup->input.show, 0, 0,
         NULL, NULL},
        {"format", 0, ST_OPTION_WORD, "FORMAT", "auto (default), npy, raw or text", &setup->input.format, 0, 0,
         st_input_formats, NULL},
        {"threads", 0, ST_OPTION_NUMBER, "N", "most threads to use; default: ST_NUM_THREADS, or all CPUs",
         &setup->threads, 1, 4096, NULL, &setup->threads_given},
        {"quiet", 'q', ST_OPTION_FLAG, NULL, "no progress and no notes on standard error", &setup->input.quiet, 0, 0,
         NULL, NULL},
    };
    int32_t count = (int32_t)(sizeof shared / sizeof shared[0]);
    memcpy(options, shared, sizeof shared);
    return count;
}

int st_setup_check(st_setup *setup) {
    if (setup->dtype) {
        setup->input.dtype = st_dtype_from_name(setup->dtype);
        if (!setup->input.dtype) {
            static const char *const names[] = {"f32", "f64", "f16", "bf16", "i8",  "u8", "i16",
                                                "u16", "i32", "u32", "i64",  "u64", NULL};
            const char *nearest = st_options_nearest(setup->dtype, names);
            return st_cli_usage(setup->command,
                                "--dtype: '%s' is not one of f32, f64, f16, bf16, i8, u8, i16, u16, i32, u32, i64, "
                                "u64%s%s%s",
                                setup->dtype, nearest ? "; did you mean '" : "", nearest ? nearest : "",
                                nearest ? "'?" : "");
        }
    }
    if (setup->prefix && !*setup->prefix) {
        return st_cli_usage(setup->command,
                            "-o: the prefix is empty; -o best writes best.values.npy and best.indices.npy");
    }
    if (setup->prefix && setup->json) {
        return st_cli_usage(setup->command,
                            "--json: prints the result, but -o writes it to files; leave one of them out");
    }
    if (setup->prefix && setup->input.show) {
        return st_cli_usage(setup->command,
                            "--show: prints labels, but -o writes numbers to files; leave one of them out");
    }
    return ST_CLI_GO;
}

static void print_warning(void *user, const char *text) {
    const st_setup *setup = user;
    if (!setup->input.quiet) {
        fprintf(stderr, "spiraltorch %s: %s\n", setup->command, text);
    }
}

int st_setup_context(const st_setup *setup, const char *command, st_context **context) {
    st_host host = {.struct_size = sizeof host, .user = (void *)(uintptr_t)setup, .warn = print_warning};
    st_context_options options = {.struct_size = sizeof options, .threads = (int32_t)setup->threads, .host = &host};
    st_status status = st_context_create(&options, context);
    if (status != ST_OK) {
        *context = NULL;
        return st_input_fail(command, status);
    }
    return ST_CLI_GO;
}

int st_setup_device(const char *command, const st_context *context, const char *device) {
    if (!device || strcmp(device, "auto") == 0) {
        return ST_CLI_GO;
    }
    char list[256] = "auto";
    for (int32_t i = 0; i < st_device_count(context); i++) {
        st_device_info info = {.struct_size = sizeof info};
        if (st_device_at(context, i, &info) != ST_OK) {
            continue;
        }
        if (strcmp(info.id, device) == 0) {
            return info.available ? ST_CLI_GO
                                  : st_cli_fail(command, "--device: %s cannot run here: %s", device, info.reason);
        }
        size_t length = strlen(list);
        snprintf(list + length, sizeof list - length, ", %s", info.id);
    }
    return st_cli_usage(command, "--device: '%s' is not in the list of spiraltorch devices; give one of %s", device,
                        list);
}

int st_setup_shape(const st_setup *setup, const st_input *input, st_setup_axes *axes) {
    const st_array_info *info = &input->info;
    if (setup->axis < -info->dims || setup->axis >= info->dims) {
        return st_cli_usage(setup->command, "--axis: %lld is outside the %d axes of %s; give one from %d to %d",
                            (long long)setup->axis, (int)info->dims, input->name, (int)-info->dims,
                            (int)info->dims - 1);
    }
    axes->along = (int32_t)(setup->axis < 0 ? setup->axis + info->dims : setup->axis);
    axes->outer = 1;
    axes->inner = 1;
    axes->cols = info->shape[axes->along];
    int overflows = 0;
    for (int32_t i = 0; i < info->dims; i++) {
        if (i < axes->along) {
            overflows |= info->shape[i] >= 0 && __builtin_mul_overflow(axes->outer, info->shape[i], &axes->outer);
            axes->outer = info->shape[i] < 0 ? -1 : axes->outer;
        } else if (i > axes->along) {
            overflows |= __builtin_mul_overflow(axes->inner, info->shape[i], &axes->inner);
        }
    }
    axes->rows = -1;
    if (axes->outer >= 0) {
        overflows |= __builtin_mul_overflow(axes->outer, axes->inner, &axes->rows);
    }
    if (axes->cols < 0) {
        return st_cli_usage(setup->command,
                            "--axis: %lld goes along the rows of raw binary from a pipe, whose number is not known; "
                            "save it to a file",
                            (long long)setup->axis);
    }
    if (overflows) {
        return st_cli_fail(setup->command, "%s: its shape without axis %d is over 2^63 rows", input->name,
                           (int)axes->along);
    }
    return ST_CLI_GO;
}

const char *st_setup_label_name(const st_setup *setup) {
    int64_t number = 0;
    int is_number = setup->input.show && st_options_number(setup->input.show, 1, INT64_MAX, &number);
    return setup->input.show && !is_number ? setup->input.show : "label";
}
