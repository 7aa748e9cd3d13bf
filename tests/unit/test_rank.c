#include <stdio.h>

#include "stratobench/verdict.h"

#include "golden.h"
#include "results_fixture.h"

static const struct sb_workload usual = SB_WORKLOAD_DEFAULT;

static struct sb_rank rank_of(const struct sb_results *r, const struct sb_workload *w) {
    struct sb_rank rank;
    sb_rank(r, NULL, w, &rank);
    return rank;
}

static char *render(const struct sb_results *const *sets, size_t n, bool markdown) {
    struct sb_buf b = SB_BUF_INIT(GOLDEN_MAX_BYTES);
    assert_int_equal((markdown ? sb_rank_markdown : sb_rank_text)(sets, n, &usual, &b), 0);
    return sb_buf_detach(&b);
}

static void expect_in(const struct sb_results *r, const char *want) {
    char *text = render(&r, 1, false);
    if (!strstr(text, want))
        fail_msg("want \"%s\" in:\n%s", want, text);
    free(text);
}

static void expect_not_in(const struct sb_results *r, const char *unwanted) {
    char *text = render(&r, 1, false);
    if (strstr(text, unwanted))
        fail_msg("unwanted \"%s\" in:\n%s", unwanted, text);
    free(text);
}

static void assert_close(double got, double want) {
    if (!(fabs(got - want) <= 1e-9 * fabs(want)))
        fail_msg("got %.12g, want %.12g", got, want);
}

/* ---- one model ------------------------------------------------------------------------------ */

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

static void test_spread_is_said_to_be_assumed(void **state) {
    (void)state;
    for (int launches = 1; launches <= 3; launches += 2) {
        struct sb_results r = fixture_set("T");
        fixture_launches(&r, "m", "a", launches, 1, 0.005);
        fixture_launches(&r, "m", "b", launches, 0.9, 0.005);
        (launches == 1 ? expect_in : expect_not_in)(
            &r, "Where a side has one launch, the spread between launches is unknown: 2 % is assumed");
        sb_results_release(&r);
    }
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

static void test_loads_say_what_they_are(void **state) {
    (void)state;
    static const char mean[] = "- A load is the mean over the last launch and those that found";
    static const char judged[] = "- Loads are judged only where both sides found the same share";
    for (int launches = 1; launches <= 2; launches++) {
        struct sb_results r = fixture_set("T");
        fixture_launches(&r, "m", "a", launches, 1, 0);
        fixture_launches(&r, "m", "b", launches, 0.5, 0);
        expect_in(&r, "Load            a: 10s          b: 2.0× slower");
        (launches > 1 ? expect_in : expect_not_in)(&r, mean);
        expect_not_in(&r, judged);
        r.cells[1].launches[launches - 1].cached_share = 0;
        expect_in(&r, "Load            a: 10s          b: not judged (2.0×");
        expect_in(&r, judged);
        sb_results_release(&r);
    }
}

/* A speed is of a length of prompt and answer: others are not measured. */
static void test_other_lengths_are_said_to_be_unmeasured(void **state) {
    (void)state;
    static const struct {
        double prompt, answer;
        const char *want;
    } cases[] = {
        {600, 128, NULL},
        {422, 256, NULL},
        {8000, 128, "- Not measured: a prompt of 8000 tokens, for which one of 300 stands.\n"},
        {149, 128, "- Not measured: a prompt of 149 tokens, for which one of 300 stands.\n"},
        {8000, 2000, "- Not measured: a prompt of 8000 tokens, for which one of 300 stands, an answer "
                     "of 2000 tokens, for which one of 128 stands.\n"},
        {0, 128, NULL},
    };
    struct sb_results r = fixture_set("T");
    fixture_launches(&r, "m", "a", 1, 1, 0)->runs[0].prompt_n = 300;
    fixture_launches(&r, "m", "b", 1, 1, 0)->runs[0].prompt_n = 300;
    r.cells[0].runs[0].predicted_n = 128;
    const struct sb_results *set = &r;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sb_workload w = SB_WORKLOAD_DEFAULT;
        struct sb_buf b = SB_BUF_INIT(1 << 20);
        w.part[0].prompt_tokens = cases[i].prompt;
        w.part[0].gen_tokens = cases[i].answer;
        assert_int_equal(sb_rank_text(&set, 1, &w, &b), 0);
        const char *said = strstr(sb_buf_str(&b), "- Not measured");
        if (!cases[i].want != !said || (said && strncmp(said, cases[i].want, strlen(cases[i].want))))
            fail_msg("case %zu: %s", i, sb_buf_str(&b));
        sb_buf_release(&b);
    }
    sb_results_release(&r);
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

/* ---- over the models ------------------------------------------------------------------------ */

/* Two launches that differ by a factor leave nothing to be read from their mean. */
static void test_an_interval_without_end(void **state) {
    (void)state;
    struct sb_results r = fixture_set("T");
    fixture_launches(&r, "m", "a", 2, 1, 0.005);
    fixture_launches(&r, "m", "b", 2, 0.9, 0.999);
    expect_in(&r, "but inconclusive (95 % interval 0.02–100+).");
    sb_results_release(&r);
}

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

static void test_ties_and_doubts_in_the_sentence(void **state) {
    (void)state;
    struct sb_results tie = fixture_set("T"), open = fixture_set("T");
    fixture_launches(&tie, "m", "a", 3, 1, 0.001);
    fixture_launches(&tie, "m", "b", 3, 0.999, 0.001);
    fixture_launches(&open, "m", "a", 1, 1, 0);
    fixture_launches(&open, "m", "b", 1, 0.97, 0);
    expect_in(&tie, "a and b tie over 1 model for 600+128 tokens (1.00×).");
    expect_in(
        &open,
        "a is 1.03× as fast as b over 1 model for 600+128 tokens, but inconclusive (95 % interval "
        "0.98–1.09).");
    sb_results_release(&tie);
    sb_results_release(&open);
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

/* ---- what did not work ---------------------------------------------------------------------- */

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

static void test_many_failures_are_counted(void **state) {
    (void)state;
    struct sb_results r = fixture_set("T");
    for (char name[] = "m1"; name[1] <= '6'; name[1]++) {
        fixture_launches(&r, name, "a", 1, 1, 0);
        fixture_cell(&r, name, "b", SB_FAILED, "server died");
    }
    expect_in(&r, "b did not finish 6 of 6 models: m1 (failed: server died), m2 (failed: server "
                  "died), m3 (failed: server died) and 3 more. No model was finished by two "
                  "backends");
    sb_results_release(&r);
}

/* A backend that ran two models of six must not shrink the comparison of the others to two. */
static void test_flagged_cells_are_named(void **state) {
    (void)state;
    static const char *const models[] = {"m1", "m2", "m3"};
    struct sb_results r = fixture_set("T");
    for (size_t i = 0; i < 3; i++) {
        fixture_launches(&r, models[i], "a", 3, 1, 0.005);
        fixture_launches(&r, models[i], "b", 3, 0.9, 0.005);
    }
    expect_not_in(&r, "Doubtful");
    for (size_t i = 0; i < r.n_cells - 1; i++)
        sb_strv_add(&r.cells[i].flags, "NOISY");
    sb_strv_add(&r.cells[0].flags, "DRIFT");
    expect_in(&r, "- Doubtful figures: m1 on a (NOISY, DRIFT); m1 on b (NOISY); m2 on a (NOISY) "
                  "and 2 more.\n");
    sb_results_release(&r);
}

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

/* ---- which is which ------------------------------------------------------------------------- */

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

static void test_nothing_to_rank(void **state) {
    (void)state;
    struct sb_results r = fixture_set("T");
    const struct sb_results *set = &r;
    fixture_launches(&r, "m1", "a", 1, 1, 0);
    fixture_launches(&r, "m2", "b", 1, 1, 0);
    char *markdown = render(&set, 1, true);
    assert_string_equal(markdown, "");
    free(markdown);
    expect_in(&r, "No model was run with two backends: there is nothing to rank.");
    sb_results_release(&r);
}

/* The newer result of a cell stands, and what it hides is said. */
static void test_merged_files(void **state) {
    (void)state;
    struct sb_results old = fixture_set("T"), new = fixture_set("T");
    fixture_launches(&old, "m", "a", 1, 1, 0)->measured_at = sb_strdup("2026-01-01T00:00:00Z");
    fixture_launches(&old, "m", "b", 1, 0.8, 0)->measured_at = sb_strdup("2026-01-01T00:00:00Z");
    fixture_cell(&new, "m", "b", SB_FAILED, "server died")->measured_at =
        sb_strdup("2026-01-02T00:00:00Z");
    char *text = render((const struct sb_results *[]){&old, &new}, 2, false);
    assert_non_null(strstr(text, "b did not finish 1 of 1 model: m (failed: server died)."));
    assert_non_null(
        strstr(text, "- m on b: The newer result is shown; an earlier one of 2026-01-01 was ok"));
    free(text);
    sb_results_release(&old);
    sb_results_release(&new);
}

static void test_hostile_labels(void **state) {
    (void)state;
    struct sb_results r = fixture_set("T");
    const struct sb_results *set = &r;
    fixture_launches(&r, "a|b\x1b[2J\n# x", "<script>", 1, 1, 0);
    fixture_launches(&r, "a|b\x1b[2J\n# x", "b*b", 1, 0.8, 0);
    char *markdown = render(&set, 1, true), *text = render(&set, 1, false);
    assert_null(strstr(markdown, "<script>"));
    assert_non_null(strstr(markdown, "a\\|b"));
    assert_null(strchr(text, '\x1b'));
    assert_null(strstr(text, "\n# x"));
    free(markdown);
    free(text);
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

/* ---- what it says --------------------------------------------------------------------------- */

static void expect_golden(const char *const *sets, const char *name) {
    struct golden_sets s;
    golden_load(sets, &s);
    for (int markdown = 0; markdown <= 1; markdown++) {
        char *file = sb_asprintf("rank-%s.%s", name, markdown ? "md" : "txt");
        char *text = render(s.pointers, s.n, markdown);
        golden_expect(file, text);
        free(text);
        free(file);
    }
    golden_release(&s);
}

#define SETS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* A mix of depths: each part at the nearest measured depth, the deeper ones said to be stood for. */
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
    assert_non_null(strstr(b.data, "- Not measured: depth 4000, for which that at 4096 stands, depth "
                                   "9000, for which that at 4096 stands.\n"));
    sb_buf_release(&b);
    sb_results_release(&r);
}

static struct sb_cell *cell_with(struct sb_results *r, const char *backend, double pp,
                                 const char *const *settings) {
    struct sb_cell *c = fixture_cell(r, "M", backend, SB_OK, NULL);
    for (; *settings; settings++)
        sb_strv_add(&c->fingerprint_of, *settings);
    fixture_launch(c, pp, 10, 1, 1);
    return c;
}

/* What a backend is asked for in its keys or in its args; what nobody knows is not compared. */
static void test_settings_that_differ_are_named(void **state) {
    (void)state;
    struct sb_results r = fixture_set("T");
    cell_with(&r, "ROCm|7", 300, SETS("cache_type=q4_0", "flash_attn=on", "arg=-ub", "arg=2048"));
    cell_with(&r, "Vulkan", 200, SETS("device=Vulkan0", "arg=-ctk", "arg=q4_0", "arg=-ub", "arg=512"));
    cell_with(&r, "CPU", 100, SETS("device=none"));
    fixture_launch(fixture_cell(&r, "M", "old file", SB_OK, NULL), 90, 10, 1, 1);
    const struct sb_results *set = &r;
    struct sb_buf b = SB_BUF_INIT(1 << 20);
    struct sb_workload w = SB_WORKLOAD_DEFAULT;
    assert_int_equal(sb_rank_markdown(&set, 1, &w, &b), 0);
    assert_non_null(strstr(
        b.data, "\n\nNot like with like: KV cache (ROCm\\|7, Vulkan q4_0; CPU f16), flash attention "
                "(ROCm\\|7 on; Vulkan, CPU auto), ubatch (ROCm\\|7 2048; Vulkan, CPU 512).\n\n"));
    sb_buf_release(&b);
    sb_results_release(&r);
}

static void test_golden(void **state) {
    (void)state;
    expect_golden(SETS("reference-main", "reference-k8s", "reference-vision"), "reference");
    expect_golden(SETS("statuses"), "statuses");
    expect_golden(SETS("launches"), "launches");
    expect_golden(SETS("hostile-sections"), "hostile");
    expect_golden(SETS("merge-old", "merge-new"), "merge");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_workload),
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_noise_within_a_launch),
        cmocka_unit_test(test_spread_is_said_to_be_assumed),
        cmocka_unit_test(test_loads),
        cmocka_unit_test(test_loads_say_what_they_are),
        cmocka_unit_test(test_other_lengths_are_said_to_be_unmeasured),
        cmocka_unit_test(test_cold_and_warm_loads_are_not_averaged),
        cmocka_unit_test(test_an_interval_without_end),
        cmocka_unit_test(test_over_models),
        cmocka_unit_test(test_ties_and_doubts_in_the_sentence),
        cmocka_unit_test(test_winner_depends_on_the_workload),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_many_failures_are_counted),
        cmocka_unit_test(test_flagged_cells_are_named),
        cmocka_unit_test(test_left_out_backend),
        cmocka_unit_test(test_backends_match_by_label),
        cmocka_unit_test(test_nothing_to_rank),
        cmocka_unit_test(test_merged_files),
        cmocka_unit_test(test_hostile_labels),
        cmocka_unit_test(test_ten_thousand_cells),
        cmocka_unit_test(test_a_workload_of_several_depths),
        cmocka_unit_test(test_settings_that_differ_are_named),
        cmocka_unit_test(test_golden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
