/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* plan_command.c - how a request would be run, on this machine or for hardware that is elsewhere. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "caps_option.h"
#include "commands.h"
#include "input.h"
#include "options.h"
#include "rank_setup.h"
#include "spiraltorch/spiraltorch.h"

static const char *const kind_words[] = {"topk", "midk", "bottomk", "window", NULL};
static const int32_t kinds[] = {ST_TOPK, ST_MIDK, ST_BOTTOMK, ST_WINDOW};
static const char *const nan_words[] = {"greatest", "least", "last", "error", NULL};

/* ---- printing ---------------------------------------------------------------------------------------------------- */

static int print_explanation(st_context *context, const st_rank_request *request, const char *device,
                             const st_device_caps *caps, int32_t json) {
    uint64_t capacity = 16384, length = 0;
    char *text = malloc((size_t)capacity);
    st_status status =
        text ? st_plan_explain(context, request, device, caps, json, text, capacity, &length) : ST_E_MEMORY;
    if (status == ST_E_CAPACITY) {
        capacity = length + 1;
        char *longer = realloc(text, (size_t)capacity);
        if (longer) {
            text = longer;
            status = st_plan_explain(context, request, device, caps, json, text, capacity, &length);
        } else {
            status = ST_E_MEMORY;
        }
    }
    if (status == ST_OK) {
        fputs(text, stdout);
        if (length == 0 || text[length - 1] != '\n') {
            putchar('\n');
        }
    }
    int had_memory = text != NULL;
    free(text);
    return status == ST_OK ? ST_CLI_DONE
           : had_memory    ? st_input_fail("plan", status)
                           : st_cli_fail("plan", "out of memory");
}

static int print_line(st_context *context, const st_rank_request *request, const char *device,
                      const st_device_caps *caps) {
    static const char *const sources[] = {"fallback", "table", "softlogic", "dsl", "caller"};
    st_plan plan = {.struct_size = sizeof plan};
    st_status status = st_plan_request(context, request, device, caps, &plan);
    if (status != ST_OK) {
        return st_input_fail("plan", status);
    }
    printf("%s ", plan.kernel);
    for (int32_t i = 0; i < st_choice_field_count(); i++) {
        const st_choice_field *field = st_choice_field_at(i);
        int32_t value = 0;
        memcpy(&value, (const char *)&plan.choice + field->offset, sizeof value);
        printf(" %s=%d", field->name, (int)value);
    }
    char predicted[32];
    double whole = (double)(int64_t)(plan.predicted_ns + 0.5);
    st_format_element(ST_F64, plan.predicted_ns < 1e15 ? &whole : &plan.predicted_ns, predicted);
    printf("  predicted %s ns, from %s\n", predicted,
           plan.source >= 0 && plan.source < 5 ? sources[plan.source] : "elsewhere");
    return ST_CLI_DONE;
}

static void print_warning(void *user, const char *text) {
    (void)user;
    fprintf(stderr, "spiraltorch plan: %s\n", text);
}

/* ---- the command ------------------------------------------------------------------------------------------------- */

typedef struct wish {
    int32_t kind, nan_rule, descending, unsorted, explain, json;
    int32_t has_kind, has_rows, has_cols, has_k, has_lo, has_hi;
    int64_t rows, cols, k, lo, hi, threads;
    const char *dtype, *device, *caps;
} wish;

static int check(const wish *want) {
    const char *missing = !want->has_kind ? "--kind" : !want->has_rows ? "--rows" : !want->has_cols ? "--cols" : NULL;
    int is_window = want->has_kind && kinds[want->kind] == ST_WINDOW;
    if (!missing && is_window) {
        missing = !want->has_lo ? "--lo" : !want->has_hi ? "--hi" : NULL;
    } else if (!missing && !want->has_k) {
        missing = "-k";
    }
    if (missing) {
        return st_cli_usage("plan", "%s: missing; as in spiraltorch plan --kind topk --rows 8 --cols 65536 -k 64",
                            missing);
    }
    if (!is_window && (want->has_lo || want->has_hi || want->descending)) {
        return st_cli_usage("plan", "--%s: is for --kind window alone; leave it out",
                            want->has_lo   ? "lo"
                            : want->has_hi ? "hi"
                                           : "descending");
    }
    if (is_window && want->has_k) {
        return st_cli_usage("plan", "-k: a window is given by --lo and --hi; leave -k out");
    }
    if (!is_window && want->k > want->cols) {
        return st_cli_usage("plan", "-k: %lld is more than --cols %lld; give at most %lld", (long long)want->k,
                            (long long)want->cols, (long long)want->cols);
    }
    if (is_window && (want->lo > want->hi || want->hi > want->cols)) {
        return st_cli_usage("plan", "--hi: %lld does not lie between --lo %lld and --cols %lld", (long long)want->hi,
                            (long long)want->lo, (long long)want->cols);
    }
    if (want->caps && want->device) {
        return st_cli_usage("plan",
                            "--caps: describes hardware, and --device names one that is here; leave one of them out");
    }
    return ST_CLI_GO;
}

int st_cli_plan(int argc, char **argv) {
    wish want = {0};
    const st_option options[] = {
        {"kind", 0, ST_OPTION_WORD, "KIND", "topk, midk, bottomk or window", &want.kind, 0, 0, kind_words,
         &want.has_kind},
        {"rows", 0, ST_OPTION_NUMBER, "R", "rows of the input", &want.rows, 0, INT64_MAX, NULL, &want.has_rows},
        {"cols", 0, ST_OPTION_NUMBER, "C", "elements of a row", &want.cols, 0, INT64_MAX, NULL, &want.has_cols},
        {"k", 'k', ST_OPTION_NUMBER, "K", "elements to keep of every row", &want.k, 0, INT64_MAX, NULL, &want.has_k},
        {"lo", 0, ST_OPTION_NUMBER, "LO", "window: first rank", &want.lo, 0, INT64_MAX, NULL, &want.has_lo},
        {"hi", 0, ST_OPTION_NUMBER, "HI", "window: the rank after the last", &want.hi, 0, INT64_MAX, NULL,
         &want.has_hi},
        {"descending", 0, ST_OPTION_FLAG, NULL, "window: ranks from the largest element down", &want.descending, 0, 0,
         NULL, NULL},
        {"dtype", 0, ST_OPTION_TEXT, "DTYPE", "the elements: f32 (default) or another", &want.dtype, 0, 0, NULL, NULL},
        {"nan", 0, ST_OPTION_WORD, "RULE", "where NaN ranks: greatest (default), least, last, error", &want.nan_rule, 0,
         0, nan_words, NULL},
        {"unsorted", 0, ST_OPTION_FLAG, NULL, "the result in index order", &want.unsorted, 0, 0, NULL, NULL},
        {"threads", 0, ST_OPTION_NUMBER, "N", "most threads to use; default: ST_NUM_THREADS, or all CPUs",
         &want.threads, 1, 4096, NULL, NULL},
        {"device", 0, ST_OPTION_TEXT, "ID", "the device: auto (default), or an id from spiraltorch devices",
         &want.device, 0, 0, NULL, NULL},
        {"caps", 0, ST_OPTION_TEXT, "CAPS",
         "hardware that need not be here:\nBACKEND:LANES[,sg],WORKGROUP[,smem=BYTES]", &want.caps, 0, 0, NULL, NULL},
        {"explain", 0, ST_OPTION_FLAG, NULL, "say how the choice was made", &want.explain, 0, 0, NULL, NULL},
        {"json", 0, ST_OPTION_FLAG, NULL, "print one JSON object, explanation included", &want.json, 0, 0, NULL, NULL},
    };
    const st_command command = {
        .name = "plan",
        .usage = "--kind KIND --rows R --cols C -k K [options]",
        .about = "Prints the kernel that would run for a request, and the choice behind it; with --explain also each\n"
                 "source's proposal, what was adjusted to the device, and the time the device model expects.\n",
        .examples = "  spiraltorch plan --kind topk --rows 8 --cols 65536 -k 64\n"
                    "  spiraltorch plan --kind bottomk --rows 1000 --cols 60000 -k 10 --explain\n"
                    "  spiraltorch plan --kind window --rows 1 --cols 1000000 --lo 100 --hi 200 --descending --json\n"
                    "  spiraltorch plan --kind topk --rows 8 --cols 65536 -k 64 --caps wgpu:32,sg,256,smem=32768\n",
        .options = options,
        .option_count = (int32_t)(sizeof options / sizeof options[0]),
    };
    int status = st_options_read(&command, argc, argv, NULL);
    if (status != ST_CLI_GO) {
        return status;
    }
    status = check(&want);
    if (status != ST_CLI_GO) {
        return status;
    }
    st_rank_request request;
    st_rank_request_init(&request, kinds[want.kind], want.rows, want.cols, want.k);
    request.dtype = want.dtype ? st_dtype_from_name(want.dtype) : ST_F32;
    if (!request.dtype) {
        return st_cli_usage("plan",
                            "--dtype: '%s' is not one of f32, f64, f16, bf16, i8, u8, i16, u16, i32, u32, i64, u64",
                            want.dtype);
    }
    request.lo = want.lo;
    request.hi = want.hi;
    request.descending = want.descending;
    request.nan_rule = want.nan_rule;
    request.order = want.unsorted ? ST_UNSORTED : ST_SORTED;
    st_device_caps caps;
    if (want.caps) {
        status = st_caps_option("plan", want.caps, &caps);
        if (status != ST_CLI_GO) {
            return status;
        }
    }
    const char *device = want.caps ? NULL : want.device;
    const st_device_caps *chosen = want.caps ? &caps : NULL;
    st_context *context = NULL;
    /* What is wrong with rules and tables the explanation says itself, and the JSON. */
    st_host host = {.struct_size = sizeof host, .warn = want.explain || want.json ? NULL : print_warning};
    st_context_options settings = {.struct_size = sizeof settings, .threads = (int32_t)want.threads, .host = &host};
    st_status created = st_context_create(&settings, &context);
    if (created != ST_OK) {
        return st_input_fail("plan", created);
    }
    status = st_setup_device("plan", context, device);
    if (status != ST_CLI_GO) {
        st_context_destroy(context);
        return status;
    }
    status = want.explain || want.json ? print_explanation(context, &request, device, chosen, want.json)
                                       : print_line(context, &request, device, chosen);
    st_context_destroy(context);
    return status;
}
