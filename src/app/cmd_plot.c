/* stratobench plot: stored results -> an SVG chart. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "cli_sets.h"
#include "cmd.h"
#include "stratobench/base.h"
#include "stratobench/plot.h"

enum { CHART_MAX_BYTES = 64 << 20 };

struct options {
    const char *output;
};

static int draw(const struct options *o, const struct sb_cli_sets *sets) {
    struct sb_buf svg = SB_BUF_INIT(CHART_MAX_BYTES), error = SB_BUF_INIT(SB_ERR_MAX);
    int rc = sb_plot_svg(sets->pointers, sets->n, &svg, &error) < 0
                 ? sb_cli_fail("plot", sb_buf_str(&error))
                 : sb_cli_write("plot", o->output, &svg);
    sb_buf_release(&svg);
    sb_buf_release(&error);
    return rc;
}

static int plot(const void *options, const struct sb_operands *files) {
    const struct options *o = options;
    if (!o->output)
        return sb_cli_usage_error("plot", "where to write? give -o CHART.svg");
    int rc = sb_cli_check_svg("plot", o->output);
    if (rc)
        return rc;
    struct sb_cli_sets sets;
    rc = sb_cli_load_sets("plot", files->item, files->n, &sets);
    if (rc)
        return rc;
    rc = draw(o, &sets);
    sb_cli_sets_release(&sets);
    return rc;
}

static const struct sb_option table[] = {
    {"output", 'o', SB_OPTION_TEXT, offsetof(struct options, output), "FILE",
     .help = "where to write, a name that ends in .svg; - for standard output", .files = "*.svg"},
    {0},
};

const struct sb_command sb_cmd_plot = {
    .name = "plot",
    .usage = "[options] RESULTS.json... -o CHART.svg",
    .summary = "draw the results as an SVG chart",
    .about = "Draws PP, TG and load by model and backend as bars with their standard deviation, "
             "and PP and TG over depth, and over requests at once, as lines where several were "
             "measured. "
             "Needs gnuplot. "
             "The chart follows the reader's light or dark scheme; the same results give the same "
             "bytes.",
    .notes = "Exit codes: 0 done; 2 bad usage, a file that cannot be read or written, or no "
             "gnuplot.",
    .options = table,
    .options_size = sizeof(struct options),
    .operand = "results file",
    .files = "*.json",
    .run = plot,
};
