#include <math.h>
#include <stdio.h>

#include "../check_markdown.h"
#include "golden.h"
#include "random.h"
#include "results_fixture.h"
#include "stratobench/report.h"
#include "stratobench/text.h"

enum { MAX_BYTES = 64 << 20 };

/* ---- text and figures ---------------------------------------------------------------------- */

static void expect_escaped(const char *text, const char *want) {
    struct sb_buf b = SB_BUF_INIT(4096);
    sb_markdown_escape(&b, text);
    assert_string_equal(sb_buf_str(&b), want);
    sb_buf_release(&b);
}

static void test_escape(void **state) {
    (void)state;
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"", ""},
        {"q4_0 ~4 GiB [reference] (vision)", "q4_0 ~4 GiB [reference] (vision)"},
        {"a|b", "a\\|b"},
        {"a\\|b", "a\\\\\\|b"},
        {"<b>", "&lt;b&gt;"},
        {"&lt; R&D & co", "&amp;lt; R&D & co"},
        {"`x` *y*", "\\`x\\` \\*y\\*"},
        {"_em_ a_b __init__", "\\_em\\_ a_b \\_\\_init\\_\\_"},
        {"a [x](y) [x][y] [z]", "a [x\\](y) [x\\][y] [z]"},
        {"\n [x]: y", "\\[x]: y"}, /* would define what "[x]" refers to */
        {"- a - b", "\\- a - b"},
        {"---", "\\---"},
        {"==", "\\=="},
        {"--no-mmap", "--no-mmap"},
        {"-1", "-1"},
        {"12. a 3. b", "12\\. a 3. b"},
        {"1) a", "1\\) a"},
        {"1.5 a", "1.5 a"},
        {"12", "12"},
        {"12.", "12\\."},
        {"", ""},
        {"~~s~~", "~\\~s\\~\\~"},
        {"x # y#z #", "x \\# y#z \\#"},
        {"$x$", "\\$x\\$"},
        {"a\nb\tc", "a b c"},
        {"\x1b[31m", "\xef\xbf\xbd[31m"},
        {"\xff é", "\xef\xbf\xbd é"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_escaped(cases[i].text, cases[i].want);
}

static void test_load(void **state) {
    (void)state;
    static const struct {
        double load_s;
        const char *want;
    } cases[] = {
        {0.04, "0.0s"}, {3.21, "3.2s"},  {9.94, "9.9s"},   {9.96, "10s"}, {50, "50s"},
        {59.4, "59s"},  {59.6, "1m00s"}, {101.4, "1m41s"}, {90, "1m30s"}, {3599.7, "60m00s"},
        {NAN, "—"},     {-1, "—"},       {INFINITY, "—"},  {65, "1m05s"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sb_buf b = SB_BUF_INIT(64);
        sb_format_load(&b, cases[i].load_s);
        assert_string_equal(sb_buf_str(&b), cases[i].want);
        sb_buf_release(&b);
    }
}

/* ---- documents ----------------------------------------------------------------------------- */

static char *render(const struct golden_sets *s) {
    struct sb_buf b = SB_BUF_INIT(MAX_BYTES);
    assert_int_equal(sb_report_markdown(s->pointers, s->n, &b), 0);
    return sb_buf_detach(&b);
}

static char *render_files(const char *const *names) {
    struct golden_sets s;
    golden_load(names, &s);
    char *document = render(&s);
    golden_release(&s);
    return document;
}

static void expect_golden(const char *name, char *rendered) {
    char *file = sb_asprintf("%s.md", name);
    golden_expect(file, rendered);
    const char *out = find_breakout(rendered);
    if (out)
        fail_msg("%s: not a line of ours: %.80s", name, out);
    free(file);
    free(rendered);
}

static void test_golden(void **state) {
    (void)state;
    static const char *const single[] = {
        "flags",          "statuses",      "backends",         "launches", "launches-auto",
        "depths",         "prompts",       "drafts",           "slots",    "measured",
        "measured-table", "hostile-table", "hostile-sections", "empty"};
    for (size_t i = 0; i < sizeof single / sizeof *single; i++)
        expect_golden(single[i], render_files((const char *[]){single[i], NULL}));
}

static void test_several_files(void **state) {
    (void)state;
    expect_golden("merge", render_files((const char *[]){"merge-old", "merge-new", NULL}));
    expect_golden("two-sections", render_files((const char *[]){"statuses", "flags", NULL}));
}

/* ---- the reference document ---------------------------------------------------------------- */

static const char *const reference[] = {"reference-main", "reference-k8s", "reference-vision",
                                        NULL};

/* Both stand at a "mean ±sd": steps over them. The means and deviations may differ by 0.1: the
 * original worked on unrounded runs. */
static bool skip_pair(const char **a, const char **b, size_t *equal) {
    double mean[2], sd[2];
    int len[2] = {0, 0};
    if (sscanf(*a, "%lf ±%lf%n", &mean[0], &sd[0], &len[0]) != 2 ||
        sscanf(*b, "%lf ±%lf%n", &mean[1], &sd[1], &len[1]) != 2)
        return false;
    if (fabs(mean[0] - mean[1]) > 0.1001 || fabs(sd[0] - sd[1]) > 0.1001)
        return false;
    *equal += len[0] == len[1] && strncmp(*a, *b, (size_t)len[0]) == 0;
    *a += len[0];
    *b += len[1];
    return true;
}

static void test_reference(void **state) {
    (void)state;
    char *rendered = render_files(reference), *want = golden_read("reference.md");
    const char *a = rendered, *b = want;
    size_t pairs = 0, equal = 0;
    while (*a || *b) {
        if (strncmp(a, "| ", 2) == 0 && strncmp(b, "| ", 2) == 0) {
            a += 2;
            b += 2;
            pairs += skip_pair(&a, &b, &equal);
        } else if (*a == *b) {
            a++;
            b++;
        } else {
            fail_msg("got \"%.60s\", want \"%.60s\"", a, b);
        }
    }
    assert_int_equal(pairs, 32);
    assert_true(equal >= 27);
    free(rendered);
    free(want);
}

/* The flags that the rules give to the reference's runs, and how they are shown. */
static void test_reference_flags(void **state) {
    (void)state;
    struct golden_sets s;
    golden_load(reference, &s);
    for (size_t i = 0; i < s.n; i++)
        for (size_t c = 0; c < s.item[i].n_cells; c++)
            if (s.item[i].cells[c].status == SB_OK)
                sb_cell_summarize(&s.item[i].cells[c]);
    expect_golden("reference-flagged", render(&s));
    golden_release(&s);
}

/* ---- what the doubts say ------------------------------------------------------------------- */

/* A cell of one backend whose TG never moves and whose PP has a trend or none, noise within and
 * between launches. */
static struct sb_cell *random_cell(struct sb_results *r) {
    struct sb_cell *c = fixture_cell(r, "m", "b", SB_OK, NULL);
    int launches = 1 + (int)(3 * uniform()), runs = 2 + (int)(5 * uniform());
    double cold = uniform() < 0.4 ? uniform() : 1, slope = uniform() < 0.4 ? uniform() / 10 : 0;
    double within = uniform() < 0.5 ? 0.3 * uniform() : 0.01, between = 0.3 * uniform();
    for (int l = 1; l <= launches; l++) {
        double level = 1000 * exp(between * normal());
        for (int i = 0; i < runs; i++)
            fixture_run(c, l, 0, level * exp(within * normal()) * (i ? 1 - slope * i : cold), 10);
    }
    sb_cell_summarize(c);
    return c;
}

static const char *note_of(const char *document, const char *flag) {
    const char *note = strstr(document, flag);
    return note ? note + strlen(flag) : NULL;
}

static void expect_near(double a, double b, double rounding) {
    if (fabs(a - b) > rounding)
        fail_msg("%g where %g is true", a, b);
}

/* Every figure in the sentence, and what it makes of them, from the runs themselves. Returns the
 * flags said. */
static unsigned expect_true_sentences(const char *document, const struct sb_cell *c) {
    unsigned said = 0;
    const struct sb_summary *s = &c->pp_tps;
    double a, b, share;
    const char *note = note_of(document, " WARMUP: PP of b: the first run");
    if (note) {
        assert_int_equal(sscanf(strchr(note, '('),
                                "(%lf) was more than 5 %% below every later one, "
                                "which lowers the mean; that of the others is %lf.",
                                &a, &b),
                         2);
        assert_true(a < b && s->mean < b + 0.05);
        said |= SB_FLAG_WARMUP;
    }
    if ((note = note_of(document, " DRIFT: PP of b: fell with every run"))) {
        assert_int_equal(sscanf(strstr(note, ", from"), ", from %lf to %lf (%lf %%), so the mean",
                                &a, &b, &share),
                         3);
        assert_true(b < 0.97 * a + 0.1 && share < -2.9);
        expect_near(share, 100 * (b / a - 1), 0.1);
        said |= SB_FLAG_DRIFT;
    }
    if ((note = note_of(document, " NOISY: PP of b: the runs vary by "))) {
        double median;
        assert_int_equal(sscanf(note,
                                "%lf %% of their mean (limit 5 %%), from %lf to %lf; the median "
                                "is %lf.",
                                &share, &a, &b, &median),
                         4);
        assert_true(share >= 5);
        expect_near(share, 100 * sb_cv(s), 0.051);
        expect_near(a, s->min, 0.051);
        expect_near(b, s->max, 0.051);
        expect_near(median, s->median, 0.051);
        said |= SB_FLAG_NOISY;
    }
    return said;
}

static void test_doubts_are_true(void **state) {
    (void)state;
    random_state = 10;
    size_t seen[8] = {0};
    for (int i = 0; i < 2000; i++) {
        struct sb_results r = fixture_set("T");
        const struct sb_results *set = &r;
        struct sb_cell *c = random_cell(&r);
        struct sb_point point = {
            .at = sb_cell_first_at(c), .pp_tps = c->pp_tps, .tg_tps = c->tg_tps};
        struct sb_buf b = SB_BUF_INIT(1 << 20);
        assert_int_equal(sb_report_markdown(&set, 1, &b), 0);
        unsigned said = expect_true_sentences(sb_buf_str(&b), c);
        assert_int_equal(said, sb_cell_flags(c, SB_PP, &point));
        /* However wide the runs are spread, nothing is passed over. */
        assert_true(said || sb_cv(&c->pp_tps) <= SB_NOISY_CV_PP);
        seen[said]++;
        sb_buf_release(&b);
        sb_results_release(&r);
    }
    const unsigned all[] = {SB_FLAG_WARMUP, SB_FLAG_DRIFT, SB_FLAG_NOISY,
                            SB_FLAG_WARMUP | SB_FLAG_NOISY, SB_FLAG_DRIFT | SB_FLAG_NOISY};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        assert_true(seen[all[i]] > 10);
}

/* A doubt at a depth is one of the cell. */
static void test_doubt_at_a_depth(void **state) {
    (void)state;
    struct sb_results r = fixture_set("T");
    const struct sb_results *set = &r;
    struct sb_cell *c = fixture_cell(&r, "m", "b", SB_OK, NULL);
    for (int i = 0; i < 3; i++)
        fixture_run(c, 1, 0, 100, 10);
    for (int i = 0; i < 3; i++)
        fixture_run(c, 1, 4096, 80 - 4 * i, 9);
    sb_cell_summarize(c);
    struct sb_buf b = SB_BUF_INIT(1 << 20);
    assert_int_equal(sb_report_markdown(&set, 1, &b), 0);
    assert_non_null(note_of(sb_buf_str(&b), " DRIFT: PP of b at depth 4096: fell with every run"));
    sb_buf_release(&b);
    sb_results_release(&r);
}

/* Heat is a guess, and not the first one where other processes computed. */
static void test_drift_beside_other_work(void **state) {
    (void)state;
    for (int busy = 0; busy < 2; busy++) {
        struct sb_results r = fixture_set("T");
        const struct sb_results *set = &r;
        struct sb_cell *c = fixture_cell(&r, "m", "b", SB_OK, NULL);
        struct sb_launch l = sb_launch_empty();
        l.launch = 1;
        l.other_cores = busy ? 1.4 : 0;
        l.cores = 2;
        sb_cell_add_launch(c, l);
        for (int i = 0; i < 3; i++)
            fixture_run(c, 1, 0, 100 - 4 * i, 10);
        sb_cell_summarize(c);
        if (busy)
            sb_strv_add(&c->flags, "BUSY");
        struct sb_buf b = SB_BUF_INIT(1 << 20);
        assert_int_equal(sb_report_markdown(&set, 1, &b), 0);
        const char *drift = note_of(sb_buf_str(&b), " DRIFT: PP of b: ");
        assert_non_null(drift);
        assert_int_equal(busy, !strstr(drift, "heat or a power limit are usual causes."));
        assert_int_equal(busy,
                         !!strstr(drift, "other processes computed meanwhile, which may be why."));
        assert_int_equal(
            busy, !!strstr(drift, "BUSY: b: other processes used 1.4 of 2 cores in launch 1."));
        sb_buf_release(&b);
        sb_results_release(&r);
    }
}

/* ---- size ---------------------------------------------------------------------------------- */

/* Ten thousand cells make ten thousand rows, each once; the limit of the buffer is kept. */
static void test_many_cells(void **state) {
    (void)state;
    enum { N = 10000 };
    struct sb_cell *cells = sb_alloc(N, sizeof *cells);
    for (size_t i = 0; i < N; i++) {
        cells[i] = sb_cell_empty();
        cells[i].model.id = sb_asprintf("model-%zu", i / 4);
        cells[i].backend.id = sb_asprintf("backend-%zu", i % 4);
        cells[i].status = SB_OK;
        for (int r = 0; r < 3; r++) {
            struct sb_run run = sb_run_empty();
            run.launch = 1;
            run.pp_tps = 100 + r;
            run.tg_tps = 10 + r;
            run.valid = true;
            sb_cell_add_run(&cells[i], run);
        }
        sb_cell_summarize(&cells[i]);
    }
    struct sb_results r = {
        .bench = {.title = "Many", .table = true, .until = NAN}, .cells = cells, .n_cells = N};
    const struct sb_results *set = &r;
    struct sb_buf b = SB_BUF_INIT(MAX_BYTES);
    assert_int_equal(sb_report_markdown(&set, 1, &b), 0);
    size_t rows = 0;
    for (const char *p = sb_buf_str(&b); (p = strstr(p, "\n| model-")); p++)
        rows++;
    assert_int_equal(rows, N);
    sb_buf_release(&b);

    struct sb_buf small = SB_BUF_INIT(1000);
    assert_true(sb_report_markdown(&set, 1, &small) < 0);
    assert_int_equal(small.len, 1000);
    sb_buf_release(&small);
    for (size_t i = 0; i < N; i++)
        sb_cell_release(&cells[i]);
    free(cells);
}

/* What this program measured need not keep the reference's form where it says less. */
static void test_own_form(void **state) {
    (void)state;
    struct golden_sets s;
    golden_load((const char *[]){"statuses", NULL}, &s);
    struct sb_buf copied = SB_BUF_INIT(1 << 20), own = SB_BUF_INIT(1 << 20);
    assert_int_equal(sb_report_markdown(s.pointers, s.n, &copied), 0);
    s.item[0].generator = sb_strdup("stratobench 1.0.0");
    assert_int_equal(sb_report_markdown(s.pointers, s.n, &own), 0);
    assert_null(strstr(sb_buf_str(&copied), "pending: not measured yet"));
    assert_non_null(strstr(sb_buf_str(&own), "pending: not measured yet"));
    assert_non_null(strstr(sb_buf_str(&copied), "Active params (MoE): 70B"));
    assert_non_null(strstr(sb_buf_str(&own), "Active params: 70B"));      /* dense */
    assert_non_null(strstr(sb_buf_str(&own), "Active params (MoE): 3B")); /* of 80B */
    sb_buf_release(&copied);
    sb_buf_release(&own);
    golden_release(&s);
}

/* Which backend to take stands at the end, before the models, or nowhere. */
static void test_summary_place(void **state) {
    (void)state;
    struct golden_sets s;
    golden_load((const char *[]){"reference-main", NULL}, &s);
    static const struct {
        enum sb_summary_place place;
        int before, after; /* the models */
    } cases[] = {{SB_SUMMARY_OFF, 0, 0},
                 {SB_SUMMARY_BOTTOM, 0, 1},
                 {SB_SUMMARY_ON, 0, 1},
                 {SB_SUMMARY_TOP, 1, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sb_buf b = SB_BUF_INIT(1 << 20);
        s.item[0].bench.summary = cases[i].place;
        assert_int_equal(sb_report_markdown(s.pointers, s.n, &b), 0);
        const char *summary = strstr(sb_buf_str(&b), "\n## Which backend?\n");
        const char *model = strstr(sb_buf_str(&b), "\n## MiniMax");
        assert_int_equal(summary && summary < model, cases[i].before);
        assert_int_equal(summary && summary > model, cases[i].after);
        sb_buf_release(&b);
    }
    golden_release(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escape),           cmocka_unit_test(test_load),
        cmocka_unit_test(test_golden),           cmocka_unit_test(test_several_files),
        cmocka_unit_test(test_reference),        cmocka_unit_test(test_reference_flags),
        cmocka_unit_test(test_doubts_are_true),  cmocka_unit_test(test_drift_beside_other_work),
        cmocka_unit_test(test_doubt_at_a_depth), cmocka_unit_test(test_own_form),
        cmocka_unit_test(test_summary_place),    cmocka_unit_test(test_many_cells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
