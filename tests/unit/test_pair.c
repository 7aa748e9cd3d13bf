/* compare --backends: two backends of one file, pair by pair. */
#include "compare_fixture.h"
#include "random.h"

enum { GOOD = 0, BAD = 1, CANNOT_TELL = 125 };

static struct sb_compare_options paired(void) {
    struct sb_compare_options o = SB_COMPARE_DEFAULT;
    o.max_drop = SB_GATE_LEAST_DROP_PAIRED;
    return o;
}

static struct sb_comparison pair_of(const struct sb_results *r) {
    struct sb_comparison c;
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    struct sb_compare_options o = paired();
    if (sb_comparison_make_paired(&r, 1, "id-old", "new", &o, &c, &error) < 0)
        fail_msg("%s", sb_buf_str(&error));
    return c;
}

/* A launch that began in that second of an hour. */
static void launch_at(struct sb_cell *c, int second, double speed) {
    fixture_launch(c, 100 * speed, 10 * speed, 10 / speed, 1);
    if (second >= 0)
        c->launches[c->n_launches - 1].started_at =
            sb_asprintf("2026-11-24T10:%02d:%02dZ", second / 60, second % 60);
}

/* "abba": who was launched, a second apart; the speeds halve from one pair to the next, so that
 * what is taken for a pair shows in the ratio. -1 a second: no times. */
static struct sb_results make_order(const char *order, bool timed) {
    struct sb_results r = fixture_set("T");
    fixture_cell(&r, "m", "old", SB_OK, NULL);
    fixture_cell(&r, "m", "new", SB_OK, NULL);
    for (int i = 0; order[i]; i++)
        launch_at(&r.cells[order[i] == 'b'], timed ? i : -1,
                  (order[i] == 'b' ? 0.9 : 1) / (1 << (i / 2)));
    return r;
}

static void expect_pairs(const char *order, bool timed, size_t n, double ratio) {
    struct sb_results r = make_order(order, timed);
    struct sb_comparison c = pair_of(&r);
    assert_int_equal(c.n_cells, 1);
    const struct sb_compare_figure *f = &c.cells[0].figures[0];
    if (f->n_pairs != n || fabs(f->ratio.ratio - ratio) > 1e-9)
        fail_msg("%s: %zu pairs, ratio %g", order, f->n_pairs, f->ratio.ratio);
    sb_comparison_release(&c);
    sb_results_release(&r);
}

static void test_pairs(void **state) {
    (void)state;
    expect_pairs("ab", true, 1, 0.9);
    expect_pairs("abba", true, 2, 0.9);
    expect_pairs("abbaabba", true, 4, 0.9);
    expect_pairs("abbaabba", false, 4, 0.9); /* older files: by number */
    expect_pairs("baabbaab", true, 4, 0.9);
    /* As after a resume: what stands between two launches of its own backend has no partner. By
     * number there would be three pairs, of launches that were far apart. */
    expect_pairs("abbbaa", true, 2, 0.9 * M_SQRT2);
}

/* What both sides share is not in the interval. */
static void test_a_shared_drift_cancels(void **state) {
    (void)state;
    struct sb_results r = make_order("abbaabba", true);
    struct sb_comparison c = pair_of(&r);
    const struct sb_compare_figure *f = &c.cells[0].figures[0];
    assert_true(f->ratio.high - f->ratio.low < 1e-9);
    assert_int_equal(f->ratio.verdict, SB_VERDICT_SLOWER);
    assert_int_equal(c.cells[0].state, SB_CELL_REGRESSION);
    assert_int_equal(c.exit_code, 1);
    assert_int_equal(sb_comparison_bisect(&c), BAD);
    sb_comparison_release(&c);
    sb_results_release(&r);
}

/* ---- bisecting ------------------------------------------------------------------------------- */

static void expect_bisect(double factor, double cv, int want) {
    static const double deviates[] = {0, 1, -1, 1, -1};
    struct sb_results r = fixture_set("T");
    fixture_cell(&r, "m", "old", SB_OK, NULL);
    fixture_cell(&r, "m", "new", SB_OK, NULL);
    for (int i = 0; i < 5; i++) {
        launch_at(&r.cells[0], 2 * i, 1);
        launch_at(&r.cells[1], 2 * i + 1, factor * (1 + cv * deviates[i]));
    }
    struct sb_comparison c = pair_of(&r);
    int got = sb_comparison_bisect(&c);
    if (got != want)
        fail_msg("factor %g, cv %g: %d, want %d", factor, cv, got, want);
    sb_comparison_release(&c);
    sb_results_release(&r);
}

static void test_bisect(void **state) {
    (void)state;
    expect_bisect(1, 0.01, GOOD);
    expect_bisect(1.1, 0.01, GOOD);
    expect_bisect(0.985, 0.005, GOOD);
    expect_bisect(0.95, 0.01, BAD);
    expect_bisect(0.95, 0.06, CANNOT_TELL); /* a loss that may be chance */
    expect_bisect(1, 0.06, CANNOT_TELL);    /* a loss of 5 % could hide here */
}

/* A build that does not work is not the one that is slow. */
static void test_bisect_needs_figures(void **state) {
    (void)state;
    struct sb_results r = make_order("abba", true);
    r.cells[1].status = SB_FAILED;
    struct sb_comparison c = pair_of(&r);
    assert_int_equal(c.exit_code, 1);
    assert_int_equal(sb_comparison_bisect(&c), CANNOT_TELL);
    sb_comparison_release(&c);
    fixture_launches(&r, "lonely", "old", 2, 1, 0);
    r.cells[1].status = SB_OK;
    for (size_t i = 0; i < r.cells[1].n_runs; i++)
        r.cells[1].runs[i].pp_tps = r.cells[0].runs[i].pp_tps,
        r.cells[1].runs[i].tg_tps = r.cells[0].runs[i].tg_tps;
    c = pair_of(&r);
    assert_int_equal(c.cells[1].state, SB_CELL_MISSING);
    assert_int_equal(sb_comparison_bisect(&c), CANNOT_TELL);
    sb_comparison_release(&c);
    sb_results_release(&r);
}

/* ---- names ----------------------------------------------------------------------------------- */

static void expect_error(const struct sb_results *r, const char *old, const char *new,
                         const char *want) {
    struct sb_comparison c;
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    struct sb_compare_options o = paired();
    assert_true(sb_comparison_make_paired(&r, 1, old, new, &o, &c, &error) < 0);
    assert_string_equal(sb_buf_str(&error), want);
    sb_buf_release(&error);
}

static void test_names(void **state) {
    (void)state;
    struct sb_results r = make_order("ab", true);
    expect_error(&r, "old", "newer", "no backend 'newer'; there are: id-old, id-new");
    expect_error(&r, "older", "new", "no backend 'older'; there are: id-old, id-new");
    expect_error(&r, "old", "old",
                 "'old' is one backend, two are compared; there are: id-old, id-new");
    sb_results_release(&r);
}

static void test_golden(void **state) {
    (void)state;
    struct sb_results r = make_order("abbaab", true);
    fixture_fingerprint(&r.cells[0], "aa", LINES("threads=2"));
    fixture_fingerprint(&r.cells[1], "bb", LINES("threads=1"));
    fixture_launches(&r, "n|1", "old", 1, 1, 0);
    fixture_launches(&r, "n|1", "new", 1, 1, 0);
    fixture_launches(&r, "o", "old", 1, 1, 0);
    fixture_cell(&r, "o", "new", SB_FAILED, "server died");
    struct sb_comparison c = pair_of(&r);
    expect_golden_forms(&c, "pair");
    sb_comparison_release(&c);
    sb_results_release(&r);
}

/* ---- on a machine that drifts, simulated ----------------------------------------------------- */

enum { PAIRS = 5, DRAWS = 4000 };

/* The speed of the machine at launch i of ten: it ends 10 % above or below where it began. */
static double machine(int i, double drift) {
    return (1 + drift * i / (2 * PAIRS - 1)) * (1 + 0.01 * normal());
}

struct counts {
    int bad, good, cannot_tell;      /* of pairs, by bisect */
    int separate_bad, separate_good; /* of two runs, by the gate */
};

static void draw_pairs(double speed, double drift, struct counts *n) {
    struct sb_results r = fixture_set("T");
    fixture_cell(&r, "m", "old", SB_OK, NULL);
    fixture_cell(&r, "m", "new", SB_OK, NULL);
    for (int i = 0; i < 2 * PAIRS; i++) {
        bool new = i % 4 == 1 || i % 4 == 2;
        launch_at(&r.cells[new], i, (new ? speed : 1) * machine(i, drift));
    }
    struct sb_comparison c = pair_of(&r);
    int says = sb_comparison_bisect(&c);
    ++*(says == BAD ? &n->bad : says == GOOD ? &n->good : &n->cannot_tell);
    sb_comparison_release(&c);
    sb_results_release(&r);
}

/* The same ten launches as two runs: five of the old build, then five of the new. */
static void draw_separate(double speed, double drift, struct counts *n) {
    struct sb_compare_options o = paired();
    struct sb_results sides[2] = {fixture_set("T"), fixture_set("T")};
    for (int side = 0; side < 2; side++) {
        struct sb_cell *c = fixture_cell(&sides[side], "m", "b", SB_OK, NULL);
        for (int i = 0; i < PAIRS; i++)
            launch_at(c, i, (side ? speed : 1) * machine(side * PAIRS + i, drift));
    }
    struct sb_comparison c = compare(&sides[0], &sides[1], &o);
    n->separate_bad += c.exit_code == 1;
    n->separate_good += c.exit_code == 0;
    release_compared(&c, &sides[0], &sides[1]);
}

static struct counts draw(double speed, double drift) {
    struct counts n = {0};
    random_state = 20261124;
    for (int i = 0; i < DRAWS; i++) {
        draw_pairs(speed, drift, &n);
        draw_separate(speed, drift, &n);
    }
    print_message("speed %.2f, drift %+.0f %%: pairs %d bad, %d good, %d cannot tell; "
                  "two runs %d bad, %d good\n",
                  speed, 100 * drift, n.bad, n.good, n.cannot_tell, n.separate_bad,
                  n.separate_good);
    return n;
}

/* Five pairs find a loss of 5 % whichever way the machine drifts, and none where there is none.
 * Two runs of five miss it where the machine gets faster. */
static void test_drifting_machines(void **state) {
    (void)state;
    static const double drifts[] = {-0.10, 0, 0.10};
    for (size_t i = 0; i < 3; i++) {
        struct counts lost = draw(0.95, drifts[i]), same = draw(1, drifts[i]);
        assert_true(lost.bad >= DRAWS * 94 / 100);
        assert_true(lost.good < DRAWS / 100);
        assert_true(same.bad < DRAWS / 100);
        assert_true(same.good > DRAWS / 2);
        if (drifts[i] > 0)
            assert_true(lost.separate_bad < DRAWS * 5 / 100);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_a_shared_drift_cancels),
        cmocka_unit_test(test_bisect),
        cmocka_unit_test(test_bisect_needs_figures),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_drifting_machines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
