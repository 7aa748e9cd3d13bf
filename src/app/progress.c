#include "progress.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "screen.h"
#include "stratobench/text.h"
#include "terminal.h"

static const char *const stage_names[] = {
    [SB_STAGE_COOLDOWN] = "cool-down", [SB_STAGE_LOAD] = "load",
    [SB_STAGE_WARMUP] = "warm-up",     [SB_STAGE_RUN] = "run",
    [SB_STAGE_STOP] = "stop",          [SB_STAGE_INTERRUPT] = "interrupted",
    [SB_STAGE_ANSWERS] = "answers",    [SB_STAGE_TURNS] = "turn",
};

void sb_progress_init(struct sb_progress *p, bool quiet, bool verbose) {
    *p = (struct sb_progress){
        .screen = sb_screen_open(STDERR_FILENO), .quiet = quiet, .verbose = verbose};
    p->terminal = p->colour = sb_terminal_is_live(STDERR_FILENO);
}

void sb_progress_begin(struct sb_progress *p) {
    p->cell = SIZE_MAX;
    p->cell_s = sb_alloc(p->config->n_cells, sizeof *p->cell_s);
    sb_eta_init(&p->eta, p->config, p->preflight);
    sb_eta_learn_from(&p->eta, p->results); /* what a resumed file holds */
    for (size_t i = 0; i < p->config->n_cells; i++)
        p->n_ended += p->skip[i] && p->config->cells[i].selected;
    if (p->terminal)
        sb_progress_say(p, "the line below stands still while a run is timed, so as not to disturb "
                           "it");
}

void sb_progress_release(struct sb_progress *p) {
    fclose(p->screen);
    sb_eta_release(&p->eta);
    free(p->cell_s);
    p->cell_s = NULL;
}

void sb_progress_clear(struct sb_progress *p) {
    if (p->line_open)
        fputs("\r\x1b[K", p->screen);
    p->line_open = false;
}

static void print_clean(const struct sb_progress *p, const char *text) {
    struct sb_buf clean = SB_BUF_INIT(SB_ERR_MAX);
    sb_buf_add_printable(&clean, text, strlen(text));
    fputs(sb_buf_str(&clean), p->screen);
    sb_buf_release(&clean);
}

static void print_line(struct sb_progress *p, const char *fmt, va_list ap) {
    char *text = sb_vasprintf(fmt, ap);
    struct sb_buf filled = SB_BUF_INIT(SB_ERR_MAX);
    size_t indent = strspn(text, " ");
    sb_progress_clear(p);
    sb_buf_add(&filled, text, indent);
    if (p->terminal)
        sb_text_fill(&filled, text + indent, indent, sb_terminal_columns(STDERR_FILENO));
    else
        sb_buf_adds(&filled, text + indent);
    print_clean(p, sb_buf_str(&filled));
    fputs("\n", p->screen);
    sb_buf_release(&filled);
    free(text);
}

void sb_progress_say(struct sb_progress *p, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    if (!p->quiet)
        print_line(p, fmt, ap);
    va_end(ap);
}

void sb_progress_complain(struct sb_progress *p, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    print_line(p, fmt, ap);
    va_end(ap);
}

/* ---- how much is left --------------------------------------------------------------------- */

/* Launches of a cell that are still to be made, the one in flight included. */
static int launches_left(const struct sb_progress *p, size_t cell) {
    const struct sb_cell *c = &p->results->cells[cell];
    if (p->skip[cell] || p->preflight->cells[cell].n_faults || c->status != SB_PENDING)
        return 0;
    int left = sb_config_likely_launches(p->config) - (int)c->n_launches;
    return left < 1 && p->config->bench.launches == SB_LAUNCHES_AUTO ? 1 : left;
}

/* Values that are still to be tried, before any launch is measured. */
static int tries_left(const struct sb_progress *p, size_t cell) {
    const struct sb_cell *c = &p->results->cells[cell];
    const struct sb_tunes *t = sb_backend_tunes(p->config, p->config->cells[cell].backend);
    size_t n = c->n_launches == 0 && launches_left(p, cell) ? sb_tunes_launches(t) : 0;
    return n > c->n_tried ? (int)(n - c->n_tried) : 0;
}

static int all_launches(const struct sb_progress *p) {
    int n = p->n_launches - (p->cell != SIZE_MAX); /* that one is still counted as left */
    for (size_t i = 0; i < p->config->n_cells; i++)
        n += launches_left(p, i) + tries_left(p, i);
    return n > p->n_launches ? n : p->n_launches;
}

/* Seconds left; NaN while no launch has shown how long one of those to come takes. */
static double left_s(const struct sb_progress *p) {
    double sum_s = 0;
    for (size_t i = 0; i < p->config->n_cells; i++) {
        int first = (int)p->results->cells[i].n_launches + 1, n = launches_left(p, i);
        for (int k = 0; k < n; k++)
            sum_s += sb_eta_launch_s(&p->eta, i, first + k);
        if (tries_left(p, i))
            sum_s += tries_left(p, i) * sb_eta_try_s(&p->eta, i);
        if (n && i == p->cell)
            sum_s -=
                fmin(sb_now_s() - p->launch_began_s,
                     p->launch < 0 ? sb_eta_try_s(&p->eta, i) : sb_eta_launch_s(&p->eta, i, first));
    }
    return sum_s;
}

/* Called when the next launch begins, or its cell has ended. */
static void end_launch(struct sb_progress *p, bool counts) {
    if (p->cell == SIZE_MAX)
        return;
    double took_s = sb_now_s() - p->launch_began_s;
    p->cell_s[p->cell] += took_s;
    if (counts)
        sb_eta_learn(&p->eta, p->cell, took_s, &p->results->cells[p->cell], p->launch);
    p->cell = SIZE_MAX;
}

/* ---- the live line ------------------------------------------------------------------------ */

static void add_time(struct sb_buf *b, time_t when, const char *format) {
    char text[32];
    struct tm local;
    localtime_r(&when, &local);
    strftime(text, sizeof text, format, &local);
    sb_buf_adds(b, text);
}

/* ", done about 21:24", with the day where that is not today; nothing while it is not known. */
static void add_end(const struct sb_progress *p, struct sb_buf *b) {
    double s = left_s(p);
    if (!isfinite(s))
        return;
    time_t now = time(NULL), then = now + (time_t)s;
    struct tm today, day;
    localtime_r(&now, &today);
    localtime_r(&then, &day);
    sb_buf_adds(b, ", done about ");
    add_time(b, then,
             today.tm_yday == day.tm_yday ? "%H:%M"
             : s < 6 * 86400              ? "%a %H:%M"
                                          : "%e %b %H:%M");
}

/* "run 2/3 since 21:03:10", "load 12s" */
static void add_stage(const struct sb_progress *p, bool since, struct sb_buf *b) {
    sb_buf_addf(b, "%s%s", p->launch < 0 ? "tuning, " : "", stage_names[p->stage]);
    if (p->index > 0 && p->of > 0)
        sb_buf_addf(b, " %d/%d", p->index, p->of);
    else if (p->index > 0)
        sb_buf_addf(b, " %d", p->index);
    if (p->at.slots > 1 && (p->stage == SB_STAGE_RUN || p->stage == SB_STAGE_WARMUP))
        sb_buf_addf(b, ", %d at once", p->at.slots);
    if (!since)
        return;
    if (sb_progress_ticks(p)) {
        sb_buf_adds(b, " ");
        sb_format_duration(b, sb_now_s() - p->stage_began_s);
    } else {
        sb_buf_adds(b, " since ");
        add_time(b, p->stage_began, "%H:%M:%S");
    }
}

bool sb_progress_ticks(const struct sb_progress *p) {
    return p->stage == SB_STAGE_LOAD || p->stage == SB_STAGE_COOLDOWN;
}

/* The parts of the line, and which of them fit: the stage first, then the end, the whole name, the
 * note. */
static void add_line(const struct sb_progress *p, size_t width, struct sb_buf *b) {
    enum { LEAST_NAME = 12 };
    struct sb_buf head = SB_BUF_INIT(64), stage = SB_BUF_INIT(128), end = SB_BUF_INIT(64),
                  name = SB_BUF_INIT(4096);
    const struct sb_cell *c = &p->results->cells[p->cell];
    const char *note = p->stage == SB_STAGE_RUN ? " (still while it is timed)" : "";
    sb_buf_addf(&head, "[%d/%s%d] ", p->n_launches,
                p->config->bench.launches == SB_LAUNCHES_AUTO ? "~" : "", all_launches(p));
    char *both = sb_asprintf("%s / %s", c->model.label, c->backend.label);
    sb_buf_add_printable(&name, both, strlen(both));
    free(both);
    add_stage(p, true, &stage);
    add_end(p, &end);
    if (head.len + LEAST_NAME + stage.len + 2 > width) {
        sb_buf_release(&stage);
        stage.limit = 128;
        add_stage(p, false, &stage);
    }
    size_t fixed = head.len + 2 + stage.len;
    if (fixed + end.len + LEAST_NAME > width)
        sb_buf_release(&end);
    fixed += end.len;
    size_t room = width > fixed ? width - fixed : 0, whole = sb_text_width(sb_buf_str(&name));
    sb_buf_adds(b, sb_buf_str(&head));
    if (whole <= room)
        sb_buf_adds(b, sb_buf_str(&name));
    else if (room > 1)
        sb_buf_addf(b, "%.*s…", (int)sb_text_fit(sb_buf_str(&name), room - 1), sb_buf_str(&name));
    sb_buf_addf(b, ": %s%s%s", sb_buf_str(&stage), whole + strlen(note) <= room ? note : "",
                sb_buf_str(&end));
    sb_buf_release(&head);
    sb_buf_release(&stage);
    sb_buf_release(&end);
    sb_buf_release(&name);
}

static void show(struct sb_progress *p) {
    struct sb_buf line = SB_BUF_INIT(8192);
    size_t width = p->terminal ? sb_terminal_columns(STDERR_FILENO) - 1 : SIZE_MAX;
    add_line(p, width, &line);
    if (p->terminal) {
        const char *text = sb_buf_str(&line);
        fprintf(p->screen, "\r\x1b[K%.*s", (int)sb_text_fit(text, width), text);
        p->line_open = true;
    } else {
        fprintf(p->screen, "%s\n", sb_buf_str(&line));
    }
    sb_buf_release(&line);
}

void sb_progress_stage(struct sb_progress *p, size_t cell, enum sb_stage stage, int launch,
                       int index, int of) {
    if (p->cell != cell || p->launch != launch) {
        end_launch(p, true);
        p->cell = cell;
        p->launch = launch;
        p->launch_began_s = sb_now_s();
        p->n_launches++;
    }
    p->stage = stage;
    p->index = index;
    p->of = of;
    p->stage_began_s = sb_now_s();
    p->stage_began = time(NULL);
    if (stage == SB_STAGE_INTERRUPT)
        sb_progress_say(p, "interrupted: ending the server (once more, and it is killed at once)");
    else if (!p->quiet && (p->terminal || p->verbose))
        show(p);
}

void sb_progress_tick(struct sb_progress *p) {
    if (!p->quiet && p->terminal && p->cell != SIZE_MAX && sb_progress_ticks(p))
        show(p);
}

/* ---- a line for each finished cell -------------------------------------------------------- */

static void add_outcome(const struct sb_cell *c, struct sb_buf *b) {
    if (c->status != SB_OK) {
        sb_buf_addf(b, "%s: %s", sb_status_word(c->status), c->reason ? c->reason : "");
        return;
    }
    sb_buf_adds(b, "load ");
    sb_format_load(b, c->load_s);
    sb_buf_adds(b, ", PP ");
    sb_mean_add(b, c->pp_tps.mean, c->pp_tps.stddev);
    sb_buf_adds(b, ", TG ");
    sb_mean_add(b, c->tg_tps.mean, c->tg_tps.stddev);
    sb_buf_adds(b, " tok/s");
}

/* "; answers: 64 tokens, 1.2 s" */
static char *answers_took(const struct sb_cell *c, int launch) {
    double sum_s = 0;
    size_t n = 0;
    for (size_t i = 0; i < c->n_answers; i++)
        if (c->answers[i].launch == launch) {
            sum_s += c->answers[i].wall_s;
            n += c->answers[i].n_positions;
        }
    return n ? sb_asprintf("; answers: %zu tokens, %.1f s", n, sum_s) : sb_strdup("");
}

static void say_overhead(struct sb_progress *p, const struct sb_cell *c) {
    for (size_t i = 0; i < c->n_launches; i++) {
        const struct sb_launch *l = &c->launches[i];
        char *answers = answers_took(c, l->launch);
        if (c->backend.url)
            sb_progress_say(p, "        launch %d: %.3f s of a server that runs already%s",
                            l->launch, l->wall_s, answers);
        else
            sb_progress_say(
                p, "        launch %d: load %.3f s, exit %.3f s, added by the harness %.1f ms%s",
                l->launch, l->load_s, l->stop_s, l->overhead_s * 1000, answers);
        free(answers);
    }
}

static void print_painted(const struct sb_progress *p, const char *colour, const char *text) {
    bool colours = p->colour && *text;
    fputs(colours ? colour : "", p->screen);
    print_clean(p, text);
    fputs(colours ? SB_PLAIN : "", p->screen);
}

/* Words below each other, at the indent of a line that has begun there. */
static void print_filled(const struct sb_progress *p, const char *colour, const char *text) {
    enum { INDENT = 4 };
    struct sb_buf b = SB_BUF_INIT(SB_ERR_MAX);
    sb_text_fill(&b, text, INDENT, sb_terminal_columns(STDERR_FILENO));
    print_painted(p, colour, sb_buf_str(&b));
    sb_buf_release(&b);
}

/* In one line, or in several where the terminal is too narrow for one. */
static void print_ended(struct sb_progress *p, const struct sb_cell *c, const char *took) {
    bool ok = c->status == SB_OK;
    struct sb_buf outcome = SB_BUF_INIT(4096), flags = SB_BUF_INIT(4096);
    char *head = sb_asprintf("[%zu/%zu] %s / %s:", p->n_ended, p->config->n_selected,
                             c->model.label, c->backend.label);
    add_outcome(c, &outcome);
    for (size_t i = 0; ok && i < c->flags.n; i++)
        sb_buf_addf(&flags, " %s", c->flags.item[i]);
    size_t width = 4 + sb_text_width(head) + 1 + sb_text_width(sb_buf_str(&outcome)) + flags.len +
                   3 + strlen(took);
    sb_progress_clear(p);
    print_painted(p, ok ? SB_GREEN : SB_RED, ok ? "ok  " : "--  ");
    if (!p->terminal || width <= sb_terminal_columns(STDERR_FILENO)) {
        print_clean(p, head);
        fputs(" ", p->screen);
        print_clean(p, sb_buf_str(&outcome));
        print_painted(p, SB_YELLOW, sb_buf_str(&flags));
        fprintf(p->screen, " (%s)", took);
    } else {
        sb_buf_addf(&outcome, " (%s)", took);
        print_filled(p, "", head);
        fputs("\n    ", p->screen);
        print_filled(p, "", sb_buf_str(&outcome));
        fputs(flags.len ? "\n    " : "", p->screen);
        print_filled(p, SB_YELLOW, sb_buf_str(&flags));
    }
    fputs("\n", p->screen);
    sb_buf_release(&outcome);
    sb_buf_release(&flags);
    free(head);
}

void sb_progress_ended(struct sb_progress *p, size_t cell) {
    const struct sb_cell *c = &p->results->cells[cell];
    end_launch(p, c->status == SB_OK);
    p->n_ended++;
    if (p->quiet)
        return;
    struct sb_buf took = SB_BUF_INIT(32);
    sb_format_duration(&took, p->cell_s[cell]);
    print_ended(p, c, sb_buf_str(&took));
    sb_buf_release(&took);
    if (p->verbose)
        say_overhead(p, c);
}
