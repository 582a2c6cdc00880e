/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* table_command.c - measured tables: looked over, made into a C header, installed, removed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "input.h"
#include "interrupt.h"
#include "options.h"
#include "sink_forms.h"
#include "table_report.h"

typedef struct wish {
    const char *file, *header, *name;
    int32_t install, trust, installed, removes, json;
} wish;

static int check(const wish *want) {
    if (want->installed && want->removes) {
        return st_cli_usage("table", "--installed shows the table that --remove takes away; give one of them");
    }
    const char *alone = want->installed ? "--installed" : want->removes ? "--remove" : NULL;
    if (alone && (want->file || want->install || (want->removes && want->header))) {
        return st_cli_usage("table", "%s: is for the installed table; leave %s out", alone,
                            want->file ? "FILE" : want->install ? "--install" : "--header");
    }
    if (!alone && !want->file) {
        return st_cli_usage("table", "FILE: missing; give a table such as tuner.json, or --installed");
    }
    if (want->trust && !want->install) {
        return st_cli_usage("table", "--trust: says how to install; add --install");
    }
    if (want->name && !want->header) {
        return st_cli_usage("table", "--name: is the prefix of a header's names; add --header");
    }
    return ST_CLI_GO;
}

/* ---- the header -------------------------------------------------------------------------------------------------- */

static int print_to(const char *path, const char *text, uint64_t length) {
    if (strcmp(path, "-") == 0) {
        fwrite(text, 1, (size_t)length, stdout);
        return ST_CLI_GO;
    }
    st_status status = st_file_write(NULL, path, text, length);
    return status == ST_OK ? ST_CLI_GO : st_input_fail("table", status);
}

static int write_header(const st_table *table, const wish *want) {
    uint64_t length = 0;
    st_status status = st_table_header(table, want->name, NULL, 0, &length);
    if (status != ST_OK) {
        return st_input_fail("table", status);
    }
    char *text = malloc((size_t)length + 1);
    if (!text) {
        return st_cli_fail("table", "out of memory");
    }
    status = st_table_header(table, want->name, text, length + 1, &length);
    int done = status == ST_OK ? print_to(want->header, text, length) : st_input_fail("table", status);
    free(text);
    return done;
}

/* ---- the installed table ----------------------------------------------------------------------------------------- */

static int remove_installed(const char *path, int32_t json) {
    FILE *there = fopen(path, "rb");
    if (there) {
        fclose(there);
    }
    st_status status = st_table_remove_installed();
    if (status != ST_OK) {
        return st_input_fail("table", status);
    }
    if (json) {
        st_json_writer writer;
        st_json_start(&writer, st_sink_json_print, NULL);
        st_json_begin_object(&writer);
        st_json_member_string(&writer, "removed", there ? path : NULL);
        st_json_end_object(&writer);
        putchar('\n');
        (void)st_json_finish(&writer);
    } else {
        printf(there ? "removed %s\n" : "no table is installed; %s is where one would be\n", path);
    }
    return ST_CLI_DONE;
}

static int none_installed(const char *path, int32_t json) {
    if (!json) {
        printf("no table is installed; %s is where one would be\n", path);
        return ST_CLI_DONE;
    }
    st_json_writer writer;
    st_json_start(&writer, st_sink_json_print, NULL);
    st_json_begin_object(&writer);
    st_json_member_string(&writer, "file", NULL);
    st_json_member_integer(&writer, "entries", 0);
    st_json_end_object(&writer);
    putchar('\n');
    (void)st_json_finish(&writer);
    return ST_CLI_DONE;
}

static int work_on(const st_table *table, const wish *want, const char *path) {
    st_table_done done = {.file = want->installed ? path : strcmp(want->file, "-") == 0 ? "standard input" : want->file};
    if (want->header) {
        int status = write_header(table, want);
        if (status != ST_CLI_GO) {
            return status;
        }
        if (strcmp(want->header, "-") == 0) {
            return ST_CLI_DONE;
        }
        done.header = want->header;
    }
    if (want->install) {
        st_status status = st_table_install(table, want->trust);
        if (status != ST_OK) {
            return st_input_fail("table", status);
        }
        done.installed = path;
        /* How the entries stand depends on the trust that they were just installed with. */
        st_table *installed = NULL;
        status = st_table_read_installed(NULL, &installed, NULL);
        int shown = status == ST_OK ? st_table_print(installed, &done, want->json) : st_input_fail("table", status);
        st_table_close(installed);
        return shown;
    }
    return st_table_print(table, &done, want->json);
}

/* ---- the command ------------------------------------------------------------------------------------------------- */

int st_cli_table(int argc, char **argv) {
    wish want = {0};
    const st_option options[] = {
        {"header", 0, ST_OPTION_TEXT, "OUT",
         "write the table as a C header: chains of comparisons that need\nno library; - is standard output, without the report",
         &want.header, 0, 0, NULL, NULL},
        {"name", 0, ST_OPTION_TEXT, "PREFIX", "what the header's names begin with; st_table where it is not given", &want.name,
         0, 0, NULL, NULL},
        {"install", 0, ST_OPTION_FLAG, NULL, "use the table from now on, in place of the one that is installed", &want.install,
         0, 0, NULL, NULL},
        {"trust", 0, ST_OPTION_FLAG, NULL, "with --install: its entries count as measured on this machine,\nwherever they are from",
         &want.trust, 0, 0, NULL, NULL},
        {"installed", 0, ST_OPTION_FLAG, NULL, "look at the installed table in place of a FILE", &want.installed, 0, 0, NULL,
         NULL},
        {"remove", 0, ST_OPTION_FLAG, NULL, "remove the installed table", &want.removes, 0, 0, NULL, NULL},
        {"json", 0, ST_OPTION_FLAG, NULL, "print one JSON object", &want.json, 0, 0, NULL, NULL},
    };
    const st_command command = {
        .name = "table",
        .usage = "FILE [--header OUT [--name PREFIX]] [--install [--trust]] [--json]",
        .about = "Looks over a table of measured choices, as spiraltorch tune writes it: what it has entries for, on which\n"
                 "devices they were measured, where entries leave gaps, and where two are for the same. FILE is JSON, an\n"
                 "array of entries; - is standard input.\n\n"
                 "An installed table is asked for every plan. Its entries count as measurements where they name this very\n"
                 "device, its driver and the present kernels; all others are hints of little weight, unless the table was\n"
                 "installed with --trust. spiraltorch plan --explain says which entry was found, and how it stands.\n",
        .notes = "The installed table is tuner.json in $SPIRALTORCH_HOME, or in ~/.spiraltorch.\n",
        .examples = "  spiraltorch table tuner.json                    what is in it\n"
                    "  spiraltorch table tuner.json --install          use it from now on\n"
                    "  spiraltorch table --installed\n"
                    "  spiraltorch table tuner.json --header choose.h --name my_gpu\n"
                    "  spiraltorch table --remove\n",
        .options = options,
        .option_count = (int32_t)(sizeof options / sizeof options[0]),
        .operand = "FILE",
        .operands_low = 0,
        .operands_high = 1,
    };
    int status = st_options_read(&command, argc, argv, &want.file);
    if (status != ST_CLI_GO || (status = check(&want)) != ST_CLI_GO) {
        return status;
    }
    char path[4096] = "";
    if (want.install || want.installed || want.removes) {
        st_status placed = st_table_installed_path(path);
        if (placed != ST_OK) {
            return st_input_fail("table", placed);
        }
    }
    if (want.removes) {
        return remove_installed(path, want.json);
    }
    st_table *table = NULL;
    st_interrupt_watch();
    st_interrupt_wait_begin(); /* a pipe may never end */
    st_status read =
        want.installed ? st_table_read_installed(NULL, &table, NULL) : st_table_read_file(NULL, want.file, &table, NULL);
    st_interrupt_wait_end();
    if (read != ST_OK) {
        return st_input_fail("table", read);
    }
    status = table ? work_on(table, &want, path) : none_installed(path, want.json);
    st_table_close(table);
    return status;
}
