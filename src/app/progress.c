#include "progress.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "screen.h"
#include "stratobench/text.h"

static const char *const stage_names[] = {
    [SB_STAGE_COOLDOWN] = "cool-down", [SB_STAGE_LOAD] = "load",
    [SB_STAGE_WARMUP] = "warm-up",     [SB_STAGE_RUN] = "run",
    [SB_STAGE_STOP] = "stop",
};

void sb_progress_init(struct sb_progress *p, bool quiet, bool verbose) {
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    *p = (struct sb_progress){
        .screen = sb_screen_open(STDERR_FILENO), .quiet = quiet, .verbose = verbose};
    bool plain = (no_color && *no_color) || !term || strcmp(term, "dumb") == 0;
    p->terminal = p->colour = isatty(STDERR_FILENO) && !plain;
}

void sb_progress_begin(struct sb_progress *p) {
    p->began_s = sb_now_s();
    p->cell = SIZE_MAX;
    p->pace = sb_alloc(p->config->n_backends, sizeof *p->pace);
    p->cell_s = sb_alloc(p->config->n_cells, sizeof *p->cell_s);
}

void sb_progress_release(struct sb_progress *p) {
    fclose(p->screen);
    free(p->pace);
    free(p->cell_s);
    p->pace = NULL;
    p->cell_s = NULL;
}

void sb_progress_clear(struct sb_progress *p) {
    if (p->line_open)
        fputs("\r\x1b[K", p->screen);
    p->line_open = false;
}

void sb_progress_say(struct sb_progress *p, const char *fmt, ...) {
    sb_progress_clear(p);
    va_list ap;
    va_start(ap, fmt);
    char *text = sb_vasprintf(fmt, ap);
    va_end(ap);
    struct sb_buf clean = SB_BUF_INIT(SB_ERR_MAX);
    sb_buf_add_printable(&clean, text, strlen(text));
    fprintf(p->screen, "%s\n", sb_buf_str(&clean));
    sb_buf_release(&clean);
    free(text);
}

void sb_format_duration(double s, char *buf, size_t size) {
    long long t = (long long)(s + 0.5);
    if (t >= 3600)
        snprintf(buf, size, "%lldh%02lldm", t / 3600, t / 60 % 60);
    else if (t >= 60)
        snprintf(buf, size, "%lldm%02llds", t / 60, t % 60);
    else
        snprintf(buf, size, "%llds", t);
}

/* The time a launch takes grows with the bytes read for a token; a constant stands for the rest. */
static double weight(const struct sb_progress *p, size_t cell) {
    const struct sb_gguf *g = p->preflight->cells[cell].gguf;
    return (g ? (double)g->bytes_per_token : 0) + 50e6;
}

static struct sb_pace *pace_of(const struct sb_progress *p, size_t cell) {
    return &p->pace[p->config->cells[cell].backend - p->config->backends];
}

/* Launches of a cell that are still to be made, the one in flight included. */
static int launches_left(const struct sb_progress *p, size_t cell) {
    const struct sb_cell *c = &p->results->cells[cell];
    if (p->skip[cell] || p->preflight->cells[cell].problem || c->status != SB_PENDING)
        return 0;
    int left = sb_config_likely_launches(p->config) - (int)c->n_launches;
    return left < 1 && p->config->bench.launches == SB_LAUNCHES_AUTO ? 1 : left;
}

/* Seconds left, from what earlier launches of the same backend took, else of any backend; before
 * the first has ended, from the preflight's rough estimate. NaN = unknown. */
static double eta_s(const struct sb_progress *p) {
    struct sb_pace all = {0};
    double left_s = 0;
    for (size_t i = 0; i < p->config->n_backends; i++) {
        all.spent_s += p->pace[i].spent_s;
        all.weight += p->pace[i].weight;
    }
    for (size_t i = 0; i < p->config->n_cells; i++) {
        const struct sb_pace *own = pace_of(p, i);
        const struct sb_pace *pace = own->weight > 0 ? own : &all;
        double launch_s = pace->weight > 0
                              ? weight(p, i) * pace->spent_s / pace->weight
                              : p->preflight->cells[i].eta_s / sb_config_likely_launches(p->config);
        int n = launches_left(p, i);
        if (n > 0)
            left_s += n * launch_s;
        if (i == p->cell && n > 0)
            left_s -= fmin(sb_now_s() - p->launch_began_s, launch_s);
    }
    return left_s;
}

/* Called when the next launch begins, or its cell has ended. */
static void end_launch(struct sb_progress *p, bool counts) {
    if (p->cell == SIZE_MAX)
        return;
    double took_s = sb_now_s() - p->launch_began_s;
    p->cell_s[p->cell] += took_s;
    if (counts) {
        pace_of(p, p->cell)->spent_s += took_s;
        pace_of(p, p->cell)->weight += weight(p, p->cell);
    }
    p->cell = SIZE_MAX;
}

static const char *paint(const struct sb_progress *p, const char *code) {
    return p->colour ? code : "";
}

static size_t columns(void) {
    struct winsize w;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 1 ? w.ws_col : 80;
}

static void stage_text(const struct sb_progress *p, enum sb_stage stage, int launch, int index,
                       int of, struct sb_buf *b) {
    if (p->config->bench.launches == SB_LAUNCHES_AUTO)
        sb_buf_addf(b, "launch %d, ", launch);
    else if (p->config->bench.launches > 1)
        sb_buf_addf(b, "launch %d/%d, ", launch, p->config->bench.launches);
    sb_buf_adds(b, stage_names[stage]);
    if (index > 0 && of > 0)
        sb_buf_addf(b, " %d/%d", index, of);
    else if (index > 0)
        sb_buf_addf(b, " %d", index);
}

/* Of the selected cells, from 1. */
static size_t number_of(const struct sb_progress *p, size_t cell) {
    size_t n = 0;
    for (size_t i = 0; i <= cell; i++)
        n += p->config->cells[i].selected;
    return n;
}

void sb_progress_stage(struct sb_progress *p, size_t cell, enum sb_stage stage, int launch,
                       int index, int of) {
    if (p->cell != cell || p->launch != launch) {
        end_launch(p, true);
        p->cell = cell;
        p->launch = launch;
        p->launch_began_s = sb_now_s();
    }
    if (p->quiet || (!p->terminal && !p->verbose))
        return;
    const struct sb_cell *c = &p->results->cells[cell];
    char elapsed[32], left[32] = "?";
    sb_format_duration(sb_now_s() - p->began_s, elapsed, sizeof elapsed);
    double eta = eta_s(p);
    if (eta < 1) /* what it was measured by is used up: no figure is left to give */
        snprintf(left, sizeof left, "soon");
    else if (isfinite(eta))
        sb_format_duration(eta, left, sizeof left);
    struct sb_buf raw = SB_BUF_INIT(4096), line = SB_BUF_INIT(4096);
    sb_buf_addf(&raw, "[%zu/%zu] %s / %s: ", number_of(p, cell), p->config->n_selected,
                c->model.label, c->backend.label);
    stage_text(p, stage, launch, index, of, &raw);
    sb_buf_addf(&raw, " (%s, ETA %s)", elapsed, left);
    sb_buf_add_printable(&line, sb_buf_str(&raw), raw.len);
    const char *text = sb_buf_str(&line);
    if (p->terminal) {
        fprintf(p->screen, "\r\x1b[K%.*s", (int)sb_text_fit(text, columns() - 1), text);
        p->line_open = true;
    } else {
        fprintf(p->screen, "%s\n", text);
    }
    sb_buf_release(&raw);
    sb_buf_release(&line);
}

static void add_figure(struct sb_buf *b, const char *name, const struct sb_summary *s) {
    sb_buf_addf(b, ", %s %.1f", name, s->mean);
    if (isfinite(s->stddev))
        sb_buf_addf(b, " ±%.1f", s->stddev);
}

static void add_outcome(const struct sb_cell *c, struct sb_buf *b) {
    static const char *const words[] = {
        [SB_FAILED] = "ERROR", [SB_INVALID] = "INVALID", [SB_SKIPPED] = "SKIPPED"};
    if (c->status != SB_OK) {
        sb_buf_addf(b, "%s: %s", c->status == SB_PENDING ? "PENDING" : words[c->status],
                    c->reason ? c->reason : "");
        return;
    }
    sb_buf_adds(b, "load ");
    sb_format_load(b, c->load_s);
    add_figure(b, "PP", &c->pp_tps);
    add_figure(b, "TG", &c->tg_tps);
    sb_buf_adds(b, " tok/s");
    for (size_t i = 0; i < c->flags.n; i++)
        sb_buf_addf(b, " %s", c->flags.item[i]);
}

static void say_overhead(struct sb_progress *p, const struct sb_cell *c) {
    for (size_t i = 0; i < c->n_launches; i++)
        sb_progress_say(p,
                        "        launch %d: load %.3f s, exit %.3f s, added by the harness %.1f ms",
                        c->launches[i].launch, c->launches[i].load_s, c->launches[i].stop_s,
                        c->launches[i].overhead_s * 1000);
}

void sb_progress_ended(struct sb_progress *p, size_t cell) {
    const struct sb_cell *c = &p->results->cells[cell];
    end_launch(p, c->status == SB_OK);
    if (p->quiet)
        return;
    struct sb_buf b = SB_BUF_INIT(4096);
    char took[32];
    add_outcome(c, &b);
    sb_format_duration(p->cell_s[cell], took, sizeof took);
    bool ok = c->status == SB_OK;
    sb_progress_clear(p);
    fputs(paint(p, ok ? "\x1b[32m" : "\x1b[31m"), p->screen);
    fputs(ok ? "ok  " : "--  ", p->screen);
    fputs(paint(p, "\x1b[0m"), p->screen);
    sb_progress_say(p, "[%zu/%zu] %s / %s: %s (%s)", number_of(p, cell), p->config->n_selected,
                    c->model.label, c->backend.label, sb_buf_str(&b), took);
    if (p->verbose)
        say_overhead(p, c);
    sb_buf_release(&b);
}
