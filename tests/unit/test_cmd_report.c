/* The command line of report. */
#include "command.h"
#include "golden.h"

#define FLAGS_JSON  GOLDEN_DIR "flags.json"
#define FLAGS_MD    GOLDEN_DIR "flags.md"
#define STATUSES_MD GOLDEN_DIR "statuses.md"

static void expect(const char *const *args, int rc, const char *text) {
    command_expect(&sb_cmd_report, args, rc, text);
}

static char *read_file(const char *path) {
    struct sb_buf b = SB_BUF_INIT(COMMAND_MAX_BYTES);
    assert_int_equal(sb_file_read(path, &b, NULL), 0);
    return sb_buf_detach(&b);
}

static void test_usage(void **state) {
    (void)state;
    expect((const char *const[]){NULL}, SB_EXIT_USAGE, "no results file given");
    expect(ARGS("--help"), SB_EXIT_OK, "usage: stratobench report");
    expect(ARGS("--formt", "x"), SB_EXIT_USAGE, "did you mean --format?");
    expect(ARGS("--format", "markdwn", FLAGS_JSON), SB_EXIT_USAGE, "did you mean markdown?");
    expect(ARGS("--format", "md", FLAGS_JSON), SB_EXIT_USAGE, "did you mean markdown?");
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
    char *want = golden_read("flags.md"), path[] = "/tmp/test_cmd_report_XXXXXX";
    struct command_outcome o = command_run(&sb_cmd_report, ARGS(FLAGS_JSON));
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

/* A page is what somebody who names x.html wants, not Markdown in a file of that name. */
static void test_format_by_name(void **state) {
    (void)state;
    static const char *const names[][3] = {
        /* ending, --format, how it begins */
        {".html", NULL, "<!DOCTYPE html>"},
        {".csv", NULL, "title,"},
        {".jsonl", NULL, "{"},
        {".md", NULL, "# Flags"},
        {".txt", NULL, "# Flags"},
        {".html", "markdown", "# Flags"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char folder[] = "/tmp/test_cmd_report_XXXXXX";
        assert_non_null(mkdtemp(folder));
        char *path = sb_asprintf("%s/x%s", folder, names[i][0]);
        const char *format = names[i][1] ? names[i][1] : "auto";
        expect(ARGS("-o", path, "--format", format, FLAGS_JSON), SB_EXIT_OK, "");
        char *got = read_file(path);
        assert_memory_equal(got, names[i][2], strlen(names[i][2]));
        unlink(path);
        rmdir(folder);
        free(path);
        free(got);
    }
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
        cmocka_unit_test(test_format_by_name),
        cmocka_unit_test(test_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
