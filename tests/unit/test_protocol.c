/* Every setting that decides what or how often is measured is noticed by all who must: the rows of
 * sb_settings are changed in turn, from the config's text on. A new row is tried without a line
 * here. */
#include "config_fixture.h"

#include <math.h>

#include "stratobench/bench.h"
#include "stratobench/verdict.h"

/* A value other than the default, as a config would say it; the caller frees. */
static char *other_value(const struct sb_setting *s) {
    switch (s->type) {
    case SB_SETTING_TEXT: return sb_strdup("another");
    case SB_SETTING_LINES: return sb_strdup("Another: line");
    case SB_SETTING_INT:
        return atoi(s->fallback) ? sb_asprintf("%d", 2 * atoi(s->fallback)) : sb_strdup("2");
    case SB_SETTING_SHARE: return sb_strdup("5%");
    case SB_SETTING_SECONDS: return sb_strdup("7.5");
    case SB_SETTING_WORD:
    case SB_SETTING_SWITCH: return sb_strdup(s->words[strcmp(s->fallback, s->words[0]) == 0]);
    case SB_SETTING_INTS: return sb_strdup("1 5");
    case SB_SETTING_PROMPT:
    case SB_SETTING_PROMPTS: return sb_strdup("${FOLDER}/q.txt");
    }
    return NULL;
}

/* What a run of a config leaves: every cell ok. */
struct measured {
    struct sb_config config;
    struct sb_gguf gguf;
    struct sb_llama_build build;
    struct sb_preflight_cell cells[2];
    struct sb_preflight preflight;
    struct sb_plan plan;
};

static void parse(struct measured *m, const char *key, const char *value, bool awake) {
    bool prompt = strncmp(key, "prompt", 6) == 0;
    char *text = sb_asprintf("[bench]\n%s%s%s%s = %s\n[backend a]\nserver = s\n[backend b]\n"
                             "server = s\n[model m]\npath = m.gguf\n",
                             awake ? "until = 2%\n" : "", awake ? "turns = 2\n" : "",
                             prompt ? "" : "prompt = ${PROMPT}\n", key, value);
    struct sb_buf errors = SB_BUF_INIT(SB_ERR_MAX);
    if (sb_config_parse("t.ini", text, strlen(text), NULL, &m->config, &errors) != 0)
        fail_msg("%s\n%s", text, sb_buf_str(&errors));
    assert_int_equal(m->config.n_cells, 2);
    free(text);
}

static void look(struct measured *m) {
    m->gguf = (struct sb_gguf){.quantization = (char *)"F16", .header_sha256 = "abc"};
    m->build = (struct sb_llama_build){.version = (char *)"1"};
    m->preflight = (struct sb_preflight){.cells = m->cells, .n_cells = 2};
    for (size_t i = 0; i < 2; i++)
        m->cells[i] = (struct sb_preflight_cell){.plan = &m->config.cells[i],
                                                 .label = m->config.cells[i].model->label,
                                                 .build = &m->build,
                                                 .gguf = &m->gguf};
}

/* awake: with the settings that others matter beside. */
static void measure(struct measured *m, const char *key, const char *value, bool awake) {
    parse(m, key, value, awake);
    look(m);
    sb_plan_make(&m->config, &m->preflight, NULL, &m->plan);
    for (size_t i = 0; i < 2; i++) {
        struct sb_cell *c = &m->plan.results.cells[i];
        for (int k = 0; k < 3; k++) {
            struct sb_run r = sb_run_empty();
            r.pp_tps = 100 + (double)i;
            r.tg_tps = 20;
            r.valid = true;
            sb_cell_add_run(c, r);
        }
        c->status = SB_OK;
        sb_cell_summarize(c);
    }
}

static void release(struct measured *m) {
    sb_plan_release(&m->plan);
    sb_config_release(&m->config);
}

static void expect_text(const struct sb_setting *s, const char *who, const char *text,
                        const char *part, bool want) {
    if ((strstr(text, part) != NULL) != want)
        fail_msg("%s: %s %s '%s':\n%s", s->key, who, want ? "does not say" : "says", part, text);
}

static void expect_merge_and_rank(const struct sb_setting *s, const struct sb_results *const *sets,
                                  bool notice) {
    const char *what = s->what ? s->what : "files of this section differ";
    struct sb_sections all = sb_results_merge(sets, 2);
    struct sb_buf warnings = SB_BUF_INIT(SB_ERR_MAX), text = SB_BUF_INIT(SB_ERR_MAX);
    for (size_t i = 0; i < all.item[0].warnings.n; i++)
        sb_buf_adds(&warnings, all.item[0].warnings.item[i]);
    expect_text(s, "merge", sb_buf_str(&warnings), what, notice);
    struct sb_workload w = SB_WORKLOAD_DEFAULT;
    assert_int_equal(sb_rank_text(sets, 2, &w, &text), 0);
    expect_text(s, "rank", sb_buf_str(&text), what, notice);
    sb_buf_release(&warnings);
    sb_buf_release(&text);
    sb_sections_release(&all);
}

static void expect_compare(const struct sb_setting *s, const struct sb_results *const *sets) {
    struct sb_compare_options o = SB_COMPARE_DEFAULT;
    struct sb_comparison c;
    struct sb_buf text = SB_BUF_INIT(SB_ERR_MAX);
    sb_comparison_make(&sets[0], 1, &sets[1], 1, &o, &c);
    sb_comparison_text(&c, &text);
    size_t not_comparable = s->role == SB_CONDITION ? 2 : 0;
    if (c.count[SB_CELL_NOT_COMPARABLE] != not_comparable)
        fail_msg("%s: %zu cells not comparable:\n%s", s->key, c.count[SB_CELL_NOT_COMPARABLE],
                 sb_buf_str(&text));
    char *named = sb_asprintf("%s: ", s->mark ? s->mark : s->key);
    expect_text(s, "compare", sb_buf_str(&text), named, s->role != SB_DISPLAY);
    free(named);
    sb_buf_release(&text);
    sb_comparison_release(&c);
}

static void expect_resume(const struct sb_setting *s, struct measured *old, struct measured *now,
                          bool notice) {
    struct sb_plan resumed;
    sb_plan_make(&now->config, &now->preflight, &old->plan.results, &resumed);
    if (resumed.n_kept != (notice ? 0 : 2))
        fail_msg("%s: --resume keeps %zu cells", s->key, resumed.n_kept);
    sb_plan_release(&resumed);
}

static void every_row_is_noticed_by_all_who_must(void **state) {
    (void)state;
    for (size_t i = 0; i < sb_n_settings; i++) {
        const struct sb_setting *s = &sb_settings[i];
        assert_non_null(s->help);
        bool notice = s->role != SB_DISPLAY;
        if (notice && !s->what)
            fail_msg("%s has no name for a sentence", s->key);
        char *value = other_value(s);
        struct measured was, now;
        /* 'prompt' is the short form of 'prompts', whose row is compared. */
        bool prompts = s->type == SB_SETTING_PROMPTS || s->type == SB_SETTING_PROMPT;
        measure(&was, s->key,
                prompts       ? "${PROMPT}"
                : s->fallback ? s->fallback
                              : "A: b",
                s->idle != NULL);
        measure(&now, s->key, value, s->idle != NULL);
        if (sb_setting_same(s, &was.config.bench, &now.config.bench))
            fail_msg("%s: '%s' is no other value", s->key, value);
        const struct sb_results *sets[] = {&was.plan.results, &now.plan.results};
        if (s->type != SB_SETTING_PROMPT) {
            if (strcmp(s->key, "title") != 0) /* two titles are two sections */
                expect_merge_and_rank(s, sets, notice);
            expect_compare(s, sets);
            expect_resume(s, &was, &now, notice);
        }
        release(&was);
        release(&now);
        free(value);
    }
}

/* How often at most matters to nobody while the number is fixed. */
static void max_runs_matters_with_until_alone(void **state) {
    (void)state;
    struct measured was, now;
    measure(&was, "max_runs", "10", false);
    measure(&now, "max_runs", "20", false);
    assert_true(sb_protocol_same(&was.config.bench, &now.config.bench, SB_REPETITION));
    release(&was);
    release(&now);
}

/* The lines are those of the first version, so that its cells still match. */
static void fingerprints_stay_what_they_were(void **state) {
    (void)state;
    struct measured m;
    parse(&m, "load", "any", false);
    struct sb_strv lines = {0};
    sb_protocol_fingerprint(&m.config.bench, &lines);
    assert_int_equal(lines.n, 4);
    char *prompt = sb_asprintf("prompt=%s", m.config.bench.prompts[0].sha256);
    assert_string_equal(lines.item[0], prompt);
    assert_string_equal(lines.item[1], "depth=0");
    assert_string_equal(lines.item[2], "n_predict=128");
    assert_string_equal(lines.item[3], "ctx=8192");
    free(prompt);
    sb_strv_release(&lines);
    sb_config_release(&m.config);

    parse(&m, "load", "cold", false);
    sb_protocol_fingerprint(&m.config.bench, &lines);
    assert_string_equal(lines.item[4], "load=cold");
    sb_strv_release(&lines);
    sb_config_release(&m.config);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_noticed_by_all_who_must),
        cmocka_unit_test(max_runs_matters_with_until_alone),
        cmocka_unit_test(fingerprints_stay_what_they_were),
        cmocka_unit_test(no_other_file_is_left),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
