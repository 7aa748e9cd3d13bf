/* The vocabulary of texts. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stratobench/text.h"

static void a_width_is_one_of_columns(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t width;
    } cases[] = {
        {"", 0},       {"abc", 3},       {"±1.0", 4},     {"é—·×", 4},
        {"日本語", 6}, {"e\xcc\x81", 1}, {"\xff\xfe", 2}, {"\xf0\x9f\x9a\x80", 2},
        {"한글", 4},   {"\x1b", 1},      {"1.2× → ‹", 8}, {"× 日", 4},
        {"\xc3", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (sb_text_width(cases[i].text) != cases[i].width)
            fail_msg("%s: %zu columns, not %zu", cases[i].text, sb_text_width(cases[i].text),
                     cases[i].width);
}

static void a_text_is_cut_between_characters(void **state) {
    (void)state;
    assert_int_equal(sb_text_fit("abc", 2), 2);
    assert_int_equal(sb_text_fit("abc", 9), 3);
    assert_int_equal(sb_text_fit("日本語", 5), 6);
    assert_int_equal(sb_text_fit("日本語", 4), 6);
    assert_int_equal(sb_text_fit("日本語", 1), 0);
    assert_int_equal(sb_text_fit("e\xcc\x81x", 1), 3); /* the accent stays with its letter */
    assert_int_equal(sb_text_fit("", 3), 0);
    assert_int_equal(sb_text_fit("±1→x", 3), 6);
    assert_int_equal(sb_text_fit("±日x", 2), 2);
}

static void words_are_filled_into_lines(void **state) {
    (void)state;
    struct sb_buf b = SB_BUF_INIT(4096);
    sb_text_fill(&b, "one two  three\nfour 日本 五 sixsevenseven", 2, 9);
    assert_string_equal(sb_buf_str(&b), "one two\n  three\n  four\n  日本 五\n  sixsevenseven");
    sb_buf_release(&b);
    sb_text_fill(&b, "one\n\ntwo", 0, 80);
    assert_string_equal(sb_buf_str(&b), "one\n\ntwo");
    sb_buf_release(&b);
}

static void no_line_is_a_workflow_command(void **state) {
    (void)state;
    struct sb_buf b = SB_BUF_INIT(4096);
    sb_github_inert(
        &b, "::error::a b::c\n  \t::set-env name=x::y\nd ##[error]e ##[group]\n###[x\n:: \nlast");
    assert_string_equal(sb_buf_str(&b),
                        ":\u2236error::a b::c\n  \t:\u2236set-env name=x::y\n"
                        "d #\u266f[error]e #\u266f[group]\n##\u266f[x\n:\u2236 \nlast");
    sb_buf_release(&b);
    sb_github_escape(&b, "50 %: a,\nb", true);
    assert_string_equal(sb_buf_str(&b), "50 %25%3A a%2C%0Ab");
    sb_buf_release(&b);
    sb_github_escape(&b, "50 %: a,\nb", false);
    assert_string_equal(sb_buf_str(&b), "50 %25: a,%0Ab");
    sb_buf_release(&b);
}

static void words_are_quoted_for_a_shell(void **state) {
    (void)state;
    static const char *const cases[][2] = {{"a-b=/c", "a-b=/c"},
                                           {"", "''"},
                                           {"a b", "'a b'"},
                                           {"it's", "'it'\\''s'"},
                                           {"$(x)", "'$(x)'"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sb_buf b = SB_BUF_INIT(64);
        sb_shell_quote(&b, cases[i][0]);
        assert_string_equal(sb_buf_str(&b), cases[i][1]);
        sb_buf_release(&b);
    }
}

static void figures_are_said_in_one_way(void **state) {
    (void)state;
    static const struct {
        double mean, stddev;
        const char *want;
    } means[] = {{318.84, 26.26, "318.8 ±26.3"}, {5, NAN, "5.0"}, {NAN, 1, "—"}, {NAN, NAN, "—"}};
    static const struct {
        double s;
        const char *want;
    } times[] = {{0, "0s"}, {45.4, "45s"}, {59.6, "1m00s"}, {200, "3m20s"}, {3720, "1h02m"}};
    struct sb_buf b = SB_BUF_INIT(64);
    for (size_t i = 0; i < sizeof means / sizeof *means; i++) {
        sb_mean_add(&b, means[i].mean, means[i].stddev);
        assert_string_equal(sb_buf_str(&b), means[i].want);
        sb_buf_release(&b);
    }
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        sb_format_duration(&b, times[i].s);
        assert_string_equal(sb_buf_str(&b), times[i].want);
        sb_buf_release(&b);
    }
}

/* A wide label moves no column. */
static void a_table_is_aligned_by_columns(void **state) {
    (void)state;
    static const struct sb_table_column columns[] = {{"Model", false}, {"TG", true}};
    struct sb_table t = sb_table_begin(columns, 2);
    for (const char *const *cell =
             (const char *const[]){"日本語", "1", "e\xcc\x81t\xc3\xa9", "22", NULL};
         *cell; cell++)
        sb_table_add(&t, *cell);
    struct sb_buf b = SB_BUF_INIT(4096);
    sb_table_print(&t, SB_STYLE_TEXT, &b);
    assert_string_equal(sb_buf_str(&b), "Model   TG\n日本語   1\ne\xcc\x81t\xc3\xa9     22\n");
    sb_buf_release(&b);
    sb_table_release(&t);
}

/* Words are wrapped, at blanks where there are any; figures never are. */
static void a_table_fits_the_screen(void **state) {
    (void)state;
    static const struct sb_table_column columns[] = {
        {"Backend", false}, {"Behind the fastest", true}, {"Others", false}};
    struct sb_table t = sb_table_begin(columns, 3);
    static const char *const cells[] = {
        "通义千问 ROCm 7.2", "1.25×", "averyveryverylongword, two", "b", "12345.67×", ""};
    for (size_t i = 0; i < 6; i++)
        sb_table_add(&t, cells[i]);
    struct sb_buf b = SB_BUF_INIT(1 << 16);
    t.screen = 36;
    sb_table_print(&t, SB_STYLE_TEXT, &b);
    assert_string_equal(sb_buf_str(&b), "Backend      Behind the  Others\n"
                                        "                fastest\n"
                                        "通义千问          1.25×  averyveryve\n"
                                        "ROCm 7.2                 rylongword,\n"
                                        "                         two\n"
                                        "b             12345.67×\n");
    sb_buf_release(&b);
    sb_table_release(&t);
}

static void long_lines_are_wrapped_and_others_stay(void **state) {
    (void)state;
    struct sb_buf b = SB_BUF_INIT(1 << 16);
    sb_text_wrap(&b, "a   b\n- one two three\n\nfour five", 9);
    assert_string_equal(sb_buf_str(&b), "a   b\n- one two\n  three\n\nfour five");
    sb_buf_release(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_width_is_one_of_columns),
        cmocka_unit_test(a_text_is_cut_between_characters),
        cmocka_unit_test(words_are_filled_into_lines),
        cmocka_unit_test(figures_are_said_in_one_way),
        cmocka_unit_test(a_table_is_aligned_by_columns),
        cmocka_unit_test(a_table_fits_the_screen),
        cmocka_unit_test(long_lines_are_wrapped_and_others_stay),
        cmocka_unit_test(no_line_is_a_workflow_command),
        cmocka_unit_test(words_are_quoted_for_a_shell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
