/* Who is faster: figures, verdicts, and the order of the backends. */
#include <stdio.h>

#include "rank_fixture.h"

/* ---- one model ------------------------------------------------------------------------------- */

static void test_workload(void **state) {
    (void)state;
    struct sb_results r = fixture_set("T");
    struct sb_cell *c = fixture_cell(&r, "m", "a", SB_OK, NULL);
    fixture_launch(c, 100, 10, 50, 1);
    fixture_launch(c, 200, 20, 100, 1);
    struct sb_rank rank = rank_of(&r, &usual);
    const struct sb_rank_figure *t = &rank.cells[0].figure[SB_WORKLOAD];
    assert_int_equal(t->n, 2);
    assert_close(1 / t->speed[0], 600.0 / 100 + 128.0 / 10);
    assert_close(1 / t->speed[1], 600.0 / 200 + 128.0 / 20);
    assert_close(t->value, (18.8 + 9.4) / 2);
    sb_rank_release(&rank);

    struct sb_workload shared = {
        .part = {{SB_FIRST_PLACE, 1000, 50, 1}}, .n_parts = 1, .requests_per_load = 10};
    rank = rank_of(&r, &shared);
    t = &rank.cells[0].figure[SB_WORKLOAD];
    assert_close(1 / t->speed[0], 1000.0 / 100 + 50.0 / 10 + 50.0 / 10);
    assert_close(1 / t->speed[1], 1000.0 / 200 + 50.0 / 20 + 100.0 / 10);
    sb_rank_release(&rank);
    sb_results_release(&r);
}

static void expect_verdict(int launches, double factor, double cv, enum sb_verdict want,
                           bool assumed) {
    struct sb_results r = fixture_set("T");
    fixture_launches(&r, "m", "a", launches, 1, cv);
    fixture_launches(&r, "m", "b", launches, factor, cv);
    struct sb_rank rank = rank_of(&r, &usual);
    for (int metric = 0; metric < SB_METRICS; metric++) {
        const struct sb_ratio *ratio = &rank.cells[1].figure[metric].to_best;
        assert_int_equal(rank.models[0].best[metric], 0);
        assert_close(ratio->ratio, factor);
        assert_int_equal(ratio->verdict, want);
        assert_int_equal(ratio->assumed, assumed);
        assert_int_equal(rank.models[0].clear[metric], want == SB_VERDICT_SLOWER);
    }
    sb_rank_release(&rank);
    sb_results_release(&r);
}

static void test_verdicts(void **state) {
    (void)state;
    expect_verdict(3, 0.9, 0.005, SB_VERDICT_SLOWER, false);
    expect_verdict(3, 0.999, 0.005, SB_VERDICT_TIE, false);
    expect_verdict(3, 0.97, 0.005, SB_VERDICT_INCONCLUSIVE, false);
    expect_verdict(3, 0.9, 0.10, SB_VERDICT_INCONCLUSIVE, false);
    expect_verdict(1, 0.90, 0, SB_VERDICT_SLOWER, true);
    expect_verdict(1, 0.93, 0, SB_VERDICT_INCONCLUSIVE, true);
}

/* Runs of a single launch that scatter widen the interval; that they agree never narrows it. */
static void test_noise_within_a_launch(void **state) {
    (void)state;
    double width[3];
    static const double scatter[] = {0, 0.001, 0.2};
    for (size_t i = 0; i < 3; i++) {
        struct sb_results r = fixture_set("T");
        fixture_launches(&r, "m", "a", 1, 1, 0);
        struct sb_cell *c = fixture_launches(&r, "m", "b", 1, 0.9, 0);
        fixture_run(c, 1, 0, 90 * (1 + scatter[i]), 9 * (1 + scatter[i]));
        fixture_run(c, 1, 0, 90 * (1 - scatter[i]), 9 * (1 - scatter[i]));
        struct sb_rank rank = rank_of(&r, &usual);
        const struct sb_ratio *t = &rank.cells[1].figure[SB_WORKLOAD].to_best;
        assert_close(t->ratio, 0.9);
        width[i] = log(t->high / t->low);
        sb_rank_release(&rank);
        sb_results_release(&r);
    }
    assert_close(width[1], width[0]);
    assert_close(width[2], width[0] * (0.2 / sqrt(3)) / SB_ASSUMED_LAUNCH_CV);
}

/* A load is judged only against one that found the page cache in the same state. */
static void expect_load_verdict(double cached_a, double cached_b, enum sb_verdict want) {
    struct sb_results r = fixture_set("T");
    fixture_launch(fixture_cell(&r, "m", "a", SB_OK, NULL), 100, 10, 10, cached_a);
    fixture_launch(fixture_cell(&r, "m", "b", SB_OK, NULL), 100, 10, 40, cached_b);
    struct sb_rank rank = rank_of(&r, &usual);
    assert_int_equal(rank.cells[1].figure[SB_LOAD].to_best.verdict, want);
    sb_rank_release(&rank);
    sb_results_release(&r);
}

static void test_loads(void **state) {
    (void)state;
    expect_load_verdict(1, 1, SB_VERDICT_SLOWER);
    expect_load_verdict(0.02, 0, SB_VERDICT_SLOWER);
    expect_load_verdict(1, 0, SB_VERDICT_NONE);
    expect_load_verdict(NAN, 0, SB_VERDICT_NONE);
    expect_load_verdict(NAN, NAN, SB_VERDICT_NONE);
}

static void test_cold_and_warm_loads_are_not_averaged(void **state) {
    (void)state;
    struct sb_results r = fixture_set("T");
    struct sb_cell *c = fixture_cell(&r, "m", "a", SB_OK, NULL);
    fixture_launch(c, 100, 10, 60, 0);
    fixture_launch(c, 100, 10, 4, 1);
    fixture_launch(c, 100, 10, 6, 1);
    struct sb_rank rank = rank_of(&r, &usual);
    assert_int_equal(rank.cells[0].figure[SB_LOAD].n, 2);
    assert_close(rank.cells[0].figure[SB_LOAD].value, 5);
    assert_close(rank.cells[0].cached_share, 1);
    sb_rank_release(&rank);
    sb_results_release(&r);
}

/* ---- over the models ------------------------------------------------------------------------- */

static void test_over_models(void **state) {
    (void)state;
    struct sb_results r = fixture_set("T");
    static const double factors[] = {0.8, 0.9, 1.25};
    static const char *const models[] = {"m1", "m2", "m3"};
    for (size_t i = 0; i < 3; i++) {
        fixture_launches(&r, models[i], "a", 3, 1, 0.001);
        fixture_launches(&r, models[i], "b", 3, factors[i], 0.001);
    }
    struct sb_rank rank = rank_of(&r, &usual);
    const struct sb_rank_backend *a = &rank.backends[0], *b = &rank.backends[1];
    assert_int_equal(rank.n_common, 3);
    assert_close(a->speed, cbrt(1 / 1.25));
    assert_close(a->worst, 1 / 1.25);
    assert_int_equal(a->worst_model, 2);
    assert_int_equal(a->wins, 2);
    assert_int_equal(a->losses, 1);
    assert_close(b->speed, cbrt(0.8 * 0.9));
    assert_close(b->worst, 0.8);
    assert_int_equal(b->worst_model, 0);
    assert_int_equal(rank.first, 0);
    assert_int_equal(rank.second, 1);
    assert_close(rank.lead.ratio, cbrt(1 / (0.8 * 0.9 * 1.25)));
    double half = 0;
    for (size_t m = 0; m < 3; m++) {
        const struct sb_ratio *one =
            &rank.cells[2 * m + (m < 2 ? 1 : 0)].figure[SB_WORKLOAD].to_best;
        half += pow(log(one->high / one->low) / 2, 2);
    }
    assert_close(log(rank.lead.high / rank.lead.low) / 2, sqrt(half) / 3);
    sb_rank_release(&rank);
    expect_in(&r,
              "a is 1.04× as fast as b over 3 models for 600+128 tokens; b wins on m3 (PP 1.25×).");
    sb_results_release(&r);
}

/* PP and TG pull in different directions: who wins depends on the workload. */
static void test_winner_depends_on_the_workload(void **state) {
    (void)state;
    struct sb_results r = fixture_set("T");
    fixture_launch(fixture_cell(&r, "m", "a", SB_OK, NULL), 1000, 10, 10, 1);
    fixture_launch(fixture_cell(&r, "m", "b", SB_OK, NULL), 100, 20, 10, 1);
    struct sb_workload reading = {.part = {{SB_FIRST_PLACE, 10000, 10, 1}}, .n_parts = 1},
                       writing = {.part = {{SB_FIRST_PLACE, 10, 1000, 1}}, .n_parts = 1};
    struct sb_rank rank = rank_of(&r, &reading);
    assert_int_equal(rank.first, 0);
    sb_rank_release(&rank);
    rank = rank_of(&r, &writing);
    assert_int_equal(rank.first, 1);
    sb_rank_release(&rank);
    expect_in(&r, "b is 1.08× as fast as a over 1 model for 600+128 tokens, but inconclusive");
    expect_in(&r, "; a is faster on m in PP (10.0×)");
    sb_results_release(&r);
}

/* A mix of depths: each part at the nearest measured depth, the deeper ones said to be stood for.
 */
static void test_a_workload_of_several_depths(void **state) {
    (void)state;
    struct sb_results r = fixture_set("T");
    static const struct {
        const char *backend;
        double tg[2]; /* at depth 0 and 4096 */
    } backends[] = {{"flat", {20, 20}}, {"steep", {30, 5}}};
    for (size_t i = 0; i < 2; i++) {
        struct sb_cell *c = fixture_cell(&r, "M", backends[i].backend, SB_OK, NULL);
        fixture_run(c, 1, 0, 100, backends[i].tg[0]);
        fixture_run(c, 1, 4096, 100, backends[i].tg[1]);
        sb_cell_summarize(c);
    }
    struct sb_workload mix = {.name = "mix",
                              .part = {{0, 100, 60, 1}, {4000, 50, 60, 2}, {9000, 50, 60, 1}},
                              .n_parts = 3};
    struct sb_rank rank = rank_of(&r, &mix);
    /* (1 + 3) / 4 + 3 * (0.5 + 3) / 4, and (1 + 2) / 4 + 3 * (0.5 + 12) / 4 */
    assert_float_equal(rank.cells[0].figure[SB_WORKLOAD].value, 3.625, 1e-9);
    assert_float_equal(rank.cells[1].figure[SB_WORKLOAD].value, 10.125, 1e-9);
    sb_rank_release(&rank);
    const struct sb_results *set = &r;
    struct sb_buf b = SB_BUF_INIT(1 << 20);
    assert_int_equal(sb_rank_text(&set, 1, &mix, &b), 0);
    assert_non_null(strstr(b.data, "over 1 model for mix"));
    assert_non_null(strstr(b.data, "P/PP + G/TG of 100+60, 2× 50+60 at a depth of 4000, 50+60 at"));
    assert_non_null(strstr(b.data,
                           "- Not measured: depth 4000, for which that at 4096 stands, depth "
                           "9000, for which that at 4096 stands.\n"));
    sb_buf_release(&b);
    sb_results_release(&r);
}

/* ---- what did not work ----------------------------------------------------------------------- */

static void test_failures(void **state) {
    (void)state;
    struct sb_results r = fixture_set("T");
    fixture_launches(&r, "m1", "a", 3, 1, 0.001);
    fixture_launches(&r, "m1", "b", 3, 0.8, 0.001);
    fixture_launches(&r, "m2", "a", 3, 1, 0.001);
    /* Figures that a failed cell still holds, ten times better than any: they must not count. */
    struct sb_cell *failed = fixture_launches(&r, "m2", "b", 3, 10, 0.001);
    failed->status = SB_FAILED;
    failed->reason = sb_strdup("server died");
    fixture_cell(&r, "m3", "a", SB_INVALID, "ran on CPU");
    fixture_cell(&r, "m3", "b", SB_PENDING, NULL);
    struct sb_rank rank = rank_of(&r, &usual);
    assert_int_equal(rank.n_common, 1);
    assert_int_equal(rank.backends[1].n_finished, 1);
    assert_close(rank.backends[1].speed, 0.8);
    assert_int_equal(rank.cells[3].figure[SB_PP].n, 0);
    sb_rank_release(&rank);
    expect_in(
        &r,
        "a did not finish 1 of 3 models: m3 (invalid: ran on CPU). b did not finish 2 of "
        "3 models: m2 (failed: server died), m3 (pending). a is 1.25× as fast as b over 1 model");
    sb_results_release(&r);
}

/* A backend that ran two models of six must not shrink the comparison of the others to two. */
static void test_left_out_backend(void **state) {
    (void)state;
    struct sb_results r = fixture_set("T");
    for (char name[] = "m1"; name[1] <= '6'; name[1]++) {
        fixture_launches(&r, name, "a", 1, 1, 0);
        fixture_launches(&r, name, "b", 1, 0.8, 0);
        if (name[1] <= '2')
            fixture_launches(&r, name, "c", 1, 2, 0);
    }
    struct sb_rank rank = rank_of(&r, &usual);
    assert_int_equal(rank.n_compared, 2);
    assert_int_equal(rank.n_common, 6);
    assert_false(rank.backends[2].compared);
    assert_close(rank.backends[0].speed, 1); /* c's two records set no mark */
    assert_int_equal(rank.backends[0].wins, 6);
    sb_rank_release(&rank);
    expect_in(
        &r,
        "c is left out over the models: it finished 2 of 6 models. a is 1.25× as fast as b over 6");
    sb_results_release(&r);
}

/* ---- which is which -------------------------------------------------------------------------- */

static void test_backends_match_by_label(void **state) {
    (void)state;
    struct sb_results r = fixture_set("T");
    fixture_launches(&r, "m1", "Vulkan", 1, 1, 0);
    fixture_launches(&r, "m1", "ROCm", 1, 0.8, 0);
    struct sb_cell *c = fixture_launches(&r, "m2", "Vulkan", 1, 1, 0);
    free(c->backend.id);
    c->backend.id = sb_strdup("other-id");
    fixture_launches(&r, "m2", "ROCm", 1, 0.8, 0);
    struct sb_rank rank = rank_of(&r, &usual);
    assert_int_equal(rank.n_backends, 2);
    assert_int_equal(rank.n_common, 2);
    sb_rank_release(&rank);

    /* Two of one label in one model: the ids tell them apart. */
    c = fixture_launches(&r, "m2", "Vulkan", 1, 1, 0);
    free(c->backend.id);
    c->backend.id = sb_strdup("radv");
    rank = rank_of(&r, &usual);
    assert_int_equal(rank.n_backends, 4);
    assert_string_equal(rank.backends[3].label, "Vulkan (radv)");
    sb_rank_release(&rank);
    sb_results_release(&r);
}

static void test_ten_thousand_cells(void **state) {
    (void)state;
    struct sb_results r = fixture_set("T");
    char model[16], backend[16];
    for (int i = 0; i < 10000; i++) {
        snprintf(model, sizeof model, "m%d", i / 2);
        snprintf(backend, sizeof backend, "b%d", i % 2 ? i / 4 : -1);
        fixture_launches(&r, model, backend, 1, 1 + i % 7, 0);
    }
    struct sb_rank rank = rank_of(&r, &usual);
    assert_int_equal(rank.n_models, 5000);
    assert_int_equal(rank.n_backends, 2501);
    assert_int_equal(rank.n_compared, 2);
    assert_int_equal(rank.n_common, 2);
    sb_rank_release(&rank);
    sb_results_release(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_workload),
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_noise_within_a_launch),
        cmocka_unit_test(test_loads),
        cmocka_unit_test(test_cold_and_warm_loads_are_not_averaged),
        cmocka_unit_test(test_over_models),
        cmocka_unit_test(test_winner_depends_on_the_workload),
        cmocka_unit_test(test_a_workload_of_several_depths),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_left_out_backend),
        cmocka_unit_test(test_backends_match_by_label),
        cmocka_unit_test(test_ten_thousand_cells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
