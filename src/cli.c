#include "cli.h"

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
        while (options[n].name && n < MAX_OPTIONS) {
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
