/* Scripts that are started, and the folder in which they say how far they are. */
#ifndef PROC_FIXTURE_H
#define PROC_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "stratobench/sys.h"

#include "children.h"

static char dir[] = "/tmp/test_proc.XXXXXX", log_file[64];

#define SCRIPT(text) ((const char *const[]){"/bin/sh", "-c", text, "sh", dir, NULL})

static inline struct sb_proc *start(const char *const *argv) {
    struct sb_proc *p = NULL;
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    struct sb_proc_spec spec = {.argv = argv, .log_path = log_file};
    if (sb_proc_start(&spec, &p, &error))
        fail_msg("%s", sb_buf_str(&error));
    assert_int_equal(error.len, 0);
    return p;
}

/* What the script prints; the caller frees. */
static inline char *output(const char *const *argv, const char *const *envp) {
    struct sb_buf out = SB_BUF_INIT(1 << 20), err = SB_BUF_INIT(1 << 20),
                  error = SB_BUF_INIT(SB_ERR_MAX);
    struct sb_exit e;
    if (sb_proc_capture(&(struct sb_proc_spec){.argv = argv, .envp = envp}, NULL, FOREVER, -1, &out,
                        &err, &e, &error))
        fail_msg("%s", sb_buf_str(&error));
    assert_string_equal(sb_buf_str(&err), "");
    return sb_buf_detach(&out);
}

/* Waits until a script has made the file, which may hold a number. */
static inline long await_file(const char *name) {
    char path[128], text[32] = "";
    snprintf(path, sizeof path, "%s/%s", dir, name);
    for (;; usleep(2000)) {
        FILE *f = fopen(path, "r");
        if (!f)
            continue;
        bool whole = fgets(text, sizeof text, f) && strchr(text, '\n');
        fclose(f);
        if (!whole)
            continue;
        unlink(path);
        return strtol(text, NULL, 10);
    }
}

/* DIR, in it the fifo that some scripts read. */
static inline int make_dir(void **state) {
    char fifo[64];
    if (adopt_what_is_left(state) != 0 || !mkdtemp(dir))
        return -1;
    snprintf(log_file, sizeof log_file, "%s/log", dir);
    snprintf(fifo, sizeof fifo, "%s/fifo", dir);
    return mkfifo(fifo, 0600);
}

static inline int remove_dir(void **state) {
    (void)state;
    free(output((const char *[]){"rm", "-r", dir, NULL}, NULL));
    return 0;
}

#endif
