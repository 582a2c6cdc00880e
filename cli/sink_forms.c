/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* sink_forms.c - results as a table for a person, lines for a program, or JSON. */
#include "sink_forms.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "interrupt.h"
#include "options.h"

int st_sink_stdout_failed(void) {
    int cause = errno;
    st_cli_output_failed(cause);
    return cause == EPIPE ? ST_CLI_DONE : ST_CLI_FAILED;
}

/* ---- tables and lines -------------------------------------------------------------------------------------------- */

static int digits(int64_t number) {
    int count = 1;
    for (; number > 9; number /= 10) {
        count++;
    }
    return count;
}

/* Characters on a terminal, as far as one code point is one. */
static int characters(const char *text) {
    int count = 0;
    for (; *text; text++) {
        count += ((unsigned char)*text & 0xc0) != 0x80;
    }
    return count;
}

static void widen(int *width, int needed) { *width = needed > *width ? needed : *width; }

static void measure(st_sink *sink, int64_t count, const void *values, const int64_t *indices,
                    const char *const *labels) {
    char text[32];
    int64_t size = st_dtype_size(sink->options.dtype);
    widen(&sink->widths[0], digits(sink->row));
    widen(&sink->widths[1], digits(sink->position + count - 1));
    for (int64_t i = 0; i < count; i++) {
        widen(&sink->widths[2], sink->options.labels ? characters(labels[i]) : digits(indices[i]));
        widen(&sink->widths[3], st_format_element(sink->options.dtype, (const char *)values + i * size, text));
    }
}

static void print_header(st_sink *sink) {
    const st_sink_options *options = &sink->options;
    const char *name = options->labels ? options->label_name : "index";
    widen(&sink->widths[0], 3);
    widen(&sink->widths[0], options->rows > 0 ? digits(options->rows - 1) : 0);
    widen(&sink->widths[1], 8);
    widen(&sink->widths[2], options->labels ? characters(name) : 5);
    widen(&sink->widths[2], options->cols > 0 && !options->labels ? digits(options->cols - 1) : 0);
    widen(&sink->widths[3], 5);
    printf("%*s  %*s  ", sink->widths[0], "row", sink->widths[1], "position");
    int pad = sink->widths[2] - characters(name);
    if (options->labels) {
        printf("%s%*s", name, pad, "");
    } else {
        printf("%*s%s", pad, "", name);
    }
    printf("  %*s\n", sink->widths[3], "value");
    sink->header = 1;
}

/* A label must stay one field of one line, and not steer a terminal. */
static void print_label(const char *text, int is_table) {
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;
        putchar(byte >= 32 && byte != 127                      ? byte
                : is_table                                     ? '?'
                : byte == '\t' || byte == '\n' || byte == '\r' ? ' '
                                                               : byte);
    }
}

static int print_piece(st_sink *sink, int64_t count, const void *values, const int64_t *indices,
                       const char *const *labels) {
    int is_table = sink->form == ST_SINK_TABLE;
    if (is_table) {
        measure(sink, count, values, indices, labels);
        if (sink->options.progress) {
            st_progress_hide(sink->options.progress);
        }
        if (!sink->header) {
            print_header(sink);
        }
    }
    int64_t size = st_dtype_size(sink->options.dtype);
    for (int64_t i = 0; i < count; i++) {
        char row[32], position[32], index[32] = "", value[32];
        int64_t place = sink->position + i;
        st_format_element(ST_I64, &sink->row, row);
        st_format_element(ST_I64, &place, position);
        st_format_element(ST_I64, &indices[i], index);
        st_format_element(sink->options.dtype, (const char *)values + i * size, value);
        if (!is_table) {
            fputs(row, stdout);
            putchar('\t');
            fputs(position, stdout);
            putchar('\t');
            if (sink->options.labels) {
                print_label(labels[i], 0);
            } else {
                fputs(index, stdout);
            }
            putchar('\t');
            fputs(value, stdout);
            putchar('\n');
        } else if (sink->options.labels) {
            printf("%*s  %*s  ", sink->widths[0], row, sink->widths[1], position);
            print_label(labels[i], 1);
            printf("%*s  %*s\n", sink->widths[2] - characters(labels[i]), "", sink->widths[3], value);
        } else {
            printf("%*s  %*s  %*s  %*s\n", sink->widths[0], row, sink->widths[1], position, sink->widths[2], index,
                   sink->widths[3], value);
        }
        if (i % 1024 == 0 && st_cli_interrupted()) {
            return ST_CLI_INTERRUPTED;
        }
        if (ferror(stdout)) {
            return st_sink_stdout_failed();
        }
    }
    return ST_CLI_GO;
}

int st_sink_print(st_sink *sink, int64_t count, const void *values, const int64_t *indices, const char *const *labels) {
    st_interrupt_wait_begin(); /* for whoever reads at the other end */
    int status = print_piece(sink, count, values, indices, labels);
    st_interrupt_wait_end();
    return status;
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

int32_t st_sink_json_print(void *user, const char *text, uint64_t bytes) {
    (void)user;
    return fwrite(text, 1, (size_t)bytes, stdout) == bytes ? 0 : -1;
}

/* Rows of what was gathered; `write` writes the next element and returns 0. */
static int write_matrix(st_sink *sink, st_json_writer *json, const char *key,
                        int (*write)(st_sink *sink, st_json_writer *json)) {
    sink->counts.read = 0;
    st_json_key(json, key);
    st_json_begin_array(json);
    for (int64_t row = 0; row < sink->row; row++) {
        int64_t count = sink->options.width;
        if (count < 0 && st_spill_read(&sink->counts, &count, sizeof count) != 0) {
            return -1;
        }
        st_json_begin_array(json);
        for (int64_t i = 0; i < count && !json->failed; i++) {
            if (write(sink, json) != 0) {
                return -1;
            }
        }
        st_json_end_array(json);
        if (json->failed || st_cli_interrupted()) {
            break;
        }
    }
    st_json_end_array(json);
    return 0;
}

static int write_index(st_sink *sink, st_json_writer *json) {
    int64_t index = 0;
    if (st_spill_read(&sink->indices, &index, sizeof index) != 0) {
        return -1;
    }
    st_json_integer(json, index);
    return 0;
}

static int write_value(st_sink *sink, st_json_writer *json) {
    char element[8] = {0};
    if (st_spill_read(&sink->values, element, (size_t)st_dtype_size(sink->options.dtype)) != 0) {
        return -1;
    }
    st_json_element(json, sink->options.dtype, element);
    return 0;
}

static int write_label(st_sink *sink, st_json_writer *json) {
    uint64_t length = 0;
    if (st_spill_read(&sink->labels, &length, sizeof length) != 0) {
        return -1;
    }
    char *text = malloc((size_t)length + 1);
    if (!text) {
        errno = ENOMEM;
        return -1;
    }
    int failed = st_spill_read(&sink->labels, text, (size_t)length);
    text[failed ? 0 : length] = 0;
    st_json_string(json, text);
    free(text);
    return failed;
}

static int write_counts(st_sink *sink, st_json_writer *json) {
    st_json_key(json, "counts");
    st_json_begin_array(json);
    for (int64_t row = 0; row < sink->row && !json->failed; row++) {
        int64_t count = 0;
        if (st_spill_read(&sink->counts, &count, sizeof count) != 0) {
            return -1;
        }
        st_json_integer(json, count);
    }
    st_json_end_array(json);
    return 0;
}

static int print_json(st_sink *sink) {
    st_json_writer json;
    st_json_start(&json, st_sink_json_print, NULL);
    st_json_begin_object(&json);
    st_json_member_integer(&json, "rows", sink->row);
    int failed = 0;
    if (sink->options.width >= 0) {
        st_json_member_integer(&json, "k", sink->options.width);
    } else {
        failed = write_counts(sink, &json);
    }
    failed = failed || write_matrix(sink, &json, "indices", write_index) != 0;
    failed = failed || write_matrix(sink, &json, "values", write_value) != 0;
    if (sink->options.labels) {
        failed = failed || write_matrix(sink, &json, "labels", write_label) != 0;
    }
    st_json_end_object(&json);
    if (st_cli_interrupted()) {
        return ST_CLI_INTERRUPTED;
    }
    if (failed) {
        return st_cli_fail(sink->options.command, "reading back what was kept of the results: %s", strerror(errno));
    }
    putchar('\n');
    if (ferror(stdout)) {
        return st_sink_stdout_failed();
    }
    st_status status = st_json_finish(&json);
    return status == ST_OK ? ST_CLI_GO : st_input_fail(sink->options.command, status);
}

int st_sink_json(st_sink *sink) {
    st_interrupt_wait_begin();
    int status = print_json(sink);
    st_interrupt_wait_end();
    return status;
}
