#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stratobench/results.h"
#include "stratobench/results_merge.h"

enum { MAX_CELLS = 4 };

/* A result set on the stack: nothing in it is owned. */
struct set {
    struct sb_results r;
    struct sb_cell cells[MAX_CELLS];
};

static void init_set(struct set *s, const char *title) {
    *s = (struct set){.r = {.bench = {.title = (char *)title, .n_predict = 128, .ctx = 8192}}};
    s->r.cells = s->cells;
}

static struct sb_cell *add(struct set *s, const char *model, const char *backend,
                           enum sb_status status, const char *measured_at) {
    struct sb_cell *c = &s->cells[s->r.n_cells++];
    *c = sb_cell_empty();
    c->model.id = (char *)model;
    c->backend.id = (char *)backend;
    c->status = status;
    c->measured_at = (char *)measured_at;
    return c;
}

static struct sb_sections merge(struct set *a, struct set *b) {
    const struct sb_results *sets[] = {&a->r, &b->r};
    return sb_results_merge(sets, 2);
}

/* Merges two files with one cell each; what stands, and the sentence about what is hidden. */
static void expect_settled(enum sb_status s1, const char *at1, enum sb_status s2, const char *at2,
                           size_t want_set, const char *want_hidden) {
    struct set a, b;
    init_set(&a, "T");
    init_set(&b, "T");
    struct sb_cell *cells[] = {add(&a, "m", "x", s1, at1), add(&b, "m", "x", s2, at2)};
    cells[0]->detail = (char *)"first";
    cells[1]->detail = (char *)"second";
    struct sb_sections all = merge(&a, &b);
    assert_int_equal(all.n, 1);
    assert_int_equal(all.item[0].set.n_cells, 1);
    assert_string_equal(all.item[0].set.cells[0].detail, cells[want_set]->detail);
    if (want_hidden)
        assert_string_equal(all.item[0].hidden[0], want_hidden);
    else
        assert_null(all.item[0].hidden[0]);
    sb_sections_release(&all);
}

static void test_which_stands(void **state) {
    (void)state;
    const char *old = "2026-02-22T20:00:00Z", *new = "2026-03-01T10:00:00Z";
    expect_settled(SB_OK, old, SB_OK, new, 1, NULL);
    expect_settled(SB_OK, new, SB_OK, old, 0, NULL);
    expect_settled(SB_OK, NULL, SB_OK, NULL, 1, NULL); /* undated: the later file */
    expect_settled(SB_OK, old, SB_OK, NULL, 0, NULL);
    expect_settled(SB_FAILED, old, SB_OK, new, 1, NULL);
    const char *hidden = "The newer result is shown; an earlier one of 2026-02-22 was ok.";
    expect_settled(SB_OK, old, SB_FAILED, new, 1, hidden);
    expect_settled(SB_FAILED, new, SB_OK, old, 0, hidden);
    expect_settled(SB_OK, old, SB_INVALID, new, 1, hidden);
    expect_settled(SB_OK, old, SB_PENDING, new, 0, NULL);
    expect_settled(SB_PENDING, new, SB_FAILED, old, 1, NULL);
}

/* Of several hidden results the newest is named. */
static void test_newest_hidden(void **state) {
    (void)state;
    struct set a, b, c, d;
    struct set *sets[] = {&a, &b, &c, &d};
    for (size_t i = 0; i < 4; i++)
        init_set(sets[i], "T");
    add(&a, "m", "x", SB_FAILED, "2026-05-05T00:00:00Z");
    add(&b, "m", "x", SB_OK, "2026-02-02T00:00:00Z");
    struct sb_cell *newest = add(&c, "m", "x", SB_OK, "2026-03-03T00:00:00Z");
    newest->pp_tps = sb_summarize((double[]){100, 102}, 2);
    newest->tg_tps = sb_summarize((double[]){10, 11}, 2);
    add(&d, "m", "x", SB_OK, "2026-01-01T00:00:00Z");
    const struct sb_results *results[] = {&a.r, &b.r, &c.r, &d.r};
    struct sb_sections all = sb_results_merge(results, 4);
    assert_string_equal(
        all.item[0].hidden[0],
        "The newer result is shown; an earlier one of 2026-03-03 was ok: PP 101.0, TG 10.5 tok/s.");
    sb_sections_release(&all);
}

static void expect_cell(const struct sb_section *s, size_t i, const char *model,
                        const char *backend) {
    assert_true(i < s->set.n_cells);
    assert_string_equal(s->set.cells[i].model.id, model);
    assert_string_equal(s->set.cells[i].backend.id, backend);
}

/* Shards of one matrix: models together, in the order of first appearance. */
static void test_order(void **state) {
    (void)state;
    struct set a, b;
    init_set(&a, "T");
    init_set(&b, "T");
    add(&a, "zeta", "rocm", SB_OK, NULL);
    add(&a, "alpha", "rocm", SB_OK, NULL);
    add(&b, "alpha", "cpu", SB_OK, NULL);
    add(&b, "zeta", "vulkan", SB_OK, NULL);
    add(&b, "alpha", "rocm", SB_OK, NULL);
    struct sb_sections all = merge(&a, &b);
    assert_int_equal(all.item[0].set.n_cells, 4);
    expect_cell(&all.item[0], 0, "zeta", "rocm");
    expect_cell(&all.item[0], 1, "zeta", "vulkan");
    expect_cell(&all.item[0], 2, "alpha", "rocm");
    expect_cell(&all.item[0], 3, "alpha", "cpu");
    sb_sections_release(&all);
}

static void test_titles_and_dates(void **state) {
    (void)state;
    struct set a, b, c;
    init_set(&a, "T");
    init_set(&b, "U");
    init_set(&c, "T");
    a.r.started_at = (char *)"2026-03-01T00:00:00Z";
    a.r.updated_at = (char *)"2026-03-01T01:00:00Z";
    c.r.started_at = (char *)"2026-02-01T00:00:00Z";
    c.r.updated_at = (char *)"2026-04-01T00:00:00Z";
    c.r.bench.ctx = 4096;
    const struct sb_results *results[] = {&a.r, &b.r, &c.r};
    struct sb_sections all = sb_results_merge(results, 3);
    assert_int_equal(all.n, 2);
    assert_string_equal(all.item[0].set.bench.title, "T");
    assert_int_equal(all.item[0].n_parts, 2);
    assert_ptr_equal(all.item[0].parts[1], &c.r);
    assert_string_equal(all.item[0].set.started_at, "2026-02-01T00:00:00Z");
    assert_string_equal(all.item[0].set.updated_at, "2026-04-01T00:00:00Z");
    assert_int_equal(all.item[0].warnings.n, 1);
    assert_string_equal(all.item[0].warnings.item[0],
                        "The files of this section differ in the context size.");
    assert_string_equal(all.item[1].set.bench.title, "U");
    assert_int_equal(all.item[1].warnings.n, 0);
    sb_sections_release(&all);
}

/* One file is shown as it is, also where a hand has repeated a cell in it. */
static void test_alone(void **state) {
    (void)state;
    struct set a;
    init_set(&a, "T");
    add(&a, "m", "x", SB_OK, NULL);
    add(&a, "m", "x", SB_FAILED, NULL);
    const struct sb_results *results[] = {&a.r};
    struct sb_sections all = sb_results_merge(results, 1);
    assert_int_equal(all.item[0].set.n_cells, 2);
    sb_sections_release(&all);
    all = sb_results_merge(results, 0);
    assert_int_equal(all.n, 0);
    sb_sections_release(&all);
}

/* ---- machines -------------------------------------------------------------------------------- */

static struct sb_fact *machine(const char *node, const char *kernel) {
    struct sb_fact *host = sb_facts_new();
    sb_fact_add_text(host, "cpu", "AMD");
    sb_fact_add_text(host, "kernel", kernel);
    if (node)
        sb_fact_add_text(host, "node", node);
    return host;
}

/* What it is called and how busy it is does not make another machine of it. */
static void test_host_id(void **state) {
    (void)state;
    struct sb_fact *a = machine("n", "6.8"), *b = machine("n", "6.9"), *c = machine("n", "6.8"),
                   *unknown = sb_facts_new();
    sb_fact_add_text(c, "hardware", "a name");
    sb_fact_add_text(unknown, "hardware", "a name");
    sb_fact_add_number(c, "load_average_1m", 3);
    char *ids[] = {sb_host_id(a), sb_host_id(b), sb_host_id(c)};
    assert_string_not_equal(ids[0], ids[1]);
    assert_string_equal(ids[0], ids[2]);
    assert_null(sb_host_id(unknown));
    struct sb_strv differences = {0};
    assert_true(sb_host_diff(a, b, &differences)); /* the same box with another kernel */
    assert_int_equal(differences.n, 0);
    struct sb_fact *d = machine("n2", "6.8");
    assert_true(sb_host_diff(a, d, &differences));
    assert_int_equal(differences.n, 1);
    assert_string_equal(differences.item[0], "node: n → n2");
    sb_facts_free(d);
    assert_false(sb_host_diff(a, unknown, &differences));
    sb_strv_release(&differences);
    for (size_t i = 0; i < 3; i++)
        free(ids[i]);
    sb_facts_free(a);
    sb_facts_free(b);
    sb_facts_free(c);
    sb_facts_free(unknown);
}

/* The same matrix from two nodes is two sections; what one has not begun and the other has done is
 * no row of the first. */
static void test_machines_are_sections(void **state) {
    (void)state;
    struct set a, b;
    init_set(&a, "T");
    init_set(&b, "T");
    a.r.host = machine("node-1", "6.8");
    b.r.host = machine("node-2", "6.8");
    add(&a, "m", "x", SB_OK, "2026-01-01T00:00:00Z");
    add(&a, "n", "x", SB_PENDING, NULL);
    add(&a, "o", "x", SB_PENDING, NULL);
    add(&b, "m", "x", SB_OK, "2026-01-02T00:00:00Z");
    add(&b, "n", "x", SB_FAILED, "2026-01-02T00:00:00Z");
    struct sb_sections all = merge(&a, &b);
    assert_int_equal(all.n, 2);
    assert_string_equal(all.item[0].set.bench.title, "T (node-1)");
    assert_string_equal(all.item[1].set.bench.title, "T (node-2)");
    assert_int_equal(all.item[0].set.n_cells, 2);
    expect_cell(&all.item[0], 0, "m", "x");
    expect_cell(&all.item[0], 1, "o", "x");
    assert_int_equal(all.item[1].set.n_cells, 2);
    sb_sections_release(&all);
    sb_facts_free(a.r.host);
    sb_facts_free(b.r.host);
}

/* Whatever file comes first: the order is the config's. */
static void test_order_of_config(void **state) {
    (void)state;
    struct set a, b;
    init_set(&a, "T");
    init_set(&b, "T");
    add(&a, "second", "x", SB_OK, NULL)->order = 2;
    add(&b, "first", "y", SB_OK, NULL)->order = 0;
    add(&b, "first", "x", SB_OK, NULL)->order = 1;
    struct sb_sections all = merge(&a, &b);
    expect_cell(&all.item[0], 0, "first", "y");
    expect_cell(&all.item[0], 1, "first", "x");
    expect_cell(&all.item[0], 2, "second", "x");
    sb_sections_release(&all);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_which_stands),
        cmocka_unit_test(test_newest_hidden),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_titles_and_dates),
        cmocka_unit_test(test_alone),
        cmocka_unit_test(test_host_id),
        cmocka_unit_test(test_machines_are_sections),
        cmocka_unit_test(test_order_of_config),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
