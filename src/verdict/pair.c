/* Two backends of one set, launch by launch: an old and a new build that took turns. */
#include "pair.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- which launches stood side by side ------------------------------------------------------- */

struct launch {
    const char *started_at; /* NULL in older files */
    int number;
    bool is_next;
};

struct pair {
    int base, next; /* numbers of launches */
};

/* A run makes launch 1 of every backend, then launch 2: where no time is known, or two are the
 * same second, the number tells. */
static int by_time(const void *pa, const void *pb) {
    const struct launch *a = pa, *b = pb;
    int order = a->started_at && b->started_at ? strcmp(a->started_at, b->started_at) : 0;
    return order ? order : a->number - b->number;
}

static size_t add_launches(struct launch *all, size_t n, const struct sb_cell *c, bool is_next) {
    for (size_t i = 0; i < c->n_launches; i++)
        all[n++] = (struct launch){c->launches[i].started_at, c->launches[i].launch, is_next};
    return n;
}

/* Neighbours in time that are one of each: A B B A A B are three pairs. A launch whose neighbour
 * is its own backend's, as after a resume, stays alone. The caller frees. */
static struct pair *pair_launches(const struct sb_cell *base, const struct sb_cell *next,
                                  size_t *ret_n) {
    size_t n = base->n_launches + next->n_launches, pairs = 0;
    struct launch *all = sb_alloc(n, sizeof *all);
    struct pair *ret = sb_alloc(n, sizeof *ret);
    add_launches(all, add_launches(all, 0, base, false), next, true);
    qsort(all, n, sizeof *all, by_time);
    for (size_t i = 0; i + 1 < n; i++) {
        const struct launch *a = &all[i], *b = &all[i + 1];
        if (a->is_next == b->is_next)
            continue;
        ret[pairs++] =
            (struct pair){a->is_next ? b->number : a->number, a->is_next ? a->number : b->number};
        i++;
    }
    free(all);
    *ret_n = pairs;
    return ret;
}

/* ---- samples --------------------------------------------------------------------------------- */

static double launch_mean(const struct sb_cell *c, enum sb_metric m, struct sb_at at, int launch) {
    size_t n;
    double *x = sb_cell_values(c, m, at, launch, &n);
    double mean = sb_summarize(x, n).mean;
    free(x);
    return mean;
}

static const struct sb_launch *find_launch(const struct sb_cell *c, int number) {
    for (size_t i = 0; i < c->n_launches; i++)
        if (c->launches[i].launch == number)
            return &c->launches[i];
    return NULL;
}

static struct sb_pair_samples samples_begin(size_t most) {
    return (struct sb_pair_samples){{.x = sb_alloc(most, sizeof(double)), .mean = (double)NAN},
                                    {.x = sb_alloc(most, sizeof(double)), .mean = (double)NAN}};
}

/* A pair counts where both were measured. */
static void samples_add(struct sb_pair_samples *s, double base, double next) {
    if (!(base > 0 && next > 0))
        return;
    s->base.x[s->base.n++] = base;
    s->next.x[s->next.n++] = next;
}

struct sb_pair_samples sb_pair_throughput(const struct sb_cell *base, const struct sb_cell *next,
                                          enum sb_metric m, struct sb_at at) {
    size_t n;
    struct pair *pairs = pair_launches(base, next, &n);
    struct sb_pair_samples s = samples_begin(n);
    for (size_t i = 0; i < n; i++)
        samples_add(&s, launch_mean(base, m, at, pairs[i].base),
                    launch_mean(next, m, at, pairs[i].next));
    free(pairs);
    if (s.base.n == 1) {
        s.base.noise = sb_sample_noise(base, m, at);
        s.next.noise = sb_sample_noise(next, m, at);
    }
    s.base.mean = sb_summarize(s.base.x, s.base.n).mean;
    s.next.mean = sb_summarize(s.next.x, s.next.n).mean;
    return s;
}

struct sb_pair_samples sb_pair_loads(const struct sb_cell *base, const struct sb_cell *next) {
    size_t n;
    struct pair *pairs = pair_launches(base, next, &n);
    struct sb_pair_samples s = samples_begin(n);
    double base_s = 0, next_s = 0;
    for (size_t i = 0; i < n; i++) {
        const struct sb_launch *a = find_launch(base, pairs[i].base);
        const struct sb_launch *b = find_launch(next, pairs[i].next);
        size_t before = s.base.n;
        if (sb_same_cache_state(a->cached_share, b->cached_share))
            samples_add(&s, 1 / a->load_s, 1 / b->load_s);
        if (s.base.n == before)
            continue;
        base_s += a->load_s;
        next_s += b->load_s;
    }
    free(pairs);
    s.base.mean = s.base.n ? base_s / (double)s.base.n : (double)NAN;
    s.next.mean = s.next.n ? next_s / (double)s.next.n : (double)NAN;
    return s;
}

/* ---- the rows -------------------------------------------------------------------------------- */

static bool is_backend(const struct sb_cell *c, const char *name) {
    return (c->backend.id && strcmp(c->backend.id, name) == 0) ||
           strcmp(sb_backend_label(c), name) == 0;
}

static void take_row(struct sb_comparison *c, struct sb_index *keys, const char *section,
                     const struct sb_cell *cell, bool is_next) {
    char *key = sb_asprintf("%s\x1f%s", section ? section : "",
                            cell->model.id ? cell->model.id : sb_model_label(cell));
    size_t at = sb_index_add(keys, key);
    free(key);
    if (at == c->n_cells)
        c->n_cells++;
    if (is_next)
        c->cells[at].next = cell;
    else
        c->cells[at].base = cell;
}

static void take_rows(struct sb_comparison *c, const char *old, const char *new) {
    struct sb_index keys = {0};
    size_t most = 0;
    for (size_t s = 0; s < c->base.n; s++)
        most += c->base.item[s].set.n_cells;
    c->cells = sb_alloc(most, sizeof *c->cells);
    for (size_t s = 0; s < c->base.n; s++) {
        const struct sb_results *set = &c->base.item[s].set;
        for (size_t i = 0; i < set->n_cells; i++) {
            bool is_next = is_backend(&set->cells[i], new);
            if (is_next || is_backend(&set->cells[i], old))
                take_row(c, &keys, set->bench.title, &set->cells[i], is_next);
        }
    }
    sb_index_release(&keys);
}

/* Every backend of the sets, once: what could have been meant. */
static void list_backends(const struct sb_sections *all, struct sb_buf *ret) {
    struct sb_strv known = {0};
    for (size_t s = 0; s < all->n; s++)
        for (size_t i = 0; i < all->item[s].set.n_cells; i++) {
            const struct sb_cell *c = &all->item[s].set.cells[i];
            const char *name = c->backend.id ? c->backend.id : sb_backend_label(c);
            if (sb_strv_has(&known, name))
                continue;
            sb_buf_adds(ret, known.n ? ", " : "");
            sb_buf_add_printable(ret, name, strlen(name));
            sb_strv_add(&known, name);
        }
    sb_strv_release(&known);
}

static int check_names(const struct sb_comparison *c, const char *const names[2],
                       struct sb_buf *error) {
    bool found[2] = {false, false};
    for (size_t i = 0; i < c->n_cells; i++) {
        found[0] |= c->cells[i].base != NULL;
        found[1] |= c->cells[i].next != NULL;
    }
    if (strcmp(names[0], names[1]) != 0 && found[0] && found[1])
        return 0;
    if (strcmp(names[0], names[1]) == 0)
        sb_buf_addf(error, "'%s' is one backend, two are compared; there are: ", names[0]);
    else
        sb_buf_addf(error, "no backend '%s'; there are: ", names[found[0]]);
    list_backends(&c->base, error);
    return -EINVAL;
}

int sb_comparison_make_paired(const struct sb_results *const *sets, size_t n, const char *old,
                              const char *new, const struct sb_compare_options *o,
                              struct sb_comparison *ret, struct sb_buf *error) {
    struct sb_comparison c = {.options = *o, .base = sb_results_merge(sets, n)};
    c.options.paired = true;
    c.options.force = true; /* what the two differ in is what was asked about; it is named */
    take_rows(&c, old, new);
    if (check_names(&c, (const char *const[]){old, new}, error) < 0) {
        sb_comparison_release(&c);
        return -EINVAL;
    }
    for (size_t i = 0; i < c.n_cells; i++)
        sb_compare_row(&c.cells[i], &c.options);
    sb_comparison_conclude(&c);
    *ret = c;
    return 0;
}

/* ---- bisecting ------------------------------------------------------------------------------- */

/* Is the loss that is hunted, twice what is tolerated, out of the question? */
static bool is_cleared(const struct sb_compare_figure *f, double max_drop) {
    return f->gate.drop < max_drop && f->ratio.low > 1 - 2 * max_drop;
}

int sb_comparison_bisect(const struct sb_comparison *c) {
    enum { GOOD = 0, BAD = 1, CANNOT_TELL = 125 };
    bool cleared = c->n_cells > 0;
    for (size_t i = 0; i < c->n_cells; i++) {
        if (c->cells[i].state == SB_CELL_REGRESSION)
            return BAD;
        size_t gated = 0;
        cleared &= c->cells[i].state != SB_CELL_INCONCLUSIVE;
        for (size_t k = 0; k < c->cells[i].n_figures; k++) {
            const struct sb_compare_figure *f = &c->cells[i].figures[k];
            if (f->metric == SB_LOAD)
                continue;
            gated++;
            cleared &= is_cleared(f, c->options.max_drop);
        }
        cleared &= gated > 0;
    }
    return cleared ? GOOD : CANNOT_TELL;
}
