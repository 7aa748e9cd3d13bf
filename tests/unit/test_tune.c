/* Tuning: which value is taken, what the choice is part of, and what is said of it. */
#include "golden.h"
#include "results_fixture.h"

#include "bench/internal.h"
#include "stratobench/report.h"
#include "stratobench/results_merge.h"
#include "stratobench/results_tune.h"
#include "stratobench/verdict.h"
#include "verdict/fingerprint_diff.h"

static struct sb_run run_of(double prompt_ms, double predicted_ms) {
    struct sb_run r = sb_run_empty();
    r.launch = 1;
    r.prompt_n = 1000;
    r.predicted_n = 101;
    r.prompt_ms = prompt_ms;
    r.predicted_ms = predicted_ms;
    r.valid = true;
    sb_run_speeds(&r);
    return r;
}

/* Three runs around these times, `spread` of them apart, behind a warm-up that is ten times as slow. */
static void try_value(struct sb_cell *c, const char *key, const char *value, double prompt_ms,
                      double predicted_ms, double spread) {
    struct sb_try t = sb_try_empty();
    t.key = sb_strdup(key);
    t.value = sb_strdup(value);
    for (int i = 0; i < 4; i++) {
        double f = i ? 1 + spread * (i - 2) : 10;
        t.runs = sb_grow(t.runs, t.n_runs, sizeof *t.runs);
        t.runs[t.n_runs] = run_of(f * prompt_ms, f * predicted_ms);
        t.runs[t.n_runs++].warmup = i == 0;
    }
    sb_cell_add_try(c, t);
}

static void fail_value(struct sb_cell *c, const char *key, const char *value, const char *reason) {
    struct sb_try t = sb_try_empty();
    t.key = sb_strdup(key);
    t.value = sb_strdup(value);
    t.reason = sb_strdup(reason);
    sb_cell_add_try(c, t);
}

static const char *best(const struct sb_cell *c, const char *key) {
    const struct sb_try *t = sb_cell_best_try(c, key);
    return t ? t->value : "none";
}

/* ---- which is taken ------------------------------------------------------------------------- */

static void what_moves_pp_is_chosen_by_pp(void **state) {
    (void)state;
    struct sb_cell c = sb_cell_empty();
    try_value(&c, "ubatch", "256", 1000, 100, 0);
    try_value(&c, "ubatch", "512", 500, 3000, 0); /* TG is noise to it */
    try_value(&c, "threads", "8", 500, 3000, 0);
    try_value(&c, "threads", "4", 1000, 100, 0);
    assert_string_equal(best(&c, "ubatch"), "512");
    assert_string_equal(best(&c, "threads"), "4");
    assert_string_equal(best(&c, "batch"), "none");
    struct sb_try_figures f = sb_try_figures(&c.tried[1]);
    assert_int_equal(f.pp_tps.n, 3); /* not the warm-up */
    assert_true(fabs(f.pp_tps.mean - 2000) < 1e-9 && fabs(f.speed - 2000) < 1e-9);
    assert_true(fabs(f.tg_tps.mean - 100 / 3.0) < 1e-9);
    assert_true(fabs(sb_try_figures(&c.tried[2]).speed - 1 / 3.5) < 1e-9);
    sb_cell_release(&c);
}

static void a_tie_goes_to_the_first(void **state) {
    (void)state;
    struct sb_cell c = sb_cell_empty();
    try_value(&c, "ubatch", "256", 1040, 100, 0); /* 4 % behind the fastest */
    try_value(&c, "ubatch", "512", 1020, 100, 0);
    try_value(&c, "ubatch", "1024", 1000, 100, 0);
    assert_string_equal(best(&c, "ubatch"), "512");
    sb_cell_release(&c);
}

static void what_failed_is_never_taken(void **state) {
    (void)state;
    struct sb_cell c = sb_cell_empty();
    try_value(&c, "ubatch", "256", 1, 100, 0);
    c.tried[0].reason = sb_strdup("server claims 1 ms of work in 900 ms");
    fail_value(&c, "ubatch", "512", "server died");
    assert_string_equal(best(&c, "ubatch"), "none");
    try_value(&c, "ubatch", "1024", 1000, 100, 0);
    assert_string_equal(best(&c, "ubatch"), "1024");
    sb_cell_release(&c);
}

/* ---- what the choice is part of ------------------------------------------------------------- */

static void a_choice_is_part_of_what_was_asked(void **state) {
    (void)state;
    struct sb_cell c = sb_cell_empty(), plan = sb_cell_empty();
    for (int i = 0; i < 2; i++) {
        sb_strv_add(i ? &c.fingerprint_of : &plan.fingerprint_of, "n_predict=128");
        sb_cell_seal(i ? &c : &plan);
    }
    assert_string_equal(c.fingerprint, plan.fingerprint);
    try_value(&c, "ubatch", "256", 1000, 100, 0);
    try_value(&c, "ubatch", "512", 500, 100, 0.1);
    sb_cell_choose(&c, sb_cell_best_try(&c, "ubatch"));
    assert_ptr_equal(sb_cell_chosen(&c, "ubatch"), &c.tried[1]);
    assert_null(sb_cell_chosen(&c, "threads"));
    assert_string_not_equal(c.fingerprint, plan.fingerprint);
    assert_string_equal(c.fingerprint_of.item[1], "ubatch=512");
    assert_true(sb_try_figures(&c.tried[1]).noisy && !sb_try_figures(&c.tried[0]).noisy);
    /* A plan knows no choice: it is the same but for that. */
    assert_true(sb_cell_asked_same(&c, &plan) && sb_cell_asked_same(&plan, &c));
    struct sb_strv asked = sb_cell_asked(&c);
    assert_int_equal(asked.n, 1);
    sb_strv_release(&asked);
    sb_strv_add(&plan.fingerprint_of, "threads=3");
    sb_cell_seal(&plan);
    assert_false(sb_cell_asked_same(&c, &plan));
    sb_cell_release(&c);
    sb_cell_release(&plan);
}

static struct sb_cell *tuned(struct sb_results *r, const char *model, const char *backend,
                             const char *value) {
    struct sb_cell *c = fixture_cell(r, model, backend, SB_OK, NULL);
    fixture_launch(c, 100, 10, 1, 1);
    sb_strv_add(&c->fingerprint_of, "n_predict=128");
    try_value(c, "ubatch", "256", 2000, 100, 0);
    try_value(c, "ubatch", value, 1000, 100, 0);
    sb_cell_choose(c, &c->tried[1]);
    return c;
}

static void expect_in(const struct sb_buf *b, const char *part) {
    if (!strstr(sb_buf_str(b), part))
        fail_msg("no \"%s\" in:\n%s", part, sb_buf_str(b));
}

static void what_was_tuned_differently_is_named(void **state) {
    (void)state;
    struct sb_results r = fixture_set("T");
    tuned(&r, "M", "ROCm", "1024");
    tuned(&r, "M", "Vulkan", "512");
    tuned(&r, "N", "ROCm", "2048");
    tuned(&r, "N", "Vulkan", "512");
    const struct sb_results *set = &r;
    struct sb_buf b = SB_BUF_INIT(1 << 20);
    struct sb_workload w = SB_WORKLOAD_DEFAULT;
    assert_int_equal(sb_rank_markdown(&set, 1, &w, &b), 0);
    expect_in(&b, "Not like with like: ubatch (ROCm 1024/2048; Vulkan 512; tuned).");
    sb_buf_release(&b);
    sb_results_release(&r);
}

/* Threads are a matter of the machine, unless somebody chose them by their speed. */
static void threads_are_named_where_they_were_tuned(void **state) {
    (void)state;
    for (int by_tuning = 0; by_tuning < 2; by_tuning++) {
        struct sb_results r = fixture_set("T");
        struct sb_cell *c = fixture_cell(&r, "M", "A", SB_OK, NULL);
        fixture_launch(c, 100, 10, 1, 1);
        sb_strv_add(&c->fingerprint_of, by_tuning ? "ctx=1" : "threads=8");
        if (by_tuning) {
            try_value(c, "threads", "8", 2000, 100, 0);
            sb_cell_choose(c, c->tried);
        }
        c = fixture_cell(&r, "M", "B", SB_OK, NULL);
        fixture_launch(c, 90, 10, 1, 1);
        sb_strv_add(&c->fingerprint_of, "ctx=1");
        const struct sb_results *set = &r;
        struct sb_buf b = SB_BUF_INIT(1 << 20);
        struct sb_workload w = SB_WORKLOAD_DEFAULT;
        assert_int_equal(sb_rank_markdown(&set, 1, &w, &b), 0);
        if (by_tuning)
            expect_in(&b, "threads (A 8; B its own choice; tuned)");
        else
            assert_null(strstr(sb_buf_str(&b), "Not like with like"));
        sb_buf_release(&b);
        sb_results_release(&r);
    }
}

static void another_choice_is_not_compared(void **state) {
    (void)state;
    struct sb_results a = fixture_set("T"), b = fixture_set("T");
    tuned(&a, "M", "ROCm", "1024");
    tuned(&b, "M", "ROCm", "512");
    struct sb_strv differences = {0};
    sb_fingerprint_diff(&a.cells[0], &b.cells[0], &differences);
    assert_int_equal(differences.n, 1);
    assert_string_equal(differences.item[0], "ubatch: 1024 → 512");
    sb_strv_release(&differences);
    sb_results_release(&a);
    sb_results_release(&b);
}

/* Merged, a cell keeps what was tried of it. */
static void a_merge_keeps_what_was_tried(void **state) {
    (void)state;
    struct sb_results a = fixture_set("T"), b = fixture_set("T");
    tuned(&a, "M", "ROCm", "1024");
    tuned(&b, "M", "Vulkan", "512");
    const struct sb_results *sets[] = {&a, &b};
    struct sb_sections s = sb_results_merge(sets, 2);
    assert_int_equal(s.item[0].set.n_cells, 2);
    assert_string_equal(sb_cell_chosen(&s.item[0].set.cells[0], "ubatch")->value, "1024");
    assert_string_equal(sb_cell_chosen(&s.item[0].set.cells[1], "ubatch")->value, "512");
    sb_sections_release(&s);
    sb_results_release(&a);
    sb_results_release(&b);
}

/* ---- what is said of it --------------------------------------------------------------------- */

static void the_document_shows_what_each_value_gave(void **state) {
    (void)state;
    struct sb_results r = fixture_set("T");
    struct sb_cell *c = tuned(&r, "M", "ROCm", "1024");
    fail_value(c, "ubatch", "4096", "out of | memory");
    try_value(c, "threads", "8", 1100, 100, 0.1);
    const struct sb_results *set = &r;
    struct sb_buf b = SB_BUF_INIT(1 << 20);
    assert_int_equal(sb_report_markdown(&set, 1, &b), 0);
    expect_in(
        &b,
        "chosen was ubatch by PP, which is what it moves, threads by the time of a whole run; of "
        "those within 3 % of the fastest the first in the config\n\n<details>");
    expect_in(&b, "| ROCm | ubatch 256 | 500.0 ±0.0 | 1000.0 ±0.0 | 2100 ms | -50.0 % |\n"
                  "| ROCm | ubatch 1024 | 1000.0 ±0.0 | 1000.0 ±0.0 | 1100 ms | **taken** |\n"
                  "| ROCm | ubatch 4096 | — | — | — | cannot be taken: out of \\| memory |\n");
    expect_in(&b, "| noisy |");
    sb_buf_release(&b);
    sb_results_release(&r);
}

static void a_file_that_tunes_something_else_is_refused(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"{\"key\":\"colour\",\"value\":\"red\",\"runs\":[]}",
         "r.json: cells[0].tune[0].key: nothing that is tuned"},
        {"{\"key\":\"ubatch\",\"value\":\"1\",\"runs\":[{\"valid\":true}]}",
         "r.json: cells[0].tune[0].runs[0].pp_tps: a valid run needs a positive number"},
        {"{\"key\":\"ubatch\",\"runs\":[]}", "r.json: cells[0].tune[0].value: missing"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = sb_asprintf(
            "{\"schema\":\"stratobench/1\",\"bench\":{\"title\":\"T\",\"runs\":1,\"n_predict\":2,"
            "\"ctx\":8},\"cells\":[{\"model\":{\"id\":\"m\"},\"backend\":{\"id\":\"b\"},"
            "\"status\":\"pending\",\"runs\":[],\"tune\":[%s]}]}",
            cases[i][0]);
        struct sb_results r;
        struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
        assert_true(sb_results_parse("r.json", text, strlen(text), &r, &error) < 0);
        assert_string_equal(sb_buf_str(&error), cases[i][1]);
        sb_buf_release(&error);
        free(text);
    }
}

/* Every setting of the table has a place in a launch. */
static void every_tunable_reaches_the_launch(void **state) {
    (void)state;
    for (size_t i = 0; i < sb_n_tunables; i++) {
        const struct sb_tunable *t = &sb_tunables[i];
        struct sb_llama_launch before = {0}, after = {0};
        struct sb_try value = {.key = (char *)t->key,
                               .value = (char *)(t->words ? t->words[0] : "7")};
        sb_tune_set(&after, &value);
        assert_memory_not_equal(&before, &after, sizeof before);
        assert_ptr_equal(sb_tunable_named(t->key), t);
    }
    assert_null(sb_tunable_named("mmap"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_moves_pp_is_chosen_by_pp),
        cmocka_unit_test(a_tie_goes_to_the_first),
        cmocka_unit_test(what_failed_is_never_taken),
        cmocka_unit_test(a_choice_is_part_of_what_was_asked),
        cmocka_unit_test(what_was_tuned_differently_is_named),
        cmocka_unit_test(threads_are_named_where_they_were_tuned),
        cmocka_unit_test(another_choice_is_not_compared),
        cmocka_unit_test(a_merge_keeps_what_was_tried),
        cmocka_unit_test(the_document_shows_what_each_value_gave),
        cmocka_unit_test(a_file_that_tunes_something_else_is_refused),
        cmocka_unit_test(every_tunable_reaches_the_launch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
