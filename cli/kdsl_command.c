/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* kdsl_command.c - rule programs: kdsl check, and the way to kdsl eval and kdsl fmt. */
#include "kdsl_command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "input.h"
#include "options.h"
#include "sink_forms.h"

const char st_kdsl_notes[] =
    "A program has a statement a line, or several with ; between them; # begins a comment:\n"
    "  tile: sel(c > 32768, 2048, 512)           sets a field, whatever else is known\n"
    "  soft(mk, 2, 0.25, sg && k <= 128)         speaks for mk 2, with weight 0.25, where the condition holds\n"
    "  penalty_if(mk == 2 && tile > 1024, 0.1)   speaks against what fulfils the condition\n"
    "fields:    mk mkd use_2ce (u2) wg kl ch tile ctile midk bottomk tile_cols radix segments, and algo\n"
    "request:   r c k (rows, columns, k), kc, eb, threads, float, int, topk, midk_kind, bottomk_kind\n"
    "device:    sg sgc lanes wgmax smem cu, cpu, wgpu, cuda, hip, mps, device(\"key\")\n"
    "functions: sel(condition, a, b) log2 min max clamp(x, lo, hi) floor ceil band(x, lo, hi)\n"
    "operators: || && == != < <= > >= + - * / % !, loosest first, and parentheses\n";

/* ---- what all share ---------------------------------------------------------------------------------------------- */

int st_kdsl_fail(const char *command, const st_program_text *text, st_status status, const st_spiralk_error *error) {
    if (status != ST_E_FORMAT) {
        return st_cli_fail(command, "%s: %s", text->name, st_last_message());
    }
    st_cli_fail(command, "%s:%d:%d: %s", text->name, (int)error->line, (int)error->column, error->message);
    if (*error->excerpt) {
        fprintf(stderr, "  %s\n  %*s^\n", error->excerpt, (int)error->caret, "");
    }
    return ST_CLI_FAILED;
}

/* ---- check ------------------------------------------------------------------------------------------------------- */

static int print_json(const st_spiralk_counts *counts, const st_spiralk_error *error) {
    st_json_writer json;
    st_json_start(&json, st_sink_json_print, NULL);
    st_json_begin_object(&json);
    st_json_member_boolean(&json, "valid", counts != NULL);
    if (counts) {
        st_json_member_integer(&json, "hard", counts->hard);
        st_json_member_integer(&json, "soft", counts->soft);
        st_json_member_integer(&json, "penalties", counts->penalties);
    } else {
        st_json_member_integer(&json, "line", error->line);
        st_json_member_integer(&json, "column", error->column);
        st_json_member_string(&json, "message", error->message);
        st_json_member_string(&json, "expected", error->expected);
        st_json_member_string(&json, "suggestion", error->suggestion);
    }
    st_json_end_object(&json);
    if (st_json_finish(&json) != ST_OK) {
        return st_sink_stdout_failed();
    }
    putchar('\n');
    return counts ? ST_CLI_DONE : ST_CLI_FAILED;
}

static int check(int argc, char **argv) {
    static const char name[] = "kdsl check";
    int32_t json = 0;
    const st_option options[] = {
        {"json", 0, ST_OPTION_FLAG, NULL, "print one JSON object; an error is in it, and the exit status is 1", &json,
         0, 0, NULL, NULL},
    };
    const st_command command = {
        .name = name,
        .usage = "[--json] FILE",
        .about = "Says whether a rule program is one, and what is in it; else where it goes wrong, what was expected,\n"
                 "and, where a name looks misspelt, the one that was probably meant. FILE may be - for standard input.\n",
        .notes = st_kdsl_notes,
        .examples = "  spiraltorch kdsl check ~/.spiraltorch/heur.kdsl\n"
                    "  echo 'mk: sel(sg && k <= 128, 2, 1)' | spiraltorch kdsl check -\n",
        .options = options,
        .option_count = (int32_t)(sizeof options / sizeof options[0]),
        .operand = "FILE",
        .operands_low = 1,
        .operands_high = 1,
    };
    const char *path = NULL;
    st_program_text text;
    int status = st_options_read(&command, argc, argv, &path);
    status = status == ST_CLI_GO ? st_program_text_read(name, path, &text) : status;
    if (status != ST_CLI_GO) {
        return status;
    }
    st_spiralk *program = NULL;
    st_spiralk_error error = {.struct_size = sizeof error};
    st_spiralk_counts counts = {.struct_size = sizeof counts};
    st_status compiled = st_spiralk_compile(NULL, text.bytes, text.length, &program, &error);
    compiled = compiled == ST_OK ? st_spiralk_count(program, &counts) : compiled;
    if (json && (compiled == ST_OK || compiled == ST_E_FORMAT)) {
        status = print_json(compiled == ST_OK ? &counts : NULL, &error);
    } else if (compiled == ST_OK) {
        printf("%s: %d hard statement%s, %d soft rule%s, %d penalt%s\n", text.name, (int)counts.hard,
               counts.hard == 1 ? "" : "s", (int)counts.soft, counts.soft == 1 ? "" : "s", (int)counts.penalties,
               counts.penalties == 1 ? "y" : "ies");
        status = ST_CLI_DONE;
    } else {
        status = st_kdsl_fail(name, &text, compiled, &error);
    }
    st_spiralk_free(program);
    free(text.bytes);
    return status;
}

/* ---- fmt --------------------------------------------------------------------------------------------------------- */

static int write_layout(const char *name, const char *path, int in_place, const st_program_text *text, const char *out,
                        uint64_t length) {
    if (!in_place) {
        fwrite(out, 1, (size_t)length, stdout);
        return ST_CLI_DONE;
    }
    /* A file that is laid out already keeps its time of change. */
    if (length == text->length && memcmp(out, text->bytes, text->length) == 0) {
        return ST_CLI_DONE;
    }
    st_status status = st_file_write(NULL, path, out, length);
    return status == ST_OK ? ST_CLI_DONE : st_input_fail(name, status);
}

static int lay_out(int argc, char **argv) {
    static const char name[] = "kdsl fmt";
    int32_t in_place = 0;
    const st_option options[] = {
        {"in-place", 'i', ST_OPTION_FLAG, NULL,
         "replace the file by the result, whole or not at all, in place of\nprinting it", &in_place, 0, 0, NULL, NULL},
    };
    const st_command command = {
        .name = name,
        .usage = "[-i] FILE",
        .about = "Lays out a rule program: a statement a line, even spacing, comments kept, line breaks within\n"
                 "parentheses kept. It means the same afterwards, and doing it again changes nothing. FILE may be -\n"
                 "for standard input. A program with an error is left alone.\n",
        .examples = "  spiraltorch kdsl fmt -i ~/.spiraltorch/heur.kdsl\n"
                    "  echo 'u2:(c>32768)||(k>128); ch:sel(c>16384,8192,0)' | spiraltorch kdsl fmt -\n",
        .options = options,
        .option_count = (int32_t)(sizeof options / sizeof options[0]),
        .operand = "FILE",
        .operands_low = 1,
        .operands_high = 1,
    };
    const char *path = NULL;
    st_program_text text;
    int status = st_options_read(&command, argc, argv, &path);
    if (status == ST_CLI_GO && in_place && strcmp(path, "-") == 0) {
        return st_cli_usage(name, "-i: standard input cannot be replaced; name a file");
    }
    status = status == ST_CLI_GO ? st_program_text_read(name, path, &text) : status;
    if (status != ST_CLI_GO) {
        return status;
    }
    st_spiralk_error error = {.struct_size = sizeof error};
    uint64_t length = 0;
    char *out = malloc(ST_SPIRALK_BYTES);
    st_status formatted =
        out ? st_spiralk_format(NULL, text.bytes, text.length, out, ST_SPIRALK_BYTES, &length, &error) : ST_E_MEMORY;
    if (formatted == ST_OK) {
        status = write_layout(name, path, in_place, &text, out, length);
    } else {
        status = out ? st_kdsl_fail(name, &text, formatted, &error) : st_cli_fail(name, "out of memory");
    }
    free(out);
    free(text.bytes);
    return status;
}

/* ---- the command ------------------------------------------------------------------------------------------------- */

static const char *const parts[] = {"check", "eval", "fmt", NULL};

int st_cli_kdsl(int argc, char **argv) {
    static int (*const runs[])(int, char **) = {check, st_kdsl_eval, lay_out};
    const st_command command = {
        .name = "kdsl",
        .usage = "check|eval|fmt [options] FILE",
        .about = "Works with programs of SpiralK, the language of rules that say which choice suits which request:\n"
                 "  check     is it a program; if not, where and why\n"
                 "  eval      what it says of one request\n"
                 "  fmt       lays it out\n"
                 "FILE may be - for standard input. Each explains itself: spiraltorch kdsl eval --help\n",
        .notes = st_kdsl_notes,
        .examples = "  spiraltorch kdsl check ~/.spiraltorch/heur.kdsl\n"
                    "  spiraltorch kdsl eval --rows 8 --cols 65536 -k 64 --sg ~/.spiraltorch/heur.kdsl\n"
                    "  echo 'u2:(c>32768)||(k>128); ch:sel(c>16384,8192,0)' | spiraltorch kdsl fmt -\n",
    };
    const char *part = argc > 1 ? argv[1] : NULL;
    if (!part) {
        return st_cli_usage("kdsl", "check, eval or fmt: missing; usage: spiraltorch kdsl %s", command.usage);
    }
    if (part[0] == '-') {
        /* Nothing but --help can stand here: everything else belongs to a part. */
        char *arguments[] = {argv[0], argv[1], NULL};
        int status = st_options_read(&command, 2, arguments, NULL);
        if (status != ST_CLI_GO) {
            return status;
        }
    }
    for (int i = 0; parts[i]; i++) {
        if (strcmp(part, parts[i]) == 0) {
            return runs[i](argc - 1, argv + 1);
        }
    }
    const char *nearest = st_options_nearest(part, parts);
    if (nearest) {
        return st_cli_usage("kdsl", "'%s' is not one of check, eval, fmt; did you mean '%s'?", part, nearest);
    }
    return st_cli_usage("kdsl", "'%s' is not one of check, eval, fmt", part);
}
