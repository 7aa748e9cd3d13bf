/* The command lines of rank, compare and plot. */
#include "command.h"
#include "golden.h"
#include "results_fixture.h"
#include "stratobench/results_sample.h"

#define MAIN_JSON  GOLDEN_DIR "reference-main.json"
#define FLAGS_JSON GOLDEN_DIR "flags.json"
#define RANK_TXT   "rank-reference.txt"

static char folder[] = "/tmp/test_cmd_verdict_XXXXXX";

static char *path_of(const char *name) {
    return sb_asprintf("%s/%s", folder, name);
}

/* A file of one cell that is `factor` times as fast as usual; the caller frees its path. */
static char *save(const char *name, double factor) {
    struct sb_results r = fixture_set("T");
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    char *path = path_of(name);
    fixture_launches(&r, "m", "b", 1, factor, 0);
    fixture_fingerprint(&r.cells[0], factor < 0.75 ? "bb" : "aa",
                        ARGS(factor < 0.75 ? "ctx=4096" : "ctx=8192"));
    if (sb_results_save(&r, path, &error) != 0)
        fail_msg("%s", sb_buf_str(&error));
    sb_results_release(&r);
    return path;
}

static void rank(const char *const *args, int rc, const char *text) {
    command_expect(&sb_cmd_rank, args, rc, text);
}

static void compare(const char *const *args, int rc, const char *text) {
    command_expect(&sb_cmd_compare, args, rc, text);
}

static void plot(const char *const *args, int rc, const char *text) {
    command_expect(&sb_cmd_plot, args, rc, text);
}

static void test_rank(void **state) {
    (void)state;
    rank((const char *const[]){NULL}, SB_EXIT_USAGE, "no results file given");
    rank(ARGS("--help"), SB_EXIT_OK, "usage: stratobench rank");
    rank(ARGS("--prompt-token", "1", MAIN_JSON), SB_EXIT_OK, "for 1+128 tokens");
    rank(ARGS("--promt-tokens", "1"), SB_EXIT_USAGE, "did you mean --prompt-tokens?");
    rank(ARGS("-p", "many", MAIN_JSON), SB_EXIT_USAGE, "'many' is no number");
    rank(ARGS("-p", "-1", MAIN_JSON), SB_EXIT_USAGE, "'-1' is no number");
    rank(ARGS("-p", "nan", MAIN_JSON), SB_EXIT_USAGE, "'nan' is no number");
    rank(ARGS("-p", "0", "-g", "0", MAIN_JSON), SB_EXIT_USAGE, "no tokens");
    size_t n = 0;
    for (const struct sb_workload *w; (w = sb_workload_at(n)); n++) {
        /* Of what nobody played nothing is ranked. */
        char *text = w->played ? sb_strdup("ROCm 7.2 did not finish 3 of 3 models")
                               : sb_asprintf("over 3 models for %s", w->name);
        rank(ARGS("--workload", w->name, MAIN_JSON), SB_EXIT_OK, text);
        free(text);
    }
    assert_int_equal(n, 4); /* as many as the command offers */
    rank(ARGS("--workload", "agnet", MAIN_JSON), SB_EXIT_USAGE, "did you mean agent?");
    rank(ARGS("-w", "turns", "-r", "5", MAIN_JSON), SB_EXIT_USAGE, "no load is in it");
    rank(ARGS("-w", "rag", "-p", "5", MAIN_JSON), SB_EXIT_USAGE, "give one of them");
    rank(ARGS("-f", "markdwn", MAIN_JSON), SB_EXIT_USAGE, "did you mean markdown?");
    rank(ARGS("/nonexistent/a.json"), SB_EXIT_USAGE, "/nonexistent/a.json");
    rank(ARGS("-f", "markdown", MAIN_JSON), SB_EXIT_OK, "## Which backend?\n\n**Vulkan is 1.10×");
    rank(ARGS("-p", "8000", "-g", "10", "-r", "20", MAIN_JSON), SB_EXIT_OK,
         "for 8000+10 tokens and a load every 20 requests");
    struct command_outcome o =
        command_run(&sb_cmd_rank, ARGS(MAIN_JSON, GOLDEN_DIR "reference-k8s.json",
                                       GOLDEN_DIR "reference-vision.json"));
    char *want = golden_read(RANK_TXT);
    assert_string_equal(sb_buf_str(&o.text), want);
    sb_buf_release(&o.text);
    free(want);
}

static void test_compare(void **state) {
    (void)state;
    char *base = save("base.json", 1), *slow = save("slow.json", 0.8);
    char *unsure = save("unsure.json", 0.93), *other = save("other.json", 0.5);
    compare((const char *const[]){NULL}, SB_EXIT_USAGE, "no results file given");
    compare(ARGS(base), SB_EXIT_USAGE, "BASE and NEW");
    compare(ARGS("--help"), SB_EXIT_OK, "usage: stratobench compare");
    compare(ARGS("--max-dorp", "1", base, base), SB_EXIT_USAGE, "did you mean --max-drop?");
    compare(ARGS("-d", "5 per cent", base, base), SB_EXIT_USAGE, "is no share");
    compare(ARGS("-d", "150%", base, base), SB_EXIT_USAGE, "is no share");
    compare(ARGS("-f", "jsn", base, base), SB_EXIT_USAGE, "did you mean json?");
    compare(ARGS("/nonexistent/a.json", base), SB_EXIT_USAGE, "/nonexistent/a.json");
    compare(ARGS(base, "/nonexistent/a.json"), SB_EXIT_USAGE, "/nonexistent/a.json");

    compare(ARGS(base, base), SB_EXIT_OK, "No regression: 1 cell compared");
    compare(ARGS(base, slow), SB_EXIT_NOT_OK, "1 regression");
    compare(ARGS(slow, base), SB_EXIT_OK, "1 improved");
    compare(ARGS(base, unsure), SB_EXIT_INCONCLUSIVE, "not cleared");
    compare(ARGS("-s", "1%", base, unsure), SB_EXIT_NOT_OK, "1 regression");
    compare(ARGS("--max-drop", "0.1", base, unsure), SB_EXIT_OK, "No regression");
    compare(ARGS("-m", "40%", base, slow), SB_EXIT_NOT_OK, "tie");
    compare(ARGS(base, other), SB_EXIT_INCONCLUSIVE, "ctx: 8192 → 4096");
    compare(ARGS("--force", base, other), SB_EXIT_NOT_OK, "compared by force");
    compare(ARGS("--allow-missing", base, FLAGS_JSON), SB_EXIT_INCONCLUSIVE, "1 missing");
    compare(ARGS("--base", FLAGS_JSON, "--base", base, FLAGS_JSON, slow), SB_EXIT_NOT_OK,
            "1 regression");
    compare(ARGS("--bisect", base), 125, "--bisect needs --backends");
    compare(ARGS(FLAGS_JSON, "--backends", "rocm"), SB_EXIT_USAGE, "--backends needs two");
    compare(ARGS("--backends", "a", "b"), SB_EXIT_USAGE, "no results file given");
    compare(ARGS("-b", base, "--backends", "a", "b", base), SB_EXIT_USAGE, "exclude each other");
    compare(ARGS(base, "--backends", "a", "b"), SB_EXIT_USAGE, "no backend 'a'; there are: id-b");
    compare(ARGS("--bisect", base, "--backends", "a", "b"), 125, "no backend 'a'");
    compare(ARGS("--ci", base, slow), SB_EXIT_NOT_OK, "\n::error title=m on b::PP 100.0 → 80.0");
    compare(ARGS("--ci", "-f", "json", base, slow), SB_EXIT_NOT_OK, "::error title=m on b::");
    compare(ARGS("-f", "markdown", base, slow), SB_EXIT_NOT_OK, "**REGRESSION**");
    compare(ARGS("-f", "json", base, slow), SB_EXIT_NOT_OK, "\"exit_code\":\t1");
    free(base);
    free(slow);
    free(unsure);
    free(other);
}

/* A label cannot speak to the CI that prints it. */
static void test_ci_label(void **state) {
    (void)state;
    struct sb_results r = fixture_set("T");
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    char *path = path_of("hostile.json");
    fixture_launches(&r, "::error::pwned", "##[error]b", 1, 1, 0);
    assert_int_equal(sb_results_save(&r, path, &error), 0);
    sb_results_release(&r);
    struct command_outcome o = command_run(&sb_cmd_compare, ARGS("--ci", path, path));
    assert_int_equal(o.rc, SB_EXIT_OK);
    assert_non_null(strstr(sb_buf_str(&o.text), "\u2236error::pwned"));
    assert_null(strstr(sb_buf_str(&o.text), "\n::"));
    assert_null(strstr(sb_buf_str(&o.text), "##["));
    sb_buf_release(&o.text);
    free(path);
}

static void a_file_name_is_printed_harmlessly(void **state) {
    (void)state;
    rank(ARGS("/nonexistent/\x1b[31m.json"), SB_EXIT_USAGE, "/nonexistent/\xef\xbf\xbd[31m.json");
    command_expect(&sb_cmd_k8s, ARGS("/nonexistent/\x1b[31m.ini"), SB_EXIT_USAGE,
                   "/nonexistent/\xef\xbf\xbd[31m.ini");
    command_expect(&sb_cmd_report, ARGS("/nonexistent/\x1b[31m.json"), SB_EXIT_USAGE,
                   "/nonexistent/\xef\xbf\xbd[31m.json");
}

static void history(const char *const *args, int rc, const char *text) {
    command_expect(&sb_cmd_history, args, rc, text);
}

static void test_history(void **state) {
    (void)state;
    char *base = save("base.json", 1), *slow = save("slow.json", 0.8);
    char *chart = path_of("history.svg");
    history(ARGS("-o", "a.txt", base), SB_EXIT_USAGE, "does not end in .svg");
    history((const char *const[]){NULL}, SB_EXIT_USAGE, "no results file given");
    history(ARGS("--modle", "x", base), SB_EXIT_USAGE, "did you mean --model?");
    history(ARGS("/nonexistent/a.json"), SB_EXIT_USAGE, "/nonexistent/a.json");
    history(ARGS("--backend", "none*", base), SB_EXIT_USAGE, "no cell of these files is selected");
    history(ARGS(base, slow), SB_EXIT_OK, "- m on b: PP −20.0 %, TG −20.0 % with #2");
    history(ARGS(base, base), SB_EXIT_OK, "No step beyond noise in 2 looks.");
    history(ARGS("-f", "markdown", base, slow), SB_EXIT_OK, "**−20.0 % STEP**");
    history(ARGS("-o", chart, base, slow), SB_EXIT_OK, "First steps");
    history(ARGS("-o", "-", base, slow), SB_EXIT_OK, "PP over the looks (tok/s)");
    free(base);
    free(slow);
    free(chart);
}

static void test_plot(void **state) {
    (void)state;
    char *chart = path_of("chart.svg"), *document = path_of("chart.md");
    plot((const char *const[]){NULL}, SB_EXIT_USAGE, "no results file given");
    plot(ARGS("--help"), SB_EXIT_OK, "usage: stratobench plot");
    plot(ARGS(MAIN_JSON), SB_EXIT_USAGE, "-o CHART.svg");
    plot(ARGS("--ouput", chart, MAIN_JSON), SB_EXIT_USAGE, "did you mean --output?");
    plot(ARGS("-o", document, MAIN_JSON), SB_EXIT_USAGE, "does not end in .svg");
    plot(ARGS("-o", "/nonexistent/x.svg", MAIN_JSON), SB_EXIT_USAGE, "/nonexistent/x.svg");
    plot(ARGS("-o", chart, "/nonexistent/a.json"), SB_EXIT_USAGE, "/nonexistent/a.json");
    assert_int_not_equal(access(document, F_OK), 0);
    assert_int_not_equal(access(chart, F_OK), 0);
    setenv("GNUTERM", "x11", 1); /* gnuplot would look for it before it reads what we want */
    plot(ARGS(MAIN_JSON, "-o", chart), SB_EXIT_OK, "");
    unsetenv("GNUTERM");
    struct command_outcome o = command_run(&sb_cmd_plot, ARGS("-o", "-", MAIN_JSON));
    struct sb_buf svg = SB_BUF_INIT(COMMAND_MAX_BYTES);
    assert_int_equal(sb_file_read(chart, &svg, NULL), 0);
    assert_string_equal(sb_buf_str(&o.text), sb_buf_str(&svg));
    plot(ARGS(FLAGS_JSON, "-o", chart), SB_EXIT_OK, ""); /* a derived file: replaced */
    sb_buf_release(&o.text);
    sb_buf_release(&svg);
    free(chart);
    free(document);
}

static int make_folder(void **state) {
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

/* A test, since a tear-down that fails fails no program. */
static void no_other_file_is_left(void **state) {
    (void)state;
    static const char *const names[] = {"base.json", "slow.json",   "unsure.json", "other.json",
                                        "chart.svg", "history.svg", "hostile.json"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = path_of(names[i]);
        unlink(path);
        free(path);
    }
    assert_int_equal(rmdir(folder), 0); /* fails when a temporary file was left */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rank),
        cmocka_unit_test(test_compare),
        cmocka_unit_test(test_ci_label),
        cmocka_unit_test(a_file_name_is_printed_harmlessly),
        cmocka_unit_test(test_history),
        cmocka_unit_test(test_plot),
        cmocka_unit_test(no_other_file_is_left),
    };
    return cmocka_run_group_tests(tests, make_folder, NULL);
}
