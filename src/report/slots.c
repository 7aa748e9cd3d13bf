/* Cells measured with several requests at once: the table over slots. */
#include <math.h>

#include "parts.h"

static bool has_slots(const struct report_row *r) {
    return r->point.at.slots > 1;
}

static void put_slots(struct sb_buf *b, struct report_group *g, const struct report_row *r) {
    (void)g;
    sb_buf_addf(b, "%d", r->point.at.slots);
}

const struct report_column report_column_slots = {"Slots", .put = put_slots, .has = has_slots,
                                                  .figures = true};

/* The speed of one slot, or its wait for the first token. */
static double tg_of(const struct sb_slot_run *s) {
    return s->predicted_n > 1 ? (double)(s->predicted_n - 1) * 1000 / s->predicted_ms : NAN;
}

static double ttft_of(const struct sb_slot_run *s) {
    return s->ttft_ms;
}

/* The least (sign -1) or the greatest of a run's slots; of a run of one request its own figure. */
static double extreme(const struct sb_run *r, double (*of)(const struct sb_slot_run *), int sign) {
    struct sb_slot_run one = sb_slot_run_empty();
    one.predicted_n = r->predicted_n;
    one.predicted_ms = r->predicted_ms;
    one.ttft_ms = r->prompt_ms;
    double found = r->n_each ? NAN : of(&one);
    for (size_t i = 0; i < r->n_each; i++)
        found = sign < 0 ? fmin(found, of(&r->each[i])) : fmax(found, of(&r->each[i]));
    return found;
}

/* Their mean over the runs at one point. */
static double mean_extreme(const struct report_row *row, double (*of)(const struct sb_slot_run *),
                           int sign) {
    double sum = 0;
    size_t n = 0;
    for (size_t i = 0; i < row->cell->n_runs; i++) {
        const struct sb_run *r = &row->cell->runs[i];
        double x =
            sb_run_counts(r) && sb_at_same(r->at, row->point.at) ? extreme(r, of, sign) : NAN;
        sum += isfinite(x) ? x : 0;
        n += isfinite(x) ? 1 : 0;
    }
    return n ? sum / (double)n : NAN;
}

static void put_tg_each(struct sb_buf *b, struct report_group *g, const struct report_row *r) {
    (void)g;
    report_figure(b, mean_extreme(r, tg_of, -1), 1, "");
    if (r->point.at.slots == 1)
        return;
    sb_buf_adds(b, "–");
    report_figure(b, mean_extreme(r, tg_of, 1), 1, "");
}

static void put_ttft(struct sb_buf *b, struct report_group *g, const struct report_row *r) {
    (void)g;
    report_figure(b, mean_extreme(r, ttft_of, 1), 0, " ms");
}

static bool has_several_slots(const struct sb_cell *c, struct sb_at at) {
    (void)at;
    for (size_t i = 0; i < c->n_points; i++)
        if (c->points[i].at.slots != c->points[0].at.slots)
            return true;
    return false;
}

static bool follows_in_slots(struct sb_at before, struct sb_at at) {
    return before.prompt == at.prompt && before.depth == at.depth;
}

void report_slots(struct report_doc *d, struct report_group *g) {
    struct report_column pp = report_column_pp, tg = report_column_tg;
    pp.head = "PP total";
    tg.head = "TG total";
    static const struct report_column each = {"TG per slot", .put = put_tg_each, .figures = true},
                                      ttft = {"TTFT slowest", .put = put_ttft, .figures = true};
    const struct report_column *const columns[] = {
        &report_column_model,
        &report_column_prompt,
        &report_column_depth,
        &report_column_slots,
        &report_column_backend,
        &pp,
        &tg,
        &each,
        &ttft,
    };
    report_points(d, g,
                  &(const struct report_axis){
                      .caption = "**Requests at once:** PP is of all prompts, until the last one's "
                                 "first token; TG of all slots, while all generate; TG per slot: "
                                 "slowest–fastest; TTFT counts the wait",
                      .columns = columns,
                      .n_columns = ARRAY_LEN(columns),
                      .slots = true,
                      .holds = has_several_slots,
                      .follows = follows_in_slots});
}
