/* stratobench rank: which backend to default to, from stored results. */
#include <math.h>
#include <stdio.h>

#include "cli.h"
#include "cli_sets.h"
#include "cmd.h"
#include "stratobench/verdict.h"

enum format { TEXT, MARKDOWN };
static const char *const formats[] = {[TEXT] = "text", [MARKDOWN] = "markdown", NULL};

/* As the table of named ones has them; a test compares. */
static const char *const workloads[] = {"chat", "rag", "agent", "turns", NULL};

struct options {
    struct sb_workload workload;
    int named; /* of workloads; -1: that of the numbers */
    double slots;
    int format;
};

/* What to rank by. False after an error: numbers beside a name would change nothing. */
static bool choose_workload(const struct options *o, struct sb_workload *ret) {
    static const struct sb_workload usual = SB_WORKLOAD_DEFAULT;
    const struct sb_workload_part *given = &o->workload.part[0], *part = &usual.part[0];
    *ret = o->workload;
    ret->slots = (int)o->slots;
    if (o->slots != floor(o->slots)) {
        sb_cli_usage_error("rank", "--slots %g: expected a whole number", o->slots);
        return false;
    }
    if (o->named < 0)
        return true;
    if (given->prompt_tokens != part->prompt_tokens || given->gen_tokens != part->gen_tokens) {
        sb_cli_usage_error("rank", "--workload %s and a number of tokens: give one of them",
                           workloads[o->named]);
        return false;
    }
    *ret = *sb_workload_named(workloads[o->named]);
    if (ret->played && o->workload.requests_per_load > 0) {
        sb_cli_usage_error("rank", "--workload turns is what was measured: no load is in it");
        return false;
    }
    if (ret->played && o->slots > 0) {
        sb_cli_usage_error("rank", "--workload turns is played by one: no --slots goes with it");
        return false;
    }
    ret->requests_per_load = o->workload.requests_per_load;
    ret->slots = (int)o->slots;
    return true;
}

static bool has_slots(const struct sb_cli_sets *sets, int slots) {
    for (size_t i = 0; i < sets->n; i++)
        for (size_t c = 0; c < sets->pointers[i]->n_cells; c++)
            for (size_t p = 0; p < sets->pointers[i]->cells[c].n_points; p++)
                if (sets->pointers[i]->cells[c].points[p].at.slots == slots)
                    return true;
    return false;
}

static int rank(const void *options, const struct sb_operands *files) {
    const struct options *o = options;
    struct sb_cli_sets sets;
    struct sb_workload workload;
    if (!choose_workload(o, &workload))
        return SB_EXIT_USAGE;
    if (o->workload.part[0].prompt_tokens + o->workload.part[0].gen_tokens <= 0)
        return sb_cli_usage_error("rank", "a request of no tokens takes no time");
    int rc = sb_cli_load_sets("rank", files->item, files->n, &sets);
    if (rc)
        return rc;
    if (workload.slots && !has_slots(&sets, workload.slots)) {
        sb_cli_sets_release(&sets);
        return sb_cli_usage_error("rank",
                                  "--slots %d: nothing was measured with so many requests at "
                                  "once",
                                  workload.slots);
    }
    struct sb_buf out = SB_BUF_INIT(SB_RESULTS_MAX_BYTES);
    if (o->format == TEXT)
        sb_rank_screen(sets.pointers, sets.n, &workload, sb_cli_columns(), &out);
    else
        sb_rank_markdown(sets.pointers, sets.n, &workload, &out);
    rc = o->format == TEXT ? sb_cli_print_lines("rank", &out) : sb_cli_print("rank", &out);
    sb_buf_release(&out);
    sb_cli_sets_release(&sets);
    return rc;
}

static const struct sb_option table[] = {
    {"workload", 'w', SB_OPTION_CHOICE, offsetof(struct options, named), "NAME",
     .help = "a mix of requests, prompt+generated tokens:\n"
             "chat: 300+250, then 120+250 at depths of 2048 and 4096;\n"
             "rag: 6000+300, then 200+300 at 6144;\n"
             "agent: 4000+200, then 2× 1200+150 at 4096, 2× at 16384, 1× at 32768;\n"
             "turns: the conversations that were played, as measured",
     .choices = workloads},
    {"slots", 's', SB_OPTION_NUMBER, offsetof(struct options, slots), "N",
     .help = "rank by what was measured with N requests at once\n"
             "(default: the first number in the file)",
     .least = 1, .most = SB_MOST_SLOTS},
    {"prompt-tokens", 'p', SB_OPTION_NUMBER,
     offsetof(struct options, workload.part[0].prompt_tokens), "N",
     .help = "prompt of a request (default 600)", .most = 1e9},
    {"gen-tokens", 'g', SB_OPTION_NUMBER, offsetof(struct options, workload.part[0].gen_tokens),
     "N", .help = "tokens generated for it (default 128)", .most = 1e9},
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
             "counted. Of several at once PP and TG are of all of them: it is then a request's "
             "share of the time that they take together.\n\n"
             "Exit codes: 0 done; 2 bad usage, or a file that cannot be read.",
    .options = table,
    .defaults = &(const struct options){.workload = SB_WORKLOAD_DEFAULT, .named = -1},
    .options_size = sizeof(struct options),
    .operand = "results file",
    .files = "*.json",
    .run = rank,
};
