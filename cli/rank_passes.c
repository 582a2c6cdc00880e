/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* rank_passes.c - a window from a row that is too long to hold: counting passes close in on it, one more gathers it. */
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "options.h"
#include "order_key.h"
#include "rank_job.h"

enum {
    BINS = 1 << 16,
    CHUNK = 1024,
    CANDIDATES =
        1
        << 19 /* so many may be gathered and ranked at once, beside the result: 8 MiB of 8-byte elements and indices */
};

/* One end of the window: the element of that rank. */
typedef struct end {
    uint64_t prefix; /* the leading digits of its key, as far as they are known */
    int64_t below;   /* elements whose leading digits are smaller */
    int64_t inside;  /* its rank among those with the same leading digits */
    int64_t same;    /* how many these are */
    int64_t *bins;
} end;

typedef struct search {
    st_rank_job *job;
    st_job_feed *feed;
    st_order_key order;
    int64_t n, lo, hi;
    int32_t digit; /* bits of a digit */
    int32_t shift; /* bits of the key below the prefix */
    end first, last;
    uint64_t *keys;
} search;

/* ---- counting ---------------------------------------------------------------------------------------------------- */

static void count_chunk(search *find, int64_t count) {
    const uint64_t mask = (1u << find->digit) - 1;
    const uint64_t *keys = find->keys;
    const int32_t shift = find->shift, digit = find->digit;
    const uint64_t first = find->first.prefix, last = find->last.prefix;
    int64_t *bins = find->first.bins, *others = find->last.bins;
    if (shift + digit == find->order.bits) {
        for (int64_t i = 0; i < count; i++) {
            bins[keys[i] >> shift]++;
        }
        return;
    }
    /* Few elements belong, so that branches cost less than bins that are touched in vain. */
    for (int64_t i = 0; i < count; i++) {
        const uint64_t leading = keys[i] >> shift;
        if (leading >> digit == first) {
            bins[leading & mask]++;
        } else if (leading >> digit == last) {
            others[leading & mask]++;
        }
    }
}

static void close_in(end *side, int32_t digit) {
    const int64_t *bins = side->bins;
    int64_t bin = 0;
    while (side->inside >= bins[bin]) {
        side->inside -= bins[bin];
        side->below += bins[bin];
        bin++;
    }
    side->same = bins[bin];
    side->prefix = side->prefix << digit | (uint64_t)bin;
}

static int counting_pass(search *find, const char *what) {
    int is_first = find->shift + find->digit == find->order.bits;
    memset(find->first.bins, 0, BINS * sizeof(int64_t));
    memset(find->last.bins, 0, BINS * sizeof(int64_t));
    int status = find->feed->begin(find->job, find->feed, what);
    int64_t at = 0;
    while (status == ST_CLI_GO) {
        const void *elements = NULL;
        int64_t count = 0;
        status = find->feed->next(find->job, find->feed, &elements, &count);
        if (status != ST_CLI_GO || count == 0) {
            break;
        }
        if (is_first && find->job->nan_rule == ST_NAN_ERROR) {
            int64_t found = st_input_first_nan(find->job->dtype, elements, count, 1);
            if (found >= 0) {
                return st_job_nan(find->job, find->feed->row, at + found);
            }
        }
        for (int64_t from = 0; from < count; from += CHUNK) {
            int64_t part = count - from < CHUNK ? count - from : CHUNK;
            st_order_keys(&find->order, (const char *)elements + from * find->job->size, part, find->keys);
            count_chunk(find, part);
        }
        at += count;
    }
    if (status == ST_CLI_GO && at != find->n) {
        status = st_cli_fail(find->job->command, "%s: changed while it was read: %lld elements, then %lld",
                             find->job->input.name, (long long)find->n, (long long)at);
    }
    if (status != ST_CLI_GO) {
        return status;
    }
    int64_t counted = 0, counted_last = 0;
    int are_one = find->first.prefix == find->last.prefix;
    for (int64_t bin = 0; bin < BINS; bin++) {
        if (are_one) {
            find->last.bins[bin] = find->first.bins[bin];
        }
        counted += find->first.bins[bin];
        counted_last += find->last.bins[bin];
    }
    if (counted != find->first.same || counted_last != find->last.same) {
        return st_cli_fail(find->job->command, "%s: changed while it was read; copy it first", find->job->input.name);
    }
    close_in(&find->first, find->digit);
    close_in(&find->last, find->digit);
    return ST_CLI_GO;
}

/* ---- gathering --------------------------------------------------------------------------------------------------- */

typedef struct gathered {
    char *values;
    int64_t *indices;
    int64_t count, capacity;
    int32_t exact;               /* the ends' keys are known in full, and only the window itself is gathered */
    int64_t first_met, last_met; /* elements met that equal an end */
} gathered;

/* Whether an element between the ends, or equal to one, is gathered. */
static int belongs(const search *find, gathered *result, uint64_t leading) {
    if (!result->exact) {
        return 1;
    }
    /* Equal elements rank by index, which is the order in which they are met. */
    int keep = 1;
    if (leading == find->first.prefix) {
        keep = result->first_met++ >= find->first.inside;
    }
    if (leading == find->last.prefix) {
        keep = result->last_met++ <= find->last.inside && keep;
    }
    return keep;
}

static int gathering_pass(search *find, gathered *result) {
    st_rank_job *job = find->job;
    const uint64_t *keys = find->keys;
    const int32_t shift = find->shift;
    const uint64_t low = find->first.prefix, span = find->last.prefix - low;
    int status = find->feed->begin(job, find->feed, "last pass");
    int64_t at = 0;
    while (status == ST_CLI_GO) {
        const void *elements = NULL;
        int64_t count = 0;
        status = find->feed->next(job, find->feed, &elements, &count);
        if (status != ST_CLI_GO || count == 0) {
            break;
        }
        for (int64_t from = 0; from < count; from += CHUNK) {
            int64_t part = count - from < CHUNK ? count - from : CHUNK;
            const char *chunk = (const char *)elements + from * job->size;
            st_order_keys(&find->order, chunk, part, find->keys);
            for (int64_t i = 0; i < part; i++) {
                const uint64_t leading = keys[i] >> shift;
                if (leading - low <= span && belongs(find, result, leading)) {
                    if (result->count == result->capacity) {
                        return st_cli_fail(job->command, "%s: changed while it was read; copy it first",
                                           job->input.name);
                    }
                    memcpy(result->values + result->count * job->size, chunk + i * job->size, (size_t)job->size);
                    result->indices[result->count++] = at + from + i;
                }
            }
        }
        at += count;
    }
    if (status == ST_CLI_GO && (at != find->n || result->count != result->capacity)) {
        return st_cli_fail(job->command, "%s: changed while it was read; copy it first", job->input.name);
    }
    return status;
}

static int finish(search *find, void *values, int64_t *indices) {
    st_rank_job *job = find->job;
    int64_t candidates = find->last.below + find->last.same - find->first.below;
    gathered result = {.exact = candidates > CANDIDATES};
    result.capacity = result.exact ? find->hi - find->lo : candidates;
    result.values = st_job_allocate(job, result.capacity, job->size);
    result.indices = result.values ? st_job_allocate(job, result.capacity, sizeof(int64_t)) : NULL;
    int status = result.indices ? gathering_pass(find, &result) : ST_CLI_FAILED;
    if (status == ST_CLI_GO) {
        int64_t lo = result.exact ? 0 : find->lo - find->first.below;
        st_job_rows rows = {
            .elements = result.values, .rows = 1, .cols = result.count, .row_stride = result.count, .col_stride = 1};
        rows.first_row = find->feed->row;
        status = st_job_select_window(job, &rows, lo, lo + job->width, job->order, values, indices);
    }
    for (int64_t i = 0; i < job->width && status == ST_CLI_GO; i++) {
        indices[i] = result.indices[indices[i]];
    }
    free(result.values);
    free(result.indices);
    return status;
}

int st_job_passes(st_rank_job *job, st_job_feed *feed, int64_t n, void *values, int64_t *indices) {
    int32_t descending = 0;
    search find = {.job = job, .feed = feed, .n = n};
    st_job_window(job, n, &find.lo, &find.hi, &descending);
    find.order = st_order_key_of(job->dtype, descending, job->nan_rule);
    find.digit = find.order.bits < 16 ? find.order.bits : 16;
    find.shift = find.order.bits;
    find.first.inside = find.lo;
    find.last.inside = find.hi - 1;
    find.first.same = find.last.same = n;
    find.first.bins = st_job_allocate(job, BINS, sizeof(int64_t));
    find.last.bins = st_job_allocate(job, BINS, sizeof(int64_t));
    find.keys = st_job_allocate(job, CHUNK, sizeof(uint64_t));
    int status = find.first.bins && find.last.bins && find.keys ? ST_CLI_GO : ST_CLI_FAILED;
    static const char *const names[] = {"pass 1", "pass 2", "pass 3", "pass 4"};
    for (int pass = 0; status == ST_CLI_GO && find.shift > 0; pass++) {
        find.shift -= find.digit;
        status = counting_pass(&find, names[pass]);
        if (find.last.below + find.last.same - find.first.below <= CANDIDATES) {
            break;
        }
    }
    if (status == ST_CLI_GO) {
        status = finish(&find, values, indices);
    }
    free(find.first.bins);
    free(find.last.bins);
    free(find.keys);
    return status;
}
