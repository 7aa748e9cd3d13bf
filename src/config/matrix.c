/* From sections to cells: what no single key can know. */
#include <fnmatch.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "default_prompt.h"
#include "value.h"

/* ---- what several keys say together ------------------------------------------------------- */

static void check_context(struct sb_parser *p) {
    const struct sb_config *c = p->c;
    if (c->bench.n_predict >= c->bench.ctx) {
        sb_diag(&p->diags, sb_bench_key_line(p, "ctx"),
                "'ctx' is %d: it must hold the prompt and the %d tokens of 'n_predict'",
                c->bench.ctx, c->bench.n_predict);
        return;
    }
    for (size_t i = 0; i < c->bench.n_depths; i++)
        if (c->bench.depths[i] >= c->bench.ctx - c->bench.n_predict)
            sb_diag(&p->diags, sb_bench_key_line(p, "depths"),
                    "depth %d and the %d tokens of 'n_predict' do not fit into a 'ctx' of %d",
                    c->bench.depths[i], c->bench.n_predict, c->bench.ctx);
    int slots = sb_protocol_most_slots(&c->bench);
    if (c->bench.ctx > INT_MAX / slots)
        sb_diag(&p->diags, sb_bench_key_line(p, "slots"),
                "%d slots of a 'ctx' of %d: no server has a context of more than %d", slots,
                c->bench.ctx, INT_MAX);
    long long turns = c->bench.turns, said = turns * c->bench.n_predict,
              asked = (turns - 1) * c->bench.turn_tokens;
    if (turns != SB_TURNS_OFF && said + asked >= c->bench.ctx)
        sb_diag(&p->diags, sb_bench_key_line(p, "turns"),
                "%lld turns of %d new tokens and %d of 'n_predict' need a 'ctx' of %lld and the "
                "prompt; it is %d",
                turns, c->bench.turn_tokens, c->bench.n_predict, said + asked, c->bench.ctx);
}

static void use_default_prompt(struct sb_config *c) {
    struct sb_buf text = SB_BUF_INIT(sizeof default_prompt);
    sb_buf_adds(&text, default_prompt);
    sb_prompt_add(c, NULL, "(built in)", "~600 tokens (infrastructure scenario)", &text);
}

static void check_prompts(struct sb_parser *p) {
    struct sb_config *c = p->c;
    struct sb_protocol *b = &c->bench;
    int line = sb_bench_key_line(p, "prompt"), lines = sb_bench_key_line(p, "prompts");
    bool one = line != p->bench_line, several = lines != p->bench_line;
    if (one && several)
        sb_diag(&p->diags, lines, "'prompts' takes the place of 'prompt' (line %d): use one", line);
    else if (!one && !several)
        use_default_prompt(c);
    for (size_t i = 0; several && !one && i < b->n_prompts; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(b->prompts[i].label, b->prompts[k].label) == 0)
                sb_diag(&p->diags, lines, "two prompts are named '%s': rename one of the files",
                        b->prompts[i].label);
    if (!p->prompt_label)
        return;
    if (several) {
        sb_diag(&p->diags, sb_bench_key_line(p, "prompt_label"),
                "'prompt_label' goes with 'prompt'; 'prompts' are named by their files");
    } else if (b->n_prompts == 1) {
        free(b->prompts[0].label);
        b->prompts[0].label = sb_strdup(p->prompt_label);
    }
}

static void check_bench(struct sb_parser *p) {
    struct sb_config *c = p->c;
    check_context(p);
    check_prompts(p);
    if (c->bench.until > 0 && c->bench.max_runs < c->bench.runs)
        sb_diag(&p->diags, sb_bench_key_line(p, "max_runs"),
                "'max_runs' is %d, less than 'runs', %d", c->bench.max_runs, c->bench.runs);
}

/* ---- sections that refer to each other ---------------------------------------------------- */

/* Rows that nobody can tell apart: a section copied, its label forgotten. (The same id is
 * reported already.) */
static bool same_label(const char *id_a, const char *a, const char *id_b, const char *b) {
    return strcmp(a, b) == 0 && strcmp(id_a, id_b) != 0;
}

static void complete_backends(struct sb_parser *p) {
    struct sb_config *c = p->c;
    for (size_t i = 0; i < c->n_backends; i++) {
        struct sb_backend *b = &c->backends[i];
        if (!b->label)
            b->label = sb_strdup(b->id);
        if (b->bandwidth_gb_s <= 0)
            b->bandwidth_gb_s = c->bandwidth_gb_s;
        for (size_t k = 0; k < i; k++)
            if (same_label(b->id, b->label, c->backends[k].id, c->backends[k].label))
                sb_diag(&p->diags, b->line, "[backend %s] has the label of [backend %s]: '%.80s'",
                        b->id, c->backends[k].id, b->label);
    }
}

static const struct sb_backend *find_backend(const struct sb_config *c, const char *id) {
    for (size_t i = 0; i < c->n_backends; i++)
        if (strcmp(c->backends[i].id, id) == 0)
            return &c->backends[i];
    return NULL;
}

static void unknown_backend(struct sb_parser *p, int line, const char *id) {
    const char **ids = sb_alloc(p->c->n_backends, sizeof *ids);
    char hint[80];
    for (size_t i = 0; i < p->c->n_backends; i++)
        ids[i] = p->c->backends[i].id;
    sb_diag(&p->diags, line, "unknown backend '%.80s'%s", id,
            sb_did_you_mean(hint, id, ids, p->c->n_backends));
    free(ids);
}

static void complete_models(struct sb_parser *p) {
    struct sb_config *c = p->c;
    for (size_t i = 0; i < c->n_models; i++) {
        struct sb_model *m = &c->models[i];
        if (!m->label)
            m->label = sb_strdup(m->id);
        for (size_t k = 0; k < i; k++)
            if (same_label(m->id, m->label, c->models[k].id, c->models[k].label))
                sb_diag(&p->diags, m->line, "[model %s] has the label of [model %s]: '%.80s'",
                        m->id, c->models[k].id, m->label);
        for (size_t k = 0; k < m->backends.n; k++) {
            const char *id = m->backends.item[k];
            if (!find_backend(c, id))
                unknown_backend(p, m->backends_line, id);
            for (size_t j = 0; j < k; j++)
                if (strcmp(m->backends.item[j], id) == 0)
                    sb_diag(&p->diags, m->backends_line, "backend '%s' is named twice", id);
        }
        for (size_t k = 0; !m->backends_line && k < c->n_backends; k++)
            sb_strv_add(&m->backends, c->backends[k].id);
    }
}

/* A picture is sent with the whole prompt: what is already in the context then is text alone. */
static void check_images(struct sb_parser *p) {
    struct sb_config *c = p->c;
    bool shown = false, seen = false;
    for (size_t i = 0; i < c->n_models; i++) {
        const struct sb_model *m = &c->models[i];
        shown |= sb_model_image(c, m) != NULL;
        seen |= m->mmproj != NULL;
        if (m->image_line && !m->mmproj && m->path) /* what a `url` holds may see by itself */
            sb_diag(&p->diags, m->image_line, "[model %s] has an 'image' and no 'mmproj' to see it",
                    m->id);
    }
    int line = sb_bench_key_line(p, "image");
    if (line != p->bench_line && !seen)
        sb_diag(&p->diags, line, "no model has an 'mmproj' to see the 'image'");
    for (size_t i = 0; shown && i < c->bench.n_depths; i++)
        if (c->bench.depths[i] > 0) {
            sb_diag(&p->diags, sb_bench_key_line(p, "depths"),
                    "an 'image' goes with a depth of 0 alone");
            break;
        }
    if (shown && sb_protocol_most_slots(&c->bench) > 1)
        sb_diag(&p->diags, sb_bench_key_line(p, "slots"),
                "an 'image' goes with one request at a time");
}

/* ---- cells -------------------------------------------------------------------------------- */

static bool selected(const char *glob, const char *id, const char *label) {
    return !glob || fnmatch(glob, id, 0) == 0 || fnmatch(glob, label, 0) == 0;
}

/* Says that nothing was selected, and what there is. */
static void nothing_selected(struct sb_parser *p, const struct sb_selection *sel) {
    const struct sb_config *c = p->c;
    struct sb_buf models = SB_BUF_INIT(800), backends = SB_BUF_INIT(800);
    bool any_model = false, any_backend = false;
    for (size_t i = 0; i < c->n_models; i++) {
        sb_buf_addf(&models, "%s%s", i ? ", " : "", c->models[i].id);
        any_model |= selected(sel->model, c->models[i].id, c->models[i].label);
    }
    for (size_t i = 0; i < c->n_backends; i++) {
        sb_buf_addf(&backends, "%s%s", i ? ", " : "", c->backends[i].id);
        any_backend |= selected(sel->backend, c->backends[i].id, c->backends[i].label);
    }
    if (!any_model)
        sb_diag(&p->diags, 0, "no model matches '%.80s'; there are: %s", sel->model,
                sb_buf_str(&models));
    if (!any_backend)
        sb_diag(&p->diags, 0, "no backend matches '%.80s'; there are: %s", sel->backend,
                sb_buf_str(&backends));
    if (any_model && any_backend)
        sb_diag(&p->diags, 0, "no model that matches '%.80s' has a backend that matches '%.80s'",
                sel->model ? sel->model : "*", sel->backend ? sel->backend : "*");
    sb_buf_release(&models);
    sb_buf_release(&backends);
}

static void make_cells(struct sb_parser *p, const struct sb_selection *sel) {
    struct sb_config *c = p->c;
    size_t room = 0;
    for (size_t i = 0; i < c->n_models; i++)
        room += c->models[i].backends.n;
    c->cells = sb_alloc(room, sizeof *c->cells);
    for (size_t i = 0; i < c->n_models; i++) {
        const struct sb_model *m = &c->models[i];
        for (size_t k = 0; k < m->backends.n; k++) {
            const struct sb_backend *b = find_backend(c, m->backends.item[k]);
            bool wanted =
                selected(sel->model, m->id, m->label) && selected(sel->backend, b->id, b->label);
            c->cells[c->n_cells] = (struct sb_cell_plan){m, b, (int)c->n_cells, wanted};
            c->n_cells++;
            c->n_selected += wanted;
        }
    }
    if (c->n_selected == 0)
        nothing_selected(p, sel);
}

struct sb_cell *sb_cell_plan_find(const struct sb_cell_plan *p, const struct sb_results *r) {
    struct sb_cell named = {.model.id = p->model->id, .backend.id = p->backend->id};
    for (size_t i = 0; r && i < r->n_cells; i++)
        if (sb_cell_same(&r->cells[i], &named))
            return &r->cells[i];
    return NULL;
}

void sb_config_narrow(struct sb_config *c, const struct sb_results *known) {
    size_t n = 0;
    for (size_t i = 0; i < c->n_cells; i++)
        if (c->cells[i].selected || sb_cell_plan_find(&c->cells[i], known))
            c->cells[n++] = c->cells[i];
    c->n_cells = n;
}

void sb_config_plan(struct sb_parser *p, const struct sb_selection *sel) {
    static const struct sb_selection all = {0};
    struct sb_config *c = p->c;
    check_bench(p);
    if (c->n_models == 0)
        sb_diag(&p->diags, p->line, "no [model NAME] section: nothing to measure");
    if (c->n_backends == 0)
        sb_diag(&p->diags, p->line, "no [backend NAME] section: nothing to measure with");
    if (c->n_models > SB_SECTIONS_MAX || c->n_backends > SB_SECTIONS_MAX) {
        sb_diag(&p->diags, 0, "more than %d models or backends", SB_SECTIONS_MAX);
        return;
    }
    complete_backends(p);
    complete_models(p);
    sb_check_sources(p);
    check_images(p);
    sb_check_tunes(p);
    if (p->diags.n == 0)
        make_cells(p, sel ? sel : &all);
}
