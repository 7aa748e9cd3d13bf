#include "stratobench/results.h"
#include "stratobench/results_merge.h"

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

/* Not yet begun: of no machine. */
static bool is_untouched(const struct sb_cell *c) {
    return c->status == SB_PENDING && c->n_launches == 0;
}

static char *title_key(const char *title, const struct sb_cell *c) {
    char *cell = sb_cell_key(c), *key = sb_asprintf("%s\x1f%s", title, cell);
    free(cell);
    return key;
}

/* Of a matrix whose models were shared out, each file names the whole: what is still to be done in
 * one and has been begun in another, whichever machine did it. */
static bool is_done_elsewhere(const struct sb_index *begun, const char *title,
                              const struct sb_cell *c) {
    if (!is_untouched(c))
        return false;
    char *key = title_key(title, c);
    bool found = sb_index_find(begun, key) != SB_INDEX_NONE;
    free(key);
    return found;
}

/* Where all cells know their place in the config, that is the order, whatever file came first. */
static void order_by_config(struct entry *e, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (e[i].cell->order < 0)
            return;
    for (size_t i = 0; i < n; i++)
        e[i].order = e[i].model_order = (size_t)e[i].cell->order * n + i;
}

/* The section's cells, and those that only give the order; the caller frees. */
static struct entry *list_entries(const struct sb_section *s, size_t *ret_n) {
    size_t n = 0, at = 0;
    for (size_t p = 0; p < s->n_parts; p++)
        n += s->parts[p]->n_cells;
    struct entry *e = sb_alloc(n, sizeof *e);
    for (size_t p = 0; p < s->n_parts; p++)
        for (size_t i = 0; i < s->parts[p]->n_cells; i++) {
            const struct sb_cell *c = &s->parts[p]->cells[i];
            if (is_untouched(c) || strcmp(sb_cell_host_id(c, s->part_ids[p]), s->host_id) == 0) {
                e[at] = (struct entry){c, s->parts[p], NULL, at, at};
                at++;
            }
        }
    order_by_config(e, at);
    *ret_n = at;
    return e;
}

static void merge_cells(struct sb_section *s, const struct sb_index *begun) {
    size_t n, kept = 0;
    struct entry *e = list_entries(s, &n);
    qsort(e, n, sizeof *e, by_cell);
    n = settle_all(e, n, s->n_parts > 1);
    qsort(e, n, sizeof *e, by_place);

    s->set.cells = sb_alloc(n, sizeof *s->set.cells);
    s->hidden = sb_alloc(n, sizeof *s->hidden);
    s->from = sb_alloc(n, sizeof *s->from);
    for (size_t i = 0; i < n; i++) {
        if (is_done_elsewhere(begun, s->title, e[i].cell))
            continue;
        s->from[kept] = e[i].from;
        s->set.cells[kept] = *e[i].cell;
        s->hidden[kept++] = e[i].hidden ? describe_hidden(e[i].hidden) : NULL;
    }
    s->set.n_cells = kept;
    free(e);
}

/* Of one model, whose cells stand together. */
static void warn_of_pictures(struct sb_section *s) {
    for (size_t i = 1; i < s->set.n_cells; i++) {
        const struct sb_cell *a = &s->set.cells[i - 1], *b = &s->set.cells[i];
        if (sb_same_model(a, b) && !sb_same(a->model.image_sha256, b->model.image_sha256)) {
            sb_strv_add(&s->warnings, "The files of this section differ in the picture.");
            return;
        }
    }
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
    warn_of_pictures(s);
    for (size_t p = 1; p < s->n_parts && !*s->host_id; p++)
        if (!sb_same_hardware(a, s->parts[p])) {
            sb_strv_add(&s->warnings,
                        "The files of this section were measured on different hardware.");
            return;
        }
}

static void merge_section(struct sb_section *s, const struct sb_index *begun) {
    struct sb_fact *host = s->set.host;
    s->set = *s->parts[0];
    s->set.host = host;
    for (size_t p = 1; p < s->n_parts; p++) {
        char *start = s->parts[p]->started_at, *update = s->parts[p]->updated_at;
        if (start && (!s->set.started_at || strcmp(start, s->set.started_at) < 0))
            s->set.started_at = start;
        if (update && (!s->set.updated_at || strcmp(update, s->set.updated_at) > 0))
            s->set.updated_at = update;
    }
    merge_cells(s, begun);
    warn_of_differences(s);
}

/* ---- sections ------------------------------------------------------------------------------- */

/* Before it is merged. */
static struct sb_section *section_of(struct sb_sections *all, const char *title,
                                     const char *host_id) {
    for (size_t i = 0; i < all->n; i++)
        if (strcmp(all->item[i].title, title) == 0 && strcmp(all->item[i].host_id, host_id) == 0)
            return &all->item[i];
    all->item = sb_realloc(all->item, all->n + 1, sizeof *all->item);
    all->item[all->n] = (struct sb_section){.title = title, .host_id = host_id};
    return &all->item[all->n++];
}

/* `id` is the file's own machine, host_id the one of some of its cells. */
static void add_part(struct sb_sections *all, const struct sb_results *set, const char *id,
                     const char *host_id) {
    struct sb_section *s = section_of(all, first_of(set->bench.title, NULL), host_id);
    if (s->n_parts && s->parts[s->n_parts - 1] == set)
        return;
    s->parts = sb_realloc(s->parts, s->n_parts + 1, sizeof *s->parts);
    s->part_ids = sb_realloc(s->part_ids, s->n_parts + 1, sizeof *s->part_ids);
    s->parts[s->n_parts] = set;
    s->part_ids[s->n_parts++] = id;
    if (!s->set.host)
        s->set.host = (struct sb_fact *)sb_host_of(set, host_id);
}

/* "Title (node-1)", where another machine's section has the same title. */
static void tell_apart(struct sb_sections *all) {
    for (size_t i = 0; i < all->n; i++) {
        struct sb_section *s = &all->item[i];
        bool alone = true;
        for (size_t k = 0; k < all->n; k++)
            alone &= k == i || strcmp(all->item[k].title, s->title) != 0;
        if (alone)
            continue;
        const char *node = sb_fact_text(s->set.host, "node"),
                   *cpu = sb_fact_text(s->set.host, "cpu"),
                   *kernel = sb_fact_text(s->set.host, "kernel");
        s->own_title = node            ? sb_asprintf("%s (%s)", s->title, node)
                       : cpu && kernel ? sb_asprintf("%s (%s, %s)", s->title, cpu, kernel)
                                       : sb_asprintf("%s (%s)", s->title,
                                                     *s->host_id ? s->host_id : "unknown machine");
        for (size_t k = 0; k < i; k++)
            if (all->item[k].own_title && strcmp(all->item[k].own_title, s->own_title) == 0) {
                free(s->own_title);
                s->own_title = sb_asprintf("%s (%s)", s->title, s->host_id);
            }
        s->set.bench.title = s->own_title;
    }
}

static void note_begun(struct sb_index *begun, const struct sb_results *set) {
    for (size_t i = 0; i < set->n_cells; i++)
        if (!is_untouched(&set->cells[i])) {
            char *key = title_key(first_of(set->bench.title, NULL), &set->cells[i]);
            sb_index_add(begun, key);
            free(key);
        }
}

static void add_parts(struct sb_sections *all, const struct sb_results *set, const char *id,
                      const struct sb_index *begun) {
    bool any = false;
    for (size_t c = 0; c < set->n_cells; c++)
        if (!is_done_elsewhere(begun, first_of(set->bench.title, NULL), &set->cells[c])) {
            add_part(all, set, id, sb_cell_host_id(&set->cells[c], id));
            any = true;
        }
    if (!any)
        add_part(all, set, id, id);
}

struct sb_sections sb_results_merge(const struct sb_results *const *sets, size_t n) {
    struct sb_sections all = {0};
    struct sb_index begun = {0};
    for (size_t i = 0; i < n; i++) {
        char *id = sb_host_id(sets[i]->host);
        sb_strv_take(&all.host_ids, id ? id : sb_strdup(""));
        if (n > 1)
            note_begun(&begun, sets[i]);
    }
    for (size_t i = 0; i < n; i++)
        add_parts(&all, sets[i], all.host_ids.item[i], &begun);
    for (size_t i = 0; i < all.n; i++)
        merge_section(&all.item[i], &begun);
    tell_apart(&all);
    sb_index_release(&begun);
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
        free(s->part_ids);
        free(s->own_title);
        sb_strv_release(&s->warnings);
    }
    free(all->item);
    sb_strv_release(&all->host_ids);
    *all = (struct sb_sections){0};
}
