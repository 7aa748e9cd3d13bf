/* Results files that are refused, and the place that is named. */
#include <errno.h>

#include "results_json.h"

/* Two runs whose mean PP is 101, and what the file says of them. */
#define SAYS(pp)                                                                                   \
    CELLS(CELL("\"status\":\"ok\",\"runs\":[" RUN                                                  \
               ",{\"pp_tps\":102,\"tg_tps\":20,\"valid\":true}],\"pp_tps\":{" pp "}"))

/* A run at no depth and one at 4096, and what the file says of both places. */
#define SAYS_POINTS(points)                                                                        \
    CELLS(CELL("\"status\":\"ok\",\"runs\":[" RUN                                                  \
               ",{\"depth\":4096,\"pp_tps\":90,\"tg_tps\":18,\"valid\":true}],\"points\":[" points \
               "]"))

static void assert_refused(const char *text, size_t len, const char *message) {
    struct sb_results r;
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    if (sb_results_parse("R.json", text, len, &r, &error) != -EINVAL)
        fail_msg("not refused: %s", text);
    assert_string_equal(sb_buf_str(&error), message);
    assert_null(r.cells);
    sb_buf_release(&error);
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
        {CELLS(CELL(
             "\"status\":\"ok\",\"runs\":[" RUN "],"
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
         "R.json: cells[0].points[1].pp_tps: a mean of 99999 over 1 runs, but the runs give 90 "
         "over 1"},
        {SAYS_POINTS("{\"depth\":0,\"tg_tps\":{\"n\":1,\"mean\":21}}"),
         "R.json: cells[0].points[0].tg_tps: a mean of 21 over 1 runs, but the runs give 20 over "
         "1"},
        {SAYS_POINTS("{\"depth\":8192,\"tg_tps\":{\"n\":1,\"mean\":21}}"),
         "R.json: cells[0].points[0].tg_tps: figures of a prompt and depth at which no run is "
         "valid"},
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_error_names_its_place),
        cmocka_unit_test(depth_is_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
