/* stratobench compare: the regression gate. */
#include <math.h>
#include <stdio.h>

#include "cli.h"
#include "cli_sets.h"
#include "cmd.h"
#include "stratobench/text.h"
#include "stratobench/verdict.h"

enum format { FORMAT_TEXT, FORMAT_MARKDOWN, FORMAT_JSON, N_FORMATS };
static const char *const format_names[] = {"text", "markdown", "json", NULL};
static void (*const writers[N_FORMATS])(const struct sb_comparison *c, struct sb_buf *ret) = {
    sb_comparison_text, sb_comparison_markdown, sb_comparison_json};

struct request {
    struct sb_compare_options options;
    double max_drop; /* NaN: not given */
    struct sb_strv base;
    const char *backends[2]; /* OLD, NEW, or NULL */
    int format;
    bool ci, bisect;
};

static int print(const struct request *r, const struct sb_comparison *c) {
    struct sb_buf out = SB_BUF_INIT(SB_RESULTS_MAX_BYTES);
    struct sb_buf annotations = SB_BUF_INIT(SB_RESULTS_MAX_BYTES);
    bool screen = r->format == FORMAT_TEXT && !r->ci;
    if (screen)
        sb_comparison_screen(c, sb_cli_columns(), &out);
    else
        writers[r->format](c, &out);
    if (r->ci)
        sb_comparison_annotations(c, &annotations);
    if (r->format == FORMAT_TEXT && r->ci) {
        struct sb_buf inert = SB_BUF_INIT(SB_RESULTS_MAX_BYTES);
        sb_github_inert(&inert, sb_buf_str(&out));
        sb_buf_add(&inert, sb_buf_str(&annotations), annotations.len);
        sb_buf_release(&out);
        out = inert;
    } else {
        fputs(sb_buf_str(&annotations), stderr);
    }
    int rc = screen ? sb_cli_print_lines("compare", &out) : sb_cli_print("compare", &out);
    sb_buf_release(&out);
    sb_buf_release(&annotations);
    return rc;
}

static int compare_sets(const struct request *r, const struct sb_cli_sets *base,
                        const struct sb_cli_sets *new) {
    struct sb_comparison c;
    sb_comparison_make(base->pointers, base->n, new->pointers, new->n, &r->options, &c);
    int rc = print(r, &c);
    if (rc == SB_EXIT_OK)
        rc = c.exit_code;
    sb_comparison_release(&c);
    return rc;
}

static int bisect_says(const struct sb_comparison *c) {
    int rc = sb_comparison_bisect(c);
    fprintf(stderr, "bisect: %s\n", rc == 0 ? "good" : rc == 1 ? "bad" : "cannot tell");
    return rc;
}

static int compare_backends(const struct request *r, const struct sb_operands *files) {
    struct sb_cli_sets sets;
    int rc = sb_cli_load_sets("compare", files->item, files->n, &sets);
    if (rc)
        return rc;
    struct sb_comparison c;
    struct sb_buf error = SB_BUF_INIT(SB_ERR_MAX);
    if (sb_comparison_make_paired(sets.pointers, sets.n, r->backends[0], r->backends[1],
                                  &r->options, &c, &error) < 0) {
        rc = sb_cli_fail("compare", sb_buf_str(&error));
    } else {
        rc = print(r, &c);
        if (rc == SB_EXIT_OK)
            rc = r->bisect ? bisect_says(&c) : c.exit_code;
        sb_comparison_release(&c);
    }
    sb_buf_release(&error);
    sb_cli_sets_release(&sets);
    return rc;
}

static int compare_files(const struct request *r, const struct sb_operands *files) {
    struct sb_cli_sets base, new;
    size_t first_new = r->base.n ? 0 : 1;
    if (files->n == first_new)
        return sb_cli_usage_error("compare", "two results files are needed, BASE and NEW");
    int rc = sb_cli_load_sets("compare", r->base.n ? r->base.item : files->item,
                              r->base.n + first_new, &base);
    if (rc)
        return rc;
    rc = sb_cli_load_sets("compare", files->item + first_new, files->n - first_new, &new);
    if (rc == 0) {
        rc = compare_sets(r, &base, &new);
        sb_cli_sets_release(&new);
    }
    sb_cli_sets_release(&base);
    return rc;
}

static int compare(const void *options, const struct sb_operands *files) {
    struct request r = *(const struct request *)options;
    bool paired = r.backends[0];
    if (!paired && r.bisect)
        return sb_cli_usage_error("compare", "--bisect needs --backends OLD NEW");
    if (paired && r.base.n)
        return sb_cli_usage_error("compare", "--base and --backends exclude each other");
    if (!isnan(r.max_drop))
        r.options.max_drop = r.max_drop;
    else if (paired)
        r.options.max_drop = SB_GATE_LEAST_DROP_PAIRED;
    return paired ? compare_backends(&r, files) : compare_files(&r, files);
}

static int exit_code(const void *options, int rc) {
    enum { CANNOT_TELL = 125 }; /* of sb_comparison_bisect; git would take a 2 for "bad" */
    return ((const struct request *)options)->bisect && rc == SB_EXIT_USAGE ? CANNOT_TELL : rc;
}

static const struct sb_option table[] = {
    {"backends", 0, SB_OPTION_TWO, offsetof(struct request, backends), "OLD NEW",
     .help = "compare two backends of R.json, such as an old and a new build, launch by launch in "
             "the order they were made: what the machine did to both of a pair cancels. --max-drop "
             "is 2.5% then"},
    {"bisect", 0, SB_OPTION_FLAG, offsetof(struct request, bisect),
     .help = "with --backends, exit as `git bisect run` wants it: 0 good, 1 bad, 125 cannot tell. "
             "Set --max-drop to half of the loss that is hunted; the manual page has a recipe"},
    {"base", 'b', SB_OPTION_LIST, offsetof(struct request, base), "FILE",
     .help = "one more file of BASE; with it every file after the options belongs to NEW. Several "
             "files a "
             "side make one set, in which the newer result of a cell stands",
     .files = "*.json"},
    {"max-drop", 'd', SB_OPTION_SHARE, offsetof(struct request, max_drop), "SHARE",
     .help = "drop that is tolerated in any case (default 5%)"},
    {"assumed-spread", 's', SB_OPTION_SHARE, offsetof(struct request, options.assumed_spread),
     "SHARE",
     .help = "spread between launches where a side has one launch (default 2%; more where its runs "
             "leave "
             "the mean less certain)"},
    {"margin", 'm', SB_OPTION_SHARE, offsetof(struct request, options.margin), "SHARE",
     .help = "two speeds within it are a tie (default 3%)"},
    {"force", 0, SB_OPTION_FLAG, offsetof(struct request, options.force),
     .help = "compare cells that were made under different conditions"},
    {"allow-missing", 0, SB_OPTION_FLAG, offsetof(struct request, options.allow_missing),
     .help = "cells of BASE that NEW lacks do not matter"},
    {"format", 'f', SB_OPTION_CHOICE, offsetof(struct request, format), "FORMAT",
     .help = "text (default), markdown or json", .choices = format_names},
    {"ci", 0, SB_OPTION_FLAG, offsetof(struct request, ci),
     .help = "a GitHub annotation line (::error ...) for each regression: on standard output with "
             "text, else on standard error"},
    {0},
};

const struct sb_command sb_cmd_compare = {
    .name = "compare",
    .usage = "[options] BASE.json NEW.json...\n"
             "       stratobench compare [options] R.json... --backends OLD NEW",
    .summary = "tell a regression from noise, for CI",
    .about = "Says whether NEW has lost speed against BASE, cell by cell: the ratio of speeds, its "
             "95 % interval, a verdict, and the gate. PP and TG are gated at every prompt and "
             "depth; the load is shown.",
    .notes =
        "A regression is a drop beyond both --max-drop and what noise can do (3 x sqrt(2) x "
        "the spread between launches), or a cell that was ok and now is not. A drop between "
        "the two is inconclusive where its whole 95 % interval is a loss: measure more "
        "launches. Any other is no regression, whatever its verdict; how much the noise can "
        "hide is said. Cells whose fingerprints differ (model bytes, arguments, prompt, "
        "n_predict, ctx, device) or that another machine made (CPU, memory, GPUs, node) are not "
        "comparable, and what differs is named; another kernel, driver or setting of the same "
        "machine is what is compared, and named, too.\n\n"
        "Exit codes: 0 no regression; 1 a regression, whatever else; 3 none, but a drop is "
        "inconclusive, a cell is missing, pending or not comparable, or nothing was compared; "
        "2 bad usage, or a file that cannot be read (125 with --bisect).",
    .options = table,
    .defaults = &(const struct request){.options = SB_COMPARE_DEFAULT, .max_drop = NAN},
    .options_size = sizeof(struct request),
    .operand = "results file",
    .files = "*.json",
    .run = compare,
    .exit_code = exit_code,
};
