/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * rank_check.c - random configurations, each run on every instruction set, or on a device, with the planner's Choice and a
 * random legal one, and compared with the scalar reference bit for bit, the bytes between and around output rows included.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/fail.h"
#include "base/memory.h"
#include "base/processor.h"
#include "on_memory.h"
#include "other_checks.h"
#include "rank/reference.h"
#include "rank/request.h"
#include "rank_case.h"

struct settings {
    uint64_t seed;
    int64_t first, configs; /* numbers of configurations */
    const char *backend, *isa, *choice;
    st_choice fixed; /* what --choice says */
    st_choice sizes[GPU_SIZES];
};

struct contexts {
    int count;
    const char *isa[4];
    st_context *context[4];
};

/* Instruction sets by rising order, each with what must be switched off to reach it. */
static const char *const isas[][2] = {{"portable", "avx512,avx2,neon"}, {"avx2", "avx512"}, {"neon", ""}, {"avx512", ""}};

static const st_isa isa_of[] = {ST_ISA_PORTABLE, ST_ISA_AVX2, ST_ISA_NEON, ST_ISA_AVX512};

/* Any backend but the CPU: plans must name it, or the answer came from elsewhere. */
static int is_gpu(const struct settings *settings) { return strcmp(settings->backend, "cpu") != 0; }

static void open_device(const struct settings *settings, struct contexts *contexts) {
    static char name[16];
    const st_context_options options = {.struct_size = sizeof options, .threads = 4};
    st_context *context = NULL;
    st_memory *memory = NULL;
    snprintf(name, sizeof name, "%.*s/", (int)strcspn(settings->backend, ":"), settings->backend);
    if (st_context_create(&options, &context) != ST_OK || st_memory_create(context, settings->backend, 4, &memory) != ST_OK) {
        fprintf(stderr, "rank_check: %s\n", st_last_message());
        exit(2);
    }
    st_memory_destroy(memory);
    contexts->count = 1;
    contexts->isa[0] = name;
    contexts->context[0] = context;
}

static void open_contexts(const struct settings *settings, struct contexts *contexts) {
    st_processor processor;
    st_processor_detect(&processor);
    contexts->count = 0;
    for (size_t i = 0; i < sizeof isas / sizeof isas[0]; i++) {
        if (strcmp(settings->isa, "all") != 0 && strcmp(settings->isa, isas[i][0]) != 0) continue;
        const st_context_options options = {.struct_size = sizeof options, .threads = 4, .cpu_disable = isas[i][1]};
        st_context *context = NULL;
        st_plan plan = {.struct_size = sizeof plan};
        if (st_context_create(&options, &context) != ST_OK || st_plan_rank(context, ST_TOPK, 1, 100, 1, NULL, &plan) != ST_OK) {
            fprintf(stderr, "rank_check: %s\n", st_last_message());
            exit(2);
        }
        /* Strict: the plan must name the instruction set that was meant, wherever the processor has it. */
        if (strstr(plan.kernel, isas[i][0]) == NULL) {
            if (processor.isas & 1u << isa_of[i]) {
                fprintf(stderr, "rank_check: this processor has %s, but %s was planned\n", isas[i][0], plan.kernel);
                exit(2);
            }
            st_context_destroy(context);
            continue;
        }
        contexts->isa[contexts->count] = isas[i][0];
        contexts->context[contexts->count++] = context;
    }
}

struct output {
    char *values, *indices;
    size_t values_bytes, indices_bytes;
};

static struct output make_output(const rank_case *made) {
    const size_t index_size = made->request.index_dtype == ST_I32 ? 4 : 8;
    struct output output;
    output.values_bytes = (size_t)(made->output_rows * made->values_stride) * (size_t)st_dtype_size(made->request.dtype);
    output.indices_bytes = (size_t)(made->output_rows * made->indices_stride) * index_size;
    output.values = memset(need(output.values_bytes), 0x5a, output.values_bytes);
    output.indices = memset(need(output.indices_bytes), 0x5a, output.indices_bytes);
    return output;
}

static void free_output(struct output output) {
    free(output.values);
    free(output.indices);
}

static st_rank_buffers buffers_of(const rank_case *made, const struct output *output) {
    return (st_rank_buffers){.struct_size = sizeof(st_rank_buffers),
                             .input = made->input,
                             .row_list = made->row_list,
                             .row_list_count = made->row_list_count,
                             .lengths = made->lengths,
                             .values = made->request.outputs & ST_OUT_VALUES ? output->values : NULL,
                             .values_stride = made->values_stride,
                             .indices = made->request.outputs & ST_OUT_INDICES ? output->indices : NULL,
                             .indices_stride = made->indices_stride};
}

/* What the reference said: its outputs, or its refusal in the same words. */
struct answer {
    st_status status;
    char message[ST_MESSAGE_BYTES];
    struct output output;
};

static int differs(const rank_case *made, const struct answer *want, st_status status, const struct output *got) {
    if (status != want->status) return 1;
    if (status != ST_OK) return strcmp(st_last_message(), want->message) != 0;
    const struct output *output = &want->output;
    return ((made->request.outputs & ST_OUT_VALUES) && memcmp(output->values, got->values, output->values_bytes) != 0) ||
           ((made->request.outputs & ST_OUT_INDICES) && memcmp(output->indices, got->indices, output->indices_bytes) != 0);
}

/* Prints how to see the failure again, and what it was. */
static void report(const struct settings *settings, int64_t number, const rank_case *made, const st_plan *plan, const char *isa,
                   const char *what) {
    const st_rank_request *r = &made->request;
    printf("FAILED: %s\n  replay: rank_check --seed %" PRIu64 " --case %" PRId64 " --backend %s --isa %s\n", what, settings->seed, number,
           settings->backend, is_gpu(settings) ? "all" : isa);
    printf("  kind %d dtype %s index %s nan %d order %d outputs %d threads %d\n", r->kind, st_dtype_name(r->dtype),
           st_dtype_name(r->index_dtype), r->nan_rule, r->order, r->outputs, r->threads);
    printf("  rows %" PRId64 " cols %" PRId64 " k %" PRId64 " window [%" PRId64 ", %" PRId64 ") descending %d strides %" PRId64
           ", %" PRId64 " list %" PRId64 " lengths %d\n",
           r->rows, r->cols, r->k, r->lo, r->hi, r->descending, r->row_stride, r->col_stride,
           made->row_list == NULL ? -1 : made->row_list_count, made->lengths != NULL);
    printf("  kernel %s mk=%d mkd=%d use_2ce=%d wg=%d kl=%d ch=%d tile=%d ctile=%d midk=%d bottomk=%d\n", plan->kernel,
           plan->choice.mk, plan->choice.mkd, plan->choice.use_2ce, plan->choice.wg, plan->choice.kl, plan->choice.ch, plan->choice.tile,
           plan->choice.ctile, plan->choice.midk, plan->choice.bottomk);
}

/* Runs one plan and compares; workspace 1 hands the call memory of exactly the size it asked for, at an odd address. */
static int check_plan(const struct settings *settings, int64_t number, const rank_case *made, st_context *context, const char *isa,
                      const st_plan *plan, int workspace, const struct answer *want) {
    struct output got = make_output(made);
    st_rank_buffers buffers = buffers_of(made, &got);
    char *memory = NULL;
    int failed = 0;
    if (strstr(plan->kernel, isa) == NULL) {
        report(settings, number, made, plan, isa, "another kernel was planned");
        failed = 1;
    }
    if (workspace) {
        uint64_t bytes = 0;
        if (st_rank_workspace(context, plan, &bytes) != ST_OK) {
            report(settings, number, made, plan, isa, "no workspace size");
            failed = 1;
        }
        memory = need((size_t)bytes + 1);
        buffers.workspace = memory + 1;
        buffers.workspace_size = bytes;
    }
    const st_status status = st_execute_rank(context, plan, &buffers);
    if (differs(made, want, status, &got)) {
        report(settings, number, made, plan, isa, "not the reference's answer");
        printf("  %s, %s\n", st_status_name(status), status == ST_OK ? "with other outputs" : st_last_message());
        failed = 1;
    }
    /* The same again where the data lies on the device. */
    if (!failed && is_gpu(settings)) {
        memset(got.values, 0x5a, got.values_bytes);
        memset(got.indices, 0x5a, got.indices_bytes);
        const st_status there = run_on_memory(context, plan, made, &buffers, got.values_bytes, got.indices_bytes);
        if (differs(made, want, there, &got)) {
            report(settings, number, made, plan, isa, "in device memory: not the reference's answer");
            printf("  %s, %s\n", st_status_name(there), there == ST_OK ? "with other outputs" : st_last_message());
            failed = 1;
        }
    }
    free(memory);
    free_output(got);
    return failed;
}

static uint64_t seed_of(const struct settings *settings, int64_t number) { return settings->seed + (uint64_t)number * 0x632be59bd9b4e019u; }

/*
 * Compiling a kernel takes longer than many runs of it, so configurations on a device come in groups: all of one have a random
 * Choice, and the planner's for the first of them, in common, and need the same kernels.
 */
enum { TOGETHER = 8 };

/* Makes a configuration and draws its Choice; *first, of its group, is itself where it is the first, or has no group. */
static void make_case(const struct settings *settings, int64_t number, rank_case *made, st_rank_request *first, st_choice *drawn) {
    random_state random = {seed_of(settings, number)};
    if (!is_gpu(settings)) {
        rank_case_make(random_next(&random), NULL, made);
        *first = made->request;
        *drawn = random_choice(&random);
        return;
    }
    rank_case leader;
    random_state group = {seed_of(settings, number - number % TOGETHER)};
    rank_case_make(random_next(&group), NULL, &leader);
    *first = leader.request;
    *drawn = random_gpu_choice(&group, first->kind, settings->sizes);
    if (number % TOGETHER == 0) {
        *made = leader;
        return;
    }
    rank_case_make(random_next(&random), &leader, made);
    rank_case_free(&leader);
}

/* The planner's own plan for a configuration, or one with what it chose for the first of the group. */
static st_status plan_case(const struct settings *settings, st_context *context, const rank_case *made, const st_rank_request *first,
                           st_plan *plan) {
    const st_status status = st_plan_request(context, first, settings->backend, NULL, plan);
    if (status != ST_OK || memcmp(&made->request, first, sizeof *first) == 0) return status;
    const st_choice choice = plan->choice;
    return st_plan_with_choice(context, &made->request, settings->backend, &choice, plan);
}

static int check_case(const struct settings *settings, const struct contexts *contexts, int64_t number) {
    rank_case made;
    st_rank_request first;
    st_choice drawn;
    st_host host;
    int failed = 0;
    st_host_resolve(NULL, &host);
    make_case(settings, number, &made, &first, &drawn);
    struct answer want = {.output = make_output(&made)};
    st_rank_request resolved;
    st_rank_buffers buffers = buffers_of(&made, &want.output), checked;
    if (st_request_check(&made.request, 4, &resolved) != ST_OK || st_buffers_check(&resolved, &buffers, &checked) != ST_OK) {
        printf("FAILED: a legal request was refused: %s (seed %" PRIu64 " case %" PRId64 ")\n", st_last_message(), settings->seed, number);
        failed = 1;
    } else {
        want.status = st_reference_rank(&host, &resolved, &checked);
        st_message_copy(want.message);
        for (int i = 0; i < contexts->count && !failed; i++) {
            st_plan plan = {.struct_size = sizeof plan};
            const st_choice *choice = settings->choice != NULL ? &settings->fixed : &drawn;
            const st_status planned = plan_case(settings, contexts->context[i], &made, &first, &plan);
            if (planned == ST_OK && settings->choice == NULL)
                failed |= check_plan(settings, number, &made, contexts->context[i], contexts->isa[i], &plan, 0, &want);
            if (planned != ST_OK ||
                st_plan_with_choice(contexts->context[i], &made.request, settings->backend, choice, &plan) != ST_OK) {
                printf("FAILED: no plan: %s (seed %" PRIu64 " case %" PRId64 ")\n", st_last_message(), settings->seed, number);
                failed = 1;
                break;
            }
            failed |= check_plan(settings, number, &made, contexts->context[i], contexts->isa[i], &plan, number % 2 == 0, &want);
        }
    }
    free_output(want.output);
    rank_case_free(&made);
    return failed;
}

/* Sets fields from "mk=1,mkd=6"; returns 0 where a name or number is wrong. */
static int read_choice(const char *text, st_choice *choice) {
    *choice = (st_choice){.mk = 1, .mkd = 6, .wg = 1, .kl = 1, .tile = 1024, .ctile = 256};
    while (*text != '\0') {
        char name[16];
        int value, used;
        if (sscanf(text, "%15[a-z0-9_]=%d%n", name, &value, &used) != 2) return 0;
        int32_t found = 0;
        for (int32_t i = 0; i < st_choice_field_count(); i++)
            if (strcmp(st_choice_field_at(i)->name, name) == 0) {
                *(int32_t *)(void *)((char *)choice + st_choice_field_at(i)->offset) = value;
                found = 1;
            }
        if (!found) return 0;
        text += used;
        text += *text == ',';
    }
    return 1;
}

static int usage(void) {
    fprintf(stderr, "usage: rank_check [--seed S] [--first I] [--configs N] [--case I] [--backend cpu|wgpu:N] [--isa all|portable|avx2|avx512|neon]\n"
                    "                  [--choice mk=1,mkd=6,...]\n"
                    "Compares random Rank-K, band, stream, counting-pass and merge configurations with the scalar reference.\n");
    return 2;
}

int main(int argc, char **argv) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct settings settings = {.seed = (uint64_t)now.tv_sec * 1000003u ^ (uint64_t)now.tv_nsec, .configs = 3000,
                                .backend = "cpu", .isa = "all"};
    int64_t only = -1;
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 == argc) return usage();
        if (strcmp(argv[i], "--seed") == 0) settings.seed = strtoull(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--configs") == 0) settings.configs = strtoll(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--first") == 0) settings.first = strtoll(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--case") == 0) only = strtoll(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--backend") == 0) settings.backend = argv[i + 1];
        else if (strcmp(argv[i], "--isa") == 0) settings.isa = argv[i + 1];
        else if (strcmp(argv[i], "--choice") == 0 && read_choice(argv[i + 1], &settings.fixed)) settings.choice = argv[i + 1];
        else return usage();
    }
    if (only >= 0) {
        settings.first = only;
        settings.configs = 1;
    }
    struct contexts contexts;
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ); /* what was found stays, however the run ends */
    random_state first = {settings.seed};
    random_gpu_sizes(&first, settings.sizes);
    if (is_gpu(&settings))
        open_device(&settings, &contexts);
    else
        open_contexts(&settings, &contexts);
    if (contexts.count == 0) {
        fprintf(stderr, "rank_check: this CPU has no %s kernels\n", settings.isa);
        return 2;
    }
    printf("seed %" PRIu64 ", %" PRId64 " configurations on", settings.seed, settings.configs);
    for (int i = 0; i < contexts.count; i++) printf(" %s %s", settings.backend, contexts.isa[i]);
    printf("\n");
    int64_t failures = 0, done = 0;
    for (int64_t number = settings.first; number < settings.first + settings.configs; number++) {
        failures += check_case(&settings, &contexts, number);
        if (number % 4 == 0 || only >= 0)
            for (int i = 0; i < contexts.count; i++)
                failures += check_others(contexts.context[i], settings.backend, contexts.isa[i], seed_of(&settings, number));
        done++;
        if (failures > 5) break;
    }
    for (int i = 0; i < contexts.count; i++) st_context_destroy(contexts.context[i]);
    printf("%" PRId64 " configurations, %" PRId64 " failures\n", done, failures);
    return failures > 0;
}
