#include <cjson/cJSON.h>

#include "golden.h"
#include "report/parts.h"
#include "results_fixture.h"
#include "stratobench/report.h"

typedef int exporter(const struct sb_results *const *sets, size_t n, struct sb_buf *ret);

static void expect_export(const char *name, const char *file, exporter *export) {
    struct golden_sets s;
    golden_load((const char *[]){name, NULL}, &s);
    struct sb_buf b = SB_BUF_INIT(1 << 20);
    assert_int_equal(export(s.pointers, s.n, &b), 0);
    golden_expect(file, sb_buf_str(&b));
    sb_buf_release(&b);
    golden_release(&s);
}

static void test_golden(void **state) {
    (void)state;
    expect_export("statuses", "statuses.csv", sb_report_csv);
    expect_export("statuses", "statuses.jsonl", sb_report_jsonl);
    expect_export("measured", "measured-llama-bench.md", sb_report_llama_bench);
    expect_export("depths", "depths-llama-bench.md", sb_report_llama_bench);
    expect_export("slots", "slots-llama-bench.md", sb_report_llama_bench);
}

/* Every line of JSON is an object, and every record of CSV has the fields that the head names, also
 * where the texts hold quotes, commas and line ends. */
static void test_hostile(void **state) {
    (void)state;
    struct golden_sets s;
    golden_load((const char *[]){"hostile-table", NULL}, &s);
    struct sb_buf csv = SB_BUF_INIT(1 << 20), json = SB_BUF_INIT(1 << 20);
    assert_int_equal(sb_report_csv(s.pointers, s.n, &csv), 0);
    assert_int_equal(sb_report_jsonl(s.pointers, s.n, &json), 0);
    size_t fields = 0, want = 0, records = 0, lines = 0;
    bool quoted = false;
    for (const char *c = sb_buf_str(&csv); *c; c++) {
        quoted ^= *c == '"';
        fields += !quoted && *c == ',';
        if (quoted || *c != '\n')
            continue;
        want = records++ ? want : fields;
        assert_int_equal(fields, want);
        fields = 0;
    }
    assert_false(quoted);
    for (char *line = strtok(json.data, "\n"); line; line = strtok(NULL, "\n"), lines++) {
        cJSON *row = cJSON_Parse(line);
        assert_true(cJSON_IsObject(row));
        cJSON_Delete(row);
    }
    assert_int_equal(lines, records - 1);
    sb_buf_release(&csv);
    sb_buf_release(&json);
    golden_release(&s);
}

/* Texts come back as they were; a run's prompt is its own. */
static void test_csv_is_quoted_where_it_must_be(void **state) {
    (void)state;
    static const char *const texts[][2] = {{"a \"b\", c", "\"a \"\"b\"\", c\""},
                                           {" a", "\" a\""},
                                           {"a\nb", "\"a\nb\""},
                                           {"a b", "a b"}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct sb_results r = fixture_set("T");
        const struct sb_results *set = &r;
        char *labels[] = {(char *)"first", (char *)texts[i][0]};
        struct sb_prompt_ref prompts[] = {{.label = labels[0]}, {.label = labels[1]}};
        r.bench.prompts = prompts;
        r.bench.n_prompts = 2;
        struct sb_cell *c = fixture_cell(&r, "m", "b", SB_OK, NULL);
        fixture_run(c, 1, 0, 100, 10);
        c->runs[0].at.prompt = 1;
        sb_cell_summarize(c);
        struct sb_buf csv = SB_BUF_INIT(1 << 20);
        assert_int_equal(sb_report_csv(&set, 1, &csv), 0);
        char *want = sb_asprintf(",1,%s,0,1,,false,true,", texts[i][1]);
        if (!strstr(sb_buf_str(&csv), want))
            fail_msg("no %s in %s", want, sb_buf_str(&csv));
        free(want);
        sb_buf_release(&csv);
        r.bench.prompts = NULL;
        r.bench.n_prompts = 0;
        sb_results_release(&r);
    }
}

int main(void) {
    const struct CMUnitTest all[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_csv_is_quoted_where_it_must_be),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
