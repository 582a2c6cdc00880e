/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * fuzz_tuner_state.c - any bytes as a tuner's state. The first byte says whether the lines are given as they are, or each
 * with its checksum put in front, so that what stands behind the checksums is reached as well. What loads makes bands.
 */
#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "learn/tuner_survey.h"
#include "spiraltorch/rank.h"
#include "spiraltorch/status.h"

enum { MOST = 1 << 16 };

static void require(int holds) {
    if (!holds) abort();
}

/* Puts the checksum of each line in front of it. */
static size_t seal(const char *lines, size_t bytes, char *text) {
    size_t length = 0;
    for (size_t at = 0; at < bytes;) {
        const char *end = memchr(lines + at, '\n', bytes - at);
        const size_t line = end == NULL ? bytes - at : (size_t)(end - lines) - at;
        uint64_t hash = 0xcbf29ce484222325u;
        if (length + line + 19 > MOST) break;
        for (size_t i = 0; i < line; i++) hash = (hash ^ (unsigned char)lines[at + i]) * 0x100000001b3u;
        length += (size_t)snprintf(text + length, 18, "%016" PRIx64 " ", hash);
        memcpy(text + length, lines + at, line);
        length += line;
        text[length++] = '\n';
        at += line + 1;
    }
    return length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char text[MOST];
    static const int32_t kinds[] = {ST_TOPK, ST_MIDK}, threads[] = {1};
    static const st_dtype dtypes[] = {ST_F32};
    static const int64_t k[] = {1, 7, 100};
    const st_survey_options options = {.struct_size = sizeof options, .kind_count = 2, .dtype_count = 1, .thread_count = 1, .k_count = 3,
                                       .kinds = kinds, .dtypes = dtypes, .threads = threads, .k = k, .most_bytes = 1 << 20};
    if (size < 1 || size > MOST) return 0;
    size_t bytes = size - 1;
    if (data[0] % 2)
        bytes = seal((const char *)data + 1, bytes, text);
    else
        memcpy(text, data + 1, bytes);

    st_survey *survey = NULL;
    require(st_survey_create(NULL, &options, &survey) == ST_OK);
    const st_status status = st_survey_read_text(survey, text, bytes, "sign", "it");
    require(status == ST_OK || status == ST_E_FORMAT || status == ST_E_STATE);
    for (const char *at = st_last_message(); status != ST_OK && *at != '\0'; at++) require((unsigned char)*at >= 0x20 && *at != 0x7f);

    st_survey_band *bands = NULL;
    int64_t count = 0;
    size_t band_bytes = 0;
    require(st_survey_bands(survey, NULL, &bands, &count, &band_bytes) == ST_OK);
    for (int64_t i = 0; i < count; i++) {
        require(bands[i].cols_min >= 1 && bands[i].cols_min <= bands[i].cols_max);
        require(bands[i].k_min >= 1 && bands[i].k_min <= bands[i].k_max);
        require(bands[i].n == 0 || (isfinite(bands[i].mean_log_ns) && bands[i].var_log_ns >= 0 && isfinite(bands[i].gain)));
    }
    st_release(&survey->host, bands, band_bytes);
    st_survey_destroy(survey);
    return 0;
}
