/* Lists of strings. */
#include <stdlib.h>
#include <string.h>

#include "stratobench/base.h"

void sb_strv_take(struct sb_strv *v, char *s) {
    v->item = sb_grow(v->item, v->n + 1, sizeof *v->item); /* the NULL has its place, too */
    v->item[v->n++] = s;
    v->item[v->n] = NULL;
}

void sb_strv_add(struct sb_strv *v, const char *s) {
    sb_strv_take(v, sb_strdup(s));
}

bool sb_strv_has(const struct sb_strv *v, const char *s) {
    for (size_t i = 0; i < v->n; i++)
        if (strcmp(v->item[i], s) == 0)
            return true;
    return false;
}

void sb_strv_copy(struct sb_strv *dst, const struct sb_strv *src) {
    for (size_t i = 0; i < src->n; i++)
        sb_strv_add(dst, src->item[i]);
}

void sb_strv_release(struct sb_strv *v) {
    for (size_t i = 0; i < v->n; i++)
        free(v->item[i]);
    free(v->item);
    *v = (struct sb_strv){0};
}
