/* A results file: what is read of it, and what is written. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "results_json.h"
#include "stratobench/results_tune.h"

#define FULL_JSON SOURCE_DIR "/tests/fuzz/corpus/results/full.json"

static void assert_near(double got, double want) {
    if (!(fabs(got - want) <= 1e-12 * fabs(want)))
        fail_msg("%.17g is not %.17g", got, want);
}

/* ---- loading --------------------------------------------------------------------------------- */

/* The file has every key there is, so that one forgotten anywhere shows. */
static void every_key_survives(void **state) {
    (void)state;
    struct sb_results r;
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    assert_int_equal(sb_results_load(FULL_JSON, &r, &error), 0);
    char *want = read_text(FULL_JSON), *got = sb_results_print(&r);
    assert_string_equal(got, want);
    free(want);
    free(got);

    assert_true(r.bench.table && r.bench.load_cold && r.bench.summary);
    assert_int_equal(r.bench.warmup, 1);
    assert_int_equal(r.bench.n_prompts, 2);
    assert_string_equal(r.bench.prompts[1].file, "prompts/long.txt");
    assert_int_equal(r.bench.n_depths, 2);
    assert_int_equal(r.bench.depths[1], 4096);
    assert_int_equal(r.n_cells, 2);
    const struct sb_cell *c = r.cells;
    assert_true(c->model.file_bytes == 76235669504);
    assert_string_equal(c->backend.argv.item[2], "a \"b\"\\c\n");
    assert_null(c->backend.argv.item[3]);
    assert_string_equal(c->backend.env.item[1], "EMPTY=");
    assert_string_equal(c->backend.env.item[2], "EQ=a=b");
    assert_int_equal(c->backend.n_device_seen, 2);
    assert_string_equal(c->backend.device_seen[1].device, "CPU");
    assert_true(c->backend.device_seen[1].mib == 312);
    assert_true(c->runs[0].warmup && !c->runs[1].warmup);
    assert_true(c->runs[1].draft_n_accepted == 7 && c->runs[1].launch == 1);
    assert_string_equal(c->model.mmproj, "models/mmproj.gguf");
    assert_string_equal(c->model.image, "pictures/a \"b\".png");
    assert_int_equal(c->n_tried, 3);
    assert_string_equal(c->tried[0].key, "ubatch");
    assert_true(c->tried[0].n_runs == 2 && c->tried[0].runs[0].warmup && !c->tried[0].chosen);
    assert_string_equal(c->tried[0].host, "cafe01234567");
    assert_true(c->tried[1].chosen && c->tried[1].n_runs == 0 && isnan(c->tried[2].load_s));
    assert_string_equal(c->tried[2].reason, "server died");
    assert_true(c->runs[1].image_n == 16 && c->runs[3].image_n == -1);
    assert_true(c->runs[1].image_encode_ms > 84 && isnan(c->runs[3].image_encode_ms));
    assert_true(c->runs[3].at.prompt == 1 && c->runs[3].at.depth == 4096);
    assert_true(c->runs[3].prompt_n == 579 && isnan(c->runs[3].prompt_ms));
    assert_false(c->runs[4].valid);
    assert_true(isnan(c->launches[1].wall_s) && c->launches[1].peak_rss_bytes == -1);
    assert_true(c->tg_tps.n == 2 && isfinite(c->tg_tps.ci95));
    assert_int_equal(c->n_points, 2);
    assert_int_equal(r.cells[1].status, SB_FAILED);
    assert_int_equal(r.cells[1].pp_tps.n, 0);
    sb_results_release(&r);
    assert_null(r.cells);
    assert_null(r.host);
}

static void minimal_files_load(void **state) {
    (void)state;
    struct sb_results r = parse(RUNS(
        "{\"pp_tps\":176.09,\"tg_tps\":23.21,\"prompt_n\":579,\"predicted_n\":128,\"valid\":true},"
        "{\"pp_tps\":171.02,\"tg_tps\":22.66,\"prompt_n\":579,\"predicted_n\":128,\"valid\":true},"
        "{\"pp_tps\":171.18,\"tg_tps\":22.22,\"prompt_n\":579,\"predicted_n\":128,\"valid\":"
        "true}"));
    const struct sb_cell *c = r.cells;
    assert_int_equal(r.bench.warmup, -1);
    assert_int_equal(r.bench.launches, 1);
    assert_true(!r.bench.summary && !r.bench.table && isnan(r.bench.until));
    assert_string_equal(c->model.label, "m");
    assert_string_equal(c->backend.label, "b");
    assert_true(c->runs[0].launch == 1 && c->runs[0].cache_n == -1 && isnan(c->runs[0].prompt_ms));
    assert_int_equal(c->pp_tps.n, 3);
    assert_near(c->pp_tps.mean, 172.76333333333335);
    assert_int_equal(c->flags.n, 1);
    assert_string_equal(c->flags.item[0], "DRIFT");
    assert_true(isnan(c->load_s));
    assert_int_equal(c->n_points, 0);
    sb_results_release(&r);
}

static void speeds_come_from_the_raw_fields(void **state) {
    (void)state;
    struct sb_results r = parse(RUNS("{\"prompt_n\":600,\"prompt_ms\":3000,\"predicted_n\":128,"
                                     "\"predicted_ms\":5080,\"wall_ms\":null,\"valid\":true}"));
    assert_near(r.cells[0].runs[0].pp_tps, 200);
    assert_near(r.cells[0].runs[0].tg_tps, 25); /* 127 intervals */
    assert_true(isnan(r.cells[0].runs[0].wall_ms));
    sb_results_release(&r);

    struct sb_run run = sb_run_empty();
    sb_run_speeds(&run);
    assert_true(isnan(run.pp_tps) && isnan(run.tg_tps));
    run.prompt_n = 10;
    run.prompt_ms = -5;
    run.predicted_n = 1;
    run.predicted_ms = 5;
    sb_run_speeds(&run);
    assert_true(isnan(run.pp_tps) && isnan(run.tg_tps));
}

static void unknown_keys_and_nulls_are_ignored(void **state) {
    (void)state;
    struct sb_results r = parse(DOC(
        ",\"x\":{\"y\":[1]},\"generator\":null",
        "\"future\":[{}],\"cells\":[" CELL("\"status\":\"pending\",\"z\":3,\"load_s\":null") "]"));
    assert_int_equal(r.cells[0].status, SB_PENDING);
    assert_true(isnan(r.cells[0].load_s));
    assert_null(r.generator);
    sb_results_release(&r);
}

static void json_escapes_and_a_byte_order_mark(void **state) {
    (void)state;
    struct sb_results r = parse("\xef\xbb\xbf" DOC(",\"generator\":\"\\u00e9\\uD83D\\ude00\\u20ac"
                                                   "\\/\\\"\\t\\u0041\"",
                                                   "\"cells\" : [ ] "));
    assert_string_equal(r.generator, "é😀€/\"\tA");
    sb_results_release(&r);
}

/* A key is its letters, however they are spelled; what only begins like one is another. */
static void keys_with_escapes(void **state) {
    (void)state;
    struct sb_results r = parse(
        DOC(",\"g\\u0065nerator\":\"A\",\"generato\":1,\"generators\":2", "\"c\\u0065lls\":[]"));
    assert_string_equal(r.generator, "A");
    sb_results_release(&r);
}

static double read_back(const char *number) {
    struct sb_buf text = SB_BUF_INIT(4096);
    sb_buf_addf(&text, CELLS(CELL("\"status\":\"pending\",\"load_s\":%s")), number);
    struct sb_results r = parse(sb_buf_str(&text));
    double x = r.cells[0].load_s;
    sb_results_release(&r);
    sb_buf_release(&text);
    return x;
}

/* The reader has a way of its own with short numbers: it must find the same double, to the bit. */
static void numbers_are_those_of_strtod(void **state) {
    (void)state;
    char number[64];
    uint64_t seed = 88172645463325252; /* xorshift, Marsaglia 2003 */
    for (int i = 0; i < 20000; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        int digits = (int)(seed % 18), decimals = (int)(seed / 32 % 20);
        uint64_t whole = seed >> 8;
        for (int cut = 17; cut > digits; cut--) /* 2^56 has 17 digits */
            whole /= 10;
        int n = snprintf(number, sizeof number, "%s%" PRIu64, i % 3 ? "" : "-", whole);
        if (decimals)
            n += snprintf(number + n, sizeof number - (size_t)n, ".%0*" PRIu64, decimals,
                          seed % 1000000007);
        if (i % 7 == 0)
            snprintf(number + n, sizeof number - (size_t)n, "e%d", (int)(seed % 41) - 20);
        double want = strtod(number, NULL), got = read_back(number);
        if (memcmp(&want, &got, sizeof got) != 0)
            fail_msg("%s: %a is not %a", number, got, want);
    }
    static const char *const edges[] = {"-0",
                                        "0.0",
                                        "999999999999999",
                                        "9999999999999999",
                                        "9007199254740993",
                                        "4503599627370496.5",
                                        "4503599627370497.5",
                                        "-123456789012345.6",
                                        "0.000000000000001",
                                        "0.00000000000000001",
                                        "1.7976931348623157e308",
                                        "5e-324"};
    for (size_t i = 0; i < COUNT(edges); i++) {
        double want = strtod(edges[i], NULL), got = read_back(edges[i]);
        if (memcmp(&want, &got, sizeof got) != 0)
            fail_msg("%s: %a is not %a", edges[i], got, want);
    }
}

static void prompts_before_prompt(void **state) {
    (void)state;
    struct sb_results r = parse(DOC(",\"prompts\":[{\"label\":\"a\"},{\"label\":\"b\"}],"
                                    "\"prompt\":{\"label\":\"a\"}",
                                    "\"cells\":[]"));
    assert_int_equal(r.bench.n_prompts, 2);
    assert_string_equal(r.bench.prompts[1].label, "b");
    sb_results_release(&r);
}

static void load_says_which_file(void **state) {
    (void)state;
    struct sb_results r;
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    assert_int_equal(sb_results_load("/nonexistent/r.json", &r, &error), -ENOENT);
    assert_string_equal(sb_buf_str(&error), "/nonexistent/r.json: No such file or directory");
    sb_buf_release(&error);
    assert_int_equal(sb_results_load("/", &r, &error), -EISDIR);
    assert_string_equal(sb_buf_str(&error), "/: Is a directory");
    sb_buf_release(&error);
}

/* ---- printing -------------------------------------------------------------------------------- */

static void numbers_read_back_the_same_and_read_well(void **state) {
    (void)state;
    static const double numbers[] = {172.8,  0.1 + 0.2, 1.0 / 3,
                                     5e-324, 1e-300,    1.7976931348623157e308,
                                     0,      -3,        9007199254740993.0};
    for (size_t i = 0; i < COUNT(numbers); i++) {
        struct sb_run run = sb_run_empty();
        run.wall_ms = numbers[i];
        struct sb_results r = one_cell(run);
        char *text = sb_results_print(&r);
        sb_results_release(&r);
        r = parse(text);
        assert_true(r.cells[0].runs[0].wall_ms == numbers[i]);
        if (i == 0)
            assert_non_null(strstr(text, "\"wall_ms\": 172.8,"));
        sb_results_release(&r);
        free(text);
    }
}

static void what_was_not_measured_is_absent(void **state) {
    (void)state;
    struct sb_run run = sb_run_empty();
    run.wall_ms = NAN;
    run.prompt_ms = INFINITY;
    struct sb_results r = one_cell(run);
    r.cells[0].pp_tps = sb_summarize((double[]){7}, 1);
    char *text = sb_results_print(&r);
    assert_non_null(strstr(text, "{\"launch\": 1, \"warmup\": false, \"valid\": false}"));
    assert_non_null(strstr(text, "{\"n\": 1, \"mean\": 7, \"median\": 7, \"min\": 7, \"max\": 7}"));
    assert_null(strstr(text, "nan"));
    assert_null(strstr(text, "inf"));
    assert_null(strstr(text, "load_s"));
    assert_null(strstr(text, "tg_tps"));
    assert_null(strstr(text, "-1"));
    free(text);
    sb_results_release(&r);
}

static void strings_of_any_kind(void **state) {
    (void)state;
    struct sb_results r = one_cell(sb_run_empty());
    r.cells[0].detail = sb_strdup("é—😀 \"\\/\b\f\n\r\t\v\x01\x7f bad:\xff\xc0\xaf\xe2\x82 end");
    char *text = sb_results_print(&r);
    sb_results_release(&r);
    assert_non_null(strstr(text, "\"detail\": \"é—😀 \\\"\\\\/\\b\\f\\n\\r\\t\\u000b\\u0001\\u007f "
                                 "bad:\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
                                 " end\""));
    r = parse(text);
    assert_string_equal(r.cells[0].detail, "é—😀 \"\\/\b\f\n\r\t\v\x01\x7f bad:\xef\xbf\xbd\xef\xbf"
                                           "\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd end");
    char *again = sb_results_print(&r);
    assert_string_equal(again, text);
    free(again);
    free(text);
    sb_results_release(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_survives),
        cmocka_unit_test(minimal_files_load),
        cmocka_unit_test(speeds_come_from_the_raw_fields),
        cmocka_unit_test(unknown_keys_and_nulls_are_ignored),
        cmocka_unit_test(json_escapes_and_a_byte_order_mark),
        cmocka_unit_test(keys_with_escapes),
        cmocka_unit_test(numbers_are_those_of_strtod),
        cmocka_unit_test(prompts_before_prompt),
        cmocka_unit_test(load_says_which_file),
        cmocka_unit_test(numbers_read_back_the_same_and_read_well),
        cmocka_unit_test(what_was_not_measured_is_absent),
        cmocka_unit_test(strings_of_any_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
