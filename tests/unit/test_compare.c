#include <stdio.h>

#include "stratobench/verdict.h"

#include "golden.h"
#include "random.h"
#include "results_fixture.h"

static const struct sb_compare_options usual = SB_COMPARE_DEFAULT;

static struct sb_comparison compare(const struct sb_results *base, const struct sb_results *next,
                                    const struct sb_compare_options *o) {
    struct sb_comparison c;
    sb_comparison_make(&base, 1, &next, 1, o, &c);
    return c;
}

/* Compares two sets, releases both. */
static void expect_exit(struct sb_results *base, struct sb_results *next,
                        const struct sb_compare_options *o, int want) {
    struct sb_comparison c = compare(base, next, o);
    if (c.exit_code != want) {
        struct sb_buf text = SB_BUF_INIT(SB_ERR_MAX);
        sb_comparison_text(&c, &text);
        fail_msg("exit code %d, want %d:\n%s", c.exit_code, want, sb_buf_str(&text));
    }
    sb_comparison_release(&c);
    sb_results_release(base);
    sb_results_release(next);
}

/* One cell a side, of that many launches; NEW is `factor` times as fast. */
static void expect_gate(int launches, double factor, double cv, int exit_code,
                        enum sb_compare_state state) {
    struct sb_results base = fixture_set("T"), next = fixture_set("T");
    fixture_launches(&base, "m", "b", launches, 1, cv);
    fixture_launches(&next, "m", "b", launches, factor, cv);
    struct sb_comparison c = compare(&base, &next, &usual);
    if (c.exit_code != exit_code || c.cells[0].state != state)
        fail_msg("%d launches, factor %g: exit %d, %s", launches, factor, c.exit_code,
                 sb_compare_state_name(c.cells[0].state));
    sb_comparison_release(&c);
    sb_results_release(&base);
    sb_results_release(&next);
}

/* ---- the gate ------------------------------------------------------------------------------- */

static void test_measured_spread(void **state) {
    (void)state;
    expect_gate(3, 1.00, 0.01, 0, SB_CELL_SAME);
    expect_gate(3, 0.96, 0.001, 0, SB_CELL_SAME); /* slower by verdict, but tolerated */
    expect_gate(3, 0.90, 0.01, 1, SB_CELL_REGRESSION);
    expect_gate(3, 1.10, 0.005, 0, SB_CELL_IMPROVED);
    expect_gate(3, 0.90, 0.05, 0, SB_CELL_SAME);         /* noise does that (limit 21 %) */
    expect_gate(3, 0.85, 0.05, 3, SB_CELL_INCONCLUSIVE); /* and hardly that */
    expect_gate(3, 0.75, 0.05, 1, SB_CELL_REGRESSION);
    expect_gate(3, 1.00, 0.25, 3, SB_CELL_INCONCLUSIVE); /* no drop could be told (limit 106 %) */
}

static void test_assumed_spread(void **state) {
    (void)state;
    expect_gate(1, 0.96, 0, 0, SB_CELL_SAME);
    expect_gate(1, 0.93, 0, 3, SB_CELL_INCONCLUSIVE);
    expect_gate(1, 0.90, 0, 1, SB_CELL_REGRESSION);
    expect_gate(1, 1.04, 0, 0, SB_CELL_SAME);
    expect_gate(1, 1.10, 0, 0, SB_CELL_IMPROVED);
}

/* One launch a side whose three runs scatter: 15 % less may be nothing. */
static void test_noise_within_a_launch(void **state) {
    (void)state;
    static const struct {
        double scatter;
        int want;
    } cases[] = {{0.001, 1}, {0.02, 1}, {0.10, 3}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sb_results base = fixture_set("T"), next = fixture_set("T");
        struct sb_cell *cells[] = {fixture_launches(&base, "m", "b", 1, 1, 0),
                                   fixture_launches(&next, "m", "b", 1, 0.85, 0)};
        for (int side = 0; side < 2; side++) {
            double f = side ? 0.85 : 1;
            cells[side]->runs[0].tg_tps = 10; /* PP alone decides */
            fixture_run(cells[side], 1, 0, 100 * f * (1 + cases[i].scatter), 10);
            fixture_run(cells[side], 1, 0, 100 * f * (1 - cases[i].scatter), 10);
            sb_cell_summarize(cells[side]);
        }
        expect_exit(&base, &next, &usual, cases[i].want);
    }
}

static void expect_with_options(struct sb_compare_options o, double factor, int want) {
    struct sb_results base = fixture_set("T"), next = fixture_set("T");
    fixture_launches(&base, "m", "b", 1, 1, 0);
    fixture_launches(&next, "m", "b", 1, factor, 0);
    expect_exit(&base, &next, &o, want);
}

static void test_thresholds(void **state) {
    (void)state;
    struct sb_compare_options strict = usual, lax = usual, sure = usual;
    sure.assumed_spread = 0.001;
    expect_with_options(sure, 0.94, 1);
    strict.assumed_spread = 0.001;
    strict.max_drop = 0.01;
    expect_with_options(strict, 0.98, 1);
    lax.max_drop = 0.20;
    expect_with_options(lax, 0.85, 0);
}

/* Slower in one metric is a regression, whatever the other gained. */
static void test_metrics(void **state) {
    (void)state;
    static const struct {
        double pp, tg, load_s;
        int want;
    } cases[] = {{200, 5, 10, 1}, {50, 20, 10, 1}, {100, 10, 100, 0}, {200, 20, 10, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sb_results base = fixture_set("T"), next = fixture_set("T");
        fixture_launches(&base, "m", "b", 1, 1, 0);
        fixture_launch(fixture_cell(&next, "m", "b", SB_OK, NULL), cases[i].pp, cases[i].tg,
                       cases[i].load_s, 1);
        expect_exit(&base, &next, &usual, cases[i].want);
    }
}

/* ---- depths --------------------------------------------------------------------------------- */

static void add_depth(struct sb_cell *c, int depth, double pp, double tg) {
    fixture_run(c, 1, depth, pp, tg);
    sb_cell_summarize(c);
}

static void test_depths(void **state) {
    (void)state;
    for (double factor = 0.8; factor <= 1; factor += 0.2) {
        struct sb_results base = fixture_set("T"), next = fixture_set("T");
        add_depth(fixture_launches(&base, "m", "b", 1, 1, 0), 4096, 50, 5);
        add_depth(fixture_launches(&next, "m", "b", 1, 1, 0), 4096, 50, 5 * factor);
        expect_exit(&base, &next, &usual, factor < 1 ? 1 : 0);
    }
    /* A depth that is not there any more cannot pass. */
    struct sb_results base = fixture_set("T"), next = fixture_set("T");
    add_depth(fixture_launches(&base, "m", "b", 1, 1, 0), 4096, 50, 5);
    fixture_launches(&next, "m", "b", 1, 1, 0);
    struct sb_comparison c = compare(&base, &next, &usual);
    assert_int_equal(c.cells[0].state, SB_CELL_NOT_COMPARABLE);
    assert_string_equal(c.cells[0].differences.item[0],
                        "PP at depth 4096: not measured on the new side");
    sb_comparison_release(&c);
    expect_exit(&base, &next, &usual, 3);
}

/* ---- cells that are not ok, missing, new ---------------------------------------------------- */

static void expect_statuses(enum sb_status base_status, enum sb_status next_status,
                            enum sb_compare_state want_state, int want_exit) {
    struct sb_results base = fixture_set("T"), next = fixture_set("T");
    fixture_launches(&base, "m", "a", 1, 1, 0);
    fixture_launches(&next, "m", "a", 1, 1, 0);
    fixture_launches(&base, "m", "b", 1, 1, 0)->status = base_status;
    fixture_launches(&next, "m", "b", 1, 1, 0)->status = next_status;
    struct sb_comparison c = compare(&base, &next, &usual);
    assert_int_equal(c.cells[1].state, want_state);
    sb_comparison_release(&c);
    expect_exit(&base, &next, &usual, want_exit);
}

static void test_statuses(void **state) {
    (void)state;
    expect_statuses(SB_OK, SB_OK, SB_CELL_SAME, 0);
    expect_statuses(SB_OK, SB_FAILED, SB_CELL_BROKEN, 1);
    expect_statuses(SB_OK, SB_INVALID, SB_CELL_BROKEN, 1);
    expect_statuses(SB_OK, SB_SKIPPED, SB_CELL_BROKEN, 1);
    expect_statuses(SB_OK, SB_PENDING, SB_CELL_MISSING, 3);
    expect_statuses(SB_FAILED, SB_OK, SB_CELL_FIXED, 0);
    expect_statuses(SB_FAILED, SB_FAILED, SB_CELL_NEITHER, 0);
    expect_statuses(SB_PENDING, SB_FAILED, SB_CELL_NEITHER, 0);
}

static void test_missing_and_new(void **state) {
    (void)state;
    struct sb_compare_options lenient = usual;
    lenient.allow_missing = true;
    for (int allow = 0; allow <= 1; allow++) {
        struct sb_results base = fixture_set("T"), next = fixture_set("T");
        fixture_launches(&base, "m", "a", 1, 1, 0);
        fixture_launches(&base, "m", "gone", 1, 1, 0);
        fixture_launches(&next, "m", "a", 1, 1, 0);
        fixture_launches(&next, "m", "new", 1, 1, 0);
        struct sb_comparison c = compare(&base, &next, allow ? &lenient : &usual);
        assert_int_equal(c.n_cells, 3);
        assert_int_equal(c.cells[1].state, SB_CELL_MISSING);
        assert_int_equal(c.cells[2].state, SB_CELL_NEW);
        sb_comparison_release(&c);
        expect_exit(&base, &next, allow ? &lenient : &usual, allow ? 0 : 3);
    }
    /* Nothing in common: a gate that compared nothing has not passed. */
    struct sb_results base = fixture_set("T"), next = fixture_set("T");
    fixture_launches(&base, "m", "a", 1, 1, 0);
    fixture_launches(&next, "n", "a", 1, 1, 0);
    expect_exit(&base, &next, &lenient, 3);
}

/* A regression is 1 even where something else would be 3. */
static void test_regression_wins(void **state) {
    (void)state;
    struct sb_results base = fixture_set("T"), next = fixture_set("T");
    fixture_launches(&base, "m", "a", 1, 1, 0);
    fixture_launches(&base, "m", "gone", 1, 1, 0);
    fixture_launches(&base, "m", "noisy", 1, 1, 0);
    fixture_launches(&next, "m", "a", 1, 0.5, 0);
    fixture_launches(&next, "m", "noisy", 1, 0.93, 0);
    expect_exit(&base, &next, &usual, 1);
}

/* ---- what is compared with what ------------------------------------------------------------- */

static void test_ids_match_not_labels(void **state) {
    (void)state;
    struct sb_results base = fixture_set("January"), next = fixture_set("February");
    fixture_launches(&base, "m", "b", 1, 1, 0);
    struct sb_cell *c = fixture_launches(&next, "m", "b", 1, 0.5, 0);
    free(c->backend.label);
    c->backend.label = sb_strdup("b, the new build");
    expect_exit(&base, &next, &usual, 1);
}

/* The same cell in two sections of a file is two cells. */
static void test_sections_stay_apart(void **state) {
    (void)state;
    struct sb_results sets[] = {fixture_set("A"), fixture_set("B"), fixture_set("B"),
                                fixture_set("A")};
    static const double factors[] = {1, 2, 2, 1};
    for (size_t i = 0; i < 4; i++)
        fixture_launches(&sets[i], "m", "b", 1, factors[i], 0);
    struct sb_comparison c;
    sb_comparison_make((const struct sb_results *[]){&sets[0], &sets[1]}, 2,
                       (const struct sb_results *[]){&sets[2], &sets[3]}, 2, &usual, &c);
    assert_int_equal(c.n_cells, 2);
    assert_int_equal(c.count[SB_CELL_SAME], 2);
    assert_int_equal(c.exit_code, 0);
    sb_comparison_release(&c);
    for (size_t i = 0; i < 4; i++)
        sb_results_release(&sets[i]);
}

/* The host of a file that says nothing else. */
static struct sb_fact *machine(const char *host) {
    char *text = sb_asprintf("{\"schema\":\"stratobench/1\",\"bench\":{\"title\":\"\",\"runs\":1,"
                             "\"n_predict\":1,\"ctx\":1},\"host\":%s,\"cells\":[]}",
                             host);
    struct sb_results r = sb_results_empty();
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    assert_int_equal(sb_results_parse("machine", text, strlen(text), &r, &error), 0);
    struct sb_fact *facts = r.host;
    r.host = NULL;
    sb_results_release(&r);
    free(text);
    return facts;
}

/* Another driver is what a comparison is made for: it is named, and stops nothing. */
static void test_the_machine_changed(void **state) {
    (void)state;
    struct sb_results base = fixture_set("T"), next = fixture_set("T");
    fixture_launches(&base, "m", "b", 3, 1, 0);
    fixture_launches(&next, "m", "b", 3, 1, 0);
    base.host =
        machine("{\"kernel\": \"6.18\", \"os\": \"A\", \"software\": "
                "{\"mesa\": \"25.0\", \"amdvlk\": \"1\"}, \"gpus\": [{\"power_cap_w\": 120}]}");
    next.host =
        machine("{\"kernel\": \"6.19\", \"governor\": \"powersave\", \"software\": "
                "{\"mesa\": \"25.2\", \"rocm\": \"7\"}, \"gpus\": [{\"power_cap_w\": 85}]}");
    struct sb_comparison c = compare(&base, &next, &usual);
    struct sb_buf text = SB_BUF_INIT(SB_ERR_MAX);
    sb_comparison_text(&c, &text);
    assert_int_equal(c.exit_code, 0);
    assert_non_null(strstr(sb_buf_str(&text),
                           "Not the same on both sides: kernel: 6.18 → 6.19; mesa: 25.0 → 25.2; "
                           "amdvlk: 1 → none; rocm: none → 7; power_cap_w: 120 → 85.\n"));
    sb_buf_release(&text);
    sb_comparison_release(&c);
    sb_results_release(&base);
    sb_results_release(&next);
}

#define HOST(cpu, kernel) "{\"cpu\":\"" cpu "\",\"memory_bytes\":64,\"kernel\":\"" kernel "\"}"

/* Launches of one machine, in a file that another wrote last. */
static struct sb_results made_on(const char *host) {
    struct sb_results r = fixture_set("T");
    fixture_launches(&r, "m", "b", 3, 1, 0);
    r.host = machine(host);
    sb_results_settle_hosts(&r);
    sb_facts_free(r.host);
    r.host = machine(HOST("C", "5.0"));
    return r;
}

static void expect_between(const char *next_host, const struct sb_compare_options *o,
                           enum sb_compare_state state, const char *said) {
    struct sb_results base = made_on(HOST("A", "6.18")), next = made_on(next_host);
    struct sb_comparison c = compare(&base, &next, o);
    struct sb_buf json = SB_BUF_INIT(SB_ERR_MAX);
    sb_comparison_json(&c, &json);
    assert_int_equal(c.cells[0].state, state);
    assert_non_null(strstr(sb_buf_str(&json), said));
    assert_null(strstr(sb_buf_str(&json), "5.0"));
    sb_buf_release(&json);
    sb_comparison_release(&c);
    sb_results_release(&base);
    sb_results_release(&next);
}

/* The same machine after an update is compared; another is not, unless by force. */
static void test_another_machine(void **state) {
    (void)state;
    struct sb_compare_options force = usual;
    force.force = true;
    expect_between(HOST("A", "6.19"), &usual, SB_CELL_SAME, "kernel: 6.18 → 6.19");
    expect_between(HOST("B", "6.18"), &usual, SB_CELL_NOT_COMPARABLE, "cpu: A → B");
    expect_between(HOST("B", "6.18"), &force, SB_CELL_SAME, "cpu: A → B");
}

/* A server of others, in a file of this machine. */
static struct sb_results lent_by(const char *address) {
    struct sb_results r = made_on(HOST("A", "6.18"));
    r.cells[0].backend.address = sb_strdup(address);
    sb_results_add_address(&r, &r.cells[0], NULL);
    return r;
}

static void expect_lent(struct sb_results base, struct sb_results next,
                        enum sb_compare_state state, const char *said) {
    struct sb_comparison c = compare(&base, &next, &usual);
    assert_int_equal(c.cells[0].state, state);
    if (said)
        assert_string_equal(c.cells[0].differences.item[0], said);
    sb_comparison_release(&c);
    sb_results_release(&base);
    sb_results_release(&next);
}

static void test_a_server_of_others_is_another_machine(void **state) {
    (void)state;
    expect_lent(lent_by("10.0.0.5"), lent_by("10.0.0.5"), SB_CELL_SAME, NULL);
    expect_lent(lent_by("10.0.0.5"), lent_by("10.0.0.6"), SB_CELL_NOT_COMPARABLE,
                "address: 10.0.0.5 → 10.0.0.6");
    expect_lent(made_on(HOST("A", "6.18")), lent_by("10.0.0.5"), SB_CELL_NOT_COMPARABLE,
                "address: none → 10.0.0.5");
}

#define LINES(...) ((const char *const[]){__VA_ARGS__, NULL})

static void expect_difference(const char *const *base_lines, const char *const *next_lines,
                              const char *const *want) {
    struct sb_results base = fixture_set("T"), next = fixture_set("T");
    fixture_fingerprint(fixture_launches(&base, "m", "b", 1, 1, 0), "aa", base_lines);
    fixture_fingerprint(fixture_launches(&next, "m", "b", 1, 0.5, 0), "bb", next_lines);
    struct sb_comparison c = compare(&base, &next, &usual);
    assert_int_equal(c.cells[0].state, SB_CELL_NOT_COMPARABLE);
    assert_int_equal(c.cells[0].n_figures, 0);
    for (size_t i = 0; i < c.cells[0].differences.n || want[i]; i++)
        assert_string_equal(c.cells[0].differences.item[i], want[i]);
    sb_comparison_release(&c);
    struct sb_compare_options forced = usual;
    forced.force = true;
    c = compare(&base, &next, &forced);
    assert_int_equal(c.cells[0].state, SB_CELL_REGRESSION);
    assert_string_equal(c.cells[0].differences.item[0], want[0]);
    sb_comparison_release(&c);
    expect_exit(&base, &next, &usual, 3);
}

static void test_fingerprints(void **state) {
    (void)state;
    expect_difference(LINES("n_predict=128", "ctx=8192"), LINES("n_predict=64", "ctx=8192"),
                      LINES("n_predict: 128 → 64"));
    expect_difference(LINES("arg=-b", "arg=512", "arg=-ub", "arg=256", "threads=2"),
                      LINES("arg=-b", "arg=1024", "arg=-ub", "arg=256", "threads=1"),
                      LINES("arg: -b 512 → -b 1024", "threads: 2 → 1"));
    expect_difference(LINES("arg=-fa on -x"), LINES("arg=-x"), LINES("arg: -fa on → none"));
    expect_difference(LINES("a=1"), LINES("a=1", "env=GGML_X=1"), LINES("env: none → GGML_X=1"));
    expect_difference(LINES("prompt=0123456789abcdef0123456789abcdef"),
                      LINES("prompt=fedcba9876543210fedcba9876543210"),
                      LINES("prompt: 0123456789ab… → fedcba987654…"));
    expect_difference(LINES("a=1"), LINES("a=1"), LINES("fingerprint: aa… → bb…"));
}

/* Same fingerprint, or none on a side: compared. */
static void test_fingerprints_that_do_not_differ(void **state) {
    (void)state;
    for (int both = 0; both <= 1; both++) {
        struct sb_results base = fixture_set("T"), next = fixture_set("T");
        fixture_fingerprint(fixture_launches(&base, "m", "b", 1, 1, 0), "aa", LINES("a=1"));
        struct sb_cell *c = fixture_launches(&next, "m", "b", 1, 0.5, 0);
        if (both)
            fixture_fingerprint(c, "aa", LINES("a=1"));
        expect_exit(&base, &next, &usual, 1);
    }
}

/* ---- what it says --------------------------------------------------------------------------- */

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
    static const struct {
        const char *name;
        void (*write)(const struct sb_comparison *c, struct sb_buf *ret);
    } forms[] = {
        {"compare.txt", sb_comparison_text},
        {"compare.md", sb_comparison_markdown},
        {"compare.json", sb_comparison_json},
        {"compare-annotations.txt", sb_comparison_annotations},
    };
    struct sb_results base, next;
    make_all(&base, &next);
    struct sb_comparison c = compare(&base, &next, &usual);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct sb_buf text = SB_BUF_INIT(GOLDEN_MAX_BYTES);
        forms[i].write(&c, &text);
        golden_expect(forms[i].name, sb_buf_str(&text));
        sb_buf_release(&text);
    }
    sb_comparison_release(&c);
    sb_results_release(&base);
    sb_results_release(&next);
}

/* ---- answers -------------------------------------------------------------------------------- */

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
    sb_comparison_release(&c);
    sb_results_release(&base);
    sb_results_release(&next);
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
    assert_non_null(strstr(sb_buf_str(&text), "Loads are judged only where both sides found the same"));
    sb_buf_release(&text);
    sb_comparison_release(&c);
    sb_results_release(&base);
    sb_results_release(&next);
}

/* A cell of three launches, PP and TG with so much between them. */
static void draw_cell(struct sb_results *r, double speed, double cv) {
    struct sb_cell *c = fixture_cell(r, "m", "b", SB_OK, NULL);
    for (int i = 0; i < 3; i++)
        fixture_launch(c, 100 * speed * (1 + cv * normal()), 10 * speed * (1 + cv * normal()), 10,
                       1);
}

/* How often a comparison ends with each exit code. */
static void draw_exits(double speed, double cv, int draws, int exits[4]) {
    random_state = 20261122;
    for (int i = 0; i < draws; i++) {
        struct sb_results base = fixture_set("T"), next = fixture_set("T");
        draw_cell(&base, 1, cv);
        draw_cell(&next, speed, cv);
        struct sb_comparison c = compare(&base, &next, &usual);
        exits[c.exit_code]++;
        sb_comparison_release(&c);
        sb_results_release(&base);
        sb_results_release(&next);
    }
    print_message("%.0f %% between launches, speed %.2f: exit 0 %d, 1 %d, 3 %d\n", 100 * cv, speed,
                  exits[0], exits[1], exits[3]);
}

/* What the header promises of noisy machines. */
static void test_noisy_machines(void **state) {
    (void)state;
    enum { DRAWS = 4000 };
    static const struct { double cv, loss; } noise[] = {{0.03, 0.10}, {0.06, 0.20}};
    for (size_t i = 0; i < sizeof noise / sizeof *noise; i++) {
        int same[4] = {0}, lost[4] = {0};
        draw_exits(1, noise[i].cv, DRAWS, same);
        draw_exits(1 - noise[i].loss, noise[i].cv, DRAWS, lost);
        assert_true(same[0] > DRAWS * 95 / 100);
        assert_true(same[1] < DRAWS / 100);
        assert_true(lost[0] < DRAWS * 6 / 100);
        assert_true(lost[1] > DRAWS / 2);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_machine_changed),
        cmocka_unit_test(test_another_machine),
        cmocka_unit_test(test_a_server_of_others_is_another_machine),
        cmocka_unit_test(test_measured_spread),
        cmocka_unit_test(test_assumed_spread),
        cmocka_unit_test(test_noise_within_a_launch),
        cmocka_unit_test(test_thresholds),
        cmocka_unit_test(test_noisy_machines),
        cmocka_unit_test(test_metrics),
        cmocka_unit_test(test_depths),
        cmocka_unit_test(test_statuses),
        cmocka_unit_test(test_missing_and_new),
        cmocka_unit_test(test_regression_wins),
        cmocka_unit_test(test_ids_match_not_labels),
        cmocka_unit_test(test_sections_stay_apart),
        cmocka_unit_test(test_fingerprints),
        cmocka_unit_test(test_fingerprints_that_do_not_differ),
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_answers_then_and_now),
        cmocka_unit_test(test_wrong_answers_are_annotated),
        cmocka_unit_test(test_conclusion_without_a_loss),
        cmocka_unit_test(test_what_the_conclusion_rests_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
