#include "stratobench/base.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

struct numbered_key {
    const char *key;
    size_t number;
    char text[]; /* the copy that `key` points to; searches bring their own key instead */
};

static int by_key(const void *a, const void *b) {
    return strcmp(((const struct numbered_key *)a)->key, ((const struct numbered_key *)b)->key);
}

size_t sb_index_find(const struct sb_index *x, const char *key) {
    struct numbered_key probe = {.key = key};
    struct numbered_key **found = tfind(&probe, &x->root, by_key);
    return found ? (*found)->number : SB_INDEX_NONE;
}

size_t sb_index_add(struct sb_index *x, const char *key) {
    size_t number = sb_index_find(x, key);
    if (number != SB_INDEX_NONE)
        return number;
    size_t size = strlen(key) + 1;
    struct numbered_key *e = sb_alloc(1, sizeof *e + size);
    memcpy(e->text, key, size);
    e->key = e->text;
    e->number = x->n;
    if (!tsearch(e, &x->root, by_key))
        sb_out_of_memory();
    return x->n++;
}

void sb_index_release(struct sb_index *x) {
    tdestroy(x->root, free);
    *x = (struct sb_index){0};
}
