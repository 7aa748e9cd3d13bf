/* stratobench plot: stored results -> an SVG chart. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "cli_sets.h"
#include "cmd.h"
#include "stratobench/base.h"
#include "stratobench/plot.h"

enum { CHART_MAX_BYTES = 64 << 20 };

static const char help[] =
    "usage: stratobench plot [options] RESULTS.json... -o CHART.svg\n"
    "\n"
    "Draws PP, TG and load by model and backend as bars with their standard deviation, and PP\n"
    "and TG over depth as lines where several depths were measured. Needs gnuplot. The chart\n"
    "follows the reader's light or dark scheme; the same results give the same bytes.\n"
    "\n"
    "  -o, --output FILE  where to write, a name that ends in .svg (replaced if it is there);\n"
    "                     - for standard output\n"
    "  -h, --help         show this help\n"
    "\n"
    "Exit codes: 0 done; 2 bad usage, a file that cannot be read or written, or no gnuplot.\n";

static bool ends_in_svg(const char *name) {
    size_t n = strlen(name);
    return n > 4 && strcmp(name + n - 4, ".svg") == 0;
}

static int plot(const char *output, char *const *paths, size_t n) {
    struct sb_cli_sets sets;
    int rc = sb_cli_load_sets("plot", paths, n, &sets);
    if (rc)
        return rc;
    struct sb_buf svg = SB_BUF_INIT(CHART_MAX_BYTES), error = SB_BUF_INIT(SB_ERR_MAX);
    bool to_stdout = strcmp(output, "-") == 0;
    int failed = sb_plot_svg(sets.pointers, sets.n, &svg, &error);
    if (!failed && !to_stdout)
        failed = sb_file_replace(output, sb_buf_str(&svg), svg.len, &error);
    if (failed) {
        fprintf(stderr, "stratobench plot: %s\n", sb_buf_str(&error));
        rc = SB_EXIT_USAGE;
    } else if (to_stdout) {
        rc = sb_cli_print("plot", &svg);
    }
    sb_buf_release(&svg);
    sb_buf_release(&error);
    sb_cli_sets_release(&sets);
    return rc;
}

int sb_cmd_plot(int argc, char **argv) {
    static const struct option options[] = {
        {"output", required_argument, NULL, 'o'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    const char *output = NULL;
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":o:h", options, NULL)) != -1;) {
        if (c == 'o') {
            output = optarg;
        } else if (c == 'h') {
            fputs(help, stdout);
            return SB_EXIT_OK;
        } else {
            return sb_cli_bad_option(c, argv, options);
        }
    }
    if (optind == argc)
        return sb_cli_usage_error("plot", "no results file given");
    if (!output)
        return sb_cli_usage_error("plot", "where to write? give -o CHART.svg");
    if (strcmp(output, "-") != 0 && !ends_in_svg(output))
        return sb_cli_usage_error("plot", "'%s' does not end in .svg; nothing was written", output);
    return plot(output, argv + optind, (size_t)(argc - optind));
}
