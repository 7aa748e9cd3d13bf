/* How a run ends, as a person reads it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "again.h"
#include "plan_print.h"
#include "results_print.h"
#include "screen.h"
#include "session.h"
#include "stratobench/text.h"
#include "stratobench/verdict.h"
#include "terminal.h"

/* When quiet, in a line each. */
static void print_failures(const struct session *s) {
    for (size_t i = 0; i < s->config.n_cells; i++) {
        const struct sb_cell *c = &s->plan.results.cells[i];
        if (c->status == SB_OK || c->status == SB_PENDING || !s->config.cells[i].selected)
            continue;
        char *text = sb_asprintf("%s / %s: %s: %s", c->model.label, c->backend.label,
                                 sb_status_name(c->status), c->reason ? c->reason : "");
        fputs(s->o->quiet ? "" : "\n", s->progress.screen);
        sb_print_indented(s->progress.screen, text, 0);
        if (!s->o->quiet)
            sb_print_indented(s->progress.screen, c->detail, 8);
        free(text);
    }
}

static void print_where(const struct session *s) {
    const char *chart = s->drawn ? s->out.chart : NULL;
    if (!s->o->quiet)
        fprintf(s->progress.screen, "\nwritten: %s, %s, %s%s%s/\n", s->out.markdown, s->out.json,
                chart ? chart : "", chart ? ", " : "", s->out.logs);
    if (s->unsaved || s->unrendered)
        fprintf(s->progress.screen, "NOT everything is in it: %s could not be written\n",
                s->unsaved ? s->out.json : s->out.markdown);
}

static void print_table(const struct session *s) {
    struct sb_buf text = SB_BUF_INIT(1 << 24);
    sb_results_table(&s->plan.results, sb_terminal_columns(STDOUT_FILENO),
                     sb_terminal_is_live(STDOUT_FILENO), &text);
    printf("\n%s", sb_buf_str(&text));
    fflush(stdout);
    sb_buf_release(&text);
}

/* The last line of a run: which backend. Nothing where no model ran on two. */
static void print_verdict(const struct session *s) {
    struct sb_rank rank;
    struct sb_buf sentence = SB_BUF_INIT(SB_ERR_MAX), filled = SB_BUF_INIT(SB_ERR_MAX);
    bool worth = false;
    sb_rank(&s->plan.results, NULL, &(struct sb_workload)SB_WORKLOAD_DEFAULT, &rank);
    for (size_t i = 0; i < rank.n_models; i++)
        worth |= rank.models[i].n > 1;
    if (worth && s->config.bench.summary) {
        fprintf(s->progress.screen, "tables:  stratobench rank %s\n", s->out.json);
        sb_rank_sentence(&rank, SB_STYLE_TEXT, &sentence);
        sb_text_fill(&filled, sb_buf_str(&sentence), 0, sb_terminal_columns(STDOUT_FILENO));
        printf("\n%s\n", sb_buf_str(&filled));
        fflush(stdout);
    }
    sb_buf_release(&sentence);
    sb_buf_release(&filled);
    sb_rank_release(&rank);
}

bool sb_run_summary(const struct session *s) {
    if (!s->o->quiet)
        print_table(s);
    print_failures(s);
    print_where(s);
    if (!s->o->quiet)
        print_verdict(s);
    bool printed = fflush(stdout) == 0 && !ferror(stdout);
    if (!printed)
        fprintf(stderr, "stratobench run: standard output: %s\n", strerror(errno));
    return printed;
}

void sb_run_how_to_resume(const struct session *s, int signal_number, size_t n_done) {
    const struct run_options *o = s->o;
    const struct sb_again again = {
        .config_file = s->config_file,
        .stem = s->out.stem,
        .selection = &o->selection,
        .flags = {o->force_memory ? "--force-memory" : NULL,
                  o->allow_concurrent ? "--allow-concurrent" : NULL,
                  o->log_results ? "--log-results" : NULL},
    };
    struct sb_buf command = SB_BUF_INIT(SB_ERR_MAX);
    sb_again_command(&again, &s->config, &command);
    fprintf(s->progress.screen,
            "\ninterrupted (%s): %zu of %zu cells are done and saved\nresume with: %s\n",
            sb_signal_name(signal_number), n_done, s->config.n_selected, sb_buf_str(&command));
    sb_buf_release(&command);
}
