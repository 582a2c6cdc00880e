/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* kdsl_eval.c - kdsl eval: what a rule program says of one request. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "caps_option.h"
#include "input.h"
#include "kdsl_command.h"
#include "options.h"
#include "rank_setup.h"
#include "sink_forms.h"

static const char name[] = "kdsl eval";
static const char *const kind_words[] = {"topk", "midk", "bottomk", "window", NULL};
static const int32_t kinds[] = {ST_TOPK, ST_MIDK, ST_BOTTOMK, ST_WINDOW};

typedef struct wish {
    int64_t rows, cols, k, threads;
    int32_t has_rows, has_cols, has_k, kind, sg, json;
    const char *dtype, *device, *caps, *identity;
} wish;

/* What the program says; hard has st_choice_field_count() entries. */
typedef struct verdict {
    st_spiralk_hard *hard;
    st_spiralk_soft *soft;
    int32_t count;
} verdict;

/* ---- printing ---------------------------------------------------------------------------------------------------- */

static int print_json(const verdict *says) {
    st_json_writer json;
    st_json_start(&json, st_sink_json_print, NULL);
    st_json_begin_object(&json);
    st_json_key(&json, "hard");
    st_json_begin_object(&json);
    for (int32_t i = 0; i < st_choice_field_count(); i++) {
        if (says->hard[i].line) {
            st_json_member_number(&json, st_choice_field_at(i)->name, says->hard[i].given);
        }
    }
    st_json_end_object(&json);
    st_json_key(&json, "soft");
    st_json_begin_array(&json);
    for (int32_t i = 0; i < says->count; i++) {
        if (says->soft[i].field >= 0) {
            st_json_begin_object(&json);
            st_json_member_string(&json, "field", st_choice_field_at(says->soft[i].field)->name);
            st_json_member_number(&json, "value", says->soft[i].given);
            st_json_member_number(&json, "weight", says->soft[i].weight);
            st_json_end_object(&json);
        }
    }
    st_json_end_array(&json);
    st_json_end_object(&json);
    if (st_json_finish(&json) != ST_OK) {
        return st_sink_stdout_failed();
    }
    putchar('\n');
    return ST_CLI_DONE;
}

static void print_held(const char *field, double given, int32_t value) {
    char text[32];
    if (given != (double)value) {
        st_format_element(ST_F64, &given, text);
        printf(", for %s, which is outside %s's bounds", text, field);
    }
}

static int print_table(const verdict *says) {
    int32_t decided = 0;
    for (int32_t i = 0; i < st_choice_field_count(); i++) {
        const char *field = st_choice_field_at(i)->name;
        if (says->hard[i].line) {
            printf("%s  %-9s %d  (line %d", decided++ ? "    " : "hard", field, (int)says->hard[i].value,
                   (int)says->hard[i].line);
            print_held(field, says->hard[i].given, says->hard[i].value);
            puts(")");
        }
    }
    if (!decided) {
        puts("hard  nothing");
    }
    for (int32_t i = 0; i < says->count; i++) {
        const st_spiralk_soft *rule = &says->soft[i];
        const char *field = rule->field >= 0 ? st_choice_field_at(rule->field)->name : "penalty";
        char weight[32];
        st_format_element(ST_F64, &rule->weight, weight);
        printf("%s  %-9s ", i ? "    " : "soft", field);
        if (rule->field >= 0) {
            printf("%d  ", (int)rule->value);
        }
        printf("weight %s  (line %d", weight, (int)rule->line);
        if (rule->field >= 0) {
            print_held(field, rule->given, rule->value);
        }
        puts(rule->conditional ? ", where other fields agree)" : ")");
    }
    if (!says->count) {
        puts("soft  nothing");
    }
    return ST_CLI_DONE;
}

/* ---- evaluating -------------------------------------------------------------------------------------------------- */

static int evaluate(const st_program_text *text, const st_spiralk_facts *facts, int json) {
    st_spiralk *program = NULL;
    st_spiralk_error error = {.struct_size = sizeof error};
    st_status compiled = st_spiralk_compile(NULL, text->bytes, text->length, &program, &error);
    if (compiled != ST_OK) {
        return st_kdsl_fail(name, text, compiled, &error);
    }
    int status = ST_CLI_GO;
    uint64_t bytes = st_spiralk_workspace(program);
    void *workspace = malloc((size_t)bytes);
    verdict says = {.hard = calloc((size_t)st_choice_field_count(), sizeof *says.hard),
                    .soft = calloc(ST_SPIRALK_STATEMENTS, sizeof *says.soft)};
    if (!workspace || !says.hard || !says.soft) {
        status = st_cli_fail(name, "out of memory");
    } else if (st_spiralk_evaluate(program, facts, workspace, bytes, says.hard, says.soft, ST_SPIRALK_STATEMENTS,
                                   &says.count) != ST_OK) {
        status = st_cli_fail(name, "%s: %s", text->name, st_last_message());
    } else {
        status = json ? print_json(&says) : print_table(&says);
    }
    free(says.soft);
    free(says.hard);
    free(workspace);
    st_spiralk_free(program);
    return status;
}

/* ---- the request and the device ---------------------------------------------------------------------------------- */

static int check(const wish *want) {
    const char *missing = !want->has_rows ? "--rows" : !want->has_cols ? "--cols" : !want->has_k ? "-k" : NULL;
    if (missing) {
        return st_cli_usage(name, "%s: missing; as in spiraltorch kdsl eval --rows 8 --cols 65536 -k 64 rules.kdsl",
                            missing);
    }
    if (want->k > want->cols) {
        return st_cli_usage(name, "-k: %lld is more than --cols %lld; give at most %lld", (long long)want->k,
                            (long long)want->cols, (long long)want->cols);
    }
    if (want->caps && want->device) {
        return st_cli_usage(name, "--caps: describes hardware, and --device names one that is here; leave one of them "
                                  "out");
    }
    return ST_CLI_GO;
}

/* The caps and the identity of --device, or of the device that auto means. */
static int find_device(const wish *want, st_device_caps *caps, char identity[256]) {
    st_context *context = NULL;
    st_context_options settings = {.struct_size = sizeof settings, .threads = (int32_t)want->threads};
    st_status created = st_context_create(&settings, &context);
    if (created != ST_OK) {
        return st_input_fail(name, created);
    }
    int status = st_setup_device(name, context, want->device);
    st_plan plan;
    if (status == ST_CLI_GO) {
        /* A plan, however small, names the device that auto means. */
        st_rank_request request;
        st_rank_request_init(&request, ST_TOPK, 1, 1, 1);
        st_status planned = st_plan_request(context, &request, want->device, NULL, &plan);
        status = planned == ST_OK ? ST_CLI_GO : st_input_fail(name, planned);
    }
    for (int32_t i = 0; status == ST_CLI_GO && i < st_device_count(context); i++) {
        st_device_info info = {.struct_size = sizeof info};
        if (st_device_at(context, i, &info) == ST_OK && strcmp(info.id, plan.device) == 0) {
            *caps = info.caps;
            st_spiralk_identity(&info, identity);
        }
    }
    st_context_destroy(context);
    return status;
}

static int learn_facts(const wish *want, char identity[256], st_spiralk_facts *facts) {
    st_device_caps caps;
    int status = ST_CLI_GO;
    if (want->caps) {
        status = st_caps_option(name, want->caps, &caps);
        snprintf(identity, 256, "%.*s", (int)strcspn(want->caps, ":,"), want->caps);
    } else {
        status = find_device(want, &caps, identity);
    }
    if (status != ST_CLI_GO) {
        return status;
    }
    /* A device that is named answers for itself; else --sg alone does. */
    if (want->sg || (!want->caps && !want->device)) {
        caps = st_caps_with_subgroup(caps, want->sg);
    }
    st_rank_request request;
    st_rank_request_init(&request, kinds[want->kind], want->rows, want->cols, want->k);
    request.threads = (int32_t)want->threads;
    request.dtype = want->dtype ? st_dtype_from_name(want->dtype) : ST_F32;
    if (!request.dtype) {
        return st_cli_usage(name, "--dtype: '%s' is not one of f32, f64, f16, bf16, i8, u8, i16, u16, i32, u32, i64, "
                                  "u64",
                            want->dtype);
    }
    facts->struct_size = sizeof *facts;
    st_status learned = st_spiralk_facts_of(&request, &caps, want->identity ? want->identity : identity, facts);
    return learned == ST_OK ? ST_CLI_GO : st_input_fail(name, learned);
}

int st_kdsl_eval(int argc, char **argv) {
    wish want = {0};
    const st_option options[] = {
        {"rows", 0, ST_OPTION_NUMBER, "R", "rows of the input", &want.rows, 0, INT64_MAX, NULL, &want.has_rows},
        {"cols", 0, ST_OPTION_NUMBER, "C", "elements of a row", &want.cols, 0, INT64_MAX, NULL, &want.has_cols},
        {"k", 'k', ST_OPTION_NUMBER, "K", "elements to keep of every row", &want.k, 0, INT64_MAX, NULL, &want.has_k},
        {"kind", 0, ST_OPTION_WORD, "KIND", "topk (default), midk, bottomk or window", &want.kind, 0, 0, kind_words,
         NULL},
        {"dtype", 0, ST_OPTION_TEXT, "DTYPE", "the elements: f32 (default) or another", &want.dtype, 0, 0, NULL, NULL},
        {"sg", 0, ST_OPTION_FLAG, NULL, "the device has subgroups", &want.sg, 0, 0, NULL, NULL},
        {"threads", 0, ST_OPTION_NUMBER, "N", "most threads to use; default: ST_NUM_THREADS, or all CPUs",
         &want.threads, 1, 4096, NULL, NULL},
        {"device", 0, ST_OPTION_TEXT, "ID", "the device: auto (default), or an id from spiraltorch devices",
         &want.device, 0, 0, NULL, NULL},
        {"caps", 0, ST_OPTION_TEXT, "CAPS",
         "hardware that need not be here:\nBACKEND:LANES[,sg],WORKGROUP[,smem=BYTES]", &want.caps, 0, 0, NULL, NULL},
        {"identity", 0, ST_OPTION_TEXT, "TEXT", "what device(\"key\") is compared with, in place of the device's own",
         &want.identity, 0, 0, NULL, NULL},
        {"json", 0, ST_OPTION_FLAG, NULL, "print one JSON object", &want.json, 0, 0, NULL, NULL},
    };
    const st_command command = {
        .name = name,
        .usage = "--rows R --cols C -k K [options] FILE",
        .about = "Prints what a rule program says of a request: the fields it sets, and the soft rules and penalties\n"
                 "that can hold for it. FILE may be - for standard input. Without --device or --caps the device is the\n"
                 "one that auto means, with subgroups where --sg says so.\n",
        .notes = st_kdsl_notes,
        .examples = "  spiraltorch kdsl eval --rows 8 --cols 65536 -k 64 --sg ~/.spiraltorch/heur.kdsl\n"
                    "  spiraltorch kdsl eval --rows 1 --cols 1000000 -k 10 --caps cuda:32,1024 --json rules.kdsl\n"
                    "  echo 'tile: sel(c > 32768, 2048, 512)' | spiraltorch kdsl eval --rows 8 --cols 65536 -k 64 -\n",
        .options = options,
        .option_count = (int32_t)(sizeof options / sizeof options[0]),
        .operand = "FILE",
        .operands_low = 1,
        .operands_high = 1,
    };
    const char *path = NULL;
    char identity[256] = "";
    st_spiralk_facts facts;
    st_program_text text;
    int status = st_options_read(&command, argc, argv, &path);
    status = status == ST_CLI_GO ? check(&want) : status;
    status = status == ST_CLI_GO ? learn_facts(&want, identity, &facts) : status;
    status = status == ST_CLI_GO ? st_program_text_read(name, path, &text) : status;
    if (status != ST_CLI_GO) {
        return status;
    }
    status = evaluate(&text, &facts, want.json);
    free(text.bytes);
    return status;
}
