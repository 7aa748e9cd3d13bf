/* llama-bench's table, so that results can be pasted where people compare them. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "parts.h"

/* Its columns and their least widths; a cell that needs more has more. */
static const struct {
    const char *head;
    size_t width;
    bool right;
} columns[] = {
    {"model", 30, false}, {"size", 10, true}, {"params", 10, true}, {"backend", 10, false},
    {"ngl", 3, true},     {"test", 15, true}, {"t/s", 20, true},
};

static void put_cell(struct sb_buf *b, size_t column, const char *value) {
    size_t width = sb_text_width(value);
    int pad = width < columns[column].width ? (int)(columns[column].width - width) : 0;
    if (columns[column].right)
        sb_buf_addf(b, " %*s%s |", pad, "", value);
    else
        sb_buf_addf(b, " %s%*s |", value, pad, "");
}

static void put_head(struct sb_buf *b) {
    static const char dashes[] = "------------------------------";
    sb_buf_adds(b, "|");
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        put_cell(b, i, columns[i].head);
    sb_buf_adds(b, "\n|");
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        sb_buf_addf(b, " %.*s%s |", (int)columns[i].width - columns[i].right, dashes,
                    columns[i].right ? ":" : "");
    sb_buf_adds(b, "\n");
}

/* ---- what stands in a row ------------------------------------------------------------------- */

static char *escaped(const char *text) {
    struct sb_buf b = SB_BUF_INIT(SB_TEXT_MAX);
    sb_markdown_escape(&b, text);
    return sb_buf_detach(&b);
}

static char *size_of(const struct sb_cell *c) {
    double bytes = (double)c->model.file_bytes;
    if (bytes <= 0)
        return escaped(c->model.file_size ? c->model.file_size : "");
    bool gib = bytes >= (double)(1 << 30);
    return sb_asprintf("%.2f %s", bytes / (gib ? 1 << 30 : 1 << 20), gib ? "GiB" : "MiB");
}

/* "70B" reads "70 B". */
static char *params_of(const struct sb_cell *c) {
    const char *params = c->model.total_params ? c->model.total_params : "";
    size_t digits = strspn(params, "~0123456789.");
    char *spaced = digits && params[digits] && params[digits] != ' '
                       ? sb_asprintf("%.*s %s", (int)digits, params, params + digits)
                       : sb_strdup(params);
    char *safe = escaped(spaced);
    free(spaced);
    return safe;
}

/* As the server was told; -1 is all of them. */
static char *layers_of(const struct sb_cell *c) {
    static const char *const names[] = {"-ngl", "--gpu-layers", "--n-gpu-layers"};
    if (c->backend.device && strcmp(c->backend.device, "none") == 0)
        return sb_strdup("0");
    for (size_t i = 0; i + 1 < c->backend.argv.n; i++)
        for (size_t k = 0; k < ARRAY_LEN(names); k++)
            if (strcmp(c->backend.argv.item[i], names[k]) == 0) {
                const char *value = c->backend.argv.item[i + 1];
                return strcmp(value, "all") == 0 ? sb_strdup("-1") : escaped(value);
            }
    return sb_strdup("");
}

/* The tokens of a prompt: what the server counted, rounded over the runs. */
static long tokens_of(const struct sb_cell *c, struct sb_at at, enum sb_metric m) {
    double sum = 0;
    size_t n = 0;
    for (size_t i = 0; i < c->n_runs; i++) {
        const struct sb_run *r = &c->runs[i];
        long long tokens = m == SB_PP ? r->prompt_n : r->predicted_n;
        if (r->valid && !r->warmup && sb_at_same(r->at, at) && tokens >= 0) {
            sum += (double)tokens;
            n++;
        }
    }
    return n ? lround(sum / (double)n / at.slots) : -1;
}

static char *test_of(const struct sb_cell *c, struct sb_at at, enum sb_metric m) {
    long tokens = tokens_of(c, at, m);
    char *number = tokens >= 0 ? sb_asprintf("%ld", tokens) : sb_strdup("?");
    char *depth = at.depth > 0 ? sb_asprintf(" @ d%d", at.depth) : sb_strdup("");
    char *slots = at.slots > 1 ? sb_asprintf(" x %d", at.slots) : sb_strdup("");
    char *test = sb_asprintf("%s%s%s%s", m == SB_PP ? "pp" : "tg", number, depth, slots);
    free(slots);
    free(number);
    free(depth);
    return test;
}

static char *speed_of(const struct sb_summary *s) {
    return isfinite(s->stddev) ? sb_asprintf("%.2f ± %.2f", s->mean, s->stddev)
                               : sb_asprintf("%.2f", s->mean);
}

/* ---- rows ----------------------------------------------------------------------------------- */

static void put_row(struct sb_buf *b, const struct sb_cell *c, const struct sb_point *p,
                    enum sb_metric m) {
    const struct sb_summary *figure = sb_point_summary(p, m);
    if (figure->n == 0)
        return;
    char *cells[] = {escaped(sb_model_label(c)),
                     size_of(c),
                     params_of(c),
                     escaped(sb_backend_label(c)),
                     layers_of(c),
                     test_of(c, p->at, m),
                     speed_of(figure)};
    sb_buf_adds(b, "|");
    for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
        put_cell(b, i, cells[i]);
        free(cells[i]);
    }
    sb_buf_adds(b, "\n");
}

static void put_rows(struct sb_buf *b, const struct sb_cell *c) {
    struct report_row first = report_row_of_cell(c);
    const struct sb_point *points = c->n_points ? c->points : &first.point;
    for (size_t i = 0; c->status == SB_OK && (i < c->n_points || i == 0); i++) {
        put_row(b, c, &points[i], SB_PP);
        put_row(b, c, &points[i], SB_TG);
    }
}

/* "0.7.0 (build 11669, commit 1a2b3c4)" reads "1a2b3c4 (11669)"; anything else as it is. */
static char *build_of(const char *version) {
    const char *build = strstr(version, "build "), *commit = strstr(version, "commit ");
    if (!build || !commit)
        return escaped(version);
    build += strlen("build ");
    commit += strlen("commit ");
    char *plain = sb_asprintf("%.*s (%.*s)", (int)strcspn(commit, ",) "), commit,
                              (int)strspn(build, "0123456789"), build);
    char *safe = escaped(plain);
    free(plain);
    return safe;
}

static void put_builds(struct sb_buf *b, const struct sb_results *set) {
    struct sb_strv said = {0};
    for (size_t i = 0; i < set->n_cells; i++) {
        const char *version = set->cells[i].backend.server_version;
        char *build = version && set->cells[i].status == SB_OK ? build_of(version) : NULL;
        if (build && !sb_strv_has(&said, build)) {
            sb_buf_addf(b, "%sbuild: %s\n", said.n ? "" : "\n", build);
            sb_strv_add(&said, build);
        }
        free(build);
    }
    sb_strv_release(&said);
}

int sb_report_llama_bench(const struct sb_results *const *sets, size_t n, struct sb_buf *ret) {
    struct sb_sections all = sb_results_merge(sets, n);
    for (size_t i = 0; i < all.n; i++) {
        const struct sb_results *set = &all.item[i].set;
        sb_buf_adds(ret, i ? "\n" : "");
        put_head(ret);
        for (size_t c = 0; c < set->n_cells; c++)
            put_rows(ret, &set->cells[c]);
        put_builds(ret, set);
    }
    sb_sections_release(&all);
    return ret->overflow ? -EFBIG : 0;
}
