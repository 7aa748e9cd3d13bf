/* Index: strings -> small numbers, in the order of their first appearance (a balanced tree of
 * libc's tsearch, so that matching thousands of cells stays n log n). Keys are copied. */
#ifndef SB_INDEX_H
#define SB_INDEX_H

#include <stddef.h>

struct sb_index {
    void *root;
    size_t n; /* different keys so far */
};

#define SB_INDEX_NONE ((size_t)-1)

/* The number of `key`, a new one (n, then n grows) when it is not there yet. */
size_t sb_index_add(struct sb_index *x, const char *key);
/* The number of `key`, or SB_INDEX_NONE. */
size_t sb_index_find(const struct sb_index *x, const char *key);
void sb_index_release(struct sb_index *x);

#endif
