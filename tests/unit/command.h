/* Runs a command of the program in this process and keeps what it printed. */
#ifndef COMMAND_H
#define COMMAND_H

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "app/cmd.h"
#include "stratobench/base.h"

enum { COMMAND_MAX_ARGS = 40, COMMAND_MAX_BYTES = 4 << 20 };

struct command_outcome {
    int rc;
    struct sb_buf text; /* both streams together, in order */
};

static inline int command_redirect(FILE *stream, int to) {
    fflush(stream);
    int saved = dup(fileno(stream));
    assert_true(dup2(to, fileno(stream)) >= 0);
    return saved;
}

static inline void command_restore(FILE *stream, int saved) {
    fflush(stream);
    assert_true(dup2(saved, fileno(stream)) >= 0);
    close(saved);
}

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

static inline struct command_outcome command_run(const struct sb_command *c,
                                                 const char *const *args) {
    char *argv[COMMAND_MAX_ARGS] = {(char *)c->name};
    int argc = 1;
    for (; args[argc - 1] && argc < COMMAND_MAX_ARGS - 1; argc++)
        argv[argc] = (char *)args[argc - 1];
    char path[] = "/tmp/test_command_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    int out = command_redirect(stdout, fd), err = command_redirect(stderr, fd);
    struct command_outcome o = {sb_command_main(c, argc, argv), SB_BUF_INIT(COMMAND_MAX_BYTES)};
    command_restore(stdout, out);
    command_restore(stderr, err);
    close(fd);
    assert_int_equal(sb_file_read(path, &o.text, NULL), 0);
    unlink(path);
    return o;
}

/* The exit code, and a text that must be among what was printed. */
static inline void command_expect(const struct sb_command *c, const char *const *args, int rc,
                                  const char *text) {
    struct command_outcome o = command_run(c, args);
    if (o.rc != rc || !strstr(sb_buf_str(&o.text), text))
        fail_msg("exit %d (want %d), want \"%s\" in: %s", o.rc, rc, text, sb_buf_str(&o.text));
    sb_buf_release(&o.text);
}

#endif
