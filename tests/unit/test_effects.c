/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_effects.c - what the explanation says of each field is true: one that acts changes what runs, one without effect nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "device/caps.h"
#include "device/choice_fields.h"
#include "engine/context_state.h"
#include "plan/decide.h"
#include "plan/effects.h"
#include "random_elements.h"
#include "rank/request.h"

static st_context *context;

static int open_context(void **state) {
    (void)state;
    const st_context_options options = {.struct_size = sizeof options, .threads = 4};
    return st_context_create(&options, &context) == ST_OK ? 0 : -1;
}

static int close_context(void **state) {
    (void)state;
    st_context_destroy(context);
    return 0;
}

/* What shows of a plan from outside: the kernel, its scratch memory, the time expected of it, and what each field is said to do. */
struct shown {
    char kernel[64];
    uint64_t scratch;
    double ns;
    char lines[ST_FIELDS][96];
    int32_t active[ST_FIELDS];
};

static const st_registered *device_of(int32_t backend) { return &context->registry.items[backend - 1]; }

static st_plan plan_of(const st_rank_request *resolved, const st_device_caps *caps, const st_choice *choice) {
    const st_sources sources = {.host = &context->host, .rules = &context->rules.book, .table = &context->tables.views[caps->backend - 1]};
    st_plan plan;
    if (st_decide(device_of(caps->backend), caps, resolved, &sources, choice, &plan, NULL) != ST_OK) fail_msg("%s", st_last_message());
    return plan;
}

static struct shown show(const st_plan *plan) {
    struct shown shown = {.ns = plan->predicted_ns};
    const st_backend *backend = &device_of(plan->caps.backend)->backend;
    const st_backend_services services = st_services_of(context, plan->request.threads);
    memcpy(shown.kernel, plan->kernel, sizeof shown.kernel);
    shown.scratch = backend->workspace(backend->self, plan, &services);
    for (int32_t field = 0; field < ST_FIELDS; field++) st_choice_effect(plan, field, shown.lines[field], &shown.active[field]);
    return shown;
}

static int same_run(const struct shown *a, const struct shown *b) {
    return strcmp(a->kernel, b->kernel) == 0 && a->scratch == b->scratch && a->ns == b->ns;
}

static st_rank_request random_request(st_random *random) {
    st_rank_request request, resolved;
    const int64_t cols = (int64_t)1 << st_random_between(random, 2, 20);
    const int64_t k = st_random_between(random, 1, cols < 5000 ? cols : 5000);
    st_rank_request_init(&request, (int32_t)st_random_between(random, ST_TOPK, ST_WINDOW), st_random_between(random, 1, 50), cols, k);
    request.dtype = (st_dtype)st_random_between(random, ST_F32, ST_U64);
    request.lo = (cols - k) / 3;
    request.hi = request.lo + k;
    if (request.kind != ST_WINDOW) request.lo = request.hi = 0;
    assert_int_equal(st_request_check(&request, 4, &resolved), ST_OK);
    return resolved;
}

static st_device_caps random_caps(st_random *random) {
    static const int32_t lanes[] = {8, 16, 32, 64};
    const int32_t backend = (int32_t)st_random_between(random, ST_BACKEND_CPU, ST_BACKEND_MPS);
    if (backend == ST_BACKEND_CPU) return context->registry.items[0].info.caps;
    st_device_caps caps = st_caps_wgpu(lanes[st_random_below(random, 4)], 1, 256 << st_random_below(random, 3));
    caps.backend = backend;
    return st_caps_with_shared_mem(caps, (int64_t)16384 << st_random_below(random, 4));
}

static int32_t random_value(st_random *random, int32_t field) {
    const st_choice_field *bounds = st_choice_field_at(field);
    const int32_t high = bounds->high < 1 << 16 ? bounds->high : 1 << 16;
    const int32_t value = (int32_t)st_random_between(random, bounds->low, high);
    return high > 64 && st_random_chance(random, 3, 4) ? 1 << st_random_below(random, 12) : value;
}

/* The value that a field has in a plan after it alone was changed; the plan with it. */
static st_plan changed(const st_plan *plan, st_random *random, int32_t field) {
    const st_registered *device = device_of(plan->caps.backend);
    for (;;) {
        st_choice choice = plan->choice;
        st_choice_set(&choice, field, random_value(random, field));
        if (device->backend.legal(device->backend.self, plan->request.kind, choice.mk, choice.mkd))
            return plan_of(&plan->request, &plan->caps, &choice);
    }
}

/* 1 where nothing else differs, but for what midk and bottomk say of use_2ce. */
static int differ_in_no_other(const st_choice *a, const st_choice *b, int32_t field) {
    const int for_kind = field == ST_FIELD_MIDK || field == ST_FIELD_BOTTOMK;
    for (int32_t i = 0; i < ST_FIELDS; i++)
        if (i != field && !(for_kind && i == ST_FIELD_USE_2CE) && st_choice_get(a, i) != st_choice_get(b, i)) return 0;
    return 1;
}

/*
 * One field is changed in any plan. Where it is said to have no effect, nothing that shows may change, and nothing that is said of
 * the others. Where it acts, a change of it shows in some plan of each backend that reads it: in the kernel, its scratch memory or
 * its time, or, where a GPU's program alone has it, in what is said of it.
 */
static void test_fields_do_what_is_said(void **state) {
    (void)state;
    int64_t silent[ST_FIELDS] = {0}, acts[6][ST_FIELDS] = {{0}}, runs_differently[6][ST_FIELDS] = {{0}};
    st_random random;
    st_random_seed(&random, 20261121);
    for (int round = 0; round < 6000; round++) {
        const st_rank_request request = random_request(&random);
        const st_device_caps caps = random_caps(&random);
        const st_backend *backend = &device_of(caps.backend)->backend;
        st_choice candidates[64];
        const int32_t count = backend->candidates(backend->self, &request, &caps, candidates, 64);
        assert_in_range(count, 1, 64);
        st_choice choice = candidates[st_random_below(&random, (uint64_t)count)];
        if (st_random_chance(&random, 1, 4)) choice.midk = choice.bottomk = (int32_t)st_random_between(&random, 1, 2);
        const st_plan plan = plan_of(&request, &caps, &choice);
        const struct shown before = show(&plan);
        for (int32_t field = 0; field < ST_FIELDS; field++) {
            const st_plan other = changed(&plan, &random, field);
            const struct shown after = show(&other);
            if (st_choice_get(&other.choice, field) == st_choice_get(&plan.choice, field)) continue;
            if (!differ_in_no_other(&plan.choice, &other.choice, field)) continue;
            if (before.active[field]) {
                acts[caps.backend][field]++;
                runs_differently[caps.backend][field] += !same_run(&before, &after);
                continue;
            }
            silent[field]++;
            if (after.active[field]) continue; /* midk 0 leaves it to use_2ce, and so on */
            if (!same_run(&before, &after))
                fail_msg("%s %d -> %d is said to have \"%s\", but %s, %llu bytes, %g ns became %s, %llu, %g", st_choice_field_at(field)->name,
                         st_choice_get(&plan.choice, field), st_choice_get(&other.choice, field), before.lines[field], before.kernel,
                         (unsigned long long)before.scratch, before.ns, after.kernel, (unsigned long long)after.scratch, after.ns);
            assert_int_equal(strncmp(before.lines[field], "no effect", 9), 0);
            for (int32_t i = 0; i < ST_FIELDS; i++) assert_string_equal(before.lines[i], after.lines[i]);
        }
    }
    static const struct {
        const char *cpu, *gpu; /* why nothing shows there; NULL: it does */
    } reasons[ST_FIELDS] = {[ST_FIELD_CH] = {"rows are scanned in blocks of ctile", "no model of it; test_wgpu_program.c has what it does"},
                            [ST_FIELD_CTILE] = {NULL, "no model of it; test_wgpu_program.c has what it does"},
                            [ST_FIELD_TILE_COLS] = {"no FFT or ND kernel yet", "no FFT or ND kernel yet"},
                            [ST_FIELD_RADIX] = {"no FFT or ND kernel yet", "no FFT or ND kernel yet"},
                            [ST_FIELD_SEGMENTS] = {"no FFT or ND kernel yet", "no FFT or ND kernel yet"}};
    for (int32_t field = 0; field < ST_FIELDS; field++)
        for (int32_t backend = ST_BACKEND_CPU; backend <= ST_BACKEND_MPS; backend++) {
            const char *reason = backend == ST_BACKEND_CPU ? reasons[field].cpu : reasons[field].gpu, *name = st_choice_field_at(field)->name;
            if (reason == NULL && runs_differently[backend][field] == 0)
                fail_msg("%s: %s acts in %lld plans, and changes what runs in none", st_backend_name(backend), name,
                         (long long)acts[backend][field]);
            if (reason != NULL && runs_differently[backend][field] > 0) fail_msg("%s: %s is no longer without effect", st_backend_name(backend), name);
            if (reason != NULL && backend <= ST_BACKEND_WGPU)
                print_message("skipped: %s on %s: %s\n", name, backend == ST_BACKEND_CPU ? "cpu" : "wgpu, cuda, hip, mps", reason);
        }
    for (int32_t backend = ST_BACKEND_WGPU; backend <= ST_BACKEND_MPS; backend++) {
        assert_true(acts[backend][ST_FIELD_CH] > 0);
        assert_true(acts[backend][ST_FIELD_CTILE] > 0);
    }
    assert_true(silent[ST_FIELD_TILE_COLS] > 1000 && silent[ST_FIELD_KL] > 100 && silent[ST_FIELD_USE_2CE] == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_fields_do_what_is_said)};
    return cmocka_run_group_tests(tests, open_context, close_context);
}
