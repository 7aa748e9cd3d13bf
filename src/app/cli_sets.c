#include "cli_sets.h"

#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "cmd.h"
#include "stratobench/results_shard.h"
#include "stratobench/verdict.h"

static const char *name_of(const char *path) {
    return strcmp(path, "-") == 0 ? "standard input" : path;
}

/* 0, or -1 with a line in `error`. */
static int add_set(struct sb_cli_sets *s, const char *name, const char *text, size_t len,
                   struct sb_buf *error) {
    struct sb_results r;
    if (sb_results_parse(name, text, len, &r, error) < 0)
        return -1;
    s->item = sb_realloc(s->item, s->n + 1, sizeof *s->item);
    s->item[s->n++] = r;
    return 0;
}

static int add_shards(struct sb_cli_sets *s, const char *command, const char *path,
                      const struct sb_buf *log, struct sb_buf *error) {
    struct sb_shards shards;
    int rc = 0;
    sb_shards_read(sb_buf_str(log), log->len, &shards);
    for (size_t i = 0; i < shards.remarks.n; i++) {
        char *remark = sb_asprintf("warning: %s: %s", name_of(path), shards.remarks.item[i]);
        sb_cli_fail(command, remark);
        free(remark);
    }
    for (size_t i = 0; i < shards.json.n && rc == 0; i++)
        rc = add_set(s, shards.name.item[i], shards.json.item[i], strlen(shards.json.item[i]),
                     error);
    if (shards.json.n == 0) {
        sb_buf_addf(error, "%s: no results in this log are whole", name_of(path));
        rc = -1;
    }
    sb_shards_release(&shards);
    return rc;
}

/* A results file, or a log with results in it. */
static int add_file(struct sb_cli_sets *s, const char *command, const char *path,
                    struct sb_buf *error) {
    struct sb_buf text = SB_BUF_INIT(SB_RESULTS_MAX_BYTES);
    int rc = sb_file_read(strcmp(path, "-") == 0 ? "/dev/stdin" : path, &text, error);
    if (rc == 0 && sb_buf_str(&text)[strspn(sb_buf_str(&text), " \t\r\n")] != '{' &&
        sb_shards_begin(sb_buf_str(&text), text.len))
        rc = add_shards(s, command, path, &text, error);
    else if (rc == 0)
        rc = add_set(s, name_of(path), sb_buf_str(&text), text.len, error);
    sb_buf_release(&text);
    return rc;
}

int sb_cli_load_sets(const char *command, char *const *paths, size_t n, struct sb_cli_sets *ret) {
    struct sb_cli_sets s = {0};
    bool failed = false;
    for (size_t i = 0; i < n; i++) {
        struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
        if (add_file(&s, command, paths[i], &error) < 0) {
            sb_cli_fail(command, sb_buf_str(&error));
            failed = true;
        }
        sb_buf_release(&error);
    }
    if (failed) {
        sb_cli_sets_release(&s);
        return SB_EXIT_USAGE;
    }
    s.pointers = sb_alloc(s.n, sizeof *s.pointers);
    for (size_t i = 0; i < s.n; i++)
        s.pointers[i] = &s.item[i];
    struct sb_results **all = sb_alloc(s.n, sizeof *all);
    for (size_t i = 0; i < s.n; i++)
        all[i] = &s.item[i];
    sb_answers_apply(all, s.n);
    free(all);
    *ret = s;
    return 0;
}

void sb_cli_sets_release(struct sb_cli_sets *s) {
    for (size_t i = 0; i < s->n; i++)
        sb_results_release(&s->item[i]);
    free(s->item);
    free(s->pointers);
    *s = (struct sb_cli_sets){0};
}
