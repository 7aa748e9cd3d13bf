/* What happens around a measurement, and what is then not believed, or believed all the same. */
#include <math.h>
#include <signal.h>

#include "box.h"

enum { RUNS = 2 };

static void stop_for_a_while(pid_t pid) {
    kill(pid, SIGSTOP);
    usleep(300000);
    kill(pid, SIGCONT);
}

static int measured(const struct sb_cell *c, bool valid) {
    int n = 0;
    for (size_t i = 0; i < c->n_runs; i++)
        n += !c->runs[i].warmup && c->runs[i].valid == valid;
    return n;
}

static void a_load_in_which_we_were_stopped_has_no_time(void **state) {
    (void)state;
    BOX_CONFIG("", {"b", "env = FAKE_MODE=slow-load:2\n"});
    pid_t pid = box_start(ARGS(STRATOBENCH, MEASURE));
    while (access("a.logs/m--b--1.log", F_OK) != 0)
        usleep(1000);
    usleep(200000);
    stop_for_a_while(pid);
    assert_int_equal(box_wait(pid), 0);
    const struct sb_cell *c = box_cell("m", "b");
    box_expect_status(c, "ok");
    assert_int_equal(c->n_launches, 1);
    assert_true(isnan(c->launches[0].load_s) && isnan(c->load_s));
    assert_true(isnan(c->launches[0].wall_s));
    assert_int_equal(measured(c, true), RUNS);
}

static void a_run_in_which_we_were_stopped_is_made_again(void **state) {
    (void)state;
    /* The first request, the warm-up, is quick; of the others each takes a second. */
    BOX_CONFIG("", {"b", "env = FAKE_PP=20000,10\n"});
    pid_t pid = box_start(ARGS(STRATOBENCH, MEASURE));
    box_await("a.logs/m--b--1.log", "task 1 ");
    usleep(300000);
    stop_for_a_while(pid);
    assert_int_equal(box_wait(pid), 0);
    const struct sb_cell *c = box_cell("m", "b");
    box_expect_status(c, "ok");
    assert_int_equal(measured(c, false), 1);
    assert_int_equal(measured(c, true), RUNS);
    for (size_t i = 0; i < c->n_runs; i++)
        if (!c->runs[i].valid)
            assert_string_equal(c->runs[i].reason, "stratobench or the machine was stopped meanwhile");
    assert_true(isfinite(c->launches[0].load_s));
}

static void failed_replies_are_counted(void **state) {
    (void)state;
    BOX_CONFIG("",
               {"b", "env = FAKE_MODE=http-500\nenv = FAKE_FROM=3\nenv = FAKE_TIMES=2\n"});
    assert_int_equal(SB(MEASURE), 0);
    const struct sb_cell *c = box_cell("m", "b");
    assert_int_equal(measured(c, true), RUNS);
    assert_int_equal(c->launches[0].failed_replies, 2);
    box_has(box_row("b"), "asked again after 2 failed replies");
}

/* 5000 tok/s of a model of 300 KB are more than 1 GB/s can read. */
static void drafted_tokens_have_no_bandwidth_limit(void **state) {
    (void)state;
    BOX_CONFIG("bandwidth = 1\n", {"plain", ""},
               {"drafting", "env = FAKE_MODE=drafts\n"});
    assert_int_equal(SB(MEASURE), 1);
    box_expect_status(box_cell("m", "plain"), "invalid");
    box_expect_status(box_cell("m", "drafting"), "ok");
    assert_true(isnan(box_cell("m", "drafting")->tg_limit_share));
    box_has(box_row("drafting"), "60 % of 200 drafted tokens accepted");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_BOX(a_load_in_which_we_were_stopped_has_no_time),
        IN_BOX(a_run_in_which_we_were_stopped_is_made_again),
        IN_BOX(failed_replies_are_counted),
        IN_BOX(drafted_tokens_have_no_bandwidth_limit),
    };
    return BOX_RUN(tests);
}
