#include "options.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "cmd.h"

enum { MAX_OPTIONS = 64, FIRST_ROW = 256 }; /* getopt's value for a row: above all letters */

/* The table as getopt_long wants it. */
struct getopt_tables {
    struct option rows[MAX_OPTIONS];
    char letters[2 * MAX_OPTIONS];
};

static void make_tables(const struct sb_option *o, struct getopt_tables *ret) {
    char *letter = ret->letters;
    size_t n = 0;
    *letter++ = ':'; /* a missing value is told from an unknown option */
    *letter++ = 'h';
    for (; o[n].name && n < MAX_OPTIONS - 2; n++) {
        bool takes = o[n].type != SB_OPTION_FLAG;
        ret->rows[n] = (struct option){o[n].name, takes, NULL, FIRST_ROW + (int)n};
        if (o[n].letter) {
            *letter++ = o[n].letter;
            if (takes)
                *letter++ = ':';
        }
    }
    *letter = '\0';
    ret->rows[n] = (struct option){"help", no_argument, NULL, 'h'};
    ret->rows[n + 1] = (struct option){0};
}

static const struct sb_option *row_of(const struct sb_option *o, int value) {
    if (value >= FIRST_ROW)
        return o + (value - FIRST_ROW);
    while (o->name && o->letter != value)
        o++;
    return o->name ? o : NULL;
}

/* ---- values ------------------------------------------------------------------------------- */

static bool read_number(const char *text, const char *unit, double *ret) {
    char *end;
    double value = strtod(text, &end);
    if (end == text || !isfinite(value) || strcmp(end, unit) != 0)
        return false;
    *ret = value;
    return true;
}

static bool set_number(const struct sb_command *c, const struct sb_option *o, const char *text,
                       double *ret) {
    double value;
    if (!read_number(text, "", &value) || value < o->least || value > o->most) {
        sb_cli_usage_error(c->name, "'%s' is no number from %g to %g (--%s)", text, o->least,
                           o->most, o->name);
        return false;
    }
    *ret = value;
    return true;
}

static bool set_share(const struct sb_command *c, const char *text, double *ret) {
    double value;
    if (read_number(text, "%", &value) || read_number(text, " %", &value))
        value /= 100;
    else if (!read_number(text, "", &value))
        value = -1;
    if (value < 0 || value > 1) {
        sb_cli_usage_error(c->name, "'%s' is no share; write 5%% or 0.05", text);
        return false;
    }
    *ret = value;
    return true;
}

static bool set_choice(const struct sb_command *c, const struct sb_option *o, const char *text,
                       int *ret) {
    size_t n = 0;
    for (; o->choices[n]; n++)
        if (strcmp(text, o->choices[n]) == 0) {
            *ret = (int)n;
            return true;
        }
    const char *near = sb_nearest(text, o->choices, n);
    if (near)
        sb_cli_usage_error(c->name, "unknown %s '%s' (did you mean %s?)", o->name, text, near);
    else
        sb_cli_usage_error(c->name, "unknown %s '%s'", o->name, text);
    return false;
}

static bool set_list(const struct sb_command *c, const struct sb_option *o, const char *text,
                     struct sb_strv *ret) {
    const char *equals = strchr(text, '=');
    if (o->type == SB_OPTION_PAIRS && (!equals || equals == text)) {
        sb_cli_usage_error(c->name, "--%s takes NAME=VALUE, not '%s'", o->name, text);
        return false;
    }
    sb_strv_add(ret, text);
    return true;
}

static bool set_two(const struct sb_command *c, const struct sb_option *o, const char *first,
                    const char *second, const char **ret) {
    if (!second) {
        sb_cli_usage_error(c->name, "--%s needs two: %s", o->name, o->argument);
        return false;
    }
    optind++; /* getopt knows of one value only */
    ret[0] = first;
    ret[1] = second;
    return true;
}

/* `second` is what follows `text`, or NULL. */
static bool set(const struct sb_command *c, const struct sb_option *o, const char *text,
                const char *second, void *options) {
    void *at = (char *)options + o->offset;
    if (o->type != SB_OPTION_FLAG && *text == '\0') {
        sb_cli_usage_error(c->name, "--%s needs a value", o->name);
        return false;
    }
    switch (o->type) {
    case SB_OPTION_FLAG: *(bool *)at = true; return true;
    case SB_OPTION_TEXT: *(const char **)at = text; return true;
    case SB_OPTION_TWO: return set_two(c, o, text, second, at);
    case SB_OPTION_LIST:
    case SB_OPTION_PAIRS: return set_list(c, o, text, at);
    case SB_OPTION_NUMBER: return set_number(c, o, text, at);
    case SB_OPTION_SHARE: return set_share(c, text, at);
    case SB_OPTION_CHOICE: return set_choice(c, o, text, at);
    }
    return false;
}

/* ---- the line ----------------------------------------------------------------------------- */

/* The argument getopt was looking at: optind has moved past it unless it was inside a cluster. */
static const char *offending(char **argv) {
    const char *last = optind > 1 ? argv[optind - 1] : NULL;
    return last && last[0] == '-' ? last : argv[optind];
}

static void say_unknown(const struct sb_command *c, const char *given,
                        const struct getopt_tables *t) {
    const char *names[MAX_OPTIONS], *near = NULL;
    size_t n = 0;
    for (; t->rows[n].name; n++)
        names[n] = t->rows[n].name;
    bool takes_none = false;
    if (strncmp(given, "--", 2) == 0) {
        char *name = sb_strndup(given + 2, strcspn(given + 2, "="));
        near = sb_nearest(name, names, n);
        takes_none = near && strcmp(near, name) == 0;
        free(name);
    }
    if (takes_none)
        sb_cli_usage_error(c->name, "--%s takes no value", near);
    else if (near)
        sb_cli_usage_error(c->name, "unknown option %s (did you mean --%s?)", given, near);
    else
        sb_cli_usage_error(c->name, "unknown option %s", given);
}

/* One result of getopt_long. False ends the program. */
static bool take(const struct sb_command *c, int value, char **argv, const struct getopt_tables *t,
                 void *options) {
    const struct sb_option *o = row_of(c->options, value);
    if (o)
        return set(c, o, optarg, argv[optind], options);
    const char *given = offending(argv);
    if (value == ':')
        sb_cli_usage_error(c->name, "%s needs a value", given);
    else
        say_unknown(c, given ? given : "", t);
    return false;
}

static bool count_is_right(const struct sb_command *c, size_t n) {
    if (n == 0 && !c->none)
        sb_cli_usage_error(c->name, "no %s given", c->operand);
    else if (c->one && n > 1)
        sb_cli_usage_error(c->name, "more than one %s", c->operand);
    return n == 0 ? c->none : n == 1 || !c->one;
}

bool sb_options_parse(const struct sb_command *c, int argc, char **argv, void *options,
                      struct sb_operands *ret_files, int *ret_exit) {
    struct getopt_tables t;
    make_tables(c->options, &t);
    *ret_exit = SB_EXIT_USAGE;
    opterr = 0;
    optind = 0; /* afresh, with a table of its own */
    for (int value; (value = getopt_long(argc, argv, t.letters, t.rows, NULL)) != -1;) {
        if (value == 'h') {
            struct sb_buf help = SB_BUF_INIT(1 << 20);
            sb_options_help(c, &help);
            *ret_exit = sb_cli_print(c->name, &help);
            sb_buf_release(&help);
            return false;
        }
        if (!take(c, value, argv, &t, options))
            return false;
    }
    *ret_files = (struct sb_operands){argv + optind, (size_t)(argc - optind)};
    return count_is_right(c, ret_files->n);
}

void sb_options_release(const struct sb_command *c, void *options) {
    for (const struct sb_option *o = c->options; o->name; o++)
        if (o->type == SB_OPTION_LIST || o->type == SB_OPTION_PAIRS)
            sb_strv_release((struct sb_strv *)((char *)options + o->offset));
}

int sb_command_main(const struct sb_command *c, int argc, char **argv) {
    void *options = sb_alloc(1, c->options_size);
    struct sb_operands files;
    int rc;
    if (c->defaults)
        memcpy(options, c->defaults, c->options_size);
    if (sb_options_parse(c, argc, argv, options, &files, &rc))
        rc = c->run(options, &files);
    if (c->exit_code)
        rc = c->exit_code(options, rc);
    sb_options_release(c, options);
    free(options);
    return rc;
}
