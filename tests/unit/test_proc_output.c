/* What a child printed: captured, or the end of its log. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "stratobench/sys.h"

#include "children.h"

#define REPLACEMENT "\xef\xbf\xbd"

/* ---- capture ------------------------------------------------------------------------------ */

struct capture {
    struct sb_buf out, err, error;
    struct sb_exit exit;
    int rc;
};

static struct capture capture(const char *script, const struct sb_buf *input, double timeout_s,
                              int signal_fd) {
    struct capture c = {.out.limit = 1000, .err.limit = 1000, .error.limit = SB_ERR_MAX};
    const char *argv[] = {"/bin/sh", "-c", script, NULL};
    c.rc = sb_proc_capture(&(struct sb_proc_spec){.argv = argv}, input, timeout_s, signal_fd,
                           &c.out, &c.err, &c.exit, &c.error);
    assert_int_equal(c.rc == 0, c.error.len == 0);
    return c;
}

static void forget(struct capture *c) {
    sb_buf_release(&c->out);
    sb_buf_release(&c->err);
    sb_buf_release(&c->error);
}

static void outputs_are_kept_apart(void **state) {
    (void)state;
    struct capture c = capture("printf 'o\\0ut'; echo err >&2; exit 7", NULL, FOREVER, -1);
    assert_int_equal(c.rc, 0);
    assert_int_equal(c.exit.code, 7);
    assert_int_equal(c.out.len, 4);
    assert_memory_equal(c.out.data, "o\0ut", 4);
    assert_string_equal(sb_buf_str(&c.err), "err\n");
    forget(&c);
    c = capture("kill -9 $$", NULL, FOREVER, -1);
    assert_int_equal(c.rc, 0);
    assert_int_equal(c.exit.signal, SIGKILL);
    forget(&c);
}

static void more_than_the_limit_is_dropped(void **state) {
    (void)state;
    struct capture c = capture("yes | head -c 3000000; echo end >&2", NULL, FOREVER, -1);
    assert_int_equal(c.rc, 0);
    assert_int_equal(c.exit.code, 0); /* it was read to its end: no SIGPIPE, no deadlock */
    assert_int_equal(c.out.len, 1000);
    assert_true(c.out.overflow);
    assert_string_equal(sb_buf_str(&c.err), "end\n");
    forget(&c);
}

static void input_is_given_whole(void **state) {
    (void)state;
    struct sb_buf input = SB_BUF_INIT(1 << 20);
    for (int i = 0; i < 100000; i++)
        sb_buf_adds(&input, "1234567\n");
    struct capture c = capture("wc -c", &input, FOREVER, -1);
    assert_int_equal(strtol(sb_buf_str(&c.out), NULL, 10), 800000);
    forget(&c);
    c = capture("exit 0", &input, FOREVER, -1); /* and when nobody reads it */
    assert_int_equal(c.rc, 0);
    forget(&c);
    c = capture("cat", NULL, FOREVER, -1); /* none is no terminal */
    assert_int_equal(c.rc, 0);
    assert_int_equal(c.out.len, 0);
    forget(&c);
    sb_buf_release(&input);
}

static void it_ends_in_time(void **state) {
    (void)state;
    struct capture c = capture("echo so far; trap '' TERM; sleep 1000; :", NULL, 0.3, -1);
    assert_int_equal(c.rc, -ETIMEDOUT);
    assert_string_equal(sb_buf_str(&c.error), "/bin/sh did not end within 0.3 s");
    assert_string_equal(sb_buf_str(&c.out), "so far\n");
    forget(&c);
    c = capture("yes", NULL, 0.1, -1); /* also when it never stops talking */
    assert_int_equal(c.rc, -ETIMEDOUT);
    forget(&c);
    c = capture("exec >&- 2>&-; sleep 1000", NULL, 0.1, -1); /* or closes its outputs */
    assert_int_equal(c.rc, -ETIMEDOUT);
    forget(&c);
}

static void signal_ends_it(void **state) {
    (void)state;
    int fd = signals(true);
    struct capture c = capture("sleep 1000", NULL, FOREVER, fd);
    assert_int_equal(c.rc, -EINTR);
    assert_string_equal(sb_buf_str(&c.error), "/bin/sh was interrupted");
    forget(&c);
    assert_int_equal(close_signals(fd), 1);
}

static void descendants_with_its_pipe_do_not_hold_it_up(void **state) {
    (void)state;
    struct capture c =
        capture("sleep 1000 & setsid sleep 1000 & echo said; exit 2", NULL, FOREVER, -1);
    assert_int_equal(c.rc, 0);
    assert_int_equal(c.exit.code, 2);
    assert_string_equal(sb_buf_str(&c.out), "said\n");
    forget(&c);
}

static void what_cannot_run_is_an_error(void **state) {
    (void)state;
    struct capture c = {.error.limit = SB_ERR_MAX};
    const char *argv[] = {"/no/such/program", NULL};
    c.rc = sb_proc_capture(&(struct sb_proc_spec){.argv = argv}, NULL, FOREVER, -1, &c.out, &c.err,
                           &c.exit, &c.error);
    assert_int_equal(c.rc, -ENOENT);
    assert_string_equal(sb_buf_str(&c.error),
                        "cannot run /no/such/program: No such file or directory");
    forget(&c);
}

static int open_descriptors(void) {
    int n = 0;
    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static void no_descriptor_leaks(void **state) {
    (void)state;
    int before = open_descriptors();
    for (int i = 0; i < 5; i++) {
        struct sb_buf input = SB_BUF_INIT(10);
        sb_buf_adds(&input, "x");
        struct capture c = capture("cat", &input, FOREVER, -1);
        forget(&c);
        c = capture("sleep 1000", NULL, 0, -1);
        forget(&c);
        sb_buf_release(&input);
    }
    what_cannot_run_is_an_error(state);
    struct sb_proc *p;
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    const char *argv[] = {"/bin/true", NULL};
    assert_int_equal(sb_proc_start(&(struct sb_proc_spec){.argv = argv}, &p, &error), 0);
    sb_proc_free(p);
    assert_int_equal(open_descriptors(), before);
}

/* ---- the end of a log --------------------------------------------------------------------- */

static char log_file[] = "/tmp/test_proc_output.XXXXXX";

static void assert_tail(const char *log, size_t len, int max_lines, size_t max_bytes,
                        const char *want) {
    FILE *f = fopen(log_file, "w");
    fwrite(log, 1, len, f);
    fclose(f);
    struct sb_buf b = SB_BUF_INIT(1 << 20);
    sb_log_tail(log_file, max_lines, max_bytes, &b);
    assert_string_equal(sb_buf_str(&b), want);
    sb_buf_release(&b);
}
#define TAIL(log, lines, bytes, want) assert_tail(log, sizeof(log) - 1, lines, bytes, want)

static void last_lines_of_a_log(void **state) {
    (void)state;
    TAIL("a\nb\nc\n", 2, 100, "b\nc\n");
    TAIL("a\nb\nc\n", 3, 100, "a\nb\nc\n");
    TAIL("a\nb\nc\n", 9, 100, "a\nb\nc\n");
    TAIL("a\nb\nlast", 2, 100, "b\nlast\n"); /* killed while it wrote */
    TAIL("a\n\n\n", 2, 100, "\n\n");
    TAIL("only", 5, 100, "only\n");
    TAIL("", 5, 100, "");
    TAIL("a\nb\n", 0, 100, "");
    TAIL("a\nb\n", 5, 0, "");
}

static void last_bytes_of_a_log(void **state) {
    (void)state;
    TAIL("first line\nsecond\nthird\n", 9, 6, "third\n");
    TAIL("first line\nsecond\nthird\n", 9, 10, "third\n");         /* half of "second" is dropped */
    TAIL("first line\nsecond\nthird\n", 9, 13, "second\nthird\n"); /* … the whole one is not */
    TAIL("one very long line\n", 9, 10, "long line\n");
    TAIL("one very long line", 9, 9, "long line\n");
    TAIL("xx\xe2\x82\xac\xe2\x82\xac", 9, 5, "\xe2\x82\xac\n"); /* not within a character */
}

static void log_is_made_printable(void **state) {
    (void)state;
    TAIL("a\0b\x1b[2J\xff\nc\tö\n", 9, 100,
         "a" REPLACEMENT "b" REPLACEMENT "[2J" REPLACEMENT "\nc\tö\n");
}

/* Whoever read all of this one would need a terabyte. */
static void only_the_end_of_a_huge_log_is_read(void **state) {
    (void)state;
    int fd = open(log_file, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "\nthe end\n", 9, 1LL << 40), 9);
    close(fd);
    struct sb_buf b = SB_BUF_INIT(1000);
    sb_log_tail(log_file, 1, 4096, &b);
    assert_string_equal(sb_buf_str(&b), "the end\n");
    sb_buf_release(&b);
    assert_int_equal(truncate(log_file, 0), 0);
}

static void a_log_has_a_limit_that_its_writer_survives(void **state) {
    (void)state;
    char log[] = "/tmp/stratobench-log.XXXXXX", *size = sb_asprintf("%llu", SB_FILE_MAX_BYTES - 2);
    int fd = mkstemp(log);
    const char *argv[] = {"/bin/sh", "-c", "truncate -s \"$1\" \"$0\"; printf beyond; exit 7",
                          log,       size, NULL};
    struct sb_proc_spec spec = {.argv = argv, .log_path = log};
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    struct sb_proc *p = NULL;
    struct stat st;
    assert_int_equal(sb_proc_start(&spec, &p, &error), 0);
    assert_int_equal(sb_proc_wait(p, FOREVER, -1), SB_WAIT_EXITED);
    assert_int_equal(sb_proc_exit(p)->code, 7);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_size, SB_FILE_MAX_BYTES);
    sb_proc_free(p);
    close(fd);
    unlink(log);
    free(size);
}

static void what_is_no_log_has_no_lines(void **state) {
    (void)state;
    struct sb_buf b = SB_BUF_INIT(1000);
    char *fifo = sb_asprintf("%s.fifo", log_file); /* which nobody ever writes to */
    assert_int_equal(mkfifo(fifo, 0600), 0);
    const char *const paths[] = {"/no/such/log", "/tmp", "/dev/zero", fifo};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        sb_log_tail(paths[i], 10, 100, &b);
    unlink(fifo);
    free(fifo);
    assert_int_equal(b.len, 0);
}

static int make_log(void **state) {
    int fd = mkstemp(log_file);
    close(fd);
    return fd < 0 ? -1 : adopt_what_is_left(state);
}

static int remove_log(void **state) {
    (void)state;
    return unlink(log_file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outputs_are_kept_apart),
        cmocka_unit_test(more_than_the_limit_is_dropped),
        cmocka_unit_test(input_is_given_whole),
        cmocka_unit_test(it_ends_in_time),
        cmocka_unit_test(signal_ends_it),
        cmocka_unit_test(descendants_with_its_pipe_do_not_hold_it_up),
        cmocka_unit_test(what_cannot_run_is_an_error),
        cmocka_unit_test(no_descriptor_leaks),
        cmocka_unit_test(last_lines_of_a_log),
        cmocka_unit_test(last_bytes_of_a_log),
        cmocka_unit_test(log_is_made_printable),
        cmocka_unit_test(only_the_end_of_a_huge_log_is_read),
        cmocka_unit_test(a_log_has_a_limit_that_its_writer_survives),
        cmocka_unit_test(what_is_no_log_has_no_lines),
        cmocka_unit_test(nothing_is_left_running),
    };
    return cmocka_run_group_tests(tests, make_log, remove_log);
}
