#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "app/output.h"
#include "plot/script.h"
#include "stratobench/plot.h"

#include "golden.h"
#include "results_fixture.h"

static struct sb_buf plot(const struct sb_results *const *sets, size_t n) {
    struct sb_buf svg = SB_BUF_INIT(GOLDEN_MAX_BYTES), error = SB_BUF_INIT(SB_ERR_MAX);
    if (sb_plot_svg(sets, n, &svg, &error) != 0)
        fail_msg("%s", sb_buf_str(&error));
    return svg;
}

static size_t count(const char *text, const char *part) {
    size_t n = 0;
    for (const char *s = text; (s = strstr(s, part)); s += strlen(part))
        n++;
    return n;
}

static void assert_in(const struct sb_buf *svg, const char *want) {
    if (!strstr(sb_buf_str(svg), want))
        fail_msg("no \"%s\" in the chart", want);
}

/* Every tag that opens is closed, in order, and every "&" is one of the five entities. */
static void assert_well_formed(const char *xml) {
    char *open[64];
    size_t depth = 0;
    for (const char *s = xml; (s = strpbrk(s, "<&")); s++) {
        if (*s == '&') {
            assert_true(strncmp(s, "&amp;", 5) == 0 || strncmp(s, "&lt;", 4) == 0 ||
                        strncmp(s, "&gt;", 4) == 0 || strncmp(s, "&quot;", 6) == 0);
            continue;
        }
        const char *end = strchr(s, '>');
        assert_non_null(end);
        bool closes = s[1] == '/';
        const char *name = s + 1 + closes;
        size_t len = strcspn(name, " >/\n");
        assert_true(len > 0);
        if (closes) {
            assert_true(depth > 0);
            assert_memory_equal(open[--depth], name, len);
            free(open[depth]);
        } else if (end[-1] != '/') {
            assert_true(depth < 64);
            open[depth++] = sb_strndup(name, len);
        }
    }
    assert_int_equal(depth, 0);
}

/* ---- the script ----------------------------------------------------------------------------- */

static void test_scripts(void **state) {
    (void)state;
    static const char *const names[] = {"reference-main", "depths", "slots", "statuses"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct golden_sets s;
        golden_load((const char *[]){names[i], NULL}, &s);
        struct plot_script script;
        plot_script_make(s.pointers, s.n, PLOT_DOCUMENT, &script);
        sb_buf_adds(&script.commands, "\n");
        for (size_t t = 0; t < script.texts.n; t++)
            sb_buf_addf(&script.commands, "T%zu %s\n", t, script.texts.item[t]);
        char *file = sb_asprintf("plot-%s.txt", names[i]);
        golden_expect(file, sb_buf_str(&script.commands));
        free(file);
        plot_script_release(&script);
        golden_release(&s);
    }
}

/* Nothing from outside reaches gnuplot, whose commands and strings can start programs. */
static void test_script_holds_no_text(void **state) {
    (void)state;
    struct sb_results r = fixture_set("'; system \"touch /tmp/x\" #heading");
    const struct sb_results *set = &r;
    fixture_launches(&r, "`touch /tmp/x`model", "\nEOD\nbackend", 1, 1, 0);
    fixture_cell(&r, "`touch /tmp/x`model", "other", SB_FAILED, "EOD\n!reason");
    struct plot_script script;
    plot_script_make(&set, 1, PLOT_DOCUMENT, &script);
    static const char *const unwanted[] = {"system",  "touch", "heading", "model",
                                           "backend", "other", "reason",  "`"};
    for (size_t i = 0; i < sizeof unwanted / sizeof *unwanted; i++)
        assert_null(strstr(sb_buf_str(&script.commands), unwanted[i]));
    plot_script_release(&script);
    sb_results_release(&r);
}

static const char *text_of_length(struct sb_results *r, struct plot_script *script) {
    const struct sb_results *set = r;
    plot_script_make(&set, 1, PLOT_DOCUMENT, script);
    for (size_t i = 0; i < script->texts.n; i++)
        if (strstr(script->texts.item[i], "éé…"))
            return script->texts.item[i];
    return NULL;
}

/* A label that does not fit is cut between characters. */
static void test_long_labels(void **state) {
    (void)state;
    char label[81] = "";
    for (int i = 0; i < 40; i++)
        strcat(label, "é");
    struct sb_results r = fixture_set("T");
    fixture_launches(&r, "m", label, 1, 1, 0);
    struct plot_script script;
    const char *cut = text_of_length(&r, &script);
    assert_non_null(cut);
    size_t bytes = strlen(cut);
    assert_true(bytes < strlen(label));
    assert_string_equal(cut + bytes - strlen("…"), "…");
    assert_int_equal((bytes - strlen("…")) % strlen("é"), 0);
    assert_int_equal((bytes - strlen("…")) / strlen("é"), 16);
    plot_script_release(&script);
    sb_results_release(&r);
}

/* ---- the picture ---------------------------------------------------------------------------- */

static void test_reference(void **state) {
    (void)state;
    struct golden_sets s;
    golden_load((const char *[]){"reference-main", "reference-k8s", "reference-vision", NULL}, &s);
    struct sb_buf svg = plot(s.pointers, s.n), again = plot(s.pointers, s.n);
    assert_string_equal(sb_buf_str(&svg), sb_buf_str(&again));
    assert_well_formed(sb_buf_str(&svg));
    static const char *const wanted[] = {
        "<title>Inference Backend Benchmark Results</title>",
        ">MiniMax M2.5 REAP 139B MXFP4<",
        ">ROCm 7.2<",
        ">172.8 ±2.9<",
        ">1m30s<",
        "<title>ROCm 7.2, MiniMax M2.5 REAP 139B MXFP4: 172.8 ±2.9 tok/s PP</title>",
        ">✗ server died<",
        ">✗<",
        ">pending<",
        "fill = '#0072b2'",
        "prefers-color-scheme:dark",
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        assert_in(&svg, wanted[i]);
    static const char *const unwanted[] = {"gnuplot", "Gnuplot", "GNUPLOT", "patchlevel",
                                           ">T1",     "nan",     "rgb("};
    for (size_t i = 0; i < sizeof unwanted / sizeof *unwanted; i++)
        if (strstr(sb_buf_str(&svg), unwanted[i]))
            fail_msg("\"%s\" in the chart", unwanted[i]);
    sb_buf_release(&svg);
    sb_buf_release(&again);
    golden_release(&s);
}

/* As many bars as there are figures, and one box over the grid where a model is named: a cell that
 * is not ok has none, though it holds some. */
static void test_bars(void **state) {
    (void)state;
    struct sb_results r = fixture_set("T");
    const struct sb_results *set = &r;
    fixture_launches(&r, "m", "a", 3, 1, 0.01);
    fixture_launches(&r, "m", "b", 3, 2, 0.01);
    struct sb_buf both = plot(&set, 1);
    assert_int_equal(count(sb_buf_str(&both), "<polygon"), 3 * (1 + 2));
    sb_buf_release(&both);
    r.cells[1].status = SB_INVALID;
    r.cells[1].reason = sb_strdup("ran on CPU");
    struct sb_buf one = plot(&set, 1);
    assert_int_equal(count(sb_buf_str(&one), "<polygon"), 3 * (1 + 1));
    assert_in(&one, ">✗ ran on CPU<");
    sb_buf_release(&one);
    r.cells[0].status = SB_FAILED;
    struct sb_buf none = plot(&set, 1);
    assert_int_equal(count(sb_buf_str(&none), "<polygon"), 2 * 1);
    assert_well_formed(sb_buf_str(&none));
    sb_buf_release(&none);
    sb_results_release(&r);
}

static void test_labels_are_escaped(void **state) {
    (void)state;
    struct sb_results r = fixture_set("</title><script>x</script>");
    const struct sb_results *set = &r;
    fixture_launches(&r, "R&D &lt; T7 <b>", "\"q\" 'q' \x1b[31m\xff", 1, 1, 0);
    struct sb_buf svg = plot(&set, 1);
    assert_well_formed(sb_buf_str(&svg));
    assert_null(strstr(sb_buf_str(&svg), "<script"));
    assert_null(strchr(sb_buf_str(&svg), '\x1b'));
    assert_in(&svg, ">R&amp;D &amp;lt; T7 &lt;b&gt;<");
    assert_in(&svg, ">&quot;q&quot; 'q' �[31m�<");
    sb_buf_release(&svg);
    sb_results_release(&r);
}

static void test_depth_lines(void **state) {
    (void)state;
    struct golden_sets s;
    golden_load((const char *[]){"depths", NULL}, &s);
    struct sb_buf svg = plot(s.pointers, s.n);
    assert_int_equal(count(sb_buf_str(&svg), "over depth ("), 4);
    assert_well_formed(sb_buf_str(&svg));
    sb_buf_release(&svg);
    golden_release(&s);
}

static void test_slot_lines(void **state) {
    (void)state;
    struct golden_sets s;
    golden_load((const char *[]){"slots", NULL}, &s);
    struct sb_buf svg = plot(s.pointers, s.n), error = SB_BUF_INIT(SB_ERR_MAX);
    assert_int_equal(count(sb_buf_str(&svg), "over requests at once ("), 2);
    assert_int_equal(count(sb_buf_str(&svg), "over depth ("), 0);
    assert_well_formed(sb_buf_str(&svg));
    sb_buf_release(&svg);
    assert_int_equal(sb_plot_panels(s.pointers, s.n, &svg, &error), 0); /* of the page */
    assert_int_equal(count(sb_buf_str(&svg), "over requests at once ("), 2);
    assert_int_equal(count(sb_buf_str(&svg), ", 4 at once: 135.0 ±0.2 tok/s TG"), 1);
    sb_buf_release(&svg);
    /* One number alone is no line. */
    for (size_t i = 0; i < 2; i++)
        for (size_t k = 0; k < s.item[0].cells[i].n_runs; k++)
            s.item[0].cells[i].runs[k].valid &= s.item[0].cells[i].runs[k].at.slots == 4;
    for (size_t i = 0; i < 2; i++)
        sb_cell_summarize(&s.item[0].cells[i]);
    svg = plot(s.pointers, s.n);
    assert_int_equal(count(sb_buf_str(&svg), "over requests at once ("), 0);
    sb_buf_release(&svg);
    golden_release(&s);
}

/* ---- beside the document of a run ----------------------------------------------------------- */

static void test_output_draw(void **state) {
    (void)state;
    char folder[] = "/tmp/test_plot_XXXXXX";
    assert_non_null(mkdtemp(folder));
    char *stem = sb_asprintf("%s/stem", folder);
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX), svg = SB_BUF_INIT(GOLDEN_MAX_BYTES);
    struct sb_output o;
    struct sb_results r = fixture_set("T");
    fixture_launches(&r, "m", "a", 1, 1, 0);
    assert_int_equal(sb_output_open(stem, true, &(struct sb_strv){0}, &o, &error), 0);
    assert_int_equal(sb_results_save(&r, o.json, &error), 0);
    assert_int_equal(sb_output_draw(&o, &r, &error), 0);
    assert_int_equal(sb_file_read(o.chart, &svg, &error), 0);
    assert_in(&svg, "<svg ");
    assert_int_equal(unlink(o.chart), 0);
    assert_int_equal(unlink(o.json), 0);
    assert_int_equal(rmdir(o.logs), 0);
    assert_int_equal(rmdir(folder), 0);
    sb_output_close(&o);
    sb_results_release(&r);
    sb_buf_release(&svg);
    free(stem);
}

/* ---- failures ------------------------------------------------------------------------------- */

static void expect_failure(const struct sb_results *r, int want, const char *message) {
    struct sb_buf svg = SB_BUF_INIT(GOLDEN_MAX_BYTES), error = SB_BUF_INIT(SB_ERR_MAX);
    assert_int_equal(sb_plot_svg(&r, 1, &svg, &error), want);
    if (!strstr(sb_buf_str(&error), message))
        fail_msg("want \"%s\" in: %s", message, sb_buf_str(&error));
    assert_int_equal(svg.len, 0);
    sb_buf_release(&svg);
    sb_buf_release(&error);
}

static void test_failures(void **state) {
    (void)state;
    struct sb_results empty = fixture_set("T"), one = fixture_set("T");
    fixture_launches(&one, "m", "a", 1, 1, 0);
    expect_failure(&empty, -ENODATA, "no cells");
    char *path = sb_strdup(getenv("PATH"));
    setenv("PATH", "/nonexistent", 1);
    expect_failure(&one, -ENOENT, "apt install gnuplot-nox");
    setenv("PATH", path, 1);
    free(path);
    sb_results_release(&empty);
    sb_results_release(&one);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scripts),     cmocka_unit_test(test_script_holds_no_text),
        cmocka_unit_test(test_long_labels), cmocka_unit_test(test_reference),
        cmocka_unit_test(test_bars),        cmocka_unit_test(test_labels_are_escaped),
        cmocka_unit_test(test_depth_lines), cmocka_unit_test(test_slot_lines),
        cmocka_unit_test(test_output_draw), cmocka_unit_test(test_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
