/* The figures of a cell, from its runs. */
#include <math.h>

#include "results_fixture.h"
#include "results_json.h"

static void only_valid_measured_runs_count(void **state) {
    (void)state;
    struct sb_cell c = sb_cell_empty();
    fixture_run(&c, 1, 0, 1, 1);
    c.runs[0].warmup = true;
    fixture_run(&c, 1, 0, 2, 2);
    c.runs[1].valid = false;
    fixture_run(&c, 1, 0, 100, 20);
    fixture_run(&c, 1, 0, 102, NAN);
    size_t n;
    double *x = sb_cell_values(&c, SB_PP, (struct sb_at){.slots = 1}, 0, &n);
    assert_true(n == 2 && x[0] == 100 && x[1] == 102);
    free(x);
    x = sb_cell_values(&c, SB_TG, (struct sb_at){.slots = 1}, 1, &n);
    assert_true(n == 1 && x[0] == 20);
    free(x);
    free(sb_cell_values(&c, SB_TG, (struct sb_at){.slots = 1}, 2, &n));
    assert_int_equal(n, 0);
    sb_cell_summarize(&c);
    assert_true(c.pp_tps.n == 2 && c.pp_tps.mean == 101 && c.tg_tps.n == 1);
    assert_int_equal(c.flags.n, 0);
    sb_cell_release(&c);
}

/* Requests at once are a place of their own; one at a time, as in every older file, is not said. */
#define SLOT(ttft, ms, n)                                                                          \
    "{\"prompt_n\":10,\"prompt_ms\":100,\"predicted_n\":" n ",\"predicted_ms\":" ms                \
    ",\"ttft_ms\":" ttft ",\"together_n\":4}"
static void slots_are_part_of_the_place(void **state) {
    (void)state;
    /* Each has its prompt of 10 tokens read in 100 ms, one behind the other, and then generates 4
     * more in 100 ms, the first one 2 more beside the other's prompt. */
    struct sb_results r = parse(RUNS(
        RUN
        ",{\"slots\":2,\"prompt_n\":20,\"prompt_ms\":200,\"predicted_n\":12,\"predicted_ms\":100,"
        "\"pp_tps\":100,\"tg_tps\":80,\"valid\":true,\"each\":[" SLOT("100", "200", "7") "," SLOT(
            "200", "100", "5") "]}"));
    const struct sb_cell *c = &r.cells[0];
    assert_int_equal(c->n_points, 2);
    assert_int_equal(c->points[0].at.slots, 1);
    assert_int_equal(c->points[1].at.slots, 2);
    assert_true(c->pp_tps.n == 1 && c->pp_tps.mean == 100);
    assert_true(sb_at_order(c->points[0].at, c->points[1].at) < 0);
    assert_true(sb_at_same(sb_cell_first_at(c), (struct sb_at){0, 0, 1}));
    char *text = sb_results_print(&r);
    const char *at = strstr(text, "\"slots\": 2");
    assert_non_null(at); /* of the run, then of the point */
    assert_non_null(at = strstr(at + 1, "\"slots\": 2"));
    assert_null(strstr(at + 1, "\"slots\""));
    assert_null(strstr(text, "\"slots\": 1"));
    free(text);
    sb_results_release(&r);
}

static void a_cell_is_known_by_its_ids(void **state) {
    (void)state;
    struct sb_cell a = {.model = {.id = "m", .label = "M"}, .backend = {.id = "x"}}, b = a;
    b.model.label = "another label";
    assert_true(sb_cell_same(&a, &b));
    b.backend.id = "y";
    assert_true(!sb_cell_same(&a, &b) && sb_same_model(&a, &b) && sb_cell_order(&a, &b) < 0);
    b.backend.id = NULL; /* a transcribed one has labels alone */
    b.backend.label = "x";
    assert_true(sb_cell_same(&a, &b));
    char *keys[] = {sb_cell_key(&a), sb_cell_key(&b)};
    assert_string_equal(keys[0], keys[1]);
    free(keys[0]);
    free(keys[1]);
}

static void launch_means_are_per_launch(void **state) {
    (void)state;
    struct sb_cell c = sb_cell_empty();
    fixture_run(&c, 1, 0, 100, 20);
    fixture_run(&c, 1, 0, 110, 21);
    fixture_run(&c, 2, 0, 200, 30);
    fixture_run(&c, 3, 4096, 50, 10);
    size_t n;
    double *x = sb_cell_launch_means(&c, SB_PP, (struct sb_at){.slots = 1}, &n);
    assert_true(n == 2 && x[0] == 105 && x[1] == 200);
    free(x);
    x = sb_cell_launch_means(&c, SB_TG, (struct sb_at){.depth = 4096, .slots = 1}, &n);
    assert_true(n == 1 && x[0] == 10);
    free(x);
    sb_cell_release(&c);
}

static void points_in_the_order_of_the_runs(void **state) {
    (void)state;
    struct sb_cell c = sb_cell_empty();
    fixture_run(&c, 1, 4096, 90, 19);
    fixture_run(&c, 1, 0, 100, 20);
    fixture_run(&c, 1, 4096, 92, 19);
    fixture_run(&c, 1, 16384, 1, 1);
    c.runs[3].valid = false;
    sb_cell_summarize(&c);
    assert_int_equal(c.n_points, 2);
    assert_int_equal(c.points[0].at.depth, 4096);
    assert_int_equal(c.points[1].at.depth, 0);
    assert_true(c.pp_tps.n == 2 && c.pp_tps.mean == 91 && c.points[1].pp_tps.mean == 100);
    sb_cell_summarize(&c); /* again: the same, nothing leaked */
    assert_int_equal(c.n_points, 2);
    sb_cell_release(&c);
}

static void assert_flags(const double (*runs)[3], size_t n, const char *want) {
    struct sb_cell c = sb_cell_empty();
    for (size_t i = 0; i < n; i++)
        fixture_run(&c, (int)runs[i][0], 0, runs[i][1], runs[i][2]);
    sb_strv_add(&c.flags, "NOISY"); /* from an earlier look: computed anew */
    sb_strv_add(&c.flags, "NOT_STEADY");
    sb_cell_summarize(&c);
    struct sb_buf got = SB_BUF_INIT(200);
    for (size_t i = 0; i < c.flags.n; i++)
        sb_buf_addf(&got, "%s%s", i ? " " : "", c.flags.item[i]);
    assert_string_equal(sb_buf_str(&got), want);
    sb_buf_release(&got);
    sb_cell_release(&c);
}

/* {launch, warm-up, PP}; TG never moves. */
static void assert_still_warming(const double (*runs)[3], size_t n, bool want) {
    struct sb_cell c = sb_cell_empty();
    for (size_t i = 0; i < n; i++)
        fixture_run(&c, (int)runs[i][0], 0, runs[i][2], 20)->warmup = runs[i][1] > 0;
    assert_int_equal(sb_cell_still_warming(&c, (struct sb_at){0, 0, 1}, 1), want);
    sb_cell_release(&c);
}

static void still_warming_is_rising_to_the_end(void **state) {
    (void)state;
    static const double rising[][3] = {
        {1, 1, 50}, {1, 1, 90}, {1, 1, 96}, {1, 0, 100}, {1, 0, 101}};
    static const double falling[][3] = {
        {1, 1, 50}, {1, 1, 96}, {1, 1, 90}, {1, 0, 100}, {1, 0, 101}};
    static const double noise[][3] = {{1, 1, 50}, {1, 1, 90}, {1, 1, 96}, {1, 0, 100}, {1, 0, 95}};
    static const double other[][3] = {{2, 1, 50}, {2, 1, 90}, {2, 1, 96}, {2, 0, 100}, {2, 0, 101}};
    static const double single[][3] = {{1, 1, 50}, {1, 0, 100}};
    assert_still_warming(rising, 5, true);
    assert_still_warming(rising, 3, false); /* nothing was measured */
    assert_still_warming(falling, 5, false);
    static const double wild[][3] = {{1, 1, 50}, {1, 1, 90}, {1, 1, 96}, {1, 0, 100}, {1, 0, 110}};
    assert_still_warming(noise, 5, false);
    assert_still_warming(wild, 5, false);
    assert_still_warming(other, 5, false);
    assert_still_warming(single, 2, false);
}

static void flags_by_launch_and_over_all(void **state) {
    (void)state;
    static const double steady[][3] = {{1, 100, 20}, {1, 101, 20}, {2, 100, 20}};
    static const double drift[][3] = {{1, 100, 20}, {1, 100, 19.5}, {1, 100, 19.3}};
    static const double cold[][3] = {{1, 100, 20}, {1, 101, 20}, {1, 100, 20},
                                     {2, 90, 20},  {2, 100, 20}, {2, 100, 20}};
    static const double both[][3] = {{1, 90, 20}, {1, 100, 19.6}, {1, 100, 19.3}};
    /* A fall from launch to launch is no drift, a slow first launch no warm-up: it is noise. */
    static const double between[][3] = {{1, 100, 20}, {2, 95, 19}, {3, 90, 18}};
    static const double pp_at_4_percent[][3] = {{1, 100, 20}, {1, 96, 20}, {1, 103, 20}};
    static const double tg_at_4_percent[][3] = {{1, 100, 20}, {1, 100, 19.2}, {1, 100, 20.6}};
    /* A trend that one launch of three shows is chance; one that they share is not. */
    static const double chance[][3] = {{1, 100, 20},   {1, 100, 19.6}, {1, 100, 19.3},
                                       {2, 100, 19.6}, {2, 100, 20},   {2, 100, 19.6},
                                       {3, 100, 19.8}, {3, 100, 20},   {3, 100, 19.9}};
    static const double shared[][3] = {{1, 100, 20},   {1, 100, 19.7}, {1, 100, 19.3},
                                       {2, 100, 20.4}, {2, 100, 19.9}, {2, 100, 19.5}};
    /* What a trend does not explain is noise beside it: in one launch, and from launch to launch. */
    static const double wild[][3] = {{1, 50, 20}, {1, 100, 20}, {1, 160, 20}};
    static const double apart[][3] = {{1, 100, 20}, {1, 97, 20}, {1, 94, 20},
                                      {2, 20, 20},  {2, 19, 20}, {2, 18, 20}};
    static const double bent[][3] = {{1, 100, 20}, {1, 100, 16}, {1, 100, 15}};
    assert_flags(wild, 3, "WARMUP NOISY NOT_STEADY");
    assert_flags(apart, 6, "DRIFT NOISY NOT_STEADY");
    assert_flags(bent, 3, "DRIFT NOISY NOT_STEADY");
    assert_flags(chance, 9, "NOT_STEADY");
    assert_flags(shared, 6, "DRIFT NOT_STEADY");
    assert_flags(steady, 3, "NOT_STEADY");
    assert_flags(drift, 3, "DRIFT NOT_STEADY");
    assert_flags(cold, 6, "WARMUP NOT_STEADY");
    assert_flags(both, 3, "WARMUP DRIFT NOT_STEADY");
    assert_flags(between, 3, "NOISY NOT_STEADY");
    assert_flags(pp_at_4_percent, 3, "NOT_STEADY");
    assert_flags(tg_at_4_percent, 3, "NOISY NOT_STEADY");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_valid_measured_runs_count),
        cmocka_unit_test(slots_are_part_of_the_place),
        cmocka_unit_test(a_cell_is_known_by_its_ids),
        cmocka_unit_test(launch_means_are_per_launch),
        cmocka_unit_test(points_in_the_order_of_the_runs),
        cmocka_unit_test(still_warming_is_rising_to_the_end),
        cmocka_unit_test(flags_by_launch_and_over_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
