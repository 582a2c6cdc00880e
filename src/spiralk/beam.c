/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* beam.c - partial Choices, extended field by field, of which the best are kept. */
#include <string.h>

#include "spiralk/soft_table.h"

/* The work that copying a partial Choice, finding its place among the best, and pruning are worth. */
enum { STEP_COST = 12, CUT_COST = 16, PRUNE_COST = 60 };

/* ---- the order of partial Choices ---- */

static int earlier(const st_soft_state *a, const st_soft_state *b) {
    for (int32_t field = 0; field < ST_FIELDS; field++)
        if (a->places[field] != b->places[field]) return a->places[field] < b->places[field];
    return 0;
}

static int is_better(const st_soft_state *a, const st_soft_state *b) {
    const double left = a->part.up - a->part.down, right = b->part.up - b->part.down;
    return left != right ? left > right : earlier(a, b);
}

/* In this order, a state is bettered or equalled in both products by none but one before it. */
static int is_above(const st_soft_state *a, const st_soft_state *b) {
    if (a->part.up != b->part.up) return a->part.up > b->part.up;
    return a->part.down != b->part.down ? a->part.down < b->part.down : earlier(a, b);
}

/* A heap whose root comes last in an order. */
static void sift(st_soft_state *heap, int32_t count, int32_t hole, int (*before)(const st_soft_state *, const st_soft_state *)) {
    const st_soft_state moved = heap[hole];
    for (int32_t child; (child = 2 * hole + 1) < count; hole = child) {
        if (child + 1 < count && before(&heap[child], &heap[child + 1])) child++;
        if (!before(&moved, &heap[child])) break;
        heap[hole] = heap[child];
    }
    heap[hole] = moved;
}

static void make_heap(st_soft_state *heap, int32_t count, int (*before)(const st_soft_state *, const st_soft_state *)) {
    for (int32_t i = count / 2 - 1; i >= 0; i--) sift(heap, count, i, before);
}

/* ---- extending ---- */

static void read_fields(const st_soft_table *table, const st_soft_state *state, double fields[ST_FIELDS]) {
    for (int32_t field = 0; field < ST_FIELDS; field++) fields[field] = table->domains[field].values[state->places[field]];
}

/*
 * The extended states while they are gathered. States that agree in all fields which rules still to come read would be
 * treated alike from here on, so that of these one, the best, is enough. Once states are dropped, they are a heap.
 */
struct gathering {
    st_soft_state *states;
    int32_t count, room;
    uint32_t needed; /* fields that rules still to come read */
    int merges, is_heap;
    int32_t *slots;
    uint32_t mask;
};

/* The slot of a state that agrees with this one, or the free one where it would go. */
static int32_t *find_slot(const struct gathering *gathering, const st_soft_state *state) {
    uint32_t hash = 0;
    for (uint32_t left = gathering->needed; left != 0; left &= left - 1)
        hash = (hash ^ state->places[__builtin_ctz(left)]) * 0x9e3779b1u + (hash >> 15);
    for (uint32_t at = hash ^ hash >> 16;; at++) {
        int32_t *slot = &gathering->slots[at & gathering->mask];
        if (*slot < 0) return slot;
        const st_soft_state *other = &gathering->states[*slot];
        uint32_t left = gathering->needed;
        while (left != 0 && state->places[__builtin_ctz(left)] == other->places[__builtin_ctz(left)]) left &= left - 1;
        if (left == 0) return slot;
    }
}

/* Keeps a state where it is among the best; 0 where one was dropped. */
static int keep(struct gathering *gathering, const st_soft_state *state) {
    int32_t *slot = gathering->merges && !gathering->is_heap ? find_slot(gathering, state) : NULL;
    if (slot != NULL && *slot >= 0) {
        if (is_better(state, &gathering->states[*slot])) gathering->states[*slot] = *state;
        return 1;
    }
    if (gathering->count < gathering->room) {
        if (slot != NULL) *slot = gathering->count;
        gathering->states[gathering->count++] = *state;
        return 1;
    }
    if (!gathering->is_heap) make_heap(gathering->states, gathering->count, is_better);
    gathering->is_heap = 1;
    if (is_better(state, &gathering->states[0])) {
        gathering->states[0] = *state;
        sift(gathering->states, gathering->count, 0, is_better);
    }
    return 0;
}

/* The most states that differ in what is needed after a field; `most` where that is more. */
static int64_t distinct_states(const st_soft_table *table, int32_t field, int64_t most) {
    int64_t product = 1;
    if (table->problem->mode == ST_SOFT_PROB) return most; /* neither of two parts need be the better one */
    for (uint32_t left = table->needed[field] & table->group[field]; left != 0 && product < most; left &= left - 1)
        product *= table->domains[__builtin_ctz(left)].count;
    return product < most ? product : most;
}

static struct gathering gather(st_soft_table *table, int32_t count, int32_t field, int is_final) {
    const int64_t most = (int64_t)count * table->domains[field].count;
    struct gathering gathering = {.states = table->extended, .room = is_final ? 1 : table->width, .slots = table->slots};
    gathering.needed = table->needed[field] & table->group[field];
    gathering.merges = !is_final && distinct_states(table, field, most) < most;
    if (gathering.merges) {
        uint32_t slots = 16;
        while (slots < ST_SOFT_SLOTS && slots < 2 * most) slots *= 2;
        gathering.mask = slots - 1;
        memset(gathering.slots, 0xff, slots * sizeof *gathering.slots);
    }
    return gathering;
}

/*
 * Extends every state by every value of a field, and joins what the rules say that this field completes. With the last
 * field of a group a sum is final: what other fields add does not depend on it, so that dropping all but the best is no loss.
 */
static int32_t extend(st_soft_table *table, int32_t count, int32_t field, int is_last) {
    const st_soft_domain *domain = &table->domains[field];
    const int32_t mode = table->problem->mode;
    const int is_final = is_last && mode != ST_SOFT_PROB;
    struct gathering gathering = gather(table, count, field, is_final);
    for (int32_t i = 0; i < count && !st_soft_is_over(table); i++) {
        double fields[ST_FIELDS];
        read_fields(table, &table->states[i], fields);
        for (int32_t place = 0; place < domain->count; place++) {
            st_soft_state state = table->states[i];
            state.places[field] = (uint16_t)place;
            state.part = st_soft_joined(mode, state.part, domain->worth[place]);
            fields[field] = domain->values[place];
            for (int32_t at = table->first[field]; at < table->first[field + 1]; at++) {
                const st_soft_item *item = &table->items[table->order[at]];
                if (st_soft_is_true(table, item, fields)) state.part = st_soft_joined(mode, state.part, item->part);
            }
            table->work += STEP_COST;
            if (!keep(&gathering, &state) && !is_final) table->dropped = 1;
        }
    }
    st_soft_state *states = table->states;
    table->states = table->extended;
    table->extended = states;
    return gathering.count;
}

/* The same for products, once a group is decided: a state that another equals or betters in both stays so. */
static int32_t prune(st_soft_table *table, int32_t count) {
    st_soft_state *states = table->states;
    int32_t kept = 1;
    make_heap(states, count, is_above);
    for (int32_t left = count - 1; left > 0; left--) {
        const st_soft_state last = states[0];
        states[0] = states[left];
        states[left] = last;
        sift(states, left, 0, is_above);
    }
    for (int32_t i = 1; i < count; i++)
        if (states[i].part.down < states[kept - 1].part.down) states[kept++] = states[i];
    table->work += (int64_t)count * PRUNE_COST;
    return kept;
}

void st_soft_search(st_soft_table *table, st_choice *choice) {
    int32_t count = 1;
    table->states[0] = (st_soft_state){.part = table->base};
    for (int32_t lowest = 0; lowest < ST_FIELDS; lowest++) {
        const uint32_t group = table->group[lowest];
        if (group == 0 || (group & ((1u << lowest) - 1)) != 0) continue; /* in no group, or not the lowest of one */
        for (int32_t field = lowest; field < ST_FIELDS; field++)
            if (group >> field & 1) count = extend(table, count, field, group >> field == 1);
        if (table->problem->mode == ST_SOFT_PROB && count > 0) count = prune(table, count);
    }
    if (st_soft_is_over(table)) return;
    const st_soft_state *best = &table->states[0];
    for (int32_t i = 1; i < count; i++)
        if (is_better(&table->states[i], best)) best = &table->states[i];
    for (int32_t field = 0; field < ST_FIELDS; field++)
        st_choice_set(choice, field, table->domains[field].values[best->places[field]]);
}

/* ---- its cost ---- */

int64_t st_soft_search_cost(const st_soft_table *table, int32_t width) {
    const int is_product = table->problem->mode == ST_SOFT_PROB;
    int64_t cost = 0, states = 1;
    for (int32_t lowest = 0; lowest < ST_FIELDS; lowest++) {
        const uint32_t group = table->group[lowest];
        if (group == 0 || (group & ((1u << lowest) - 1)) != 0) continue;
        for (int32_t field = lowest; field < ST_FIELDS; field++) {
            if (!(group >> field & 1)) continue;
            const int is_final = group >> field == 1 && !is_product;
            const int64_t extended = states * table->domains[field].count;
            const int64_t keeping = STEP_COST + (extended > width && !is_final ? CUT_COST : 0);
            cost += extended * (keeping + table->cost[field]) + states * table->own_cost[field];
            const int64_t distinct = is_final ? 1 : distinct_states(table, field, extended);
            states = distinct < width ? distinct : width;
        }
        if (is_product) cost += states * PRUNE_COST;
    }
    return cost;
}
