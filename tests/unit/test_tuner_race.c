/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* test_tuner_race.c - races on made-up clocks: the best wins, ties keep the incumbent, wild samples and drift change nothing. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "spiraltorch/status.h"
#include "spiraltorch/tune.h"

/* A machine whose candidates have true times, and noise of several sorts. */
struct machine {
    uint64_t random;
    int32_t count;
    double ns[ST_RACE_MOST];
    double noise;     /* standard deviation of ln(time), about */
    double wild;      /* how often a sample takes ten times as long */
    double drift;     /* growth of all times with each call */
    uint64_t wrong, refuses, refuses_late; /* a bit a candidate */
    int64_t calls, stop_at, checks;
    int32_t timed[ST_RACE_MOST], checked[ST_RACE_MOST];
};

static double uniform(struct machine *machine) {
    machine->random = machine->random * 6364136223846793005u + 1442695040888963407u;
    return (double)(machine->random >> 11) * 0x1p-53;
}

static double time_of(struct machine *machine, int32_t candidate) {
    double bell = -6; /* twelve uniform numbers: variance 1 */
    for (int i = 0; i < 12; i++) bell += uniform(machine);
    double ns = machine->ns[candidate] * exp(machine->noise * bell + machine->drift * (double)machine->calls);
    if (uniform(machine) < machine->wild) ns *= 10;
    return ns;
}

static int32_t check(void *user, int32_t candidate, double *ns) {
    struct machine *machine = user;
    assert_in_range(candidate, 0, machine->count - 1);
    assert_int_equal(machine->timed[candidate], 0);
    machine->checked[candidate]++;
    machine->checks++;
    if (machine->wrong >> candidate & 1) return ST_RACE_WRONG;
    if (machine->refuses >> candidate & 1) return ST_RACE_REFUSED;
    *ns = time_of(machine, candidate);
    return ST_RACE_RIGHT;
}

static int32_t measure(void *user, int32_t candidate, int64_t repetitions, double *ns) {
    struct machine *machine = user;
    assert_in_range(candidate, 0, machine->count - 1);
    assert_int_equal(machine->checked[candidate], 1);
    assert_true(repetitions >= 1);
    machine->calls++;
    if (machine->stop_at > 0 && machine->calls >= machine->stop_at) return ST_RACE_STOP;
    if ((machine->refuses_late >> candidate & 1) && machine->timed[candidate] > 7) return ST_RACE_REFUSED;
    machine->timed[candidate]++;
    *ns = time_of(machine, candidate) * (double)repetitions;
    return ST_RACE_RIGHT;
}

static st_race_result race(struct machine *machine, uint64_t seed, double limit_ns, st_race_standing *standings) {
    const st_race_options options = {sizeof options, machine->count, seed, limit_ns};
    const st_race_calls calls = {sizeof calls, machine, check, measure};
    st_race_result result = {.struct_size = sizeof result};
    assert_int_equal(st_race(&options, &calls, standings, &result), ST_OK);
    assert_true(result.measurements == machine->calls);
    assert_true(result.measurements <= st_race_most_measurements(machine->count));
    return result;
}

/* The incumbent takes 1 ms; others up to three times as long or as little as 0.8 of it. */
static struct machine machine_of(uint64_t seed, int32_t count) {
    struct machine machine = {.random = seed, .count = count, .noise = 0.03};
    machine.ns[0] = 1e6;
    for (int32_t i = 1; i < count; i++) machine.ns[i] = 1e6 * (0.8 + 2.2 * uniform(&machine));
    return machine;
}

static double best_of(const struct machine *machine) {
    double best = machine->ns[0];
    for (int32_t i = 1; i < machine->count; i++) best = fmin(best, machine->ns[i]);
    return best;
}

static void the_best_wins_within_a_few_percent(void **state) {
    (void)state;
    int worst = 0, off = 0;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct machine machine = machine_of(seed, 2 + (int32_t)(seed % 40));
        const st_race_result result = race(&machine, seed, 0, NULL);
        worst += machine.ns[result.winner] > 1.04 * best_of(&machine);
        assert_true(machine.ns[result.winner] <= 1.1 * best_of(&machine));
        assert_true(machine.ns[result.winner] <= machine.ns[0]);
        if (result.winner == 0) continue;
        const double truth = log(machine.ns[0] / machine.ns[result.winner]);
        off += fabs(result.gain - truth) > 4 * result.gain_error;
        assert_true(fabs(result.mean_log_ns - log(machine.ns[result.winner])) < 0.05);
    }
    assert_true(worst <= 4 && off <= 4); /* of 200 */
}

static void wild_samples_and_drift_change_nothing(void **state) {
    (void)state;
    int worst = 0;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct machine machine = machine_of(seed, 24);
        machine.wild = 0.05; /* two in a row can still shut the best out: once in 400 */
        machine.drift = seed % 2 ? 0.002 : -0.001;
        const st_race_result result = race(&machine, seed, 0, NULL);
        worst += machine.ns[result.winner] > 1.05 * best_of(&machine);
        assert_true(machine.ns[result.winner] <= 1.01 * machine.ns[0]);
    }
    assert_true(worst <= 6); /* of 200 */
}

static void ties_keep_the_incumbent(void **state) {
    (void)state;
    int lost = 0;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct machine machine = {.random = seed, .count = 12, .noise = 0.05, .wild = 0.03};
        for (int32_t i = 0; i < 12; i++) machine.ns[i] = i == 0 ? 2e5 : 2e5 * (1 + 0.002 * i);
        const st_race_result result = race(&machine, seed, 0, NULL);
        if (result.winner == 0) assert_true(result.gain == 0 && result.gain_error > 0);
        lost += result.winner != 0;
    }
    assert_true(lost <= 6); /* a gain that is not there: at most one in fifty */
}

static void a_gain_of_half_a_percent_is_none(void **state) {
    (void)state;
    struct machine machine = {.random = 1, .count = 2, .noise = 0.0005, .ns = {1e6, 0.995e6}};
    assert_int_equal(race(&machine, 1, 0, NULL).winner, 0);
    machine = (struct machine){.random = 1, .count = 2, .noise = 0.0005, .ns = {1e6, 0.97e6}};
    assert_int_equal(race(&machine, 1, 0, NULL).winner, 1);
}

static void the_wrong_are_never_timed(void **state) {
    (void)state;
    struct machine machine = machine_of(3, 9);
    st_race_standing standings[9];
    machine.ns[4] = machine.ns[5] = machine.ns[6] = 1e5; /* they would win */
    machine.wrong = 1u << 4;
    machine.refuses = 1u << 5;
    machine.refuses_late = 1u << 6;
    const st_race_result result = race(&machine, 3, 0, standings);
    assert_int_equal(result.wrong, 1);
    assert_int_equal(machine.timed[4], 0);
    assert_int_equal(machine.timed[5], 0);
    assert_int_equal(standings[4].state, ST_RACE_OUT_WRONG);
    assert_int_equal(standings[5].state, ST_RACE_OUT_REFUSED);
    assert_int_equal(standings[6].state, ST_RACE_OUT_REFUSED);
    assert_int_equal(standings[0].state, ST_RACE_FINAL);
    assert_true(machine.ns[result.winner] > 1e5 && machine.ns[result.winner] <= 1e6);
    for (int32_t i = 0; i < 9; i++) assert_int_equal(machine.checked[i], 1);
}

static void the_slow_cost_little(void **state) {
    (void)state;
    struct machine machine = machine_of(5, 10);
    machine.ns[7] = 8e6;
    machine.ns[8] = 2.9e6;
    st_race_standing standings[10];
    race(&machine, 5, 0, standings);
    assert_true(machine.timed[7] <= 1);
    assert_true(machine.timed[8] <= 2);
    assert_int_equal(standings[7].state, ST_RACE_OUT_SLOW);
    assert_true(fabs(standings[8].log_ns - log(2.9e6)) < 0.2);
}

static void without_an_incumbent_there_is_no_race(void **state) {
    (void)state;
    for (int how = 0; how < 3; how++) {
        struct machine machine = machine_of(1, 3);
        *(how == 0 ? &machine.wrong : how == 1 ? &machine.refuses : &machine.refuses_late) = 1;
        const st_race_options options = {sizeof options, 3, 1, 0};
        const st_race_calls calls = {sizeof calls, &machine, check, measure};
        st_race_result result = {.struct_size = sizeof result};
        assert_int_equal(st_race(&options, &calls, NULL, &result), ST_E_STATE);
        assert_non_null(strstr(st_last_message(), "incumbent"));
    }
}

static void equal_measurements_give_equal_results(void **state) {
    (void)state;
    struct machine first = machine_of(11, 16), second = first, third = first;
    const st_race_result a = race(&first, 77, 0, NULL), b = race(&second, 77, 0, NULL), c = race(&third, 78, 0, NULL);
    assert_memory_equal(&a, &b, sizeof a);
    assert_memory_equal(first.timed, second.timed, sizeof first.timed);
    assert_true(a.mean_log_ns != c.mean_log_ns); /* another seed, another order, other noise */
}

static void every_call_can_end_it(void **state) {
    (void)state;
    struct machine whole = machine_of(2, 6);
    const int64_t calls = race(&whole, 9, 0, NULL).measurements;
    for (int64_t at = 1; at <= calls; at++) {
        struct machine machine = machine_of(2, 6);
        machine.stop_at = at;
        const st_race_result result = race(&machine, 9, 0, NULL);
        assert_int_equal(result.stopped, 1);
        assert_int_equal(machine.calls, at);
    }
}

static void measurements_and_time_are_bounded(void **state) {
    (void)state;
    assert_int_equal(st_race_most_measurements(0), 0);
    assert_int_equal(st_race_most_measurements(ST_RACE_MOST + 1), 0);
    for (int32_t count = 1; count <= ST_RACE_MOST; count++) {
        struct machine machine = {.random = 4, .count = count, .noise = 0.2}; /* nothing is decided early */
        for (int32_t i = 0; i < count; i++) machine.ns[i] = 1000;
        race(&machine, 1, 0, NULL);
        struct machine hurried = machine_of(4, count);
        race(&hurried, 1, 1, NULL);
        assert_true(hurried.calls <= 4 * count + 8 * 4 + 8);
    }
    assert_true(st_race_most_measurements(ST_RACE_MOST) < 1000);
}

static void short_runs_are_repeated(void **state) {
    (void)state;
    struct machine machine = {.random = 1, .count = 3, .noise = 0.02, .ns = {100, 80, 300}};
    assert_int_equal(race(&machine, 1, 0, NULL).winner, 1);
}

static void arguments_are_checked(void **state) {
    (void)state;
    struct machine machine = machine_of(1, 2);
    st_race_options options = {sizeof options, 2, 1, 0};
    st_race_calls calls = {sizeof calls, &machine, check, measure};
    st_race_result result = {.struct_size = sizeof result};
    assert_int_equal(st_race(NULL, &calls, NULL, &result), ST_E_ARGUMENT);
    assert_int_equal(st_race(&options, NULL, NULL, &result), ST_E_ARGUMENT);
    assert_int_equal(st_race(&options, &calls, NULL, NULL), ST_E_ARGUMENT);
    options.candidates = 0;
    assert_int_equal(st_race(&options, &calls, NULL, &result), ST_E_ARGUMENT);
    options.candidates = ST_RACE_MOST + 1;
    assert_int_equal(st_race(&options, &calls, NULL, &result), ST_E_ARGUMENT);
    assert_non_null(strstr(st_last_message(), "candidates"));
    options = (st_race_options){sizeof options, 2, 1, NAN};
    assert_int_equal(st_race(&options, &calls, NULL, &result), ST_E_ARGUMENT);
    options.limit_ns = 0;
    calls.measure = NULL;
    assert_int_equal(st_race(&options, &calls, NULL, &result), ST_E_ARGUMENT);
    calls.measure = measure;
    calls.struct_size = options.struct_size = result.struct_size = 1;
    assert_int_equal(st_race(&options, &calls, NULL, &result), ST_E_ARGUMENT);
    assert_int_equal(machine.checks, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_wins_within_a_few_percent),
        cmocka_unit_test(wild_samples_and_drift_change_nothing),
        cmocka_unit_test(ties_keep_the_incumbent),
        cmocka_unit_test(a_gain_of_half_a_percent_is_none),
        cmocka_unit_test(the_wrong_are_never_timed),
        cmocka_unit_test(the_slow_cost_little),
        cmocka_unit_test(without_an_incumbent_there_is_no_race),
        cmocka_unit_test(equal_measurements_give_equal_results),
        cmocka_unit_test(every_call_can_end_it),
        cmocka_unit_test(measurements_and_time_are_bounded),
        cmocka_unit_test(short_runs_are_repeated),
        cmocka_unit_test(arguments_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
