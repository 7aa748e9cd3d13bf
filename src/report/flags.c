/* Doubts about a figure: a mark behind it, a sentence under the table. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "parts.h"

/* The runs behind a doubt. */
struct evidence {
    const struct report_row *row;
    enum sb_metric metric;
    char *where; /* " of launch 2", " of each launch, on average", or "" */
    double *x;
    size_t n;
};

static double noisy_cv(enum sb_metric m) {
    return m == SB_PP ? SB_NOISY_CV_PP : SB_NOISY_CV_TG;
}

static int last_launch(const struct sb_cell *c) {
    int last = 1;
    for (size_t i = 0; i < c->n_runs; i++)
        if (c->runs[i].launch > last)
            last = c->runs[i].launch;
    return last;
}

/* Older files took a trend within any launch for one: the first that shows it. NULL when
 * none does, or there is one launch alone. */
static double *trend_of_launch(const struct report_row *r, enum sb_metric m, enum sb_flag flag,
                               int *ret_launch, size_t *ret_n) {
    int last = last_launch(r->cell);
    for (int launch = 1; last > 1 && launch <= last; launch++) {
        double *x = sb_cell_values(r->cell, m, r->point.at, launch, ret_n);
        *ret_launch = launch;
        if (sb_trend(x, *ret_n) & flag)
            return x;
        free(x);
    }
    return NULL;
}

/* A trend shows in the runs of a launch, averaged over the launches; noise in all runs. */
static struct evidence find_evidence(const struct report_row *r, enum sb_metric m,
                                     enum sb_flag flag) {
    struct evidence e = {.row = r, .metric = m};
    int launch;
    bool several = last_launch(r->cell) > 1;
    if (flag != SB_FLAG_NOISY && (sb_cell_flags(r->cell, m, &r->point) & flag)) {
        e.x = sb_cell_run_means(r->cell, m, r->point.at, &e.n);
        e.where = sb_strdup(several ? " of each launch, on average" : "");
    } else if (flag != SB_FLAG_NOISY && (e.x = trend_of_launch(r, m, flag, &launch, &e.n))) {
        e.where = sb_asprintf(" of launch %d", launch);
    } else {
        e.x = sb_cell_values(r->cell, m, r->point.at, 0, &e.n);
        e.where = sb_strdup("");
    }
    return e;
}

static void release_evidence(struct evidence *e) {
    free(e->where);
    free(e->x);
}

static char *explain_warmup(const struct evidence *e) {
    return sb_asprintf("the first run%s (%.1f) was more than 5 %% below every later one, which "
                       "lowers the mean; that of the others is %.1f",
                       e->where, e->x[0], sb_summarize(e->x + 1, e->n - 1).mean);
}

static double size_of_warmup(const struct evidence *e) {
    return sb_summarize(e->x + 1, e->n - 1).mean / e->x[0];
}

static char *explain_drift(const struct evidence *e) {
    double first = e->x[0], last = e->x[e->n - 1];
    bool busy = sb_strv_has(&e->row->cell->flags, sb_flag_name(SB_FLAG_BUSY));
    return sb_asprintf(
        "fell with every run%s, from %.1f to %.1f (%.1f %%), so the mean depends on how "
        "many runs were made; %s",
        e->where, first, last, 100 * (last - first) / first,
        busy ? "other processes computed meanwhile, which may be why"
             : "heat or a power limit are usual causes");
}

static double size_of_drift(const struct evidence *e) {
    return e->x[0] / e->x[e->n - 1];
}

static char *explain_noisy(const struct evidence *e) {
    struct sb_summary s = sb_summarize(e->x, e->n);
    return sb_asprintf(
        "the runs%s vary by %.1f %% of their mean (limit %.0f %%), from %.1f to %.1f; "
        "the median is %.1f",
        e->where, 100 * sb_cv(&s), 100 * noisy_cv(e->metric), s.min, s.max, s.median);
}

static double size_of_noise(const struct evidence *e) {
    struct sb_summary s = sb_summarize(e->x, e->n);
    return sb_cv(&s) / noisy_cv(e->metric);
}

static bool same_place(const struct sb_run *a, const struct sb_run *b) {
    return a->launch == b->launch && sb_at_same(a->at, b->at);
}

/* The last two warm-ups that were made at one place (launch, prompt, depth) and did not agree;
 * `ret_n` counts the warm-ups there. NULL when there is no such pair. */
static const struct sb_run *unsteady_pair(const struct sb_cell *c, const struct sb_run **ret_before,
                                          size_t *ret_n) {
    const struct sb_run *last = NULL, *before = NULL, *found = NULL;
    size_t n = 0;
    for (size_t i = 0; i <= c->n_runs; i++) {
        const struct sb_run *r = i < c->n_runs ? &c->runs[i] : NULL;
        if (r && (!r->warmup || !r->valid))
            continue;
        bool same = r && last && same_place(last, r);
        if (!same && before &&
            !sb_is_steady(before->pp_tps, before->tg_tps, last->pp_tps, last->tg_tps)) {
            found = last;
            *ret_before = before;
            *ret_n = n;
        }
        n = same ? n + 1 : 1;
        before = same ? last : NULL;
        last = r;
    }
    return found;
}

static double apart(double a, double b) {
    return fabs(log(a / b));
}

static struct report_note not_steady(const struct sb_cell *c) {
    struct report_note note = {.flag = sb_flag_name(SB_FLAG_NOT_STEADY)};
    const struct sb_run *before = NULL;
    size_t n = 0;
    const struct sb_run *last = unsteady_pair(c, &before, &n);
    if (!last) {
        note.text = sb_strdup("the warm-up runs had not settled when measuring began");
        return note;
    }
    char *depth = last->at.depth > 0 ? sb_asprintf(" at depth %d", last->at.depth) : sb_strdup("");
    if (last->at.slots > 1) {
        char *both = sb_asprintf("%s, %d at once", depth, last->at.slots);
        free(depth);
        depth = both;
    }
    note.text = sb_asprintf("measuring began before the warm-up had settled: the last two of %zu "
                            "warm-up runs%s gave PP %.1f and %.1f, TG %.1f and %.1f",
                            n, depth, before->pp_tps, last->pp_tps, before->tg_tps, last->tg_tps);
    note.size = fmax(apart(before->pp_tps, last->pp_tps), apart(before->tg_tps, last->tg_tps));
    free(depth);
    return note;
}

static struct report_note busy(const struct sb_cell *c) {
    struct report_note note = {.flag = sb_flag_name(SB_FLAG_BUSY)};
    struct sb_buf text = SB_BUF_INIT(1000);
    for (size_t i = 0; i < c->n_launches; i++) {
        const struct sb_launch *l = &c->launches[i];
        if (!sb_launch_was_busy(l))
            continue;
        sb_buf_addf(&text, "%s%.1f of %lld cores in launch %d",
                    text.len ? ", " : "other processes used ", l->other_cores, l->cores, l->launch);
        note.size = fmax(note.size, l->other_cores / (double)l->cores);
    }
    note.text = sb_buf_detach(&text);
    return note;
}

/* The doubts that a sequence of runs can show. */
static const struct {
    enum sb_flag flag;
    char *(*explain)(const struct evidence *e);
    double (*size)(const struct evidence *e);
} doubts[] = {
    {SB_FLAG_WARMUP, explain_warmup, size_of_warmup},
    {SB_FLAG_DRIFT, explain_drift, size_of_drift},
    {SB_FLAG_NOISY, explain_noisy, size_of_noise},
};

/* What a doubt is about, as the rows of this table are told apart: "PP of Vulkan",
 * "TG of Phi-4-mini on CPU at depth 4096"; without a metric, the whole row. */
static char *subject_of(const struct report_group *g, const struct report_row *r,
                        const char *metric) {
    struct sb_buf b = SB_BUF_INIT(SB_TEXT_MAX);
    if (metric)
        sb_buf_addf(&b, "%s of ", metric);
    if (g->table)
        sb_buf_addf(&b, "%s%s", sb_model_label(r->cell), g->many_backends ? " on " : "");
    if (!g->table || g->many_backends)
        sb_buf_adds(&b, sb_backend_label(r->cell));
    if (r->point.at.depth > 0)
        sb_buf_addf(&b, " at depth %d", r->point.at.depth);
    if (r->point.at.slots > 1)
        sb_buf_addf(&b, ", %d at once", r->point.at.slots);
    return sb_buf_detach(&b);
}

/* Does any figure of the cell, at any point, show the flag by today's rules? */
static bool is_shown(const struct sb_cell *c, enum sb_flag flag) {
    struct report_row first = report_row_of_cell(c);
    const struct sb_point *points = c->n_points ? c->points : &first.point;
    unsigned shown = 0;
    for (size_t p = 0; p < c->n_points || p == 0; p++)
        shown |= sb_cell_flags(c, SB_PP, &points[p]) | sb_cell_flags(c, SB_TG, &points[p]);
    return shown & flag;
}

/* Does this figure show it, by today's rules or, where no figure does, by those of older files? */
static bool shows(const struct report_row *r, enum sb_metric m, enum sb_flag flag) {
    if (is_shown(r->cell, flag))
        return sb_cell_flags(r->cell, m, &r->point) & flag;
    int launch;
    size_t n;
    double *x = trend_of_launch(r, m, flag, &launch, &n);
    free(x);
    return x != NULL;
}

void report_flag_marks(struct sb_buf *b, struct report_group *g, const struct report_row *r,
                       enum sb_metric m) {
    for (size_t i = 0; i < ARRAY_LEN(doubts); i++) {
        if (!sb_strv_has(&r->cell->flags, sb_flag_name(doubts[i].flag)) ||
            !shows(r, m, doubts[i].flag))
            continue;
        struct evidence e = find_evidence(r, m, doubts[i].flag);
        struct report_note note = {.flag = sb_flag_name(doubts[i].flag),
                                   .text = doubts[i].explain(&e),
                                   .size = doubts[i].size(&e)};
        report_note(b, g, note, subject_of(g, r, sb_metric_name(m)));
        release_evidence(&e);
    }
}

/* Has a figure of the cell the mark of this flag? */
static bool is_explained(const struct sb_cell *c, const char *name) {
    struct report_row first = report_row_of_cell(c);
    for (size_t i = 0; i < ARRAY_LEN(doubts); i++) {
        if (strcmp(name, sb_flag_name(doubts[i].flag)) != 0)
            continue;
        for (size_t p = 0; p < c->n_points || p == 0; p++) {
            struct report_row r = c->n_points ? report_row_of_point(c, &c->points[p]) : first;
            if (shows(&r, SB_PP, doubts[i].flag) || shows(&r, SB_TG, doubts[i].flag))
                return true;
        }
    }
    return false;
}

void report_other_flag_marks(struct sb_buf *b, struct report_group *g, const struct report_row *r) {
    for (size_t i = 0; i < r->cell->flags.n; i++) {
        const char *name = r->cell->flags.item[i];
        struct report_note note = {.flag = name};
        if (strcmp(name, sb_flag_name(SB_FLAG_NOT_STEADY)) == 0)
            note = not_steady(r->cell);
        else if (strcmp(name, sb_flag_name(SB_FLAG_BUSY)) == 0)
            note = busy(r->cell);
        else if (!is_explained(r->cell, name))
            note.text = sb_strdup("noted when the cell was measured");
        if (note.text)
            report_note(b, g, note, subject_of(g, &(struct report_row){.cell = r->cell}, NULL));
    }
}
