#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stratobench/base.h"

void sb_out_of_memory(void) {
    fputs("stratobench: out of memory\n", stderr);
    abort();
}

static void *or_die(void *p) {
    if (!p)
        sb_out_of_memory();
    return p;
}

void *sb_malloc(size_t size) {
    return or_die(malloc(size ? size : 1));
}

void *sb_alloc(size_t n, size_t size) {
    return or_die(calloc(n ? n : 1, size ? size : 1));
}

void *sb_realloc(void *p, size_t n, size_t size) {
    return or_die(reallocarray(p, n ? n : 1, size ? size : 1));
}

void *sb_grow(void *p, size_t n, size_t size) {
    return n & (n - 1) ? p : sb_realloc(p, n ? 2 * n : 1, size);
}

char *sb_strdup(const char *s) {
    return s ? or_die(strdup(s)) : NULL;
}

char *sb_strndup(const char *s, size_t n) {
    return or_die(strndup(s, n));
}

bool sb_same(const char *a, const char *b) {
    return a == b || (a && b && strcmp(a, b) == 0);
}

bool sb_begins(const char *s, const char *with) {
    return strncmp(s, with, strlen(with)) == 0;
}
