/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* devices_command.c - what this machine can run on, and what this program is: devices and version. */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "input.h"
#include "options.h"
#include "sink_forms.h"
#include "spiraltorch/spiraltorch.h"

/* ---- devices ----------------------------------------------------------------------------------------------------- */

static void write_device(st_json_writer *json, const st_device_info *info) {
    st_json_begin_object(json);
    st_json_member_string(json, "id", info->id);
    st_json_member_string(json, "backend", info->backend);
    st_json_member_string(json, "name", info->name);
    st_json_member_string(json, "driver", info->driver);
    st_json_member_boolean(json, "available", info->available);
    st_json_member_boolean(json, "software", info->software);
    st_json_member_string(json, "reason", info->reason);
    st_json_key(json, "caps");
    st_json_begin_object(json);
    st_json_member_integer(json, "lanes", info->caps.lanes);
    st_json_member_boolean(json, "subgroup", info->caps.subgroup);
    st_json_member_integer(json, "max_workgroup", info->caps.max_workgroup);
    st_json_member_integer(json, "shared_mem", info->caps.shared_mem);
    st_json_member_integer(json, "compute_units", info->caps.compute_units);
    st_json_member_integer(json, "l2_cache", info->caps.l2_cache);
    st_json_member_integer(json, "l3_cache", info->caps.l3_cache);
    st_json_end_object(json);
    st_json_end_object(json);
}

enum { COLUMNS = 7, CELL = 224 };

static void format_bytes(int64_t bytes, char cell[CELL]) {
    if (bytes <= 0) {
        snprintf(cell, CELL, "-");
    } else if (bytes % 1024 == 0) {
        snprintf(cell, CELL, "%lld KiB", (long long)(bytes / 1024));
    } else {
        snprintf(cell, CELL, "%lld B", (long long)bytes);
    }
}

static void format_device(const st_device_info *info, char cells[COLUMNS][CELL]) {
    snprintf(cells[0], CELL, "%s", info->id);
    snprintf(cells[1], CELL, "%s", *info->name ? info->name : "-");
    snprintf(cells[2], CELL, "%s", info->available ? "yes" : "no");
    snprintf(cells[3], CELL, info->caps.lanes > 0 ? "%d" : "-", (int)info->caps.lanes);
    snprintf(cells[4], CELL, info->caps.max_workgroup > 0 ? "%d" : "-", (int)info->caps.max_workgroup);
    format_bytes(info->caps.shared_mem, cells[5]);
    snprintf(cells[6], CELL, "%s", info->reason);
}

/* Called twice: to find the widths, and to print. */
static int each_device(const st_context *context, int widths[COLUMNS], int prints) {
    static const char *const head[COLUMNS] = {"id", "name", "available", "lanes", "workgroup", "shared memory", "note"};
    for (int32_t i = -1; i < st_device_count(context); i++) {
        char cells[COLUMNS][CELL];
        if (i < 0) {
            for (int column = 0; column < COLUMNS; column++) {
                snprintf(cells[column], CELL, "%s", head[column]);
            }
        } else {
            st_device_info info = {.struct_size = sizeof info};
            st_status status = st_device_at(context, i, &info);
            if (status != ST_OK) {
                return st_input_fail("devices", status);
            }
            format_device(&info, cells);
        }
        for (int column = 0; column < COLUMNS; column++) {
            int length = (int)strlen(cells[column]);
            widths[column] = length > widths[column] ? length : widths[column];
            if (prints && column == COLUMNS - 1) {
                puts(cells[column]);
            } else if (prints && column >= 3) {
                printf("%*s  ", widths[column], cells[column]);
            } else if (prints) {
                printf("%-*s  ", widths[column], cells[column]);
            }
        }
    }
    return ST_CLI_DONE;
}

static int print_devices_json(const st_context *context) {
    st_json_writer json;
    st_json_start(&json, st_sink_json_print, NULL);
    st_json_begin_array(&json);
    for (int32_t i = 0; i < st_device_count(context); i++) {
        st_device_info info = {.struct_size = sizeof info};
        st_status status = st_device_at(context, i, &info);
        if (status != ST_OK) {
            return st_input_fail("devices", status);
        }
        write_device(&json, &info);
    }
    st_json_end_array(&json);
    putchar('\n');
    st_status status = st_json_finish(&json);
    return status == ST_OK || ferror(stdout) ? ST_CLI_DONE : st_input_fail("devices", status);
}

int st_cli_devices(int argc, char **argv) {
    int32_t json = 0;
    const st_option options[] = {
        {"json", 0, ST_OPTION_FLAG, NULL, "print one JSON array", &json, 0, 0, NULL, NULL},
    };
    const st_command command = {
        .name = "devices",
        .usage = "[--json]",
        .about = "Lists what rows can be ranked on here, and for what cannot be used, why not. Lanes are those of a "
                 "subgroup,\n"
                 "or of a CPU's vector register for 32-bit elements; a workgroup's threads are a CPU's workers.\n",
        .examples =
            "  spiraltorch devices\n  spiraltorch devices --json\n  ST_CPU_DISABLE=avx512 spiraltorch devices\n",
        .options = options,
        .option_count = 1,
    };
    int status = st_options_read(&command, argc, argv, NULL);
    if (status != ST_CLI_GO) {
        return status;
    }
    st_context *context = NULL;
    st_status created = st_context_create(NULL, &context);
    if (created != ST_OK) {
        return st_input_fail("devices", created);
    }
    int widths[COLUMNS] = {0};
    status = json ? print_devices_json(context) : each_device(context, widths, 0);
    if (!json && status == ST_CLI_DONE) {
        status = each_device(context, widths, 1);
    }
    st_context_destroy(context);
    return status;
}

/* ---- version ----------------------------------------------------------------------------------------------------- */

/* Features come as lines "name: value". */
static void write_features(st_json_writer *json) {
    st_json_begin_object(json);
    for (const char *line = st_features(); *line;) {
        size_t length = strcspn(line, "\n");
        char text[256];
        snprintf(text, sizeof text, "%.*s", (int)length, line);
        char *colon = strchr(text, ':');
        if (colon) {
            *colon = 0;
            st_json_member_string(json, text, colon[1] == ' ' ? colon + 2 : colon + 1);
        }
        line += length + (line[length] == '\n');
    }
    st_json_end_object(json);
}

int st_cli_version(int argc, char **argv) {
    int32_t json = 0;
    const st_option options[] = {
        {"json", 0, ST_OPTION_FLAG, NULL, "print one JSON object", &json, 0, 0, NULL, NULL},
    };
    const st_command command = {
        .name = "version",
        .usage = "[--json]",
        .about = "Prints the version, and the optional features that this program was built with.\n",
        .examples = "  spiraltorch version\n  spiraltorch version --json\n",
        .options = options,
        .option_count = 1,
    };
    int status = st_options_read(&command, argc, argv, NULL);
    if (status != ST_CLI_GO) {
        return status;
    }
    if (!json) {
        printf("spiraltorch %s\n%s", st_version(), st_features());
        return ST_CLI_DONE;
    }
    st_json_writer writer;
    st_json_start(&writer, st_sink_json_print, NULL);
    st_json_begin_object(&writer);
    st_json_member_string(&writer, "version", st_version());
    st_json_key(&writer, "features");
    write_features(&writer);
    st_json_end_object(&writer);
    putchar('\n');
    st_status finished = st_json_finish(&writer);
    return finished == ST_OK || ferror(stdout) ? ST_CLI_DONE : st_input_fail("version", finished);
}
