#include "again.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stratobench/text.h"

static void add_word(struct sb_buf *b, const char *word) {
    sb_shell_quote(b, word);
    sb_buf_adds(b, " ");
}

static void add_path(struct sb_buf *b, const char *path) {
    char *here = *path == '/' ? NULL : getcwd(NULL, 0);
    char *whole = here ? sb_asprintf("%s/%s", here, path) : sb_strdup(path);
    add_word(b, whole);
    free(whole);
    free(here);
}

/* The folder of a name that is on our PATH; the caller frees. */
static char *folder_of(const char *name) {
    for (const char *dir = getenv("PATH"); dir; dir = strchr(dir, ':')) {
        dir += *dir == ':';
        int len = (int)strcspn(dir, ":");
        char *file = sb_asprintf("%.*s/%s", len, dir, name);
        bool here = access(file, X_OK) == 0;
        free(file);
        if (here)
            return sb_strndup(dir, (size_t)len);
    }
    return NULL;
}

static bool is_usual(const char *dir) {
    return strcmp(dir, "/usr/bin") == 0 || strcmp(dir, "/bin") == 0 ||
           strcmp(dir, "/usr/local/bin") == 0;
}

/* A script may have put the servers on its own PATH. */
static void add_search_path(struct sb_buf *b, const struct sb_config *c) {
    struct sb_strv folders = {0};
    for (size_t i = 0; i < c->n_backends; i++) {
        const char *program = c->backends[i].command.n ? c->backends[i].command.item[0] : "/";
        char *dir = strchr(program, '/') ? NULL : folder_of(program);
        if (dir && !is_usual(dir) && !sb_strv_has(&folders, dir))
            sb_strv_add(&folders, dir);
        free(dir);
    }
    for (size_t i = 0; i < folders.n; i++) {
        sb_buf_adds(b, i ? ":" : "PATH=");
        sb_shell_quote(b, folders.item[i]);
    }
    sb_buf_adds(b, folders.n ? ":$PATH " : "");
    sb_strv_release(&folders);
}

/* As it was called; by its whole path where that named one. */
static void add_program(struct sb_buf *b) {
    char *self = strchr(program_invocation_name, '/') ? realpath("/proc/self/exe", NULL) : NULL;
    add_word(b, self ? self : "stratobench");
    free(self);
}

void sb_again_command(const struct sb_again *a, const struct sb_config *c, struct sb_buf *ret) {
    struct stat st;
    bool stream = stat(a->config_file, &st) == 0 && !S_ISREG(st.st_mode);
    add_search_path(ret, c);
    add_program(ret);
    sb_buf_adds(ret, "run ");
    if (stream)
        sb_buf_adds(ret, "CONFIG "); /* it has been read and is gone */
    else
        add_path(ret, a->config_file);
    sb_buf_adds(ret, "-o ");
    add_path(ret, a->stem);
    const char *const options[][2] = {{"--model", a->selection->model},
                                      {"--backend", a->selection->backend}};
    for (size_t i = 0; i < 2; i++)
        if (options[i][1]) {
            sb_buf_addf(ret, "%s ", options[i][0]);
            add_word(ret, options[i][1]);
        }
    for (size_t i = 0; i < sizeof a->flags / sizeof *a->flags; i++)
        if (a->flags[i])
            sb_buf_addf(ret, "%s ", a->flags[i]);
    sb_buf_adds(ret, "--resume");
}
