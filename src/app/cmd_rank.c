/* stratobench rank: which backend to default to, from stored results. */
#include <stdio.h>

#include "cli.h"
#include "cli_sets.h"
#include "cmd.h"
#include "stratobench/verdict.h"

enum format { TEXT, MARKDOWN };
static const char *const formats[] = {[TEXT] = "text", [MARKDOWN] = "markdown", NULL};

struct options {
    struct sb_workload workload;
    int format;
};

static int rank(const void *options, const struct sb_operands *files) {
    const struct options *o = options;
    struct sb_cli_sets sets;
    if (o->workload.prompt_tokens + o->workload.gen_tokens <= 0)
        return sb_cli_usage_error("rank", "a request of no tokens takes no time");
    int rc = sb_cli_load_sets("rank", files->item, files->n, &sets);
    if (rc)
        return rc;
    struct sb_buf out = SB_BUF_INIT(SB_RESULTS_MAX_BYTES);
    if (o->format == TEXT)
        sb_rank_screen(sets.pointers, sets.n, &o->workload, sb_cli_columns(), &out);
    else
        sb_rank_markdown(sets.pointers, sets.n, &o->workload, &out);
    rc = o->format == TEXT ? sb_cli_print_lines("rank", &out) : sb_cli_print("rank", &out);
    sb_buf_release(&out);
    sb_cli_sets_release(&sets);
    return rc;
}

static const struct sb_option table[] = {
    {"prompt-tokens", 'p', SB_OPTION_NUMBER, offsetof(struct options, workload.prompt_tokens), "N",
     .help = "prompt of a request (default 600)", .most = 1e9},
    {"gen-tokens", 'g', SB_OPTION_NUMBER, offsetof(struct options, workload.gen_tokens), "N",
     .help = "tokens generated for it (default 128)", .most = 1e9},
    {"requests-per-load", 'r', SB_OPTION_NUMBER,
     offsetof(struct options, workload.requests_per_load), "N",
     .help = "share one load among N requests (default: loads not counted)", .most = 1e9},
    {"format", 'f', SB_OPTION_CHOICE, offsetof(struct options, format), "FORMAT",
     .help = "text (default) or markdown", .choices = formats},
    {0},
};

const struct sb_command sb_cmd_rank = {
    .name = "rank",
    .usage = "[options] RESULTS.json...",
    .summary = "say which backend to default to",
    .about = "Says which backend to default to: for each model the fastest for a workload, for PP, "
             "TG and load, with the ratio of the others to it, its 95 % interval and a verdict "
             "(faster, slower, tie, inconclusive); over the models that all backends finished the "
             "geometric mean, the worst case and wins, ties and losses. Cells that failed are "
             "named first and enter no mean. Files with the same title make one section, in which "
             "the newer result of a cell stands; each section is ranked by itself.",
    .notes = "The time of a request is N_prompt/PP + N_gen/TG, and load/N where loads are "
             "counted.\n\n"
             "Exit codes: 0 done; 2 bad usage, or a file that cannot be read.",
    .options = table,
    .defaults = &(const struct options){.workload = SB_WORKLOAD_DEFAULT},
    .options_size = sizeof(struct options),
    .operand = "results file",
    .files = "*.json",
    .run = rank,
};
