/* What a comparison says, in each of its forms. */
#include "compare_fixture.h"

/* One of everything. */
static void make_all(struct sb_results *base, struct sb_results *next) {
    *base = fixture_set("T");
    *next = fixture_set("T");
    fixture_launches(base, "Llama 70B", "same", 3, 1, 0.01);
    fixture_launches(next, "Llama 70B", "same", 3, 1.001, 0.01);
    fixture_launches(base, "Llama 70B", "improved", 3, 1, 0.01);
    fixture_launches(next, "Llama 70B", "improved", 3, 1.2, 0.01);
    add_depth(fixture_launches(base, "Llama 70B", "ROCm, 7.2: x", 3, 1, 0.01), 4096, 80, 8);
    add_depth(fixture_launches(next, "Llama 70B", "ROCm, 7.2: x", 3, 0.8, 0.01), 4096, 80, 8);
    fixture_launches(base, "Qwen|80B", "inconclusive", 1, 1, 0);
    fixture_launches(next, "Qwen|80B", "inconclusive", 1, 0.93, 0);
    fixture_launches(base, "Qwen|80B", "broken", 1, 1, 0);
    fixture_cell(next, "Qwen|80B", "broken", SB_FAILED, "100% out of memory\nreally");
    fixture_fingerprint(fixture_launches(base, "Qwen|80B", "other", 1, 1, 0), "aa",
                        LINES("n_predict=128"));
    fixture_fingerprint(fixture_launches(next, "Qwen|80B", "other", 1, 1, 0), "bb",
                        LINES("n_predict=64"));
    fixture_launches(base, "Qwen|80B", "gone", 1, 1, 0);
    fixture_cell(base, "Qwen|80B", "mended", SB_FAILED, "server died");
    fixture_launches(next, "Qwen|80B", "mended", 1, 1, 0);
    fixture_launches(next, "Qwen|80B", "added", 1, 1, 0);
    fixture_cell(base, "Qwen|80B", "hopeless", SB_FAILED, "server died");
    fixture_cell(next, "Qwen|80B", "hopeless", SB_FAILED, "server died");
}

static void test_golden(void **state) {
    (void)state;
    struct sb_results base, next;
    make_all(&base, &next);
    struct sb_comparison c = compare(&base, &next, &usual);
    struct sb_buf annotations = SB_BUF_INIT(GOLDEN_MAX_BYTES);
    expect_golden_forms(&c, "compare");
    sb_comparison_annotations(&c, &annotations);
    golden_expect("compare-annotations.txt", sb_buf_str(&annotations));
    sb_buf_release(&annotations);
    release_compared(&c, &base, &next);
}

/* ---- answers --------------------------------------------------------------------------------- */

static void swap_answers(struct sb_cell *a, struct sb_cell *b) {
    struct sb_answer *answers = a->answers;
    size_t n = a->n_answers;
    a->answers = b->answers;
    a->n_answers = b->n_answers;
    b->answers = answers;
    b->n_answers = n;
}

/* The golden answers against themselves, those of two cells swapped on the new side; what a
 * comparison says of the first, in text, JSON and annotations; words NULL: nothing of answers. */
static void expect_answers(size_t a, size_t b, int exit_code, enum sb_compare_state state_of_a,
                           const char *words, bool annotated) {
    struct golden_sets base, next;
    golden_load((const char *[]){"answers", NULL}, &base);
    golden_load((const char *[]){"answers", NULL}, &next);
    if (a != b)
        swap_answers(&next.item[0].cells[a], &next.item[0].cells[b]);
    struct sb_comparison c = compare(&base.item[0], &next.item[0], &usual);
    struct sb_buf text[3] = {SB_BUF_INIT(SB_TEXT_MAX), SB_BUF_INIT(SB_TEXT_MAX),
                             SB_BUF_INIT(SB_TEXT_MAX)};
    sb_comparison_text(&c, &text[0]);
    sb_comparison_json(&c, &text[1]);
    sb_comparison_annotations(&c, &text[2]);
    assert_int_equal(c.exit_code, exit_code);
    assert_int_equal(c.cells[a].state, state_of_a);
    assert_int_equal(sb_comparison_bisect(&c), exit_code == 3 ? 125 : exit_code);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(strstr(sb_buf_str(&text[i]), words ? words : "answers ") != NULL,
                         words != NULL);
    assert_int_equal(strstr(sb_buf_str(&text[2]), words ? words : "answers ") != NULL, annotated);
    for (size_t i = 0; i < 3; i++)
        sb_buf_release(&text[i]);
    sb_comparison_release(&c);
    golden_release(&base);
    golden_release(&next);
}

static void test_answers_then_and_now(void **state) {
    (void)state;
    enum { READER_CPU, READER_VULKAN, READER_ROCM, PAIR_CPU, PAIR_VULKAN };
    expect_answers(READER_CPU, READER_CPU, 0, SB_CELL_SAME, NULL, false);
    expect_answers(READER_CPU, READER_ROCM, 1, SB_CELL_REGRESSION,
                   "answers got worse: perplexity 49.4 over 8 tokens, was 2.7", true);
    expect_answers(READER_ROCM, READER_VULKAN, 1, SB_CELL_SAME,
                   "answers got better: perplexity 2.7 over 8 tokens, was 49.4", false);
    expect_answers(PAIR_CPU, PAIR_VULKAN, 3, SB_CELL_INCONCLUSIVE, "answers differ by 0.72", false);
    expect_answers(READER_CPU, READER_VULKAN, 0, SB_CELL_SAME, NULL, false);
}

/* For --ci: a backend that became wrong. */
static void test_wrong_answers_are_annotated(void **state) {
    (void)state;
    struct golden_sets base, next;
    golden_load((const char *[]){"answers", NULL}, &base);
    golden_load((const char *[]){"answers", NULL}, &next);
    struct sb_cell *was = base.item[0].cells;
    swap_answers(&was[2], &was[5]); /* ROCm was not asked then */
    sb_answers_apply(&(struct sb_results *){&base.item[0]}, 1);
    sb_answers_apply(&(struct sb_results *){&next.item[0]}, 1);
    struct sb_comparison c = compare(&base.item[0], &next.item[0], &usual);
    struct sb_buf annotations = SB_BUF_INIT(SB_TEXT_MAX);
    sb_comparison_annotations(&c, &annotations);
    assert_int_equal(c.exit_code, 1);
    golden_expect("compare-answers.txt", sb_buf_str(&annotations));
    sb_buf_release(&annotations);
    sb_comparison_release(&c);
    golden_release(&base);
    golden_release(&next);
}

/* ---- the conclusion -------------------------------------------------------------------------- */

static void test_conclusion_without_a_loss(void **state) {
    (void)state;
    struct sb_results base = fixture_set("T"), next = fixture_set("T");
    fixture_launches(&base, "m", "b", 3, 1, 0.01);
    fixture_launches(&next, "m", "b", 3, 1, 0.01);
    struct sb_comparison c = compare(&base, &next, &usual);
    struct sb_buf text = SB_BUF_INIT(SB_ERR_MAX), annotations = SB_BUF_INIT(SB_ERR_MAX);
    sb_comparison_text(&c, &text);
    sb_comparison_annotations(&c, &annotations);
    assert_non_null(strstr(sb_buf_str(&text), "\nNo regression: 1 cell compared.\n"));
    assert_null(strstr(sb_buf_str(&text), "assumed"));
    assert_null(strstr(sb_buf_str(&text), "Noise can hide"));
    assert_int_equal(annotations.len, 0);
    sb_buf_release(&text);
    sb_buf_release(&annotations);
    release_compared(&c, &base, &next);
}

/* A gate that passes says how well it saw; and one load in a full page cache is not one launch. */
static void test_what_the_conclusion_rests_on(void **state) {
    (void)state;
    struct sb_results base = fixture_set("T"), next = fixture_set("T");
    fixture_launches(&base, "m", "quiet", 3, 1, 0.01);
    fixture_launches(&next, "m", "quiet", 3, 1, 0.01);
    fixture_launches(&base, "m", "noisy", 3, 1, 0.05);
    fixture_launches(&next, "m", "noisy", 3, 0.93, 0.05)->launches[2].cached_share = 0.3;
    struct sb_comparison c = compare(&base, &next, &usual);
    struct sb_buf text = SB_BUF_INIT(SB_ERR_MAX);
    sb_comparison_text(&c, &text);
    assert_int_equal(c.exit_code, 0);
    assert_non_null(strstr(sb_buf_str(&text), "  ok −7.0 % (limit 21.2 %)\n"));
    assert_non_null(
        strstr(sb_buf_str(&text), "Noise can hide drops of up to 21.2 % here (PP of m on noisy);"));
    assert_non_null(strstr(sb_buf_str(&text), "where a side has one, a spread of 2 % is assumed."));
    assert_null(strstr(sb_buf_str(&text), "has one launch"));
    assert_non_null(strstr(sb_buf_str(&text), "  not judged\n"));
    assert_non_null(
        strstr(sb_buf_str(&text), "Loads are judged only where both sides found the same"));
    sb_buf_release(&text);
    release_compared(&c, &base, &next);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_answers_then_and_now),
        cmocka_unit_test(test_wrong_answers_are_annotated),
        cmocka_unit_test(test_conclusion_without_a_loss),
        cmocka_unit_test(test_what_the_conclusion_rests_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
