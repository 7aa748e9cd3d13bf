/* history: looks at one cell over dates, and where it stepped. */
#include <stdio.h>

#include "plot/script.h"
#include "stratobench/verdict.h"

#include "golden.h"
#include "random.h"
#include "results_fixture.h"

enum { MOST_LOOKS = 10 };

struct looks {
    struct sb_results sets[MOST_LOOKS];
    const struct sb_results *pointers[MOST_LOOKS];
    size_t n;
};

/* A set of that day of November. */
static struct sb_results *add_set(struct looks *l, int day) {
    struct sb_results *set = &l->sets[l->n];
    *set = fixture_set("T");
    set->started_at = sb_asprintf("2026-11-%02dT08:30:00Z", day);
    l->pointers[l->n++] = set;
    return set;
}

static struct sb_cell *add_cell(struct sb_results *set, const char *backend, double factor,
                                const char *build) {
    struct sb_cell *c = fixture_launches(set, "m", backend, 3, factor, 0.01);
    c->backend.server_version = sb_strdup(build);
    return c;
}

static void release(struct looks *l) {
    for (size_t i = 0; i < l->n; i++)
        sb_results_release(&l->sets[i]);
}

static struct sb_history history_of(const struct looks *l, const char *backend) {
    struct sb_history h;
    sb_history_make(l->pointers, l->n, NULL, backend, &h);
    return h;
}

/* The number of the first look whose PP stepped, 0 = none. */
static size_t first_step(const struct sb_history_series *s) {
    for (size_t i = 0; i < s->n; i++)
        if (s->looks[i].figure[SB_PP].step)
            return s->looks[i].number;
    return 0;
}

static size_t step_of(const double *factors, size_t n) {
    struct looks l = {.n = 0};
    for (size_t i = 0; i < n; i++)
        add_cell(add_set(&l, (int)i + 1), "b", factors[i], "1");
    struct sb_history h = history_of(&l, NULL);
    assert_int_equal(h.n, 1);
    assert_int_equal(h.series[0].n, n);
    size_t step = first_step(&h.series[0]);
    sb_history_release(&h);
    release(&l);
    return step;
}

#define STEP_OF(...)                                                                               \
    step_of((const double[]){__VA_ARGS__}, sizeof((const double[]){__VA_ARGS__}) / sizeof(double))

static void test_steps(void **state) {
    (void)state;
    assert_int_equal(STEP_OF(1), 0);
    assert_int_equal(STEP_OF(1, 1.01, 0.99, 1), 0);
    assert_int_equal(STEP_OF(1, 1.01, 0.9, 0.9), 3);
    assert_int_equal(STEP_OF(1, 1, 1, 1.15), 4); /* a gain is one, too */
    assert_int_equal(STEP_OF(1, 0.8), 2);
}

/* After a step its level is the one to be held against: going back is a step again. */
static void test_a_step_begins_anew(void **state) {
    (void)state;
    static const double factors[] = {1, 0.8, 0.8, 1};
    struct looks l = {.n = 0};
    for (size_t i = 0; i < 4; i++)
        add_cell(add_set(&l, (int)i + 1), "b", factors[i], "1");
    struct sb_history h = history_of(&l, NULL);
    const struct sb_history_look *looks = h.series[0].looks;
    assert_true(looks[1].figure[SB_TG].step && !looks[2].figure[SB_TG].step);
    assert_true(looks[3].figure[SB_TG].step && fabs(looks[3].figure[SB_TG].change - 0.25) < 1e-9);
    sb_history_release(&h);
    release(&l);
}

/* By date, whatever the order of the files; and only what is asked for. */
static void test_order_and_selection(void **state) {
    (void)state;
    struct looks l = {.n = 0};
    add_cell(add_set(&l, 20), "b", 0.8, "new");
    struct sb_results *older = add_set(&l, 3);
    add_cell(older, "b", 1, "old");
    add_cell(older, "other", 1, "old");
    struct sb_history h = history_of(&l, "b");
    assert_int_equal(h.n, 1);
    assert_string_equal(h.series[0].looks[0].cell->backend.server_version, "old");
    assert_int_equal(first_step(&h.series[0]), 2);
    sb_history_release(&h);
    h = history_of(&l, "no*");
    assert_int_equal(h.n, 0);
    sb_history_release(&h);
    release(&l);
}

static void make_all(struct looks *l) {
    static const char *const lines[][2] = {{"ctx=8192", NULL}, {"ctx=4096", NULL}};
    static const double vulkan[] = {1, 1.01, 0.9, 0.9, 0.7};
    *l = (struct looks){.n = 0};
    for (int i = 0; i < 5; i++) {
        struct sb_results *set = add_set(l, 3 * i + 1);
        char *build = sb_asprintf("b%d|x", 7000 + 100 * i);
        fixture_fingerprint(add_cell(set, "Vulkan", vulkan[i], build), i < 4 ? "aa" : "bb",
                            lines[i == 4]);
        if (i == 2)
            fixture_cell(set, "m", "CPU", SB_FAILED, "server died");
        else
            add_cell(set, "CPU", 0.5, build);
        free(build);
    }
}

static void test_golden(void **state) {
    (void)state;
    struct looks l;
    make_all(&l);
    struct sb_history h = history_of(&l, NULL);
    struct sb_buf text = SB_BUF_INIT(GOLDEN_MAX_BYTES), markdown = SB_BUF_INIT(GOLDEN_MAX_BYTES);
    sb_history_text(&h, &text);
    sb_history_markdown(&h, &markdown);
    golden_expect("history.txt", sb_buf_str(&text));
    golden_expect("history.md", sb_buf_str(&markdown));
    sb_buf_release(&text);
    sb_buf_release(&markdown);
    sb_history_release(&h);
    release(&l);
}

/* Lines alone, a point a look that was ok, at its number. */
static void test_chart(void **state) {
    (void)state;
    struct looks l;
    make_all(&l);
    struct sb_history h = history_of(&l, NULL);
    struct sb_results lines = sb_history_lines(&h);
    const struct sb_results *set = &lines;
    struct plot_script script;
    assert_int_equal(lines.n_cells, 2);
    assert_int_equal(lines.cells[0].n_points, 5);
    assert_int_equal(lines.cells[1].n_points, 4);
    assert_int_equal(lines.cells[1].points[2].at.depth, 4);
    plot_script_make(&set, 1, PLOT_HISTORY, &script);
    assert_non_null(strstr(sb_buf_str(&script.commands), "$line1 << EOD\n1 50 "));
    assert_null(strstr(sb_buf_str(&script.commands), "boxxyerror"));
    bool said = false;
    for (size_t i = 0; i < script.texts.n; i++)
        said |= strcmp(script.texts.item[i], "PP over the looks (tok/s)") == 0;
    assert_true(said);
    plot_script_release(&script);
    sb_results_release(&lines);
    sb_history_release(&h);
    release(&l);
}

/* Three launches a look, 1 % between them and 1 % more from day to day. */
static void test_error_rates(void **state) {
    (void)state;
    enum { DRAWS = 1000, AT = 6 };
    int alarms = 0, found = 0, early = 0;
    random_state = 20261124;
    for (int d = 0; d < DRAWS; d++)
        for (int lost = 0; lost <= 1; lost++) {
            struct looks l = {.n = 0};
            for (int i = 1; i <= MOST_LOOKS; i++) {
                struct sb_cell *c = fixture_cell(add_set(&l, i), "m", "b", SB_OK, NULL);
                double day = (lost && i >= AT ? 0.88 : 1) * (1 + 0.01 * normal());
                for (int k = 0; k < 3; k++)
                    fixture_launch(c, 100 * day * (1 + 0.01 * normal()), 10, 10, 1);
            }
            struct sb_history h = history_of(&l, NULL);
            size_t step = first_step(&h.series[0]);
            alarms += !lost && step;
            found += lost && step == AT;
            early += lost && step && step < AT;
            sb_history_release(&h);
            release(&l);
        }
    print_message(
        "%d of %d steady histories alarm; of a loss of 12 %% %d are found where they are, "
        "%d too early\n",
        alarms, DRAWS, found, early);
    assert_true(alarms < DRAWS * 2 / 100);
    assert_true(found >= DRAWS * 95 / 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_a_step_begins_anew),
        cmocka_unit_test(test_order_and_selection),
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_chart),
        cmocka_unit_test(test_error_rates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
