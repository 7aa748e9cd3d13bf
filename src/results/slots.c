/* Several requests at once: what they come to together (results.h, struct sb_run). */
#include <math.h>

#include "fields.h"
#include "slots.h"

struct sb_slot_run sb_slot_run_empty(void) {
    struct sb_slot_run s = {0};
    fields_init(&results_slot_run, &s);
    return s;
}

struct sb_overlap sb_run_overlap(const struct sb_run *r) {
    struct sb_overlap o = {NAN, NAN, NAN};
    for (size_t i = 0; i < r->n_each; i++) {
        const struct sb_slot_run *s = &r->each[i];
        double began_ms = s->ttft_ms - s->prompt_ms, end_ms = s->ttft_ms + s->predicted_ms;
        if (isnan(began_ms) || isnan(end_ms))
            return (struct sb_overlap){NAN, NAN, NAN};
        o.began_ms = fmin(o.began_ms, began_ms); /* fmin and fmax ignore a NaN */
        o.all_ms = fmax(o.all_ms, s->ttft_ms);
        o.first_end_ms = fmin(o.first_end_ms, end_ms);
    }
    return o;
}

/* A sum of counts; -1 when one is unknown. */
static long long add(long long sum, long long n) {
    return sum < 0 || n < 0 ? -1 : sum + n;
}

static double rate(double n, double ms) {
    double tps = n > 0 && ms > 0 ? n * 1000 / ms : NAN;
    return isfinite(tps) && tps > 0 ? tps : NAN;
}

void results_sum_slots(struct sb_run *r) {
    struct sb_overlap o = sb_run_overlap(r);
    double together = 0;
    r->prompt_n = r->cache_n = r->predicted_n = 0;
    r->draft_n = r->draft_n_accepted = 0;
    r->wall_ms = NAN;
    for (size_t i = 0; i < r->n_each; i++) {
        const struct sb_slot_run *s = &r->each[i];
        r->prompt_n = add(r->prompt_n, s->prompt_n);
        r->cache_n = add(r->cache_n, s->cache_n);
        r->predicted_n = add(r->predicted_n, s->predicted_n);
        r->draft_n = add(r->draft_n, s->draft_n);
        r->draft_n_accepted = add(r->draft_n_accepted, s->draft_n_accepted);
        r->wall_ms = fmax(r->wall_ms, s->wall_ms);
        together += s->together_n;
    }
    r->prompt_ms = o.all_ms - o.began_ms;
    r->predicted_ms = o.first_end_ms - o.all_ms;
    r->pp_tps = rate((double)r->prompt_n, r->prompt_ms);
    r->tg_tps = rate(together, r->predicted_ms);
}

/* ---- what a file says ------------------------------------------------------------------------- */

static bool is_near(double a, double b) {
    return fabs(a - b) <= 1e-5 * fabs(b); /* rounded to six digits */
}

const char *results_check_slots(const struct sb_run *r) {
    struct sb_run is = *r;
    if (r->n_each == 0)
        return r->at.slots > 1 && sb_run_counts(r) ? "requests at once need their own figures"
                                                   : NULL;
    if (r->n_each != (size_t)r->at.slots)
        return "not as many as 'slots' says";
    if (!sb_run_counts(r))
        return NULL;
    for (size_t i = 0; i < r->n_each; i++) {
        const struct sb_slot_run *s = &r->each[i];
        if (!(s->together_n >= 0 && s->together_n <= (double)s->predicted_n - 1))
            return "together_n is no part of the tokens generated";
    }
    results_sum_slots(&is);
    const struct {
        const char *contradiction;
        bool same;
    } figures[] = {
        {"another pp_tps than they give together", is_near(r->pp_tps, is.pp_tps)},
        {"another tg_tps than they give together", is_near(r->tg_tps, is.tg_tps)},
        {"another prompt_ms than they give together", is_near(r->prompt_ms, is.prompt_ms)},
        {"another predicted_ms than they give together", is_near(r->predicted_ms, is.predicted_ms)},
        {"another prompt_n than they sum to", r->prompt_n == is.prompt_n},
        {"another predicted_n than they sum to", r->predicted_n == is.predicted_n},
    };
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        if (!figures[i].same)
            return figures[i].contradiction;
    return NULL;
}
