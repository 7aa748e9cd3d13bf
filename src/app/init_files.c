#include "init_files.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

char *init_absolute(const char *path) {
    if (path[0] == '/')
        return sb_strdup(path);
    char *here = getcwd(NULL, 0);
    while (strncmp(path, "./", 2) == 0)
        path += 2;
    char *whole = strcmp(path, ".") == 0 || !*path ? sb_strdup(here ? here : ".")
                                                   : sb_asprintf("%s/%s", here ? here : ".", path);
    free(here);
    return whole;
}

bool init_is_new(struct sb_index *seen, const struct stat *st) {
    char key[64];
    size_t n = seen->n;
    snprintf(key, sizeof key, "%llx:%llx", (unsigned long long)st->st_dev,
             (unsigned long long)st->st_ino);
    sb_index_add(seen, key);
    return seen->n > n;
}

/* ---- values ------------------------------------------------------------------------------- */

/* The quotes that a value needs; "" = none, NULL = no quotes can hold it. */
static const char *quotes_for(const char *text) {
    size_t n = strlen(text);
    bool single = strchr(text, '\'') != NULL, both = single && strchr(text, '"');
    if (both || (single && strstr(text, "${")))
        return NULL;
    if (single)
        return "\"";
    bool edge = n == 0 || strchr(" \t", text[0]) || strchr(" \t", text[n - 1]);
    return edge || strpbrk(text, "\"#;") || strstr(text, "${") ? "'" : "";
}

bool init_is_plain(const char *text) {
    struct sb_buf clean = SB_BUF_INIT(SB_ERR_MAX);
    sb_buf_add_printable(&clean, text, strlen(text));
    bool plain =
        quotes_for(text) && strcmp(sb_buf_str(&clean), text) == 0 && !strpbrk(text, "\n\t");
    sb_buf_release(&clean);
    return plain;
}

void init_add_value(struct sb_buf *b, const char *text) {
    const char *quotes = quotes_for(text);
    sb_buf_addf(b, "%s%s%s", quotes, text, quotes);
}

/* ---- names of models ---------------------------------------------------------------------- */

static const char gguf[] = ".gguf";

/* The number of a shard in a name that ends in -NNNNN-of-NNNNN.gguf, else 0. */
static int shard_number(const char *name) {
    size_t n = strlen(name), tail = strlen("-00001-of-00001.gguf");
    int number, of, used = 0;
    if (n < tail || sscanf(name + n - tail, "-%5d-of-%5d.gguf%n", &number, &of, &used) != 2)
        return 0;
    return used == (int)tail ? number : 0;
}

bool init_is_later_shard(const char *name) {
    return shard_number(name) > 1;
}

size_t init_stem_length(const char *name) {
    size_t tail = shard_number(name) ? strlen("-00001-of-00001.gguf") : strlen(gguf);
    return strlen(name) - tail;
}

/* ---- folders ------------------------------------------------------------------------------ */

struct walk {
    struct sb_index folders;
    void (*found)(void *arg, const char *path, const struct stat *st);
    void *arg;
};

static bool is_model(const char *name) {
    size_t n = strlen(name);
    return n > strlen(gguf) && strcasecmp(name + n - strlen(gguf), gguf) == 0;
}

static int not_hidden(const struct dirent *e) {
    return e->d_name[0] != '.' && (e->d_type == DT_DIR || e->d_type == DT_LNK ||
                                   e->d_type == DT_UNKNOWN || is_model(e->d_name));
}

static void walk(struct walk *w, const char *folder, int levels) {
    struct stat st;
    struct dirent **entries;
    if (stat(folder, &st) < 0 || !init_is_new(&w->folders, &st))
        return;
    int n = scandir(folder, &entries, not_hidden, alphasort);
    for (int i = 0; i < n; i++) {
        char *path =
            sb_asprintf("%s/%s", strcmp(folder, "/") == 0 ? "" : folder, entries[i]->d_name);
        if (stat(path, &st) == 0) {
            if (S_ISDIR(st.st_mode) && levels > 0)
                walk(w, path, levels - 1);
            else if (S_ISREG(st.st_mode) && is_model(entries[i]->d_name))
                w->found(w->arg, path, &st);
        }
        free(path);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
}

void init_walk(const char *folder, int levels,
               void (*found)(void *arg, const char *path, const struct stat *st), void *arg) {
    struct walk w = {.found = found, .arg = arg};
    walk(&w, folder, levels);
    sb_index_release(&w.folders);
}
