/* What a cell is known by. */
#include <stdlib.h>
#include <string.h>

#include "fields.h"

static const char *first_of(const char *a, const char *b) {
    return a ? a : b ? b : "";
}

const char *sb_cell_clock(const struct sb_cell *c) {
    return c->backend.clock ? c->backend.clock : "server";
}

const char *sb_model_label(const struct sb_cell *c) {
    return first_of(c->model.label, c->model.id);
}

const char *sb_backend_label(const struct sb_cell *c) {
    return first_of(c->backend.label, c->backend.id);
}

const char *sb_model_key(const struct sb_cell *c) {
    return first_of(c->model.id, c->model.label);
}

static const char *backend_key(const struct sb_cell *c) {
    return first_of(c->backend.id, c->backend.label);
}

int sb_cell_order(const struct sb_cell *a, const struct sb_cell *b) {
    int by_model = strcmp(sb_model_key(a), sb_model_key(b));
    return by_model ? by_model : strcmp(backend_key(a), backend_key(b));
}

bool sb_cell_same(const struct sb_cell *a, const struct sb_cell *b) {
    return sb_cell_order(a, b) == 0;
}

bool sb_same_model(const struct sb_cell *a, const struct sb_cell *b) {
    return strcmp(sb_model_key(a), sb_model_key(b)) == 0;
}

char *sb_cell_key(const struct sb_cell *c) {
    return sb_asprintf("%s\x1f%s", sb_model_key(c), backend_key(c));
}

/* ---- The machine ---------------------------------------------------------------------------- */

static const char *host_text(const struct sb_results *r, const char *key) {
    return sb_fact_text(r->host, key);
}

const char *sb_results_hardware(const struct sb_results *r) {
    return first_of(host_text(r, "hardware"), NULL);
}

bool sb_same_hardware(const struct sb_results *a, const struct sb_results *b) {
    const char *cpu_a = host_text(a, "cpu"), *cpu_b = host_text(b, "cpu");
    return strcmp(sb_results_hardware(a), sb_results_hardware(b)) == 0 &&
           (!cpu_a || !cpu_b || strcmp(cpu_a, cpu_b) == 0);
}

/* What of a machine changes under a result: its software, and how it is set. */
static const char *const changing[] = {
    "kernel",           "os",       "governor", "energy_performance_preference",
    "platform_profile", "software", "amdgpu",   "gpus"};

/* The caller frees. */
static char *shown(const struct sb_fact *f) {
    if (!f || f->kind == SB_FACT_TEXT)
        return sb_strdup(f ? f->text : "none");
    struct sb_buf b = SB_BUF_INIT(SB_ERR_MAX);
    results_print_fact(f, &b);
    return sb_buf_detach(&b);
}

static void add_change(const char *name, const struct sb_fact *a, const struct sb_fact *b,
                       struct sb_strv *ret) {
    char *from = shown(a), *to = shown(b);
    if (strcmp(from, to) != 0)
        sb_strv_take(ret, sb_asprintf("%s: %s → %s", name, from, to));
    free(from);
    free(to);
}

static size_t length(const struct sb_fact *list) {
    size_t n = 0;
    for (const struct sb_fact *f = list->child; f; f = f->next)
        n++;
    return n;
}

static void add_changes(const char *name, const struct sb_fact *a, const struct sb_fact *b,
                        struct sb_strv *ret) {
    if (a && b && a->kind == SB_FACT_GROUP && b->kind == SB_FACT_GROUP) {
        for (const struct sb_fact *m = a->child; m; m = m->next)
            add_changes(m->name, m, sb_fact_of(b, m->name), ret);
        for (const struct sb_fact *m = b->child; m; m = m->next)
            if (!sb_fact_of(a, m->name))
                add_change(m->name, NULL, m, ret);
    } else if (a && b && a->kind == SB_FACT_LIST && b->kind == SB_FACT_LIST &&
               length(a) == length(b)) {
        for (const struct sb_fact *x = a->child, *y = b->child; x && y; x = x->next, y = y->next)
            add_changes(name, x, y, ret);
    } else {
        add_change(name, a, b, ret);
    }
}

void sb_host_changes(const struct sb_fact *a, const struct sb_fact *b, struct sb_strv *ret) {
    for (size_t i = 0; i < sizeof changing / sizeof *changing; i++) {
        const struct sb_fact *x = sb_fact_of(a, changing[i]);
        const struct sb_fact *y = sb_fact_of(b, changing[i]);
        if (x && y) /* older files know less */
            add_changes(changing[i], x, y, ret);
    }
}

/* ---- Where and what ------------------------------------------------------------------------- */

int sb_at_order(struct sb_at a, struct sb_at b) {
    const int differences[][2] = {{a.prompt, b.prompt}, {a.depth, b.depth}, {a.slots, b.slots}};
    for (size_t i = 0; i < sizeof differences / sizeof *differences; i++)
        if (differences[i][0] != differences[i][1])
            return differences[i][0] < differences[i][1] ? -1 : 1;
    return 0;
}

bool sb_at_same(struct sb_at a, struct sb_at b) {
    return sb_at_order(a, b) == 0;
}

const char *sb_metric_name(enum sb_metric m) {
    static const char *const names[SB_METRICS] = {
        [SB_PP] = "PP", [SB_TG] = "TG", [SB_LOAD] = "Load", [SB_WORKLOAD] = "Workload"};
    return names[m];
}

const struct sb_summary *sb_point_summary(const struct sb_point *p, enum sb_metric m) {
    return m == SB_PP ? &p->pp_tps : &p->tg_tps;
}
