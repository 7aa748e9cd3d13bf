/* Tuning: before a cell is measured, the values of some settings are tried, one short launch each. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "launch.h"

/* Where a launch keeps a setting. */
static const struct {
    const char *key;
    size_t offset;
    bool number;
} places[] = {
    {"ubatch", offsetof(struct sb_llama_launch, ubatch), true},
    {"batch", offsetof(struct sb_llama_launch, batch), true},
    {"threads", offsetof(struct sb_llama_launch, threads), true},
    {"flash_attn", offsetof(struct sb_llama_launch, flash_attn), false},
};

void sb_tune_set(struct sb_llama_launch *l, const struct sb_try *t) {
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        void *place = (char *)l + places[i].offset;
        if (strcmp(places[i].key, t->key) != 0)
            continue;
        if (places[i].number)
            *(int *)place = (int)strtol(t->value, NULL, 10);
        else
            *(const char **)place = t->value;
    }
}

/* ---- before ------------------------------------------------------------------------------------ */

/* False where this build has no option for it. */
static bool can_express(const struct sb_config *c, const struct sb_preflight_cell *p,
                        const char *key, char *value) {
    struct sb_llama_launch l = sb_bench_launch_options(c, p->plan);
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    struct sb_strv argv = {0};
    sb_tune_set(&l, &(struct sb_try){.key = (char *)key, .value = value});
    sb_llama_argv(p->build, &l, &argv, &error);
    bool can = !error.len || strncmp(error.data, key, strlen(key)) != 0;
    sb_strv_release(&argv);
    sb_buf_release(&error);
    return can;
}

static int line_of(const struct sb_backend *b) {
    return b->tunes.n ? sb_backend_line(b, "tune") : b->line; /* [bench] says it */
}

void sb_check_tuned(const struct sb_config *c, struct sb_preflight_cell *p) {
    const struct sb_backend *b = p->plan->backend;
    const struct sb_tunes *tunes = sb_backend_tunes(c, b);
    for (size_t i = 0; i < tunes->n; i++) {
        const struct sb_tune *t = &tunes->item[i];
        if (sb_llama_sets(p->build, &b->args, t->what->option))
            sb_preflight_fault(p, true, sb_asprintf("args set %s, which is tuned", t->what->key),
                               sb_asprintf("%s:%d: 'tune' tries %s, and args come last and win",
                                           c->file, sb_backend_line(b, "args"), t->what->key));
        for (size_t k = 0; k < t->values.n; k++)
            if (!can_express(c, p, t->what->key, t->values.item[k])) {
                sb_preflight_fault(
                    p, true, sb_asprintf("this build cannot express %s", t->what->key),
                    sb_asprintf("%s:%d: 'tune' tries %s %s, for which this build has no option",
                                c->file, line_of(b), t->what->key, t->values.item[k]));
                break;
            }
    }
}

/* ---- the launches ------------------------------------------------------------------------------ */

enum { LEAST_VALID_RUNS = 2 };

/* Why its figures are none, where they are not; the caller frees. */
static char *doubt(const struct sb_try *t) {
    const char *why = "too few valid runs";
    size_t valid = 0;
    for (size_t i = 0; i < t->n_runs; i++) {
        const struct sb_run *r = &t->runs[i];
        valid += sb_run_counts(r);
        if (!r->warmup && !r->valid && r->reason)
            why = r->reason;
    }
    return valid < LEAST_VALID_RUNS ? sb_strdup(why) : NULL;
}

static int try_value(const struct sb_bench *b, size_t index, const char *key, const char *value,
                     struct sb_bench_start *start) {
    struct sb_cell *c = &b->results->cells[index];
    if (sb_cell_try(c, key, value))
        return 0;
    struct sb_try t = sb_try_empty();
    t.key = sb_strdup(key);
    t.value = sb_strdup(value);
    int rc = sb_bench_try(b, index, &t, -1 - (int)c->n_tried, start);
    if (rc != 0) {
        sb_try_release(&t);
        return rc;
    }
    if (!t.reason)
        t.reason = doubt(&t);
    sb_cell_add_try(c, t);
    if (b->observer.changed)
        b->observer.changed(b->observer.arg, index, SB_ENDED_LAUNCH);
    return 0;
}

/* None of them can be taken: the row says why of the first, the detail of all. */
static void fail(struct sb_cell *c, const char *key) {
    struct sb_buf detail = SB_BUF_INIT(SB_ERR_MAX);
    const char *first = NULL;
    for (size_t i = 0; i < c->n_tried; i++) {
        const struct sb_try *t = &c->tried[i];
        if (strcmp(t->key, key) != 0)
            continue;
        first = first ? first : t->reason;
        sb_buf_addf(&detail, "%s %s: %s\n", key, t->value, t->reason ? t->reason : "no figures");
    }
    free(c->reason);
    free(c->detail);
    c->status = SB_FAILED;
    c->reason = sb_asprintf("no %s can be taken: %s", key, first ? first : "no figures");
    c->detail = sb_buf_detach(&detail);
}

int sb_bench_tune(const struct sb_bench *b, size_t index, struct sb_bench_start *start) {
    const struct sb_config *config = b->config;
    const struct sb_tunes *tunes = sb_backend_tunes(config, config->cells[index].backend);
    struct sb_cell *c = &b->results->cells[index];
    for (size_t i = 0; i < tunes->n; i++) {
        const struct sb_tune *t = &tunes->item[i];
        int rc = 0;
        if (sb_cell_chosen(c, t->what->key))
            continue;
        for (size_t k = 0; k < t->values.n && rc == 0; k++)
            rc = try_value(b, index, t->what->key, t->values.item[k], start);
        if (rc != 0)
            return rc;
        const struct sb_try *best = sb_cell_best_try(c, t->what->key);
        if (!best) {
            fail(c, t->what->key);
            return 0;
        }
        sb_cell_choose(c, best);
    }
    return 0;
}
