/* What is compared with what: sides that are not of one machine, server or setting. */
#include "compare_fixture.h"

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

/* ---- machines -------------------------------------------------------------------------------- */

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
    release_compared(&c, &base, &next);
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
    release_compared(&c, &base, &next);
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

/* Of files that were typed in there is what they say of their hardware and their conditions. */
static void expect_transcribed(const char *hardware, bool cold, enum sb_compare_state state,
                               const char *said) {
    struct sb_results base = fixture_set("T"), next = fixture_set("T");
    fixture_launches(&base, "m", "b", 3, 1, 0);
    fixture_launches(&next, "m", "b", 3, 1, 0);
    base.host = machine("{\"hardware\": \"EPYC\"}");
    next.host = machine(hardware);
    next.bench.load_cold = cold;
    struct sb_comparison c = compare(&base, &next, &usual);
    struct sb_buf text = SB_BUF_INIT(SB_ERR_MAX);
    sb_comparison_text(&c, &text);
    if (c.cells[0].state != state || !strstr(sb_buf_str(&text), said))
        fail_msg("not \"%s\" but:\n%s", said, sb_buf_str(&text));
    sb_buf_release(&text);
    release_compared(&c, &base, &next);
}

static void test_transcribed_files(void **state) {
    (void)state;
    const char epyc[] = "{\"hardware\": \"EPYC\"}", pi[] = "{\"hardware\": \"Raspberry Pi\"}";
    expect_transcribed(epyc, false, SB_CELL_SAME, "No regression");
    expect_transcribed(pi, false, SB_CELL_NOT_COMPARABLE, "hardware: EPYC → Raspberry Pi");
    expect_transcribed(epyc, true, SB_CELL_NOT_COMPARABLE, "load: any → cold");
}

/* A server of others, in a file of this machine. */
static struct sb_results lent_by(const char *address) {
    struct sb_results r = made_on(HOST("A", "6.18"));
    r.cells[0].backend.address = sb_strdup(address);
    sb_results_add_address(&r, &r.cells[0], NULL);
    return r;
}

static void expect_lent(struct sb_results base, struct sb_results next, enum sb_compare_state state,
                        const char *said) {
    struct sb_comparison c = compare(&base, &next, &usual);
    assert_int_equal(c.cells[0].state, state);
    if (said)
        assert_string_equal(c.cells[0].differences.item[0], said);
    release_compared(&c, &base, &next);
}

static void test_a_server_of_others_is_another_machine(void **state) {
    (void)state;
    expect_lent(lent_by("10.0.0.5"), lent_by("10.0.0.5"), SB_CELL_SAME, NULL);
    expect_lent(lent_by("10.0.0.5"), lent_by("10.0.0.6"), SB_CELL_NOT_COMPARABLE,
                "address: 10.0.0.5 → 10.0.0.6");
    expect_lent(made_on(HOST("A", "6.18")), lent_by("10.0.0.5"), SB_CELL_NOT_COMPARABLE,
                "address: none → 10.0.0.5");
}

/* What a client timed holds the network, too. */
static void test_two_clocks(void **state) {
    (void)state;
    struct sb_results client = lent_by("10.0.0.5");
    client.cells[0].backend.clock = sb_strdup("client");
    fixture_fingerprint(&client.cells[0], "aa", (const char *const[]){"n_predict=1", NULL});
    struct sb_results server = lent_by("10.0.0.5");
    fixture_fingerprint(&server.cells[0], "aa", (const char *const[]){"n_predict=1", NULL});
    expect_lent(server, client, SB_CELL_NOT_COMPARABLE, "clock: server → client");
}

/* ---- settings -------------------------------------------------------------------------------- */

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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ids_match_not_labels),
        cmocka_unit_test(test_sections_stay_apart),
        cmocka_unit_test(test_the_machine_changed),
        cmocka_unit_test(test_another_machine),
        cmocka_unit_test(test_transcribed_files),
        cmocka_unit_test(test_a_server_of_others_is_another_machine),
        cmocka_unit_test(test_two_clocks),
        cmocka_unit_test(test_fingerprints),
        cmocka_unit_test(test_fingerprints_that_do_not_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
