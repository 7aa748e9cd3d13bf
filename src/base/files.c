#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "stratobench/base.h"

static bool look(const char *path, struct sb_file_state *ret) {
    struct stat st;
    if (stat(path, &st) != 0)
        return false;
    *ret = (struct sb_file_state){.device = st.st_dev,
                                  .inode = st.st_ino,
                                  .bytes = st.st_size,
                                  .modified_ns =
                                      st.st_mtim.tv_sec * 1000000000LL + st.st_mtim.tv_nsec};
    return true;
}

static bool same(const struct sb_file_state *a, const struct sb_file_state *b) {
    return a->device == b->device && a->inode == b->inode && a->bytes == b->bytes &&
           a->modified_ns == b->modified_ns;
}

void sb_files_add(struct sb_files *f, const char *path) {
    struct sb_file_state now;
    for (size_t i = 0; i < f->n; i++)
        if (strcmp(f->item[i].path, path) == 0)
            return;
    if (!look(path, &now))
        return;
    now.path = sb_strdup(path);
    f->item = sb_grow(f->item, f->n, sizeof *f->item);
    f->item[f->n++] = now;
}

const char *sb_files_changed(const struct sb_files *f) {
    struct sb_file_state now;
    for (size_t i = 0; i < f->n; i++)
        if (!look(f->item[i].path, &now) || !same(&now, &f->item[i]))
            return f->item[i].path;
    return NULL;
}

void sb_files_release(struct sb_files *f) {
    for (size_t i = 0; i < f->n; i++)
        free(f->item[i].path);
    free(f->item);
    *f = (struct sb_files){0};
}
