/* The gate: which comparison ends with which exit code. */
#include "compare_fixture.h"
#include "random.h"

/* ---- noise ----------------------------------------------------------------------------------- */

/* One cell a side, of that many launches; NEW is `factor` times as fast. */
static void expect_gate(int launches, double factor, double cv, int exit_code,
                        enum sb_compare_state state) {
    struct sb_results base = fixture_set("T"), next = fixture_set("T");
    fixture_launches(&base, "m", "b", launches, 1, cv);
    fixture_launches(&next, "m", "b", launches, factor, cv);
    struct sb_comparison c = compare(&base, &next, &usual);
    if (c.exit_code != exit_code || c.cells[0].state != state)
        fail_msg("%d launches, factor %g: exit %d, %s", launches, factor, c.exit_code,
                 sb_compare_state_name(c.cells[0].state));
    release_compared(&c, &base, &next);
}

static void test_measured_spread(void **state) {
    (void)state;
    expect_gate(3, 1.00, 0.01, 0, SB_CELL_SAME);
    expect_gate(3, 0.96, 0.001, 0, SB_CELL_SAME); /* slower by verdict, but tolerated */
    expect_gate(3, 0.90, 0.01, 1, SB_CELL_REGRESSION);
    expect_gate(3, 1.10, 0.005, 0, SB_CELL_IMPROVED);
    expect_gate(3, 0.90, 0.05, 0, SB_CELL_SAME);         /* noise does that (limit 21 %) */
    expect_gate(3, 0.85, 0.05, 3, SB_CELL_INCONCLUSIVE); /* and hardly that */
    expect_gate(3, 0.75, 0.05, 1, SB_CELL_REGRESSION);
    expect_gate(3, 1.00, 0.25, 3, SB_CELL_INCONCLUSIVE); /* no drop could be told (limit 106 %) */
}

static void test_assumed_spread(void **state) {
    (void)state;
    expect_gate(1, 0.96, 0, 0, SB_CELL_SAME);
    expect_gate(1, 0.93, 0, 3, SB_CELL_INCONCLUSIVE);
    expect_gate(1, 0.90, 0, 1, SB_CELL_REGRESSION);
    expect_gate(1, 1.04, 0, 0, SB_CELL_SAME);
    expect_gate(1, 1.10, 0, 0, SB_CELL_IMPROVED);
}

/* One launch a side whose three runs scatter: 15 % less may be nothing. */
static void test_noise_within_a_launch(void **state) {
    (void)state;
    static const struct {
        double scatter;
        int want;
    } cases[] = {{0.001, 1}, {0.02, 1}, {0.10, 3}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sb_results base = fixture_set("T"), next = fixture_set("T");
        struct sb_cell *cells[] = {fixture_launches(&base, "m", "b", 1, 1, 0),
                                   fixture_launches(&next, "m", "b", 1, 0.85, 0)};
        for (int side = 0; side < 2; side++) {
            double f = side ? 0.85 : 1;
            cells[side]->runs[0].tg_tps = 10; /* PP alone decides */
            fixture_run(cells[side], 1, 0, 100 * f * (1 + cases[i].scatter), 10);
            fixture_run(cells[side], 1, 0, 100 * f * (1 - cases[i].scatter), 10);
            sb_cell_summarize(cells[side]);
        }
        expect_exit(&base, &next, &usual, cases[i].want);
    }
}

static void expect_with_options(struct sb_compare_options o, double factor, int want) {
    struct sb_results base = fixture_set("T"), next = fixture_set("T");
    fixture_launches(&base, "m", "b", 1, 1, 0);
    fixture_launches(&next, "m", "b", 1, factor, 0);
    expect_exit(&base, &next, &o, want);
}

static void test_thresholds(void **state) {
    (void)state;
    struct sb_compare_options strict = usual, lax = usual, sure = usual;
    sure.assumed_spread = 0.001;
    expect_with_options(sure, 0.94, 1);
    strict.assumed_spread = 0.001;
    strict.max_drop = 0.01;
    expect_with_options(strict, 0.98, 1);
    lax.max_drop = 0.20;
    expect_with_options(lax, 0.85, 0);
}

/* A cell of three launches, PP and TG with so much between them. */
static void draw_cell(struct sb_results *r, double speed, double cv) {
    struct sb_cell *c = fixture_cell(r, "m", "b", SB_OK, NULL);
    for (int i = 0; i < 3; i++)
        fixture_launch(c, 100 * speed * (1 + cv * normal()), 10 * speed * (1 + cv * normal()), 10,
                       1);
}

/* How often a comparison ends with each exit code. */
static void draw_exits(double speed, double cv, int draws, int exits[4]) {
    random_state = 20261122;
    for (int i = 0; i < draws; i++) {
        struct sb_results base = fixture_set("T"), next = fixture_set("T");
        draw_cell(&base, 1, cv);
        draw_cell(&next, speed, cv);
        struct sb_comparison c = compare(&base, &next, &usual);
        exits[c.exit_code]++;
        release_compared(&c, &base, &next);
    }
    print_message("%.0f %% between launches, speed %.2f: exit 0 %d, 1 %d, 3 %d\n", 100 * cv, speed,
                  exits[0], exits[1], exits[3]);
}

/* What the header promises of noisy machines. */
static void test_noisy_machines(void **state) {
    (void)state;
    enum { DRAWS = 4000 };
    static const struct { double cv, loss; } noise[] = {{0.03, 0.10}, {0.06, 0.20}};
    for (size_t i = 0; i < sizeof noise / sizeof *noise; i++) {
        int same[4] = {0}, lost[4] = {0};
        draw_exits(1, noise[i].cv, DRAWS, same);
        draw_exits(1 - noise[i].loss, noise[i].cv, DRAWS, lost);
        assert_true(same[0] > DRAWS * 95 / 100);
        assert_true(same[1] < DRAWS / 100);
        assert_true(lost[0] < DRAWS * 6 / 100);
        assert_true(lost[1] > DRAWS / 2);
    }
}

/* ---- metrics and depths ---------------------------------------------------------------------- */

/* Slower in one metric is a regression, whatever the other gained. */
static void test_metrics(void **state) {
    (void)state;
    static const struct {
        double pp, tg, load_s;
        int want;
    } cases[] = {{200, 5, 10, 1}, {50, 20, 10, 1}, {100, 10, 100, 0}, {200, 20, 10, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sb_results base = fixture_set("T"), next = fixture_set("T");
        fixture_launches(&base, "m", "b", 1, 1, 0);
        fixture_launch(fixture_cell(&next, "m", "b", SB_OK, NULL), cases[i].pp, cases[i].tg,
                       cases[i].load_s, 1);
        expect_exit(&base, &next, &usual, cases[i].want);
    }
}

static void test_depths(void **state) {
    (void)state;
    for (double factor = 0.8; factor <= 1; factor += 0.2) {
        struct sb_results base = fixture_set("T"), next = fixture_set("T");
        add_depth(fixture_launches(&base, "m", "b", 1, 1, 0), 4096, 50, 5);
        add_depth(fixture_launches(&next, "m", "b", 1, 1, 0), 4096, 50, 5 * factor);
        expect_exit(&base, &next, &usual, factor < 1 ? 1 : 0);
    }
    /* A depth that is not there any more cannot pass. */
    struct sb_results base = fixture_set("T"), next = fixture_set("T");
    add_depth(fixture_launches(&base, "m", "b", 1, 1, 0), 4096, 50, 5);
    fixture_launches(&next, "m", "b", 1, 1, 0);
    struct sb_comparison c = compare(&base, &next, &usual);
    assert_int_equal(c.cells[0].state, SB_CELL_NOT_COMPARABLE);
    assert_string_equal(c.cells[0].differences.item[0],
                        "PP at depth 4096: not measured on the new side");
    sb_comparison_release(&c);
    expect_exit(&base, &next, &usual, 3);
}

/* ---- cells that are not ok, missing, new ----------------------------------------------------- */

static void expect_statuses(enum sb_status base_status, enum sb_status next_status,
                            enum sb_compare_state want_state, int want_exit) {
    struct sb_results base = fixture_set("T"), next = fixture_set("T");
    fixture_launches(&base, "m", "a", 1, 1, 0);
    fixture_launches(&next, "m", "a", 1, 1, 0);
    fixture_launches(&base, "m", "b", 1, 1, 0)->status = base_status;
    fixture_launches(&next, "m", "b", 1, 1, 0)->status = next_status;
    struct sb_comparison c = compare(&base, &next, &usual);
    assert_int_equal(c.cells[1].state, want_state);
    sb_comparison_release(&c);
    expect_exit(&base, &next, &usual, want_exit);
}

static void test_statuses(void **state) {
    (void)state;
    expect_statuses(SB_OK, SB_OK, SB_CELL_SAME, 0);
    expect_statuses(SB_OK, SB_FAILED, SB_CELL_BROKEN, 1);
    expect_statuses(SB_OK, SB_INVALID, SB_CELL_BROKEN, 1);
    expect_statuses(SB_OK, SB_SKIPPED, SB_CELL_BROKEN, 1);
    expect_statuses(SB_OK, SB_PENDING, SB_CELL_MISSING, 3);
    expect_statuses(SB_FAILED, SB_OK, SB_CELL_FIXED, 0);
    expect_statuses(SB_FAILED, SB_FAILED, SB_CELL_NEITHER, 0);
    expect_statuses(SB_PENDING, SB_FAILED, SB_CELL_NEITHER, 0);
}

static void test_missing_and_new(void **state) {
    (void)state;
    struct sb_compare_options lenient = usual;
    lenient.allow_missing = true;
    for (int allow = 0; allow <= 1; allow++) {
        struct sb_results base = fixture_set("T"), next = fixture_set("T");
        fixture_launches(&base, "m", "a", 1, 1, 0);
        fixture_launches(&base, "m", "gone", 1, 1, 0);
        fixture_launches(&next, "m", "a", 1, 1, 0);
        fixture_launches(&next, "m", "new", 1, 1, 0);
        struct sb_comparison c = compare(&base, &next, allow ? &lenient : &usual);
        assert_int_equal(c.n_cells, 3);
        assert_int_equal(c.cells[1].state, SB_CELL_MISSING);
        assert_int_equal(c.cells[2].state, SB_CELL_NEW);
        sb_comparison_release(&c);
        expect_exit(&base, &next, allow ? &lenient : &usual, allow ? 0 : 3);
    }
    /* Nothing in common: a gate that compared nothing has not passed. */
    struct sb_results base = fixture_set("T"), next = fixture_set("T");
    fixture_launches(&base, "m", "a", 1, 1, 0);
    fixture_launches(&next, "n", "a", 1, 1, 0);
    expect_exit(&base, &next, &lenient, 3);
}

/* A regression is 1 even where something else would be 3. */
static void test_regression_wins(void **state) {
    (void)state;
    struct sb_results base = fixture_set("T"), next = fixture_set("T");
    fixture_launches(&base, "m", "a", 1, 1, 0);
    fixture_launches(&base, "m", "gone", 1, 1, 0);
    fixture_launches(&base, "m", "noisy", 1, 1, 0);
    fixture_launches(&next, "m", "a", 1, 0.5, 0);
    fixture_launches(&next, "m", "noisy", 1, 0.93, 0);
    expect_exit(&base, &next, &usual, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_measured_spread),
        cmocka_unit_test(test_assumed_spread),
        cmocka_unit_test(test_noise_within_a_launch),
        cmocka_unit_test(test_thresholds),
        cmocka_unit_test(test_noisy_machines),
        cmocka_unit_test(test_metrics),
        cmocka_unit_test(test_depths),
        cmocka_unit_test(test_statuses),
        cmocka_unit_test(test_missing_and_new),
        cmocka_unit_test(test_regression_wins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
