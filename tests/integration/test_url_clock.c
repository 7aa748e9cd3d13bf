/* Servers without llama-server's /completion: timed by our own clock, or not believed. */
#include "url_box.h"

static void another_kind_of_server_is_timed_by_our_clock(void **state) {
    (void)state;
    struct other o = start_server("openai", NULL);
    box_write("p.txt", "%s", "one two three four five six seven eight nine ten\n");
    box_write("a.ini", "%s[backend b]\nurl = http://127.0.0.1:%d\n[model m]\nname = m\n",
              box_bench("answers = on\n"), o.port);
    assert_int_equal(SB("check", "a.ini"), 0);
    box_has(box_read("out"),
            "no llama-server but of fake, not ours\n    model m, timed by our own clock");
    box_has_not(box_read(o.log), "asked POST");
    assert_int_equal(SB(MEASURE), 0);
    expect_ok();
    const struct sb_cell *c = box_cell("m", "b");
    assert_string_equal(c->backend.clock, "client");
    assert_null(c->backend.server_version);
    for (size_t i = 0; i < c->n_runs; i++) {
        const struct sb_run *r = &c->runs[i];
        assert_int_equal(r->prompt_n, 13); /* with BOS, the nonce and the last line's end */
        assert_int_equal(r->predicted_n, 8);
        assert_true(r->prompt_ms > 0 && r->prompt_ms + r->predicted_ms <= r->wall_ms);
    }
    box_has(box_row("b"), "client clock; not ours: device not proved");
    box_has(box_read("a.md"), "**Client clock:** b: timed by stratobench");
    box_has(box_read("a.md"), "not checked: the server has no /completion");
    assert_int_equal(SB("report", "a.json", "--format", "csv"), 0);
    box_has(box_read("out"), ",clock\r\n");
    box_has(box_read("out"), ",client\r\n");
    stop_server(&o);
}

static void a_blocked_completion_is_noticed_by_the_run(void **state) {
    (void)state;
    struct other o = start_server("no-completion", NULL);
    write_config(&o, "", "path = m.gguf");
    assert_int_equal(SB(MEASURE), 0);
    expect_ok();
    box_has(box_row("b"), "client clock");
    assert_string_equal(box_cell("m", "b")->backend.server_version, "b11669-fake");
    assert_int_equal(SB(MEASURE, "--resume"), 0);
    box_has(box_read("err"), "1 of 1 cells kept");
    box_write("a.ini", "%s[backend b]\nurl = http://127.0.0.1:%d\n[model m]\nname = m\n",
              box_bench("depths = 0 64\n"), o.port);
    assert_int_equal(SB(MEASURE, "--force"), 1);
    box_has(box_row("b"), "ERROR: depths, turns, slots and images need /completion");
    stop_server(&o);
}

static void depths_of_another_kind_of_server_are_refused_first(void **state) {
    (void)state;
    struct other o = start_server("openai", NULL);
    box_write("a.ini", "%s[backend b]\nurl = http://127.0.0.1:%d\n[model m]\nname = m\n",
              box_bench("turns = 2\nturn_tokens = 4\n"), o.port);
    assert_int_equal(SB("check", "a.ini"), 1);
    box_has(box_read("out"), "m / b: depths, turns, slots and images need /completion");
    box_has_not(box_read(o.log), "asked POST");
    stop_server(&o);
}

static void a_stream_that_cannot_be_timed_is_not_believed(void **state) {
    static const char *const doubts[][2] = {
        {"openai,one-piece", "INVALID: 8 events came in 1 pieces: no clock of ours can time them"},
        {"openai,uncounted", "INVALID: the server does not count its tokens"},
        {"openai,short", "INVALID: 4 tokens generated, not 8 (stop: stop)"},
        {"openai,kept", "INVALID: 30 prompt tokens came from the cache"},
        {"openai,stream-error", "ERROR: bad reply: out of blocks"},
    };
    (void)state;
    box_write("p.txt",
              "one two three four five six seven eight nine ten one two three four five six "
              "seven eight nine ten one two three four five six seven eight nine ten\n");
    for (size_t i = 0; i < sizeof doubts / sizeof *doubts; i++) {
        struct other o = start_server(doubts[i][0], NULL);
        write_config(&o, "", "name = m");
        assert_int_equal(SB(MEASURE, "--force"), 1);
        box_has(box_row("b"), doubts[i][1]);
        stop_server(&o);
    }
}

/* Two clocks tell two things. */
static void clocks_are_not_mixed(void **state) {
    (void)state;
    struct other o = start_server("no-completion", NULL), p = start_server(NULL, NULL);
    box_write("a.ini",
              "%s[backend b]\nurl = http://127.0.0.1:%d\n[backend c]\nurl = "
              "http://127.0.0.1:%d\n[model m]\nname = m\n",
              box_bench("launches = 2\n"), o.port, p.port);
    assert_int_equal(SB(MEASURE), 0);
    assert_int_equal(SB("rank", "a.json"), 0);
    box_has(box_read("out"), "Not like with like: clock (b client; c server)");
    stop_server(&o);
    stop_server(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_BOX(another_kind_of_server_is_timed_by_our_clock),
        IN_BOX(a_blocked_completion_is_noticed_by_the_run),
        IN_BOX(depths_of_another_kind_of_server_are_refused_first),
        IN_BOX(a_stream_that_cannot_be_timed_is_not_believed),
        IN_BOX(clocks_are_not_mixed),
    };
    return BOX_RUN(tests);
}
