/* The harness is told to end, or ends without being told: what was finished is kept, what was not
 * can be resumed, and no server outlives it. */
#include "box.h"

#include <fcntl.h>
#include <signal.h>

#define HANG "env = FAKE_MODE=hang\nenv = FAKE_FROM=3\n" /* after two runs */

static pid_t start_matrix_with(const char *middle) {
    BOX_CONFIG("cooldown = 0\n", {"first", ""}, {"middle", middle}, {"last", ""});
    return box_start(ARGS(STRATOBENCH, MEASURE));
}

/* The middle backend, mended, is measured; the first keeps its figures. */
static void expect_resume_completes(double load_s_before) {
    BOX_CONFIG("", {"first", ""}, {"middle", ""}, {"last", ""});
    assert_int_equal(SB(MEASURE, "--resume"), 0);
    box_has(box_read("err"), "1 of 3 cells kept");
    box_nothing_left();
    for (const char *const *id = ARGS("first", "middle", "last"); *id; id++)
        box_expect_ok("m", *id);
    assert_true(box_cell("m", "first")->load_s == load_s_before);
}

static void expect_first_alone(void) {
    box_expect_ok("m", "first");
    for (const char *const *id = ARGS("middle", "last"); *id; id++)
        box_expect_status(box_cell("m", *id), "pending");
}

static void a_signal_ends_it_in_order(void **state) {
    int sig = *(const int *)*state;
    pid_t pid = start_matrix_with(HANG);
    box_await_server("a.logs/m--middle--1.log", "task 3 ");
    kill(pid, sig);
    assert_int_equal(box_wait(pid), 128 + sig);
    box_nothing_left();
    box_has(box_read("err"), box_text("interrupted (SIG%s): 1 of 3 cells are done and saved\n"
                                      "resume with: ",
                                      sigabbrev_np(sig)));
    expect_first_alone();
    assert_int_equal(box_cell("m", "middle")->n_runs, 0); /* nothing half-measured */
    box_has(box_row("first"), "±");
    box_has(box_row("middle"), "| — | — | — |");
    expect_resume_completes(box_cell("m", "first")->load_s);
}

static void a_death_without_order_leaves_no_server(void **state) {
    int sig = *(const int *)*state;
    pid_t pid = start_matrix_with("env = FAKE_MODE=hang,ignore-term,grandchild\n");
    box_await_server("a.logs/m--middle--1.log", "task 1 ");
    kill(pid, sig);
    assert_int_equal(box_wait(pid), 128 + sig);
    box_nothing_left_soon();
    expect_first_alone();
    box_has(box_read("a.md"), "| first |");
    expect_resume_completes(box_cell("m", "first")->load_s);
}

/* Wherever it waits. */
static void any_wait_can_be_interrupted(void **state) {
    (void)state;
    static const struct {
        const char *bench, *lines, *file, *text;
    } waits[] = {
        {"", "env = FAKE_MODE=never-ready\n", "a.logs/m--b--1.log", ""},
        {"", "env = FAKE_MODE=deaf\n", "a.logs/m--b--1.log", ""},
        {"cooldown = 300\n", "", "err", "cool-down"},
    };
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        BOX_CONFIG(waits[i].bench, {"b", waits[i].lines});
        pid_t pid = box_start(ARGS(STRATOBENCH, MEASURE, "--verbose", "--force"));
        box_await("err", *waits[i].text ? waits[i].text : "load");
        kill(pid, SIGINT);
        assert_int_equal(box_wait(pid), 130);
        box_nothing_left();
    }
}

static void interrupted_before_anything_was_launched(void **state) {
    (void)state;
    box_write("server", "#!/bin/sh\ntouch asked\nexec sleep 1000\n");
    assert_int_equal(box_run(ARGS("chmod", "+x", "server")), 0);
    BOX_CONFIG("", {"b", ""});
    box_write("a.ini", "%s[backend b]\nserver = ./server\n[model m]\npath = m.gguf\n",
              box_bench(""));
    pid_t pid = box_start(ARGS(STRATOBENCH, MEASURE));
    while (access("asked", F_OK) < 0)
        usleep(2000);
    kill(pid, SIGTERM);
    assert_int_equal(box_wait(pid), 128 + SIGTERM);
    assert_true(access("a.json", F_OK) < 0);
    box_nothing_left();
}

/* A server that ignores TERM has 10 s; a second Ctrl-C does not wait for them. */
static void a_second_interrupt_kills_at_once(void **state) {
    (void)state;
    pid_t pid = start_matrix_with("env = FAKE_MODE=hang,ignore-term\n");
    box_await_server("a.logs/m--middle--1.log", "task 1 ");
    double asked_s = sb_now_s();
    kill(pid, SIGINT);
    box_await("err", "interrupted: ending the server"); /* the first is acknowledged at once */
    kill(pid, SIGINT);
    assert_int_equal(box_wait(pid), 130);
    assert_true(sb_now_s() - asked_s < 9);
    box_nothing_left();
    expect_first_alone();
}

static void ignore_hangup(void) {
    signal(SIGHUP, SIG_IGN);
}

/* nohup, and shells that start a job in the background, mean it. */
static void a_signal_that_was_ignored_stays_ignored(void **state) {
    (void)state;
    BOX_CONFIG("", {"b", "env = FAKE_MODE=slow-load:1\n"});
    pid_t pid = box_start_after(ignore_hangup, ARGS(STRATOBENCH, MEASURE, "--verbose"));
    box_await("err", "load");
    kill(pid, SIGHUP);
    assert_int_equal(box_wait(pid), 0);
    box_expect_ok("m", "b");
}

static void a_server_killed_by_hand_costs_its_cell_alone(void **state) {
    (void)state;
    /* The server is killed by hand, the harness by nobody: the matrix goes on. */
    pid_t pid = start_matrix_with(HANG);
    kill(box_await_server("a.logs/m--middle--1.log", "task 3 "), SIGKILL);
    assert_int_equal(box_wait(pid), 1);
    box_nothing_left();
    const struct sb_cell *c = box_cell("m", "middle");
    box_expect_status(c, "failed");
    assert_string_equal(c->reason, "server died");
    box_has(c->detail, "signal 9 (SIGKILL)");
    box_expect_ok("m", "first");
    box_expect_ok("m", "last");
}

#define WITH_SIGNAL(test, sig)                                                                     \
    {                                                                                              \
#test " " #sig, test, box_setup, box_teardown, (int[]) {                                   \
            sig                                                                                    \
        }                                                                                          \
    }

static int deaf[2]; /* a pipe that nobody reads */

static void speak_to_the_deaf(void) {
    static const char filler[4096];
    fcntl(deaf[1], F_SETFL, O_NONBLOCK);
    while (write(deaf[1], filler, sizeof filler) > 0)
        ;
    fcntl(deaf[1], F_SETFL, 0);
    if (dup2(deaf[1], STDOUT_FILENO) < 0 || dup2(deaf[1], STDERR_FILENO) < 0)
        _exit(126);
}

/* The screen holds nothing up: all is measured and on disk, and then a signal still ends it. */
static void a_screen_that_nobody_reads_holds_nothing_up(void **state) {
    (void)state;
    BOX_CONFIG("", {"a", ""}, {"b", ""});
    assert_int_equal(pipe(deaf), 0);
    pid_t pid = box_start_after(speak_to_the_deaf, ARGS(STRATOBENCH, MEASURE, "--verbose"));
    box_await("a.svg", "</svg>"); /* drawn when all is measured */
    box_await("a.md", "a.svg");
    box_expect_ok("m", "b");
    kill(pid, SIGTERM);
    assert_int_equal(box_wait(pid), 128 + SIGTERM);
    close(deaf[0]);
    close(deaf[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_SIGNAL(a_signal_ends_it_in_order, SIGINT),
        WITH_SIGNAL(a_signal_ends_it_in_order, SIGTERM),
        WITH_SIGNAL(a_signal_ends_it_in_order, SIGHUP),
        WITH_SIGNAL(a_death_without_order_leaves_no_server, SIGKILL),
        WITH_SIGNAL(a_death_without_order_leaves_no_server, SIGABRT),
        IN_BOX(any_wait_can_be_interrupted),
        IN_BOX(interrupted_before_anything_was_launched),
        IN_BOX(a_second_interrupt_kills_at_once),
        IN_BOX(a_signal_that_was_ignored_stays_ignored),
        IN_BOX(a_server_killed_by_hand_costs_its_cell_alone),
        IN_BOX(a_screen_that_nobody_reads_holds_nothing_up),
    };
    return BOX_RUN(tests);
}
