#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stratobench/results.h"
#include "stratobench/results_shard.h"

enum { MAX_BYTES = 1 << 20 };

/* Results of that title, of the process that began at that minute, as lines of a log. */
static char *shard(const char *title, const char *name, int minute) {
    struct sb_results r = sb_results_empty();
    r.bench.title = sb_strdup(title);
    r.bench.runs = 1;
    r.bench.n_predict = 2;
    r.bench.ctx = 3;
    r.started_at = sb_asprintf("2026-11-24T22:%02d:00Z", minute);
    struct sb_buf b = SB_BUF_INIT(MAX_BYTES);
    sb_shard_print(&r, name, &b);
    sb_results_release(&r);
    return sb_buf_detach(&b);
}

/* What is read from a log: the titles in order, and what is said of it. */
static void expect(const char *log, const char *titles, const char *remarks) {
    struct sb_shards s;
    struct sb_buf got = SB_BUF_INIT(MAX_BYTES), said = SB_BUF_INIT(MAX_BYTES);
    sb_shards_read(log, strlen(log), &s);
    assert_int_equal(s.name.n, s.json.n);
    for (size_t i = 0; i < s.json.n; i++) {
        struct sb_results r;
        const char *json = s.json.item[i];
        assert_int_equal(sb_results_parse("log", json, strlen(json), &r, NULL), 0);
        sb_buf_addf(&got, "%s ", r.bench.title);
        sb_results_release(&r);
    }
    for (size_t i = 0; i < s.remarks.n; i++)
        sb_buf_addf(&said, "%s\n", s.remarks.item[i]);
    assert_string_equal(sb_buf_str(&got), titles);
    assert_string_equal(sb_buf_str(&said), remarks);
    sb_buf_release(&got);
    sb_buf_release(&said);
    sb_shards_release(&s);
}

static char *join(const char *a, const char *b) {
    return sb_asprintf("%s%s", a, b);
}

static void test_one(void **state) {
    (void)state;
    char *a = shard("A", "job-a", 1), *with = sb_asprintf("loading\n%sdone, no line end", a);
    assert_true(sb_shards_begin(with, strlen(with)));
    expect(with, "A ", "");
    const char none[] = "nothing, stratobench: 1\nstratobench:0123456789abcdef";
    assert_false(sb_shards_begin(none, sizeof none - 1));
    expect(none, "", "");
    free(with);
    free(a);
}

/* Prefixes, times, carriage returns, another stream between the lines, two at once. */
static void test_among_others(void **state) {
    (void)state;
    char *shards[] = {shard("A", "job-a", 1), shard("B", "job-b", 1)};
    const char *at[] = {shards[0], shards[1]};
    struct sb_buf log = SB_BUF_INIT(MAX_BYTES);
    while (*at[0] || *at[1])
        for (size_t i = 0; i < 2; i++) {
            size_t n = strcspn(at[i], "\n");
            if (*at[i])
                sb_buf_addf(&log, "[pod/%zu] 2026-11-24T22:00:00Z %.*s\r\nwarning: \"\n", i, (int)n,
                            at[i]);
            at[i] += n + (at[i][n] == '\n');
        }
    expect(sb_buf_str(&log), "A B ", "");
    sb_buf_release(&log);
    free(shards[0]);
    free(shards[1]);
}

static void test_cut(void **state) {
    (void)state;
    char *a = shard("A", "job-a", 1), *b = shard("B", "job-b", 1);
    char *cut = sb_strndup(a, strlen(a) / 2), *log = sb_asprintf("%s\n%s", cut, b);
    size_t lines = 0;
    for (const char *s = cut; (s = strstr(s, "|")); s++)
        lines++;
    char *want = sb_asprintf("the results of job-a 2026-11-24T22:01:00Z are cut after %zu lines; "
                             "nothing of them can be used\n",
                             lines);
    expect(log, "B ", want);
    free(log);
    /* A line is missing, or another: the end is there, and still it is not whole. */
    char *line = strstr(a, "|  \"bench\"");
    assert_non_null(line);
    line[3] = '\'';
    struct sb_shards s;
    sb_shards_read(a, strlen(a), &s);
    assert_int_equal(s.json.n, 0);
    assert_int_equal(s.remarks.n, 1);
    sb_shards_release(&s);
    /* The beginning was thrown away. */
    free(want);
    want = sb_asprintf("results end here (%.16s) that have no beginning\n",
                       b + strlen("stratobench:"));
    expect(strstr(b, "\n") + 1, "", want);
    free(want);
    free(cut);
    free(a);
    free(b);
}

/* One process says more and more: the last whole one counts. */
static void test_again(void **state) {
    (void)state;
    char *first = shard("A", "job-a", 1), *second = shard("AA", "job-a", 1),
         *cut = sb_strndup(second, strlen(second) - 5);
    char *both = join(first, second), *broken = join(first, cut);
    expect(both, "AA ", "");
    struct sb_shards s;
    sb_shards_read(broken, strlen(broken), &s);
    assert_int_equal(s.json.n, 1);
    assert_non_null(strstr(s.json.item[0], "\"A\""));
    assert_non_null(strstr(s.remarks.item[0], "what was whole before"));
    sb_shards_release(&s);
    /* What was cut is said again. */
    free(broken);
    broken = join(cut, second);
    expect(broken, "AA ", "");
    free(both);
    free(broken);
    free(cut);
    free(first);
    free(second);
}

static void test_doubled(void **state) {
    (void)state;
    char *a = shard("A", "job-a", 1), *log = join(a, a);
    expect(log, "A ",
           "the results of job-a 2026-11-24T22:01:00Z are there twice; they count once\n");
    free(log);
    char *later = shard("A", "job-a", 2);
    log = join(a, later);
    expect(log, "A A ",
           "there are two results of job-a; of a cell that both have the newer counts\n");
    free(log);
    free(later);
    free(a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one),     cmocka_unit_test(test_among_others),
        cmocka_unit_test(test_cut),     cmocka_unit_test(test_again),
        cmocka_unit_test(test_doubled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
