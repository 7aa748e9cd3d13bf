#include "plan_print.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "eta.h"
#include "output.h"
#include "progress.h"
#include "stratobench/text.h"

void sb_print_indented(FILE *out, const char *text, int columns) {
    if (!text)
        return;
    struct sb_buf clean = SB_BUF_INIT(SB_ERR_MAX);
    sb_buf_add_printable(&clean, text, strlen(text));
    for (const char *line = sb_buf_str(&clean); *line;) {
        int n = (int)strcspn(line, "\n");
        fprintf(out, "%*s%.*s\n", columns, "", n, line);
        line += n + (line[n] == '\n');
    }
    sb_buf_release(&clean);
}

static void print_command(FILE *out, const struct sb_preflight_cell *p) {
    struct sb_buf line = SB_BUF_INIT(1 << 20);
    for (size_t i = 0; i < p->env.n; i++) {
        size_t name = strcspn(p->env.item[i], "=") + 1;
        sb_buf_add(&line, p->env.item[i], name);
        sb_shell_quote(&line, p->env.item[i] + name);
        sb_buf_adds(&line, " ");
    }
    for (size_t i = 0; i < p->argv.n; i++) {
        sb_buf_adds(&line, i ? " " : "");
        sb_shell_quote(&line, p->argv.item[i]);
    }
    sb_print_indented(out, sb_buf_str(&line), 4);
    sb_buf_release(&line);
}

static void print_facts(FILE *out, const struct sb_preflight_cell *p) {
    struct sb_buf b = SB_BUF_INIT(4096);
    if (p->gguf) {
        char *size = sb_format_bytes(p->gguf->file_bytes), *need = sb_format_bytes(p->need_bytes);
        char *params = sb_format_params(p->gguf->total_params);
        sb_buf_addf(&b, "%s %s, %s in %u file%s", params, p->gguf->quantization, size,
                    p->gguf->n_shards, p->gguf->n_shards == 1 ? "" : "s");
        if (p->need_bytes)
            sb_buf_addf(&b, ", needs %s with its KV cache", need);
        sb_buf_adds(&b, "\n");
        free(size);
        free(need);
        free(params);
    }
    for (size_t i = 0; i < p->told.n; i++)
        sb_buf_addf(&b, "%s\n", p->told.item[i]);
    if (p->build) {
        sb_buf_addf(&b, "llama-server %s\n",
                    p->build->version ? p->build->version : "(no version)");
        for (size_t i = 0; i < p->build->n_devices; i++)
            sb_buf_addf(&b, "device %s: %s, %lld MiB, %lld free\n", p->build->devices[i].name,
                        p->build->devices[i].description, p->build->devices[i].total_mib,
                        p->build->devices[i].free_mib);
    }
    sb_print_indented(out, sb_buf_str(&b), 4);
    sb_buf_release(&b);
}

static void print_picture(FILE *out, const struct sb_config *c, const struct sb_preflight_cell *p) {
    const struct sb_image *image = sb_model_image(c, p->plan->model);
    if (!image)
        return;
    char *size = sb_format_bytes(image->len),
         *line = sb_asprintf("prompt with a picture: %s, %s", image->path, size);
    sb_print_indented(out, line, 4);
    free(line);
    free(size);
}

static void print_tunes(FILE *out, const struct sb_config *c, const struct sb_preflight_cell *p) {
    const struct sb_tunes *tunes = sb_backend_tunes(c, p->plan->backend);
    for (size_t i = 0; i < tunes->n; i++) {
        char *text = sb_tune_text(&tunes->item[i]);
        fprintf(out, "    first tunes %s: a short launch each\n", text);
        free(text);
    }
}

static void print_cell(FILE *out, const struct sb_config *c, const struct sb_preflight_cell *p) {
    for (size_t i = 0; i < p->n_faults; i++)
        sb_print_indented(out, p->faults[i].detail, 4);
    for (size_t i = 0; i < p->warnings.n; i++)
        fprintf(out, "    warning: %s\n", p->warnings.item[i]);
    print_facts(out, p);
    print_picture(out, c, p);
    print_tunes(out, c, p);
    if (p->argv.n)
        print_command(out, p);
}

/* ---- the faults by cause ------------------------------------------------------------------ */

struct cause {
    const char *reason;
    size_t n_cells;
    struct sb_strv details; /* different ones, in the order of the cells */
};

static void add_to_cause(struct cause *c, const struct sb_fault *f, bool first_of_cell) {
    c->reason = f->reason;
    c->n_cells += first_of_cell;
    if (!sb_strv_has(&c->details, f->detail))
        sb_strv_add(&c->details, f->detail);
}

static bool same_reason_before(const struct sb_preflight_cell *p, size_t fault) {
    for (size_t i = 0; i < fault; i++)
        if (strcmp(p->faults[i].reason, p->faults[fault].reason) == 0)
            return true;
    return false;
}

static void print_causes(FILE *out, const struct sb_preflight *p) {
    struct sb_index reasons = {0};
    struct cause *causes = NULL;
    for (size_t i = 0; i < p->n_cells; i++)
        for (size_t k = 0; k < p->cells[i].n_faults; k++) {
            const struct sb_fault *f = &p->cells[i].faults[k];
            size_t n = reasons.n, at = sb_index_add(&reasons, f->reason);
            if (reasons.n > n) {
                causes = sb_grow(causes, n, sizeof *causes);
                causes[n] = (struct cause){0};
            }
            add_to_cause(&causes[at], f, !same_reason_before(&p->cells[i], k));
        }
    if (reasons.n)
        fputs("\nwhat keeps cells from running:\n", out);
    for (size_t i = 0; i < reasons.n; i++) {
        fprintf(out, "  %zu cell%s: %s\n", causes[i].n_cells, causes[i].n_cells == 1 ? "" : "s",
                causes[i].reason);
        for (size_t k = 0; k < causes[i].details.n; k++)
            sb_print_indented(out, causes[i].details.item[k], 6);
        sb_strv_release(&causes[i].details);
    }
    free(causes);
    sb_index_release(&reasons);
}

/* ---- how long it will take ---------------------------------------------------------------- */

/* What is not there, or cannot be read, teaches nothing. */
static void learn(struct sb_eta *e, const char *earlier) {
    struct sb_results r;
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    if (sb_results_load(earlier, &r, &error) == 0) {
        sb_eta_learn_from(e, &r);
        sb_results_release(&r);
    }
    sb_buf_release(&error);
}

static void print_time(FILE *out, const struct sb_config *c, const struct sb_preflight *p,
                       const char *earlier) {
    struct sb_eta e;
    size_t each = (size_t)sb_config_likely_launches(c), launches = 0, known = 0, tries = 0;
    uint64_t bytes = 0;
    double known_s = 0, answers_s = 0;
    sb_eta_init(&e, c, p);
    learn(&e, earlier);
    for (size_t i = 0; i < p->n_cells; i++) {
        if (p->cells[i].n_faults)
            continue;
        size_t own = sb_tunes_launches(sb_backend_tunes(c, p->cells[i].plan->backend));
        tries += own;
        launches += own + each;
        if (p->cells[i].gguf && !p->cells[i].remote)
            bytes += (own + each) * p->cells[i].gguf->file_bytes;
        double try_s = sb_eta_try_s(&e, i);
        known += isnan(try_s) ? 0 : own;
        known_s += isnan(try_s) ? 0 : (double)own * try_s;
        for (size_t k = 1; k <= each; k++) {
            double launch_s = sb_eta_launch_s(&e, i, (int)k);
            known += isnan(launch_s) ? 0 : 1;
            known_s += isnan(launch_s) ? 0 : launch_s;
            answers_s += isnan(launch_s) ? 0 : sb_eta_answers_s(&e, i, (int)k);
        }
    }
    sb_eta_release(&e);
    char *size = sb_format_bytes(bytes);
    struct sb_buf text = SB_BUF_INIT(32);
    sb_format_duration(&text, known_s);
    if (known)
        fprintf(out, "about %s for %zu of %zu launches, by the times in %s\n", sb_buf_str(&text),
                known, launches, earlier);
    else if (launches && !bytes)
        fprintf(out, "%zu launch%s; how long that takes shows once one has ended\n", launches,
                launches == 1 ? "" : "es");
    else if (launches)
        fprintf(out,
                "%zu launch%s, which load%s %s in all; how long that takes shows once one has "
                "ended\n",
                launches, launches == 1 ? "" : "es", launches == 1 ? "s" : "", size);
    sb_buf_release(&text);
    if (tries)
        fprintf(out, "%zu of them are short ones that try values (`tune`)\n", tries);
    sb_format_duration(&text, answers_s);
    if (known && answers_s > 0)
        fprintf(out, "of it about %s for answers (`answers = off` saves that)\n",
                sb_buf_str(&text));
    sb_buf_release(&text);
    free(size);
}

int sb_print_plan(FILE *out, const struct sb_config *c, const struct sb_preflight *p,
                  const char *stem) {
    char *own = stem ? NULL : sb_output_default_stem(c->file);
    char *earlier = sb_asprintf("%s.json", stem ? stem : own);
    size_t bad = 0;
    for (size_t i = 0; i < p->n_cells; i++) {
        const struct sb_preflight_cell *cell = &p->cells[i];
        fprintf(out, "%s[%zu/%zu] %s / %s: %s\n", i ? "\n" : "", i + 1, p->n_cells, cell->label,
                cell->plan->backend->label, cell->n_faults ? cell->faults[0].reason : "ok");
        print_cell(out, c, cell);
        bad += cell->n_faults > 0;
    }
    print_causes(out, p);
    fputs("\n", out);
    print_time(out, c, p, earlier);
    free(earlier);
    free(own);
    fprintf(out, "%s: %zu cell%s, ", c->file, p->n_cells, p->n_cells == 1 ? "" : "s");
    fprintf(out, bad ? "%zu would not run\n" : "all can run\n", bad);
    return bad ? SB_EXIT_NOT_OK : SB_EXIT_OK;
}
