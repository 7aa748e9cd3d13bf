#include "stratobench/results.h"

#include <stdlib.h>
#include <string.h>

struct entry {
    const struct sb_cell *cell;
    const struct sb_results *from;
    const struct sb_cell *hidden; /* the newest ok result that `cell`, not ok, stands before */
    size_t order;                 /* of first appearance, over all parts */
    size_t model_order;           /* of the model's first appearance */
};

static const char *first_of(const char *a, const char *b) {
    return a ? a : b ? b : "";
}

static int by_order(size_t a, size_t b) {
    return (a > b) - (a < b);
}

static int by_cell(const void *pa, const void *pb) {
    const struct entry *a = pa, *b = pb;
    int c = sb_cell_order(a->cell, b->cell);
    return c ? c : by_order(a->order, b->order);
}

static int by_place(const void *pa, const void *pb) {
    const struct entry *a = pa, *b = pb;
    int c = by_order(a->model_order, b->model_order);
    return c ? c : by_order(a->order, b->order);
}

/* RFC 3339 in UTC sorts as text; a cell without a date is older than any with one. */
static bool is_newer(const struct sb_cell *a, const struct sb_cell *b) {
    if ((a->status == SB_PENDING) != (b->status == SB_PENDING))
        return b->status == SB_PENDING;
    return strcmp(first_of(a->measured_at, NULL), first_of(b->measured_at, NULL)) >= 0;
}

static char *describe_hidden(const struct sb_cell *old) {
    char *when = old->measured_at ? sb_asprintf(" of %.10s", old->measured_at) : sb_strdup("");
    char *text =
        old->pp_tps.n && old->tg_tps.n
            ? sb_asprintf(
                  "The newer result is shown; an earlier one%s was ok: PP %.1f, TG %.1f tok/s.",
                  when, old->pp_tps.mean, old->tg_tps.mean)
            : sb_asprintf("The newer result is shown; an earlier one%s was ok.", when);
    free(when);
    return text;
}

/* `candidate` is the same cell from a later file: the newer of the two stands. */
static void settle(struct entry *kept, const struct entry *candidate) {
    bool newer = is_newer(candidate->cell, kept->cell);
    const struct sb_cell *winner = newer ? candidate->cell : kept->cell;
    const struct sb_cell *loser = newer ? kept->cell : candidate->cell;
    if (winner->status == SB_OK)
        kept->hidden = NULL;
    else if (loser->status == SB_OK && (!kept->hidden || is_newer(loser, kept->hidden)))
        kept->hidden = loser;
    kept->cell = winner;
    kept->from = newer ? candidate->from : kept->from;
}

/* Entries sorted by_cell: drops repeated cells, gives each the place of its model. */
static size_t settle_all(struct entry *e, size_t n, bool drop_repeated) {
    size_t kept = 0, model = 0;
    for (size_t i = 0; i < n; i++) {
        if (kept && drop_repeated && sb_cell_same(e[kept - 1].cell, e[i].cell)) {
            settle(&e[kept - 1], &e[i]);
            continue;
        }
        e[kept] = e[i];
        if (kept == 0 || !sb_same_model(e[model].cell, e[kept].cell))
            model = kept;
        if (e[kept].order < e[model].model_order)
            e[model].model_order = e[kept].order;
        kept++;
    }
    for (size_t i = 0; i < kept; i++) {
        if (i == 0 || !sb_same_model(e[i - 1].cell, e[i].cell))
            model = i;
        e[i].model_order = e[model].model_order;
    }
    return kept;
}

static void merge_cells(struct sb_section *s) {
    size_t n = 0;
    for (size_t p = 0; p < s->n_parts; p++)
        n += s->parts[p]->n_cells;
    struct entry *e = sb_alloc(n, sizeof *e);
    size_t at = 0;
    for (size_t p = 0; p < s->n_parts; p++)
        for (size_t i = 0; i < s->parts[p]->n_cells; i++, at++)
            e[at] = (struct entry){&s->parts[p]->cells[i], s->parts[p], NULL, at, at};
    qsort(e, n, sizeof *e, by_cell);
    n = settle_all(e, n, s->n_parts > 1);
    qsort(e, n, sizeof *e, by_place);

    s->set.cells = sb_alloc(n, sizeof *s->set.cells);
    s->set.n_cells = n;
    s->hidden = sb_alloc(n, sizeof *s->hidden);
    s->from = sb_alloc(n, sizeof *s->from);
    for (size_t i = 0; i < n; i++) {
        s->from[i] = e[i].from;
        s->set.cells[i] = *e[i].cell;
        s->hidden[i] = e[i].hidden ? describe_hidden(e[i].hidden) : NULL;
    }
    free(e);
}

/* Cells made under other conditions must not stand in one table unremarked. */
static void warn_of_differences(struct sb_section *s) {
    const struct sb_results *a = s->parts[0];
    for (size_t i = 0; i < sb_n_settings; i++) {
        bool same = true;
        for (size_t p = 1; p < s->n_parts && sb_settings[i].role != SB_DISPLAY; p++)
            same &= sb_setting_same(&sb_settings[i], &a->bench, &s->parts[p]->bench);
        if (!same)
            sb_strv_take(&s->warnings, sb_asprintf("The files of this section differ in the %s.",
                                                   sb_settings[i].what));
    }
    for (size_t p = 1; p < s->n_parts; p++)
        if (!sb_same_hardware(a, s->parts[p])) {
            sb_strv_add(&s->warnings,
                        "The files of this section were measured on different hardware.");
            return;
        }
}

static void merge_section(struct sb_section *s) {
    s->set = *s->parts[0];
    for (size_t p = 1; p < s->n_parts; p++) {
        char *start = s->parts[p]->started_at, *update = s->parts[p]->updated_at;
        if (start && (!s->set.started_at || strcmp(start, s->set.started_at) < 0))
            s->set.started_at = start;
        if (update && (!s->set.updated_at || strcmp(update, s->set.updated_at) > 0))
            s->set.updated_at = update;
    }
    merge_cells(s);
    warn_of_differences(s);
}

static struct sb_section *section_of(struct sb_sections *all, const struct sb_results *set) {
    const char *title = first_of(set->bench.title, NULL);
    for (size_t i = 0; i < all->n; i++)
        if (strcmp(first_of(all->item[i].parts[0]->bench.title, NULL), title) == 0)
            return &all->item[i];
    all->item = sb_realloc(all->item, all->n + 1, sizeof *all->item);
    all->item[all->n] = (struct sb_section){0};
    return &all->item[all->n++];
}

struct sb_sections sb_results_merge(const struct sb_results *const *sets, size_t n) {
    struct sb_sections all = {0};
    for (size_t i = 0; i < n; i++) {
        struct sb_section *s = section_of(&all, sets[i]);
        s->parts = sb_realloc(s->parts, s->n_parts + 1, sizeof *s->parts);
        s->parts[s->n_parts++] = sets[i];
    }
    for (size_t i = 0; i < all.n; i++)
        merge_section(&all.item[i]);
    return all;
}

void sb_sections_release(struct sb_sections *all) {
    for (size_t i = 0; i < all->n; i++) {
        struct sb_section *s = &all->item[i];
        for (size_t c = 0; c < s->set.n_cells; c++)
            free(s->hidden[c]);
        free(s->hidden);
        free(s->from);
        free(s->set.cells);
        free(s->parts);
        sb_strv_release(&s->warnings);
    }
    free(all->item);
    *all = (struct sb_sections){0};
}
