/* Conversations: what a turn must find in the cache, and what counts. */
#include "box.h"

#include "stratobench/base.h"
#include "stratobench/results_sample.h"

#define TURNS "turns = 4\nturn_tokens = 30\n"

/* Turns and their reasons, those of the warm-up included. */
static size_t count_turns(const struct sb_cell *c, bool valid) {
    size_t n = 0;
    for (size_t i = 0; i < c->n_turns; i++)
        n += c->turns[i].valid == valid;
    return n;
}

static const struct sb_run *first_odd(const struct sb_cell *c) {
    const struct sb_run *r = sb_cell_odd_turn(c);
    assert_non_null(r);
    return r;
}

static size_t conversations(const struct sb_cell *c) {
    size_t n;
    free(sb_cell_conversations(c, &n));
    return n;
}

static void each_turn_finds_all_of_the_ones_before(void **state) {
    (void)state;
    BOX_CONFIG(TURNS, {"b", "device = Vulkan0\n"});
    assert_int_equal(SB(MEASURE), 0);
    const struct sb_cell *c = box_cell("m", "b");
    box_expect_status(c, "ok");
    assert_int_equal(c->n_turns, 4 * 3); /* a warm-up and two */
    assert_int_equal(count_turns(c, true), 4 * 3);
    assert_int_equal(conversations(c), 2);
    long long first = c->turns[0].prompt_n;
    for (size_t i = 0; i < c->n_turns; i++) {
        const struct sb_run *r = &c->turns[i];
        int before = (int)(i % 4);
        assert_int_equal(r->turn, before + 1);
        assert_int_equal(r->warmup, i < 4);
        long long sent_before = first + (before - 1) * (30 + r->predicted_n);
        assert_int_equal(r->cache_n, before ? sent_before + r->predicted_n - 1 : 0);
        assert_int_equal(r->prompt_n, before ? 30 + 1 : first);
    }
    box_has(box_read("a.md"), "**Turns:** a conversation of 4");
    box_has(box_read("a.md"), "<details><summary>Each turn</summary>");
    assert_int_equal(SB("report", "--format", "csv", "a.json"), 0);
    box_has(box_read("out"), ",turn,");
    assert_int_equal(SB("rank", "--workload", "turns", "a.json"), 0);
}

/* The ninth completion is turn 2 of the first conversation that is measured: before it a warm-up,
 * two runs, four turns of a warm-up, and turn 1. */
static void a_lost_cache_is_named_and_never_averaged(void **state) {
    (void)state;
    BOX_CONFIG(TURNS, {"kept", ""},
               {"lost", "env = FAKE_MODE=cache-lost\nenv = FAKE_FROM=9\nenv = FAKE_TIMES=1\n"});
    assert_int_equal(SB(MEASURE), 0);
    const struct sb_cell *c = box_cell("m", "lost");
    box_expect_status(c, "ok");
    assert_int_equal(count_turns(c, false), 1);
    assert_int_equal(first_odd(c)->turn, 3);
    box_has(first_odd(c)->reason, "0 prompt tokens came from the cache, not ");
    assert_int_equal(conversations(c), 1);
    assert_int_equal(sb_cell_turn(c, 1).ttft_ms.n, 1);
    box_has(box_row("lost"), "turn 3: 0 prompt tokens came from the cache, not ");
    box_has(box_read("a.md"), "does not count, nor does its conversation");
}

static void what_was_generated_must_be_kept_too(void **state) {
    (void)state;
    BOX_CONFIG(TURNS, {"b", "env = FAKE_MODE=forgetful\n"}, {"whole", ""});
    assert_int_equal(SB(MEASURE), 0);
    const struct sb_cell *c = box_cell("m", "b");
    assert_int_equal(count_turns(c, false), 3 * 3);
    assert_int_equal(first_odd(c)->turn, 2);
    assert_int_equal(conversations(c), 0);
    assert_int_equal(SB("rank", "--workload", "turns", "a.json"), 0);
    box_has(box_read("out"), "b did not finish 1 of 1 model");
}

static void without_the_generated_tokens_nobody_goes_on(void **state) {
    (void)state;
    BOX_CONFIG(TURNS, {"b", "env = FAKE_MODE=no-tokens\n"});
    assert_int_equal(SB(MEASURE), 0);
    const struct sb_cell *c = box_cell("m", "b");
    assert_int_equal(c->n_turns, 3);
    assert_string_equal(first_odd(c)->reason,
                        "the server does not tell the tokens that it generated");
}

/* A reply that failed after the work: another conversation, and no trace of the first. */
static void a_failed_reply_begins_the_conversation_again(void **state) {
    (void)state;
    BOX_CONFIG(TURNS, {"b", "env = FAKE_MODE=http-500\nenv = FAKE_FROM=9\nenv = FAKE_TIMES=1\n"});
    assert_int_equal(SB(MEASURE), 0);
    const struct sb_cell *c = box_cell("m", "b");
    assert_int_equal(c->n_turns, 4 * 3);
    assert_int_equal(count_turns(c, false), 0);
    assert_int_equal(c->launches[0].failed_replies, 1);
}

static void what_cannot_fit_is_said_before(void **state) {
    (void)state;
    BOX_CONFIG("turns = 20\nturn_tokens = 30\n", {"b", ""});
    assert_int_equal(SB("check", "a.ini"), 2);
    box_has(box_read("err"), "a.ini:");
    box_has(box_read("err"), "20 turns of 30 new tokens and ");
    BOX_CONFIG("turns = 9\nturn_tokens = 54\n", {"b", ""}); /* without the prompt it would */
    assert_int_equal(SB(MEASURE), 1);
    const struct sb_cell *c = box_cell("m", "b");
    box_expect_status(c, "invalid");
    box_has(c->reason, " tokens of 9 turns do not fit ctx 512");
    assert_int_equal(c->n_runs, 0);
}

static void without_the_key_nothing_of_it_is_there(void **state) {
    (void)state;
    BOX_CONFIG("", {"b", ""});
    assert_int_equal(SB(MEASURE), 0);
    box_has_not(box_read("a.json"), "\"turn");
    box_has_not(box_read("a.md"), "Turns");
}

static void turns_that_were_measured_are_kept_while_the_config_says_the_same(void **state) {
    (void)state;
    BOX_CONFIG(TURNS, {"b", ""});
    assert_int_equal(SB(MEASURE), 0);
    char *was = box_text("%s", box_cell("m", "b")->measured_at);
    assert_int_equal(SB(MEASURE, "--resume"), 0);
    assert_string_equal(box_cell("m", "b")->measured_at, was);
    BOX_CONFIG("turns = 3\nturn_tokens = 30\n", {"b", ""});
    assert_int_equal(SB(MEASURE, "--resume"), 0);
    assert_int_equal(box_cell("m", "b")->n_turns, 3 * 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_BOX(each_turn_finds_all_of_the_ones_before),
        IN_BOX(a_lost_cache_is_named_and_never_averaged),
        IN_BOX(what_was_generated_must_be_kept_too),
        IN_BOX(without_the_generated_tokens_nobody_goes_on),
        IN_BOX(a_failed_reply_begins_the_conversation_again),
        IN_BOX(what_cannot_fit_is_said_before),
        IN_BOX(without_the_key_nothing_of_it_is_there),
        IN_BOX(turns_that_were_measured_are_kept_while_the_config_says_the_same),
    };
    return BOX_RUN(tests);
}
