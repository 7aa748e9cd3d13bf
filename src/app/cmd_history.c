/* stratobench history: one cell over builds and dates. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "cli_sets.h"
#include "cmd.h"
#include "stratobench/plot.h"
#include "stratobench/verdict.h"

enum { CHART_MAX_BYTES = 64 << 20 };

enum format { TEXT, MARKDOWN };
static const char *const formats[] = {[TEXT] = "text", [MARKDOWN] = "markdown", NULL};

struct options {
    const char *output, *model, *backend;
    int format;
};

static int draw(const struct options *o, const struct sb_history *h) {
    struct sb_buf svg = SB_BUF_INIT(CHART_MAX_BYTES), error = SB_BUF_INIT(SB_ERR_MAX);
    struct sb_results lines = sb_history_lines(h);
    int rc = sb_plot_history_svg(&lines, &svg, &error) < 0
                 ? sb_cli_fail("history", sb_buf_str(&error))
                 : sb_cli_write("history", o->output, &svg);
    sb_results_release(&lines);
    sb_buf_release(&svg);
    sb_buf_release(&error);
    return rc;
}

static int print(const struct options *o, const struct sb_history *h) {
    struct sb_buf out = SB_BUF_INIT(SB_RESULTS_MAX_BYTES);
    if (o->format == TEXT)
        sb_history_screen(h, sb_cli_columns(), &out);
    else
        sb_history_markdown(h, &out);
    int rc =
        o->format == TEXT ? sb_cli_print_lines("history", &out) : sb_cli_print("history", &out);
    sb_buf_release(&out);
    return rc;
}

static int history(const void *options, const struct sb_operands *files) {
    const struct options *o = options;
    struct sb_cli_sets sets;
    struct sb_history h;
    int rc = o->output ? sb_cli_check_svg("history", o->output) : 0;
    if (rc == 0)
        rc = sb_cli_load_sets("history", files->item, files->n, &sets);
    if (rc)
        return rc;
    sb_history_make(sets.pointers, sets.n, o->model, o->backend, &h);
    if (h.n == 0)
        rc = sb_cli_fail("history", "no cell of these files is selected");
    else if (o->output)
        rc = draw(o, &h);
    if (rc == SB_EXIT_OK && h.n && !(o->output && strcmp(o->output, "-") == 0))
        rc = print(o, &h);
    sb_history_release(&h);
    sb_cli_sets_release(&sets);
    return rc;
}

static const struct sb_option table[] = {
    {"output", 'o', SB_OPTION_TEXT, offsetof(struct options, output), "FILE",
     .help = "also draw PP and TG over the looks as lines, to a name that ends in .svg; - for the "
             "drawing alone on standard output",
     .files = "*.svg"},
    {"model", 0, SB_OPTION_TEXT, offsetof(struct options, model), "GLOB",
     .help = "only models whose id or label matches"},
    {"backend", 0, SB_OPTION_TEXT, offsetof(struct options, backend), "GLOB",
     .help = "only backends whose id or label matches"},
    {"format", 'f', SB_OPTION_CHOICE, offsetof(struct options, format), "FORMAT",
     .help = "text (default) or markdown", .choices = formats},
    {0},
};

const struct sb_command sb_cmd_history = {
    .name = "history",
    .usage = "[options] RESULTS.json...",
    .summary = "show a backend over builds and dates, and where it stepped",
    .about = "Every file is one look at the cells in it. For each model and backend a table of the "
             "looks in the order of their dates: build, PP and TG, and how far they are from the "
             "mean since the last step. A step is what compare would call a regression against all "
             "looks since the last, or such a gain; the first of each model and backend is named. "
             "Where the settings differ, the comparison begins anew and what differs is named.",
    .notes = "Exit codes: 0 done; 2 bad usage, a file that cannot be read or written, or no "
             "gnuplot.",
    .options = table,
    .options_size = sizeof(struct options),
    .operand = "results file",
    .files = "*.json",
    .run = history,
};
