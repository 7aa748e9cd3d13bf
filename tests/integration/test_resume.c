/* `run --resume` and `--force`: no result goes but for one that was measured in its place. */
#include "box.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>

static char *config(const char *bench, const char *server, const char *lines) {
    return box_text("%s[backend a]\nserver = %s\n%s[model m]\npath = m.gguf\n", box_bench(bench),
                    server, lines);
}

/* A server of our own folder, that can be moved away. */
static void own_server(const char *bench) {
    box_write("server", "#!/bin/sh\nexec " FAKE " \"$@\"\n");
    assert_int_equal(chmod("server", 0755), 0);
    box_write("a.ini", "%s", config(bench, "./server", ""));
}

static void expect_same_runs(const struct sb_cell *a, const struct sb_cell *b) {
    assert_int_equal(a->n_runs, b->n_runs);
    for (size_t i = 0; i < a->n_runs; i++)
        assert_true(a->runs[i].wall_ms == b->runs[i].wall_ms);
}

/* An unmounted disk, a build that is being replaced. */
static void what_cannot_be_read_now_keeps_its_figures(void **state) {
    (void)state;
    for (const char *const *file = ARGS("m.gguf", "server"); *file; file++) {
        bool model = **file == 'm';
        own_server("");
        assert_int_equal(SB(MEASURE, "--force"), 0);
        const struct sb_cell *before = box_cell("m", "a");
        assert_int_equal(rename(*file, "away"), 0);
        assert_int_equal(SB(MEASURE, "--resume"), 0);
        const struct sb_cell *c = box_cell("m", "a");
        box_expect_status(c, "ok");
        expect_same_runs(before, c);
        const char *why = model ? "not looked at again: model file missing"
                                : "not looked at again: binary not found";
        assert_string_equal(c->kept, why);
        box_has(box_read("err"), why);
        box_has(box_read("a.md"), why);

        assert_int_equal(rename("away", *file), 0);
        assert_int_equal(SB(MEASURE, "--resume"), 0);
        box_has(box_read("err"), "1 of 1 cells kept");
        assert_null(box_cell("m", "a")->kept);
        expect_same_runs(before, box_cell("m", "a"));
    }
}

/* Other settings, and Ctrl-C before anything was measured with them. */
static void an_old_result_stands_until_a_new_one_has_ended(void **state) {
    (void)state;
    box_write("a.ini", "%s", config("", FAKE, ""));
    assert_int_equal(SB(MEASURE), 0);
    const struct sb_cell *before = box_cell("m", "a");
    for (const char *const *bench = ARGS("launches = 2\n", "header = A: b\n"); *bench; bench++) {
        bool same = **bench == 'h';
        box_write("a.ini", "%s",
                  config(*bench, FAKE,
                         same ? "threads = 3\nenv = FAKE_MODE=hang\n" : "env = FAKE_MODE=hang\n"));
        assert_int_equal(unlink("a.logs/m--a--1.log"), 0); /* of the last one */
        pid_t pid = box_start(ARGS(STRATOBENCH, MEASURE, "--resume"));
        box_await_server("a.logs/m--a--1.log", "task 1 ");
        expect_same_runs(before, box_cell("m", "a")); /* in the file, all the while */
        kill(pid, SIGINT);
        assert_int_equal(box_wait(pid), 130);
        const struct sb_cell *c = box_cell("m", "a");
        box_expect_status(c, "ok");
        expect_same_runs(before, c);
        box_has(c->kept, "measured before a change");
    }
    /* What stood is not taken for a result of the new settings. */
    box_write("a.ini", "%s", config("launches = 2\n", FAKE, ""));
    assert_int_equal(SB(MEASURE, "--resume"), 0);
    assert_int_equal(box_cell("m", "a")->n_launches, 2);
    assert_null(box_cell("m", "a")->kept);
}

static void the_file_before_is_kept(void **state) {
    (void)state;
    box_write("a.ini", "%s", config("", FAKE, ""));
    assert_int_equal(SB(MEASURE), 0);
    assert_int_equal(access("a.json~", F_OK), -1);
    char *before = box_read("a.json");
    for (const char *const *option = ARGS("--resume", "--force"); *option; option++) {
        assert_int_equal(SB(MEASURE, *option), 0);
        assert_string_equal(box_read("a.json~"), before);
        before = box_read("a.json");
    }
}

/* The standard output of the last program, as a log: the rows of a cell that `report` finds in it.
 */
static void expect_rows_of_log(const char *backend, size_t want) {
    assert_int_equal(rename("out", "log"), 0);
    assert_int_equal(SB("report", "--format", "csv", "log"), 0);
    char *cell = box_text(",%s,%s,", backend, backend);
    size_t n = 0;
    for (const char *at = box_read("out"); (at = strstr(at, cell)); at++)
        n++;
    assert_int_equal(n, want);
}

/* Killed before the new result has ended, what stood is in the log, too. */
static void what_stands_is_in_the_log(void **state) {
    (void)state;
    BOX_CONFIG("", {"x", ""}, {"y", ""});
    assert_int_equal(SB(MEASURE), 0);
    size_t n = box_cell("m", "y")->n_runs;
    assert_int_equal(unlink("a.logs/m--y--1.log"), 0);
    BOX_CONFIG("", {"x", "threads = 3\n"}, {"y", "threads = 3\nenv = FAKE_MODE=hang\n"});
    pid_t pid = box_start(ARGS(STRATOBENCH, MEASURE, "--resume", "--log-results"));
    box_await_server("a.logs/m--y--1.log", "task 1 ");
    kill(pid, SIGKILL);
    assert_int_equal(box_wait(pid), 128 + SIGKILL);
    box_nothing_left_soon();
    expect_rows_of_log("y", n);
}

/* The power goes out in the second launch: the first is not made again. */
static void launches_that_ended_are_kept(void **state) {
    (void)state;
    box_write("server",
              "#!/bin/sh\n[ -e slow ] && [ ! -e mended ] && export FAKE_MODE=slow-load:100\n"
              "case $1 in --port|-m|--model|--host) touch slow;; esac\n"
              "exec " FAKE " \"$@\"\n");
    assert_int_equal(chmod("server", 0755), 0);
    box_write("a.ini", "%s", config("launches = 2\n", "./server", ""));
    pid_t pid = box_start(ARGS(STRATOBENCH, MEASURE, "--verbose", "--log-results"));
    box_await("out", "[2/2] m / a: load"); /* what is said is in the same stream as the results */
    kill(pid, SIGKILL);
    assert_int_equal(box_wait(pid), 128 + SIGKILL);
    box_nothing_left_soon();
    const struct sb_cell *before = box_cell("m", "a");
    box_expect_status(before, "pending");
    assert_int_equal(before->n_launches, 1);
    expect_rows_of_log("a", before->n_runs);

    box_write("mended", "%s", "");
    assert_int_equal(SB(MEASURE, "--resume"), 0);
    const struct sb_cell *c = box_cell("m", "a");
    box_expect_status(c, "ok");
    assert_int_equal(c->n_launches, 2);
    assert_true(c->launches[0].load_s == before->launches[0].load_s);
}

/* As `before`, launch by launch. */
static void expect_same_launches(const struct sb_cell *before, const struct sb_cell *c) {
    assert_true(c->n_launches >= before->n_launches);
    for (size_t i = 0; i < before->n_launches; i++)
        assert_true(c->launches[i].load_s == before->launches[i].load_s);
    for (size_t i = 0; i < before->n_runs; i++)
        assert_true(c->runs[i].wall_ms == before->runs[i].wall_ms);
}

/* The third launch hangs until there is a file "mended". */
static void hanging_server(void) {
    box_write("server", "#!/bin/sh\n"
                        "case $1 in --port|-m|--model|--host) echo >>count; esac\n"
                        "[ -e count ] && [ ! -e mended ] && [ $(wc -l <count) -ge 3 ] && "
                        "export FAKE_MODE=slow-load:100\n"
                        "exec " FAKE " \"$@\"\n");
    assert_int_equal(chmod("server", 0755), 0);
}

static void want_launches(int n) {
    box_write("a.ini", "%s", config(box_text("launches = %d\n", n), "./server", ""));
}

/* `launches = 1` becomes 3: two are made, and what there is stands all the while. */
static void more_launches_are_added(void **state) {
    (void)state;
    hanging_server();
    want_launches(1);
    assert_int_equal(SB(MEASURE), 0);
    const struct sb_cell *one = box_cell("m", "a");
    want_launches(3);
    pid_t pid = box_start(ARGS(STRATOBENCH, MEASURE, "--resume"));
    box_await("count", "\n\n\n");
    kill(pid, SIGKILL);
    assert_int_equal(box_wait(pid), 128 + SIGKILL);
    box_nothing_left_soon();
    const struct sb_cell *two = box_cell("m", "a");
    box_expect_status(two, "ok");
    assert_int_equal(two->n_launches, 2);
    assert_int_equal(two->pp_tps.n, 2 * one->pp_tps.n);
    expect_same_launches(one, two);

    box_write("mended", "%s", "");
    assert_int_equal(SB(MEASURE, "--resume"), 0);
    box_has(box_read("err"), "1 ok cells keep the launches that they had and go on");
    const struct sb_cell *three = box_cell("m", "a");
    box_expect_status(three, "ok");
    assert_int_equal(three->n_launches, 3);
    assert_int_equal(three->pp_tps.n, 3 * one->pp_tps.n);
    expect_same_launches(two, three);
    assert_null(three->kept);
    assert_int_equal(SB(MEASURE, "--resume"), 0);
    box_has(box_read("err"), "1 of 1 cells kept");
}

/* An unfinished one, too, goes on when more are wanted. */
static void more_launches_of_an_unfinished_cell(void **state) {
    (void)state;
    hanging_server();
    want_launches(4);
    pid_t pid = box_start(ARGS(STRATOBENCH, MEASURE));
    box_await("count", "\n\n\n");
    kill(pid, SIGINT);
    assert_int_equal(box_wait(pid), 130);
    const struct sb_cell *two = box_cell("m", "a");
    box_expect_status(two, "pending");
    assert_int_equal(two->n_launches, 2);
    box_write("mended", "%s", "");
    want_launches(3);
    assert_int_equal(SB(MEASURE, "--resume"), 0);
    assert_int_equal(box_cell("m", "a")->n_launches, 3);
    expect_same_launches(two, box_cell("m", "a"));
}

/* Copied from the screen into another folder, with a PATH on which no server is. */
static void the_command_that_is_printed_works_as_printed(void **state) {
    (void)state;
    assert_int_equal(mkdir("my servers", 0755), 0);
    assert_int_equal(symlink(FAKE, "my servers/llama-fake"), 0);
    box_write("a.ini", "%s", config("", "llama-fake", "env = FAKE_MODE=hang\n"));
    char *here = getcwd(NULL, 0);
    char *path = box_text("PATH=%s/my servers:%s", here, getenv("PATH"));
    free(here);
    pid_t pid = box_start(ARGS("env", path, STRATOBENCH, MEASURE, "-o", "it's a"));
    box_await_server("it's a.logs/m--a--1.log", "task 1 ");
    kill(pid, SIGINT);
    assert_int_equal(box_wait(pid), 130);
    const char *at = strstr(box_read("err"), "resume with: ");
    assert_non_null(at);
    at += strlen("resume with: ");
    char *command = box_text("cd / && %.*s", (int)strcspn(at, "\n"), at);
    box_write("a.ini", "%s", config("", "llama-fake", ""));
    assert_int_equal(box_run(ARGS("sh", "-c", command)), 0);
    box_has(box_read("it's a.md"), "| a |");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_BOX(what_cannot_be_read_now_keeps_its_figures),
        IN_BOX(an_old_result_stands_until_a_new_one_has_ended),
        IN_BOX(the_file_before_is_kept),
        IN_BOX(launches_that_ended_are_kept),
        IN_BOX(more_launches_are_added),
        IN_BOX(more_launches_of_an_unfinished_cell),
        IN_BOX(what_stands_is_in_the_log),
        IN_BOX(the_command_that_is_printed_works_as_printed),
    };
    return BOX_RUN(tests);
}
