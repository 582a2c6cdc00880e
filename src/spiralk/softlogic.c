/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* softlogic.c - from rules to a table: domains, weights by mode, what reads one field, and what couples several. */
#include "spiralk/softlogic.h"

#include <math.h>
#include <string.h>

#include "base/fail.h"
#include "spiralk/soft_table.h"

/* Fields that are given up together where the work is too much: looking whether the rest fits takes some 50 us at worst. */
enum { CLOSED_AT_ONCE = 5 };

static const double most_weight = 1e6; /* sums of ST_SOFT_RULES of them are exact enough to tell them apart */

int32_t st_soft_mode_of(const char *word) {
    static const char *const words[] = {"sum", "normalize", "softmax", "prob"};
    for (int32_t mode = ST_SOFT_SUM; mode <= ST_SOFT_PROB; mode++)
        if (strcmp(word, words[mode]) == 0) return mode;
    return -1;
}

/* ---- the workspace ---- */

static int64_t all_rules(const st_soft_problem *problem) {
    int64_t count = problem->wish_count;
    for (int32_t i = 0; i < problem->prepared_count; i++) count += problem->prepared[i]->rule_count;
    return count;
}

static size_t rules_that_count(const st_soft_problem *problem) {
    const int64_t count = all_rules(problem);
    return (size_t)(count < ST_SOFT_RULES ? count : ST_SOFT_RULES);
}

/* The caller's and the rules'; the incumbent's join them. */
static size_t values_given(const st_soft_problem *problem) {
    size_t count = rules_that_count(problem);
    for (int32_t field = 0; field < ST_FIELDS; field++) count += (size_t)problem->value_counts[field];
    return count;
}

/* Values are gathered and sorted before there are states. */
static size_t shared_bytes(size_t given, int32_t width) {
    const size_t sorting = 2 * given * sizeof(uint64_t), searching = 2 * (size_t)width * sizeof(st_soft_state);
    return sorting > searching ? sorting : searching;
}

static size_t bytes_for(size_t rules, size_t given, int32_t width) {
    return sizeof(double) + rules * (sizeof(st_soft_item) + sizeof(int32_t) + 2 * sizeof(uint8_t)) +
           (given + ST_FIELDS) * (sizeof(st_soft_part) + sizeof(int32_t)) + shared_bytes(given, width) +
           ST_SOFT_SLOTS * sizeof(int32_t);
}

size_t st_soft_bytes(const st_soft_problem *problem) {
    return bytes_for(rules_that_count(problem), values_given(problem), problem->width);
}

size_t st_soft_most_bytes(int64_t rules) {
    const size_t count = (size_t)(rules < ST_SOFT_RULES ? rules : ST_SOFT_RULES);
    return bytes_for(count, count + (size_t)ST_FIELDS * ST_SOFT_VALUES, ST_SOFT_WIDTH);
}

/* What is needed beside the table. */
struct scratch {
    st_soft_part *worth;
    int32_t *values;
    uint64_t *given, *merged;
    uint8_t *is_true, *was_true;
};

static void *take(char **at, size_t bytes) {
    void *block = *at;
    *at += bytes;
    return block;
}

/* In falling order of alignment. */
static void lay_out(const st_soft_problem *problem, void *workspace, st_soft_table *table, struct scratch *scratch) {
    char *at = workspace;
    const size_t misaligned = (uintptr_t)at % sizeof(double), items = rules_that_count(problem),
                 given = values_given(problem), values = given + ST_FIELDS;
    if (misaligned != 0) at += sizeof(double) - misaligned;
    table->items = take(&at, items * sizeof(st_soft_item));
    scratch->worth = take(&at, values * sizeof(st_soft_part));
    void *shared = take(&at, shared_bytes(given, problem->width));
    table->states = shared;
    table->extended = table->states + problem->width;
    scratch->given = shared;
    scratch->merged = scratch->given + given;
    scratch->values = take(&at, values * sizeof(int32_t));
    table->slots = take(&at, ST_SOFT_SLOTS * sizeof(int32_t));
    table->order = take(&at, items * sizeof(int32_t));
    scratch->is_true = take(&at, items);
    scratch->was_true = take(&at, items);
}

/* ---- rules ---- */

static void add_item(st_soft_table *table, const st_prepared *prepared, const st_rule *rule, int32_t field, int32_t value,
                     double weight) {
    if (table->item_count == ST_SOFT_RULES) return;
    const double size = fmin(fabs(weight), most_weight), sign = weight < 0 ? -1 : 1;
    table->items[table->item_count++] =
        (st_soft_item){.prepared = prepared,
                       .rule = rule,
                       .field = field,
                       .value = value,
                       .cost = rule != NULL ? rule->cost : 0,
                       .reads = (rule != NULL ? rule->reads : 0) | (field >= 0 ? 1u << field : 0),
                       .weight = (field < 0 ? -sign : sign) * size};
}

static void gather_items(st_soft_table *table) {
    const st_soft_problem *problem = table->problem;
    for (int32_t i = 0; i < problem->prepared_count; i++)
        for (int32_t j = 0; j < problem->prepared[i]->rule_count; j++) {
            const st_rule *rule = &problem->prepared[i]->rules[j];
            add_item(table, problem->prepared[i], rule, rule->field, rule->value, rule->weight);
        }
    for (int32_t i = 0; i < problem->wish_count; i++)
        add_item(table, NULL, NULL, problem->wishes[i].field, problem->wishes[i].value, problem->wishes[i].weight);
}

/* The work of scoring the incumbent, without which there is no answer. */
static int64_t least_work(const st_soft_table *table) {
    int64_t work = (int64_t)table->item_count * ST_SOFT_LOOK;
    for (int32_t i = 0; i < table->item_count; i++) {
        const st_soft_item *item = &table->items[i];
        if (item->field < 0 || st_choice_get(&table->problem->incumbent, item->field) == item->value) work += item->cost;
    }
    return work;
}

/* What each rule adds where it is true. */
static void weigh_items(st_soft_table *table) {
    const int32_t mode = table->problem->mode;
    double sum = 0, largest = 0;
    for (int32_t i = 0; i < table->item_count; i++) largest = fmax(largest, fabs(table->items[i].weight));
    for (int32_t i = 0; i < table->item_count; i++) {
        const double size = fabs(table->items[i].weight);
        /* Less the largest, so that no power overflows; the quotient is the same. */
        table->items[i].part.up = mode == ST_SOFT_SOFTMAX ? exp(size - largest) : size;
        sum += table->items[i].part.up;
    }
    for (int32_t i = 0; i < table->item_count; i++) {
        st_soft_item *item = &table->items[i];
        const double u = item->weight, sign = u > 0 ? 1 : u < 0 ? -1 : 0, power = item->part.up;
        item->part = st_soft_none(mode);
        if (mode == ST_SOFT_SUM) item->part.up = u;
        if (mode == ST_SOFT_NORMALIZE) item->part.up = sum > 0 ? u / sum : 0;
        if (mode == ST_SOFT_SOFTMAX) item->part.up = sign * power / sum;
        if (mode == ST_SOFT_PROB && u > 0) item->part.down = 1 - fmin(u, 1);
        if (mode == ST_SOFT_PROB && u < 0) item->part.up = 1 - fmin(-u, 1);
    }
}

/* ---- domains ---- */

/*
 * A value that a field is given, as one number: by field, then by value, then by who gives it, a rule's item (from 1) or the
 * caller (0).
 */
static uint64_t given_value(int32_t field, int32_t value, int32_t giver) {
    return (uint64_t)field << 48 | (uint64_t)((uint32_t)value ^ 0x80000000u) << 16 | (uint64_t)giver;
}
static int32_t field_of(uint64_t given) { return (int32_t)(given >> 48); }
static int32_t value_of(uint64_t given) { return (int32_t)((uint32_t)(given >> 16) ^ 0x80000000u); }
static int32_t giver_of(uint64_t given) { return (int32_t)(given & 0xffff); }

/* Ascending, by merging; libc's qsort may allocate. Returns the one of both that holds them. */
static uint64_t *sort_given(uint64_t *given, uint64_t *merged, size_t count) {
    for (size_t run = 1; run < count; run *= 2) {
        for (size_t first = 0; first < count; first += 2 * run) {
            const size_t middle = count - first > run ? first + run : count;
            const size_t end = count - first > 2 * run ? first + 2 * run : count;
            size_t a = first, b = middle, to = first;
            while (a < middle && b < end) {
                const uint64_t left = given[a], right = given[b];
                const size_t takes_right = right < left;
                merged[to++] = takes_right ? right : left;
                a += 1 - takes_right;
                b += takes_right;
            }
            while (a < middle) merged[to++] = given[a++];
            while (b < end) merged[to++] = given[b++];
        }
        uint64_t *sorted = merged;
        merged = given;
        given = sorted;
    }
    return given;
}

static size_t gather_given(const st_soft_table *table, uint64_t *given) {
    const st_soft_problem *problem = table->problem;
    size_t count = 0;
    for (int32_t field = 0; field < ST_FIELDS; field++)
        for (int32_t i = 0; i < problem->value_counts[field] && !(problem->fixed >> field & 1); i++)
            given[count++] = given_value(field, problem->values[field][i], 0);
    for (int32_t i = 0; i < table->item_count; i++) {
        const st_soft_item *item = &table->items[i];
        if (item->field >= 0 && !(problem->fixed >> item->field & 1)) given[count++] = given_value(item->field, item->value, i + 1);
    }
    return count;
}

/* The domains, each value in them once, and the place of each rule's value there. */
static void build_domains(st_soft_table *table, const struct scratch *scratch) {
    const size_t count = gather_given(table, scratch->given);
    const uint64_t *given = sort_given(scratch->given, scratch->merged, count);
    int32_t *values = scratch->values;
    st_soft_part *worth = scratch->worth;
    size_t next = 0;
    for (int32_t i = 0; i < table->item_count; i++) {
        st_soft_item *item = &table->items[i];
        const int is_fixed = item->field >= 0 && (table->problem->fixed >> item->field & 1);
        item->place = is_fixed && st_choice_get(&table->problem->incumbent, item->field) != item->value ? -1 : 0;
    }
    for (int32_t field = 0; field < ST_FIELDS; field++) {
        st_soft_domain *domain = &table->domains[field];
        const int32_t incumbent = st_choice_get(&table->problem->incumbent, field);
        *domain = (st_soft_domain){values, worth, 1};
        domain->values[0] = incumbent;
        table->incumbent[field] = incumbent;
        for (; next < count && field_of(given[next]) == field; next++) {
            const int32_t value = value_of(given[next]), giver = giver_of(given[next]);
            if (value == incumbent) continue;
            if (domain->count == 1 || domain->values[domain->count - 1] != value) domain->values[domain->count++] = value;
            if (giver > 0) table->items[giver - 1].place = domain->count - 1;
        }
        values += domain->count;
        worth += domain->count;
    }
}

/* ---- who reads whom, and what it takes ---- */

static int is_single(uint32_t bits) { return bits != 0 && (bits & (bits - 1)) == 0; }
static int32_t lowest(uint32_t bits) { return __builtin_ctz(bits); }
static int32_t highest(uint32_t bits) { return 31 - __builtin_clz(bits); }

static void join_group(st_soft_table *table, uint32_t fields) {
    if (fields == 0 || (fields & ~table->group[lowest(fields)]) == 0) return; /* known already */
    for (uint32_t left = fields; left != 0; left &= left - 1) fields |= table->group[lowest(left)];
    for (uint32_t left = fields; left != 0; left &= left - 1) table->group[lowest(left)] = fields;
}

/* Values at which an item that reads one open field is to be tried: its own, or all. */
static int32_t trials(const st_soft_table *table, const st_soft_item *item, int32_t field) {
    return item->field == field ? 1 : table->domains[field].count;
}

/* Of each field, the work of the rules for one of its values at most; worth[].up has that of each value. */
static void find_most(const st_soft_table *table, int64_t most[ST_FIELDS]) {
    for (int32_t field = 0; field < ST_FIELDS; field++) {
        double highest = 0;
        for (int32_t place = 0; place < table->domains[field].count; place++) {
            const double here = table->domains[field].worth[place].up;
            highest = here > highest ? here : highest;
        }
        most[field] = (int64_t)highest;
    }
}

/*
 * Finds the groups, and what each field completes, for the domains as they are. Returns the work of all but the search: of what
 * reads one field or none, and of scoring the answer and the incumbent. As a Choice has one value of each field, it needs the
 * conditions of the penalties, but of the rules for values those of one value a field.
 */
static int64_t survey(st_soft_table *table) {
    int64_t work = 0, scoring = (int64_t)table->item_count * ST_SOFT_LOOK, most[ST_FIELDS], of_values[ST_FIELDS] = {0};
    uint32_t read_by[ST_FIELDS + 1] = {0}, spoken_for[ST_FIELDS] = {0}; /* of the items that a field completes */
    table->open = 0;
    memset(table->group, 0, sizeof table->group);
    memset(table->first, 0, sizeof table->first);
    memset(table->cost, 0, sizeof table->cost);
    memset(table->own_cost, 0, sizeof table->own_cost);
    for (int32_t field = 0; field < ST_FIELDS; field++) {
        st_soft_domain *domain = &table->domains[field];
        table->open |= domain->count > 1 ? 1u << field : 0;
        for (int32_t place = 0; place < domain->count; place++) domain->worth[place].up = 0;
    }
    for (int32_t i = 0; i < table->item_count; i++) {
        const st_soft_item *item = &table->items[i];
        const uint32_t reads = st_soft_reads(table, item);
        if (st_soft_is_hopeless(table, item)) continue;
        if (item->field < 0)
            scoring += item->cost;
        else
            table->domains[item->field].worth[item->place].up += item->cost;
        join_group(table, reads);
        if (reads == 0 || is_single(reads)) {
            work += (ST_SOFT_LOOK + (int64_t)item->cost) * (reads == 0 ? 1 : trials(table, item, highest(reads)));
            continue;
        }
        const int32_t last = highest(reads);
        table->first[last + 1]++;
        read_by[last] |= reads;
        table->cost[last] += ST_SOFT_LOOK + (item->field < 0 ? item->cost : 0);
        if (item->field == last) table->own_cost[last] += item->cost;
        if (item->field < 0 || item->field == last) continue;
        of_values[last] += item->cost;
        spoken_for[last] |= 1u << item->field;
    }
    find_most(table, most);
    for (int32_t field = 0; field < ST_FIELDS; field++) {
        int64_t of_one_each = 0;
        for (uint32_t left = spoken_for[field]; left != 0; left &= left - 1) of_one_each += most[lowest(left)];
        table->cost[field] += of_one_each < of_values[field] ? of_one_each : of_values[field];
        table->first[field + 1] += table->first[field];
        scoring += most[field];
    }
    for (int32_t field = ST_FIELDS - 1; field >= 0; field--) {
        table->needed[field] = read_by[field + 1] & ((2u << field) - 1);
        read_by[field] |= read_by[field + 1];
    }
    return work + 2 * scoring;
}

/* Lists the items that read several open fields, by the last of them. */
static void list_couplings(st_soft_table *table) {
    int32_t next[ST_FIELDS];
    memcpy(next, table->first, sizeof next);
    for (int32_t i = 0; i < table->item_count; i++) {
        const uint32_t reads = st_soft_reads(table, &table->items[i]);
        if (!st_soft_is_hopeless(table, &table->items[i]) && reads != 0 && !is_single(reads)) table->order[next[highest(reads)]++] = i;
    }
}

/*
 * Closes the first `closed` fields of a list, and opens the others, whose full counts are given. Returns the largest width, halved
 * from the problem's, that the work then allows; 0: not even 1.
 */
static int32_t try_closed(st_soft_table *table, const int32_t list[ST_FIELDS], const int32_t counts[ST_FIELDS], int32_t closed) {
    for (int32_t i = 0; i < ST_FIELDS; i++) table->domains[list[i]].count = i < closed ? 1 : counts[list[i]];
    const int64_t left = table->problem->work - survey(table);
    int32_t width = table->problem->width;
    while (width > 0 && st_soft_search_cost(table, width) > left) width /= 2;
    return width;
}

/*
 * Brings the work within its bound: a smaller width, and where even a width of 1 is too much, fields keep the incumbent's value,
 * some more at a time, those with the most values first. At worst all of them keep it, and there is nothing to search.
 */
static void fit_work(st_soft_table *table) {
    int32_t counts[ST_FIELDS], widest[ST_FIELDS];
    for (int32_t field = 0; field < ST_FIELDS; field++) {
        int32_t at = field;
        counts[field] = table->domains[field].count;
        for (; at > 0 && counts[widest[at - 1]] < counts[field]; at--) widest[at] = widest[at - 1];
        widest[at] = field;
    }
    for (int32_t closed = 0; closed < ST_FIELDS; closed += CLOSED_AT_ONCE) {
        table->width = try_closed(table, widest, counts, closed);
        table->dropped = closed > 0;
        if (table->width > 0) {
            list_couplings(table);
            return;
        }
    }
    table->open = 0;
    table->dropped = 1;
}

/* ---- worth of single values ---- */

static void find_worth(st_soft_table *table) {
    const int32_t mode = table->problem->mode;
    double fields[ST_FIELDS];
    memcpy(fields, table->incumbent, sizeof fields);
    table->base = st_soft_none(mode);
    for (int32_t field = 0; field < ST_FIELDS; field++)
        for (int32_t place = 0; place < table->domains[field].count; place++)
            table->domains[field].worth[place] = st_soft_none(mode);
    for (int32_t i = 0; i < table->item_count && !st_soft_is_over(table); i++) {
        const st_soft_item *item = &table->items[i];
        const uint32_t reads = st_soft_reads(table, item);
        if (st_soft_is_hopeless(table, item) || (reads != 0 && !is_single(reads))) continue;
        if (reads == 0) {
            if (st_soft_is_true(table, item, fields)) table->base = st_soft_joined(mode, table->base, item->part);
            continue;
        }
        const int32_t field = highest(reads);
        const st_soft_domain *domain = &table->domains[field];
        const int32_t first = item->field == field ? item->place : 0;
        for (int32_t place = first; place < first + trials(table, item, field); place++) {
            fields[field] = domain->values[place];
            if (st_soft_is_true(table, item, fields))
                domain->worth[place] = st_soft_joined(mode, domain->worth[place], item->part);
        }
        fields[field] = table->incumbent[field];
    }
}

/* ---- the score of a whole Choice ---- */

static double score_of(st_soft_table *table, const st_choice *choice, uint8_t *is_true) {
    const int32_t mode = table->problem->mode;
    double fields[ST_FIELDS];
    st_soft_part part = st_soft_none(mode);
    for (int32_t field = 0; field < ST_FIELDS; field++) fields[field] = st_choice_get(choice, field);
    for (int32_t i = 0; i < table->item_count && !st_soft_is_over(table); i++) {
        is_true[i] = (uint8_t)st_soft_is_true(table, &table->items[i], fields);
        if (is_true[i]) part = st_soft_joined(mode, part, table->items[i].part);
    }
    return part.up - part.down;
}

/* Searches, and scores what was found; the incumbent where it is as good. */
static void answer_table(st_soft_table *table, const struct scratch *scratch, st_soft_answer *answer) {
    const st_choice incumbent = table->problem->incumbent;
    uint8_t *is_true = scratch->is_true, *was_true = scratch->was_true;
    if (table->open != 0) {
        find_worth(table);
        st_soft_search(table, &answer->choice);
    }
    answer->score = score_of(table, &incumbent, was_true);
    if (memcmp(&answer->choice, &incumbent, sizeof incumbent) == 0) return;
    const double score = score_of(table, &answer->choice, is_true);
    if (score > answer->score) {
        answer->score = score;
        answer->is_true = is_true;
    } else {
        answer->choice = incumbent;
    }
}

static void give_up(st_soft_table *table, const struct scratch *scratch, st_soft_answer *answer) {
    memset(scratch->was_true, 0, (size_t)table->item_count);
    answer->choice = table->problem->incumbent;
    answer->score = 0;
    answer->is_true = scratch->was_true;
    table->dropped = 1;
}

static st_status check(const st_soft_problem *problem, size_t bytes) {
    if (problem->mode < ST_SOFT_SUM || problem->mode > ST_SOFT_PROB)
        return st_fail(ST_E_ARGUMENT, "mode is %d; use ST_SOFT_SUM (0) to ST_SOFT_PROB (3)", problem->mode);
    if (problem->width < 1 || problem->width > ST_SOFT_WIDTH)
        return st_fail(ST_E_ARGUMENT, "width is %d; use 1 to %d", problem->width, ST_SOFT_WIDTH);
    for (int32_t field = 0; field < ST_FIELDS; field++)
        if (problem->value_counts[field] < 0 || problem->value_counts[field] > ST_SOFT_VALUES)
            return st_fail(ST_E_ARGUMENT, "value_counts[%d] is %d; use 0 to %d", field, problem->value_counts[field],
                           ST_SOFT_VALUES);
    if (bytes < st_soft_bytes(problem))
        return st_fail(ST_E_CAPACITY, "bytes is %zu; the problem needs %zu", bytes, st_soft_bytes(problem));
    return ST_OK;
}

st_status st_soft_solve(const st_soft_problem *problem, void *workspace, size_t bytes, st_soft_answer *answer) {
    st_soft_table table = {.problem = problem};
    struct scratch scratch;
    const st_status status = check(problem, bytes);
    if (status != ST_OK) return status;
    lay_out(problem, workspace, &table, &scratch);
    gather_items(&table);
    answer->choice = problem->incumbent;
    answer->is_true = answer->was_true = scratch.was_true;
    answer->gave_up = least_work(&table) > problem->work;
    if (!answer->gave_up) {
        weigh_items(&table);
        build_domains(&table, &scratch);
        fit_work(&table);
        answer_table(&table, &scratch, answer);
        answer->gave_up = st_soft_is_over(&table);
    }
    if (answer->gave_up) give_up(&table, &scratch, answer);
    answer->exact = !table.dropped;
    answer->count = table.item_count;
    answer->left_out = (int32_t)(all_rules(problem) - table.item_count);
    answer->work = table.work;
    return ST_OK;
}
