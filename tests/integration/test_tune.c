/* Settings that are tried before a cell is measured: what is launched, what is taken, what is kept. */
#include "box.h"

#include <signal.h>
#include <unistd.h>

#include "stratobench/base.h"
#include "stratobench/results_tune.h"

#define UBATCHES "tune = ubatch 128 256 512\n"
/* 256 is the only one that is neither slow nor dead. */
#define ONE_IS_BEST "env = FAKE_MODE=slow-at:ubatch=128,dies-at:ubatch=512\n"

static const struct sb_try *tried(const struct sb_cell *c, const char *key, const char *value) {
    const struct sb_try *t = sb_cell_try(c, key, value);
    if (!t)
        fail_msg("%s %s was not tried", key, value);
    return t;
}

static void expect_chosen(const struct sb_cell *c, const char *key, const char *value) {
    const struct sb_try *t = sb_cell_chosen(c, key);
    assert_non_null(t);
    assert_string_equal(t->value, value);
}

/* The option of the measured launch, or NULL. */
static const char *option(const struct sb_cell *c, const char *name) {
    for (size_t i = 0; i + 1 < c->backend.argv.n; i++)
        if (strcmp(c->backend.argv.item[i], name) == 0)
            return c->backend.argv.item[i + 1];
    return NULL;
}

static void the_best_value_is_measured_and_named(void **state) {
    (void)state;
    BOX_CONFIG("launches = 2\n", {"a", UBATCHES ONE_IS_BEST "tune = threads 2 4\n"}, {"b", ""});
    assert_int_equal(SB("check", "a.ini"), 0);
    box_has(box_read("out"), "first tunes ubatch 128 256 512: a short launch each");
    box_has(box_read("out"), "first tunes threads 2 4: a short launch each");
    box_has(box_read("out"), "9 launches, "); /* five values, and two each */
    box_has(box_read("out"), "5 of them are short ones that try values");
    assert_int_equal(SB(MEASURE, "-v"), 0);
    const struct sb_cell *a = box_cell("m", "a"), *b = box_cell("m", "b");
    box_expect_status(a, "ok");
    assert_int_equal(a->n_tried, 5);
    assert_int_equal(a->n_launches, 2);
    assert_int_equal(a->n_runs, 2 * 3); /* none of those that tried */
    assert_int_equal(tried(a, "ubatch", "128")->n_runs, 1 + SB_TRY_RUNS);
    assert_string_equal(tried(a, "ubatch", "512")->reason, "server died");
    assert_true(tried(a, "ubatch", "256")->load_s > 0);
    expect_chosen(a, "ubatch", "256");
    expect_chosen(a, "threads", "2"); /* a tie */
    assert_string_equal(option(a, "-ub"), "256");
    assert_string_equal(option(a, "-t"), "2");
    assert_null(option(b, "-ub"));
    assert_int_equal(b->n_tried, 0);
    box_has(box_row("a"), "tuned: ubatch 256; tuned: threads 2");
    box_has_not(box_row("b"), "tuned");
    box_has(box_read("a.md"), "| a | ubatch 512 | — | — | — | cannot be taken: server died |");
    box_has(box_read("a.md"), "| a | ubatch 256 | 20000.0 ±0.0 |");
    box_has(box_read("a.logs/m--a--tune-ubatch-256.log"), "listening on");
    box_has(box_read("err"), "[1/9] m / a: tuning, load");
    box_has(box_read("err"), "[9/9] m / ");
    assert_int_equal(SB("rank", "a.json"), 0);
    box_has(
        box_read("out"),
        "Not like with like: ubatch (a 256; b 512; tuned), threads (a 2; b its own choice; tuned)");
    /* The next estimate knows them. */
    assert_int_equal(SB("check", "a.ini"), 0);
    box_has(box_read("out"), " for 9 of 9 launches, by the times in a.json");
}

static void resume_keeps_a_choice(void **state) {
    (void)state;
    BOX_CONFIG(UBATCHES, {"a", ONE_IS_BEST});
    assert_int_equal(SB(MEASURE), 0);
    char *before = box_text("%s", box_cell("m", "a")->fingerprint);
    assert_int_equal(SB(MEASURE, "--resume"), 0);
    box_has(box_read("err"), "1 of 1 cells kept");
    assert_string_equal(box_cell("m", "a")->fingerprint, before);

    BOX_CONFIG("tune = ubatch 128 256\n", {"a", ONE_IS_BEST});
    assert_int_equal(SB(MEASURE, "--resume"), 0);
    box_has(box_read("err"), "0 of 1 cells kept");
    assert_int_equal(box_cell("m", "a")->n_tried, 2);
    expect_chosen(box_cell("m", "a"), "ubatch", "256");

    BOX_CONFIG("", {"a", ONE_IS_BEST});
    assert_int_equal(SB(MEASURE, "--resume"), 0);
    assert_int_equal(box_cell("m", "a")->n_tried, 0);
    assert_null(option(box_cell("m", "a"), "-ub"));

    BOX_CONFIG("tune = ubatch 128 256\n", {"a", "env = FAKE_MODE=hang\n"});
    assert_int_equal(unlink("a.logs/m--a--tune-ubatch-128.log"), 0); /* of the last one */
    pid_t pid = box_start(ARGS(STRATOBENCH, MEASURE, "--resume"));
    box_await_server("a.logs/m--a--tune-ubatch-128.log", "listening on");
    kill(pid, SIGINT);
    assert_int_equal(box_wait(pid), 130);
    box_has(box_cell("m", "a")->kept, "measured before a change (not tuned)");
}

/* Ctrl-C in the second value: the first is not tried again, and nothing of the second is kept. */
static void what_was_tried_is_not_tried_again(void **state) {
    (void)state;
    box_write("server", "#!/bin/sh\ncase \"$* $(ls go 2>&1)\" in *'-ub 256'*cannot*) exec sleep "
                        "1000;; esac\nexec " FAKE " \"$@\"\n");
    assert_int_equal(box_run(ARGS("chmod", "+x", "server")), 0);
    box_write("a.ini", "%s[backend a]\nserver = ./server\n" UBATCHES "[model m]\npath = m.gguf\n",
              box_bench(""));
    pid_t pid = box_start(ARGS(STRATOBENCH, MEASURE, "-v"));
    box_await("err", "[2/4] m / a: tuning, load");
    kill(pid, SIGINT);
    assert_int_equal(box_wait(pid), 130);
    const struct sb_cell *c = box_cell("m", "a");
    box_expect_status(c, "pending");
    assert_int_equal(c->n_tried, 1);
    double first = c->tried[0].runs[0].wall_ms;
    box_write("go", "%s", "");
    assert_int_equal(SB(MEASURE, "--resume", "-v"), 0);
    c = box_cell("m", "a");
    assert_int_equal(c->n_tried, 3);
    assert_true(c->tried[0].runs[0].wall_ms == first);
    box_has(box_read("err"), "[1/3] m / a: tuning, load");
    expect_chosen(c, "ubatch", "128"); /* all of them are as fast */
}

static void a_value_that_lies_is_not_taken(void **state) {
    (void)state;
    BOX_CONFIG(UBATCHES, {"a", "env = FAKE_MODE=lies-at:ubatch=128\n"},
               {"b", "env = FAKE_MODE=slow-at:ubatch=256,on-cpu\ndevice = Vulkan0\n"});
    assert_int_equal(SB(MEASURE), 1);
    const struct sb_cell *a = box_cell("m", "a"), *b = box_cell("m", "b");
    box_has(tried(a, "ubatch", "128")->reason, "server claims ");
    expect_chosen(a, "ubatch", "256");
    /* Where none can be taken the cell fails, and says why. */
    box_expect_status(b, "failed");
    assert_int_equal(b->n_launches, 0);
    box_has(box_row("b"), "ERROR: no ubatch can be taken: ran on CPU, not Vulkan0");
    box_has(b->detail, "ubatch 128: ran on CPU, not Vulkan0\nubatch 256: ran on CPU");
    box_has(box_read("a.md"),
            "| b | ubatch 128 | — | — | — | cannot be taken: ran on CPU, not Vulkan0 |");
}

static void noise_is_measured_longer_and_said(void **state) {
    (void)state;
    BOX_CONFIG("tune = ubatch 128 256\n",
               {"a", "env = FAKE_PP=20000,20000,10000,20000,10000,20000,10000,20000\n"});
    assert_int_equal(SB(MEASURE), 0);
    const struct sb_cell *c = box_cell("m", "a");
    assert_int_equal(tried(c, "ubatch", "128")->n_runs, 1 + SB_TRY_MOST_RUNS);
    box_has(box_row("a"), "tuned: ubatch 128 (noisy)");
    box_has(box_read("a.md"), "**taken**, noisy");
}

static void what_cannot_be_tuned_is_not_launched(void **state) {
    (void)state;
    BOX_CONFIG("tune = threads 2 4\ntune = flash_attn on auto\n", {"args", "args = --threads 8\n"},
               {"old", "env = FAKE_HELP=old\n"}, {"ok", ""});
    assert_int_equal(SB("check", "a.ini"), 1);
    box_has(box_read("out"), "a.ini:13: 'tune' tries threads, and args come last and win");
    assert_int_equal(SB(MEASURE), 1);
    box_has(box_row("args"), "SKIPPED: args set threads, which is tuned");
    box_has(box_row("old"), "SKIPPED: this build cannot express flash_attn");
    box_expect_ok("m", "ok");
    assert_string_equal(option(box_cell("m", "ok"), "-fa"), "on");
}

/* Keys of a backend, too, without any tuning. */
static void batches_are_keys(void **state) {
    (void)state;
    BOX_CONFIG("", {"a", "batch = 1024\nubatch = 256\n"});
    assert_int_equal(SB(MEASURE), 0);
    const struct sb_cell *c = box_cell("m", "a");
    assert_string_equal(option(c, "-b"), "1024");
    assert_string_equal(option(c, "-ub"), "256");
    assert_true(sb_strv_has(&c->fingerprint_of, "ubatch=256") &&
                sb_strv_has(&c->fingerprint_of, "batch=1024"));
}

static void another_choice_is_another_condition(void **state) {
    (void)state;
    BOX_CONFIG(UBATCHES, {"a", ONE_IS_BEST});
    assert_int_equal(SB(MEASURE), 0);
    assert_int_equal(rename("a.json", "was.json"), 0);
    BOX_CONFIG(UBATCHES, {"a", "env = FAKE_MODE=slow-at:ubatch=128,dies-at:ubatch=256\n"});
    assert_int_equal(SB(MEASURE, "--force"), 0);
    expect_chosen(box_cell("m", "a"), "ubatch", "512");
    assert_int_equal(SB("compare", "was.json", "a.json"), 3);
    box_has(box_read("out"), "ubatch: 256 → 512");
    assert_int_equal(SB("report", "was.json", "a.json"),
                     0); /* the newer stands, with what it tried */
    box_has(box_read("out"), "| a | ubatch 256 | — | — | — | cannot be taken: server died |");
}

static void a_cluster_tunes_as_the_config_says(void **state) {
    (void)state;
    BOX_CONFIG(UBATCHES, {"a", ""});
    assert_int_equal(SB("k8s", "a.ini", "--image", "registry.example/i:1", "-o", "-"), 0);
    box_has(box_read("out"), "tune = ubatch 128 256 512\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_BOX(the_best_value_is_measured_and_named),
        IN_BOX(resume_keeps_a_choice),
        IN_BOX(what_was_tried_is_not_tried_again),
        IN_BOX(a_value_that_lies_is_not_taken),
        IN_BOX(noise_is_measured_longer_and_said),
        IN_BOX(what_cannot_be_tuned_is_not_launched),
        IN_BOX(batches_are_keys),
        IN_BOX(another_choice_is_another_condition),
        IN_BOX(a_cluster_tunes_as_the_config_says),
    };
    return BOX_RUN(tests);
}
