/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* options.c - reading options by table, near misses, and help. */
#include "options.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void print_error(const char *command, const char *format, va_list arguments) {
    char text[2048];
    int length = vsnprintf(text, sizeof text, format, arguments);
    if (length < 0) {
        text[0] = 0;
    }
    for (char *at = text; *at; at++) {
        unsigned char byte = (unsigned char)*at;
        if (byte < 32 || byte == 127) {
            *at = '?'; /* what came from a file or an argument must not steer the terminal */
        }
    }
    if (command) {
        fprintf(stderr, "spiraltorch %s: %s\n", command, text);
    } else {
        fprintf(stderr, "spiraltorch: %s\n", text);
    }
}

int st_cli_usage(const char *command, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    print_error(command, format, arguments);
    va_end(arguments);
    return ST_CLI_USAGE;
}

int st_cli_fail(const char *command, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    print_error(command, format, arguments);
    va_end(arguments);
    return ST_CLI_FAILED;
}

/* ---- near misses ----------------------------------------------------------------------------------------------------
 */

enum { LONGEST_WORD = 31 };

/* Edit distance with insertion, deletion, substitution and the swap of neighbours; LONGEST_WORD for long words. */
static int distance(const char *left, size_t left_length, const char *right) {
    size_t right_length = strlen(right);
    if (left_length >= LONGEST_WORD || right_length >= LONGEST_WORD) {
        return LONGEST_WORD;
    }
    int rows[LONGEST_WORD + 1][LONGEST_WORD + 1];
    for (size_t i = 0; i <= left_length; i++) {
        rows[i][0] = (int)i;
    }
    for (size_t j = 0; j <= right_length; j++) {
        rows[0][j] = (int)j;
    }
    for (size_t i = 1; i <= left_length; i++) {
        for (size_t j = 1; j <= right_length; j++) {
            int best = rows[i - 1][j - 1] + (left[i - 1] != right[j - 1]);
            if (rows[i - 1][j] + 1 < best) {
                best = rows[i - 1][j] + 1;
            }
            if (rows[i][j - 1] + 1 < best) {
                best = rows[i][j - 1] + 1;
            }
            if (i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1] &&
                rows[i - 2][j - 2] + 1 < best) {
                best = rows[i - 2][j - 2] + 1;
            }
            rows[i][j] = best;
        }
    }
    return rows[left_length][right_length];
}

/* How far text is from word: 0 where it begins it, else the edit distance; LONGEST_WORD where that is no near miss. */
static int remoteness(const char *text, size_t length, const char *word) {
    if (length >= 2 && strncmp(text, word, length) == 0) {
        return 0;
    }
    int far = distance(text, length, word);
    return far <= (length < 4 ? 1 : 2) && (size_t)far < length ? far : LONGEST_WORD;
}

const char *st_options_nearest(const char *text, const char *const *words) {
    const char *nearest = NULL;
    int best = LONGEST_WORD;
    for (; *words; words++) {
        int far = remoteness(text, strlen(text), *words);
        if (far < best) {
            best = far;
            nearest = *words;
        }
    }
    return nearest;
}

static const char *nearest_option(const st_command *command, const char *text, size_t length) {
    const char *nearest = NULL;
    int best = LONGEST_WORD;
    for (int32_t i = 0; i <= command->option_count; i++) {
        const char *name = i < command->option_count ? command->options[i].name : "help";
        int far = remoteness(text, length, name);
        if (far < best) {
            best = far;
            nearest = name;
        }
    }
    return nearest;
}

/* ---- values ---------------------------------------------------------------------------------------------------------
 */

int st_options_number(const char *text, int64_t low, int64_t high, int64_t *number) {
    const char *at = text;
    int negative = *at == '-';
    if (*at == '-' || *at == '+') {
        at++;
    }
    if (!*at) {
        return 0;
    }
    /* Gathered below zero, where the range is larger by one. */
    int64_t value = 0;
    for (; *at; at++) {
        if (*at < '0' || *at > '9') {
            return 0;
        }
        int digit = *at - '0';
        if (value < (INT64_MIN + digit) / 10) {
            return 0;
        }
        value = value * 10 - digit;
    }
    if (!negative) {
        if (value == INT64_MIN) {
            return 0;
        }
        value = -value;
    }
    if (value < low || value > high) {
        return 0;
    }
    *number = value;
    return 1;
}

/* "-k" where the person wrote the short form, "--axis" otherwise. */
static void option_name(const st_option *option, int is_short, char name[64]) {
    if (is_short) {
        snprintf(name, 64, "-%c", option->letter);
    } else {
        snprintf(name, 64, "--%s", option->name);
    }
}

static int bad_word(const st_command *command, const st_option *option, const char *name, const char *value) {
    char list[512] = "";
    size_t length = 0;
    for (const char *const *word = option->words; *word; word++) {
        int added = snprintf(list + length, sizeof list - length, "%s%s", word == option->words ? "" : ", ", *word);
        if (added < 0 || (size_t)added >= sizeof list - length) {
            break;
        }
        length += (size_t)added;
    }
    const char *nearest = st_options_nearest(value, option->words);
    if (nearest) {
        return st_cli_usage(command->name, "%s: '%s' is not one of %s; did you mean '%s'?", name, value, list, nearest);
    }
    return st_cli_usage(command->name, "%s: '%s' is not one of %s", name, value, list);
}

static int take_value(const st_command *command, const st_option *option, int is_short, const char *value) {
    char name[64];
    option_name(option, is_short, name);
    if (option->kind == ST_OPTION_TEXT) {
        *(const char **)option->target = value;
    } else if (option->kind == ST_OPTION_NUMBER) {
        if (!st_options_number(value, option->low, option->high, (int64_t *)option->target)) {
            int64_t any = 0;
            const char *what =
                st_options_number(value, INT64_MIN, INT64_MAX, &any) ? "is out of range" : "is not a whole number";
            if (option->high == INT64_MAX && option->low == INT64_MIN) {
                return st_cli_usage(command->name, "%s: '%s' %s; give one such as 1 or -1", name, value, what);
            }
            if (option->high == INT64_MAX) {
                return st_cli_usage(command->name, "%s: '%s' %s; give one of at least %lld", name, value, what,
                                    (long long)option->low);
            }
            return st_cli_usage(command->name, "%s: '%s' %s; give one from %lld to %lld", name, value, what,
                                (long long)option->low, (long long)option->high);
        }
    } else {
        int32_t position = 0;
        while (option->words[position] && strcmp(option->words[position], value) != 0) {
            position++;
        }
        if (!option->words[position]) {
            return bad_word(command, option, name, value);
        }
        *(int32_t *)option->target = position;
    }
    if (option->given) {
        *option->given = 1;
    }
    return ST_CLI_GO;
}

static int missing_value(const st_command *command, const st_option *option, int is_short) {
    char name[64];
    option_name(option, is_short, name);
    return st_cli_usage(command->name, "%s: a value is missing; write %s %s", name, name, option->value);
}

static int take_flag(const st_option *option) {
    *(int32_t *)option->target = 1;
    if (option->given) {
        *option->given = 1;
    }
    return ST_CLI_GO;
}

/* ---- reading --------------------------------------------------------------------------------------------------------
 */

static int read_long(const st_command *command, int argc, char **argv, int *position) {
    const char *text = argv[*position] + 2;
    const char *equals = strchr(text, '=');
    size_t length = equals ? (size_t)(equals - text) : strlen(text);
    if (length == 4 && memcmp(text, "help", 4) == 0) {
        st_options_help(command);
        return ST_CLI_DONE;
    }
    for (int32_t i = 0; i < command->option_count; i++) {
        const st_option *option = &command->options[i];
        if (strlen(option->name) != length || memcmp(option->name, text, length) != 0) {
            continue;
        }
        if (option->kind == ST_OPTION_FLAG) {
            if (equals) {
                return st_cli_usage(command->name, "--%s: takes no value, but was given '%s'; write --%s alone",
                                    option->name, equals + 1, option->name);
            }
            return take_flag(option);
        }
        if (equals) {
            return take_value(command, option, 0, equals + 1);
        }
        if (*position + 1 >= argc) {
            return missing_value(command, option, 0);
        }
        *position += 1;
        return take_value(command, option, 0, argv[*position]);
    }
    const char *nearest = nearest_option(command, text, length);
    if (nearest) {
        return st_cli_usage(command->name, "--%.*s: no such option; did you mean --%s?", (int)length, text, nearest);
    }
    return st_cli_usage(command->name, "--%.*s: no such option; see spiraltorch %s --help", (int)length, text,
                        command->name);
}

static int read_short(const st_command *command, int argc, char **argv, int *position) {
    const char *text = argv[*position] + 1;
    while (*text) {
        const st_option *option = NULL;
        for (int32_t i = 0; i < command->option_count; i++) {
            if (command->options[i].letter && command->options[i].letter == *text) {
                option = &command->options[i];
            }
        }
        if (!option && *text == 'h') {
            st_options_help(command);
            return ST_CLI_DONE;
        }
        if (!option) {
            /* -axis for --axis is the usual slip. */
            const char *nearest =
                text == argv[*position] + 1 && text[1] ? nearest_option(command, text, strcspn(text, "=")) : NULL;
            if (nearest) {
                return st_cli_usage(command->name, "-%s: no such option; did you mean --%s?", text, nearest);
            }
            return st_cli_usage(command->name, "-%c: no such option; see spiraltorch %s --help", *text, command->name);
        }
        if (option->kind == ST_OPTION_FLAG) {
            take_flag(option);
            text++;
            continue;
        }
        if (text[1]) {
            return take_value(command, option, 1, text + 1 + (text[1] == '='));
        }
        if (*position + 1 >= argc) {
            return missing_value(command, option, 1);
        }
        *position += 1;
        return take_value(command, option, 1, argv[*position]);
    }
    return ST_CLI_GO;
}

int st_options_read(const st_command *command, int argc, char **argv, const char **operands) {
    int32_t count = 0;
    for (int32_t i = 0; i < command->operands_high; i++) {
        operands[i] = NULL;
    }
    int plain = 0;
    for (int position = 1; position < argc; position++) {
        const char *text = argv[position];
        if (!plain && strcmp(text, "--") == 0) {
            plain = 1;
            continue;
        }
        if (!plain && text[0] == '-' && text[1]) {
            int status =
                text[1] == '-' ? read_long(command, argc, argv, &position) : read_short(command, argc, argv, &position);
            if (status != ST_CLI_GO) {
                return status;
            }
            continue;
        }
        if (!command->operand) {
            return st_cli_usage(command->name, "'%s': this command takes options alone; see spiraltorch %s --help",
                                text, command->name);
        }
        if (count == command->operands_high) {
            return st_cli_usage(command->name, "'%s': one %s too many, after '%s'; give %d", text, command->operand,
                                operands[count - 1], (int)command->operands_high);
        }
        operands[count++] = text;
    }
    if (count < command->operands_low) {
        return st_cli_usage(command->name, "%s: missing; usage: spiraltorch %s %s", command->operand, command->name,
                            command->usage);
    }
    return ST_CLI_GO;
}

/* ---- help -----------------------------------------------------------------------------------------------------------
 */

static void print_option(const char *name, char letter, const char *value, const char *about) {
    enum { COLUMN = 26 };
    char head[96];
    char letters[8] = "    ";
    if (letter) {
        snprintf(letters, sizeof letters, "-%c, ", letter);
    }
    int length = snprintf(head, sizeof head, "  %s--%s%s%s", letters, name, value ? " " : "", value ? value : "");
    fputs(head, stdout);
    if (length > COLUMN - 2) {
        putchar('\n');
        length = 0;
    }
    for (const char *line = about; line;) {
        const char *end = strchr(line, '\n');
        int bytes = end ? (int)(end - line) : (int)strlen(line);
        printf("%*s%.*s\n", COLUMN - length, "", bytes, line);
        length = 0;
        line = end ? end + 1 : NULL;
    }
}

void st_options_help(const st_command *command) {
    printf("usage: spiraltorch %s%s%s\n\n%s", command->name, *command->usage ? " " : "", command->usage,
           command->about);
    fputs("\noptions:\n", stdout);
    for (int32_t i = 0; i < command->option_count; i++) {
        const st_option *option = &command->options[i];
        print_option(option->name, option->letter, option->value, option->about);
    }
    print_option("help", 'h', NULL, "print this page");
    if (command->notes) {
        printf("\n%s", command->notes);
    }
    printf("\nexamples:\n%s", command->examples);
}
