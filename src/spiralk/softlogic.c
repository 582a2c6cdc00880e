/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* softlogic.c - from rules to a table: domains, weights by mode, what reads one field, and what couples several. */
#include "spiralk/softlogic.h"

#include <math.h>
#include <string.h>

#include "base/fail.h"
#include "spiralk/soft_table.h"

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

/* The incumbent's, the caller's and the rules'. */
static size_t values_at_most(const st_soft_problem *problem) {
    size_t count = ST_FIELDS + rules_that_count(problem);
    for (int32_t field = 0; field < ST_FIELDS; field++) count += (size_t)problem->value_counts[field];
    return count;
}

size_t st_soft_bytes(const st_soft_problem *problem) {
    return sizeof(double) + rules_that_count(problem) * (sizeof(st_soft_item) + sizeof(int32_t)) +
           values_at_most(problem) * (sizeof(st_soft_part) + sizeof(int32_t)) +
           2 * (size_t)problem->width * sizeof(st_soft_state) + ST_SOFT_SLOTS * sizeof(int32_t);
}

static void lay_out(const st_soft_problem *problem, void *workspace, st_soft_table *table, st_soft_part **worth,
                    int32_t **values) {
    char *at = workspace;
    const size_t misaligned = (uintptr_t)at % sizeof(double);
    if (misaligned != 0) at += sizeof(double) - misaligned;
    table->items = (st_soft_item *)(void *)at;
    at += rules_that_count(problem) * sizeof(st_soft_item);
    table->states = (st_soft_state *)(void *)at;
    table->extended = table->states + problem->width;
    at += 2 * (size_t)problem->width * sizeof(st_soft_state);
    *worth = (st_soft_part *)(void *)at;
    at += values_at_most(problem) * sizeof(st_soft_part);
    *values = (int32_t *)(void *)at;
    at += values_at_most(problem) * sizeof(int32_t);
    table->slots = (int32_t *)(void *)at;
    at += ST_SOFT_SLOTS * sizeof(int32_t);
    table->order = (int32_t *)(void *)at;
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

/* What each rule adds where it is true. */
static void weigh_items(st_soft_table *table) {
    const int32_t mode = table->problem->mode;
    double sum = 0, largest = 0;
    for (int32_t i = 0; i < table->item_count; i++) largest = fmax(largest, fabs(table->items[i].weight));
    for (int32_t i = 0; i < table->item_count; i++) {
        const double size = fabs(table->items[i].weight);
        /* Less the largest, so that no power overflows; the quotient is the same. */
        sum += mode == ST_SOFT_SOFTMAX ? exp(size - largest) : size;
    }
    for (int32_t i = 0; i < table->item_count; i++) {
        st_soft_item *item = &table->items[i];
        const double u = item->weight, sign = u > 0 ? 1 : u < 0 ? -1 : 0;
        item->part = st_soft_none(mode);
        if (mode == ST_SOFT_SUM) item->part.up = u;
        if (mode == ST_SOFT_NORMALIZE) item->part.up = sum > 0 ? u / sum : 0;
        if (mode == ST_SOFT_SOFTMAX) item->part.up = sign * exp(fabs(u) - largest) / sum;
        if (mode == ST_SOFT_PROB && u > 0) item->part.down = 1 - fmin(u, 1);
        if (mode == ST_SOFT_PROB && u < 0) item->part.up = 1 - fmin(-u, 1);
    }
}

/* ---- domains ---- */

static void sift_value(int32_t *heap, int32_t count, int32_t hole) {
    const int32_t moved = heap[hole];
    for (int32_t child; (child = 2 * hole + 1) < count; hole = child) {
        if (child + 1 < count && heap[child + 1] > heap[child]) child++;
        if (heap[child] <= moved) break;
        heap[hole] = heap[child];
    }
    heap[hole] = moved;
}

/* Ascending; libc's qsort may allocate. */
static void sort_values(int32_t *values, int32_t count) {
    for (int32_t i = count / 2 - 1; i >= 0; i--) sift_value(values, count, i);
    for (int32_t left = count - 1; left > 0; left--) {
        const int32_t largest = values[0];
        values[0] = values[left];
        values[left] = largest;
        sift_value(values, left, 0);
    }
}

/* Sorts what follows the incumbent's value, and leaves each value once. */
static void finish_domain(st_soft_domain *domain) {
    int32_t kept = 1;
    sort_values(domain->values + 1, domain->count - 1);
    for (int32_t i = 1; i < domain->count; i++)
        if (domain->values[i] != domain->values[0] && (kept == 1 || domain->values[i] != domain->values[kept - 1]))
            domain->values[kept++] = domain->values[i];
    domain->count = kept;
}

static void build_domains(st_soft_table *table, st_soft_part *worth, int32_t *values) {
    const st_soft_problem *problem = table->problem;
    int32_t room[ST_FIELDS];
    for (int32_t field = 0; field < ST_FIELDS; field++) room[field] = 1 + problem->value_counts[field];
    for (int32_t i = 0; i < table->item_count; i++)
        if (table->items[i].field >= 0) room[table->items[i].field]++;
    for (int32_t field = 0; field < ST_FIELDS; field++) {
        st_soft_domain *domain = &table->domains[field];
        domain->values = values;
        domain->worth = worth;
        values += room[field];
        worth += room[field];
        domain->count = 1;
        domain->values[0] = st_choice_get(&problem->incumbent, field);
        table->incumbent[field] = domain->values[0];
        if (problem->fixed >> field & 1) continue;
        for (int32_t i = 0; i < problem->value_counts[field]; i++) domain->values[domain->count++] = problem->values[field][i];
    }
    for (int32_t i = 0; i < table->item_count; i++) {
        const st_soft_item *item = &table->items[i];
        if (item->field < 0 || problem->fixed >> item->field & 1) continue;
        st_soft_domain *domain = &table->domains[item->field];
        domain->values[domain->count++] = item->value;
    }
    for (int32_t field = 0; field < ST_FIELDS; field++) finish_domain(&table->domains[field]);
}

static int32_t place_of(const st_soft_domain *domain, int32_t value) {
    if (domain->values[0] == value) return 0;
    int32_t low = 1, high = domain->count;
    while (low < high) {
        const int32_t middle = low + (high - low) / 2;
        if (domain->values[middle] < value)
            low = middle + 1;
        else
            high = middle;
    }
    return low < domain->count && domain->values[low] == value ? low : -1;
}

/* ---- who reads whom ---- */

static int is_single(uint32_t bits) { return bits != 0 && (bits & (bits - 1)) == 0; }

/* A rule that speaks for a value which is not in its domain any more can never be true. */
static int is_hopeless(const st_soft_item *item) { return item->place < 0; }

static void find_places(st_soft_table *table) {
    for (int32_t i = 0; i < table->item_count; i++) {
        st_soft_item *item = &table->items[i];
        item->place = item->field >= 0 ? place_of(&table->domains[item->field], item->value) : 0;
    }
}

static int32_t lowest(uint32_t bits) { return __builtin_ctz(bits); }
static int32_t highest(uint32_t bits) { return 31 - __builtin_clz(bits); }

static void find_groups(st_soft_table *table) {
    table->open = 0;
    for (int32_t field = 0; field < ST_FIELDS; field++) {
        table->open |= table->domains[field].count > 1 ? 1u << field : 0;
        table->group[field] = 0;
    }
    for (int32_t i = 0; i < table->item_count; i++) {
        const st_soft_item *item = &table->items[i];
        uint32_t group = is_hopeless(item) ? 0 : st_soft_reads(table, item);
        for (uint32_t left = group; left != 0; left &= left - 1) group |= table->group[lowest(left)];
        if (group == 0 || table->group[lowest(group)] == group) continue; /* known already */
        for (uint32_t left = group; left != 0; left &= left - 1) table->group[lowest(left)] = group;
    }
}

/* Lists the items that read several open fields, by the last of them, and sums up what they cost there. */
static void list_couplings(st_soft_table *table) {
    int32_t next[ST_FIELDS] = {0};
    memset(table->first, 0, sizeof table->first);
    memset(table->needed, 0, sizeof table->needed);
    memset(table->cost, 0, sizeof table->cost);
    memset(table->own_cost, 0, sizeof table->own_cost);
    for (int32_t pass = 0; pass < 2; pass++) {
        for (int32_t i = 0; i < table->item_count; i++) {
            const st_soft_item *item = &table->items[i];
            const uint32_t reads = st_soft_reads(table, item);
            if (is_hopeless(item) || reads == 0 || is_single(reads)) continue;
            const int32_t last = highest(reads);
            if (pass == 1) {
                table->order[next[last]++] = i;
                continue;
            }
            table->first[last + 1]++;
            for (int32_t field = lowest(reads); field < last; field++) table->needed[field] |= reads & ((2u << field) - 1);
            table->cost[last] += 1 + (item->field == last ? 0 : st_soft_cost(item));
            table->own_cost[last] += item->field == last ? st_soft_cost(item) : 0;
        }
        for (int32_t field = 0; pass == 0 && field < ST_FIELDS; field++) {
            table->first[field + 1] += table->first[field];
            next[field] = table->first[field];
        }
    }
}

/* Values at which an item that reads one open field is to be tried: its own, or all. */
static int32_t trials(const st_soft_table *table, const st_soft_item *item, int32_t field) {
    return item->field == field ? 1 : table->domains[field].count;
}

static int64_t worth_cost(const st_soft_table *table) {
    int64_t cost = 0;
    for (int32_t i = 0; i < table->item_count; i++) {
        const st_soft_item *item = &table->items[i];
        const uint32_t reads = st_soft_reads(table, item);
        if (!is_hopeless(item) && (reads == 0 || is_single(reads)))
            cost += (1 + st_soft_cost(item)) * (reads == 0 ? 1 : trials(table, item, highest(reads)));
    }
    return cost;
}

/*
 * Brings the work within its bound: a smaller width, and where even a width of 1 is too much, fields keep the incumbent's
 * value, those with the most values first. With all of them kept, each rule is decided once.
 */
static void fit_work(st_soft_table *table) {
    for (;;) {
        find_places(table);
        find_groups(table);
        list_couplings(table);
        const int64_t left = ST_SOFT_WORK - worth_cost(table);
        table->width = table->problem->width;
        while (table->width > 1 && st_soft_search_cost(table, table->width) > left) table->width /= 2;
        if (table->open == 0 || st_soft_search_cost(table, table->width) <= left) return;
        int32_t widest = -1;
        for (int32_t field = 0; field < ST_FIELDS; field++)
            if (table->group[field] != 0 && (widest < 0 || table->domains[field].count > table->domains[widest].count))
                widest = field;
        if (widest < 0) return;
        table->domains[widest].count = 1;
        table->dropped = 1;
    }
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
    for (int32_t i = 0; i < table->item_count; i++) {
        const st_soft_item *item = &table->items[i];
        const uint32_t reads = st_soft_reads(table, item);
        if (is_hopeless(item) || (reads != 0 && !is_single(reads))) continue;
        if (reads == 0) {
            if (st_soft_is_true(item, fields, &table->work)) table->base = st_soft_joined(mode, table->base, item->part);
            continue;
        }
        const int32_t field = highest(reads);
        const st_soft_domain *domain = &table->domains[field];
        const int32_t first = item->field == field ? item->place : 0;
        for (int32_t place = first; place < first + trials(table, item, field); place++) {
            fields[field] = domain->values[place];
            if (st_soft_is_true(item, fields, &table->work))
                domain->worth[place] = st_soft_joined(mode, domain->worth[place], item->part);
        }
        fields[field] = table->incumbent[field];
    }
}

/* ---- the score of a whole Choice ---- */

static double score_of(st_soft_table *table, const st_choice *choice) {
    const int32_t mode = table->problem->mode;
    double fields[ST_FIELDS];
    st_soft_part part = st_soft_none(mode);
    for (int32_t field = 0; field < ST_FIELDS; field++) fields[field] = st_choice_get(choice, field);
    for (int32_t i = 0; i < table->item_count; i++)
        if (st_soft_is_true(&table->items[i], fields, &table->work)) part = st_soft_joined(mode, part, table->items[i].part);
    return part.up - part.down;
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
    st_soft_part *worth;
    int32_t *values;
    const st_status status = check(problem, bytes);
    if (status != ST_OK) return status;
    lay_out(problem, workspace, &table, &worth, &values);
    gather_items(&table);
    weigh_items(&table);
    build_domains(&table, worth, values);
    fit_work(&table);
    find_worth(&table);
    st_soft_search(&table, &answer->choice);
    answer->score = score_of(&table, &answer->choice);
    answer->exact = !table.dropped;
    answer->left_out = (int32_t)(all_rules(problem) - table.item_count);
    if (table.dropped) {
        const double incumbent = score_of(&table, &problem->incumbent);
        if (incumbent >= answer->score) {
            answer->choice = problem->incumbent;
            answer->score = incumbent;
        }
    }
    if (table.work > ST_SOFT_LIMIT) {
        answer->choice = problem->incumbent;
        answer->score = 0;
        answer->exact = 0;
    }
    answer->work = table.work;
    return ST_OK;
}
