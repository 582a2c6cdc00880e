/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* rank_text.c - ranking text, whose length is known only at its end: streams, running winners with labels, and MidK. */
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "options.h"
#include "rank_job.h"

static int too_few(st_rank_job *job, int64_t numbers) {
    st_progress_hide(&job->input.progress);
    const char *option = job->kind == ST_WINDOW ? "--hi" : "-k";
    int64_t asked = job->kind == ST_WINDOW ? job->hi : job->k;
    return st_cli_usage(job->command, "%s: %lld is more than the %lld numbers of %s; give at most %lld", option,
                        (long long)asked, (long long)numbers, job->input.name, (long long)numbers);
}

/* ---- without labels ---------------------------------------------------------------------------------------------- */

static int push_all(st_rank_job *job, st_stream *stream) {
    for (;;) {
        st_input_block block;
        int status = st_input_next(&job->input, &block);
        if (status != ST_CLI_GO || block.count == 0) {
            return status;
        }
        int64_t before = st_stream_pushed(stream);
        st_status pushed = st_stream_push(stream, block.elements, block.count);
        if (pushed == ST_E_NAN) {
            return st_job_nan(job, 0, before + st_input_first_nan(ST_F64, block.elements, block.count, 1));
        }
        if (pushed != ST_OK) {
            return st_job_fail(job, pushed);
        }
    }
}

static int rank_stream(st_rank_job *job) {
    st_stream_options options = {
        .struct_size = sizeof options, .dtype = ST_F64, .nan_rule = job->nan_rule, .order = job->order};
    options.length = -1;
    int64_t lo = 0, hi = 0;
    st_job_window(job, 0, &lo, &hi, &options.descending);
    options.lo = lo < ST_JOB_MOST_NUMBERS ? lo : ST_JOB_MOST_NUMBERS;
    options.hi = hi < ST_JOB_MOST_NUMBERS ? hi : ST_JOB_MOST_NUMBERS;
    st_stream *stream = NULL;
    st_status opened = st_stream_open(job->context, &options, &stream);
    if (opened != ST_OK) {
        return st_job_fail(job, opened);
    }
    void *values = NULL;
    int64_t *indices = NULL;
    int status = push_all(job, stream);
    if (status == ST_CLI_GO && st_stream_pushed(stream) < hi) {
        status = too_few(job, st_stream_pushed(stream));
    }
    if (status == ST_CLI_GO) {
        values = st_job_allocate(job, job->width, job->size);
        indices = st_job_allocate(job, job->width, sizeof *indices);
        status = values && indices ? ST_CLI_GO : ST_CLI_FAILED;
    }
    if (status == ST_CLI_GO) {
        st_status finished = st_stream_finish(stream, values, indices, job->width);
        status = finished == ST_OK ? st_sink_rows(&job->sink, 1, values, indices, NULL) : st_job_fail(job, finished);
    }
    st_stream_close(stream);
    free(values);
    free(indices);
    return status;
}

/* ---- with labels ------------------------------------------------------------------------------------------------- */

/* The winners so far, in ascending index order, each with its label. */
typedef struct winners {
    int64_t count, room;
    double *values;
    int64_t *indices;
    char **labels;
} winners;

static int reserve(st_rank_job *job, winners *list, int64_t room) {
    if (room <= list->room) {
        return ST_CLI_GO;
    }
    /* k is the person's word: memory follows the numbers that are really there. */
    room = room > 2 * list->room ? room : 2 * list->room;
    double *values = realloc(list->values, (size_t)room * sizeof *values);
    list->values = values ? values : list->values;
    int64_t *indices = realloc(list->indices, (size_t)room * sizeof *indices);
    list->indices = indices ? indices : list->indices;
    char **labels = realloc(list->labels, (size_t)room * sizeof *labels);
    list->labels = labels ? labels : list->labels;
    if (!values || !indices || !labels) {
        return st_cli_fail(job->command, "out of memory: %lld winners are held; ask for fewer", (long long)list->count);
    }
    list->room = room;
    return ST_CLI_GO;
}

static void free_winners(winners *list) {
    for (int64_t i = 0; i < list->count; i++) {
        free(list->labels[i]);
    }
    free(list->values);
    free(list->indices);
    free(list->labels);
}

/*
 * Joins a block's best with the winners. Both are in ascending index order and the block's indices are larger, so the
 * merged list, asked for in index order, is a part of one after the other: labels follow in one walk.
 */
static int merge_block(st_rank_job *job, winners *list, const st_input_block *block, int64_t before, int64_t hi,
                       double *values, int64_t *indices) {
    int64_t fresh = block->count < hi ? block->count : hi;
    st_job_rows rows = {
        .elements = block->elements, .rows = 1, .cols = block->count, .row_stride = block->count, .col_stride = 1};
    rows.first_col = before;
    int status = st_job_select_window(job, &rows, 0, fresh, ST_UNSORTED, values, indices);
    if (status != ST_CLI_GO) {
        return status;
    }
    for (int64_t i = 0; i < fresh; i++) {
        indices[i] += before;
    }
    int64_t kept = list->count + fresh < hi ? list->count + fresh : hi;
    double *merged_values = st_job_allocate(job, kept, sizeof *merged_values);
    int64_t *merged = st_job_allocate(job, kept, sizeof *merged);
    status = merged_values && merged ? reserve(job, list, kept) : ST_CLI_FAILED;
    if (status == ST_CLI_GO) {
        const int64_t widths[] = {list->count, fresh};
        const void *const parts_values[] = {list->values, values};
        const int64_t *const parts_indices[] = {list->indices, indices};
        st_merge_request request = {
            .struct_size = sizeof request, .dtype = ST_F64, .nan_rule = job->nan_rule, .order = ST_UNSORTED};
        request.parts = 2;
        request.k = kept;
        request.widths = widths;
        request.values = parts_values;
        request.indices = parts_indices;
        int64_t lo = 0, end = 0;
        st_job_window(job, 0, &lo, &end, &request.descending);
        st_status merged_status = st_rank_merge(job->context, &request, merged_values, merged);
        status = merged_status == ST_OK ? ST_CLI_GO : st_job_fail(job, merged_status);
    }
    if (status == ST_CLI_GO) {
        int64_t to = 0;
        for (int64_t from = 0; from < list->count; from++) {
            if (to < kept && merged[to] == list->indices[from]) {
                list->labels[to++] = list->labels[from];
            } else {
                free(list->labels[from]);
            }
        }
        list->count = to;
        memcpy(list->values, merged_values, (size_t)kept * sizeof *merged_values);
        memcpy(list->indices, merged, (size_t)kept * sizeof *merged);
        for (; to < kept && status == ST_CLI_GO; to++) {
            list->labels[to] = strdup(block->labels[merged[to] - before]);
            if (list->labels[to]) {
                list->count++;
            } else {
                status = st_cli_fail(job->command, "out of memory for the labels of %lld winners", (long long)kept);
            }
        }
    }
    free(merged_values);
    free(merged);
    return status;
}

static int give_winners(st_rank_job *job, const winners *list, int64_t lo, int64_t hi) {
    st_job_rows rows = {
        .elements = list->values, .rows = 1, .cols = list->count, .row_stride = list->count, .col_stride = 1};
    double *values = st_job_allocate(job, job->width, sizeof *values);
    int64_t *indices = st_job_allocate(job, job->width, sizeof *indices);
    const char **labels = st_job_allocate(job, job->width, sizeof *labels);
    int status = values && indices && labels ? st_job_select_window(job, &rows, lo, hi, job->order, values, indices)
                                             : ST_CLI_FAILED;
    if (status == ST_CLI_GO) {
        for (int64_t i = 0; i < job->width; i++) {
            labels[i] = list->labels[indices[i]];
            indices[i] = list->indices[indices[i]];
        }
        status = st_sink_rows(&job->sink, 1, values, indices, labels);
    }
    free(values);
    free(indices);
    free(labels);
    return status;
}

static int rank_labelled(st_rank_job *job) {
    int64_t lo = 0, hi = 0, before = 0, room = 0;
    int32_t descending = 0;
    st_job_window(job, 0, &lo, &hi, &descending);
    winners list = {0};
    double *values = NULL;
    int64_t *indices = NULL;
    int status = ST_CLI_GO;
    while (status == ST_CLI_GO) {
        st_input_block block;
        status = st_input_next(&job->input, &block);
        if (status != ST_CLI_GO || block.count == 0) {
            break;
        }
        if (block.count > room) {
            free(values);
            free(indices);
            room = block.count;
            values = st_job_allocate(job, room, sizeof *values);
            indices = st_job_allocate(job, room, sizeof *indices);
            if (!values || !indices) {
                status = ST_CLI_FAILED;
                break;
            }
        }
        status = merge_block(job, &list, &block, before, hi, values, indices);
        before += block.count;
    }
    if (status == ST_CLI_GO && before < hi) {
        status = too_few(job, before);
    }
    if (status == ST_CLI_GO) {
        status = give_winners(job, &list, lo, hi);
    }
    free_winners(&list);
    free(values);
    free(indices);
    return status;
}

/* ---- MidK, whose window follows from the length ------------------------------------------------------------------ */

/* The numbers read so far, and from a pipe their labels too. */
typedef struct held {
    double *values;
    char **labels;
    int64_t count, room;
} held;

static int hold(st_rank_job *job, held *all, const st_input_block *block, int with_labels) {
    if (all->count + block->count > all->room) {
        int64_t room = 2 * all->room > all->count + block->count ? 2 * all->room : all->count + block->count;
        double *values = realloc(all->values, (size_t)room * sizeof *values);
        all->values = values ? values : all->values;
        char **labels = with_labels ? realloc(all->labels, (size_t)room * sizeof *labels) : NULL;
        all->labels = labels ? labels : all->labels;
        if (!values || (with_labels && !labels)) {
            return st_cli_fail(job->command,
                               "out of memory: midk must hold all numbers of a pipe, over %lld; save it to a file",
                               (long long)all->count);
        }
        all->room = room;
    }
    memcpy(all->values + all->count, block->elements, (size_t)block->count * sizeof *all->values);
    for (int64_t i = 0; i < block->count; i++) {
        if (with_labels) {
            all->labels[all->count] = strdup(block->labels[i]);
            if (!all->labels[all->count]) {
                return st_cli_fail(job->command,
                                   "out of memory for labels: midk must hold all of a pipe; save it to a file");
            }
        }
        all->count++;
    }
    return ST_CLI_GO;
}

static int begin_text(st_rank_job *job, st_job_feed *feed, const char *what) {
    feed->at = 0;
    return st_input_rewind(&job->input, 0, what);
}

static int next_of_text(st_rank_job *job, st_job_feed *feed, const void **elements, int64_t *count) {
    st_input_block block;
    int status = st_input_next(&job->input, &block);
    *elements = block.elements;
    *count = block.count;
    feed->at += block.count;
    return status;
}

typedef struct place {
    int64_t index, position;
} place;

static int by_index(const void *left, const void *right) {
    const place *first = left, *second = right;
    return (first->index > second->index) - (first->index < second->index);
}

/* Labels of known indices, from one more reading of the file. */
static int fetch_labels(st_rank_job *job, const int64_t *indices, char **labels) {
    place *places = st_job_allocate(job, job->width, sizeof *places);
    if (!places) {
        return ST_CLI_FAILED;
    }
    for (int64_t i = 0; i < job->width; i++) {
        places[i] = (place){indices[i], i};
    }
    qsort(places, (size_t)job->width, sizeof *places, by_index);
    int status = st_input_rewind(&job->input, 1, "labels");
    int64_t next = 0;
    for (int64_t before = 0; status == ST_CLI_GO && next < job->width;) {
        st_input_block block;
        status = st_input_next(&job->input, &block);
        if (status == ST_CLI_GO && block.count == 0) {
            status = st_cli_fail(job->command, "%s: changed while it was read; copy it first", job->input.name);
        }
        for (; status == ST_CLI_GO && next < job->width && places[next].index < before + block.count; next++) {
            char *label = strdup(block.labels[places[next].index - before]);
            labels[places[next].position] = label;
            if (!label) {
                status = st_cli_fail(job->command, "out of memory for %lld labels", (long long)job->width);
            }
        }
        before += block.count;
    }
    free(places);
    return status;
}

/* Ranks what was read, or goes through the file again, and finds the labels. */
static int rank_middle(st_rank_job *job, held *all, int64_t count, int is_whole) {
    int64_t width = job->width;
    double *values = st_job_allocate(job, width, sizeof *values);
    int64_t *indices = st_job_allocate(job, width, sizeof *indices);
    char **labels = calloc((size_t)width + 1, sizeof *labels);
    int with_labels = job->input.options.show != NULL;
    int status = values && indices && labels ? ST_CLI_GO : ST_CLI_FAILED;
    if (status == ST_CLI_GO && is_whole) {
        st_job_rows rows = {.elements = all->values, .rows = 1, .cols = count, .row_stride = count, .col_stride = 1};
        status = st_job_select(job, &rows, values, indices);
    } else if (status == ST_CLI_GO) {
        st_job_feed feed = {.begin = begin_text, .next = next_of_text};
        status = st_job_passes(job, &feed, count, values, indices);
    }
    int owns_labels = !all->labels;
    if (status == ST_CLI_GO && with_labels && owns_labels) {
        status = fetch_labels(job, indices, labels);
    }
    for (int64_t i = 0; i < width && with_labels && !owns_labels && status == ST_CLI_GO; i++) {
        labels[i] = all->labels[indices[i]];
    }
    if (status == ST_CLI_GO) {
        status = st_sink_rows(&job->sink, 1, values, indices, (const char *const *)labels);
    }
    for (int64_t i = 0; i < width && labels && owns_labels; i++) {
        free(labels[i]);
    }
    free(labels);
    free(values);
    free(indices);
    return status;
}

static int rank_midk(st_rank_job *job) {
    enum { HELD = ST_JOB_BUDGET / 2 / 8 };
    held all = {0};
    int64_t count = 0;
    int is_whole = 1, is_said = 0;
    int is_pipe = !job->input.again;
    int with_labels = is_pipe && job->input.options.show != NULL;
    int status = ST_CLI_GO;
    for (;;) {
        st_input_block block;
        status = st_input_next(&job->input, &block);
        if (status != ST_CLI_GO || block.count == 0) {
            break;
        }
        count += block.count;
        is_whole = is_pipe || (is_whole && count <= HELD);
        status = is_whole ? hold(job, &all, &block, with_labels) : ST_CLI_GO;
        if (status != ST_CLI_GO) {
            break;
        }
        if (is_pipe && count > HELD && !is_said) {
            is_said = 1;
            st_job_note(job, "must hold all numbers of a pipe, over %lld so far: save them to a file to bound memory",
                        (long long)count);
        }
    }
    if (!is_whole) {
        free(all.values);
        all.values = NULL;
    }
    if (status == ST_CLI_GO && count < job->k) {
        status = too_few(job, count);
    }
    if (status == ST_CLI_GO && is_pipe && !is_said) {
        st_job_note(job, "must hold all %lld numbers of a pipe: save them to a file to bound memory", (long long)count);
    }
    if (status == ST_CLI_GO) {
        status = rank_middle(job, &all, count, is_whole);
    }
    for (int64_t i = 0; i < all.count && all.labels; i++) {
        free(all.labels[i]);
    }
    free(all.labels);
    free(all.values);
    return status;
}

int st_job_text(st_rank_job *job) {
    if (job->kind == ST_MIDK) {
        return rank_midk(job);
    }
    return job->input.options.show ? rank_labelled(job) : rank_stream(job);
}
