/* Prompts with a picture: what is sent, what must come back, what the server's log says of it, and
 * what the document makes of it. */
#include "golden.h"
#include "results_fixture.h"

#include <stdio.h>
#include <unistd.h>

#include "bench/internal.h"
#include "stratobench/llama.h"
#include "stratobench/prompt.h"
#include "stratobench/report.h"
#include "stratobench/results_merge.h"

/* ---- the prompt ----------------------------------------------------------------------------- */

static void base64_is_that_of_rfc_4648(void **state) {
    (void)state;
    static const char *const cases[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"\xff\xfe\xfb\xf0", "//778A=="}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sb_buf b = SB_BUF_INIT(64);
        sb_buf_add_base64(&b, cases[i][0], strlen(cases[i][0]));
        assert_string_equal(sb_buf_str(&b), cases[i][1]);
        sb_buf_release(&b);
    }
}

/* As it comes from a server: two nonces, the second a token longer. */
static struct sb_prepared prepared(void) {
    static int ids[] = {1, 11, 12, 13}, nonces[] = {11, 12, 13};
    static char *before[] = {(char *)"A. Picture:\n", (char *)"B. Picture:\n", NULL};
    static size_t before_n[] = {4, 5};
    return (struct sb_prepared){.ids = ids,
                                .n = 4,
                                .n_special = 1,
                                .nonces = nonces,
                                .n_nonces = 3,
                                .picture = (char *)"iVBORw==",
                                .behind = (char *)"<marker>\nWhy?",
                                .before = {before, 2},
                                .before_n = before_n,
                                .behind_n = 7};
}

static void a_prompt_is_a_nonce_a_picture_and_a_text(void **state) {
    (void)state;
    struct sb_prepared p = prepared();
    for (size_t nonce = 0; nonce < 4; nonce++) {
        struct sb_request r;
        sb_prompt_request(&p, 0, nonce, 0, 8, &r);
        assert_string_equal(r.body.text, nonce % 2 ? "B. Picture:\n<marker>\nWhy?"
                                                   : "A. Picture:\n<marker>\nWhy?");
        assert_string_equal(r.body.picture, "iVBORw==");
        assert_int_equal(r.body.n_tokens, 0);
        assert_false(r.body.cache_prompt);
        assert_true(r.body.ignore_eos);
        assert_true(r.want.picture);
        assert_int_equal(r.want.prompt_n, nonce % 2 ? 12 : 11); /* of the text */
        assert_int_equal(r.want.n_predict, 8);
        sb_request_release(&r);
    }
}

/* Answers and turns. */
static void of_the_text_alone_nothing_is_seen(void **state) {
    (void)state;
    struct sb_prepared p = prepared();
    struct sb_request r;
    sb_prompt_text_request(&p, 0, 1, 0, 8, &r);
    assert_null(r.body.picture);
    assert_int_equal(r.body.n_tokens, 5);
    assert_false(r.want.picture);
    sb_request_release(&r);
    struct sb_talk t;
    sb_talk_begin(&p, 1, 8, &t);
    assert_null(t.body.picture);
    assert_int_equal(t.body.n_tokens, 5);
    sb_talk_release(&t);
}

static void a_picture_must_be_in_what_was_processed(void **state) {
    (void)state;
    struct sb_run r = sb_run_empty();
    r.cache_n = 0;
    r.prompt_ms = r.predicted_ms = 1000;
    r.wall_ms = 2001;
    r.predicted_n = 8;
    r.stop_type = (char *)"limit";
    struct sb_expectation want = {.prompt_n = 12, .n_predict = 8, .picture = true};
    char text[128];
    for (r.prompt_n = 12; r.prompt_n <= 13; r.prompt_n++) {
        sb_run_speeds(&r);
        const char *why = sb_run_check(&r, &want, 0, text, sizeof text);
        if (r.prompt_n == 13)
            assert_null(why);
        else
            assert_string_equal(why, "12 prompt tokens processed, no more than the 12 of the text: "
                                     "the picture is not in them");
    }
}

/* ---- the log -------------------------------------------------------------------------------- */

static void expect_times(const char *log, const double *want, size_t n) {
    char path[] = "/tmp/test_vision.XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, log, strlen(log)), (ssize_t)strlen(log));
    close(fd);
    double *ms;
    size_t got;
    assert_int_equal(sb_llama_encode_times(path, &ms, &got), 0);
    unlink(path);
    assert_int_equal(got, n);
    for (size_t i = 0; i < n; i++)
        if (fabs(ms[i] - want[i]) > 1e-6)
            fail_msg("%g, not %g", ms[i], want[i]);
    free(ms);
    assert_int_equal(sb_llama_encode_times(path, &ms, &got), -1); /* it is gone */
}

#define TIMING                                                                                     \
    "0.02.523.631 I slot print_timing: id  0 | task 0 | prompt eval time =     708.01 ms / 41 "    \
    "tokens\n"

static void the_log_tells_how_long_pictures_took(void **state) {
    (void)state;
    /* Build 11669: when it began and when it went on; the second request came without a picture, the
     * third in two slices. */
    expect_times("0.01.637.107 I slot encode_mtmd_: id  0 | task 0 | encoding mtmd batch from idx "
                 "= 15, n_chunks = 1\n"
                 "0.01.722.168 I decoding image batch 1/1, n_tokens_batch = 16\n"
                 "0.01.725.543 I image decoded (batch 1/1) in 3 ms\n" TIMING TIMING
                 "1.00.000.000 I slot encode_mtmd_: id  0 | task 2 | encoding mtmd batch from idx "
                 "= 15, n_chunks = 1\n"
                 "1.00.010.000 I decoding image batch 1/2, n_tokens_batch = 16\n"
                 "1.00.015.000 I decoding image batch 2/2, n_tokens_batch = 16\n"
                 "1.00.020.000 I slot encode_mtmd_: id  0 | task 2 | encoding mtmd batch from idx "
                 "= 40, n_chunks = 1\n"
                 "1.00.022.500 I decoding image batch 1/1, n_tokens_batch = 16\n" TIMING,
                 (const double[]){85.061, 12.5}, 2);
    /* 2025: it says so. */
    expect_times(
        "encoding image slice...\nimage slice encoded in 84 ms\ndecoding image batch 1/1, "
        "n_tokens_batch = 16\n"
        "image decoded (batch 1/1) in 3 ms\nslot print_timing: prompt eval time = 708.01 ms\n",
        (const double[]){84}, 1);
    expect_times("", NULL, 0);
    expect_times(TIMING TIMING, NULL, 0);
}

/* ---- the document --------------------------------------------------------------------------- */

static struct sb_cell *seeing(struct sb_results *r, const char *backend, const char *image,
                              int tokens) {
    struct sb_cell *c = fixture_cell(r, "m", backend, SB_OK, NULL);
    c->model.image = sb_asprintf("/pictures/%s", image);
    c->model.image_sha256 = sb_strdup(image);
    fixture_launch(c, 100, 10, 1, 1);
    c->runs[0].prompt_n = 100 + tokens;
    c->runs[0].image_n = tokens;
    c->runs[0].prompt_ms = 200;
    c->runs[0].image_encode_ms = 50;
    return c;
}

static char *rendered(struct sb_results *r) {
    struct sb_buf b = SB_BUF_INIT(1 << 20);
    const struct sb_results *sets[] = {r};
    assert_int_equal(sb_report_markdown(sets, 1, &b), 0);
    return sb_buf_detach(&b);
}

static void expect_in(const char *text, const char *part, bool is) {
    if (!strstr(text, part) == is)
        fail_msg("\"%s\" is %sin:\n%s", part, is ? "not " : "", text);
}

static void the_document_says_what_was_shown(void **state) {
    (void)state;
    for (int other = 0; other < 2; other++) {
        struct sb_results r = fixture_set("Eyes");
        seeing(&r, "one", "cat.png", 16);
        seeing(&r, "two", "cat.png", other ? 20 : 16);
        char *text = rendered(&r);
        expect_in(text, "with a picture: cat.png", true);
        expect_in(text, "cat.png, 16 image tokens", true);
        expect_in(text, "**Vision:**", true);
        expect_in(text, "| one | cat.png | 16 | 100 | 50 ms | 25 % |", true);
        expect_in(text, "**Not one prompt:**", other);
        expect_in(text, "not tested", false);
        free(text);
        sb_results_release(&r);
    }
}

static void without_a_picture_nothing_is_said(void **state) {
    (void)state;
    struct sb_results r = fixture_set("Blind");
    fixture_launches(&r, "m", "one", 1, 1, 0);
    char *text = rendered(&r);
    expect_in(text, "icture", false);
    expect_in(text, "ision:", false);
    free(text);
    sb_results_release(&r);
}

static void files_with_different_pictures_are_told_apart(void **state) {
    (void)state;
    static const char *const second[] = {"cat.png", "dog.png"};
    for (int other = 0; other < 2; other++) {
        struct sb_results a = fixture_set("Eyes"), b = fixture_set("Eyes");
        seeing(&a, "one", "cat.png", 16);
        seeing(&b, "two", second[other], 16);
        const struct sb_results *sets[] = {&a, &b};
        struct sb_sections s = sb_results_merge(sets, 2);
        assert_int_equal(s.n, 1);
        assert_int_equal(s.item[0].set.n_cells, 2);
        assert_int_equal(s.item[0].warnings.n, other);
        if (other)
            assert_string_equal(s.item[0].warnings.item[0],
                                "The files of this section differ in the picture.");
        sb_sections_release(&s);
        sb_results_release(&a);
        sb_results_release(&b);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64_is_that_of_rfc_4648),
        cmocka_unit_test(a_prompt_is_a_nonce_a_picture_and_a_text),
        cmocka_unit_test(of_the_text_alone_nothing_is_seen),
        cmocka_unit_test(a_picture_must_be_in_what_was_processed),
        cmocka_unit_test(the_log_tells_how_long_pictures_took),
        cmocka_unit_test(the_document_says_what_was_shown),
        cmocka_unit_test(without_a_picture_nothing_is_said),
        cmocka_unit_test(files_with_different_pictures_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
