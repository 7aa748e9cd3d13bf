/* What to know when reading a ranking. */
#include <stdlib.h>

#include "rank_parts.h"

struct doubts {
    bool finished, compared; /* any cell; two cells of a model */
    bool assumed, load, mean_load, limit_of_points;
    int first_slots; /* where several numbers of requests at once were measured; else 0 */
    size_t n_alone;
};

static struct doubts find_doubts(const struct sb_rank *r) {
    struct doubts d = {0};
    for (size_t i = 0; i < r->n_cells; i++) {
        const struct sb_rank_cell *c = &r->cells[i];
        const struct sb_rank_model *m = &r->models[c->model];
        d.finished |= c->finished;
        d.compared |= c->finished && i != m->best[SB_WORKLOAD];
        for (size_t p = 1; p < c->cell->n_points; p++) {
            struct sb_at at = c->cell->points[p].at, first = c->cell->points[0].at;
            d.limit_of_points |= at.prompt != first.prompt || at.depth != first.depth;
            d.first_slots = at.slots != first.slots ? first.slots : d.first_slots;
        }
        for (int metric = 0; metric < SB_METRICS; metric++)
            d.assumed |= metric != SB_LOAD && c->figure[metric].to_best.assumed;
        d.mean_load |= c->figure[SB_LOAD].n > 1;
        d.load |= c->figure[SB_LOAD].n && i != m->best[SB_LOAD] &&
                  !sb_same_cache_state(c->cached_share, r->cells[m->best[SB_LOAD]].cached_share);
    }
    for (size_t m = 0; m < r->n_models; m++)
        d.n_alone += r->models[m].n == 1;
    return d;
}

/* "- Doubtful figures: A on CPU (DRIFT, NOISY); B on CPU (NOISY) and 4 more." */
static void add_flagged(const struct rank_writer *w) {
    size_t named = 0, more = 0;
    for (size_t i = 0; i < w->rank->n_cells; i++) {
        const struct sb_rank_cell *c = &w->rank->cells[i];
        if (!c->finished || c->cell->flags.n == 0)
            continue;
        if (named == MOST_NAMED) {
            more++;
            continue;
        }
        sb_buf_adds(w->out, named++ ? "; " : "- Doubtful figures: ");
        rank_add_model(w, c->model);
        sb_buf_adds(w->out, " on ");
        rank_add_backend(w, c->backend);
        for (size_t f = 0; f < c->cell->flags.n; f++) {
            sb_buf_adds(w->out, f ? ", " : " (");
            sb_style_add(w->out, w->style, c->cell->flags.item[f]);
        }
        sb_buf_adds(w->out, ")");
    }
    if (more)
        sb_buf_addf(w->out, " and %zu more", more);
    sb_buf_adds(w->out, named ? ".\n" : "");
}

/* "a prompt of 8000 tokens, for which one of 211 stands": what is asked about is not what was
 * measured where it is more than twice or less than half as long. */
static void find_stand_in(const char *what, double asked, long long measured, struct sb_strv *ret) {
    if (asked <= 0 || measured <= 0 ||
        (asked <= 2 * (double)measured && (double)measured <= 2 * asked))
        return;
    char *text =
        sb_asprintf("%s of %g tokens, for which one of %lld stands", what, asked, measured);
    if (!sb_strv_has(ret, text))
        sb_strv_add(ret, text);
    free(text);
}

static const struct sb_run *first_run_at(const struct sb_cell *c, struct sb_at at) {
    for (size_t i = 0; i < c->n_runs; i++)
        if (sb_run_counts(&c->runs[i]) && sb_at_same(c->runs[i].at, at))
            return &c->runs[i];
    return NULL;
}

/* "- Not measured: depth 16384, for which that at 4096 stands." Of the first finished cell; the
 * cells of a section share their depths, or the section says so. */
static void add_stand_ins(const struct rank_writer *w) {
    const struct sb_workload *load = &w->rank->workload;
    const struct sb_cell *c = NULL;
    struct sb_strv found = {0};
    for (size_t i = 0; i < w->rank->n_cells && !c; i++)
        c = w->rank->cells[i].finished ? w->rank->cells[i].cell : NULL;
    for (size_t i = 0; c && i < load->n_parts; i++) {
        const struct sb_workload_part *part = &load->part[i];
        struct sb_at at = sb_workload_place(c, load, part->depth);
        const struct sb_run *run = first_run_at(c, at);
        if (part->depth != SB_FIRST_PLACE && part->depth != at.depth)
            sb_strv_take(&found, sb_asprintf("depth %d, for which that at %d stands", part->depth,
                                             at.depth));
        if (!run)
            continue;
        find_stand_in("a prompt", part->prompt_tokens, run->prompt_n / at.slots, &found);
        find_stand_in("an answer", part->gen_tokens, run->predicted_n / at.slots, &found);
    }
    for (size_t i = 0; i < found.n; i++)
        sb_buf_addf(w->out, "%s%s", i ? ", " : "- Not measured: ", found.item[i]);
    sb_buf_adds(w->out, found.n ? ".\n" : "");
    sb_strv_release(&found);
}

void rank_add_notes(const struct rank_writer *w) {
    for (size_t i = 0; w->section && i < w->section->warnings.n; i++)
        sb_buf_addf(w->out, "- %s\n", w->section->warnings.item[i]);
    const struct sb_workload *load = &w->rank->workload;
    struct doubts d = find_doubts(w->rank);
    if (d.compared)
        sb_buf_adds(w->out,
                    "- 1.10× slower: the fastest does 1.10 times as much in the same time; in "
                    "parentheses the 95 % interval. slower: all of it beyond 3 %; tie: all of it "
                    "within; else inconclusive.\n");
    if (d.finished) {
        if (load->played) {
            sb_buf_adds(w->out,
                        "- Time of a conversation, as it was measured: what the client waited "
                        "for all its turns");
        } else if (load->name) {
            sb_buf_addf(w->out, "- Time of a request, %s: P/PP + G/TG of ", load->name);
            sb_workload_describe(load, w->out);
        } else {
            sb_buf_addf(w->out, "- Time of a request: %g/PP + %g/TG", load->part[0].prompt_tokens,
                        load->part[0].gen_tokens);
        }
        if (load->slots > 1)
            sb_buf_addf(w->out,
                        ", with PP and TG of all of %d at once: its share of the time that "
                        "they take",
                        load->slots);
        if (load->requests_per_load > 0)
            sb_buf_addf(w->out, " + load/%g.\n", load->requests_per_load);
        else
            sb_buf_adds(w->out, "; the load is not counted.\n");
    }
    if (w->rank->n_common)
        sb_buf_addf(w->out,
                    "- Behind the fastest of each model, 1.00× when it is that itself: geometric "
                    "mean over the %zu model%s that %s finished. A win or a loss is against the "
                    "best of the others.\n",
                    w->rank->n_common, w->rank->n_common == 1 ? "" : "s",
                    w->rank->n_compared == w->rank->n_backends ? "all backends"
                                                               : "the backends in the table");
    if (d.assumed)
        sb_buf_addf(w->out,
                    "- Where a side has one launch, the spread between launches is unknown: %g %% "
                    "is assumed, more where the runs leave the mean less certain.\n",
                    100 * SB_ASSUMED_LAUNCH_CV);
    add_flagged(w);
    if (d.load)
        sb_buf_adds(w->out, "- Loads are judged only where both sides found the same share of the "
                            "file in the page cache.\n");
    if (d.mean_load)
        sb_buf_adds(w->out,
                    "- A load is the mean over the last launch and those that found the same "
                    "share of the file in the page cache; the table of results shows the "
                    "first launch's.\n");
    if (d.limit_of_points && !load->name)
        sb_buf_adds(w->out, "- At the first prompt and depth alone.\n");
    if (d.first_slots && !load->slots && !load->played)
        sb_buf_addf(w->out,
                    "- At the first number of requests at once, %d; rank --slots N ranks by "
                    "another.\n",
                    d.first_slots);
    add_stand_ins(w);
    if (d.n_alone) {
        sb_buf_adds(w->out, "- Run with one backend alone, so not ranked: ");
        rank_add_plural(w->out, d.n_alone, "model");
        sb_buf_adds(w->out, ".\n");
    }
    for (size_t i = 0; i < w->rank->n_cells; i++) {
        const struct sb_rank_cell *c = &w->rank->cells[i];
        if (!c->hidden)
            continue;
        sb_buf_adds(w->out, "- ");
        rank_add_model(w, c->model);
        sb_buf_adds(w->out, " on ");
        rank_add_backend(w, c->backend);
        sb_buf_addf(w->out, ": %s\n", c->hidden);
    }
}
