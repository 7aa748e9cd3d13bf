/* Whether a server computes the right thing: what a run asks, keeps and says, with fake servers that
 * are wrong in each of the ways. */
#include "box.h"

static void a_long_prompt(void) {
    char *text = "";
    for (int i = 0; i < 120; i++)
        text = box_text("%sword%d of number%d ", text, i, i % 17);
    box_write("p.txt", "%s", text);
}

static void run_with(const char *mode, int code) {
    a_long_prompt();
    BOX_CONFIG("answers = on\n", {"a", "device = Vulkan0\n"}, {"b", "device = ROCm0\n"},
               {"c", box_text("device = none\nenv = FAKE_MODE=%s\n", mode)});
    int rc = SB(MEASURE, "--force");
    if (rc != code)
        fail_msg("%s: exit %d, not %d:\n%s", mode, rc, code, box_read("a.md"));
}

static void right_servers_agree(void **state) {
    (void)state;
    a_long_prompt();
    BOX_CONFIG("answers = on\n", {"a", "device = Vulkan0\n"}, {"b", "device = ROCm0\n"});
    assert_int_equal(SB(MEASURE), 0);
    const struct sb_cell *c = box_cell("m", "a");
    assert_int_equal(c->n_answers, 2); /* whole, and in pieces */
    assert_false(c->answers[0].pieces);
    assert_true(c->answers[1].pieces);
    assert_int_equal(c->answers[0].n_positions, 32);
    assert_int_equal(c->answers[0].positions[0].n_top, 10);
    assert_true(c->answers[0].positions[0].logprob < 0);
    char *document = box_read("a.md");
    box_has(document, "**Answers:** 32 tokens");
    box_has(document, "agrees with b");
    box_has(document, "agrees with a");
}

/* What it takes is said: when it was done, and before it is done again. */
static void what_they_cost_is_told(void **state) {
    (void)state;
    a_long_prompt();
    BOX_CONFIG("launches = 2\nanswers = 16\n", {"a", "device = Vulkan0\n"});
    assert_int_equal(SB(MEASURE, "--verbose"), 0);
    box_has(box_read("err"), "; answers: 32 tokens, "); /* whole, and in pieces */
    box_has(box_read("err"), "; answers: 16 tokens, ");
    assert_int_equal(SB("check", "a.ini"), 0);
    box_has(box_read("out"), "\nof it about ");
    box_has(box_read("out"), "s for answers (`answers = off` saves that)\n");
    BOX_CONFIG("launches = 2\nanswers = off\n", {"a", "device = Vulkan0\n"});
    assert_int_equal(SB(MEASURE, "--verbose", "--force"), 0);
    box_has_not(box_read("err"), "; answers: ");
    assert_int_equal(SB("check", "a.ini"), 0);
    box_has_not(box_read("out"), "for answers");
}

static void each_way_to_be_wrong_is_named(void **state) {
    (void)state;
    static const struct {
        const char *mode, *reason;
    } wrong[] = {
        {"misread:300", "wrong answers: perplexity "},
        {"batch-fault:300", "wrong answers: perplexity "},
        {"nan-probs", "wrong answers: its probabilities are no numbers"},
        {"one-token", "wrong answers: the same token at every position"},
        {"one-distribution", "wrong answers: the same probabilities at every position"},
        {"wrong-slot", "wrong answers: "},
        {"scatter:60", "from those of a and b, which agree"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        run_with(wrong[i].mode, 1);
        box_expect_status(box_cell("m", "c"), "ok"); /* what was measured is kept */
        box_has(box_read("a.md"), "INVALID: wrong answers: ");
        char *document = box_read("a.md");
        box_has(document, wrong[i].reason);
        box_has(document, "agrees with ");
        box_has(box_read("err"), "m / c: invalid: wrong answers: ");
        assert_int_equal(SB("rank", "a.json"), 0);
        box_has(box_read("out"), "invalid: wrong answers: ");
        assert_int_equal(SB("report", "a.json", "--check", "a.md"), 0);
    }
}

static void what_only_disturbs_is_no_fault(void **state) {
    (void)state;
    run_with("scatter:2", 0);
    box_has_not(box_read("a.md"), "wrong");
    run_with("no-probs", 0);
    box_has(box_read("a.md"), "not checked: the server tells no probabilities");
}

/* Of two that differ none is named, unless the text tells. */
static void two_that_differ(void **state) {
    (void)state;
    a_long_prompt();
    BOX_CONFIG("answers = on\n", {"a", "device = Vulkan0\n"},
               {"c", "device = none\nenv = FAKE_MODE=scatter:60\n"});
    assert_int_equal(SB(MEASURE), 0);
    box_has(box_read("a.md"), "disagrees with c");
    BOX_CONFIG("answers = on\n", {"a", "device = Vulkan0\n"},
               {"c", "device = none\nenv = FAKE_MODE=misread:300\n"});
    assert_int_equal(SB(MEASURE, "--force"), 1);
    box_has(box_read("a.md"), "over 32 tokens, a ");
}

static void another_setting_is_no_fault(void **state) {
    (void)state;
    a_long_prompt();
    BOX_CONFIG("answers = on\n", {"a", "device = Vulkan0\n"},
               {"c", "device = Vulkan0\ncache_type = q4_0\nenv = FAKE_MODE=misread:300\n"});
    assert_int_equal(SB(MEASURE), 0);
    box_has(box_read("a.md"), "settings differ: KV cache type");
}

static void launches_that_differ(void **state) {
    (void)state;
    a_long_prompt();
    BOX_CONFIG("answers = on\nlaunches = 2\n", {"a", "env = FAKE_MODE=unstable\n"});
    assert_int_equal(SB(MEASURE), 0);
    assert_int_equal(box_cell("m", "a")->n_answers, 3);
    box_has(box_read("a.md"), "unstable: its launches differ");
}

static void nothing_is_asked_when_it_is_off(void **state) {
    (void)state;
    BOX_CONFIG("answers = off\n", {"a", "device = Vulkan0\n"});
    assert_int_equal(SB(MEASURE), 0);
    assert_int_equal(box_cell("m", "a")->n_answers, 0);
    box_has_not(box_read("a.json"), "\"answers\"");
    box_has_not(box_read("a.md"), "Answers");
}

static void a_server_that_dies_of_it_keeps_its_figures(void **state) {
    (void)state;
    a_long_prompt();
    BOX_CONFIG("answers = 8\n", {"a", "env = FAKE_MODE=exit-in-run:3\nenv = FAKE_FROM=6\n"});
    assert_int_equal(SB(MEASURE), 0);
    box_has(box_read("a.md"), "not checked: server died");
}

#define IN_BOX(test) cmocka_unit_test_setup_teardown(test, box_setup, box_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_BOX(right_servers_agree),
        IN_BOX(what_they_cost_is_told),
        IN_BOX(each_way_to_be_wrong_is_named),
        IN_BOX(what_only_disturbs_is_no_fault),
        IN_BOX(two_that_differ),
        IN_BOX(another_setting_is_no_fault),
        IN_BOX(launches_that_differ),
        IN_BOX(nothing_is_asked_when_it_is_off),
        IN_BOX(a_server_that_dies_of_it_keeps_its_figures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
