/* Tables that stand under a group's runs when there is something to put in them: launches, the
 * physical limit, load and resources. */
#include <math.h>
#include <stdlib.h>

#include "parts.h"

/* ---- launches ------------------------------------------------------------------------------ */

static bool has_launches(const struct report_row *r) {
    size_t n;
    free(sb_cell_launch_means(r->cell, SB_PP, r->point.at, &n));
    return r->cell->status == SB_OK && n > 1;
}

static void put_launch_means(struct sb_buf *b, const struct report_row *r, enum sb_metric m) {
    size_t n;
    double *x = sb_cell_launch_means(r->cell, m, r->point.at, &n);
    for (size_t i = 0; i < n; i++)
        sb_buf_addf(b, "%s%.1f", i ? ", " : "", x[i]);
    free(x);
}

static double launch_spread(const struct sb_cell *c, enum sb_metric m) {
    size_t n;
    double *x = sb_cell_launch_means(c, m, sb_cell_first_at(c), &n);
    struct sb_summary s = sb_summarize(x, n);
    free(x);
    return sb_cv(&s);
}

static void put_launch_pp(struct sb_buf *b, struct report_group *g, const struct report_row *r) {
    (void)g;
    put_launch_means(b, r, SB_PP);
}

static void put_launch_tg(struct sb_buf *b, struct report_group *g, const struct report_row *r) {
    (void)g;
    put_launch_means(b, r, SB_TG);
}

static double pp_spread(const struct sb_cell *c) {
    return launch_spread(c, SB_PP);
}

static double tg_spread(const struct sb_cell *c) {
    return launch_spread(c, SB_TG);
}

static bool has_launch_loads(const struct report_row *r) {
    return r->cell->n_launches > 1;
}

static void put_launch_loads(struct sb_buf *b, struct report_group *g, const struct report_row *r) {
    (void)g;
    for (size_t i = 0; i < r->cell->n_launches; i++) {
        sb_buf_adds(b, i ? ", " : "");
        sb_format_load(b, r->cell->launches[i].load_s);
    }
}

/* ---- the physical limit of TG --------------------------------------------------------------- */

static bool has_limit(const struct report_row *r) {
    return isfinite(r->cell->tg_limit_share) && r->cell->tg_tps.n > 0;
}

static double bandwidth(const struct sb_cell *c) {
    return c->bandwidth_gb_s;
}

static double bytes_per_token(const struct sb_cell *c) {
    return c->model.bytes_per_token > 0 ? (double)c->model.bytes_per_token : NAN;
}

static double tg_mean(const struct sb_cell *c) {
    return c->tg_tps.mean;
}

static double tg_limit(const struct sb_cell *c) {
    return c->tg_tps.mean / c->tg_limit_share;
}

static double limit_share(const struct sb_cell *c) {
    return c->tg_limit_share;
}

/* ---- load and resources --------------------------------------------------------------------- */

/* The greatest figure of all launches; fmax lets a number win over NaN. */
#define GREATEST(name, figure)                                                                     \
    static double name(const struct sb_cell *c) {                                                  \
        double most = NAN;                                                                         \
        for (size_t i = 0; i < c->n_launches; i++) {                                               \
            const struct sb_launch *l = &c->launches[i];                                           \
            most = fmax(most, figure);                                                             \
        }                                                                                          \
        return most;                                                                               \
    }
#define BYTES(x) ((x) < 0 ? NAN : (double)(x))
GREATEST(peak_rss, BYTES(l->peak_rss_bytes))
GREATEST(peak_vram, BYTES(l->peak_vram_bytes))
GREATEST(peak_gtt, BYTES(l->peak_gtt_bytes))
GREATEST(temperature, l->temperature_max_c)

static double mean_ttft_ms(const struct sb_run *r) {
    double sum = 0;
    for (size_t i = 0; i < r->n_each; i++)
        sum += r->each[i].ttft_ms;
    return sum / (double)r->n_each;
}

/* What the prompt takes at the cell's first prompt and depth, up to the first token. */
static double ttft_ms(const struct sb_cell *c) {
    struct sb_at at = sb_cell_first_at(c);
    double sum = 0;
    size_t n = 0;
    for (size_t i = 0; i < c->n_runs; i++) {
        const struct sb_run *r = &c->runs[i];
        if (sb_run_counts(r) && sb_at_same(r->at, at) && isfinite(r->prompt_ms)) {
            sum += r->n_each ? mean_ttft_ms(r) : r->prompt_ms;
            n++;
        }
    }
    return n ? sum / (double)n : NAN;
}

/* Of the launch whose load time the main table shows. */
static double cached_share(const struct sb_cell *c) {
    return c->n_launches ? c->launches[0].cached_share : NAN;
}

static double load_rate(const struct sb_cell *c) {
    return c->load_s > 0 && c->model.file_bytes > 0 ? (double)c->model.file_bytes / c->load_s : NAN;
}

static bool has_load_rate(const struct report_row *r) {
    return isfinite(load_rate(r->cell));
}

/* A backend that compiles its shaders first reads next to nothing a second: that is no 0.00. */
static void put_load_rate(struct sb_buf *b, struct report_group *g, const struct report_row *r) {
    (void)g;
    double rate = load_rate(r->cell);
    if (rate < 1e8)
        report_figure(b, rate / 1e6, rate < 1e7 ? 1 : 0, " MB/s");
    else
        report_figure(b, rate / 1e9, 2, " GB/s");
}

static double power(const struct sb_cell *c) {
    double sum_w = 0;
    size_t n = 0;
    for (size_t i = 0; i < c->n_launches; i++)
        if (isfinite(c->launches[i].power_w)) {
            sum_w += c->launches[i].power_w;
            n++;
        }
    return n ? sum_w / (double)n : NAN;
}

/* All tokens by all energy, not a mean of quotients. */
static double tokens_per_joule(const struct sb_cell *c) {
    double tokens = 0, energy_j = 0;
    for (size_t i = 0; i < c->n_launches; i++) {
        const struct sb_launch *l = &c->launches[i];
        if (isfinite(l->energy_tok_per_j) && l->energy_j > 0) {
            tokens += l->energy_tok_per_j * l->energy_j;
            energy_j += l->energy_j;
        }
    }
    return energy_j > 0 ? tokens / energy_j : NAN;
}

static bool has_resources(const struct report_row *r) {
    double (*const figures[])(const struct sb_cell *) = {
        ttft_ms, cached_share, peak_rss, peak_vram, peak_gtt, temperature, power, tokens_per_joule};
    for (size_t i = 0; i < ARRAY_LEN(figures); i++)
        if (isfinite(figures[i](r->cell)))
            return true;
    return false;
}

/* Load times of one model tell backends apart only when all found as much of the file in
 * memory; over this difference they do not. */
#define CACHED_SHARE_APART 0.5

static void put_cached_shares(struct sb_buf *b, const struct sb_cell *c) {
    sb_buf_adds(b, " ");
    sb_markdown_escape(b, sb_backend_label(c));
    for (size_t i = 0; i < c->n_launches; i++)
        sb_buf_addf(b, "%s%.0f %%", i ? ", " : " ", 100 * c->launches[i].cached_share);
}

static void warn_of_mixed_loads(struct sb_buf *b, const struct sb_cell *cells, size_t n) {
    double least = NAN, most = NAN;
    for (size_t i = 0; i < n; i++)
        for (size_t l = 0; l < cells[i].n_launches; l++) {
            least = fmin(least, cells[i].launches[l].cached_share);
            most = fmax(most, cells[i].launches[l].cached_share);
        }
    if (!(most - least > CACHED_SHARE_APART))
        return;
    sb_buf_adds(b, "Load times of ");
    sb_markdown_escape(b, sb_model_label(cells));
    sb_buf_adds(b, " are not comparable; share of the file in memory when the launches began:");
    for (size_t i = 0, said = 0; i < n; i++)
        if (cells[i].n_launches && isfinite(cells[i].launches[0].cached_share)) {
            sb_buf_adds(b, said++ ? ";" : "");
            put_cached_shares(b, &cells[i]);
        }
    sb_buf_adds(b, ".\n\n");
}

static void put_mixed_loads(struct sb_buf *b, struct report_group *g) {
    for (size_t i = 0, n; i < g->n_cells; i += n) {
        for (n = 1; i + n < g->n_cells && sb_same_model(&g->cells[i], &g->cells[i + n]); n++)
            ;
        warn_of_mixed_loads(b, &g->cells[i], n);
    }
}

/* Who timed what, where it was not the server itself. */
static void put_client_clock(struct sb_buf *b, const struct report_group *g) {
    struct sb_strv said = {0};
    for (size_t i = 0; i < g->n_cells; i++) {
        const char *label = sb_backend_label(&g->cells[i]);
        if (!g->cells[i].backend.clock || sb_strv_has(&said, label))
            continue;
        sb_buf_adds(b, said.n ? ", " : "**Client clock:** ");
        sb_markdown_escape(b, label);
        sb_strv_add(&said, label);
    }
    if (said.n)
        sb_buf_adds(
            b, ": timed by stratobench, not by the server: TTFT from the request sent to the "
               "first token, TG from there to the last, PP the tokens of the prompt over TTFT. "
               "The network and a queue at the server are in them.\n\n");
    sb_strv_release(&said);
}

/* ---- the tables ----------------------------------------------------------------------------- */

static const struct report_column *const launch_columns[] = {
    &report_column_model,
    &report_column_backend,
    &(const struct report_column){"PP of each", .put = put_launch_pp, .figures = true},
    &(const struct report_column){"PP spread", .value = pp_spread, .scale = 100, .decimals = 1,
                                  .unit = " %"},
    &(const struct report_column){"TG of each", .put = put_launch_tg, .figures = true},
    &(const struct report_column){"TG spread", .value = tg_spread, .scale = 100, .decimals = 1,
                                  .unit = " %"},
    &(const struct report_column){"Load of each", .put = put_launch_loads, .has = has_launch_loads,
                                  .figures = true},
};

static const struct report_column *const limit_columns[] = {
    &report_column_model,
    &report_column_backend,
    &(const struct report_column){"Bandwidth", .value = bandwidth, .unit = " GB/s"},
    &(const struct report_column){"Read per token", .value = bytes_per_token, .scale = 1e-9,
                                  .decimals = 2, .unit = " GB"},
    &(const struct report_column){"Limit", .value = tg_limit, .decimals = 1, .unit = " tok/s"},
    &(const struct report_column){"TG", .value = tg_mean, .decimals = 1, .unit = " tok/s"},
    &(const struct report_column){"% of limit", .value = limit_share, .scale = 100, .unit = " %"},
};

#define GIB (1.0 / (1 << 30))
static const struct report_column *const resource_columns[] = {
    &report_column_model,
    &report_column_backend,
    &(const struct report_column){"TTFT", .value = ttft_ms, .unit = " ms"},
    &(const struct report_column){"In memory before", .value = cached_share, .scale = 100,
                                  .unit = " %"},
    &(const struct report_column){"Load rate", .put = put_load_rate, .has = has_load_rate,
                                  .figures = true},
    &(const struct report_column){"Peak RSS", .value = peak_rss, .scale = GIB, .decimals = 1,
                                  .unit = " GiB"},
    &(const struct report_column){"Peak VRAM", .value = peak_vram, .scale = GIB, .decimals = 1,
                                  .unit = " GiB"},
    &(const struct report_column){"Peak GTT", .value = peak_gtt, .scale = GIB, .decimals = 1,
                                  .unit = " GiB"},
    &(const struct report_column){"Temperature", .value = temperature, .unit = " °C"},
    &(const struct report_column){"Power", .value = power, .unit = " W"},
    &(const struct report_column){"Energy", .value = tokens_per_joule, .decimals = 3,
                                  .unit = " tok/J"},
};

static const struct {
    bool (*has)(const struct report_row *r); /* the rows that the table shows */
    const char *caption;
    const struct report_column *const *columns;
    size_t n_columns;
} tables[] = {
    {has_launches,
     "**Launches:** the mean of each server process, in the order made, and the sample standard "
     "deviation between them; the Load above is the first of each",
     launch_columns, ARRAY_LEN(launch_columns)},
    {has_limit, "**Limit of TG:** memory bandwidth divided by the bytes read for one token",
     limit_columns, ARRAY_LEN(limit_columns)},
    {has_resources, "**Times and resources:** TTFT is the mean time to the first token",
     resource_columns, ARRAY_LEN(resource_columns)},
};

void report_extras(struct report_doc *d, struct report_group *g) {
    struct report_row *rows = sb_alloc(g->n_cells, sizeof *rows);
    for (size_t t = 0; t < ARRAY_LEN(tables); t++) {
        size_t n = 0;
        for (size_t i = 0; i < g->n_cells; i++) {
            rows[n] = report_row_of_cell(&g->cells[i]);
            n += tables[t].has(&rows[n]);
        }
        if (n == 0)
            continue;
        sb_buf_addf(d->text, "%s\n\n", tables[t].caption);
        report_table(d, g, tables[t].columns, tables[t].n_columns, rows, n);
    }
    free(rows);
    put_mixed_loads(d->text, g);
    put_client_clock(d->text, g);
}
