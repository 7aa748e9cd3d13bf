/* Conversations: what their turns give. */
#include <math.h>
#include <stdlib.h>

#include "stratobench/results_sample.h"

/* The turns from `first`, which begins a conversation, to its end. */
static size_t length_of(const struct sb_cell *c, size_t first) {
    size_t n = 1;
    while (first + n < c->n_turns && c->turns[first + n].turn > 1 &&
           c->turns[first + n].launch == c->turns[first].launch)
        n++;
    return n;
}

int sb_cell_most_turns(const struct sb_cell *c) {
    int most = 0;
    for (size_t i = 0; i < c->n_turns; i++)
        most = c->turns[i].turn > most ? c->turns[i].turn : most;
    return most;
}

/* Whether it is whole, of `most` turns, and each of them counts; what was waited for them all, in s. */
static bool counts(const struct sb_cell *c, size_t first, size_t n, int most, double *ret_s) {
    double sum_ms = 0;
    for (size_t i = 0; i < n; i++) {
        const struct sb_run *r = &c->turns[first + i];
        if (!sb_run_counts(r) || r->turn != (int)i + 1)
            return false;
        sum_ms += r->wall_ms;
    }
    *ret_s = sum_ms / 1000;
    return (int)n == most && isfinite(sum_ms) && sum_ms > 0;
}

/* The times of those that count in the launch that turn *first is of; moves *first behind it. */
static size_t times_of_launch(const struct sb_cell *c, int most, size_t *first, double *ret_s) {
    int launch = c->turns[*first].launch;
    size_t found = 0;
    for (size_t n; *first < c->n_turns && c->turns[*first].launch == launch; *first += n) {
        n = length_of(c, *first);
        found += counts(c, *first, n, most, &ret_s[found]);
    }
    return found;
}

double *sb_cell_conversations(const struct sb_cell *c, size_t *ret_n) {
    double *times_s = sb_alloc(c->n_turns, sizeof *times_s);
    int most = sb_cell_most_turns(c);
    *ret_n = 0;
    for (size_t i = 0; i < c->n_turns;)
        *ret_n += times_of_launch(c, most, &i, times_s + *ret_n);
    return times_s;
}

struct sb_sample sb_sample_conversation(const struct sb_cell *c) {
    struct sb_sample s = {.x = sb_alloc(c->n_turns, sizeof *s.x), .mean = (double)NAN};
    double *times_s = sb_alloc(c->n_turns, sizeof *times_s), sum_s = 0;
    int most = sb_cell_most_turns(c);
    size_t n = 0;
    for (size_t i = 0; i < c->n_turns;) {
        size_t found = times_of_launch(c, most, &i, times_s + n);
        if (found == 0)
            continue;
        double mean_s = sb_summarize(times_s + n, found).mean;
        s.x[s.n++] = 1 / mean_s;
        sum_s += mean_s;
        n += found;
    }
    if (s.n)
        s.mean = sum_s / (double)s.n;
    struct sb_summary all = sb_summarize(times_s, n);
    if (s.n == 1 && isfinite(sb_cv(&all)))
        s.noise = sb_cv(&all) / sqrt((double)n);
    free(times_s);
    return s;
}

struct sb_turn sb_cell_turn(const struct sb_cell *c, int turn) {
    struct sb_turn t = {.context_n = (double)NAN, .new_n = (double)NAN};
    double *ttft_ms = sb_alloc(c->n_turns, sizeof *ttft_ms), ignored;
    double *tg_tps = sb_alloc(c->n_turns, sizeof *tg_tps);
    size_t found = 0;
    int most = sb_cell_most_turns(c);
    for (size_t i = 0, n; i < c->n_turns; i += n) {
        n = length_of(c, i);
        if ((size_t)turn > n || turn < 1 || !counts(c, i, n, most, &ignored))
            continue;
        const struct sb_run *r = &c->turns[i + (size_t)turn - 1];
        t.new_n = (double)r->prompt_n;
        t.context_n = (double)(r->prompt_n + r->cache_n);
        ttft_ms[found] = r->prompt_ms;
        tg_tps[found++] = r->tg_tps;
    }
    t.ttft_ms = sb_summarize(ttft_ms, found);
    t.tg_tps = sb_summarize(tg_tps, found);
    free(ttft_ms);
    free(tg_tps);
    return t;
}

const struct sb_run *sb_cell_odd_turn(const struct sb_cell *c) {
    for (size_t i = 0; i < c->n_turns; i++)
        if (!c->turns[i].valid && !c->turns[i].warmup)
            return &c->turns[i];
    return NULL;
}
