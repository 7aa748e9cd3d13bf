#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sha2.h>

#include "../check_html.h"
#include "golden.h"
#include "report/html_parts.h"
#include "stratobench/base.h"
#include "stratobench/plot.h"
#include "stratobench/report.h"

enum { MAX_BYTES = 16 << 20 };
/* Without gnuplot, but for the test of the chart: the drawing is not this module's. */
static const char path_of_none[] = "/nonexistent";
static char *path_of_all;

static struct sb_results load(const char *name) {
    struct golden_sets s;
    golden_load((const char *[]){name, NULL}, &s);
    return s.item[0];
}

static char *render(const struct sb_results *r) {
    struct sb_buf page = SB_BUF_INIT(MAX_BYTES);
    assert_int_equal(sb_html_page(&r, 1, &page), 0);
    return sb_buf_detach(&page);
}

static char *between(const char *text, const char *start, const char *end) {
    const char *from = strstr(text, start);
    assert_non_null(from);
    const char *to = strstr(from + strlen(start), end);
    assert_non_null(to);
    return sb_strndup(from + strlen(start), (size_t)(to - from) - strlen(start));
}

static void check_tags(const char *html) {
    const char *foreign = find_foreign_tag(html);
    if (foreign)
        fail_msg("not a tag of ours, or not closed in its place: %.60s", foreign);
}

/* What a reader sees of a piece of HTML without tags. */
static char *text_of(const char *html) {
    static const struct {
        const char *entity;
        char c;
    } entities[] = {{"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&#39;", '\''}, {"&amp;", '&'}};
    struct sb_buf text = SB_BUF_INIT(MAX_BYTES);
    for (const char *s = html; *s; s++) {
        char c = *s;
        for (size_t i = 0; c == '&' && i < sizeof entities / sizeof *entities; i++)
            if (strncmp(s, entities[i].entity, strlen(entities[i].entity)) == 0) {
                c = entities[i].c;
                s += strlen(entities[i].entity) - 1;
                break;
            }
        sb_buf_add(&text, &c, 1);
    }
    return sb_buf_detach(&text);
}

/* ---- golden ---------------------------------------------------------------------------------- */

/* The part of the page that comes from the results. */
static char *main_of(const char *page) {
    return between(page, "<main>\n", "</main>\n<script>");
}

static void expect_golden(const char *name) {
    struct sb_results r = load(name);
    char *page = render(&r), *html = main_of(page), *file = sb_asprintf("%s.html", name);
    golden_expect(file, html);
    check_tags(html);
    free(file);
    free(html);
    free(page);
    sb_results_release(&r);
}

static void test_golden(void **state) {
    (void)state;
    static const char *const names[] = {"statuses",       "measured", "flags",
                                        "measured-table", "empty",    "answers"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        expect_golden(names[i]);
}

static char *render_document(struct report_doc *d) {
    struct sb_buf html = SB_BUF_INIT(MAX_BYTES);
    assert_int_equal(html_render(d, &html), 0);
    report_doc_release(d);
    return sb_buf_detach(&html);
}

/* What a column holds is what the document's writer says, however its cells look. */
static void test_columns(void **state) {
    (void)state;
    struct sb_buf text = SB_BUF_INIT(MAX_BYTES);
    struct report_doc d = {.text = &text};
    sb_buf_adds(&text, "| A | B | C |\n|---|---|---|\n| 70B | 1.0 ±0.1 ¹ | 7B |\n"
                       "| ERROR | ERROR: x | — |\n\n");
    report_doc_mark(&d, REPORT_TABLE, 0, sb_strdup("wff"));
    char *html = render_document(&d);
    assert_string_equal(html,
                        "<div class=\"table\"><table><thead>"
                        "<tr><th scope=\"col\">A</th><th scope=\"col\" class=\"figure\">B</th>"
                        "<th scope=\"col\" class=\"figure\">C</th></tr>\n</thead>\n<tbody>"
                        "<tr><th scope=\"row\">70B</th>"
                        "<td class=\"figure\">1.0 <small>±0.1</small> ¹</td>"
                        "<td class=\"figure\">7B</td></tr>\n"
                        "<tr><th scope=\"row\">ERROR</th>"
                        "<td class=\"figure problem\">ERROR: x</td>"
                        "<td class=\"figure\">—</td></tr>\n</tbody>\n</table></div>\n");
    free(html);
    sb_buf_release(&text);
}

/* A folded block is what was marked as one: the same words without a mark are words. */
static void test_marks(void **state) {
    (void)state;
    struct sb_buf text = SB_BUF_INIT(MAX_BYTES);
    struct report_doc d = {.text = &text};
    report_doc_begin_details(&d, "Mine");
    sb_buf_adds(&text, "a\n");
    report_doc_end_details(&d);
    sb_buf_adds(&text, "<details><summary>Not mine</summary>\n\nb\n\n</details>\n");
    char *html = render_document(&d);
    assert_string_equal(html, "<details><summary>Mine</summary>\n<p>a</p>\n</details>\n"
                              "<p>&lt;details&gt;&lt;summary&gt;Not mine&lt;/summary&gt;</p>\n"
                              "<p>b</p>\n<p>&lt;/details&gt;</p>\n");
    free(html);
    sb_buf_release(&text);
}

/* ---- text from outside ----------------------------------------------------------------------- */

/* Markup, Markdown and control characters in every label come out as the text they are. */
static void test_hostile(void **state) {
    (void)state;
    static const char *const names[] = {"hostile-sections", "hostile-table"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct sb_results r = load(names[i]);
        char *page = render(&r), *html = main_of(page);
        check_tags(html);
        struct sb_buf want = SB_BUF_INIT(MAX_BYTES);
        sb_buf_add_printable(&want, r.bench.title, strlen(r.bench.title));
        char *title = between(page, "<title>", "</title>"), *seen = text_of(title);
        char *text = text_of(html);
        assert_string_equal(seen, sb_buf_str(&want));
        assert_non_null(strstr(text, sb_buf_str(&want)));
        sb_buf_release(&want);
        free(text);
        free(seen);
        free(title);
        free(html);
        free(page);
        sb_results_release(&r);
    }
}

/* Lines that only the document's own markup may be, as a paragraph of their own or at its end. */
static void test_markup_of_ours(void **state) {
    (void)state;
    static const char *const lines[] = {"</details>",     "<details><summary>x</summary>",
                                        "x</summary>",    "<script>alert(1)</script>",
                                        "</main></body>", "<img src=x onerror=alert(1)>"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct sb_results r = load("statuses");
        free(r.bench.title);
        r.bench.title = sb_strdup(lines[i]);
        sb_strv_add(&r.bench.header, lines[i]);
        for (size_t k = 0; k < r.n_cells; k++) {
            free(r.cells[k].model.active_params);
            r.cells[k].model.active_params = sb_strdup(lines[i]);
        }
        char *page = render(&r), *html = main_of(page);
        check_tags(html);
        free(html);
        free(page);
        sb_results_release(&r);
    }
}

/* Markup that got past the escaping of the Markdown would still be text. */
static void test_raw_html(void **state) {
    (void)state;
    struct sb_buf text = SB_BUF_INIT(MAX_BYTES);
    struct report_doc d = {.text = &text};
    sb_buf_adds(&text, "a <b onclick=x>b</b> [c](javascript:d) ![e](f) <http://g.h>\n\n"
                       "<script>alert(1)</script>\n\n| <i>h</i> |\n|---|\n| <img src=x> |\n");
    char *html = render_document(&d);
    static const char *const raw[] = {"<b", "<script", "<i", "<img", "<a"};
    for (size_t i = 0; i < sizeof raw / sizeof *raw; i++)
        assert_null(strstr(html, raw[i]));
    assert_non_null(strstr(html, "&lt;script&gt;alert(1)&lt;/script&gt;"));
    free(html);
    sb_buf_release(&text);
}

/* ---- the page -------------------------------------------------------------------------------- */

static size_t count(const char *text, const char *word) {
    size_t n = 0;
    for (const char *s = text; (s = strstr(s, word)); s++)
        n++;
    return n;
}

static uint8_t sextet(char c) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = strchr(digits, c);
    return at ? (uint8_t)(at - digits) : 0;
}

/* Browsers run the script only if the policy holds its hash; nothing is fetched. */
static void test_policy(void **state) {
    (void)state;
    struct sb_results r = load("statuses");
    char *page = render(&r), *script = between(page, "<script>", "</script>");
    char *hash = between(page, "script-src 'sha256-", "'");
    assert_int_equal(count(page, "<script"), 1);
    assert_int_equal(count(page, "default-src 'none'"), 1);
    assert_int_equal(count(page, "http://") + count(page, "https://") + count(page, "url("), 0);
    assert_int_equal(strlen(hash), 44);
    uint8_t want[SHA256_DIGEST_LENGTH];
    SHA2_CTX context;
    SHA256Init(&context);
    SHA256Update(&context, (const uint8_t *)script, strlen(script));
    SHA256Final(want, &context);
    for (size_t i = 0; i < sizeof want; i++) {
        uint32_t bits = 0;
        for (size_t k = 0; k < 4; k++)
            bits = bits << 6 | sextet(hash[i / 3 * 4 + k]);
        assert_int_equal(want[i], bits >> (16 - i % 3 * 8) & 0xff);
    }
    free(hash);
    free(script);
    free(page);
    sb_results_release(&r);
}

/* The chart is in the page, or, where it cannot be drawn, the page is the same without it. */
static void test_chart(void **state) {
    (void)state;
    struct sb_results r = load("statuses");
    const struct sb_results *set = &r;
    struct sb_buf chart = SB_BUF_INIT(MAX_BYTES), error = SB_BUF_INIT(SB_ERR_MAX);
    char *without = render(&r);
    assert_int_equal(count(without, "<figure"), 0);
    assert_int_equal(setenv("PATH", path_of_all, 1), 0);
    if (sb_plot_panels(&set, 1, &chart, &error) == -ENOENT) {
        free(without);
        sb_results_release(&r);
        skip();
    }
    char *page = render(&r), *figure = between(page, "<figure class=\"chart\">", "</figure>\n");
    assert_string_equal(figure, sb_buf_str(&chart));
    char *head = between(page, "", "<figure");
    assert_memory_equal(without, head, strlen(head));
    assert_string_equal(without + strlen(head),
                        strstr(page, "</figure>\n") + strlen("</figure>\n"));
    assert_int_equal(setenv("PATH", path_of_none, 1), 0);
    free(head);
    free(figure);
    free(page);
    free(without);
    sb_buf_release(&chart);
    sb_buf_release(&error);
    sb_results_release(&r);
}

static void test_limit(void **state) {
    (void)state;
    struct sb_results r = load("statuses");
    const struct sb_results *set = &r;
    struct sb_buf small = SB_BUF_INIT(1000);
    assert_true(sb_html_page(&set, 1, &small) < 0);
    assert_int_equal(small.len, 1000);
    sb_buf_release(&small);
    sb_results_release(&r);
}

int main(void) {
    const struct CMUnitTest all[] = {
        cmocka_unit_test(test_golden),         cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_markup_of_ours), cmocka_unit_test(test_raw_html),
        cmocka_unit_test(test_columns),        cmocka_unit_test(test_marks),
        cmocka_unit_test(test_policy),         cmocka_unit_test(test_chart),
        cmocka_unit_test(test_limit),
    };
    path_of_all = sb_strdup(getenv("PATH"));
    setenv("PATH", path_of_none, 1);
    int failed = cmocka_run_group_tests(all, NULL, NULL);
    free(path_of_all);
    return failed;
}
