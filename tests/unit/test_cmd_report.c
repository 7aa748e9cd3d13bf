#include <fcntl.h>
#include <getopt.h>
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

#define FLAGS_JSON  SOURCE_DIR "/tests/golden/flags.json"
#define FLAGS_MD    SOURCE_DIR "/tests/golden/flags.md"
#define STATUSES_MD SOURCE_DIR "/tests/golden/statuses.md"
enum { MAX_ARGS = 16, MAX_BYTES = 1 << 20 };

/* What the command printed, both streams together. */
struct outcome {
    int rc;
    struct sb_buf text;
};

static int redirect(FILE *stream, int to) {
    fflush(stream);
    int saved = dup(fileno(stream));
    assert_true(dup2(to, fileno(stream)) >= 0);
    return saved;
}

static void restore(FILE *stream, int saved) {
    fflush(stream);
    assert_true(dup2(saved, fileno(stream)) >= 0);
    close(saved);
}

static struct outcome run_report(const char *const *args) {
    char *argv[MAX_ARGS] = {(char *)"report"};
    int argc = 1;
    for (; args[argc - 1] && argc < MAX_ARGS - 1; argc++)
        argv[argc] = (char *)args[argc - 1];
    char path[] = "/tmp/test_cmd_report_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    int out = redirect(stdout, fd), err = redirect(stderr, fd);
    optind = 1;
    struct outcome o = {.rc = sb_cmd_report(argc, argv), .text = SB_BUF_INIT(MAX_BYTES)};
    restore(stdout, out);
    restore(stderr, err);
    close(fd);
    assert_int_equal(sb_file_read(path, &o.text, NULL), 0);
    unlink(path);
    return o;
}

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void expect(const char *const *args, int rc, const char *text) {
    struct outcome o = run_report(args);
    if (o.rc != rc || !strstr(sb_buf_str(&o.text), text))
        fail_msg("exit %d (want %d), want \"%s\" in: %s", o.rc, rc, text, sb_buf_str(&o.text));
    sb_buf_release(&o.text);
}

static char *read_file(const char *path) {
    struct sb_buf b = SB_BUF_INIT(MAX_BYTES);
    assert_int_equal(sb_file_read(path, &b, NULL), 0);
    return sb_buf_detach(&b);
}

static void test_usage(void **state) {
    (void)state;
    expect((const char *const[]){NULL}, SB_EXIT_USAGE, "no results file given");
    expect(ARGS("--help"), SB_EXIT_OK, "usage: stratobench report");
    expect(ARGS("--formt", "x"), SB_EXIT_USAGE, "did you mean --format?");
    expect(ARGS("--format", "markdwn", FLAGS_JSON), SB_EXIT_USAGE, "did you mean markdown?");
    expect(ARGS("--output"), SB_EXIT_USAGE, "needs a value");
    expect(ARGS("-c", FLAGS_MD, "-o", "x", FLAGS_JSON), SB_EXIT_USAGE, "--check writes nothing");
    expect(ARGS("/nonexistent/a.json", FLAGS_JSON, "/nonexistent/b.json"), SB_EXIT_USAGE,
           "/nonexistent/b.json");
    expect(ARGS(FLAGS_MD), SB_EXIT_USAGE, FLAGS_MD);
    expect(ARGS("-o", "/nonexistent/out.md", FLAGS_JSON), SB_EXIT_USAGE, "/nonexistent/out.md");
    expect(ARGS("-c", "/nonexistent/in.md", FLAGS_JSON), SB_EXIT_USAGE, "/nonexistent/in.md");
}

static void test_output(void **state) {
    (void)state;
    char *want = read_file(FLAGS_MD), path[] = "/tmp/test_cmd_report_XXXXXX";
    struct outcome o = run_report(ARGS(FLAGS_JSON));
    assert_int_equal(o.rc, SB_EXIT_OK);
    assert_string_equal(sb_buf_str(&o.text), want);
    sb_buf_release(&o.text);

    close(mkstemp(path));
    expect(ARGS("-f", "markdown", "-o", path, FLAGS_JSON), SB_EXIT_OK, "");
    char *got = read_file(path);
    assert_string_equal(got, want);
    expect(ARGS("-f", "html", FLAGS_JSON), SB_EXIT_OK, "<title>Flags</title>");
    unlink(path);
    free(got);
    free(want);
}

static void test_check(void **state) {
    (void)state;
    expect(ARGS("--check", FLAGS_MD, FLAGS_JSON), SB_EXIT_OK, "");
    expect(ARGS("--check", STATUSES_MD, FLAGS_JSON), SB_EXIT_NOT_OK, "\n-# Statuses\n+# Flags\n");
    expect(ARGS("--check", STATUSES_MD, FLAGS_JSON), SB_EXIT_NOT_OK,
           "is not what the results render to");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_usage),
        cmocka_unit_test(test_output),
        cmocka_unit_test(test_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
