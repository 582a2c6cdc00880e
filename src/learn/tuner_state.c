/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * tuner_state.c - a survey's findings in a file, to go on with later. Lines of text, each led by a checksum of the rest:
 * a signature, a finding each, and the number of findings, so that a file that was cut is known.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/memory.h"
#include "base/show_text.h"
#include "device/choice_fields.h"
#include "io/system_error.h"
#include "io/whole_file.h"
#include "learn/tuner_survey.h"

enum { MOST_LINE = 8192, CHECKSUM = 16, MOST_STATE_BYTES = 256 << 20 };

/* A cell, a Choice, n, five numbers and the count of rivals; then each rival. */
enum { PLAIN_NUMBERS = 6 + ST_FIELDS + 1 + 5 + 1, RIVAL_NUMBERS = ST_FIELDS + 1 };
enum { MOST_NUMBERS = PLAIN_NUMBERS + ST_SURVEY_RIVALS * RIVAL_NUMBERS };

static const char heading[] = "spiraltorch tune 1 ";

/* FNV-1a: for accidents. A file that was forged is held to what st_survey_record lets in. */
static uint64_t checksum_of(const char *text, size_t bytes) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < bytes; i++) hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3u;
    return hash;
}

/* ---- a finding as numbers of 64 bits, and back ---------------------------------------------------------------------- */

static uint64_t bits_of(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static double number_of(uint64_t bits) {
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static int put_choice(const st_choice *choice, uint64_t *numbers, int at) {
    for (int32_t field = 0; field < ST_FIELDS; field++) numbers[at++] = (uint64_t)(uint32_t)st_choice_get(choice, field);
    return at;
}

static int numbers_of(const st_survey_finding *finding, uint64_t *numbers) {
    const st_survey_cell *cell = &finding->cell;
    const uint64_t first[] = {(uint64_t)cell->kind, (uint64_t)cell->dtype, (uint64_t)cell->threads,
                              (uint64_t)cell->rows, (uint64_t)cell->cols,  (uint64_t)cell->k};
    const double fractions[] = {finding->mean_log_ns, finding->var_log_ns, finding->gain, finding->gain_error, finding->noise};
    memcpy(numbers, first, sizeof first);
    int at = put_choice(&finding->choice, numbers, sizeof first / sizeof first[0]);
    numbers[at++] = (uint64_t)finding->n;
    for (size_t i = 0; i < sizeof fractions / sizeof fractions[0]; i++) numbers[at++] = bits_of(fractions[i]);
    numbers[at++] = (uint64_t)finding->rival_count;
    for (int32_t i = 0; i < finding->rival_count; i++) {
        at = put_choice(&finding->rivals[i].choice, numbers, at);
        numbers[at++] = bits_of(finding->rivals[i].behind);
    }
    return at;
}

static int take_choice(const uint64_t *numbers, int at, st_choice *choice) {
    for (int32_t field = 0; field < ST_FIELDS; field++) st_choice_set(choice, field, (int32_t)(uint32_t)numbers[at++]);
    return at;
}

/* 0 where there are not as many numbers as there should be. Their worth is for st_survey_record to judge. */
static int finding_of(const uint64_t *numbers, int count, st_survey_finding *finding) {
    if (count < PLAIN_NUMBERS || numbers[PLAIN_NUMBERS - 1] > ST_SURVEY_RIVALS ||
        count != PLAIN_NUMBERS + (int)numbers[PLAIN_NUMBERS - 1] * RIVAL_NUMBERS)
        return 0;
    memset(finding, 0, sizeof *finding);
    finding->struct_size = sizeof *finding;
    finding->cell = (st_survey_cell){(int32_t)(uint32_t)numbers[0], (st_dtype)(uint32_t)numbers[1], (int32_t)(uint32_t)numbers[2],
                                     (int64_t)numbers[3], (int64_t)numbers[4], (int64_t)numbers[5]};
    int at = take_choice(numbers, 6, &finding->choice);
    finding->n = (int64_t)numbers[at++];
    double *const fractions[] = {&finding->mean_log_ns, &finding->var_log_ns, &finding->gain, &finding->gain_error, &finding->noise};
    for (size_t i = 0; i < sizeof fractions / sizeof fractions[0]; i++) *fractions[i] = number_of(numbers[at++]);
    finding->rival_count = (int32_t)numbers[at++];
    for (int32_t i = 0; i < finding->rival_count; i++) {
        at = take_choice(numbers, at, &finding->rivals[i].choice);
        finding->rivals[i].behind = number_of(numbers[at++]);
    }
    return 1;
}

/* ---- writing -------------------------------------------------------------------------------------------------------- */

static st_status write_line(const st_whole_file *file, int64_t *size, const char *text, size_t bytes) {
    char lead[CHECKSUM + 2];
    snprintf(lead, sizeof lead, "%016" PRIx64 " ", checksum_of(text, bytes));
    st_status status = st_whole_file_write(file, *size, lead, CHECKSUM + 1);
    if (status == ST_OK) status = st_whole_file_write(file, *size + CHECKSUM + 1, text, bytes);
    if (status == ST_OK) status = st_whole_file_write(file, *size + CHECKSUM + 1 + (int64_t)bytes, "\n", 1);
    *size += CHECKSUM + 2 + (int64_t)bytes;
    return status;
}

static st_status write_findings(const st_survey *survey, const st_whole_file *file, const char *signature, int64_t *size) {
    char line[MOST_LINE];
    size_t length = (size_t)snprintf(line, sizeof line, "%s%s", heading, signature);
    st_status status = write_line(file, size, line, length);
    for (int64_t i = 0; i < survey->count && status == ST_OK; i++) {
        uint64_t numbers[MOST_NUMBERS];
        const int count = numbers_of(&survey->findings[i], numbers);
        length = 0;
        for (int j = 0; j < count; j++)
            length += (size_t)snprintf(line + length, sizeof line - length, j == 0 ? "%" PRIx64 : " %" PRIx64, numbers[j]);
        status = write_line(file, size, line, length);
    }
    length = (size_t)snprintf(line, sizeof line, "end %" PRId64, survey->count);
    return status == ST_OK ? write_line(file, size, line, length) : status;
}

/* A signature that could not be read back is refused before anything is written. */
static st_status check_names(const st_survey *survey, const char *path, const char *signature) {
    if (survey == NULL || path == NULL || signature == NULL)
        return st_fail(ST_E_ARGUMENT, "%s is NULL", survey == NULL ? "survey" : path == NULL ? "path" : "signature");
    if (strlen(signature) > MOST_LINE / 2 || strchr(signature, '\n') != NULL)
        return st_fail(ST_E_ARGUMENT, "signature is not one line of at most %d bytes", MOST_LINE / 2);
    return ST_OK;
}

st_status st_survey_save(const st_survey *survey, const char *path, const char *signature) {
    st_whole_file file;
    int64_t size = 0;
    st_status status = check_names(survey, path, signature);
    if (status == ST_OK) status = st_whole_file_create(&survey->host, path, 1, &file);
    if (status != ST_OK) return status;
    status = write_findings(survey, &file, signature, &size);
    if (status == ST_OK) return st_whole_file_commit(&survey->host, &file, size);
    st_whole_file_discard(&survey->host, &file);
    return status;
}

/* ---- reading -------------------------------------------------------------------------------------------------------- */

static int digit_of(char letter) {
    return letter >= '0' && letter <= '9' ? letter - '0' : letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

/* Up to `most` hexadecimal numbers of at most 16 digits with single blanks between; their count, or -1. */
static int read_numbers(const char *text, size_t bytes, int most, uint64_t *numbers) {
    int count = 0;
    for (size_t at = 0; at < bytes; at++) {
        size_t digits = 0;
        if (count == most) return -1;
        numbers[count] = 0;
        for (int digit; at < bytes && (digit = digit_of(text[at])) >= 0; at++, digits++) numbers[count] = numbers[count] * 16 + (uint64_t)digit;
        if (digits == 0 || digits > 16 || (at < bytes && text[at] != ' ') || at + 1 == bytes) return -1;
        count++;
    }
    return count;
}

/* One line without its checksum, which must be right; NULL where it is not. */
static const char *line_at(const char *text, size_t bytes, size_t *at, size_t *length) {
    const char *line = text + *at, *end = memchr(line, '\n', bytes - *at);
    uint64_t sum;
    if (end == NULL || end - line < CHECKSUM + 1 || line[CHECKSUM] != ' ' || read_numbers(line, CHECKSUM, 1, &sum) != 1) return NULL;
    *length = (size_t)(end - line) - CHECKSUM - 1;
    *at += (size_t)(end - line) + 1;
    return checksum_of(line + CHECKSUM + 1, *length) == sum ? line + CHECKSUM + 1 : NULL;
}

static st_status bad_line(const char *name, int64_t line, const char *what) {
    return st_fail(ST_E_FORMAT, "%s: line %lld %s; the file is broken, remove it or leave --resume out", name, (long long)line, what);
}

static int is_heading(const char *line, size_t length, const char *signature) {
    const size_t first = sizeof heading - 1;
    return length == first + strlen(signature) && memcmp(line + first, signature, length - first) == 0;
}

st_status st_survey_read_text(st_survey *survey, const char *text, size_t bytes, const char *signature, const char *name) {
    size_t at = 0, length = 0;
    uint64_t numbers[MOST_NUMBERS];
    char end[32];
    const char *line = line_at(text, bytes, &at, &length);
    if (line == NULL || length < sizeof heading - 1 || memcmp(line, heading, sizeof heading - 1) != 0)
        return bad_line(name, 1, "is no heading of a tuner's state");
    if (!is_heading(line, length, signature)) {
        char shown[256];
        st_show_text(shown, sizeof shown, line + sizeof heading - 1, length - (sizeof heading - 1));
        return st_fail(ST_E_STATE, "%s belongs to another run (%s)", name, shown);
    }
    for (int64_t number = 2; at < bytes; number++) {
        st_survey_finding finding;
        if ((line = line_at(text, bytes, &at, &length)) == NULL) return bad_line(name, number, "is cut or changed");
        if (at == bytes) {
            const int expected = snprintf(end, sizeof end, "end %lld", (long long)(number - 2));
            if (length == (size_t)expected && memcmp(line, end, length) == 0) return ST_OK;
            return bad_line(name, number, "is not the end that was written");
        }
        if (!finding_of(numbers, read_numbers(line, length, MOST_NUMBERS, numbers), &finding)) return bad_line(name, number, "is no finding");
        const st_status status = st_survey_record(survey, &finding);
        if (status != ST_OK) return status == ST_E_MEMORY ? status : bad_line(name, number, "is no finding of this survey");
    }
    return bad_line(name, 2, "is missing");
}

static st_status read_file(const st_survey *survey, FILE *file, const char *name, char **text, size_t *room, size_t *bytes) {
    for (;;) {
        const st_status status = st_grow(&survey->host, (void **)text, room, *bytes + 65536);
        if (status != ST_OK) return status;
        const size_t read = fread(*text + *bytes, 1, *room - *bytes, file);
        *bytes += read;
        if (ferror(file)) return st_fail_system(errno, "%s: cannot be read", name);
        if (read == 0) return ST_OK;
        if (*bytes > MOST_STATE_BYTES) return st_fail(ST_E_FORMAT, "%s: is too long for a tuner's state", name);
    }
}

st_status st_survey_load(st_survey *survey, const char *path, const char *signature) {
    char name[ST_SHOWN_PATH_BYTES], *text = NULL;
    size_t room = 0, bytes = 0;
    st_status status = check_names(survey, path, signature);
    if (status != ST_OK) return status;
    st_show_path(name, path);
    FILE *file = fopen(path, "rbe");
    if (file == NULL) return st_fail_system(errno, "%s: cannot be opened", name);
    status = read_file(survey, file, name, &text, &room, &bytes);
    fclose(file);
    if (status == ST_OK) status = st_survey_read_text(survey, text, bytes, signature, name);
    st_release(&survey->host, text, room);
    return status;
}
