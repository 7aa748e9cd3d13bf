/* A folder with prompts, an environment, and the two halves of a small config that is right:
 * what the tests of the config module share. */
#ifndef CONFIG_FIXTURE_H
#define CONFIG_FIXTURE_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "stratobench/config.h"

#define BENCH     "[bench]\nprompt = ${PROMPT}\n" /* lines 1 and 2 */
#define REST      "[backend b]\nserver = llama-server\n[model m]\npath = m.gguf\n"
#define PNG       "\x89PNG\r\n\x1a\n..." /* as far as anybody looks */
#define LENGTH(a) (sizeof(a) / sizeof *(a))

static char folder[] = "/tmp/test_config.XXXXXX";

static inline char *in_folder(const char *name) {
    return sb_asprintf("%s/%s", folder, name);
}

static inline void write_file(const char *name, const void *data, size_t len) {
    char *path = in_folder(name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    fclose(f);
    free(path);
}

static inline int set_up(void **state) {
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    char *prompt = in_folder("p.txt"), *fifo = in_folder("fifo");
    setenv("PROMPT", prompt, 1);
    setenv("FOLDER", folder, 1);
    setenv("EMPTY", "", 1);
    setenv("TRICKY", "a \"b\" # ${EMPTY}", 1);
    setenv("BELL", "\a", 1);
    unsetenv("UNSET");
    write_file("p.txt", "Why?\n", 5);
    write_file("empty.txt", " \n", 2);
    write_file("q.txt", "How?\n", 5);
    write_file("latin1.txt", "caf\xe9", 4);
    write_file("nothing.png", "", 0);
    write_file("dot.png", PNG, sizeof PNG - 1);
    write_file("dot.jpg", "\xff\xd8\xff\xe0", 4);
    int rc = mkfifo(fifo, 0600);
    free(prompt);
    free(fifo);
    return rc;
}

/* A test, since a tear-down that fails fails no program. */
static inline void no_other_file_is_left(void **state) {
    (void)state;
    static const char *const names[] = {"p.txt",   "q.txt",       "empty.txt", "latin1.txt", "fifo",
                                        "sub.ini", "nothing.png", "dot.png",   "dot.jpg"};
    for (size_t i = 0; i < LENGTH(names); i++) {
        char *path = in_folder(names[i]);
        unlink(path);
        free(path);
    }
    assert_int_equal(rmdir(folder), 0);
}

/* The diagnostics of a text; the caller frees. The config must be refused and be empty. */
static inline char *refused(const char *text, size_t len, const struct sb_selection *sel) {
    struct sb_config c;
    struct sb_buf errors = SB_BUF_INIT(SB_ERR_MAX);
    assert_int_equal(sb_config_parse("t.ini", text, len, sel, &c, &errors), -EINVAL);
    assert_null(c.cells);
    assert_int_equal(c.n_cells, 0);
    return sb_buf_detach(&errors);
}

static inline void assert_refused(const char *text, size_t len, const char *expected) {
    char *errors = refused(text, len, NULL);
    assert_string_equal(errors, expected);
    free(errors);
}

static inline void accept_text(const char *text, size_t len, const struct sb_selection *sel,
                               struct sb_config *c) {
    struct sb_buf errors = SB_BUF_INIT(SB_ERR_MAX);
    int rc = sb_config_parse("t.ini", text, len, sel, c, &errors);
    assert_string_equal(sb_buf_str(&errors), "");
    assert_int_equal(rc, 0);
}

static inline void accept(const char *text, struct sb_config *c) {
    accept_text(text, strlen(text), NULL, c);
}

#endif
