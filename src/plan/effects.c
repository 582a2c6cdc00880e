/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* effects.c - the lines of docs/choices.md, filled in for one plan. */
#include "plan/effects.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "device/choice_fields.h"
#include "device/gpu_rules.h"

static void say(char line[96], const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(char line[96], const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, 96, format, arguments);
    va_end(arguments);
}

static const char *cpu_family(const st_choice *choice) {
    switch (choice->mk) {
        case ST_MK_BITONIC: return "sorting networks: short rows one in each lane, chunks of longer ones merged";
        case ST_MK_WARP: return "a first bound from the best of blocks or of a sample, then as the filter";
        case ST_MK_RADIX: return "a histogram of leading digits finds the digits that hold the window";
        default: break;
    }
    if (choice->mkd == ST_MKD_HEAP) return "a heap of the best, whose root is the bound to beat";
    if (choice->mkd == ST_MKD_KWAY) return "the best of each tile, sorted, then merged k ways";
    return "what beats a bound goes to a buffer; a full buffer is cut back and lowers the bound";
}

static const char *gpu_family(const st_choice *choice) {
    switch (choice->mk) {
        case ST_MK_BITONIC: return "tiles sorted by bitonic networks and merged";
        case ST_MK_WARP: return "a sorted queue in the registers of a subgroup";
        case ST_MK_RADIX: return "digit by digit, a histogram narrows down the last rank";
        default: break;
    }
    if (choice->mkd == ST_MKD_HEAP) return "a heap for each subgroup in shared memory";
    if (choice->mkd == ST_MKD_KWAY) return "sorted runs in shared memory, merged k ways";
    return "what beats a bound goes to a buffer in shared memory";
}

static int is_filter(const st_choice *choice) {
    return choice->mk == ST_MK_SHARED && (choice->mkd == ST_MKD_AUTO || choice->mkd == ST_MKD_FILTER);
}

/* Fields that mean the same everywhere; 0 where the backend has the word. */
static int shared_effect(const st_plan *plan, int32_t field, char line[96], int32_t *active) {
    const int middle = plan->request.kind == ST_MIDK || plan->request.kind == ST_WINDOW;
    const int bottom = plan->request.kind == ST_BOTTOMK;
    const int32_t value = st_choice_get(&plan->choice, field);
    switch (field) {
        case ST_FIELD_MIDK:
        case ST_FIELD_BOTTOMK:
            *active = field == ST_FIELD_MIDK ? middle : bottom;
            if (!*active)
                say(line, "no effect: read for %s alone", field == ST_FIELD_MIDK ? "midk and windows" : "bottomk");
            else if (value == 0)
                say(line, "not decided: use_2ce holds");
            else
                say(line, "%s for this kind, whatever use_2ce says", value == 2 ? "two passes" : "one pass");
            return 1;
        case ST_FIELD_USE_2CE:
            if ((middle ? plan->choice.midk : bottom ? plan->choice.bottomk : 0) == 0) return 0;
            say(line, "no effect: %s decides", middle ? "midk" : "bottomk");
            return 1;
        case ST_FIELD_TILE_COLS:
        case ST_FIELD_RADIX:
        case ST_FIELD_SEGMENTS: say(line, "no effect: shapes FFT and ND kernels"); return 1;
        default: return 0;
    }
}

static void cpu_effect(const st_plan *plan, int32_t field, char line[96], int32_t *active) {
    const st_choice *choice = &plan->choice;
    const int collects = is_filter(choice) || choice->mk == ST_MK_WARP;
    const int blocks = collects || (choice->mk == ST_MK_SHARED && choice->mkd == ST_MKD_HEAP);
    *active = 1;
    switch (field) {
        case ST_FIELD_MK: say(line, "%s", cpu_family(choice)); return;
        case ST_FIELD_MKD: say(line, "%s within %s", st_mkd_name(choice->mkd), st_mk_name(choice->mk)); return;
        case ST_FIELD_USE_2CE:
            if (strstr(plan->kernel, "-split") != NULL)
                say(line, "rows one by one, each split over %d", choice->wg);
            else
                say(line, "one worker on a row, rows shared out");
            return;
        case ST_FIELD_WG:
            *active = choice->use_2ce;
            say(line, *active ? "pieces that workers take from one row" : "no effect: rows are not split");
            return;
        case ST_FIELD_KL:
            *active = collects;
            say(line, *active ? "candidate buffer of %d windows" : "no effect in this family", choice->kl);
            return;
        case ST_FIELD_TILE:
            *active = choice->mk == ST_MK_SHARED && choice->mkd == ST_MKD_KWAY;
            say(line, *active ? "columns in each run that is merged" : "no effect: k-way merging alone cuts tiles");
            return;
        case ST_FIELD_CTILE:
            *active = blocks;
            say(line, *active ? "columns scanned between looks at the bound" : "no effect in this family");
            return;
        default:
            *active = 0;
            say(line, "no effect on a CPU");
            return;
    }
}

static void gpu_effect(const st_plan *plan, int32_t field, char line[96], int32_t *active) {
    const st_choice *choice = &plan->choice;
    *active = 1;
    switch (field) {
        case ST_FIELD_MK: say(line, "%s", gpu_family(choice)); return;
        case ST_FIELD_MKD: say(line, "%s within %s", st_mkd_name(choice->mkd), st_mk_name(choice->mk)); return;
        case ST_FIELD_USE_2CE:
            say(line, !choice->use_2ce            ? "one dispatch, a workgroup a row"
                      : choice->mk == ST_MK_RADIX ? "pieces of a row: selected and merged, or counting each digit together"
                                                  : "two dispatches: pieces of a row, then their merge");
            return;
        case ST_FIELD_WG: say(line, "threads per workgroup, %d subgroups of %d lanes", choice->wg / plan->caps.lanes, plan->caps.lanes); return;
        case ST_FIELD_KL:
            *active = choice->mk == ST_MK_WARP;
            say(line, *active ? "elements in each lane's queue" : "no effect: lanes keep no queue in this family");
            return;
        case ST_FIELD_CH:
            *active = choice->mk != ST_MK_RADIX || choice->use_2ce;
            if (!*active)
                say(line, "no effect: digits are counted over the whole row");
            else
                say(line, choice->ch == 0 ? "the whole row in one chunk" : "columns that a workgroup takes at a time");
            return;
        case ST_FIELD_TILE: say(line, "columns per sweep step"); return;
        default:
            *active = choice->mk == ST_MK_RADIX || (choice->mk == ST_MK_SHARED && choice->mkd != ST_MKD_HEAP);
            if (!*active)
                say(line, "no effect: nothing is compacted");
            else if (choice->mk == ST_MK_RADIX)
                say(line, "columns per step of collecting the window");
            else
                say(line, is_filter(choice) ? "candidates between compactions" : "elements of a sorted run");
            return;
    }
}

void st_choice_effect(const st_plan *plan, int32_t field, char line[96], int32_t *active) {
    *active = 0;
    if (plan->caps.backend == ST_BACKEND_CALLER)
        say(line, "the registered backend decides");
    else if (shared_effect(plan, field, line, active))
        return;
    else if (st_is_gpu(plan->caps.backend))
        gpu_effect(plan, field, line, active);
    else
        cpu_effect(plan, field, line, active);
}
