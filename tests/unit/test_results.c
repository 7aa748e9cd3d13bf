#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "stratobench/base.h"
#include "stratobench/results.h"
#include "stratobench/results_tune.h"

#define COUNT(a)  (sizeof(a) / sizeof *(a))
#define FULL_JSON SOURCE_DIR "/tests/fuzz/corpus/results/full.json"

/* Documents in pieces: the least that loads, with room for more. */
#define HEAD         "{\"schema\":\"stratobench/1\","
#define BENCH_KEYS   "\"title\":\"T\",\"runs\":3,\"n_predict\":128,\"ctx\":8192"
#define DOC(b, rest) HEAD "\"bench\":{" BENCH_KEYS b "}," rest "}"
#define CELL(rest)   "{\"model\":{\"id\":\"m\"},\"backend\":{\"id\":\"b\"}," rest "}"
#define CELLS(cells) DOC("", "\"cells\":[" cells "]")
#define RUN          "{\"pp_tps\":100,\"tg_tps\":20,\"valid\":true}"
#define RUNS(runs)   CELLS(CELL("\"status\":\"ok\",\"runs\":[" runs "]"))

/* Two runs whose mean PP is 101, and what the file says of them. */
#define SAYS(pp)                                                                                   \
    CELLS(CELL("\"status\":\"ok\",\"runs\":[" RUN                                                  \
               ",{\"pp_tps\":102,\"tg_tps\":20,\"valid\":true}],\"pp_tps\":{" pp "}"))

/* A run at no depth and one at 4096, and what the file says of both places. */
#define SAYS_POINTS(points)                                                                        \
    CELLS(CELL("\"status\":\"ok\",\"runs\":[" RUN                                                  \
               ",{\"depth\":4096,\"pp_tps\":90,\"tg_tps\":18,\"valid\":true}],\"points\":[" points "]"))

static struct sb_results parse(const char *text) {
    struct sb_results r;
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    if (sb_results_parse("R.json", text, strlen(text), &r, &error) != 0)
        fail_msg("%s", sb_buf_str(&error));
    return r;
}

static void assert_refused(const char *text, size_t len, const char *message) {
    struct sb_results r;
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    if (sb_results_parse("R.json", text, len, &r, &error) != -EINVAL)
        fail_msg("not refused: %s", text);
    assert_string_equal(sb_buf_str(&error), message);
    assert_null(r.cells);
    sb_buf_release(&error);
}

static char *read_text(const char *path) {
    struct sb_buf text = SB_BUF_INIT(1 << 20), error = SB_BUF_INIT(SB_ERR_MAX);
    assert_int_equal(sb_file_read(path, &text, &error), 0);
    return sb_buf_detach(&text);
}

static void assert_near(double got, double want) {
    if (!(fabs(got - want) <= 1e-12 * fabs(want)))
        fail_msg("%.17g is not %.17g", got, want);
}

/* ---- Loading and printing ------------------------------------------------------------------- */

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

#define AT_RUN "R.json: cells[0].runs[0]."

static void every_error_names_its_place(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
    } table[] = {
        /* not JSON */
        {"", "R.json:1:1: not valid JSON"},
        {"{\n  \"schema\": nope\n}", "R.json:2:13: not valid JSON"},
        {"{\"schema\": \"stratobench/1\", \"x\": NaN}", "R.json:1:34: not valid JSON"},
        {DOC("", "\"cells\":[]") "\n{}", "R.json:2:1: more text after the end of the document"},
        {"{\"a\":\"\\u0000\"}", "R.json:1:13: a NUL character in a string"},
        {"[1}", "R.json:1:3: not valid JSON"},
        {HEAD "\"x\":[1}}", "R.json:1:33: not valid JSON"},
        {HEAD "\"x\":[1,]}", "R.json:1:34: not valid JSON"},
        {HEAD "\"x\":01}", "R.json:1:32: not valid JSON"},
        {HEAD "\"x\":1.}", "R.json:1:33: not valid JSON"},
        {HEAD "\"x\":.5}", "R.json:1:31: not valid JSON"},
        {HEAD "\"x\":1e}", "R.json:1:33: not valid JSON"},
        {HEAD "\"x\":\"a\nb\"}", "R.json:1:33: not valid JSON"},
        {HEAD "\"x\":\"\\q\"}", "R.json:1:33: not valid JSON"},
        {HEAD "\"x\":\"\\ud800\"}", "R.json:1:38: not valid JSON"},
        {HEAD "\"x\":\"\\udc00\"}", "R.json:1:38: not valid JSON"},
        {HEAD "\"x\":\"\\u12g4\"}", "R.json:1:36: not valid JSON"},
        {HEAD "\"x\":\"open", "R.json:1:36: not valid JSON"},
        {HEAD "\"bench\":{" BENCH_KEYS, "R.json:1:83: not valid JSON"},
        {HEAD "\"x\"}", "R.json:1:30: not valid JSON"},
        {HEAD "\"bench\" \"cells\":[]}", "R.json:1:35: not valid JSON"},
        {HEAD "1:2}", "R.json:1:27: not valid JSON"},
        /* not ours */
        {"[]", "R.json: expected an object"},
        {"{}", "R.json: no schema; this program reads 'stratobench/1'"},
        {"{\"schema\":1}", "R.json: no schema; this program reads 'stratobench/1'"},
        {"{\"schema\":\"stratobench/9\",\"bench\":3}",
         "R.json: schema is 'stratobench/9'; this program reads 'stratobench/1'"},
        /* what must be there */
        {HEAD "\"cells\":[]}", "R.json: bench: missing"},
        {DOC("", "\"host\":{}"), "R.json: cells: missing"},
        {HEAD "\"bench\":{\"runs\":3,\"n_predict\":128,\"ctx\":8192},\"cells\":[]}",
         "R.json: bench.title: missing"},
        {CELLS("{\"model\":{\"id\":\"m\"},\"backend\":{\"id\":\"b\"}}"),
         "R.json: cells[0].status: missing"},
        {CELLS("{\"model\":{},\"backend\":{\"id\":\"b\"},\"status\":\"ok\"}"),
         "R.json: cells[0].model.id: missing"},
        {CELLS("{\"model\":{\"id\":null},\"backend\":{\"id\":\"b\"},\"status\":\"ok\"}"),
         "R.json: cells[0].model.id: missing"},
        {RUNS("{\"pp_tps\":1,\"tg_tps\":1}"), AT_RUN "valid: missing"},
        {CELLS(CELL("\"status\":\"ok\",\"pp_tps\":{\"n\":3},\"runs\":[" RUN "]")),
         "R.json: cells[0].pp_tps.mean: missing"},
        /* types */
        {RUNS("{\"prompt_ms\":\"fast\"}"), AT_RUN "prompt_ms: expected a number"},
        {RUNS("{\"prompt_ms\":1e400}"), AT_RUN "prompt_ms: number out of range"},
        {RUNS("{\"prompt_n\":1.5}"), AT_RUN "prompt_n: expected a whole number"},
        {RUNS("{\"prompt_n\":-1}"), AT_RUN "prompt_n: must not be negative"},
        {RUNS("{\"prompt_n\":1e300}"), AT_RUN "prompt_n: number out of range"},
        {RUNS("{\"launch\":0}"), AT_RUN "launch: must be at least 1"},
        {RUNS("{\"slots\":0}"), AT_RUN "slots: must be at least 1"},
        {RUNS("{\"launch\":3000000000}"), AT_RUN "launch: number out of range"},
        {RUNS("{\"valid\":1}"), AT_RUN "valid: expected true or false"},
        {CELLS(CELL("\"status\":\"ok\",\"runs\":[" RUN "],"
                    "\"turns\":[{\"turn\":1,\"valid\":false},{\"turn\":2000000000,\"valid\":false}]")),
         "R.json: cells[0].turns[1].turn: is no next one of a conversation"},
        {RUNS("{\"stop_type\":[]}"), AT_RUN "stop_type: expected a string"},
        {RUNS("7"), "R.json: cells[0].runs[0]: expected an object"},
        {CELLS(CELL("\"status\":\"ok\",\"runs\":{}")), "R.json: cells[0].runs: expected an array"},
        {CELLS(CELL("\"status\":\"okay\"")),
         "R.json: cells[0].status: 'okay' is none of pending, ok, invalid, failed, skipped"},
        {CELLS(CELL("\"status\":1")), "R.json: cells[0].status: expected a string"},
        {CELLS(CELL("\"flags\":[\"A\",2]")), "R.json: cells[0].flags[1]: expected a string"},
        {CELLS("{\"backend\":{\"env\":{\"A\":1}}}"),
         "R.json: cells[0].backend.env.A: expected a string"},
        {CELLS("{\"backend\":{\"device_seen\":{\"ROCm0\":\"x\"}}}"),
         "R.json: cells[0].backend.device_seen.ROCm0: expected a number"},
        {CELLS("{\"model\":[]}"), "R.json: cells[0].model: expected an object"},
        {DOC(",\"warmup\":\"some\"", "\"cells\":[]"),
         "R.json: bench.warmup: expected a number or 'auto'"},
        {DOC(",\"cooldown_s\":\"some\"", "\"cells\":[]"),
         "R.json: bench.cooldown_s: expected a number or 'auto'"},
        {DOC(",\"cooldown_s\":-1", "\"cells\":[]"),
         "R.json: bench.cooldown_s: must not be negative"},
        {DOC(",\"warmup\":-1", "\"cells\":[]"), "R.json: bench.warmup: must not be negative"},
        {DOC(",\"layout\":\"grid\"", "\"cells\":[]"),
         "R.json: bench.layout: 'grid' is none of sections, table"},
        {DOC(",\"depths\":[0,-4]", "\"cells\":[]"),
         "R.json: bench.depths[1]: must not be negative"},
        {DOC(",\"started_at\":\"yesterday\"", "\"cells\":[]"),
         "R.json: bench.started_at: expected a time like 2026-02-22T19:42:07Z"},
        {DOC(",\"started_at\":\"2026-02-22T19:42:07Z \"", "\"cells\":[]"),
         "R.json: bench.started_at: expected a time like 2026-02-22T19:42:07Z"},
        {DOC("", "\"host\":[],\"cells\":[]"), "R.json: host: expected an object"},
        {DOC("", "\"host\":{\"a\":[0,{\"b\":1e999}]},\"cells\":[]"),
         "R.json: host.a[1].b: number out of range"},
        {DOC(",\"title\":\"again\"", "\"cells\":[]"), "R.json: bench.title: is there twice"},
        {DOC("", "\"cells\":[],\"cells\":[]"), "R.json: cells: is there twice"},
        /* sense */
        {RUNS(""), "R.json: cells[0]: status is ok, but no run is valid"},
        {RUNS("{\"pp_tps\":1,\"tg_tps\":1,\"valid\":false}"),
         "R.json: cells[0]: status is ok, but no run is valid"},
        {RUNS("{\"pp_tps\":1,\"tg_tps\":1,\"valid\":true,\"warmup\":true}"),
         "R.json: cells[0]: status is ok, but no run is valid"},
        {RUNS(RUN ",{\"tg_tps\":1,\"valid\":true}"),
         "R.json: cells[0].runs[1].pp_tps: a valid run needs a positive number"},
        {RUNS("{\"pp_tps\":1,\"tg_tps\":0,\"valid\":true}"),
         AT_RUN "tg_tps: a valid run needs a positive number"},
        {RUNS("{\"pp_tps\":1,\"predicted_n\":1,\"predicted_ms\":9,\"valid\":true}"),
         AT_RUN "tg_tps: a valid run needs a positive number"},
        {RUNS("{\"pp_tps\":1e10,\"tg_tps\":1,\"valid\":true}"),
         AT_RUN "pp_tps: a valid run needs a positive number"},
        {RUNS("{\"pp_tps\":1,\"tg_tps\":1,\"prompt_ms\":0,\"valid\":true}"),
         AT_RUN "prompt_ms: a valid run takes time"},
        {RUNS("{\"pp_tps\":1,\"tg_tps\":1,\"prompt_n\":16,\"image_n\":16,\"valid\":true}"),
         AT_RUN "image_n: a picture is not all of the prompt"},
        {SAYS("\"n\":2,\"mean\":99999"),
         "R.json: cells[0].pp_tps: a mean of 99999 over 2 runs, but "
         "the runs give 101 over 2"},
        {SAYS("\"n\":3,\"mean\":101"),
         "R.json: cells[0].pp_tps: a mean of 101 over 3 runs, but the "
         "runs give 101 over 2"},
        {SAYS("\"n\":2,\"mean\":101,\"stddev\":-3"),
         "R.json: cells[0].pp_tps: a deviation of -3, but the runs give 1.41421"},
        {SAYS_POINTS("{\"depth\":0,\"pp_tps\":{\"n\":1,\"mean\":100}},{\"depth\":4096,\"pp_tps\":{"
                     "\"n\":1,\"mean\":99999}}"),
         "R.json: cells[0].points[1].pp_tps: a mean of 99999 over 1 runs, but the runs give 90 over 1"},
        {SAYS_POINTS("{\"depth\":0,\"tg_tps\":{\"n\":1,\"mean\":21}}"),
         "R.json: cells[0].points[0].tg_tps: a mean of 21 over 1 runs, but the runs give 20 over 1"},
        {SAYS_POINTS("{\"depth\":8192,\"tg_tps\":{\"n\":1,\"mean\":21}}"),
         "R.json: cells[0].points[0].tg_tps: figures of a prompt and depth at which no run is valid"},
        {CELLS(CELL("\"status\":\"pending\"") "," CELL("\"status\":\"pending\"")),
         "R.json: cells[1]: the same model and backend as cells[0]"},
        {RUNS("{\"prompt\":1,\"pp_tps\":1,\"tg_tps\":1,\"valid\":true}"),
         AT_RUN "prompt: bench lists 0 prompts only"},
    };
    for (size_t i = 0; i < COUNT(table); i++)
        assert_refused(table[i].text, strlen(table[i].text), table[i].message);
    static const char nul[] = CELLS("") "\0{}";
    assert_refused(nul, sizeof nul - 1, "R.json:1:96: more text after the end of the document");
    assert_refused("{\"a\": tru", 9, "R.json:1:7: not valid JSON");
}

static void depth_is_limited(void **state) {
    (void)state;
    char inside[2 * SB_RESULTS_MAX_DEPTH + 1] = "";
    for (int depth = SB_RESULTS_MAX_DEPTH - 2; depth <= SB_RESULTS_MAX_DEPTH - 1; depth++) {
        memset(inside, '[', (size_t)depth);
        memset(inside + depth, ']', (size_t)depth);
        inside[2 * depth] = '\0';
        char *text = sb_asprintf(DOC("", "\"cells\":[],\"host\":{\"a\":%s}"), inside);
        if (depth == SB_RESULTS_MAX_DEPTH - 2) {
            struct sb_results r = parse(text);
            sb_results_release(&r);
        } else {
            char *message = sb_asprintf("R.json:1:%zu: nested too deeply",
                                        (size_t)(strstr(text, "[[") - text) + (size_t)depth);
            assert_refused(text, strlen(text), message);
            free(message);
        }
        free(text);
    }
}

static struct sb_results one_cell(struct sb_run run) {
    struct sb_results r = sb_results_empty();
    r.bench.title = sb_strdup("T");
    r.bench.runs = 1;
    r.n_cells = 1;
    r.cells = sb_alloc(1, sizeof *r.cells);
    r.cells[0] = sb_cell_empty();
    r.cells[0].model.id = sb_strdup("m");
    r.cells[0].model.label = sb_strdup("M");
    r.cells[0].backend.id = sb_strdup("b");
    r.cells[0].backend.label = sb_strdup("B");
    sb_cell_add_run(&r.cells[0], run);
    return r;
}

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

/* ---- Figures of a cell ---------------------------------------------------------------------- */

static struct sb_run *add(struct sb_cell *c, int launch, int depth, double pp, double tg) {
    struct sb_run r = sb_run_empty();
    r.launch = launch;
    r.at.depth = depth;
    r.pp_tps = pp;
    r.tg_tps = tg;
    r.valid = true;
    return sb_cell_add_run(c, r);
}

static void only_valid_measured_runs_count(void **state) {
    (void)state;
    struct sb_cell c = sb_cell_empty();
    add(&c, 1, 0, 1, 1);
    c.runs[0].warmup = true;
    add(&c, 1, 0, 2, 2);
    c.runs[1].valid = false;
    add(&c, 1, 0, 100, 20);
    add(&c, 1, 0, 102, NAN);
    size_t n;
    double *x = sb_cell_values(&c, SB_PP, (struct sb_at){.slots = 1}, 0, &n);
    assert_true(n == 2 && x[0] == 100 && x[1] == 102);
    free(x);
    x = sb_cell_values(&c, SB_TG, (struct sb_at){.slots = 1}, 1, &n);
    assert_true(n == 1 && x[0] == 20);
    free(x);
    free(sb_cell_values(&c, SB_TG, (struct sb_at){.slots = 1}, 2, &n));
    assert_int_equal(n, 0);
    sb_cell_summarize(&c);
    assert_true(c.pp_tps.n == 2 && c.pp_tps.mean == 101 && c.tg_tps.n == 1);
    assert_int_equal(c.flags.n, 0);
    sb_cell_release(&c);
}

/* Requests at once are a place of their own; one at a time, as in every older file, is not said. */
#define SLOT(ttft, ms, n)                                                                          \
    "{\"prompt_n\":10,\"prompt_ms\":100,\"predicted_n\":" n ",\"predicted_ms\":" ms                     \
    ",\"ttft_ms\":" ttft ",\"together_n\":4}"
static void slots_are_part_of_the_place(void **state) {
    (void)state;
    /* Each has its prompt of 10 tokens read in 100 ms, one behind the other, and then generates 4
     * more in 100 ms, the first one 2 more beside the other's prompt. */
    struct sb_results r = parse(RUNS(
        RUN ",{\"slots\":2,\"prompt_n\":20,\"prompt_ms\":200,\"predicted_n\":12,\"predicted_ms\":100,"
            "\"pp_tps\":100,\"tg_tps\":80,\"valid\":true,\"each\":[" SLOT("100", "200", "7") ","
            SLOT("200", "100", "5") "]}"));
    const struct sb_cell *c = &r.cells[0];
    assert_int_equal(c->n_points, 2);
    assert_int_equal(c->points[0].at.slots, 1);
    assert_int_equal(c->points[1].at.slots, 2);
    assert_true(c->pp_tps.n == 1 && c->pp_tps.mean == 100);
    assert_true(sb_at_order(c->points[0].at, c->points[1].at) < 0);
    assert_true(sb_at_same(sb_cell_first_at(c), (struct sb_at){0, 0, 1}));
    char *text = sb_results_print(&r);
    const char *at = strstr(text, "\"slots\": 2");
    assert_non_null(at); /* of the run, then of the point */
    assert_non_null(at = strstr(at + 1, "\"slots\": 2"));
    assert_null(strstr(at + 1, "\"slots\""));
    assert_null(strstr(text, "\"slots\": 1"));
    free(text);
    sb_results_release(&r);
}

static void a_cell_is_known_by_its_ids(void **state) {
    (void)state;
    struct sb_cell a = {.model = {.id = "m", .label = "M"}, .backend = {.id = "x"}}, b = a;
    b.model.label = "another label";
    assert_true(sb_cell_same(&a, &b));
    b.backend.id = "y";
    assert_true(!sb_cell_same(&a, &b) && sb_same_model(&a, &b) && sb_cell_order(&a, &b) < 0);
    b.backend.id = NULL; /* a transcribed one has labels alone */
    b.backend.label = "x";
    assert_true(sb_cell_same(&a, &b));
    char *keys[] = {sb_cell_key(&a), sb_cell_key(&b)};
    assert_string_equal(keys[0], keys[1]);
    free(keys[0]);
    free(keys[1]);
}

static void launch_means_are_per_launch(void **state) {
    (void)state;
    struct sb_cell c = sb_cell_empty();
    add(&c, 1, 0, 100, 20);
    add(&c, 1, 0, 110, 21);
    add(&c, 2, 0, 200, 30);
    add(&c, 3, 4096, 50, 10);
    size_t n;
    double *x = sb_cell_launch_means(&c, SB_PP, (struct sb_at){.slots = 1}, &n);
    assert_true(n == 2 && x[0] == 105 && x[1] == 200);
    free(x);
    x = sb_cell_launch_means(&c, SB_TG, (struct sb_at){.depth = 4096, .slots = 1}, &n);
    assert_true(n == 1 && x[0] == 10);
    free(x);
    sb_cell_release(&c);
}

static void points_in_the_order_of_the_runs(void **state) {
    (void)state;
    struct sb_cell c = sb_cell_empty();
    add(&c, 1, 4096, 90, 19);
    add(&c, 1, 0, 100, 20);
    add(&c, 1, 4096, 92, 19);
    add(&c, 1, 16384, 1, 1);
    c.runs[3].valid = false;
    sb_cell_summarize(&c);
    assert_int_equal(c.n_points, 2);
    assert_int_equal(c.points[0].at.depth, 4096);
    assert_int_equal(c.points[1].at.depth, 0);
    assert_true(c.pp_tps.n == 2 && c.pp_tps.mean == 91 && c.points[1].pp_tps.mean == 100);
    sb_cell_summarize(&c); /* again: the same, nothing leaked */
    assert_int_equal(c.n_points, 2);
    sb_cell_release(&c);
}

static void assert_flags(const double (*runs)[3], size_t n, const char *want) {
    struct sb_cell c = sb_cell_empty();
    for (size_t i = 0; i < n; i++)
        add(&c, (int)runs[i][0], 0, runs[i][1], runs[i][2]);
    sb_strv_add(&c.flags, "NOISY"); /* from an earlier look: computed anew */
    sb_strv_add(&c.flags, "NOT_STEADY");
    sb_cell_summarize(&c);
    struct sb_buf got = SB_BUF_INIT(200);
    for (size_t i = 0; i < c.flags.n; i++)
        sb_buf_addf(&got, "%s%s", i ? " " : "", c.flags.item[i]);
    assert_string_equal(sb_buf_str(&got), want);
    sb_buf_release(&got);
    sb_cell_release(&c);
}

/* {launch, warm-up, PP}; TG never moves. */
static void assert_still_warming(const double (*runs)[3], size_t n, bool want) {
    struct sb_cell c = sb_cell_empty();
    for (size_t i = 0; i < n; i++)
        add(&c, (int)runs[i][0], 0, runs[i][2], 20)->warmup = runs[i][1] > 0;
    assert_int_equal(sb_cell_still_warming(&c, (struct sb_at){0, 0, 1}, 1), want);
    sb_cell_release(&c);
}

static void still_warming_is_rising_to_the_end(void **state) {
    (void)state;
    static const double rising[][3] = {
        {1, 1, 50}, {1, 1, 90}, {1, 1, 96}, {1, 0, 100}, {1, 0, 101}};
    static const double falling[][3] = {
        {1, 1, 50}, {1, 1, 96}, {1, 1, 90}, {1, 0, 100}, {1, 0, 101}};
    static const double noise[][3] = {{1, 1, 50}, {1, 1, 90}, {1, 1, 96}, {1, 0, 100}, {1, 0, 95}};
    static const double other[][3] = {{2, 1, 50}, {2, 1, 90}, {2, 1, 96}, {2, 0, 100}, {2, 0, 101}};
    static const double single[][3] = {{1, 1, 50}, {1, 0, 100}};
    assert_still_warming(rising, 5, true);
    assert_still_warming(rising, 3, false); /* nothing was measured */
    assert_still_warming(falling, 5, false);
    static const double wild[][3] = {{1, 1, 50}, {1, 1, 90}, {1, 1, 96}, {1, 0, 100}, {1, 0, 110}};
    assert_still_warming(noise, 5, false);
    assert_still_warming(wild, 5, false);
    assert_still_warming(other, 5, false);
    assert_still_warming(single, 2, false);
}

static void flags_by_launch_and_over_all(void **state) {
    (void)state;
    static const double steady[][3] = {{1, 100, 20}, {1, 101, 20}, {2, 100, 20}};
    static const double drift[][3] = {{1, 100, 20}, {1, 100, 19.5}, {1, 100, 19.3}};
    static const double cold[][3] = {{1, 100, 20}, {1, 101, 20}, {1, 100, 20},
                                     {2, 90, 20},  {2, 100, 20}, {2, 100, 20}};
    static const double both[][3] = {{1, 90, 20}, {1, 100, 19.6}, {1, 100, 19.3}};
    /* A fall from launch to launch is no drift, a slow first launch no warm-up: it is noise. */
    static const double between[][3] = {{1, 100, 20}, {2, 95, 19}, {3, 90, 18}};
    static const double pp_at_4_percent[][3] = {{1, 100, 20}, {1, 96, 20}, {1, 103, 20}};
    static const double tg_at_4_percent[][3] = {{1, 100, 20}, {1, 100, 19.2}, {1, 100, 20.6}};
    /* A trend that one launch of three shows is chance; one that they share is not. */
    static const double chance[][3] = {{1, 100, 20},   {1, 100, 19.6}, {1, 100, 19.3},
                                       {2, 100, 19.6}, {2, 100, 20},   {2, 100, 19.6},
                                       {3, 100, 19.8}, {3, 100, 20},   {3, 100, 19.9}};
    static const double shared[][3] = {{1, 100, 20},   {1, 100, 19.7}, {1, 100, 19.3},
                                       {2, 100, 20.4}, {2, 100, 19.9}, {2, 100, 19.5}};
    /* What a trend does not explain is noise beside it: in one launch, and from launch to launch. */
    static const double wild[][3] = {{1, 50, 20}, {1, 100, 20}, {1, 160, 20}};
    static const double apart[][3] = {{1, 100, 20}, {1, 97, 20}, {1, 94, 20},
                                      {2, 20, 20},  {2, 19, 20}, {2, 18, 20}};
    static const double bent[][3] = {{1, 100, 20}, {1, 100, 16}, {1, 100, 15}};
    assert_flags(wild, 3, "WARMUP NOISY NOT_STEADY");
    assert_flags(apart, 6, "DRIFT NOISY NOT_STEADY");
    assert_flags(bent, 3, "DRIFT NOISY NOT_STEADY");
    assert_flags(chance, 9, "NOT_STEADY");
    assert_flags(shared, 6, "DRIFT NOT_STEADY");
    assert_flags(steady, 3, "NOT_STEADY");
    assert_flags(drift, 3, "DRIFT NOT_STEADY");
    assert_flags(cold, 6, "WARMUP NOT_STEADY");
    assert_flags(both, 3, "WARMUP DRIFT NOT_STEADY");
    assert_flags(between, 3, "NOISY NOT_STEADY");
    assert_flags(pp_at_4_percent, 3, "NOT_STEADY");
    assert_flags(tg_at_4_percent, 3, "NOISY NOT_STEADY");
}

/* ---- Saving --------------------------------------------------------------------------------- */

static char folder[] = "/tmp/test_results_XXXXXX";

static int make_folder(void **state) {
    *state = mkdtemp(folder);
    return *state ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    static const char *const names[] = {"r.json", "r.json.tmp", "victim"};
    for (size_t i = 0; i < COUNT(names); i++) {
        char *path = sb_asprintf("%s/%s", folder, names[i]);
        unlink(path);
        free(path);
    }
    return rmdir(folder);
}

static void saving_replaces_the_file_whole(void **state) {
    (void)state;
    struct sb_results r = one_cell(sb_run_empty()), back;
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    char *path = sb_asprintf("%s/r.json", folder), *temporary = sb_asprintf("%s.tmp", path);
    char *victim = sb_asprintf("%s/victim", folder);
    struct stat before, after;
    mode_t mask = umask(022);
    assert_int_equal(sb_results_save(&r, path, &error), 0);
    umask(mask);
    assert_int_equal(stat(path, &before), 0);
    assert_int_equal(before.st_mode & 0777, 0644);

    /* A leftover of a killed program, and were it a link that someone planted. */
    assert_int_equal(symlink(victim, temporary), 0);
    r.bench.ctx = 4096;
    assert_int_equal(sb_results_save(&r, path, &error), 0);
    assert_int_equal(access(victim, F_OK), -1);
    assert_int_equal(access(temporary, F_OK), -1);
    assert_int_equal(stat(path, &after), 0);
    assert_true(before.st_ino != after.st_ino); /* never written in place */
    assert_int_equal(sb_results_load(path, &back, &error), 0);
    assert_int_equal(back.bench.ctx, 4096);
    sb_results_release(&back);
    sb_results_release(&r);
    free(path);
    free(temporary);
    free(victim);
}

/* The limit on a file's size fails write() in the middle, as a full disk does. */
static void a_full_disk_keeps_the_old_file(void **state) {
    (void)state;
    struct sb_results r = one_cell(sb_run_empty());
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    char *path = sb_asprintf("%s/r.json", folder), *temporary = sb_asprintf("%s.tmp", path);
    assert_int_equal(sb_results_save(&r, path, &error), 0);
    char *old = read_text(path);
    r.cells[0].detail = sb_alloc(20000, 1);
    memset(r.cells[0].detail, 'x', 19999);
    struct rlimit limit, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    small = (struct rlimit){8192, limit.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int rc = sb_results_save(&r, path, &error);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_int_equal(rc, -EFBIG);
    char *message = sb_asprintf("%s: cannot be written: File too large", path);
    assert_string_equal(sb_buf_str(&error), message);
    assert_int_equal(access(temporary, F_OK), -1);
    char *now = read_text(path);
    assert_string_equal(now, old);
    sb_results_release(&r);
    sb_buf_release(&error);
    free(message);
    free(now);
    free(old);
    free(path);
    free(temporary);
}

static void saving_where_it_cannot(void **state) {
    (void)state;
    struct sb_results r = one_cell(sb_run_empty());
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    assert_int_equal(sb_results_save(&r, "/nonexistent/r.json", &error), -ENOENT);
    assert_string_equal(sb_buf_str(&error),
                        "/nonexistent/r.json: cannot be written: No such file or directory");
    sb_buf_release(&error);
    assert_int_equal(sb_results_save(&r, "/proc/r.json", &error), -ENOENT);
    sb_buf_release(&error);
    assert_int_equal(sb_results_save(&r, folder, &error), -EISDIR); /* a folder has that name */
    char *temporary = sb_asprintf("%s.tmp", folder);
    assert_int_equal(access(temporary, F_OK), -1);
    free(temporary);
    sb_buf_release(&error);
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
        cmocka_unit_test(every_error_names_its_place),
        cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(numbers_read_back_the_same_and_read_well),
        cmocka_unit_test(what_was_not_measured_is_absent),
        cmocka_unit_test(strings_of_any_kind),
        cmocka_unit_test(load_says_which_file),
        cmocka_unit_test(only_valid_measured_runs_count),
        cmocka_unit_test(slots_are_part_of_the_place),
        cmocka_unit_test(a_cell_is_known_by_its_ids),
        cmocka_unit_test(launch_means_are_per_launch),
        cmocka_unit_test(points_in_the_order_of_the_runs),
        cmocka_unit_test(still_warming_is_rising_to_the_end),
        cmocka_unit_test(flags_by_launch_and_over_all),
        cmocka_unit_test(saving_replaces_the_file_whole),
        cmocka_unit_test(a_full_disk_keeps_the_old_file),
        cmocka_unit_test(saving_where_it_cannot),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
