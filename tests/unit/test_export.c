#include <cjson/cJSON.h>

#include "golden.h"
#include "report/parts.h"
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

int main(void) {
    const struct CMUnitTest all[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_hostile),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
