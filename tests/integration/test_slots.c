/* Several requests at once: what is asked of a server, what is believed of it, what the files say. */
#include "box.h"

#include <math.h>

#include "stratobench/base.h"

/* 10 ms for each prompt, one after the other, then a token every 20 ms in each slot: they are at work
 * together for most of it, on a busy machine, too. */
#define STEADY "env = FAKE_PP=6000\nenv = FAKE_TG=50\n"

/* A busy machine may have one made again. */
static size_t count_runs(const struct sb_cell *c, bool warmup, int slots) {
    size_t n = 0;
    for (size_t i = 0; i < c->n_runs; i++)
        n += c->runs[i].warmup == warmup && c->runs[i].at.slots == slots;
    return n;
}

static const struct sb_run *last_run(const struct sb_cell *c, int slots) {
    for (size_t i = c->n_runs; i-- > 0;)
        if (c->runs[i].at.slots == slots)
            return &c->runs[i];
    fail_msg("nothing at %d slots", slots);
    return NULL;
}

/* The figures of all are those of each, put together by hand here. */
static void expect_aggregate(const struct sb_run *r) {
    double all_ms = 0, began_ms = INFINITY, end_ms = INFINITY, together = 0;
    assert_int_equal(r->n_each, r->at.slots);
    for (size_t i = 0; i < r->n_each; i++) {
        const struct sb_slot_run *s = &r->each[i];
        assert_int_equal(s->prompt_n, r->prompt_n / r->at.slots);
        assert_int_equal(s->cache_n, r->at.depth);
        assert_int_equal(s->predicted_n, 8);
        assert_true(s->ttft_ms >= s->prompt_ms);
        assert_true(s->wall_ms >= s->ttft_ms);
        all_ms = fmax(all_ms, s->ttft_ms);
        began_ms = fmin(began_ms, s->ttft_ms - s->prompt_ms);
        end_ms = fmin(end_ms, s->ttft_ms + s->predicted_ms);
        together += s->together_n;
    }
    assert_int_equal(r->predicted_n, 8 * r->at.slots);
    assert_true(fabs(r->pp_tps / ((double)r->prompt_n * 1e3 / (all_ms - began_ms)) - 1) < 1e-4);
    assert_true(fabs(r->tg_tps / (together * 1e3 / (end_ms - all_ms)) - 1) < 1e-4);
}

static void each_number_of_requests_is_measured(void **state) {
    (void)state;
    BOX_CONFIG("slots = 1 2 4\n", {"b", "device = Vulkan0\n" STEADY});
    assert_int_equal(SB(MEASURE), 0);
    const struct sb_cell *c = box_cell("m", "b");
    box_expect_status(c, "ok");
    assert_int_equal(c->n_points, 3);
    for (int slots = 1; slots <= 4; slots *= 2) {
        assert_int_equal(count_runs(c, true, slots), 1);
        assert_true(count_runs(c, false, slots) >= 2);
        const struct sb_run *r = last_run(c, slots);
        assert_true(r->valid);
        if (slots > 1)
            expect_aggregate(r);
        else
            assert_int_equal(r->n_each, 0);
        /* The fake generates in each slot as fast as in one alone. */
        assert_true(fabs(r->tg_tps / (50 * slots) - 1) < 0.2);
    }
    /* They are read one after the other, so the last one waits. */
    const struct sb_run *four = last_run(c, 4);
    assert_true(four->prompt_ms > 2 * four->each[0].prompt_ms);
    box_has(box_read("a.logs/m--b--1.log"), "id  3 | task");
    assert_true(sb_strv_has(&c->backend.argv, "2048")); /* -c: 512 for each of 4 */
    box_has(box_read("a.md"), "**Requests at once:**");
    box_has(box_read("a.md"), "| 4 | b | ");
    assert_int_equal(SB("report", "--format", "csv", "a.json"), 0);
    box_has(box_read("out"), ",slots,");
}

/* Each context is filled by itself, and each prompt finds its own. */
static void each_slot_has_its_own_depth(void **state) {
    (void)state;
    BOX_CONFIG("slots = 2\ndepths = 0 64\n", {"b", STEADY});
    assert_int_equal(SB(MEASURE), 0);
    const struct sb_cell *c = box_cell("m", "b");
    assert_int_equal(c->n_points, 2);
    assert_int_equal(c->points[1].at.depth, 64);
    expect_aggregate(last_run(c, 2));
    assert_int_equal(last_run(c, 2)->cache_n, 2 * 64);
    box_has(box_read("a.md"), "; 2 requests at once");
}

static void a_slot_that_fails_fails_the_cell_by_its_number(void **state) {
    (void)state;
    static const struct {
        const char *mode, *reason;
    } cases[] = {
        {"http-500", "slot 2 of 4: HTTP 500"},
        {"close-early", "slot 2 of 4: connection lost"},
        {"untimed", "slot 2 of 4: bad reply: this build tells no timings per token"},
        {"hang", "slot 2 of 4: run timed out after 2 s"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *env = box_text(STEADY "env = FAKE_MODE=%s\nenv = FAKE_SLOT=2\n", cases[i].mode);
        BOX_CONFIG("slots = 4\nrun_timeout = 2\n", {"bad", env}, {"good", STEADY});
        assert_int_equal(SB(MEASURE, "--force"), 1);
        box_expect_status(box_cell("m", "bad"), "failed");
        assert_string_equal(box_cell("m", "bad")->reason, cases[i].reason);
        box_has(box_row("bad"), box_text("ERROR: %s", cases[i].reason));
        box_expect_ok("m", "good");
    }
}

static void a_slot_that_lies_makes_the_run_invalid(void **state) {
    (void)state;
    static const struct {
        const char *mode, *reason;
    } cases[] = {
        {"cached", "slot 3 of 4: 7 prompt tokens came from the cache"},
        {"short", "slot 3 of 4: "},
        {"lying-clock",
         "slot 3 of 4: server claims 60000 ms for a prompt whose first token came after"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *env = box_text(STEADY "env = FAKE_MODE=%s\nenv = FAKE_SLOT=3\n", cases[i].mode);
        BOX_CONFIG("slots = 4\n", {"b", env});
        assert_int_equal(SB(MEASURE, "--force"), 1);
        box_expect_status(box_cell("m", "b"), "invalid");
        box_has(box_cell("m", "b")->reason, cases[i].reason);
        box_has(box_read("a.md"), "INVALID: slot 3 of 4: ");
    }
}

/* A server that serves them one after the other, whatever it was asked for. */
static void requests_that_were_not_served_at_once_are_named(void **state) {
    (void)state;
    BOX_CONFIG("slots = 2\n", {"b", "env = FAKE_TG=1000\nenv = FAKE_PP=200\n"});
    assert_int_equal(SB(MEASURE), 1);
    box_expect_status(box_cell("m", "b"), "invalid");
    box_has(box_cell("m", "b")->reason, "the 2 did not generate at once: slot ");
}

static void a_server_that_dies_beside_others_says_so(void **state) {
    (void)state;
    BOX_CONFIG("slots = 4\n",
               {"b", STEADY "env = FAKE_MODE=exit-mid-reply:3\nenv = FAKE_SLOT=4\n"});
    assert_int_equal(SB(MEASURE), 1);
    assert_string_equal(box_cell("m", "b")->reason, "server died");
    box_has(box_cell("m", "b")->detail, "exit code 3");
}

static void a_failed_reply_is_asked_for_again_with_all_others(void **state) {
    (void)state;
    BOX_CONFIG("slots = 2\n", {"b", STEADY "env = FAKE_MODE=http-500\nenv = FAKE_FROM=3\n"
                                           "env = FAKE_TIMES=1\n"});
    assert_int_equal(SB(MEASURE), 0);
    const struct sb_cell *c = box_cell("m", "b");
    assert_int_equal(c->launches[0].failed_replies, 1);
    assert_true(count_runs(c, false, 2) >= 2);
}

/* Of several the more often one fails: five attempts are not the end. */
static void the_more_at_once_the_more_attempts(void **state) {
    (void)state;
    BOX_CONFIG("slots = 2\n", {"b", STEADY "env = FAKE_MODE=http-500\nenv = FAKE_TIMES=10\n"});
    assert_int_equal(SB(MEASURE), 0);
    assert_int_equal(box_cell("m", "b")->launches[0].failed_replies, 5);
    BOX_CONFIG("slots = 2\n", {"b", STEADY "env = FAKE_MODE=http-500\nenv = FAKE_TIMES=12\n"});
    assert_int_equal(SB(MEASURE, "--force"), 1);
}

static void fewer_slots_than_asked_for_are_no_measurement(void **state) {
    (void)state;
    BOX_CONFIG("slots = 4\n", {"b", STEADY "args = -np 2 -c 1024\n"});
    assert_int_equal(SB(MEASURE), 1);
    box_expect_status(box_cell("m", "b"), "invalid");
    assert_string_equal(box_cell("m", "b")->reason, "server has 2 slots, not 4");
}

/* The weights are read once for a token of each slot: memory sets no limit to all of them. */
static void memory_limits_one_at_a_time_alone(void **state) {
    (void)state;
    BOX_CONFIG("slots = 2\n", {"b", STEADY "bandwidth = 100000\n"});
    assert_int_equal(SB(MEASURE), 0);
    assert_true(isnan(box_cell("m", "b")->tg_limit_share));
    BOX_CONFIG("slots = 1 2\n", {"b", STEADY "bandwidth = 100000\n"});
    assert_int_equal(SB(MEASURE, "--force"), 0);
    assert_true(box_cell("m", "b")->tg_limit_share > 0);
}

static void other_slots_are_another_measurement(void **state) {
    (void)state;
    BOX_CONFIG("slots = 1 2\n", {"b", STEADY});
    assert_int_equal(SB(MEASURE), 0);
    assert_int_equal(box_run(ARGS("cp", "a.json", "two.json")), 0);
    char *was = box_text("%s", box_cell("m", "b")->measured_at);
    assert_int_equal(SB(MEASURE, "--resume"), 0);
    assert_string_equal(box_cell("m", "b")->measured_at, was);
    BOX_CONFIG("slots = 1 4\n", {"b", STEADY});
    assert_int_equal(SB(MEASURE, "--resume"), 0);
    assert_int_equal(count_runs(box_cell("m", "b"), false, 2), 0);
    assert_true(count_runs(box_cell("m", "b"), false, 4) >= 2);
    /* compare and merge say it, and both render. */
    assert_int_equal(SB("compare", "two.json", "a.json"), 3);
    box_has(box_read("out"), "slots: 2 → 4");
    assert_int_equal(SB("report", "two.json", "a.json"), 0);
    box_has(box_read("out"), "requests at once");
}

static void rank_and_check_know_the_slots(void **state) {
    (void)state;
    BOX_CONFIG("slots = 1 2\n", {"b", STEADY}, {"c", STEADY});
    assert_int_equal(SB("check", "a.ini"), 0);
    box_has(box_read("out"), "-c 1024 -np 2 ");
    assert_int_equal(SB("run", "--dry-run", "--allow-concurrent", "a.ini"), 0);
    box_has(box_read("out"), "-c 1024 -np 2 ");
    assert_int_equal(SB(MEASURE), 0);
    assert_int_equal(SB("rank", "--slots", "2", "a.json"), 0);
    box_has(box_read("out"), "600+128 tokens, 2 at once");
    assert_int_equal(SB("rank", "--slots", "3", "a.json"), 2);
    box_has(box_read("err"), "--slots 3: nothing was measured with so many requests at once");
    assert_int_equal(SB("rank", "--slots", "1.5", "a.json"), 2);
    assert_int_equal(SB("rank", "--slots", "2", "--workload", "turns", "a.json"), 2);
}

static void without_the_key_nothing_of_it_is_there(void **state) {
    (void)state;
    BOX_CONFIG("", {"b", ""});
    assert_int_equal(SB(MEASURE), 0);
    box_has_not(box_read("a.json"), "\"each\"");
    box_has_not(box_read("a.md"), "at once");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_BOX(each_number_of_requests_is_measured),
        IN_BOX(each_slot_has_its_own_depth),
        IN_BOX(a_slot_that_fails_fails_the_cell_by_its_number),
        IN_BOX(a_slot_that_lies_makes_the_run_invalid),
        IN_BOX(requests_that_were_not_served_at_once_are_named),
        IN_BOX(a_server_that_dies_beside_others_says_so),
        IN_BOX(a_failed_reply_is_asked_for_again_with_all_others),
        IN_BOX(the_more_at_once_the_more_attempts),
        IN_BOX(fewer_slots_than_asked_for_are_no_measurement),
        IN_BOX(memory_limits_one_at_a_time_alone),
        IN_BOX(other_slots_are_another_measurement),
        IN_BOX(rank_and_check_know_the_slots),
        IN_BOX(without_the_key_nothing_of_it_is_there),
    };
    return BOX_RUN(tests);
}
