/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* random_elements.c - xoshiro256** seeded by splitmix64 (Blackman and Vigna, public domain), and rows drawn from it. */
#include "random_elements.h"

#include <math.h>
#include <string.h>

static uint64_t splitmix(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void st_random_seed(st_random *random, uint64_t seed) {
    for (int i = 0; i < 4; i++) random->state[i] = splitmix(&seed);
}

static uint64_t rotate_left(uint64_t x, int by) { return (x << by) | (x >> (64 - by)); }

uint64_t st_random_next(st_random *random) {
    uint64_t *s = random->state;
    const uint64_t result = rotate_left(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

/* The remainder's bias is below bound / 2^64, which no test here can see. */
uint64_t st_random_below(st_random *random, uint64_t bound) { return st_random_next(random) % bound; }

int64_t st_random_between(st_random *random, int64_t low, int64_t high) {
    const uint64_t span = (uint64_t)high - (uint64_t)low;
    const uint64_t offset = span == UINT64_MAX ? st_random_next(random) : st_random_below(random, span + 1);
    return (int64_t)((uint64_t)low + offset);
}

int st_random_chance(st_random *random, uint32_t of, uint32_t in) { return st_random_below(random, in) < of; }

int st_dtype_is_float(st_dtype dtype) { return dtype >= ST_F32 && dtype <= ST_BF16; }

static uint32_t bits_of(st_dtype dtype) { return (uint32_t)st_dtype_size(dtype) * 8; }
static uint64_t mask_of(st_dtype dtype) {
    return bits_of(dtype) == 64 ? UINT64_MAX : ((uint64_t)1 << bits_of(dtype)) - 1;
}
static uint64_t sign_of(st_dtype dtype) { return (uint64_t)1 << (bits_of(dtype) - 1); }
static int is_signed(st_dtype dtype) { return dtype == ST_I8 || dtype == ST_I16 || dtype == ST_I32 || dtype == ST_I64; }

static uint64_t infinity_of(st_dtype dtype) {
    switch (dtype) {
        case ST_F32: return 0x7f800000u;
        case ST_F64: return (uint64_t)0x7ff << 52;
        case ST_F16: return 0x7c00u;
        default: return 0x7f80u;
    }
}

int st_bits_are_nan(st_dtype dtype, uint64_t bits) {
    return st_dtype_is_float(dtype) && (bits & (mask_of(dtype) >> 1)) > infinity_of(dtype);
}

/* A half's bits, rounded towards zero; its largest finite number where x is beyond. */
static uint64_t half_bits(double x) {
    const uint64_t sign = signbit(x) ? 0x8000u : 0;
    const double size = fabs(x);
    if (size >= 65504) return sign | 0x7bff;
    if (size < ldexp(1, -14)) return sign | (uint64_t)ldexp(size, 24);
    int exponent;
    const double fraction = frexp(size, &exponent); /* in [0.5, 1) */
    return sign | (uint64_t)(exponent + 14) << 10 | ((uint64_t)ldexp(fraction, 11) & 0x3ff);
}

/* The bits of a number near x, monotone in x. Integers take 1 for a thousandth of their range. */
static uint64_t bits_near(st_dtype dtype, double x) {
    const float narrow = (float)x;
    uint32_t word;
    uint64_t wide;
    memcpy(&word, &narrow, sizeof word);
    memcpy(&wide, &x, sizeof wide);
    switch (dtype) {
        case ST_F32: return word;
        case ST_F64: return wide;
        case ST_F16: return half_bits(x);
        case ST_BF16: return word >> 16;
        default: break;
    }
    const double limit = ldexp(1, (int)bits_of(dtype) - 1);
    const double most = bits_of(dtype) == 64 ? limit - 1024 : limit - 1; /* the last double below 2^63 */
    const double scaled = fmax(-limit, fmin(most, floor(x * limit / 1000)));
    const uint64_t whole = (uint64_t)(int64_t)scaled;
    return (is_signed(dtype) ? whole : whole ^ sign_of(dtype)) & mask_of(dtype);
}

static uint64_t lowest_of(st_dtype dtype) {
    if (st_dtype_is_float(dtype)) return infinity_of(dtype) | sign_of(dtype);
    return is_signed(dtype) ? sign_of(dtype) : 0;
}

static uint64_t highest_of(st_dtype dtype) {
    if (st_dtype_is_float(dtype)) return infinity_of(dtype);
    return is_signed(dtype) ? sign_of(dtype) - 1 : mask_of(dtype);
}

static uint64_t zero_of(st_dtype dtype) { return st_dtype_is_float(dtype) || is_signed(dtype) ? 0 : sign_of(dtype); }

static double uniform(st_random *random) { return ldexp((double)(st_random_next(random) >> 11), -53); }

/* Near enough to a normal distribution: the sum of four uniform numbers, centred. */
static uint64_t normal(st_random *random, st_dtype dtype) {
    const double sum = uniform(random) + uniform(random) + uniform(random) + uniform(random) - 2;
    return bits_near(dtype, sum * 400);
}

static uint64_t any_nan(st_random *random, st_dtype dtype) {
    if (!st_dtype_is_float(dtype)) return st_random_chance(random, 1, 2) ? highest_of(dtype) : lowest_of(dtype);
    const uint64_t payloads = sign_of(dtype) - infinity_of(dtype) - 1;
    const uint64_t payload = st_random_chance(random, 1, 4) ? payloads : 1 + st_random_below(random, payloads);
    return (infinity_of(dtype) + payload) | (st_random_chance(random, 1, 2) ? sign_of(dtype) : 0);
}

static uint64_t near_zero(st_random *random, st_dtype dtype) {
    if (st_random_chance(random, 1, 8)) return normal(random, dtype);
    const int negative = st_dtype_is_float(dtype) && st_random_chance(random, 1, 2);
    return negative ? sign_of(dtype) : zero_of(dtype);
}

static uint64_t extreme(st_random *random, st_dtype dtype) {
    const uint64_t inward =
        st_random_chance(random, 1, 4) ? 1 : 0; /* the largest finite, or the integer next to the end */
    if (st_random_chance(random, 1, 2)) return highest_of(dtype) - inward;
    return st_dtype_is_float(dtype) ? lowest_of(dtype) - inward : lowest_of(dtype) + inward;
}

static uint64_t denormal(st_random *random, st_dtype dtype) {
    if (!st_dtype_is_float(dtype)) return (zero_of(dtype) + st_random_below(random, 5) - 2) & mask_of(dtype);
    const uint64_t smallest_normal = infinity_of(dtype) & (~infinity_of(dtype) + 1); /* the exponent's lowest bit */
    return st_random_below(random, smallest_normal + 1) | (st_random_chance(random, 1, 2) ? sign_of(dtype) : 0);
}

static uint64_t element_of(st_random *random, st_dtype dtype, st_data data, const uint64_t anchors[3], double place) {
    switch (data) {
        case ST_DATA_FEW: return anchors[st_random_below(random, 3)];
        case ST_DATA_TWO: return anchors[st_random_below(random, 2)];
        case ST_DATA_EQUAL: return anchors[0];
        case ST_DATA_ASCENDING: return bits_near(dtype, 2000 * place - 1000);
        case ST_DATA_DESCENDING: return bits_near(dtype, 1000 - 2000 * place);
        case ST_DATA_ORGAN_PIPE: return bits_near(dtype, 1000 - 2000 * fabs(2 * place - 1));
        case ST_DATA_NAN: return st_random_chance(random, 1, 4) ? any_nan(random, dtype) : normal(random, dtype);
        case ST_DATA_ZEROS: return near_zero(random, dtype);
        case ST_DATA_INFINITIES: return extreme(random, dtype);
        case ST_DATA_DENORMALS: return denormal(random, dtype);
        case ST_DATA_MASKED: return st_random_chance(random, 1, 16) ? normal(random, dtype) : lowest_of(dtype);
        case ST_DATA_ALL_NAN: return any_nan(random, dtype);
        case ST_DATA_NARROW: return anchors[0] ^ st_random_below(random, 16);
        case ST_DATA_BITS: return st_random_next(random) & mask_of(dtype);
        default: return normal(random, dtype);
    }
}

void st_random_fill(st_random *random, st_dtype dtype, st_data data, void *elements, size_t count) {
    const size_t size = (size_t)st_dtype_size(dtype);
    uint64_t anchors[3];
    for (int i = 0; i < 3; i++)
        anchors[i] = st_random_chance(random, 1, 8) ? any_nan(random, dtype) : normal(random, dtype);
    for (size_t i = 0; i < count; i++) {
        const uint64_t wide = element_of(random, dtype, data, anchors, (double)i / (double)(count > 1 ? count - 1 : 1));
        const uint32_t word = (uint32_t)wide;
        const uint16_t half = (uint16_t)wide;
        const uint8_t byte = (uint8_t)wide;
        const void *from = size == 8   ? (const void *)&wide
                           : size == 4 ? (const void *)&word
                           : size == 2 ? (const void *)&half
                                       : &byte;
        memcpy((char *)elements + i * size, from, size);
    }
}

const char *st_data_name(st_data data) {
    static const char *const names[] = {"normal",     "few",        "two",     "equal",  "ascending",
                                        "descending", "organ pipe", "nan",     "zeros",  "infinities",
                                        "denormals",  "masked",     "all nan", "narrow", "bits"};
    return data >= 0 && data < ST_DATA_COUNT ? names[data] : "unknown";
}
