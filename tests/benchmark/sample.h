/* What the programs of the benchmark print: a figure a line, "KEY VALUE", which overhead.c gathers.
 */
#ifndef SAMPLE_H
#define SAMPLE_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static inline void sample(const char *key, double value) {
    if (isfinite(value))
        printf("%s %.9g\n", key, value);
    fflush(stdout);
}

/* The value of an environment variable, or the end. */
static inline const char *need(const char *name) {
    const char *value = getenv(name);
    if (!value || !*value) {
        fprintf(stderr, "benchmark: %s is not set\n", name);
        exit(2);
    }
    return value;
}

#endif
