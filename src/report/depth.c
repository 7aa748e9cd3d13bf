/* Cells measured at several places: a table over them, and where the order of the backends turns.
 * Here the tables over prompts and depths; slots.c has that over requests at once. */
#include <stdlib.h>
#include <string.h>

#include "parts.h"

static bool has_points(const struct report_axis *a, const struct sb_cell *c) {
    size_t n = 0;
    for (size_t i = 0; c->status == SB_OK && i < c->n_points; i++)
        n += a->holds(c, c->points[i].at);
    return n > 1;
}

static const char *prompt_label(const struct sb_results *set, int prompt) {
    const char *label = prompt >= 0 && (size_t)prompt < set->bench.n_prompts
                            ? set->bench.prompts[prompt].label
                            : NULL;
    return label ? label : "";
}

static void put_prompt(struct sb_buf *b, struct report_group *g, const struct report_row *r) {
    sb_markdown_escape(b, prompt_label(&g->section->set, r->point.at.prompt));
}

static bool has_prompt(const struct report_row *r) {
    return r->point.at.prompt > 0;
}

static void put_depth(struct sb_buf *b, struct report_group *g, const struct report_row *r) {
    (void)g;
    sb_buf_addf(b, "%d", r->point.at.depth);
}

static bool has_depth(const struct report_row *r) {
    return r->point.at.depth > 0;
}

const struct report_column report_column_prompt = {"Prompt", .put = put_prompt, .has = has_prompt};
const struct report_column report_column_depth = {"Depth", .put = put_depth, .has = has_depth,
                                                  .figures = true};

/* ---- where the order turns ------------------------------------------------------------------ */

/* "depth 4096", "prompt LABEL" or "prompt LABEL at depth 4096"; over slots "8 at once", and then those
 * of them that there are several of. */
static void put_point(struct sb_buf *b, const struct report_group *g, const struct report_axis *a,
                      struct sb_at at) {
    bool prompts = g->section->set.bench.n_prompts > 1;
    if (a->slots) {
        if (at.slots == 1)
            sb_buf_adds(b, "one at a time");
        else
            sb_buf_addf(b, "%d at once", at.slots);
        if (!prompts && at.depth == 0)
            return;
        sb_buf_adds(b, prompts ? ", " : " at ");
    }
    if (prompts) {
        sb_buf_adds(b, "prompt ");
        sb_markdown_escape(b, prompt_label(&g->section->set, at.prompt));
    }
    if (at.depth > 0 || !prompts)
        sb_buf_addf(b, "%sdepth %d", prompts ? " at " : "", at.depth);
}

static bool has_point_at(const struct sb_cell *c, struct sb_at at) {
    for (size_t i = 0; i < c->n_points; i++)
        if (sb_at_same(c->points[i].at, at))
            return true;
    return false;
}

static struct sb_ratio compare_at(const struct sb_cell *a, const struct sb_cell *b, struct sb_at at,
                                  enum sb_metric m) {
    size_t na, nb;
    double *xa = sb_cell_launch_means(a, m, at, &na);
    double *xb = sb_cell_launch_means(b, m, at, &nb);
    struct sb_ratio r = sb_compare(xa, na, xb, nb, SB_TIE_MARGIN, SB_ASSUMED_LAUNCH_CV);
    free(xa);
    free(xb);
    return r;
}

/* The winner's speed over the loser's at one place. */
struct lead {
    struct sb_at at;
    double ratio;
};

static void put_lead(struct sb_buf *b, const struct report_group *g, const struct report_axis *a,
                     struct lead l) {
    put_point(b, g, a, l.at);
    sb_buf_addf(b, " (%.2f×)", l.ratio);
}

/* What a turn is of. */
struct pair {
    const struct report_axis *axis;
    enum sb_metric metric;
    const struct sb_cell *winner, *loser;
};

static void put_turn(struct sb_buf *b, const struct report_group *g, struct pair p,
                     struct lead from, struct lead to) {
    sb_buf_adds(b, "- ");
    if (g->table) {
        sb_markdown_escape(b, sb_model_label(p.winner));
        sb_buf_adds(b, ", ");
    }
    sb_buf_addf(b, "%s: ", sb_metric_name(p.metric));
    sb_markdown_escape(b, sb_backend_label(p.winner));
    sb_buf_adds(b, " overtakes ");
    sb_markdown_escape(b, sb_backend_label(p.loser));
    sb_buf_adds(b, " between ");
    put_lead(b, g, p.axis, from);
    sb_buf_adds(b, " and ");
    put_lead(b, g, p.axis, to);
    sb_buf_adds(b, "\n");
}

/* The order turns from one point to a later one when both differences are beyond doubt; what is
 * a tie or inconclusive between them turns nothing. */
static size_t put_turns_of_pair(struct sb_buf *b, const struct report_group *g, struct pair p) {
    const struct sb_cell *x = p.winner, *y = p.loser;
    struct sb_at last = {0};
    struct sb_ratio before = {.verdict = SB_VERDICT_INCONCLUSIVE};
    size_t turns = 0;
    for (size_t i = 0; i < x->n_points; i++) {
        struct sb_at at = x->points[i].at;
        if (!p.axis->holds(x, at) || !has_point_at(y, at))
            continue;
        struct sb_ratio now = compare_at(x, y, at, p.metric);
        if (now.verdict != SB_VERDICT_FASTER && now.verdict != SB_VERDICT_SLOWER)
            continue;
        bool follows = p.axis->follows(last, at);
        if (follows && before.verdict != SB_VERDICT_INCONCLUSIVE && now.verdict != before.verdict) {
            turns++;
            if (now.verdict == SB_VERDICT_FASTER)
                put_turn(b, g, p, (struct lead){last, before.ratio}, (struct lead){at, now.ratio});
            else
                put_turn(b, g, (struct pair){p.axis, p.metric, y, x},
                         (struct lead){last, 1 / before.ratio}, (struct lead){at, 1 / now.ratio});
        }
        last = at;
        before = now;
    }
    return turns;
}

static void put_turns(struct sb_buf *b, const struct report_group *g, const struct report_axis *a) {
    size_t pairs = 0, turns = 0;
    for (size_t i = 0; i < g->n_cells; i++)
        for (size_t j = i + 1; j < g->n_cells && sb_same_model(&g->cells[i], &g->cells[j]); j++) {
            if (!has_points(a, &g->cells[i]) || !has_points(a, &g->cells[j]))
                continue;
            pairs++;
            for (int m = SB_PP; m <= SB_TG; m++)
                turns += put_turns_of_pair(
                    b, g, (struct pair){a, (enum sb_metric)m, &g->cells[i], &g->cells[j]});
        }
    if (pairs && !turns)
        sb_buf_adds(b, "The order of the backends turns nowhere beyond doubt.\n");
    if (pairs)
        sb_buf_adds(b, "\n");
}

/* ---- the table ------------------------------------------------------------------------------ */

struct place {
    struct report_row row;
    size_t model, cell; /* in the order of the group */
};

/* The backends of a model stand together at each point. */
static int by_point(const void *pa, const void *pb) {
    const struct place *a = pa, *b = pb;
    if (a->model != b->model)
        return a->model < b->model ? -1 : 1;
    int by_at = sb_at_order(a->row.point.at, b->row.point.at);
    if (by_at)
        return by_at;
    return (a->cell > b->cell) - (a->cell < b->cell);
}

/* Of the cells that have several points on the axis; the caller frees. */
static struct report_row *sorted_rows(const struct report_group *g, const struct report_axis *a,
                                      size_t *ret_n) {
    struct place *places = NULL;
    size_t n = 0, model = 0;
    for (size_t i = 0; i < g->n_cells; i++) {
        const struct sb_cell *c = &g->cells[i];
        model += i > 0 && !sb_same_model(c - 1, c);
        for (size_t p = 0; has_points(a, c) && p < c->n_points; p++) {
            if (!a->holds(c, c->points[p].at))
                continue;
            places = sb_grow(places, n, sizeof *places);
            places[n++] = (struct place){report_row_of_point(c, &c->points[p]), model, i};
        }
    }
    if (n)
        qsort(places, n, sizeof *places, by_point);
    struct report_row *rows = sb_alloc(n, sizeof *rows);
    for (size_t i = 0; i < n; i++)
        rows[i] = places[i].row;
    free(places);
    *ret_n = n;
    return rows;
}

void report_points(struct report_doc *d, struct report_group *g, const struct report_axis *a) {
    size_t n;
    struct report_row *rows = sorted_rows(g, a, &n);
    if (n) {
        sb_buf_addf(d->text, "%s\n\n", a->caption);
        report_table(d, g, a->columns, a->n_columns, rows, n);
        put_turns(d->text, g, a);
    }
    free(rows);
}

/* ---- over prompts and depths ------------------------------------------------------------------ */

static bool has_first_slots(const struct sb_cell *c, struct sb_at at) {
    return at.slots == sb_cell_first_at(c).slots;
}

static bool follows_always(struct sb_at before, struct sb_at at) {
    (void)before, (void)at;
    return true;
}

void report_depths(struct report_doc *d, struct report_group *g) {
    static const struct report_column *const columns[] = {
        &report_column_model,   &report_column_prompt, &report_column_depth,
        &report_column_backend, &report_column_pp,     &report_column_tg,
    };
    report_points(d, g,
                  &(const struct report_axis){
                      .caption = "**At each prompt and depth** (tokens already in the context)",
                      .columns = columns,
                      .n_columns = ARRAY_LEN(columns),
                      .holds = has_first_slots,
                      .follows = follows_always});
}
