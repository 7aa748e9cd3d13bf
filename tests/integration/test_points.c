/* What a cell measures: warm-ups, points, adaptive runs, pauses, and the limits it is held to. */
#include "box.h"

#include <linux/magic.h>
#include <sys/vfs.h>

#include <math.h>
#include <signal.h>

#include "stratobench/base.h"
#include "stratobench/stats.h"

static size_t count_runs(const struct sb_cell *c, bool warmup, int depth) {
    size_t n = 0;
    for (size_t i = 0; i < c->n_runs; i++)
        n += c->runs[i].warmup == warmup && c->runs[i].at.depth == depth;
    return n;
}

static void replace_in_config(const char *expression) {
    assert_int_equal(box_run(ARGS("sed", "-i", expression, "a.ini")), 0);
}

/* ---- warm-up and adaptive runs ------------------------------------------------------------ */

static void warm_up_ends_when_two_in_a_row_agree(void **state) {
    (void)state;
    BOX_CONFIG("", {"b", "env = FAKE_TG=2000,2010,1000\n"});
    replace_in_config("s/^warmup = 1/warmup = auto/");
    assert_int_equal(SB(MEASURE), 0);
    box_expect_ok("m", "b");
    const struct sb_cell *c = box_cell("m", "b");
    assert_int_equal(count_runs(c, true, 0), 2);
    assert_false(sb_strv_has(&c->flags, sb_flag_name(SB_FLAG_NOT_STEADY)));
}

/* Every run 5 % faster than the one before, to the last. */
static void measuring_a_server_that_still_warms_up_is_flagged(void **state) {
    (void)state;
    struct sb_buf env = SB_BUF_INIT(SB_ERR_MAX);
    sb_buf_adds(&env, "env = FAKE_TG=1000");
    double tg = 1000;
    for (int i = 0; i < 60; i++)
        sb_buf_addf(&env, ",%.0f", tg *= 1.05);
    sb_buf_adds(&env, "\n");
    BOX_CONFIG("", {"b", sb_buf_str(&env)});
    sb_buf_release(&env);
    replace_in_config("s/^warmup = 1/warmup = auto/");
    assert_int_equal(SB(MEASURE), 0);
    assert_true(count_runs(box_cell("m", "b"), true, 0) >= 3);
    assert_true(sb_strv_has(&box_cell("m", "b")->flags, sb_flag_name(SB_FLAG_NOT_STEADY)));
    box_has(box_read("a.md"), "NOT_STEADY");
}

static void a_warm_up_that_never_settles_is_noise(void **state) {
    (void)state;
    /* Noise, however long: as many warm-ups as patience has, and no doubt of them. */
    BOX_CONFIG("", {"b", "env = FAKE_TG=1000,2000,1000,2000,1000,2000,1000,2000,1000\n"});
    replace_in_config("s/^warmup = 1/warmup = auto/");
    assert_int_equal(SB(MEASURE), 0);
    const struct sb_cell *c = box_cell("m", "b");
    assert_true(count_runs(c, true, 0) > 3);
    assert_false(sb_strv_has(&c->flags, sb_flag_name(SB_FLAG_NOT_STEADY)));
}

static void until_adds_runs_while_they_disagree(void **state) {
    (void)state;
    BOX_CONFIG("until = 3%\nmax_runs = 6\n", {"still", ""},
               {"noisy", "env = FAKE_TG=2000,2000,1000,2000,1000,2000,1000\n"},
               {"settles", "env = FAKE_TG=2000,2000,1900,1950\n"});
    replace_in_config("s/^until.*/until = 10%/");
    assert_int_equal(SB(MEASURE), 0);
    assert_int_equal(count_runs(box_cell("m", "still"), false, 0), 2);
    assert_int_equal(count_runs(box_cell("m", "noisy"), false, 0), 6);
    size_t settles = count_runs(box_cell("m", "settles"), false, 0);
    assert_true(settles > 2 && settles < 6);
}

/* ---- points ------------------------------------------------------------------------------- */

static void a_depth_is_in_the_context_before_each_of_its_runs(void **state) {
    (void)state;
    BOX_CONFIG("depths = 0 64 200\n", {"b", "device = Vulkan0\n"});
    assert_int_equal(SB(MEASURE), 0);
    const struct sb_cell *c = box_cell("m", "b");
    box_expect_status(c, "ok");
    for (const int *depth = (const int[]){0, 64, 200, -1}; *depth >= 0; depth++) {
        assert_int_equal(count_runs(c, true, *depth), 1);
        assert_int_equal(count_runs(c, false, *depth), 2);
    }
    for (size_t i = 0; i < c->n_runs; i++) {
        assert_true(c->runs[i].valid);
        assert_int_equal(c->runs[i].cache_n, c->runs[i].at.depth);
    }
    box_has(box_read("a.md"), "| 200 |");
}

static void a_server_that_lost_the_prefix_is_not_at_that_depth(void **state) {
    (void)state;
    BOX_CONFIG("depths = 64\n", {"b", "env = FAKE_MODE=cached\n"});
    assert_int_equal(SB(MEASURE), 1);
    box_expect_status(box_cell("m", "b"), "invalid");
    assert_string_equal(box_cell("m", "b")->reason, "7 prompt tokens came from the cache, not 64");
}

static void what_does_not_fit_the_context_is_not_sent(void **state) {
    (void)state;
    assert_int_equal(box_run(ARGS("sh", "-c", "seq 1 600 >p.txt")), 0);
    BOX_CONFIG("", {"b", ""});
    assert_int_equal(SB(MEASURE), 1);
    const struct sb_cell *c = box_cell("m", "b");
    box_expect_status(c, "invalid");
    box_has(c->reason, "tokens (depth, prompt, n_predict) do not fit ctx 512");
    assert_int_equal(c->n_runs, 0);
    box_has_not(box_read("a.logs/m--b--1.log"), "task ");
}

/* ---- pauses ------------------------------------------------------------------------------- */

static void a_pause_comes_before_the_launch_and_each_run(void **state) {
    (void)state;
    BOX_CONFIG("cooldown = 0.2\n", {"b", ""});
    assert_int_equal(SB(MEASURE, "--verbose"), 0);
    box_expect_ok("m", "b");
    size_t pauses = 0;
    for (const char *at = box_read("err"); (at = strstr(at, ": cool-down")); at++)
        pauses++;
    assert_int_equal(pauses, 3);
    assert_true(box_results("a.json")->bench.cooldown_s == 0.2);
}

static void what_the_pauses_were_is_in_the_results(void **state) {
    (void)state;
    BOX_CONFIG("cooldown = auto\n", {"b", ""});
    assert_int_equal(SB(MEASURE), 0);
    assert_true(box_results("a.json")->bench.cooldown_s == SB_COOLDOWN_AUTO);
    BOX_CONFIG("", {"b", ""});
    assert_int_equal(SB(MEASURE, "--force"), 0);
    assert_true(box_results("a.json")->bench.cooldown_s == 0);
    box_has_not(box_read("a.json"), "cooldown"); /* as in files from before */
}

static void a_signal_ends_a_pause(void **state) {
    (void)state;
    BOX_CONFIG("cooldown = 3600\n", {"b", ""});
    pid_t pid = box_start(ARGS(STRATOBENCH, MEASURE, "--verbose"));
    box_await("a.json", "\"status\": \"pending\"");
    usleep(100 * 1000);
    kill(pid, SIGTERM);
    assert_int_equal(box_wait(pid), 128 + SIGTERM);
    box_nothing_left();
    box_has(box_read("err"), "--resume");
}

/* ---- limits ------------------------------------------------------------------------------- */

static void no_model_is_read_faster_than_memory(void **state) {
    (void)state;
    BOX_CONFIG("", {"slow", "bandwidth = 0.5\n"}, {"fast", "bandwidth = 100000\n"},
               {"unknown", ""});
    assert_int_equal(SB(MEASURE), 1);
    const struct sb_cell *slow = box_cell("m", "slow"), *fast = box_cell("m", "fast");
    box_expect_status(slow, "invalid");
    box_has(slow->reason, "TG is ");
    assert_true(slow->tg_limit_share > 1);
    box_expect_ok("m", "fast");
    assert_true(fast->tg_limit_share > 0 && fast->tg_limit_share < 0.01);
    assert_true(isnan(box_cell("m", "unknown")->tg_limit_share));
}

/* On tmpfs the page cache is the file. */
static void a_cold_load_is_one_without_the_page_cache(void **state) {
    (void)state;
    struct statfs fs;
    if (statfs(".", &fs) == 0 && fs.f_type == TMPFS_MAGIC)
        skip();
    BOX_CONFIG("load = cold\n", {"b", ""});
    assert_int_equal(SB(MEASURE), 0);
    const struct sb_cell *c = box_cell("m", "b");
    assert_int_equal(c->n_launches, 1);
    double share = c->launches[0].cached_share;
    assert_true(share >= 0 && share < 0.05);
    assert_int_equal(box_run(ARGS("cat", "m.gguf")), 0);
    BOX_CONFIG("", {"b", ""});
    assert_int_equal(SB(MEASURE, "--force"), 0);
    assert_true(box_cell("m", "b")->launches[0].cached_share > 0.9);
}

static void a_partial_offload_is_a_note(void **state) {
    (void)state;
    BOX_CONFIG("", {"b", "device = Vulkan0\nenv = FAKE_MODE=partial\n"});
    assert_int_equal(SB(MEASURE), 0);
    const struct sb_cell *c = box_cell("m", "b");
    assert_true(c->backend.n_device_seen >= 2);
    box_has(box_row("b"), "of the weights on the CPU");
}

static void an_object_is_no_list_of_tokens(void **state) {
    (void)state;
    BOX_CONFIG("", {"b", "env = FAKE_MODE=token-object\n"});
    assert_int_equal(SB(MEASURE), 1);
    box_expect_status(box_cell("m", "b"), "failed");
    assert_string_equal(box_cell("m", "b")->reason, "bad reply to /tokenize: no token ids");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_BOX(warm_up_ends_when_two_in_a_row_agree),
        IN_BOX(measuring_a_server_that_still_warms_up_is_flagged),
        IN_BOX(a_warm_up_that_never_settles_is_noise),
        IN_BOX(until_adds_runs_while_they_disagree),
        IN_BOX(a_depth_is_in_the_context_before_each_of_its_runs),
        IN_BOX(a_server_that_lost_the_prefix_is_not_at_that_depth),
        IN_BOX(what_does_not_fit_the_context_is_not_sent),
        IN_BOX(a_pause_comes_before_the_launch_and_each_run),
        IN_BOX(what_the_pauses_were_is_in_the_results),
        IN_BOX(a_signal_ends_a_pause),
        IN_BOX(no_model_is_read_faster_than_memory),
        IN_BOX(a_cold_load_is_one_without_the_page_cache),
        IN_BOX(a_partial_offload_is_a_note),
        IN_BOX(an_object_is_no_list_of_tokens),
    };
    return BOX_RUN(tests);
}
