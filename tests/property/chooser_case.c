/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* chooser_case.c - programs grown from the grammar, and tables, caps and requests at random. */
#include "chooser_case.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/choice_fields.h"

static void put(chooser_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(chooser_text *text, const char *format, ...) {
    char piece[512];
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(piece, sizeof piece, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= sizeof piece) abort();
    if (text->capacity < text->length + sizeof piece) {
        text->capacity = 2 * text->capacity + sizeof piece;
        if ((text->bytes = realloc(text->bytes, text->capacity)) == NULL) abort();
    }
    memcpy(text->bytes + text->length, piece, (size_t)length + 1);
    text->length += (size_t)length;
}

static int32_t below(st_random *random, int32_t bound) { return (int32_t)st_random_below(random, (uint64_t)bound); }

#define PICK(random, list) ((list)[below(random, (int32_t)(sizeof(list) / sizeof((list)[0])))])

/* ---- programs ---------------------------------------------------------------------------------------------------- */

/* What an expression may read: `fields` are those set above, or all of them in a condition. */
struct grammar {
    st_random *random;
    chooser_text *text;
    uint32_t fields;
};

static const char *const facts[] = {"r",  "c",    "k",     "kc",        "eb",           "float", "int",  "topk",
                                    "midk_kind", "bottomk_kind", "threads", "cpu", "wgpu", "cuda", "hip", "mps",
                                    "sg", "sgc",  "lanes", "wgmax",     "smem",         "cu"};

static const char *const numbers[] = {"0",    "1",     "2",    "3",   "4",    "6",     "0.5",  "8",    "64",   "100",
                                      "128",  "256",   "1024", "2048", "65536", "1e6", "1e300", "1.7e308", "1e-300", ".25",
                                      "2147483647", "2147483648", "4294967296.5"};

static const char *const operators[] = {"||", "&&", "==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%"};

static const struct {
    const char *name;
    int32_t operands;
} functions[] = {{"sel", 3}, {"log2", 1}, {"min", 2}, {"max", 2}, {"clamp", 3}, {"floor", 1}, {"ceil", 1}, {"band", 3}};

static const char *const keys[] = {"cpu", "cpu AMD", "wgpu", "cuda:0", "", "x"};

static void leaf(const struct grammar *grammar) {
    st_random *random = grammar->random;
    const int32_t field = below(random, ST_FIELDS);
    if ((grammar->fields >> field & 1) && st_random_chance(random, 1, 2))
        put(grammar->text, "%s", below(random, 2) ? st_choice_field_at(field)->name : st_choice_field_at(field)->spelling);
    else if (st_random_chance(random, 1, 12))
        put(grammar->text, "device(\"%s\")", PICK(random, keys));
    else
        put(grammar->text, "%s", below(random, 2) ? PICK(random, facts) : PICK(random, numbers));
}

static void expression(const struct grammar *grammar, int depth) {
    st_random *random = grammar->random;
    const int32_t form = depth <= 0 ? 0 : below(random, 8);
    if (form < 2) {
        leaf(grammar);
    } else if (form == 2) {
        put(grammar->text, "%s", below(random, 2) ? "-" : "!");
        expression(grammar, depth - 1);
    } else if (form < 6) {
        put(grammar->text, "(");
        expression(grammar, depth - 1);
        put(grammar->text, below(random, 9) ? " %s " : "\n%s ", PICK(random, operators));
        expression(grammar, depth - 1);
        put(grammar->text, ")");
    } else {
        const int32_t function = below(random, 8);
        put(grammar->text, "%s(", functions[function].name);
        for (int32_t i = 0; i < functions[function].operands; i++) {
            if (i > 0) put(grammar->text, ", ");
            expression(grammar, depth - 1);
        }
        put(grammar->text, ")");
    }
}

/* A value that the field has some use for, or any expression. */
static void value(struct grammar *grammar, int32_t field, uint32_t readable) {
    const st_choice_field *bounds = st_choice_field_at(field);
    const int32_t high = bounds->high < 4096 ? bounds->high : 4096;
    grammar->fields = readable;
    if (st_random_chance(grammar->random, 2, 3))
        put(grammar->text, "%d", (int)st_random_between(grammar->random, bounds->low, high));
    else
        expression(grammar, 3);
}

static void weight(struct grammar *grammar) {
    static const char *const weights[] = {"0", "0.05", "0.25", "-0.5", "1", "-1", "2", "1e9", "-1e300", "0.1"};
    grammar->fields = 0;
    if (st_random_chance(grammar->random, 4, 5))
        put(grammar->text, "%s", PICK(grammar->random, weights));
    else
        expression(grammar, 2);
}

static void condition(struct grammar *grammar, uint32_t readable, int depth) {
    grammar->fields = readable;
    if (st_random_chance(grammar->random, 1, 4))
        put(grammar->text, "1");
    else
        expression(grammar, depth);
}

static void statement(struct grammar *grammar, int32_t form, uint32_t *set) {
    static const uint32_t all = (1u << ST_FIELDS) - 1;
    st_random *random = grammar->random;
    const int32_t field = below(random, ST_FIELDS);
    if (form == 0) {
        const int is_algorithm = st_random_chance(random, 1, 20);
        put(grammar->text, "%s : ", is_algorithm ? "algo" : st_choice_field_at(field)->spelling);
        value(grammar, is_algorithm ? ST_FIELD_MK : field, *set);
        if (!is_algorithm) *set |= 1u << field;
    } else if (form == 1) {
        put(grammar->text, "soft(%s, ", st_choice_field_at(field)->name);
        value(grammar, field, 0);
        put(grammar->text, ", ");
        weight(grammar);
        put(grammar->text, ", ");
        condition(grammar, all, 3);
        put(grammar->text, ")");
    } else {
        put(grammar->text, "penalty_if(");
        condition(grammar, all, 4);
        put(grammar->text, ", ");
        weight(grammar);
        put(grammar->text, ")");
    }
}

/* Bytes changed, lost or doubled. */
static void spoil(st_random *random, chooser_text *text) {
    static const char marks[] = "():;,#\"\n%=!&|<>xmk09.e \t\x80\xc3~";
    for (int32_t times = 1 + below(random, 3); times > 0 && text->length > 0; times--) {
        const size_t at = (size_t)st_random_below(random, text->length);
        switch (below(random, 4)) {
            case 0: text->bytes[at] = marks[below(random, (int32_t)sizeof marks - 1)]; break;
            case 1: text->bytes[at] = (char)st_random_next(random); break;
            case 2: memmove(text->bytes + at, text->bytes + at + 1, text->length-- - at); break;
            default: text->bytes[text->length = at] = '\0'; break;
        }
    }
}

int chooser_program(st_random *random, chooser_text *text) {
    struct grammar grammar = {.random = random, .text = text};
    uint32_t set = 0;
    text->length = 0;
    put(text, "%s", below(random, 4) ? "" : "# a program\n\n");
    const int is_large = st_random_chance(random, 1, 2000);
    const int32_t count = is_large ? 200 + below(random, 3800) : below(random, 12);
    const int32_t hard_of_8 = is_large ? 0 : below(random, 8);
    for (int32_t i = 0; i < count && text->length < 256000; i++) {
        statement(&grammar, below(random, 8) < hard_of_8 ? 0 : 1 + below(random, 3) / 2, &set);
        put(text, "%s", below(random, 3) ? "\n" : below(random, 2) ? "; " : " # why\n");
    }
    if (!st_random_chance(random, 1, 6)) return 1;
    spoil(random, text);
    return 0;
}

/* ---- tables ------------------------------------------------------------------------------------------------------ */

static void identity(st_random *random, const st_device_identity *here, chooser_text *text) {
    const int32_t which = below(random, 6);
    if (which == 0) return; /* does not say */
    put(text, ",\"backend\":\"%s\",\"device\":\"%s\",\"driver\":\"%s\",\"isa\":\"%s\",\"kernel_hash\":\"%s\"", here->backend,
        which == 1   ? "Another"
        : *here->device ? here->device
                        : "-",
        which == 2 ? "1.0" : here->driver, which == 3 ? "other" : here->isa, which == 4 ? "1" : here->kernel_hash);
}

void chooser_table(st_random *random, const st_device_identity *here, chooser_text *text) {
    text->length = 0;
    put(text, "[");
    for (int32_t i = below(random, 6); i >= 0; i--) {
        const int64_t first = st_random_chance(random, 1, 2) ? 1 : st_random_between(random, 1, 100000);
        put(text, "{\"rows\":%d,\"cols_min\":%lld,\"cols_max\":%lld,\"k_max\":%lld,\"sg\":%s,\"mk\":%d", 1 + below(random, 5000),
            (long long)first, (long long)(first + st_random_between(random, 0, (int64_t)1 << 40)),
            (long long)st_random_between(random, 1, (int64_t)1 << 40), below(random, 3) ? "true" : "false", below(random, 4));
        for (int32_t field = ST_FIELD_MKD; field < ST_FIELDS; field++) {
            const st_choice_field *bounds = st_choice_field_at(field);
            if (st_random_chance(random, 1, 2)) continue;
            int32_t given = (int32_t)st_random_between(random, bounds->low, below(random, 3) || bounds->high < 512 ? bounds->high : 512);
            if (field == ST_FIELD_RADIX) given &= ~1;
            put(text, ",\"%s\":%d", bounds->name, given);
        }
        if (st_random_chance(random, 1, 8)) put(text, ",\"trusted\":true");
        identity(random, here, text);
        put(text, i > 0 ? "},\n" : "}");
    }
    put(text, "]");
    if (st_random_chance(random, 1, 40)) spoil(random, text);
}

/* ---- caps and requests ------------------------------------------------------------------------------------------- */

st_device_caps chooser_caps(st_random *random, const st_device_caps *here) {
    static const int32_t lanes[] = {1, 4, 8, 16, 32, 64, 24, 1000}, groups[] = {1, 2, 16, 64, 100, 256, 1024, 100000};
    static const int64_t shared[] = {0, 0, 1, 64, 1000, 4096, 16384, 65536, 1 << 20, (int64_t)1 << 40};
    static const int64_t caches[] = {0, 1 << 10, 1 << 20, 32 << 20};
    if (st_random_chance(random, 1, 3)) return *here;
    st_device_caps caps = st_caps_wgpu(PICK(random, lanes), below(random, 2), PICK(random, groups));
    caps.backend = ST_BACKEND_CPU + below(random, 5);
    caps.compute_units = below(random, 3) * 50;
    caps.l2_cache = PICK(random, caches);
    caps.l3_cache = PICK(random, caches);
    caps.bandwidth = below(random, 2) ? 0 : 1e9 * (1 + below(random, 4000));
    return st_caps_with_shared_mem(caps, PICK(random, shared));
}

st_rank_request chooser_request(st_random *random) {
    st_rank_request request;
    const int64_t cols = st_random_between(random, 0, (int64_t)1 << below(random, 40));
    const int64_t rows = st_random_between(random, 0, (int64_t)1 << below(random, 14));
    const int64_t most = st_random_chance(random, 1, 4) ? cols : cols < 3000 ? cols : 3000;
    const int64_t k = st_random_chance(random, 1, 8) ? most : st_random_between(random, 0, most);
    st_rank_request_init(&request, ST_TOPK + below(random, 4), rows, cols, k);
    request.dtype = (st_dtype)st_random_between(random, ST_F32, ST_U64);
    request.threads = below(random, 5);
    request.nan_rule = below(random, 4);
    request.order = below(random, 2);
    request.descending = request.kind == ST_WINDOW && below(random, 2);
    if (request.kind == ST_WINDOW) {
        request.lo = st_random_between(random, 0, cols - k);
        request.hi = request.lo + k;
    }
    return request;
}
