/* Conversations: their tokens, and what comes of their turns. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stratobench/prompt.h"
#include "stratobench/results_sample.h"

/* ---- tokens --------------------------------------------------------------------------------- */

static void a_turn_is_all_that_was_said_and_new_words(void **state) {
    (void)state;
    int ids[] = {1, 11, 12, 13}, nonces[] = {11, 12, 13}, said[] = {90, 91};
    struct sb_prepared p = {.ids = ids, .n = 4, .n_special = 1, .nonces = nonces, .n_nonces = 3};
    struct sb_talk t;
    sb_talk_begin(&p, 1, 2, &t);
    assert_false(t.body.cache_prompt); /* another conversation may have begun like it */
    assert_true(t.body.return_tokens);
    assert_int_equal(t.want.cache_n, 0);
    assert_int_equal(t.want.prompt_n, 5);
    sb_talk_go_on(&t, said, 2, 4);
    static const int second[] = {1, 12, 11, 12, 13, 90, 91, 11, 12, 13, 11};
    assert_int_equal(t.body.n_tokens, 11);
    assert_memory_equal(t.body.tokens, second, sizeof second);
    assert_true(t.body.cache_prompt);
    assert_int_equal(t.want.cache_n, 5 + 2 - 1); /* the last was sampled, not computed */
    assert_int_equal(t.want.prompt_n, 4 + 1);
    sb_talk_go_on(&t, said, 2, 1);
    assert_int_equal(t.body.tokens[13], 12); /* the text goes on where it was */
    assert_int_equal(t.want.cache_n, 11 + 2 - 1);
    assert_int_equal(sb_talk_length(&p, 2, 2, 4), t.n_tokens - 3 + 2);
    assert_int_equal(t.body.slot, 1);
    sb_talk_release(&t);
}

/* ---- what comes of them --------------------------------------------------------------------- */

static void add(struct sb_cell *c, int launch, int turn, bool valid, double ms) {
    struct sb_run r = sb_run_empty();
    r.launch = launch;
    r.turn = turn;
    r.valid = valid;
    r.prompt_n = 10;
    r.cache_n = 100 * turn;
    r.prompt_ms = ms / 2;
    r.predicted_n = 5;
    r.predicted_ms = ms / 2;
    r.wall_ms = ms;
    sb_run_speeds(&r);
    sb_cell_add_turn(c, r);
}

static void add_conversation(struct sb_cell *c, int launch, double ms) {
    add(c, launch, 1, true, ms);
    add(c, launch, 2, true, 3 * ms);
}

static void the_whole_is_what_was_waited_for(void **state) {
    (void)state;
    struct sb_cell c = sb_cell_empty();
    add_conversation(&c, 1, 100);
    c.turns[0].warmup = c.turns[1].warmup = true;
    add_conversation(&c, 1, 500);
    add_conversation(&c, 1, 700);
    add_conversation(&c, 2, 1000);
    size_t n;
    double *s = sb_cell_conversations(&c, &n);
    assert_int_equal(n, 3);
    assert_true(fabs(s[0] - 2) < 1e-9);
    assert_true(fabs(s[1] - 2.8) < 1e-9);
    assert_true(fabs(s[2] - 4) < 1e-9);
    free(s);
    struct sb_sample sample = sb_sample_conversation(&c);
    assert_int_equal(sample.n, 2); /* launches are the replicates */
    assert_true(fabs(sample.x[0] - 1 / 2.4) < 1e-9);
    assert_true(fabs(sample.mean - 3.2) < 1e-9);
    free(sample.x);
    struct sb_turn t = sb_cell_turn(&c, 2);
    assert_int_equal(t.ttft_ms.n, 3);
    assert_true(fabs(t.context_n - 210) < 1e-9);
    assert_true(fabs(t.new_n - 10) < 1e-9);
    sb_cell_release(&c);
}

static void one_odd_turn_and_the_conversation_is_out(void **state) {
    (void)state;
    struct sb_cell c = sb_cell_empty();
    add(&c, 1, 1, true, 100);
    add(&c, 1, 2, false, 100);
    add_conversation(&c, 1, 500);
    add(&c, 1, 1, true, 100); /* broken off */
    size_t n;
    free(sb_cell_conversations(&c, &n));
    assert_int_equal(n, 1);
    assert_int_equal(sb_cell_turn(&c, 1).ttft_ms.n, 1);
    assert_ptr_equal(sb_cell_odd_turn(&c), &c.turns[1]);
    struct sb_workload w = *sb_workload_named("turns");
    struct sb_sample sample = sb_sample_workload(&c, &w);
    assert_true(fabs(sample.mean - 2) < 1e-9);
    free(sample.x);
    sb_cell_release(&c);
}

static void a_cell_without_turns_has_no_conversation(void **state) {
    (void)state;
    struct sb_cell c = sb_cell_empty();
    struct sb_sample sample = sb_sample_conversation(&c);
    assert_int_equal(sample.n, 0);
    assert_true(isnan(sample.mean));
    assert_true(isnan(sb_cell_turn(&c, 1).context_n));
    assert_null(sb_cell_odd_turn(&c));
    free(sample.x);
}

static void a_launch_that_has_not_ended_leaves_no_turn(void **state) {
    (void)state;
    struct sb_cell c = sb_cell_empty();
    struct sb_launch l = sb_launch_empty();
    l.launch = 1;
    sb_cell_add_launch(&c, l);
    add_conversation(&c, 1, 100);
    add(&c, 2, 1, true, 100);
    assert_int_equal(sb_cell_drop_unfinished(&c), 1);
    assert_int_equal(c.n_turns, 2);
    sb_cell_release(&c);
}

/* What the file holds of them is what was there. */
static void turns_are_saved_and_read(void **state) {
    (void)state;
    struct sb_results r = sb_results_empty(), back;
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    static const char text[] =
        "{\"schema\": \"stratobench/1\", \"bench\": {\"title\": \"T\", \"runs\": 1, \"n_predict\": "
        "5, "
        "\"ctx\": 512, \"turns\": 2, \"turn_tokens\": 30}, \"host\": {}, \"cells\": [{\"model\": "
        "{\"id\": \"m\"}, \"backend\": {\"id\": \"b\"}, \"status\": \"pending\", \"runs\": []}]}";
    assert_int_equal(sb_results_parse("t.json", text, sizeof text - 1, &r, &error), 0);
    add_conversation(&r.cells[0], 1, 100);
    char *printed = sb_results_print(&r);
    assert_int_equal(sb_results_parse("t.json", printed, strlen(printed), &back, &error), 0);
    assert_int_equal(back.bench.turns, 2);
    assert_int_equal(back.bench.turn_tokens, 30);
    assert_int_equal(back.cells[0].n_turns, 2);
    assert_int_equal(back.cells[0].turns[1].turn, 2);
    assert_true(fabs(back.cells[0].turns[1].wall_ms - 300) < 1e-9);
    char *again = sb_results_print(&back);
    assert_string_equal(printed, again);
    free(printed);
    free(again);
    sb_results_release(&r);
    sb_results_release(&back);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_turn_is_all_that_was_said_and_new_words),
        cmocka_unit_test(the_whole_is_what_was_waited_for),
        cmocka_unit_test(one_odd_turn_and_the_conversation_is_out),
        cmocka_unit_test(a_cell_without_turns_has_no_conversation),
        cmocka_unit_test(a_launch_that_has_not_ended_leaves_no_turn),
        cmocka_unit_test(turns_are_saved_and_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
