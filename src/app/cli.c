#include "cli.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "stratobench/base.h"

enum { MAX_OPTIONS = 64 };

int sb_cli_usage_error(const char *command, const char *fmt, ...) {
    va_list ap;
    fprintf(stderr, "stratobench %s: ", command);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fprintf(stderr, "; see stratobench %s --help\n", command);
    return SB_EXIT_USAGE;
}

/* The argument getopt was looking at: optind has moved past it unless it was inside a cluster. */
static const char *offending(char **argv) {
    const char *last = optind > 1 ? argv[optind - 1] : NULL;
    return last && last[0] == '-' ? last : argv[optind];
}

int sb_cli_bad_option(int result, char **argv, const struct option *options) {
    const char *given = offending(argv);
    if (result == ':')
        return sb_cli_usage_error(argv[0], "%s needs a value", given);
    if (given && strncmp(given, "--", 2) == 0) {
        char *name = sb_strndup(given + 2, strcspn(given + 2, "="));
        const char *names[MAX_OPTIONS];
        size_t n = 0;
        while (n < MAX_OPTIONS && options[n].name) {
            names[n] = options[n].name;
            n++;
        }
        const char *near = sb_nearest(name, names, n);
        free(name);
        if (near)
            return sb_cli_usage_error(argv[0], "unknown option %s (did you mean --%s?)", given,
                                      near);
    }
    return sb_cli_usage_error(argv[0], "unknown option %s", given ? given : "");
}

int sb_cli_unknown(const char *command, const char *what, const char *given,
                   const char *const *names, size_t n) {
    const char *near = sb_nearest(given, names, n);
    if (near)
        return sb_cli_usage_error(command, "unknown %s '%s' (did you mean %s?)", what, given, near);
    return sb_cli_usage_error(command, "unknown %s '%s'", what, given);
}

int sb_cli_choice(const char *given, const char *const *names, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(given, names[i]) == 0)
            return (int)i;
    return -1;
}

/* The number that `text` begins with; *ret_rest is what follows it. */
static bool leading_number(const char *text, double *ret, const char **ret_rest) {
    char *end;
    double value = strtod(text, &end);
    *ret_rest = end;
    *ret = value;
    return end != text && isfinite(value);
}

bool sb_cli_number(const char *text, double least, double most, double *ret) {
    const char *rest;
    double value;
    if (!leading_number(text, &value, &rest) || *rest || value < least || value > most)
        return false;
    *ret = value;
    return true;
}

bool sb_cli_share(const char *text, double *ret) {
    const char *rest;
    double value;
    if (!leading_number(text, &value, &rest))
        return false;
    if (strcmp(rest, "%") == 0 || strcmp(rest, " %") == 0)
        value /= 100;
    else if (*rest)
        return false;
    if (value < 0 || value > 1)
        return false;
    *ret = value;
    return true;
}

int sb_cli_print(const char *command, const struct sb_buf *text) {
    errno = 0;
    if (fwrite(sb_buf_str(text), 1, text->len, stdout) == text->len && fflush(stdout) == 0)
        return SB_EXIT_OK;
    fprintf(stderr, "stratobench %s: standard output: %s\n", command, strerror(errno));
    return SB_EXIT_USAGE;
}
