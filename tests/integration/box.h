/* The world of one integration test: a folder of its own, which is the working folder, with a
 * model (m.gguf), a prompt (p.txt) and whatever the test writes there, and the real program run in
 * it against the fake server.
 *
 * The test is the subreaper of all it starts: what outlives its parent becomes its child. So
 * "nothing is left behind" is the kernel's word (ECHILD), not a search for names. */
#ifndef STRATOBENCH_TEST_BOX_H
#define STRATOBENCH_TEST_BOX_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include <cmocka.h>

#include "stratobench/results.h"

#define FAKE      TOOLS_DIR "/fake_llama_server"
#define MAKE_GGUF TOOLS_DIR "/make_gguf"
enum { PATIENCE_S = 120 }; /* a wait that takes this long has failed */

int box_setup(void **state);    /* leaves *state alone */
int box_teardown(void **state); /* fails when a process or a temporary file is left */

/* Strings that the box gives live until its teardown. */
char *box_text(const char *fmt, ...) SB_PRINTF(1, 2);
char *box_read(const char *file); /* "" when there is none */
void box_write(const char *file, const char *fmt, ...) SB_PRINTF(2, 3);

/* a.ini: [bench] with `more` lines, model m, and a backend on the fake server for each pair of an
 * id and the lines of its section. */
struct box_backend {
    const char *id, *lines;
};
#define BOX_CONFIG(more, ...) box_config(more, (const struct box_backend[]){__VA_ARGS__, {0}})
void box_config(const char *more, const struct box_backend *backends);
char *box_bench(const char *more);                    /* its [bench] section alone */
char *box_backend(const char *id, const char *lines); /* a [backend] section alone */

/* Runs a program to its end, stdin empty, stdout in the file "out", stderr in "err". Exit code, or
 * 128+N when signal N ended it; fails after PATIENCE_S. */
#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define SB(...)   box_run(ARGS(STRATOBENCH, __VA_ARGS__))
#define MEASURE   "run", "--allow-concurrent", "a.ini" /* SB(MEASURE, "--resume") */
int box_run(const char *const *argv);
pid_t box_start(const char *const *argv); /* in a session of its own */
int box_wait(pid_t pid);
/* As box_start, with a step of the test's own before the exec. */
pid_t box_start_after(void (*prepare)(void), const char *const *argv);

void box_become_nobody(void); /* such a step: root lays down its rights, others have none */

/* Waits until the file holds the text. */
void box_await(const char *file, const char *text);
/* Waits until a server launched for a cell has logged the text, and gives its pid. */
pid_t box_await_server(const char *log, const char *text);
/* The pid of the process among our descendants that runs the program `name`; 0 = none. */
pid_t box_find(const char *name);

/* At once, after an end in order; within PATIENCE_S, after one without. */
void box_nothing_left(void);
void box_nothing_left_soon(void);

/* What stands in the files. */
struct sb_results *box_results(const char *file); /* fails when it does not load */
const struct sb_cell *box_cell(const char *model, const char *backend); /* of a.json */
char *box_row(const char *backend); /* of a.md, the first table row that begins "| backend |" */
void box_has(const char *text, const char *part);
void box_has_not(const char *text, const char *part);
#define IN_BOX(test) cmocka_unit_test_setup_teardown(test, box_setup, box_teardown)
/* Runs a group; TEST_FILTER in the environment is a pattern of names, to look at one. */
#define BOX_RUN(tests) (box_filter(), cmocka_run_group_tests(tests, NULL, NULL))
void box_filter(void);

#define box_expect_status(c, s) assert_string_equal(sb_status_name((c)->status), s)
void box_expect_ok(const char *model, const char *backend);

#endif
