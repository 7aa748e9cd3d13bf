/* The vocabulary of texts. */
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
        {"한글", 4},   {"\x1b", 1},
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_width_is_one_of_columns),
        cmocka_unit_test(a_text_is_cut_between_characters),
        cmocka_unit_test(words_are_filled_into_lines),
        cmocka_unit_test(no_line_is_a_workflow_command),
        cmocka_unit_test(words_are_quoted_for_a_shell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
