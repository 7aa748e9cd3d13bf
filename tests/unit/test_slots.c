/* Requests at once: what is asked, when each token came, what they come to together, and what is
 * ranked by it. */
#include "golden.h"

#include <math.h>

#include "stratobench/prompt.h"
#include "stratobench/results_sample.h"
#include "stratobench/verdict.h"

static void assert_near(double got, double want) {
    if (!(fabs(got - want) <= 1e-9 * fabs(want)))
        fail_msg("%.12g is not %.12g", got, want);
}

/* ---- what is asked -------------------------------------------------------------------------- */

static void places_are_prompts_then_depths_then_slots(void **state) {
    (void)state;
    struct sb_prompt_ref prompts[2] = {0};
    struct sb_protocol p = {.prompts = prompts,
                            .n_prompts = 2,
                            .depths = (int[]){0, 64},
                            .n_depths = 2,
                            .slots = (int[]){1, 8, 4},
                            .n_slots = 3};
    assert_int_equal(sb_protocol_n_places(&p), 12);
    static const struct sb_at want[] = {{0, 0, 1},  {0, 0, 8},  {0, 0, 4},  {0, 64, 1},
                                        {0, 64, 8}, {0, 64, 4}, {1, 0, 1},  {1, 0, 8},
                                        {1, 0, 4},  {1, 64, 1}, {1, 64, 8}, {1, 64, 4}};
    for (size_t i = 0; i < 12; i++)
        assert_true(sb_at_same(sb_protocol_place(&p, i), want[i]));
    assert_int_equal(sb_protocol_most_slots(&p), 8);
    p = (struct sb_protocol){0}; /* of a file from before */
    assert_int_equal(sb_protocol_n_places(&p), 1);
    assert_true(sb_at_same(sb_protocol_place(&p, 0), (struct sb_at){0, 0, 1}));
    assert_int_equal(sb_protocol_most_slots(&p), 1);
}

static void each_begins_elsewhere_in_the_text(void **state) {
    (void)state;
    int ids[] = {1, 11, 12, 13, 14}, nonces[] = {11, 12, 13, 14};
    struct sb_prepared p = {.ids = ids, .n = 5, .n_special = 1, .nonces = nonces, .n_nonces = 4};
    assert_int_equal(sb_prompt_begin(&p, 0, 2), 0);
    assert_int_equal(sb_prompt_begin(&p, 1, 2), 2);
    struct sb_request r;
    sb_prompt_request(&p, 3, 1, sb_prompt_begin(&p, 1, 2), 8, &r);
    static const int want[] = {1, 13, 14, 12, 13, 14, 11, 12};
    assert_int_equal(r.n_tokens, 8);
    assert_memory_equal(r.tokens, want, sizeof want);
    assert_int_equal(r.prefix.n_tokens, 3);
    sb_request_release(&r);
}

/* ---- when each token came ------------------------------------------------------------------- */

#define EVENT(n, ms)                                                                               \
    "data: {\"content\":\"a\",\"stop\":false,\"timings\":{\"predicted_n\":" #n                     \
    ",\"predicted_ms\":" #ms "}}\n\n"
#define LAST                                                                                       \
    "data: {\"stop\":true,\"stop_type\":\"limit\",\"timings\":{\"prompt_n\":9,\"cache_n\":0,"      \
    "\"prompt_ms\":40,\"predicted_n\":4,\"predicted_ms\":30}}\n\n"

/* The whole came in pieces that end at the given offsets, at the given times. */
struct arrival {
    size_t bytes;
    double ms;
};
static int parse(const char *text, const struct arrival *arrivals, size_t n,
                 struct sb_llama_reply *ret, long *ret_status, struct sb_buf *error) {
    struct sb_http_reply r = {.body = SB_BUF_INIT(1 << 16)};
    struct sb_http_stamp stamps[8];
    sb_buf_adds(&r.body, text);
    for (size_t i = 0; i < n; i++)
        stamps[i] = (struct sb_http_stamp){arrivals[i].bytes, arrivals[i].ms};
    r.stamps = stamps;
    r.n_stamps = n;
    int rc = sb_llama_parse_stream(&r, ret, ret_status, error);
    sb_buf_release(&r.body);
    return rc;
}

/* The first event comes late, the second and third in one piece; the last tells the truest time of
 * the first token: 100 - 30. A ping says nothing. */
static void the_event_delayed_least_sets_the_clock(void **state) {
    (void)state;
    static const char first[] = EVENT(1, 0.001), two[] = ": ping\n\n" EVENT(2, 10) EVENT(3, 20);
    struct arrival arrivals[] = {{sizeof first - 1, 90},
                                 {sizeof first + sizeof two - 2, 95},
                                 {sizeof first + sizeof two + sizeof LAST - 3, 100}};
    struct sb_llama_reply r;
    struct sb_buf error = SB_BUF_INIT(200);
    long status;
    char *text = sb_asprintf("%s%s%s", first, two, LAST);
    assert_int_equal(parse(text, arrivals, 3, &r, &status, &error), 0);
    assert_int_equal(r.n_moments, 4);
    static const double want[] = {70, 80, 90, 100};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(r.moments[i].n, i + 1);
        assert_near(r.moments[i].ms, want[i]);
    }
    assert_int_equal(r.prompt_n, 9);
    assert_string_equal(r.stop_type, "limit");
    sb_llama_reply_release(&r);
    free(text);
}

static void a_stream_that_is_no_reply_says_why(void **state) {
    (void)state;
    static const struct {
        const char *text, *error;
        long status;
    } cases[] = {
        {EVENT(1, 0.001) EVENT(2, 10), "the stream has no last event", 0},
        {"", "the stream has no last event", 0},
        {LAST, "this build tells no timings per token", 0},
        {EVENT(1, 0.001) "data: {\"error\":{\"code\":500,\"message\":\"no\"}}\n\n", "no", 500},
        {"error: {\"code\":503,\"message\":\"no\"}\n\n", "no", 503},
        {"data: {\"error\":{\"message\":\"no\"}}\n\n" LAST, "no", 500},
        {EVENT(1, 0.001) EVENT(2, 9) "data: {\"stop_type\":\"limit\"}\n\n", "no timings", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arrival all = {strlen(cases[i].text), 50};
        struct sb_llama_reply r;
        struct sb_buf error = SB_BUF_INIT(200);
        long status;
        assert_int_equal(parse(cases[i].text, &all, 1, &r, &status, &error), -1);
        assert_string_equal(sb_buf_str(&error), cases[i].error);
        assert_int_equal(status, cases[i].status);
        sb_buf_release(&error);
    }
}

/* ---- what they come to together ------------------------------------------------------------- */

/* A prompt of 10 tokens a slot, read in 100 ms one after the other; then n tokens. */
static struct sb_slot_run slot(double ttft_ms, double predicted_ms, long long n, double together) {
    struct sb_slot_run s = sb_slot_run_empty();
    s.prompt_n = 10;
    s.cache_n = 0;
    s.prompt_ms = 100;
    s.predicted_n = n;
    s.predicted_ms = predicted_ms;
    s.ttft_ms = ttft_ms;
    s.wall_ms = ttft_ms + predicted_ms;
    s.together_n = together;
    return s;
}

static struct sb_run two_at_once(void) {
    struct sb_run r = sb_run_empty();
    r.at.slots = 2;
    r.valid = true;
    r.each = sb_alloc(2, sizeof *r.each);
    r.each[r.n_each++] = slot(105, 300, 9, 5);
    r.each[r.n_each++] = slot(205, 250, 6, 4);
    sb_run_speeds(&r);
    return r;
}

static void no_time_is_in_both_speeds(void **state) {
    (void)state;
    struct sb_run r = two_at_once();
    struct sb_overlap o = sb_run_overlap(&r);
    assert_near(o.began_ms, 5);
    assert_near(o.all_ms, 205);
    assert_near(o.first_end_ms, 405);
    assert_near(r.prompt_ms, 200);
    assert_near(r.predicted_ms, 200);
    assert_int_equal(r.prompt_n, 20);
    assert_int_equal(r.predicted_n, 15);
    assert_near(r.pp_tps, 100);
    assert_near(r.tg_tps, 45);
    assert_near(r.wall_ms, 455);
    r.each[1].ttft_ms = 500; /* the first has ended before */
    sb_run_speeds(&r);
    assert_true(isnan(r.tg_tps));
    r.each[1].ttft_ms = NAN;
    sb_run_speeds(&r);
    assert_true(isnan(r.pp_tps) && isnan(r.tg_tps));
    free(r.each);
}

static struct sb_results results_of_two(void) {
    static const char text[] =
        "{\"schema\":\"stratobench/1\",\"bench\":{\"title\":\"T\",\"runs\":1,\"n_predict\":9,"
        "\"ctx\":512,\"slots\":[1,2]},\"host\":{},\"cells\":[{\"model\":{\"id\":\"m\"},\"backend\":"
        "{\"id\":\"b\"},\"status\":\"pending\",\"runs\":[]}]}";
    struct sb_results r;
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    assert_int_equal(sb_results_parse("t.json", text, sizeof text - 1, &r, &error), 0);
    sb_cell_add_run(&r.cells[0], two_at_once());
    return r;
}

static void slots_are_saved_and_read(void **state) {
    (void)state;
    struct sb_results r = results_of_two(), back;
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    char *text = sb_results_print(&r);
    if (sb_results_parse("t.json", text, strlen(text), &back, &error) != 0)
        fail_msg("%s", sb_buf_str(&error));
    assert_int_equal(back.bench.n_slots, 2);
    assert_int_equal(back.bench.slots[1], 2);
    const struct sb_run *run = &back.cells[0].runs[0];
    assert_int_equal(run->at.slots, 2);
    assert_int_equal(run->n_each, 2);
    assert_near(run->each[1].ttft_ms, 205);
    assert_near(run->each[0].together_n, 5);
    assert_near(run->tg_tps, 45);
    char *again = sb_results_print(&back);
    assert_string_equal(text, again);
    free(text);
    free(again);
    sb_results_release(&r);
    sb_results_release(&back);
}

/* What is said of all must be what each of them gives. */
static void sums_that_contradict_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *is, *said, *error;
    } lies[] = {
        {"\"tg_tps\": 45", "\"tg_tps\": 46", "another tg_tps than they give together"},
        {"\"pp_tps\": 100", "\"pp_tps\": 90", "another pp_tps than they give together"},
        {"\"prompt_n\": 20", "\"prompt_n\": 21", "another prompt_n than they sum to"},
        {"\"predicted_n\": 15", "\"predicted_n\": 16", "another predicted_n than they sum to"},
        {"\"prompt_ms\": 200", "\"prompt_ms\": 300", "another prompt_ms than they give together"},
        {"\"slots\": 2,", "\"slots\": 3,", "not as many as 'slots' says"},
        {"\"together_n\": 5", "\"together_n\": 99",
         "together_n is no part of the tokens generated"},
        {"\"each\": [", "\"each_\": [", "requests at once need their own figures"},
    };
    struct sb_results r = results_of_two(), back;
    char *text = sb_results_print(&r);
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        const char *at = strstr(text, lies[i].is);
        assert_non_null(at);
        char *told =
            sb_asprintf("%.*s%s%s", (int)(at - text), text, lies[i].said, at + strlen(lies[i].is));
        char *want = sb_asprintf("t.json: cells[0].runs[0].each: %s", lies[i].error);
        struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
        assert_int_not_equal(sb_results_parse("t.json", told, strlen(told), &back, &error), 0);
        assert_string_equal(sb_buf_str(&error), want);
        sb_buf_release(&error);
        free(told);
        free(want);
    }
    free(text);
    sb_results_release(&r);
}

/* ---- what is ranked by it ------------------------------------------------------------------- */

static void load_golden(struct golden_sets *s) {
    golden_load((const char *[]){"slots", NULL}, s);
}

static char *ranked(const struct golden_sets *s, int slots) {
    struct sb_workload w = SB_WORKLOAD_DEFAULT;
    struct sb_buf text = SB_BUF_INIT(1 << 20);
    w.slots = slots;
    assert_int_equal(sb_rank_text(s->pointers, s->n, &w, &text), 0);
    return sb_buf_detach(&text);
}

static void expect_part(const char *text, const char *part) {
    if (!strstr(text, part))
        fail_msg("no '%s' in:\n%s", part, text);
}

static void the_order_turns_with_the_slots(void **state) {
    (void)state;
    struct golden_sets s;
    load_golden(&s);
    char *first = ranked(&s, 0), *one = ranked(&s, 1), *four = ranked(&s, 4), *no = ranked(&s, 3);
    expect_part(first, "ROCm 7.2 is 1.13× as fast as Vulkan RADV over 1 model for 600+128 tokens; "
                       "with 4 at once Vulkan RADV is 1.28× as fast as ROCm 7.2.");
    expect_part(first, "- At the first number of requests at once, 1; rank --slots N ranks by "
                       "another.\n");
    expect_part(one,
                "ROCm 7.2 is 1.13× as fast as Vulkan RADV over 1 model for 600+128 tokens, one "
                "at a time.\n");
    expect_part(four, "Vulkan RADV is 1.28× as fast as ROCm 7.2 over 1 model for 600+128 tokens, 4 "
                      "at once; ROCm 7.2 is faster on Qwen3 30B A3B Q8_0 in PP (1.06×).");
    expect_part(four, "TG                         Vulkan RADV: 135.0 tok/s");
    expect_part(four, "its share of the time that they take");
    expect_part(no, "ROCm 7.2 did not finish 1 of 1 model: Qwen3 30B A3B Q8_0 (not everything "
                    "measured)");
    free(first);
    free(one);
    free(four);
    free(no);
    golden_release(&s);
}

/* A request's share of the time of four. */
static void the_time_of_a_request_is_its_share(void **state) {
    (void)state;
    struct golden_sets s;
    load_golden(&s);
    const struct sb_cell *c = &s.item[0].cells[1];
    struct sb_workload w = SB_WORKLOAD_DEFAULT;
    w.slots = 4;
    struct sb_at at = sb_workload_place(c, &w, SB_FIRST_PLACE);
    assert_int_equal(at.slots, 4);
    struct sb_sample pp = sb_sample_throughput(c, SB_PP, at),
                     tg = sb_sample_throughput(c, SB_TG, at);
    struct sb_sample t = sb_sample_workload(c, &w);
    assert_int_equal(t.n, 2);
    assert_near(1 / t.x[0], 600 / pp.x[0] + 128 / tg.x[0]);
    free(t.x);
    free(pp.x);
    free(tg.x);
    golden_release(&s);
}

static void a_loss_with_several_at_once_is_named(void **state) {
    (void)state;
    struct golden_sets base, next;
    load_golden(&base);
    load_golden(&next);
    struct sb_compare_options o = SB_COMPARE_DEFAULT;
    struct sb_comparison c;
    struct sb_buf text = SB_BUF_INIT(1 << 20);
    for (size_t i = 0; i < next.item[0].cells[0].n_runs; i++)
        if (next.item[0].cells[0].runs[i].at.slots == 4)
            next.item[0].cells[0].runs[i].tg_tps *= 0.7;
    for (size_t i = 0; i < next.item[0].cells[1].n_runs; i++)
        if (next.item[0].cells[1].runs[i].at.slots == 2)
            next.item[0].cells[1].runs[i].valid = false;
    sb_cell_summarize(&next.item[0].cells[0]);
    sb_cell_summarize(&next.item[0].cells[1]);
    sb_comparison_make(base.pointers, 1, next.pointers, 1, &o, &c);
    sb_comparison_text(&c, &text);
    assert_int_equal(c.cells[0].state, SB_CELL_REGRESSION);
    expect_part(sb_buf_str(&text), "TG, 4 at once");
    assert_string_equal(c.cells[1].differences.item[0],
                        "PP, 2 at once: not measured on the new side");
    sb_buf_release(&text);
    sb_comparison_release(&c);
    golden_release(&base);
    golden_release(&next);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_are_prompts_then_depths_then_slots),
        cmocka_unit_test(each_begins_elsewhere_in_the_text),
        cmocka_unit_test(the_event_delayed_least_sets_the_clock),
        cmocka_unit_test(a_stream_that_is_no_reply_says_why),
        cmocka_unit_test(no_time_is_in_both_speeds),
        cmocka_unit_test(slots_are_saved_and_read),
        cmocka_unit_test(sums_that_contradict_are_refused),
        cmocka_unit_test(the_order_turns_with_the_slots),
        cmocka_unit_test(the_time_of_a_request_is_its_share),
        cmocka_unit_test(a_loss_with_several_at_once_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
