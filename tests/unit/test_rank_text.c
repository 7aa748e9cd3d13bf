/* What a ranking says, and of what it warns. */
#include "rank_fixture.h"

/* ---- the sentence ---------------------------------------------------------------------------- */

/* Two launches that differ by a factor leave nothing to be read from their mean. */
static void test_an_interval_without_end(void **state) {
    (void)state;
    struct sb_results r = fixture_set("T");
    fixture_launches(&r, "m", "a", 2, 1, 0.005);
    fixture_launches(&r, "m", "b", 2, 0.9, 0.999);
    expect_in(&r, "but inconclusive (95 % interval 0.02–100+).");
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

/* ---- notes ----------------------------------------------------------------------------------- */

static void test_spread_is_said_to_be_assumed(void **state) {
    (void)state;
    for (int launches = 1; launches <= 3; launches += 2) {
        struct sb_results r = fixture_set("T");
        fixture_launches(&r, "m", "a", launches, 1, 0.005);
        fixture_launches(&r, "m", "b", launches, 0.9, 0.005);
        (launches == 1 ? expect_in : expect_not_in)(
            &r,
            "Where a side has one launch, the spread between launches is unknown: 2 % is assumed");
        sb_results_release(&r);
    }
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
        {8000, 2000,
         "- Not measured: a prompt of 8000 tokens, for which one of 300 stands, an answer "
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
        if (!cases[i].want != !said ||
            (said && strncmp(said, cases[i].want, strlen(cases[i].want))))
            fail_msg("case %zu: %s", i, sb_buf_str(&b));
        sb_buf_release(&b);
    }
    sb_results_release(&r);
}

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

#define SETS(...) ((const char *const[]){__VA_ARGS__, NULL})

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
    cell_with(&r, "Vulkan", 200,
              SETS("device=Vulkan0", "arg=-ctk", "arg=q4_0", "arg=-ub", "arg=512"));
    cell_with(&r, "CPU", 100, SETS("device=none"));
    fixture_launch(fixture_cell(&r, "M", "old file", SB_OK, NULL), 90, 10, 1, 1);
    const struct sb_results *set = &r;
    struct sb_buf b = SB_BUF_INIT(1 << 20);
    struct sb_workload w = SB_WORKLOAD_DEFAULT;
    assert_int_equal(sb_rank_markdown(&set, 1, &w, &b), 0);
    assert_non_null(
        strstr(b.data,
               "\n\nNot like with like: KV cache (ROCm\\|7, Vulkan q4_0; CPU f16), flash attention "
               "(ROCm\\|7 on; Vulkan, CPU auto), ubatch (ROCm\\|7 2048; Vulkan, CPU 512).\n\n"));
    sb_buf_release(&b);
    sb_results_release(&r);
}

/* ---- whole texts ----------------------------------------------------------------------------- */

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
        cmocka_unit_test(test_spread_is_said_to_be_assumed),
        cmocka_unit_test(test_loads_say_what_they_are),
        cmocka_unit_test(test_other_lengths_are_said_to_be_unmeasured),
        cmocka_unit_test(test_an_interval_without_end),
        cmocka_unit_test(test_ties_and_doubts_in_the_sentence),
        cmocka_unit_test(test_many_failures_are_counted),
        cmocka_unit_test(test_flagged_cells_are_named),
        cmocka_unit_test(test_nothing_to_rank),
        cmocka_unit_test(test_merged_files),
        cmocka_unit_test(test_hostile_labels),
        cmocka_unit_test(test_settings_that_differ_are_named),
        cmocka_unit_test(test_golden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
