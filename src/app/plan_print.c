#include "plan_print.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
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

/* ---- the plan ----------------------------------------------------------------------------- */

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
        sb_buf_addf(&b, "%s %s, %s in %u file%s, needs %s with its KV cache\n", params,
                    p->gguf->quantization, size, p->gguf->n_shards,
                    p->gguf->n_shards == 1 ? "" : "s", need);
        free(size);
        free(need);
        free(params);
    }
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

int sb_print_plan(FILE *out, const struct sb_config *c, const struct sb_preflight *p) {
    size_t bad = 0;
    double eta = 0;
    for (size_t i = 0; i < p->n_cells; i++) {
        const struct sb_preflight_cell *cell = &p->cells[i];
        fprintf(out, "%s[%zu/%zu] %s / %s: %s\n", i ? "\n" : "", i + 1, p->n_cells,
                cell->label, cell->plan->backend->label,
                cell->problem ? cell->problem : "ok");
        if (cell->problem) {
            sb_print_indented(out, cell->detail, 4);
            bad++;
        } else if (!isnan(cell->eta_s)) {
            eta += cell->eta_s;
        }
        for (size_t k = 0; k < cell->warnings.n; k++)
            fprintf(out, "    warning: %s\n", cell->warnings.item[k]);
        print_facts(out, cell);
        print_command(out, cell);
    }
    char text[32];
    sb_format_duration(eta, text, sizeof text);
    fprintf(out, "\n%s: %zu cells, %zu would not run; about %s for the others (a rough guess)\n",
            c->file, p->n_cells, bad, text);
    return bad ? SB_EXIT_NOT_OK : SB_EXIT_OK;
}

/* ---- the results -------------------------------------------------------------------------- */

static int width_of(const char *s) {
    int n = 0;
    for (; *s; s++)
        n += (*s & 0xc0) != 0x80;
    return n;
}

static void print_padded(FILE *out, const char *text, int width) {
    struct sb_buf clean = SB_BUF_INIT(4096);
    sb_buf_add_printable(&clean, text, strlen(text));
    fprintf(out, "%s%*s", sb_buf_str(&clean), width - width_of(sb_buf_str(&clean)) + 2, "");
    sb_buf_release(&clean);
}

static void print_figure(FILE *out, const struct sb_summary *s, int width) {
    char text[64];
    if (isfinite(s->stddev))
        snprintf(text, sizeof text, "%.1f ±%.1f", s->mean, s->stddev);
    else
        snprintf(text, sizeof text, "%.1f", s->mean);
    print_padded(out, text, width);
}

void sb_print_results_table(FILE *out, const struct sb_results *r) {
    int model = 5, backend = 7;
    for (size_t i = 0; i < r->n_cells; i++) {
        int m = width_of(r->cells[i].model.label), b = width_of(r->cells[i].backend.label);
        model = m > model ? m : model;
        backend = b > backend ? b : backend;
    }
    fputs("\n", out);
    print_padded(out, "Model", model);
    print_padded(out, "Backend", backend);
    print_padded(out, "Load", 8);
    print_padded(out, "PP (tok/s)", 16);
    fputs("TG (tok/s)\n", out);
    for (size_t i = 0; i < r->n_cells; i++) {
        const struct sb_cell *c = &r->cells[i];
        print_padded(out, c->model.label, model);
        print_padded(out, c->backend.label, backend);
        if (c->status == SB_OK) {
            struct sb_buf load = SB_BUF_INIT(32);
            sb_format_load(&load, c->load_s);
            print_padded(out, sb_buf_str(&load), 8);
            sb_buf_release(&load);
            print_figure(out, &c->pp_tps, 16);
            print_figure(out, &c->tg_tps, 0);
        } else {
            fprintf(out, "%s: ", sb_status_name(c->status));
            print_padded(out, c->reason ? c->reason : "not measured yet", 0);
        }
        fputs("\n", out);
    }
}
