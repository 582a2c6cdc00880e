/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* tuner_race.c - one race: the gate, halving rounds, and a final in pairs. docs/tuning.md says why each number is what it is. */
#include <math.h>
#include <string.h>

#include "base/fail.h"
#include "learn/tuner_statistics.h"
#include "spiraltorch/tune.h"

/* A sample lasts at least this long: the clock's own step and cost are below one part in a thousand of it. */
static const double SAMPLE_NS = 50e3;

/* Runs that tell how long one takes, where the check's own was short and so paid mostly for cold memory. */
enum { TRIAL_RUNS = 8, MOST_RUNS = 1 << 16 };

/* After its first runs a candidate may be this much slower than the incumbent, and after two samples than the best. */
static const double TOO_SLOW = 5, TOO_SLOW_NOW = 1.5;

/* Samples of each that is still in: 2 in the first round, one more in each that follows; 2, 5, 9, 14, 20 in all. */
enum { FINALISTS = 2, MOST_SAMPLES = 32, FIRST_SAMPLES = 2 };

/* A final has 8, 16 or 32 blocks: after each of these it ends if every finalist is decided on. */
enum { FIRST_LOOK = 8, LAST_LOOK = 32 };

/* A gain below one part in a hundred is not worth a Choice of its own, however sure it is. */
static const double LEAST_GAIN = 0.01;

struct racer {
    int32_t candidate;
    int64_t runs;   /* in a sample */
    double quickest; /* the least of samples, in nanoseconds of one run */
    double middle;  /* the lower median of logarithms */
    int32_t samples;
    double logs[MOST_SAMPLES];
};

struct race {
    const st_race_options *options;
    const st_race_calls *calls;
    st_race_standing *standings;
    st_race_result *result;
    uint64_t random;
    double spent;
    int32_t count; /* racers that are still in; [0] is the incumbent */
    struct racer racers[ST_RACE_MOST];
};

/* splitmix64 (Steele, Lea and Flood 2014). */
static uint64_t next_random(uint64_t *state) {
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static void shuffle(struct race *race, int32_t *order, int32_t count) {
    for (int32_t i = 0; i < count; i++) {
        const int32_t j = (int32_t)(next_random(&race->random) % (uint64_t)(i + 1));
        order[i] = order[j];
        order[j] = i;
    }
}

static void set_standing(struct race *race, int32_t candidate, int32_t state) {
    if (race->standings != NULL) race->standings[candidate].state = state;
}

/* What a call gave is untrusted as far as the mathematics goes: a time of nothing has no logarithm. */
static double sane(double ns) { return ns > 1 ? ns : 1; }

/* One sample of a racer; *log_ns is that of one run. Returns what measure said. */
static int32_t take(struct race *race, const struct racer *racer, int64_t runs, double *log_ns) {
    double ns = 0;
    const int32_t answer = race->calls->measure(race->calls->user, racer->candidate, runs, &ns);
    race->result->measurements++;
    if (answer != ST_RACE_RIGHT) return answer;
    race->spent += sane(ns);
    *log_ns = log(sane(ns) / (double)runs);
    return ST_RACE_RIGHT;
}

static int64_t runs_for(double ns) {
    const double runs = ceil(SAMPLE_NS / sane(ns));
    return runs > MOST_RUNS ? MOST_RUNS : (int64_t)runs;
}

/* The gate. Returns ST_RACE_RIGHT where the racer takes part. */
static int32_t admit(struct race *race, struct racer *racer) {
    double ns = 0, log_ns;
    int32_t answer = race->calls->check(race->calls->user, racer->candidate, &ns);
    ns = sane(ns);
    /* An interruption in the wrong moment must not shut a candidate out, nor make its samples too short. */
    const int is_short = ns < SAMPLE_NS;
    const int repeats = is_short ? 2 : racer->candidate > 0 && ns > TOO_SLOW * race->racers[0].quickest ? 1 : 0;
    for (int trial = 0; trial < repeats && answer == ST_RACE_RIGHT; trial++) {
        answer = take(race, racer, is_short ? TRIAL_RUNS : 1, &log_ns);
        if (answer == ST_RACE_RIGHT && exp(log_ns) < ns) ns = exp(log_ns);
    }
    if (answer == ST_RACE_WRONG) race->result->wrong++;
    if (answer == ST_RACE_WRONG || answer == ST_RACE_REFUSED)
        set_standing(race, racer->candidate, answer == ST_RACE_WRONG ? ST_RACE_OUT_WRONG : ST_RACE_OUT_REFUSED);
    if (answer != ST_RACE_RIGHT) return answer;
    racer->runs = runs_for(ns);
    racer->quickest = ns;
    racer->middle = log(ns);
    if (race->standings != NULL) race->standings[racer->candidate].log_ns = racer->middle;
    return ST_RACE_RIGHT;
}

/* Takes the racer at a position out, keeping the others' order. */
static void drop(struct race *race, int32_t position, int32_t state) {
    set_standing(race, race->racers[position].candidate, state);
    race->count--;
    memmove(&race->racers[position], &race->racers[position + 1], (size_t)(race->count - position) * sizeof race->racers[0]);
}

static int32_t fill_field(struct race *race) {
    for (int32_t i = 0; i < race->options->candidates; i++) {
        struct racer *racer = &race->racers[race->count];
        memset(racer, 0, sizeof *racer);
        racer->candidate = i;
        const int32_t answer = admit(race, racer);
        if (answer == ST_RACE_STOP || (i == 0 && answer != ST_RACE_RIGHT)) return answer;
        if (answer != ST_RACE_RIGHT) continue;
        race->count++;
        if (racer->quickest > TOO_SLOW * race->racers[0].quickest) drop(race, race->count - 1, ST_RACE_OUT_SLOW);
    }
    return ST_RACE_RIGHT;
}

/* `samples` more of every racer, each time in a fresh order. */
static int32_t run_round(struct race *race, int32_t samples) {
    int32_t order[ST_RACE_MOST], refused[ST_RACE_MOST] = {0};
    for (int32_t sample = 0; sample < samples; sample++) {
        shuffle(race, order, race->count);
        for (int32_t i = 0; i < race->count; i++) {
            struct racer *racer = &race->racers[order[i]];
            double log_ns;
            if (refused[order[i]]) continue;
            const int32_t answer = take(race, racer, racer->runs, &log_ns);
            if (answer == ST_RACE_STOP || (answer != ST_RACE_RIGHT && racer->candidate == 0)) return answer;
            refused[order[i]] = answer != ST_RACE_RIGHT;
            if (answer != ST_RACE_RIGHT) continue;
            if (racer->samples == 0 || exp(log_ns) < racer->quickest) racer->quickest = exp(log_ns);
            racer->logs[racer->samples++] = log_ns;
        }
    }
    for (int32_t i = race->count - 1; i > 0; i--)
        if (refused[i]) drop(race, i, ST_RACE_OUT_REFUSED);
    for (int32_t i = 0; i < race->count; i++) {
        struct racer *racer = &race->racers[i];
        double scratch[MOST_SAMPLES];
        memcpy(scratch, racer->logs, (size_t)racer->samples * sizeof scratch[0]);
        racer->middle = st_lower_median_of(scratch, racer->samples);
        if (race->standings == NULL) continue;
        race->standings[racer->candidate].samples = racer->samples;
        race->standings[racer->candidate].log_ns = racer->middle;
    }
    return ST_RACE_RIGHT;
}

static double best_middle(const struct race *race) {
    double best = race->racers[0].middle;
    for (int32_t i = 1; i < race->count; i++) best = fmin(best, race->racers[i].middle);
    return best;
}

/* Who is far behind even at his quickest, which only ever errs on the slow side. */
static void drop_far_behind(struct race *race) {
    const double bound = TOO_SLOW_NOW * exp(best_middle(race));
    for (int32_t i = race->count - 1; i > 0; i--)
        if (race->racers[i].quickest > bound) drop(race, i, ST_RACE_OUT_SLOW);
}

/* Drops the slowest challengers until `keep` are left. */
static void cut_field(struct race *race, int32_t keep) {
    while (race->count - 1 > keep) {
        int32_t slowest = 1;
        for (int32_t i = 2; i < race->count; i++)
            if (race->racers[i].middle > race->racers[slowest].middle) slowest = i;
        drop(race, slowest, ST_RACE_OUT_SLOW);
    }
}

static int is_over_limit(const struct race *race) {
    return race->options->limit_ns > 0 && race->spent > race->options->limit_ns;
}

static int32_t halve(struct race *race) {
    int32_t samples = FIRST_SAMPLES;
    if (race->count == 1) return ST_RACE_RIGHT;
    do {
        const int32_t answer = run_round(race, samples);
        if (answer != ST_RACE_RIGHT) return answer;
        if (samples == FIRST_SAMPLES) drop_far_behind(race);
        const int32_t half = race->count / 2; /* of the challengers, rounded up */
        cut_field(race, half > FINALISTS && !is_over_limit(race) ? half : FINALISTS);
        samples++;
    } while (race->count - 1 > FINALISTS);
    return ST_RACE_RIGHT;
}

/* The final's entrants: the incumbent, the incumbent again, and the finalists; their samples stand block by block. */
struct final {
    int32_t entrants, blocks;
    int32_t refused; /* the entrant whose sample ended the final early */
    const struct racer *racers[2 + FINALISTS];
    double logs[2 + FINALISTS][LAST_LOOK];
    st_trimmed gains[2 + FINALISTS]; /* of each over the incumbent; [1] is the control's */
    double noise;
};

static int32_t run_block(struct race *race, struct final *final) {
    int32_t order[2 + FINALISTS];
    shuffle(race, order, final->entrants);
    for (int32_t i = 0; i < final->entrants; i++) {
        const struct racer *racer = final->racers[order[i]];
        const int32_t answer = take(race, racer, racer->runs, &final->logs[order[i]][final->blocks]);
        if (answer != ST_RACE_RIGHT) {
            final->refused = order[i];
            return answer;
        }
    }
    final->blocks++;
    return ST_RACE_RIGHT;
}

/* Gains by pairs within blocks: what a block has in common, such as a slower clock, cancels. Says whether all is decided. */
static int look(struct final *final) {
    int decided = 1;
    for (int32_t entrant = 1; entrant < final->entrants; entrant++) {
        double pairs[LAST_LOOK];
        for (int32_t block = 0; block < final->blocks; block++) pairs[block] = final->logs[0][block] - final->logs[entrant][block];
        const st_trimmed gain = final->gains[entrant] = st_trimmed_of(pairs, final->blocks);
        if (entrant == 1) {
            final->noise = fmax(fabs(gain.mean) + gain.reach, LEAST_GAIN);
            continue;
        }
        decided = decided && (gain.mean - gain.reach > final->noise || gain.mean + gain.reach < LEAST_GAIN);
    }
    return decided;
}

static int32_t run_blocks(struct race *race, struct final *final) {
    memset(final, 0, sizeof *final);
    final->racers[final->entrants++] = &race->racers[0];
    for (int32_t i = 0; i < race->count; i++) final->racers[final->entrants++] = &race->racers[i];
    for (int32_t next_look = FIRST_LOOK; next_look <= LAST_LOOK; next_look *= 2) {
        while (final->blocks < next_look) {
            const int32_t answer = run_block(race, final);
            if (answer != ST_RACE_RIGHT) return answer;
        }
        if (look(final) || is_over_limit(race)) break;
    }
    return ST_RACE_RIGHT;
}

static void conclude(const struct final *final, st_race_result *result) {
    int32_t winner = 0;
    for (int32_t entrant = 2; entrant < final->entrants; entrant++) {
        const st_trimmed *gain = &final->gains[entrant];
        const int is_better = gain->mean - gain->reach > 0 && gain->mean > final->noise;
        if (is_better && (winner == 0 || gain->mean > final->gains[winner].mean)) winner = entrant;
    }
    st_moments moments = {0, 0, 0};
    for (int32_t block = 0; block < final->blocks; block++) {
        st_moments_add(&moments, final->logs[winner][block]);
        if (winner == 0) st_moments_add(&moments, final->logs[1][block]);
    }
    result->winner = final->racers[winner]->candidate;
    result->n = moments.n;
    result->mean_log_ns = moments.mean;
    result->var_log_ns = st_moments_variance(&moments);
    result->gain = winner == 0 ? 0 : final->gains[winner].mean;
    result->gain_error = final->gains[winner == 0 ? 1 : winner].error;
    result->noise = final->noise;
}

/* A challenger that refuses only now goes, and the final begins anew without it. */
static int32_t run_final(struct race *race) {
    struct final final;
    int32_t answer = run_blocks(race, &final);
    while (answer == ST_RACE_REFUSED && final.refused >= 2) {
        drop(race, final.refused - 1, ST_RACE_OUT_REFUSED);
        answer = run_blocks(race, &final);
    }
    if (answer != ST_RACE_RIGHT) return answer;
    for (int32_t i = 0; i < race->count; i++) set_standing(race, race->racers[i].candidate, ST_RACE_FINAL);
    conclude(&final, race->result);
    return ST_RACE_RIGHT;
}

static st_status check_arguments(const st_race_options *options, const st_race_calls *calls, const st_race_result *result) {
    if (options == NULL || calls == NULL || result == NULL)
        return st_fail(ST_E_ARGUMENT, "%s is NULL", options == NULL ? "options" : calls == NULL ? "calls" : "result");
    if (options->struct_size != sizeof *options)
        return st_fail(ST_E_ARGUMENT, "options.struct_size is %u; set it to sizeof(st_race_options)", options->struct_size);
    if (calls->struct_size != sizeof *calls)
        return st_fail(ST_E_ARGUMENT, "calls.struct_size is %u; set it to sizeof(st_race_calls)", calls->struct_size);
    if (result->struct_size != sizeof *result)
        return st_fail(ST_E_ARGUMENT, "result.struct_size is %u; set it to sizeof(st_race_result)", result->struct_size);
    if (calls->check == NULL || calls->measure == NULL)
        return st_fail(ST_E_ARGUMENT, "calls.%s is NULL", calls->check == NULL ? "check" : "measure");
    if (options->candidates < 1 || options->candidates > ST_RACE_MOST)
        return st_fail(ST_E_ARGUMENT, "options.candidates is %d; it must be in [1, %d]", options->candidates, ST_RACE_MOST);
    if (!(options->limit_ns >= 0)) return st_fail(ST_E_ARGUMENT, "options.limit_ns is %g; it must be at least 0", options->limit_ns);
    return ST_OK;
}

st_status st_race(const st_race_options *options, const st_race_calls *calls, st_race_standing *standings,
                  st_race_result *result) {
    const st_status status = check_arguments(options, calls, result);
    if (status != ST_OK) return status;
    struct race race = {.options = options, .calls = calls, .standings = standings, .result = result, .random = options->seed};
    memset(result, 0, sizeof *result);
    result->struct_size = sizeof *result;
    if (standings != NULL) memset(standings, 0, (size_t)options->candidates * sizeof *standings);

    int32_t answer = fill_field(&race);
    if (answer == ST_RACE_RIGHT) answer = halve(&race);
    if (answer == ST_RACE_RIGHT) answer = run_final(&race);
    result->stopped = answer == ST_RACE_STOP;
    if (answer == ST_RACE_RIGHT || answer == ST_RACE_STOP) return ST_OK;
    return st_fail(ST_E_STATE, "the incumbent %s, so there is nothing to race against",
                   answer == ST_RACE_WRONG ? "gives a wrong answer" : "refuses to run");
}

int64_t st_race_most_measurements(int32_t candidates) {
    if (candidates < 1 || candidates > ST_RACE_MOST) return 0;
    int64_t most = 2 * (int64_t)candidates, samples = FIRST_SAMPLES;
    for (int64_t field = candidates; field > 1;) {
        most += field * samples++;
        if (field - 1 <= FINALISTS) break;
        field = 1 + (field / 2 > FINALISTS ? field / 2 : FINALISTS);
        if (field - 1 <= FINALISTS) break;
    }
    for (int64_t finalists = candidates - 1 < FINALISTS ? candidates - 1 : FINALISTS; finalists >= 0; finalists--)
        most += LAST_LOOK * (2 + finalists);
    return most;
}
