/* The table at the end of a run, at the widths of terminals. */
#include "golden.h"

#include "app/results_print.h"
#include "stratobench/text.h"

static void widest(const char *text, size_t columns) {
    for (const char *line = text; *line; line += strcspn(line, "\n") + 1) {
        char *one = sb_strndup(line, strcspn(line, "\n"));
        if (sb_text_width(one) > columns)
            fail_msg("%zu columns, not %zu: %s", sb_text_width(one), columns, one);
        free(one);
    }
}

static char *table(const char *golden, size_t columns, bool colour) {
    struct golden_sets s;
    struct sb_buf b = SB_BUF_INIT(1 << 20);
    golden_load((const char *const[]){golden, NULL}, &s);
    free(s.item[0].cells[0].model.label);
    s.item[0].cells[0].model.label = sb_strdup("通义千问\n32B\x1b[2J");
    sb_results_table(&s.item[0], columns, colour, &b);
    golden_release(&s);
    return sb_buf_detach(&b);
}

static void nothing_is_wider_than_the_screen(void **state) {
    (void)state;
    static const size_t widths[] = {200, 80, 60, 40, 30};
    static const char *const sets[] = {"flags", "statuses", "launches"};
    for (size_t k = 0; k < sizeof sets / sizeof *sets; k++)
        for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
            char *text = table(sets[k], widths[i], false);
            widest(text, widths[i]);
            assert_null(strchr(text, '\x1b'));
            assert_null(strstr(text, " \n"));
            free(text);
        }
}

static void doubts_are_marked(void **state) {
    (void)state;
    for (size_t columns = 40; columns <= 200; columns += 80) {
        char *plain = table("flags", columns, false), *yellow = table("flags", columns, true);
        assert_non_null(strstr(plain, "NOISY"));
        assert_non_null(strstr(yellow, "\x1b[33mNOISY\x1b[0m\n"));
        free(plain);
        free(yellow);
    }
}

static void what_fits_is_kept(void **state) {
    (void)state;
    char *wide = table("launches", 200, false), *narrow = table("launches", 40, false);
    assert_non_null(strstr(wide, "Model "));
    assert_non_null(strstr(wide, "±"));
    assert_null(strstr(narrow, "Model "));
    assert_null(strstr(narrow, "±"));
    assert_non_null(strstr(narrow, "TG (tok/s)"));
    free(wide);
    free(narrow);
    char *reasons = table("statuses", 40, false); /* filled, up to the edge */
    assert_non_null(strstr(reasons, "INVALID: ran on CPU, not\n            Vulkan0\n"));
    free(reasons);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_wider_than_the_screen),
        cmocka_unit_test(doubts_are_marked),
        cmocka_unit_test(what_fits_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
