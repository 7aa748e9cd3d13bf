/* stratobench rank: which backend to default to, from stored results. */
#include <stdio.h>

#include "cli.h"
#include "cli_sets.h"
#include "cmd.h"
#include "stratobench/verdict.h"

static const char help[] =
    "usage: stratobench rank [options] RESULTS.json...\n"
    "\n"
    "Says which backend to default to: for each model the fastest for a workload, for PP, TG\n"
    "and load, with the ratio of the others to it, its 95 % interval and a verdict (faster,\n"
    "slower, tie, inconclusive); over the models that all backends finished the geometric\n"
    "mean, the worst case and wins, ties and losses. Cells that failed are named first and\n"
    "enter no mean. Files with the same title make one section, in which the newer result of\n"
    "a cell stands; each section is ranked by itself.\n"
    "\n"
    "  -p, --prompt-tokens N      prompt of a request (default 600)\n"
    "  -g, --gen-tokens N         tokens generated for it (default 128)\n"
    "  -r, --requests-per-load N  share one load among N requests (default: loads not counted)\n"
    "  -f, --format FORMAT        text (default) or markdown\n"
    "  -h, --help                 show this help\n"
    "\n"
    "The time of a request is N_prompt/PP + N_gen/TG, and load/N where loads are counted.\n"
    "\n"
    "Exit codes: 0 done; 2 bad usage, or a file that cannot be read.\n";

typedef int rank_writer(const struct sb_results *const *sets, size_t n, const struct sb_workload *w,
                        struct sb_buf *ret);

static int rank(rank_writer *write_rank, const struct sb_workload *w, char *const *paths,
                size_t n) {
    struct sb_cli_sets sets;
    int rc = sb_cli_load_sets("rank", paths, n, &sets);
    if (rc)
        return rc;
    struct sb_buf out = SB_BUF_INIT(SB_RESULTS_MAX_BYTES);
    write_rank(sets.pointers, sets.n, w, &out);
    rc = sb_cli_print("rank", &out);
    sb_buf_release(&out);
    sb_cli_sets_release(&sets);
    return rc;
}

int sb_cmd_rank(int argc, char **argv) {
    static const struct option options[] = {
        {"prompt-tokens", required_argument, NULL, 'p'},
        {"gen-tokens", required_argument, NULL, 'g'},
        {"requests-per-load", required_argument, NULL, 'r'},
        {"format", required_argument, NULL, 'f'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    static const char *const formats[] = {"text", "markdown"};
    static rank_writer *const writers[] = {sb_rank_text, sb_rank_markdown};
    struct sb_workload w = SB_WORKLOAD_DEFAULT;
    int format = 0;
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":p:g:r:f:h", options, NULL)) != -1;) {
        double *number = c == 'p'   ? &w.prompt_tokens
                         : c == 'g' ? &w.gen_tokens
                         : c == 'r' ? &w.requests_per_load
                                    : NULL;
        if (number) {
            if (!sb_cli_number(optarg, 0, 1e9, number))
                return sb_cli_usage_error("rank", "'%s' is no number of at least 0", optarg);
        } else if (c == 'f') {
            format = sb_cli_choice(optarg, formats, 2);
            if (format < 0)
                return sb_cli_unknown("rank", "format", optarg, formats, 2);
        } else if (c == 'h') {
            fputs(help, stdout);
            return SB_EXIT_OK;
        } else {
            return sb_cli_bad_option(c, argv, options);
        }
    }
    if (optind == argc)
        return sb_cli_usage_error("rank", "no results file given");
    if (w.prompt_tokens + w.gen_tokens <= 0)
        return sb_cli_usage_error("rank", "a request of no tokens takes no time");
    return rank(writers[format], &w, argv + optind, (size_t)(argc - optind));
}
